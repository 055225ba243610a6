//! IP defragmentation (RFC 791, 815, 8200 section 4.5), bounded, with the overlap policies of hosts.
//!
//! Two hosts may read the same overlapping fragments differently (Ptacek and Newsham 1998; Novak,
//! "Target-based fragmentation reassembly", 2005), so which bytes win is a choice, and every
//! overlap is an event.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::decode::{Fragment, Headers, checksum, events};
use crate::field::Event;
use crate::net::VLAN_LAYERS_MAX;
use crate::time::{Duration, Timestamp};

/// How many fragments one datagram may have. The smallest link of IPv6 needs 52 for the largest.
pub const FRAGMENTS_MAX: usize = 2048;

/// The largest IP packet, bytes.
pub const PACKET_MAX: usize = 65_535;

/// Which of two overlapping fragments is believed, as kinds of hosts do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// The earlier to arrive, always.
    First,
    /// The later to arrive, always.
    Last,
    /// The earlier, unless the later begins before it.
    #[default]
    Bsd,
    /// The earlier, unless the later begins before it or where it does.
    Linux,
    /// The earlier, unless the later begins before and ends after it.
    Windows,
    /// The earlier, unless the later begins before it and ends where it does or after.
    Solaris,
}

impl Overlap {
    /// Whether `new` replaces what it shares with `old`; both are start and end.
    const fn new_wins(self, old: (u32, u32), new: (u32, u32)) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => new.0 < old.0,
            Self::Linux => new.0 <= old.0,
            Self::Windows => new.0 < old.0 && new.1 > old.1,
            Self::Solaris => new.0 < old.0 && new.1 >= old.1,
        }
    }
}

/// What defragmentation may use. The default is Suricata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefragLimits {
    /// Datagrams that are put together at one time.
    pub trackers: usize,
    /// Fragments held, of all datagrams.
    pub fragments: usize,
    /// Bytes of fragments held, of all datagrams.
    pub bytes: usize,
    /// How long the first fragment waits for the others, in packet time.
    pub timeout: Duration,
    /// Which fragment is believed.
    pub overlap: Overlap,
}

impl Default for DefragLimits {
    fn default() -> Self {
        Self {
            trackers: 65_535,
            fragments: 65_535,
            bytes: 32 << 20,
            timeout: Duration::from_secs(60),
            overlap: Overlap::Bsd,
        }
    }
}

impl DefragLimits {
    /// What one of the [`super::SHARDS`] shards of address pairs may use, so that what is given up does
    /// not hang on the number of workers: a 64th, since fragments come from few hosts at a time.
    #[must_use]
    pub const fn share(self) -> Self {
        const PART: usize = 64;
        Self {
            trackers: self.trackers.div_ceil(PART),
            fragments: self.fragments.div_ceil(PART),
            bytes: self.bytes.div_ceil(PART),
            ..self
        }
    }
}

/// What came of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefragOutcome {
    /// It is whole: go on as usual.
    NotFragment,
    /// It is kept, or was given up, and there is nothing to decode yet.
    Held,
    /// It was the last that was missing: the whole datagram, for `decode_network`.
    Complete(Vec<u8>),
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefragCounters {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams completed.
    pub completed: u64,
    /// Fragments that overlapped another.
    pub overlaps: u64,
    /// Datagrams given up after the timeout.
    pub timed_out: u64,
    /// Datagrams given up because a limit was reached; the oldest goes first.
    pub evicted: u64,
    /// Fragments not taken: empty, too large, or one too many.
    pub ignored: u64,
}

/// Puts fragments together.
pub struct Defrag {
    limits: DefragLimits,
    counters: DefragCounters,
    // Looked up and never walked: the order within cannot show.
    trackers: HashMap<Key, Tracker, foldhash::fast::RandomState>,
    /// Oldest first. May name trackers that are gone: `born` tells.
    ages: VecDeque<(u64, Timestamp, Key)>,
    fragments: usize,
    bytes: usize,
    born: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    protocol: u8,
    vlan: [u16; VLAN_LAYERS_MAX],
    tunnel: u32,
}

impl Key {
    fn of(headers: &Headers) -> Option<(Self, Fragment)> {
        let ip = headers.ip?;
        let key = Self {
            source: ip.source,
            destination: ip.destination,
            id: ip.id,
            // RFC 8200 does not count the protocol of IPv6: only the first fragment tells it.
            protocol: if ip.version == 4 { ip.protocol } else { u8::MAX },
            vlan: headers.vlan,
            tunnel: headers.tunnel,
        };
        Some((key, ip.fragment?))
    }
}

/// One datagram on its way.
#[derive(Default)]
struct Tracker {
    born: u64,
    /// Headers before the payload, from the fragment with offset 0.
    head: Vec<u8>,
    /// Where the payload ends, once the last fragment came.
    end: Option<u32>,
    /// Fragments as they arrived: where each begins, and its bytes.
    parts: Vec<(u32, Vec<u8>)>,
    /// What is believed of them. Sorted, disjoint.
    pieces: Vec<Piece>,
}

/// Bytes `start..end` of the datagram are those of fragment `part`.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    part: usize,
}

impl DefragCounters {
    /// Datagrams that never became whole, and fragments that were not taken.
    pub const fn dropped(&self) -> u64 {
        self.timed_out + self.evicted + self.ignored
    }
}

impl Defrag {
    /// With nothing held.
    pub fn new(limits: DefragLimits) -> Self {
        Self {
            limits,
            counters: DefragCounters::default(),
            trackers: HashMap::default(),
            ages: VecDeque::new(),
            fragments: 0,
            bytes: 0,
            born: 0,
        }
    }

    /// What was done so far.
    pub const fn counters(&self) -> DefragCounters {
        self.counters
    }

    /// Datagrams, fragments and bytes held now.
    pub fn held(&self) -> (usize, usize, usize) {
        (self.trackers.len(), self.fragments, self.bytes)
    }

    /// Takes the packet that `headers` describes, `bytes` being the slice that decoding gave with
    /// them. `event` is called for each rule of fragmentation that it breaks.
    #[inline]
    pub fn packet(
        &mut self,
        now: Timestamp,
        headers: &Headers,
        bytes: &[u8],
        event: &mut impl FnMut(&'static Event),
    ) -> DefragOutcome {
        match Key::of(headers) {
            None => DefragOutcome::NotFragment,
            Some((key, place)) => self.fragment(now, key, place, headers, bytes, event),
        }
    }

    fn fragment(
        &mut self,
        now: Timestamp,
        key: Key,
        place: Fragment,
        headers: &Headers,
        bytes: &[u8],
        event: &mut impl FnMut(&'static Event),
    ) -> DefragOutcome {
        let six = headers.ip.is_some_and(|ip| ip.version == 6);
        self.counters.fragments += 1;
        self.expire(now);
        let head = bytes.get(headers.ip_start as usize..headers.payload_start as usize);
        let (head, payload) = (head.unwrap_or_default(), headers.payload(bytes));
        let end = place.offset.saturating_add(payload.len() as u32);
        if end as usize + if six { 0 } else { head.len() } > PACKET_MAX {
            self.counters.ignored += 1;
            event(if six {
                &events::IPV6_FRAG_PKT_TOO_LARGE
            } else {
                &events::IPV4_FRAG_PKT_TOO_LARGE
            });
            return DefragOutcome::Held;
        }
        let overlap = self.limits.overlap;
        let taken = self.trackers.get(&key).map_or(0, |tracker| tracker.parts.len());
        if payload.is_empty() || taken >= FRAGMENTS_MAX {
            self.counters.ignored += 1;
            event(if six { &events::IPV6_FRAG_IGNORED } else { &events::IPV4_FRAG_IGNORED });
            return DefragOutcome::Held;
        }
        let tracker = self.tracker(now, key);
        let mut held = payload.len();
        if place.offset == 0 && tracker.head.is_empty() {
            tracker.head = head.to_vec();
            held += head.len();
        }
        if !place.more {
            tracker.end.get_or_insert(end);
        }
        let overlapped = tracker.insert(place.offset, payload, overlap);
        let whole = tracker.whole(six);
        self.fragments += 1;
        self.bytes += held;
        if overlapped {
            self.counters.overlaps += 1;
            event(if six { &events::IPV6_FRAG_OVERLAP } else { &events::IPV4_FRAG_OVERLAP });
        }
        match whole {
            Some(whole) => {
                self.counters.completed += 1;
                self.forget(&key);
                DefragOutcome::Complete(whole)
            }
            None => {
                self.shed(&key);
                DefragOutcome::Held
            }
        }
    }

    fn tracker(&mut self, now: Timestamp, key: Key) -> &mut Tracker {
        let (ages, born) = (&mut self.ages, &mut self.born);
        self.trackers.entry(key).or_insert_with(|| {
            *born += 1;
            ages.push_back((*born, now, key));
            Tracker { born: *born, ..Tracker::default() }
        })
    }

    /// Gives up what waited too long, seen from the oldest.
    fn expire(&mut self, now: Timestamp) {
        while let Some(&(born, since, key)) = self.ages.front() {
            let live = self.trackers.get(&key).is_some_and(|tracker| tracker.born == born);
            if live && now.since(since) < self.limits.timeout {
                break;
            }
            self.ages.pop_front();
            if live {
                self.counters.timed_out += 1;
                self.forget(&key);
            }
        }
        // Names of trackers that are gone may gather behind a live one.
        if self.ages.len() > 2 * self.trackers.len() + 64 {
            let trackers = &self.trackers;
            self.ages.retain(|(born, _, key)| trackers.get(key).is_some_and(|t| t.born == *born));
        }
    }

    /// Gives up the oldest until the limits hold; what just came is spared while there is another.
    fn shed(&mut self, newest: &Key) {
        let over = |defrag: &Self| {
            defrag.trackers.len() > defrag.limits.trackers
                || defrag.fragments > defrag.limits.fragments
                || defrag.bytes > defrag.limits.bytes
        };
        let mut spared = None;
        while over(self) {
            let Some((born, since, key)) = self.ages.pop_front() else { break };
            if self.trackers.get(&key).is_none_or(|tracker| tracker.born != born) {
                continue;
            }
            if key == *newest && self.trackers.len() > 1 {
                spared = Some((born, since, key));
                continue;
            }
            self.counters.evicted += 1;
            self.forget(&key);
        }
        if let Some(entry) = spared {
            self.ages.push_front(entry);
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(tracker) = self.trackers.remove(key) {
            self.fragments -= tracker.parts.len();
            let parts = tracker.parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
            self.bytes -= tracker.head.len() + parts;
        }
    }
}

impl Tracker {
    /// Adds a fragment; true when it overlapped what was there.
    fn insert(&mut self, start: u32, bytes: &[u8], overlap: Overlap) -> bool {
        let new = Piece { start, end: start + bytes.len() as u32, part: self.parts.len() };
        self.parts.push((start, bytes.to_vec()));
        if self.pieces.last().is_none_or(|last| last.end <= start) {
            self.pieces.push(new);
            return false;
        }
        let first = self.pieces.partition_point(|piece| piece.end <= start);
        let last = self.pieces.partition_point(|piece| piece.start < new.end);
        // No piece is shared when `first` reaches `last`: the new one goes between.
        let shared: Vec<Piece> = self.pieces.get(first..last).unwrap_or_default().to_vec();
        let mut merged = Vec::with_capacity(2 * shared.len() + 1);
        let mut at = start;
        for old in &shared {
            let bounds = self.bounds(old.part);
            if overlap.new_wins(bounds, (new.start, new.end)) {
                if old.start < new.start {
                    merged.push(Piece { end: new.start, ..*old });
                }
                if old.end > new.end {
                    merged.push(Piece { start: at, ..new });
                    merged.push(Piece { start: new.end, ..*old });
                    at = new.end;
                }
            } else {
                if at < old.start {
                    merged.push(Piece { start: at, end: old.start, ..new });
                }
                merged.push(*old);
                at = old.end;
            }
        }
        if at < new.end {
            merged.push(Piece { start: at, ..new });
        }
        self.pieces.splice(first..last.max(first), merged);
        !shared.is_empty()
    }

    /// Where a fragment began and ended when it came.
    fn bounds(&self, part: usize) -> (u32, u32) {
        self.parts.get(part).map_or((0, 0), |(start, bytes)| (*start, start + bytes.len() as u32))
    }

    /// The datagram, when nothing is missing.
    fn whole(&self, six: bool) -> Option<Vec<u8>> {
        let end = self.end.filter(|_| !self.head.is_empty())?;
        let mut at = 0;
        for piece in &self.pieces {
            if piece.start > at {
                break;
            }
            at = piece.end;
        }
        if at < end {
            return None;
        }
        let mut out = Vec::with_capacity(self.head.len() + end as usize);
        if six {
            head6(&self.head, end, &mut out)?
        } else {
            head4(&self.head, end, &mut out)?
        }
        for piece in self.pieces.iter().filter(|piece| piece.start < end) {
            let (start, bytes) = self.parts.get(piece.part)?;
            let range = (piece.start - start) as usize..(piece.end.min(end) - start) as usize;
            out.extend_from_slice(bytes.get(range)?);
        }
        Some(out)
    }
}

/// The IPv4 header of the whole: its length, no fragment, a checksum that holds.
fn head4(head: &[u8], payload: u32, out: &mut Vec<u8>) -> Option<()> {
    let length = u16::try_from(head.len() + payload as usize).ok()?;
    out.extend_from_slice(head);
    out.get_mut(2..4)?.copy_from_slice(&length.to_be_bytes());
    let flags = out.get_mut(6..8)?;
    // Reserved bit and "don't fragment" stay.
    let kept = flags.first().map_or(0, |byte| byte & 0xc0);
    flags.copy_from_slice(&[kept, 0]);
    out.get_mut(10..12)?.fill(0);
    let sum = checksum(out);
    out.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

/// The IPv6 headers of the whole: those before the fragment header, the last of which now names
/// what followed it.
fn head6(head: &[u8], payload: u32, out: &mut Vec<u8>) -> Option<()> {
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    let (kept, fragment) = head.split_at_checked(head.len().checked_sub(8)?)?;
    let next = *fragment.first()?;
    let extensions = kept.len().checked_sub(40)?;
    // More than the field can hold: as RFC 8200 section 4.5 says, it is given up.
    let length = u16::try_from(extensions + payload as usize).ok()?;
    out.extend_from_slice(kept);
    out.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
    // Walk the chain to the field that names the fragment header.
    let (mut field, mut at) = (6, 40);
    while at < kept.len() {
        let kind = *kept.get(field)?;
        let units = usize::from(*kept.get(at + 1)?);
        field = at;
        at += if kind == AUTHENTICATION { (units + 2) * 4 } else { (units + 1) * 8 };
    }
    let last = out.get_mut(field)?;
    if *last != FRAGMENT {
        return None;
    }
    *last = next;
    Some(())
}

#[cfg(test)]
mod tests;
