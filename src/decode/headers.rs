//! What one packet says of itself: plain data, copied, never allocated.

use std::net::IpAddr;

use crate::field::Event;
use crate::net::{Endpoint, VLAN_LAYERS_MAX};

/// Ethernet header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ethernet {
    /// Destination.
    pub destination: [u8; 6],
    /// Source.
    pub source: [u8; 6],
    /// EtherType of the header itself (0x8100 for a tagged frame).
    pub ether_type: u16,
}

/// What detect, flow and outputs need of an IP header; extension headers are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// 4 or 6.
    pub version: u8,
    /// Source.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    /// The protocol of the payload, after all extension headers.
    pub protocol: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Type of service or traffic class.
    pub tos: u8,
    /// IPv4 identification, or that of the IPv6 fragment header.
    pub id: u32,
    /// IPv4 flags: bit 2 reserved, bit 1 don't fragment, bit 0 more fragments.
    pub flags: u8,
    /// Total length of header and payload as the header says, bytes.
    pub length: u32,
    /// Bit n is set when IPv4 option number n (low five bits of its type) is there.
    pub options: u32,
    /// Present when this is a fragment of a larger packet.
    pub fragment: Option<Fragment>,
}

/// Place of a fragment in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Offset in bytes.
    pub offset: u32,
    /// Whether more follow.
    pub more: bool,
}

/// TCP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Flags: CWR 0x80, ECE 0x40, URG 0x20, ACK 0x10, PSH 0x08, RST 0x04, SYN 0x02, FIN 0x01.
    pub flags: u8,
    /// Window, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Maximum segment size option.
    pub mss: Option<u16>,
    /// Window scale option.
    pub window_scale: Option<u8>,
    /// Whether SACK is permitted (on a SYN).
    pub sack_permitted: bool,
    /// Whether there is a fast open option (RFC 7413).
    pub fast_open: bool,
    /// Whether there is an option that signs the segment (RFC 2385, RFC 5925).
    pub signed: bool,
    /// Timestamp option: value and echo.
    pub timestamp: Option<(u32, u32)>,
    /// Header length, bytes.
    pub header_length: u8,
    /// Whether the capture cut options off: then none of them is known.
    pub options_cut: bool,
}

/// UDP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Length of header and payload, bytes.
    pub length: u16,
}

/// ICMP of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Bytes 4 to 7 of the header: what they say hangs on the type.
    pub rest: u32,
    /// Identifier of echo and the like.
    pub id: Option<u16>,
    /// Sequence number of echo and the like.
    pub sequence: Option<u16>,
    /// Next-hop MTU of "too big" messages.
    pub mtu: Option<u32>,
    /// For error messages: the packet that caused them.
    pub about: Option<Embedded>,
}

/// The packet within an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedded {
    /// Its source.
    pub source: Endpoint,
    /// Its destination.
    pub destination: Endpoint,
    /// Its IP protocol number.
    pub protocol: u8,
}

/// The layer above IP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// None that is known, a later fragment, or a header too broken to read.
    #[default]
    None,
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Udp),
    /// ICMP for IPv4.
    Icmp4(Icmp),
    /// ICMP for IPv6.
    Icmp6(Icmp),
    /// SCTP: source and destination port.
    Sctp(u16, u16),
    /// IGMP type.
    Igmp(u8),
    /// ESP: security parameter index.
    Esp(u32),
}

/// ARP for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender hardware address.
    pub sender_mac: [u8; 6],
    /// Sender protocol address.
    pub sender: std::net::Ipv4Addr,
    /// Target hardware address.
    pub target_mac: [u8; 6],
    /// Target protocol address.
    pub target: std::net::Ipv4Addr,
}

/// How many events one packet can carry; more are counted as the last.
pub const EVENTS_MAX: usize = 6;

/// All that is known of one packet. Plain data: copied, never allocated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers {
    /// Ethernet, outermost.
    pub ethernet: Option<Ethernet>,
    /// VLAN identifiers, outermost first, 0 where there is none.
    pub vlan: [u16; VLAN_LAYERS_MAX],
    /// How many VLAN tags.
    pub vlan_layers: u8,
    /// 0, or within a tunnel a hash of the outer address pair.
    pub tunnel: u32,
    /// How many tunnels deep.
    pub depth: u8,
    /// ARP.
    pub arp: Option<Arp>,
    /// IP.
    pub ip: Option<Ip>,
    /// The layer above.
    pub transport: Transport,
    /// Whether a checksum of IP, TCP, UDP or ICMP is wrong. Only filled when asked for.
    pub bad_checksum: bool,
    /// Length of the whole frame on the wire, bytes.
    pub wire_length: u32,
    /// Bytes of the IP packet that the capture left out, as it keeps no more of a frame than so much. Then
    /// no payload is given: what is there of it ends in the middle.
    pub cut: u32,
    /// Where the IP header begins in the bytes given.
    pub ip_start: u32,
    /// Where the application payload begins in the bytes given.
    pub payload_start: u32,
    /// Where it ends.
    pub payload_end: u32,
    /// Events, in the order found, `None` at the end.
    pub events: [Option<&'static Event>; EVENTS_MAX],
}

impl Headers {
    /// Both ends, with port 0 where there is none; `None` without IP.
    pub fn endpoints(&self) -> Option<(Endpoint, Endpoint)> {
        let ip = self.ip?;
        let (source, destination) = match self.transport {
            Transport::Tcp(tcp) => (tcp.source, tcp.destination),
            Transport::Udp(udp) => (udp.source, udp.destination),
            Transport::Sctp(source, destination) => (source, destination),
            _ => (0, 0),
        };
        let end = |addr, port| Endpoint { addr, port };
        Some((end(ip.source, source), end(ip.destination, destination)))
    }

    /// The application payload within the bytes that were decoded.
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.payload_start as usize..self.payload_end as usize).unwrap_or_default()
    }

    /// The IP header with its options or extension headers, within the bytes that were decoded:
    /// what the sticky buffers `ipv4.hdr` and `ipv6.hdr` hold. Empty without IP.
    pub fn ip_header<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.ip_start as usize;
        let end = match self.ip.map(|ip| ip.version) {
            Some(4) => {
                let words = bytes.get(start).map_or(0, |first| first & 0x0f);
                start + usize::from(words) * 4
            }
            Some(_) => self.transport_start(),
            None => start,
        };
        bytes.get(start..end).unwrap_or_default()
    }

    /// The header of TCP, UDP, ICMP or SCTP, within the bytes that were decoded: what `tcp.hdr`,
    /// `udp.hdr`, `icmpv4.hdr` and `icmpv6.hdr` hold. Empty without one.
    pub fn transport_header<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.transport_start()..self.payload_start as usize).unwrap_or_default()
    }

    /// Where the transport header begins; where the payload does without one.
    const fn transport_start(&self) -> usize {
        let length = match self.transport {
            Transport::Tcp(tcp) => tcp.header_length as u32,
            Transport::Udp(_) | Transport::Icmp4(_) | Transport::Icmp6(_) | Transport::Esp(_) => 8,
            Transport::Sctp(..) => 12,
            Transport::None | Transport::Igmp(_) => 0,
        };
        self.payload_start.saturating_sub(length) as usize
    }
}
