//! PPP (RFC 1661, 1662) and PPPoE (RFC 2516).

use super::events;
use super::packet::Packet;

const IPV4: u16 = 0x0021;
const VJ_COMPRESSED: u16 = 0x002d;
const VJ_UNCOMPRESSED: u16 = 0x002f;
const IPV6: u16 = 0x0057;

impl Packet<'_, '_> {
    pub(super) fn ppp(&mut self, start: usize, end: usize) {
        if !self.layer() {
            return;
        }
        // Address and control may be left out (RFC 1661 section 6.6).
        let start = match self.slice(start, end) {
            [0xff, 0x03, ..] => start + 2,
            _ => start,
        };
        // So may the first byte of the protocol, which is even when it is there (6.5).
        let (protocol, start) = match *self.slice(start, end) {
            [byte, ..] if byte & 1 == 1 => (u16::from(byte), start + 1),
            [high, low, ..] => (u16::from_be_bytes([high, low]), start + 2),
            _ => return self.event(&events::PPP_PKT_TOO_SMALL),
        };
        self.ppp_payload(protocol, start, end);
    }

    fn ppp_payload(&mut self, protocol: u16, start: usize, end: usize) {
        let length = end.saturating_sub(start);
        match protocol {
            IPV4 if length < 20 => self.event(&events::PPP_IP4_PKT_TOO_SMALL),
            IPV4 => self.ipv4(start, end),
            VJ_UNCOMPRESSED if length < 20 => self.event(&events::PPP_VJU_PKT_TOO_SMALL),
            VJ_UNCOMPRESSED => {
                // The protocol field holds a connection number (RFC 1144), so TCP cannot follow;
                // the addresses are told.
                if self.slice(start, end).first().is_some_and(|byte| byte >> 4 == 4) {
                    self.ipv4(start, end);
                }
            }
            IPV6 if length < 40 => self.event(&events::PPP_IP6_PKT_TOO_SMALL),
            IPV6 => self.ipv6(start, end),
            // Known to the registry, of no use to a sensor: compression, control, authentication.
            VJ_COMPRESSED | 0x0023 | 0x0025 | 0x0027 | 0x0029 | 0x002b | 0x0031 | 0x0033
            | 0x0035 | 0x003d | 0x003f | 0x0201 | 0x0203 | 0x0231 | 0x8021 | 0x8023 | 0x8025
            | 0x8027 | 0x8029 | 0x802b | 0x8031 | 0x8033 | 0x8035 | 0x803d | 0x803f | 0x8057
            | 0x80fd | 0xc021 | 0xc023 | 0xc025 | 0xc223 => self.event(&events::PPP_UNSUP_PROTO),
            _ => self.event(&events::PPP_WRONG_TYPE),
        }
    }

    /// The stage in which a session carries PPP, without address and control.
    pub(super) fn pppoe_session(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        if reader.skip(6).is_none() || reader.is_empty() {
            return self.event(&events::PPPOE_PKT_TOO_SMALL);
        }
        if self.layer() {
            self.ppp(start + 6, end);
        }
    }

    /// The stage in which hosts find their concentrator: a code and a list of tags.
    pub(super) fn pppoe_discovery(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some([_, code, _, _]), Some(length)) = (reader.array(), reader.u16()) else {
            return self.event(&events::PPPOE_PKT_TOO_SMALL);
        };
        if !matches!(code, 0x09 | 0x07 | 0x19 | 0x65 | 0xa7) {
            self.event(&events::PPPOE_WRONG_CODE);
        }
        let Some(mut tags) = reader.sub(length.into()) else {
            return self.event(&events::PPPOE_MALFORMED_TAGS);
        };
        while !tags.is_empty() {
            let (Some(_), Some(length)) = (tags.u16(), tags.u16()) else {
                return self.event(&events::PPPOE_MALFORMED_TAGS);
            };
            if tags.skip(length.into()).is_none() {
                return self.event(&events::PPPOE_MALFORMED_TAGS);
            }
        }
    }
}
