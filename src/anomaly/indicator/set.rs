//! What is looked for, filed so that one look-up finds it however much there is; and the handle
//! through which another thread puts a new set in its place without a stop.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::record::{Indicator, Observable};

/// Indicators of a set at most; what is beyond is left out.
pub const INDICATORS_MAX: usize = 200_000;
/// Indicators that name the same observable of which each is looked for: the surest.
pub const SAME_MAX: usize = 8;
/// Bytes of a name at most (RFC 1035, 2.3.4).
const NAME_BYTES_MAX: usize = 255;
/// Bits by which an IPv4 address is shorter than one of IPv6.
const SHORTER: u8 = 96;

/// Texts of one kind, and the postings of each.
type Texts = HashMap<Box<[u8]>, Span, RandomState>;
/// From where and how many.
type Span = (u32, u32);

/// One place where an observable is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Index of the indicator.
    pub indicator: u32,
    /// Which of its alternatives.
    pub alternative: u8,
    /// Which observable of it.
    pub term: u8,
    /// How many that alternative has: all have to be seen.
    pub terms: u8,
}

/// A set of indicators. It never changes: a new one takes its place.
#[derive(Debug, Default)]
pub struct Set {
    indicators: Vec<Indicator>,
    postings: Vec<Hit>,
    networks: HashMap<(u128, u8), Span, RandomState>,
    /// Lengths of prefixes that occur, of IPv4 and of IPv6.
    prefixes: [Vec<u8>; 2],
    names: Texts,
    ja3: Texts,
    ja4: Texts,
    certificates: Texts,
    /// Indicators hold whatever the time is: what is replayed was captured before anybody knew.
    is_timeless: bool,
    repeated: usize,
}

/// The key of a text of a kind.
enum Key {
    Network(u128, u8),
    Name(Box<[u8]>),
    Ja3(Box<[u8]>),
    Ja4(Box<[u8]>),
    Certificate(Box<[u8]>),
}

impl Set {
    /// Files indicators; those beyond [`INDICATORS_MAX`] are left out, as are those beyond
    /// [`SAME_MAX`] that name the same observable.
    pub fn new(mut indicators: Vec<Indicator>, is_timeless: bool) -> Self {
        indicators.truncate(INDICATORS_MAX);
        let mut found: Vec<(&Observable, Hit)> = Vec::with_capacity(indicators.len());
        for (indicator, of) in (0_u32..).zip(&indicators) {
            for (alternative, terms) in (0_u8..).zip(&of.alternatives) {
                let count = u8::try_from(terms.len()).unwrap_or(u8::MAX);
                let hits = (0_u8..).zip(terms).map(|(term, observable)| {
                    (observable, Hit { indicator, alternative, term, terms: count })
                });
                found.extend(hits);
            }
        }
        found.sort_unstable();
        let mut set = Self { is_timeless, ..Self::default() };
        let sure = |hit: &Hit| indicators.get(hit.indicator as usize).map_or(0, |of| of.confidence);
        for group in found.chunk_by_mut(|(a, _), (b, _)| a == b) {
            // The surest first, however many say the same; of equals the first.
            group.sort_by_key(|(_, hit)| (Reverse(sure(hit)), *hit));
            let (kept, left) = group.split_at(group.len().min(SAME_MAX));
            set.repeated += left.len();
            let from = u32::try_from(set.postings.len()).unwrap_or(u32::MAX);
            let span = (from, u32::try_from(kept.len()).unwrap_or(u32::MAX));
            set.postings.extend(kept.iter().map(|(_, hit)| *hit));
            if let Some((observable, _)) = group.first() {
                set.file(key(observable), span);
            }
        }
        drop(found);
        set.prefixes.iter_mut().for_each(|lengths| lengths.sort_unstable());
        set.indicators = indicators;
        set
    }

    fn file(&mut self, key: Key, span: Span) {
        match key {
            Key::Network(bits, prefix) => {
                let [v4, v6] = &mut self.prefixes;
                let lengths = if is_v4(bits) { v4 } else { v6 };
                if !lengths.contains(&prefix) {
                    lengths.push(prefix);
                }
                self.networks.insert((bits, prefix), span);
            }
            Key::Name(text) => drop(self.names.insert(text, span)),
            Key::Ja3(text) => drop(self.ja3.insert(text, span)),
            Key::Ja4(text) => drop(self.ja4.insert(text, span)),
            Key::Certificate(text) => drop(self.certificates.insert(text, span)),
        }
    }

    /// How many indicators it holds.
    pub const fn len(&self) -> usize {
        self.indicators.len()
    }

    /// How often an observable is left out because [`SAME_MAX`] surer indicators name it too.
    pub const fn repeated(&self) -> usize {
        self.repeated
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.indicators.is_empty()
    }

    /// Whether indicators hold whatever the time is.
    pub const fn is_timeless(&self) -> bool {
        self.is_timeless
    }

    /// Whether any certificate is looked for: hashing one costs more than a look-up.
    pub fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// The indicator of a hit, and what was looked for.
    pub fn of(&self, hit: Hit) -> Option<(&Indicator, &Observable)> {
        let indicator = self.indicators.get(hit.indicator as usize)?;
        let terms = indicator.alternatives.get(usize::from(hit.alternative))?;
        Some((indicator, terms.get(usize::from(hit.term))?))
    }

    /// Where an address is looked for.
    pub fn address(&self, address: IpAddr, hits: &mut Vec<Hit>) {
        let [v4, v6] = &self.prefixes;
        let lengths = if address.is_ipv4() { v4 } else { v6 };
        let bits = number(address);
        for prefix in lengths {
            if let Some(span) = self.networks.get(&(masked(bits, *prefix), *prefix)) {
                hits.extend(self.postings(*span));
            }
        }
    }

    /// Where a name is looked for, or one that it is below.
    pub fn name(&self, name: &[u8], hits: &mut Vec<Hit>) {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let mut lower = [0; NAME_BYTES_MAX];
        if self.names.is_empty() || name.is_empty() {
            return;
        }
        let Some(lower) = lower.get_mut(..name.len()) else { return };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let mut rest = &*lower;
        loop {
            if let Some(span) = self.names.get(rest) {
                hits.extend(self.postings(*span));
            }
            let Some(dot) = rest.iter().position(|byte| *byte == b'.') else { return };
            rest = rest.get(dot + 1..).unwrap_or_default();
        }
    }

    /// Where a JA3 is looked for.
    pub fn ja3(&self, hash: &[u8], hits: &mut Vec<Hit>) {
        self.text(&self.ja3, hash, hits);
    }

    /// Where a JA4 is looked for.
    pub fn ja4(&self, text: &[u8], hits: &mut Vec<Hit>) {
        self.text(&self.ja4, text, hits);
    }

    /// Where the SHA-256 of a certificate is looked for.
    pub fn certificate(&self, hash: &[u8], hits: &mut Vec<Hit>) {
        self.text(&self.certificates, hash, hits);
    }

    fn text(&self, texts: &Texts, text: &[u8], hits: &mut Vec<Hit>) {
        if let Some(span) = texts.get(text) {
            hits.extend(self.postings(*span));
        }
    }

    fn postings(&self, (from, count): Span) -> &[Hit] {
        let from = from as usize;
        self.postings.get(from..from.saturating_add(count as usize)).unwrap_or_default()
    }
}

fn key(observable: &Observable) -> Key {
    let boxed = |text: &str| text.as_bytes().into();
    match observable {
        Observable::Network(address, prefix) => {
            let prefix = if address.is_ipv4() { prefix.saturating_add(SHORTER) } else { *prefix };
            Key::Network(masked(number(*address), prefix), prefix)
        }
        Observable::Name(name) => Key::Name(boxed(name)),
        Observable::Ja3(hash) => Key::Ja3(boxed(hash)),
        Observable::Ja4(text) => Key::Ja4(boxed(text)),
        Observable::Certificate(hash) => Key::Certificate(hash.as_slice().into()),
    }
}

/// An address as a number of 128 bits: of IPv4, mapped as in `::ffff:a.b.c.d`.
const fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

const fn is_v4(bits: u128) -> bool {
    bits >> 32 == 0xffff
}

const fn masked(bits: u128, prefix: u8) -> u128 {
    match u128::MAX.checked_shr(prefix as u32) {
        Some(behind) => bits & !behind,
        None => bits,
    }
}

/// The set in force, and how often each kind was hit. Clones share both.
///
/// Whoever looks things up keeps the set and asks with one load whether there is another: it is
/// never waited for.
#[derive(Clone, Debug, Default)]
pub struct Watchlist(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    set: RwLock<Arc<Set>>,
    generation: AtomicU64,
    /// Sets that are no longer in force. Who looked things up in one may still hold it: here it stays
    /// until then, so that the freeing, half a second of a full one, is for nobody who is in a hurry.
    retired: Mutex<Vec<Arc<Set>>>,
    /// By kind, in the order of [`Observable::KINDS`].
    hits: [AtomicU64; Observable::KINDS.len()],
}

impl Watchlist {
    /// Puts a set in the place of the one in force.
    pub fn replace(&self, set: Set) {
        let old = {
            let mut place = self.0.set.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, Arc::new(set))
        };
        self.0.generation.fetch_add(1, Ordering::Release);
        self.0.retired.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        self.tidy();
    }

    /// Frees the sets that nobody looks things up in any more. To be called from time to time by who
    /// has time.
    pub fn tidy(&self) {
        let mut retired = self.0.retired.lock().unwrap_or_else(PoisonError::into_inner);
        // What is not in force is handed to nobody: whoever alone holds it now stays alone.
        let free = |set: &mut Arc<Set>| Arc::strong_count(set) == 1;
        let freed: Vec<Arc<Set>> = retired.extract_if(.., free).collect();
        drop(retired);
        drop(freed);
    }

    /// Another number for each set that was in force: one load.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// How many indicators are in force.
    pub fn count(&self) -> usize {
        self.0.set.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How often each kind was hit, in the order of [`Observable::KINDS`].
    pub fn hits(&self) -> [u64; Observable::KINDS.len()] {
        std::array::from_fn(|kind| {
            self.0.hits.get(kind).map_or(0, |count| count.load(Ordering::Relaxed))
        })
    }

    pub(super) fn count_hit(&self, kind: &str) {
        let at = Observable::KINDS.iter().position(|known| *known == kind);
        if let Some(count) = at.and_then(|at| self.0.hits.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the set in force into `held` if it is another than that of `generation`.
    #[inline]
    pub(super) fn renew(&self, held: &mut Arc<Set>, generation: &mut u64) {
        let latest = self.0.generation.load(Ordering::Acquire);
        if latest != *generation {
            *generation = latest;
            *held = Arc::clone(&self.0.set.read().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_not_freed_by_who_looks_things_up_in_it() {
        let watchlist = Watchlist::default();
        let (mut held, mut generation) = (Arc::default(), 0);
        watchlist.replace(Set::default());
        watchlist.renew(&mut held, &mut generation);
        let first = Arc::downgrade(&held);
        watchlist.replace(Set::default());
        watchlist.tidy();
        assert!(first.upgrade().is_some(), "it is still looked things up in");
        watchlist.renew(&mut held, &mut generation);
        assert!(first.upgrade().is_some(), "letting go of it did not free it");
        watchlist.tidy();
        assert!(first.upgrade().is_none());
    }
}
