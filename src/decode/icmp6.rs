//! ICMP for IPv6 (RFC 4443, 4861, 2710, 3810; IANA "ICMPv6 parameters").

use super::events;
use super::headers::{Embedded, Icmp, Transport};
use super::icmp4::ports;
use super::packet::Packet;
use crate::net::{Endpoint, ip_protocol};
use crate::reader::Reader;

const PACKET_TOO_BIG: u8 = 2;
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;

impl Packet<'_, '_> {
    pub(super) fn icmp6(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some([kind, code, _, _]), Some(rest)) = (reader.array(), reader.u32()) else {
            return self.event(&events::ICMPV6_PKT_TOO_SMALL);
        };
        let mut icmp = Icmp { kind, code, rest, id: None, sequence: None, mtu: None, about: None };
        // The largest code that is assigned for each type.
        let code_max = match kind {
            1 => 8,
            PACKET_TOO_BIG => 0,
            3 => 1,
            4 => 3,
            ECHO_REQUEST | ECHO_REPLY => {
                icmp.id = Some((rest >> 16) as u16);
                icmp.sequence = Some(rest as u16);
                0
            }
            130..=132 | 143 => {
                // RFC 2710 section 3, RFC 3810 section 5: never beyond the link.
                if self.headers.ip.is_some_and(|ip| ip.ttl != 1) {
                    self.event(&events::ICMPV6_MLD_MESSAGE_WITH_INVALID_HL);
                }
                0
            }
            133..=137 | 141 | 142 | 144..=147 | 151..=153 => 0,
            138..=140 | 148..=150 | 154..=159 => u8::MAX,
            100 | 101 | 200 | 201 => {
                self.event(&events::ICMPV6_EXPERIMENTATION_TYPE);
                u8::MAX
            }
            5..=99 | 102..=126 | 160..=199 | 202..=255 => {
                self.event(&events::ICMPV6_UNASSIGNED_TYPE);
                u8::MAX
            }
            _ => {
                self.event(&events::ICMPV6_UNKNOWN_TYPE);
                u8::MAX
            }
        };
        if code > code_max {
            self.event(&events::ICMPV6_UNKNOWN_CODE);
        } else if matches!(kind, 1..=4) {
            icmp.about = self.about6(reader);
        }
        if kind == PACKET_TOO_BIG {
            icmp.mtu = Some(rest);
        }
        self.headers.transport = Transport::Icmp6(icmp);
        self.payload(start + 8, end);
        self.check_pseudo(ip_protocol::ICMPV6, start, end);
    }

    /// The packet that an error speaks of. Its extension headers are not followed.
    fn about6(&mut self, mut reader: Reader<'_>) -> Option<Embedded> {
        let Some(head) = reader.take(40) else {
            self.event(&events::ICMPV6_IPV6_TRUNC_PKT);
            return None;
        };
        if head.first().is_some_and(|first| first >> 4 != 6) {
            self.event(&events::ICMPV6_IPV6_UNKNOWN_VERSION);
            return None;
        }
        let mut head = Reader::new(head);
        head.skip(6)?;
        let protocol = head.u8()?;
        head.skip(1)?;
        let (source, destination) = (head.array::<16>()?, head.array::<16>()?);
        let (from, to) = ports(protocol, reader).unwrap_or_default();
        Some(Embedded {
            source: Endpoint { addr: source.into(), port: from },
            destination: Endpoint { addr: destination.into(), port: to },
            protocol,
        })
    }
}
