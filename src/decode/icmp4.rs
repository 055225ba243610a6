//! ICMP for IPv4 (RFC 792, 950, 1191, 1256; IANA "ICMP parameters").

use super::events;
use super::headers::{Embedded, Icmp, Transport};
use super::packet::Packet;
use crate::net::{Endpoint, ip_protocol};
use crate::reader::Reader;

const DESTINATION_UNREACHABLE: u8 = 3;
const FRAGMENTATION_NEEDED: u8 = 4;

impl Packet<'_, '_> {
    pub(super) fn icmp4(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some([kind, code, _, _]), Some(a), Some(b)) =
            (reader.array(), reader.u16(), reader.u16())
        else {
            return self.event(&events::ICMPV4_PKT_TOO_SMALL);
        };
        let rest = u32::from(a) << 16 | u32::from(b);
        let mut icmp = Icmp { kind, code, rest, id: None, sequence: None, mtu: None, about: None };
        // The largest code that is assigned for each type.
        let code_max = match kind {
            0 | 8 | 13..=18 => {
                icmp.id = Some(a);
                icmp.sequence = Some(b);
                0
            }
            4 | 10 => 0,
            DESTINATION_UNREACHABLE => 15,
            5 => 3,
            11 => 1,
            12 => 2,
            9 if code == 16 => 16,
            9 => 0,
            _ => {
                self.event(&events::ICMPV4_UNKNOWN_TYPE);
                u8::MAX
            }
        };
        if code > code_max {
            self.event(&events::ICMPV4_UNKNOWN_CODE);
        } else if matches!(kind, 3 | 4 | 5 | 11 | 12) {
            icmp.about = self.about4(reader);
        }
        if (kind, code) == (DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED) {
            icmp.mtu = Some(u32::from(b));
        }
        self.headers.transport = Transport::Icmp4(icmp);
        self.payload(start + 8, end);
        if self.headers.cut == 0 {
            self.check_plain(start, end);
        }
    }

    /// The packet that an error speaks of: its header, and eight bytes of what follows.
    fn about4(&mut self, reader: Reader<'_>) -> Option<Embedded> {
        let bytes = reader.rest();
        if bytes.is_empty() {
            return None;
        }
        let mut header = Reader::new(bytes);
        let (Some(first), Some(head)) = (bytes.first(), header.take(20)) else {
            self.event(&events::ICMPV4_IPV4_TRUNC_PKT);
            return None;
        };
        if first >> 4 != 4 {
            self.event(&events::ICMPV4_IPV4_UNKNOWN_VER);
            return None;
        }
        let mut head = Reader::new(head);
        head.skip(9)?;
        let protocol = head.u8()?;
        head.skip(2)?;
        let (source, destination) = (head.array::<4>()?, head.array::<4>()?);
        let options = (usize::from(first & 0x0f) * 4).saturating_sub(20);
        let ports = header.skip(options).and_then(|()| ports(protocol, header));
        let (from, to) = ports.unwrap_or_default();
        Some(Embedded {
            source: Endpoint { addr: source.into(), port: from },
            destination: Endpoint { addr: destination.into(), port: to },
            protocol,
        })
    }
}

/// The ports at the front of a transport header that may be cut short.
pub(super) fn ports(protocol: u8, mut reader: Reader<'_>) -> Option<(u16, u16)> {
    match protocol {
        ip_protocol::TCP | ip_protocol::UDP | ip_protocol::SCTP => reader.u16().zip(reader.u16()),
        _ => None,
    }
}
