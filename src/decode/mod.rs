//! Frame to headers and payload: stateless, no allocation, one file per layer.
//!
//! A frame holds at most one packet within each packet, so tunnels are a loop here and never a
//! recursion: a layer that finds a packet within only leaves it for the next turn.

mod arp;
mod checksum;
mod ethernet;
pub mod events;
mod fields;
mod gre;
mod headers;
mod icmp4;
mod icmp6;
mod ipv4;
mod ipv4_options;
mod ipv6;
mod ipv6_extensions;
mod link;
mod mpls;
mod nsh;
mod packet;
mod ppp;
mod tcp;
mod transport;
mod udp;
mod udp_tunnels;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use checksum::checksum;
pub use events::EVENTS;
pub use headers::{
    Arp, EVENTS_MAX, Embedded, Ethernet, Fragment, Headers, Icmp, Ip, Tcp, Transport, Udp,
};
pub use link::is_link_read;

pub use crate::net::tcp_flags;
use packet::{Entry, Inner, Packet};

/// How many layers of link, network and tunnel headers are followed in one frame, all its tunnels
/// together. Suricata's default.
pub const LAYERS_MAX: u8 = 16;

/// How many ports each tunnel over UDP is looked for on. Suricata's limit.
pub const TUNNEL_PORTS_MAX: usize = 4;

/// A fixed set of UDP ports: no allocation, and a glance to search. 0 is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelPorts(pub [u16; TUNNEL_PORTS_MAX]);

impl TunnelPorts {
    /// No port: the tunnel is not decoded.
    pub const NONE: Self = Self([0; TUNNEL_PORTS_MAX]);

    /// One port.
    pub const fn one(port: u16) -> Self {
        Self([port, 0, 0, 0])
    }

    /// Whether `port` is in the set.
    pub fn contains(&self, port: u16) -> bool {
        port != 0 && self.0.contains(&port)
    }
}

/// What decoding can be told. The default is Suricata's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to fill [`Headers::bad_checksum`].
    pub verify_checksums: bool,
    /// Whether to look for Teredo (RFC 4380).
    pub teredo: bool,
    /// Where Teredo is looked for.
    pub teredo_ports: TunnelPorts,
    /// Where VXLAN (RFC 7348) is looked for, as destination port.
    pub vxlan_ports: TunnelPorts,
    /// Where GENEVE (RFC 8926) is looked for, as destination port.
    pub geneve_ports: TunnelPorts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verify_checksums: false,
            teredo: true,
            teredo_ports: TunnelPorts::one(3544),
            vxlan_ports: TunnelPorts::one(4789),
            geneve_ports: TunnelPorts::one(6081),
        }
    }
}

/// Decodes the frame `bytes` of link type `link` (LINKTYPE_*), `wire_length` bytes long on the
/// wire.
///
/// Calls `visit` once a packet: the outer one first, then each packet within its tunnels. The
/// slice given to `visit` is that in which the packet's offsets hold. Of a frame that the capture cut the
/// headers are read as far as they are there, and no payload is given ([`Headers::cut`]).
pub fn decode<'a>(
    link: u16,
    bytes: &'a [u8],
    wire_length: u32,
    options: &Options,
    visit: &mut impl FnMut(&Headers, &'a [u8]),
) {
    let headers = Headers { wire_length, ..Headers::default() };
    let missing = (wire_length as usize).saturating_sub(bytes.len());
    run(Inner { entry: Entry::Link(link), bytes, layers: 0 }, missing, headers, options, visit);
}

/// The outermost address pair of a frame, `wire_length` bytes long on the wire: what decides which worker
/// gets it.
pub fn address_pair(link: u16, bytes: &[u8], wire_length: u32) -> Option<(IpAddr, IpAddr)> {
    let options = Options { teredo: false, ..Options::default() };
    let missing = (wire_length as usize).saturating_sub(bytes.len());
    let mut packet = Packet::new(bytes, Headers::default(), 0, &options).without(missing);
    packet.enter(Entry::Link(link));
    packet.headers.ip.map(|ip| (ip.source, ip.destination))
}

/// Decodes the IP datagram `bytes` that defragmentation put together. `base` is what was known of
/// its last fragment: link, VLAN and tunnel are kept.
pub fn decode_network<'a>(
    base: &Headers,
    bytes: &'a [u8],
    options: &Options,
    visit: &mut impl FnMut(&Headers, &'a [u8]),
) {
    let headers = Headers {
        ethernet: base.ethernet,
        vlan: base.vlan,
        vlan_layers: base.vlan_layers,
        tunnel: base.tunnel,
        depth: base.depth,
        wire_length: base.wire_length,
        ..Headers::default()
    };
    run(Inner { entry: Entry::RawIp, bytes, layers: base.depth }, 0, headers, options, visit);
}

fn run<'a>(
    outer: Inner<'a>,
    missing: usize,
    headers: Headers,
    options: &Options,
    visit: &mut impl FnMut(&Headers, &'a [u8]),
) {
    let mut packet = Packet::new(outer.bytes, headers, outer.layers, options).without(missing);
    packet.enter(outer.entry);
    packet.close();
    visit(&packet.headers, packet.bytes);
    // Bounded: each turn enters at least one layer, and layers are counted through all turns.
    while let Some(inner) = packet.inner.take() {
        packet = packet.within(inner);
        packet.close();
        visit(&packet.headers, packet.bytes);
    }
}

/// Decodes any bytes as frames of several link types and as a datagram; panics when a promise of
/// this module is broken. For fuzzing and for tests.
pub fn fuzz_decode(bytes: &[u8]) {
    let options = Options { verify_checksums: true, ..Options::default() };
    let mut check = |headers: &Headers, slice: &[u8]| {
        assert!(headers.payload_start <= headers.payload_end);
        assert!(headers.payload_end as usize <= slice.len());
        assert!(headers.ip_start as usize <= slice.len());
        assert!(headers.depth <= LAYERS_MAX);
        assert!(headers.cut == 0 || headers.payload_start == headers.payload_end);
    };
    for link in [link::ETHERNET, link::RAW, link::LINUX_SLL, link::LINUX_SLL2, link::NULL] {
        decode(link, bytes, bytes.len() as u32, &options, &mut check);
        decode(link, bytes, bytes.len() as u32 + 1400, &options, &mut check);
    }
    for link in [link::PPP, link::CISCO_HDLC, link::PPP_ETHER, link::LOOP, u16::MAX] {
        decode(link, bytes, bytes.len() as u32, &options, &mut check);
    }
    decode_network(&Headers::default(), bytes, &options, &mut check);
}
