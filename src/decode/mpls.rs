//! MPLS label stacks (RFC 3032) and the Ethernet pseudo-wires they carry (RFC 4448).

use super::events;
use super::packet::Packet;

const IPV4_EXPLICIT_NULL: u32 = 0;
const ROUTER_ALERT: u32 = 1;
const IPV6_EXPLICIT_NULL: u32 = 2;
const IMPLICIT_NULL: u32 = 3;
const RESERVED_MIN: u32 = 4;
const RESERVED_MAX: u32 = 15;
const BOTTOM_OF_STACK: u32 = 0x100;

impl Packet<'_, '_> {
    pub(super) fn mpls(&mut self, start: usize, end: usize) {
        if !self.layer() {
            return;
        }
        let mut reader = self.reader(start, end);
        // Each turn reads four bytes, so the frame bounds the loop.
        let label = loop {
            let Some(entry) = reader.u32() else {
                return self.event(&events::MPLS_HEADER_TOO_SMALL);
            };
            if entry & BOTTOM_OF_STACK != 0 {
                break entry >> 12;
            }
        };
        let at = start + reader.position();
        match label {
            IPV4_EXPLICIT_NULL => self.ipv4(at, end),
            ROUTER_ALERT => self.event(&events::MPLS_BAD_LABEL_ROUTER_ALERT),
            IPV6_EXPLICIT_NULL => self.ipv6(at, end),
            IMPLICIT_NULL => self.event(&events::MPLS_BAD_LABEL_IMPLICIT_NULL),
            RESERVED_MIN..=RESERVED_MAX => self.event(&events::MPLS_BAD_LABEL_RESERVED),
            _ if reader.left() < 4 => self.event(&events::MPLS_PKT_TOO_SMALL),
            // Nothing says what is carried; routers look at the first half byte too (RFC 4928).
            _ => match reader.rest().first().map_or(0, |byte| byte >> 4) {
                4 => self.ipv4(at, end),
                6 => self.ipv6(at, end),
                0 => self.ethernet(at + 4, end),
                _ => self.event(&events::MPLS_UNKNOWN_PAYLOAD_TYPE),
            },
        }
    }
}
