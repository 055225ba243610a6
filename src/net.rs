//! Addresses, names, ports, conversations.

pub mod domain;

use std::net::IpAddr;

use crate::field::Side;

/// One end of a conversation. Portless protocols have port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Address.
    pub addr: IpAddr,
    /// Port, host order.
    pub port: u16,
}

/// Which way bytes travel in a flow. The client is who sent the first packet seen, or who the
/// handshake shows to have opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

impl Direction {
    /// The other way.
    pub const fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }

    /// 0 to the server, 1 to the client: for arrays of two.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Who sends what goes this way.
    pub const fn side(self) -> Side {
        match self {
            Self::ToServer => Side::Request,
            Self::ToClient => Side::Response,
        }
    }

    /// Of a pair that has one for each way, that of this one.
    pub const fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        let [to_server, to_client] = pair;
        match self {
            Self::ToServer => to_server,
            Self::ToClient => to_client,
        }
    }
}

/// Protocol numbers of IP (IANA "Assigned Internet Protocol Numbers") that the sensor knows.
pub mod ip_protocol {
    #![allow(missing_docs, reason = "the names are the registry's")]
    pub const HOPOPT: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IGMP: u8 = 2;
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const IPV6: u8 = 41;
    pub const GRE: u8 = 47;
    pub const ESP: u8 = 50;
    pub const AH: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const SCTP: u8 = 132;
}

/// Names of TCP flag bits.
pub mod tcp_flags {
    #![allow(missing_docs, reason = "the names are the protocol's")]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
    pub const ECE: u8 = 0x40;
    pub const CWR: u8 = 0x80;
    /// What answers an opening.
    pub const SYN_ACK: u8 = SYN | ACK;
}

/// The name EVE uses for an IP protocol number (`TCP`, `IPv6-ICMP`), or `None` when only the
/// number is shown.
pub const fn ip_protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        ip_protocol::ICMP => "ICMP",
        ip_protocol::IGMP => "IGMP",
        ip_protocol::IPV4 => "IP-ENCAP",
        ip_protocol::TCP => "TCP",
        ip_protocol::UDP => "UDP",
        ip_protocol::IPV6 => "IPv6",
        ip_protocol::GRE => "GRE",
        ip_protocol::ESP => "ESP",
        ip_protocol::AH => "AH",
        ip_protocol::ICMPV6 => "IPv6-ICMP",
        ip_protocol::SCTP => "SCTP",
        _ => return None,
    })
}

/// How many VLAN tags tell conversations apart. Suricata decodes as many.
pub const VLAN_LAYERS_MAX: usize = 3;

/// What tells one conversation from another. As [`FlowKey::canonical`] makes it, the same for
/// both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Lower end.
    pub a: Endpoint,
    /// Higher end.
    pub b: Endpoint,
    /// IP protocol number.
    pub protocol: u8,
    /// VLAN identifiers, outermost first, 0 where there is none.
    pub vlan: [u16; VLAN_LAYERS_MAX],
    /// 0 outside of tunnels; inside, a hash of the outer address pair, so that the same addresses
    /// within two tunnels are two flows, and every worker count tells them apart alike.
    pub tunnel: u32,
}

impl FlowKey {
    /// The key of a packet, and whether its two ends were swapped.
    pub fn canonical(
        source: Endpoint,
        destination: Endpoint,
        protocol: u8,
        vlan: [u16; VLAN_LAYERS_MAX],
        tunnel: u32,
    ) -> (Self, bool) {
        let swapped = source > destination;
        let (a, b) = if swapped { (destination, source) } else { (source, destination) };
        (Self { a, b, protocol, vlan, tunnel }, swapped)
    }
}

/// A piece of a byte stream, in order. What reassembly hands to parsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// The next bytes. A datagram is one chunk.
    Data(&'a [u8]),
    /// So many bytes were lost and will not come.
    Gap(u64),
    /// Nothing more will come in this direction.
    End,
}

/// Whether packets to an address go to many: multicast, broadcast.
pub fn is_group(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified() || v4.octets()[3] == 255
        }
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    }
}

/// A set of addresses: sorted, disjoint, inclusive ranges per family.
///
/// Built by rules (`[10.0.0.0/8,!10.1.0.0/16]`) and by options (`--home-net`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

/// A set of ports: sorted, disjoint, inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortSet {
    ranges: Vec<(u16, u16)>,
}

impl AddressSet {
    /// Every address.
    pub fn any() -> Self {
        Self { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)] }
    }

    /// The inclusive range between two addresses of one family; empty when the families differ
    /// or `first` is the larger.
    pub fn range(first: IpAddr, last: IpAddr) -> Self {
        match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) if a <= b => {
                Self { v4: vec![(a.to_bits(), b.to_bits())], v6: Vec::new() }
            }
            (IpAddr::V6(a), IpAddr::V6(b)) if a <= b => {
                Self { v4: Vec::new(), v6: vec![(a.to_bits(), b.to_bits())] }
            }
            _ => Self::default(),
        }
    }

    /// A network such as 10.0.0.0/8; host bits are ignored, a prefix too long counts as full.
    pub fn network(addr: IpAddr, prefix: u8) -> Self {
        match addr {
            IpAddr::V4(a) => {
                let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                Self { v4: vec![(a.to_bits() & !host, a.to_bits() | host)], v6: Vec::new() }
            }
            IpAddr::V6(a) => {
                let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
                Self { v4: Vec::new(), v6: vec![(a.to_bits() & !host, a.to_bits() | host)] }
            }
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        self.v4 = merged(self.v4.iter().chain(&other.v4).copied().collect(), u32::checked_add, 1);
        self.v6 = merged(self.v6.iter().chain(&other.v6).copied().collect(), u128::checked_add, 1);
    }

    /// Takes all of `other` away.
    pub fn remove(&mut self, other: &Self) {
        self.v4 = without(&self.v4, &other.v4, |x| x.checked_sub(1), |x| x.checked_add(1));
        self.v6 = without(&self.v6, &other.v6, |x| x.checked_sub(1), |x| x.checked_add(1));
    }

    /// Whether `addr` is in the set.
    #[inline]
    pub fn contains(&self, addr: IpAddr) -> bool {
        match addr {
            IpAddr::V4(a) => within(&self.v4, a.to_bits()),
            IpAddr::V6(a) => within(&self.v6, a.to_bits()),
        }
    }

    /// Whether any address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        meet(&self.v4, &other.v4) || meet(&self.v6, &other.v6)
    }

    /// Whether every address is in the set.
    pub fn is_any(&self) -> bool {
        self.v4.first() == Some(&(0, u32::MAX)) && self.v6.first() == Some(&(0, u128::MAX))
    }

    /// Whether no address is in the set.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The ranges, sorted and apart, as numbers: of IPv4, mapped as in `::ffff:a.b.c.d`, and IPv6.
    pub fn ranges(&self) -> impl Iterator<Item = (u128, u128)> {
        let mapped = |address: u32| std::net::Ipv4Addr::from(address).to_ipv6_mapped().to_bits();
        let v4 = self.v4.iter().map(move |(low, high)| (mapped(*low), mapped(*high)));
        v4.chain(self.v6.iter().copied())
    }
}

impl PortSet {
    /// Every port.
    pub fn any() -> Self {
        Self { ranges: vec![(0, u16::MAX)] }
    }

    /// The inclusive range; empty when `first` is the larger.
    pub fn range(first: u16, last: u16) -> Self {
        Self { ranges: if first <= last { vec![(first, last)] } else { Vec::new() } }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        let all = self.ranges.iter().chain(&other.ranges).copied().collect();
        self.ranges = merged(all, u16::checked_add, 1);
    }

    /// Takes all of `other` away.
    pub fn remove(&mut self, other: &Self) {
        let below = |x: u16| x.checked_sub(1);
        self.ranges = without(&self.ranges, &other.ranges, below, |x| x.checked_add(1));
    }

    /// Whether `port` is in the set.
    pub fn contains(&self, port: u16) -> bool {
        within(&self.ranges, port)
    }

    /// Whether every port is in the set.
    pub fn is_any(&self) -> bool {
        self.ranges.first() == Some(&(0, u16::MAX))
    }

    /// Whether no port is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges, sorted and apart.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.ranges
    }
}

#[inline]
fn within<T: Ord + Copy>(ranges: &[(T, T)], x: T) -> bool {
    // Looking at a few in turn is quicker than halving them.
    if ranges.len() <= 4 {
        return ranges.iter().any(|(low, high)| *low <= x && x <= *high);
    }
    let after = ranges.partition_point(|r| r.0 <= x);
    after.checked_sub(1).and_then(|i| ranges.get(i)).is_some_and(|r| x <= r.1)
}

fn meet<T: Ord + Copy>(some: &[(T, T)], others: &[(T, T)]) -> bool {
    some.iter().any(|(low, high)| {
        let from = others.partition_point(|(_, end)| end < low);
        others.get(from).is_some_and(|(begin, _)| begin <= high)
    })
}

fn merged<T: Ord + Copy>(
    mut ranges: Vec<(T, T)>,
    checked_add: fn(T, T) -> Option<T>,
    one: T,
) -> Vec<(T, T)> {
    ranges.sort_unstable();
    let mut out: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (lo, hi) in ranges {
        match out.last_mut() {
            Some(last) if checked_add(last.1, one).is_none_or(|next| lo <= next) => {
                last.1 = last.1.max(hi);
            }
            _ => out.push((lo, hi)),
        }
    }
    out
}

fn without<T: Ord + Copy>(
    ranges: &[(T, T)],
    holes: &[(T, T)],
    below: impl Fn(T) -> Option<T>,
    above: impl Fn(T) -> Option<T>,
) -> Vec<(T, T)> {
    let mut out = Vec::with_capacity(ranges.len());
    for &(lo, hi) in ranges {
        let mut start = Some(lo);
        for &(hole_lo, hole_hi) in holes {
            let Some(from) = start.filter(|from| *from <= hi) else { break };
            if hole_hi < from || hole_lo > hi {
                continue;
            }
            if let Some(end) = below(hole_lo).filter(|end| *end >= from) {
                out.push((from, end));
            }
            start = above(hole_hi);
        }
        if let Some(from) = start.filter(|from| *from <= hi) {
            out.push((from, hi));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str, prefix: u8) -> AddressSet {
        AddressSet::network(text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])), prefix)
    }

    #[test]
    fn holes_are_cut_out() {
        let mut set = net("10.0.0.0", 8);
        set.remove(&net("10.1.0.0", 16));
        set.remove(&net("10.255.255.255", 32));
        let has = |text: &str| text.parse().is_ok_and(|a| set.contains(a));
        assert!(has("10.0.255.255") && has("10.2.0.0") && has("10.255.255.254"));
        assert!(!has("10.1.0.0") && !has("10.1.255.255") && !has("10.255.255.255") && !has("::1"));
    }

    #[test]
    fn sets_that_share_an_address_overlap() {
        let mut some = net("10.0.0.0", 8);
        some.add(&net("192.168.0.0", 16));
        for (other, prefix, overlaps) in [
            ("10.1.2.3", 32, true),
            ("0.0.0.0", 0, true),
            ("192.160.0.0", 12, true),
            ("11.0.0.0", 8, false),
            ("9.255.255.255", 32, false),
            ("::", 0, false),
        ] {
            let other = net(other, prefix);
            assert_eq!(some.overlaps(&other), overlaps, "{other:?}");
            assert_eq!(other.overlaps(&some), overlaps, "{other:?}");
        }
    }

    #[test]
    fn everything_less_everything_is_nothing() {
        let mut set = AddressSet::any();
        set.remove(&AddressSet::any());
        assert!(set.is_empty());
        let mut ports = PortSet::range(80, 80);
        ports.add(&PortSet::range(81, 90));
        assert_eq!(ports.ranges(), [(80, 90)]);
        ports.remove(&PortSet::any());
        assert!(ports.is_empty());
    }

    #[test]
    fn both_directions_share_a_key() {
        let end = |last, port| Endpoint { addr: IpAddr::from([192, 0, 2, last]), port };
        let (there, swapped) = FlowKey::canonical(end(1, 5), end(2, 3), 6, [0; VLAN_LAYERS_MAX], 0);
        let (back, unswapped) =
            FlowKey::canonical(end(2, 3), end(1, 5), 6, [0; VLAN_LAYERS_MAX], 0);
        assert_eq!(there, back);
        assert!(!swapped && unswapped);
    }
}
