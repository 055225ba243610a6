//! The packet being decoded: its bytes, what is known so far, and what was found within.

use std::net::IpAddr;

use super::headers::{EVENTS_MAX, Headers};
use super::{LAYERS_MAX, Options, events};
use crate::field::Event;
use crate::reader::Reader;

/// Where decoding begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// With a frame of this link type.
    Link(u16),
    /// With what follows this EtherType.
    Network(u16),
    /// With an IP header of either version.
    RawIp,
    /// With a PPP frame.
    Ppp,
}

/// A packet found within another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inner<'a> {
    pub(super) entry: Entry,
    pub(super) bytes: &'a [u8],
    pub(super) layers: u8,
}

/// The state that the layers share. Offsets are into `bytes`.
pub(super) struct Packet<'a, 'o> {
    pub(super) bytes: &'a [u8],
    pub(super) headers: Headers,
    pub(super) options: &'o Options,
    pub(super) inner: Option<Inner<'a>>,
    layers: u8,
    /// Bytes that the capture left out: of the frame, or of the IP packet once it is known to be cut.
    pub(super) missing: usize,
}

impl<'a, 'o> Packet<'a, 'o> {
    pub(super) fn new(bytes: &'a [u8], headers: Headers, layers: u8, options: &'o Options) -> Self {
        Self { bytes, headers, options, inner: None, layers, missing: 0 }
    }

    /// The same of a frame of which so many bytes were left out.
    pub(super) const fn without(mut self, missing: usize) -> Self {
        self.missing = missing;
        self
    }

    /// Decodes the packet that this one carries.
    ///
    /// VLAN tags stay outside, as in Suricata: they say where the tunnel is, not what is in it.
    pub(super) fn within(&self, inner: Inner<'a>) -> Self {
        let missing = if self.headers.cut > 0 { self.missing } else { 0 };
        let headers = Headers {
            tunnel: tunnel_hash(&self.headers),
            depth: self.headers.depth.saturating_add(1),
            wire_length: inner.bytes.len().saturating_add(missing) as u32,
            ..Headers::default()
        };
        let packet = Self::new(inner.bytes, headers, inner.layers, self.options);
        let mut packet = packet.without(missing);
        packet.enter(inner.entry);
        packet
    }

    pub(super) fn enter(&mut self, entry: Entry) {
        let end = self.bytes.len();
        match entry {
            Entry::Link(link) => self.link(link, end),
            Entry::Network(ether_type) => {
                self.network(ether_type, 0, end);
            }
            Entry::RawIp => self.raw_ip(0, end),
            Entry::Ppp => self.ppp(0, end),
        }
    }

    /// The bytes of a range; none when it does not fit.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A cursor over a range.
    pub(super) fn reader(&self, start: usize, end: usize) -> Reader<'a> {
        Reader::new(self.slice(start, end))
    }

    /// Notes an event. One too many takes the place of the last.
    #[cold]
    pub(super) fn event(&mut self, event: &'static Event) {
        // What is not there is no fault of the packet's.
        if self.headers.cut > 0 {
            return;
        }
        let free = self.headers.events.iter().position(Option::is_none);
        if let Some(slot) = self.headers.events.get_mut(free.unwrap_or(EVENTS_MAX - 1)) {
            *slot = Some(event);
        }
    }

    /// Counts a layer; false when it is one too many and decoding must stop.
    pub(super) fn layer(&mut self) -> bool {
        if self.layers >= LAYERS_MAX {
            self.event(&events::TOO_MANY_LAYERS);
            return false;
        }
        self.layers += 1;
        true
    }

    /// Whether an IP packet of which so many bytes are not there is whole, or was so on the wire: else
    /// decoding must stop.
    #[cold]
    pub(super) fn is_cut(&mut self, by: usize, event: &'static Event) -> bool {
        self.event(event);
        if by > self.missing {
            return false;
        }
        self.headers.cut = by as u32;
        self.missing = by;
        true
    }

    /// Where the IP packet ends in the bytes given, and with it the frame: no payload of one that is cut.
    pub(super) const fn close(&mut self) {
        if self.headers.cut > 0 {
            let there = self.headers.payload_end - self.headers.payload_start;
            self.headers.cut += there;
            self.headers.payload_end = self.headers.payload_start;
            // What the file says of the frame may be anything; the packet is no longer than it says itself.
            if let Some(ip) = &self.headers.ip {
                self.headers.wire_length = self.headers.ip_start.saturating_add(ip.length);
            }
        }
    }

    /// Sets where the payload is.
    pub(super) fn payload(&mut self, start: usize, end: usize) {
        let end = end.min(self.bytes.len());
        self.headers.payload_start = start.min(end) as u32;
        self.headers.payload_end = end as u32;
    }

    /// Leaves the packet from `start` to `end` for the next turn.
    pub(super) fn carry(&mut self, entry: Entry, start: usize, end: usize) {
        let bytes = self.slice(start, end);
        if !bytes.is_empty() {
            self.inner = Some(Inner { entry, bytes, layers: self.layers });
        }
    }
}

/// A hash of the outer address pair and of the tunnel around it: the same both ways, on every
/// machine and in every run, and never 0.
fn tunnel_hash(outer: &Headers) -> u32 {
    let ends = outer.ip.map_or(0, |ip| {
        let one = |addr| match addr {
            IpAddr::V4(v4) => mix(u64::from(v4.to_bits()) | 4 << 32),
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                mix(mix(bits as u64) ^ (bits >> 64) as u64)
            }
        };
        one(ip.source).wrapping_add(one(ip.destination))
    });
    let hash = mix(ends ^ u64::from(outer.tunnel).rotate_left(32));
    ((hash >> 32) as u32).max(1)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014).
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
