//! What tells flows apart, where they live, and the number that names them.

use std::net::IpAddr;

use crate::decode::{Headers, Tcp, Transport, tcp_flags};
use crate::net::{Endpoint, ip_protocol};

/// Shards of a table: fixed, so that limits bite alike for any number of workers.
pub const SHARDS: usize = 64;

/// Groups of shards that share what flows may carry. A group lives in one table, so more workers than
/// groups have nothing to do.
pub const GROUPS: usize = 16;

/// The group of a shard: below [`GROUPS`]. The dispatcher gives a frame to worker
/// `group_of(shard_of(outermost pair)) % workers`.
pub const fn group_of(shard: u8) -> usize {
    shard as usize % GROUPS
}

/// The shard of an address pair, the same for both directions: below [`SHARDS`]. The table keeps limits
/// and eviction within shards and their groups, so that neither depends on the number of workers.
pub fn shard_of(a: IpAddr, b: IpAddr) -> u8 {
    let word = |addr: IpAddr| {
        let bits = wide(addr);
        mix(bits as u64 ^ mix((bits >> 64) as u64))
    };
    // A sum does not know which came first.
    (mix(word(a).wrapping_add(word(b))) >> 58) as u8
}

/// The flow's number in every output: from 1 to 2^51 - 1, exact in a double, made of the first
/// packet's number and its place within the frame by a bijection.
pub fn flow_id(sequence: u64, sub: u32) -> u64 {
    const MASK: u64 = (1 << 51) - 1;
    // Sub-packets of one frame are few: eight fit without meeting the next frame's.
    let mut id = (sequence << 3).wrapping_add(u64::from(sub)) & MASK;
    for multiplier in [0x2_545f_4914_f6cd, 0x5_851f_42d4_c957] {
        id = id.wrapping_mul(multiplier) & MASK;
        id ^= id >> 25;
    }
    // Only zero maps to zero, and no packet has number zero.
    id.max(1)
}

/// The identity of a flow in the form that is quickest to compare: both ends as wide addresses,
/// lower end first, ports and protocol, VLANs, tunnel and shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key([u64; 6]);

impl Key {
    /// The key of a conversation, and whether its two ends were swapped.
    fn new(
        source: Endpoint,
        destination: Endpoint,
        protocol: u8,
        headers: &Headers,
        shard: u8,
    ) -> (Self, bool) {
        let (mut a, mut b) = (wide(source.addr), wide(destination.addr));
        let (mut p, mut q) = (source.port, destination.port);
        let swapped = (a, p) > (b, q);
        if swapped {
            (a, b) = (b, a);
            (p, q) = (q, p);
        }
        // VLAN identifiers have twelve bits.
        let [outer, middle, inner] = headers.vlan.map(u64::from);
        let last = u64::from(p) << 48
            | u64::from(q) << 32
            | u64::from(protocol) << 24
            | u64::from(shard) << 16
            | (inner & 0xfff) << 1
            | u64::from(source.addr.is_ipv6());
        let place = outer << 48 | middle << 32 | u64::from(headers.tunnel);
        let key = [(a >> 64) as u64, a as u64, (b >> 64) as u64, b as u64, last, place];
        (Self(key), swapped)
    }

    /// A hash under `seed`: folded multiplications, two words each.
    pub(super) fn hash(&self, seed: u64) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        fold(fold(a ^ seed, b ^ K0) ^ fold(c ^ seed, d ^ K1) ^ seed, fold(e ^ K2, f ^ seed) ^ K0)
    }
}

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;
const K2: u64 = 0x8cb9_2ba7_2f3d_8dd7;

const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// SplitMix64's finaliser (Steele, Lea, Flood, "Fast splittable pseudorandom number generators").
const fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

fn wide(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// What the table needs of a packet to place it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) key: Key,
    /// Whether the source is the key's higher end.
    pub(super) swapped: bool,
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) protocol: u8,
    pub(super) icmp: Option<(u8, u8)>,
}

/// Where a packet belongs; `None` for packets that make no flows: without a transport header, later
/// fragments, IGMP, ICMP errors.
pub(super) fn place(headers: &Headers, shard: u8) -> Option<Place> {
    let ip = headers.ip?;
    let (source, destination) = headers.endpoints()?;
    let (protocol, ports, icmp) = match headers.transport {
        Transport::Tcp(_) => (ip_protocol::TCP, (source.port, destination.port), None),
        Transport::Udp(_) => (ip_protocol::UDP, (source.port, destination.port), None),
        Transport::Sctp(..) => (ip_protocol::SCTP, (source.port, destination.port), None),
        Transport::Icmp4(icmp) if is_error4(icmp.kind) => return None,
        Transport::Icmp4(icmp) => {
            let ports = (icmp.kind.into(), counterpart4(icmp.kind).into());
            (ip_protocol::ICMP, ports, Some((icmp.kind, icmp.code)))
        }
        Transport::Icmp6(icmp) => {
            let ports = (icmp.kind.into(), counterpart6(icmp.kind).into());
            (ip_protocol::ICMPV6, ports, Some((icmp.kind, icmp.code)))
        }
        // The index in place of ports: each way has its own, so each way is a flow.
        Transport::Esp(spi) => (ip_protocol::ESP, ((spi >> 16) as u16, spi as u16), None),
        // A tunnel of IP in IP is a flow beside those within it; one of GRE is not.
        Transport::None if is_tunnel(ip.protocol) && ip.fragment.is_none() => {
            (ip.protocol, (0, 0), None)
        }
        // Group membership is no conversation.
        Transport::Igmp(_) | Transport::None => return None,
    };
    let keyed = |end: Endpoint, port| Endpoint { addr: end.addr, port };
    let (from, to) = (keyed(source, ports.0), keyed(destination, ports.1));
    let (key, swapped) = Key::new(from, to, protocol, headers, shard);
    debug_assert!(ip.version == 4 || ip.version == 6);
    Some(Place { key, swapped, source, destination, protocol, icmp })
}

/// Where the packet belongs that an ICMP error is about.
pub(super) fn about(headers: &Headers, shard: u8) -> Option<Place> {
    let (Transport::Icmp4(icmp) | Transport::Icmp6(icmp)) = headers.transport else { return None };
    let about = icmp.about?;
    let (key, swapped) = Key::new(about.source, about.destination, about.protocol, headers, shard);
    let (source, destination) = (about.source, about.destination);
    Some(Place { key, swapped, source, destination, protocol: about.protocol, icmp: None })
}

const fn is_tunnel(protocol: u8) -> bool {
    matches!(protocol, ip_protocol::IPV4 | ip_protocol::IPV6)
}

/// RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.
const fn is_error4(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// The type that answers, or that asked: RFC 792, RFC 950, RFC 1256. 0 when there is none.
const fn counterpart4(kind: u8) -> u8 {
    match kind {
        0 => 8,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => 0,
    }
}

/// The same for version 6: RFC 4443, RFC 4861, RFC 2710, RFC 4620, RFC 6275.
const fn counterpart6(kind: u8) -> u8 {
    match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => 0,
    }
}

/// Whether a flow's first packet asks for an answer: then how it goes is told.
pub(super) fn is_contact(place: &Place, tcp: Option<&Tcp>) -> bool {
    match place.protocol {
        // With ACK or RST it answers something that was not seen.
        ip_protocol::TCP => {
            tcp.is_some_and(|tcp| tcp.flags & (tcp_flags::ACK | tcp_flags::RST) == 0)
        }
        ip_protocol::UDP | ip_protocol::SCTP => true,
        ip_protocol::ICMP => matches!(place.icmp, Some((8 | 13 | 15 | 17, _))),
        ip_protocol::ICMPV6 => matches!(place.icmp, Some((128, _))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn shards_know_no_direction() {
        let (a, b): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "2001:db8::5".parse().unwrap());
        assert_eq!(shard_of(a, b), shard_of(b, a));
        let mut seen = [0u32; SHARDS];
        for last in 0..=u16::MAX {
            let [high, low] = last.to_be_bytes();
            let shard = shard_of(IpAddr::from([10, 0, high, low]), a);
            *seen.get_mut(usize::from(shard)).unwrap() += 1;
        }
        assert!(seen.iter().all(|&n| (700..1400).contains(&n)), "{seen:?}");
    }

    #[test]
    fn identifiers_are_distinct() {
        let mut ids: Vec<u64> =
            (1..20_000).flat_map(|s| (0..8).map(move |sub| flow_id(s, sub))).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(ids.iter().all(|&id| id > 0 && id < 1 << 51));
    }
}
