//! The options of IPv4 (RFC 791, 1108, 2113; IANA "IP option numbers").

use super::events;
use super::packet::Packet;
use crate::reader::Reader;

const END: u8 = 0;
const NOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const QUICK_START: u8 = 25;
const TIMESTAMP: u8 = 68;
const SECURITY: u8 = 130;
const LOOSE_ROUTE: u8 = 131;
const EXTENDED_SECURITY: u8 = 133;
const COMMERCIAL_SECURITY: u8 = 134;
const STREAM: u8 = 136;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;

impl Packet<'_, '_> {
    #[cold]
    pub(super) fn ipv4_options(&mut self, start: usize, end: usize) {
        if !(end - start).is_multiple_of(8) {
            self.event(&events::IPV4_OPT_PAD_REQUIRED);
        }
        let mut reader = self.reader(start, end);
        let mut seen = 0u32;
        while let Some(kind) = reader.u8() {
            let number = 1u32 << (kind & 0x1f);
            if kind == END || kind == NOP {
                seen |= number;
                if kind == END {
                    break;
                }
                continue;
            }
            let length = reader.u8().and_then(|length| usize::from(length).checked_sub(2));
            let Some(content) = length.and_then(|length| reader.take(length)) else {
                self.event(&events::IPV4_OPT_INVALID_LEN);
                break;
            };
            match kind {
                RECORD_ROUTE | QUICK_START | TIMESTAMP | SECURITY | LOOSE_ROUTE
                | EXTENDED_SECURITY | COMMERCIAL_SECURITY | STREAM | STRICT_ROUTE
                | ROUTER_ALERT => {
                    if seen & number != 0 {
                        self.event(&events::IPV4_OPT_DUPLICATE);
                    } else {
                        self.ipv4_option(kind, content);
                    }
                }
                _ => self.event(&events::IPV4_OPT_INVALID),
            }
            seen |= number;
        }
        if let Some(ip) = &mut self.headers.ip {
            ip.options = seen;
        }
    }

    fn ipv4_option(&mut self, kind: u8, content: &[u8]) {
        let length = content.len() + 2;
        let fits = match kind {
            QUICK_START => length == 8,
            SECURITY => length == 11,
            STREAM | ROUTER_ALERT => length == 4,
            RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => length >= 7,
            TIMESTAMP => length >= 9,
            EXTENDED_SECURITY => length > 2,
            COMMERCIAL_SECURITY => length >= 10,
            _ => true,
        };
        if !fits {
            return self.event(&events::IPV4_OPT_INVALID_LEN);
        }
        let sound = match kind {
            RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => route_sound(content),
            TIMESTAMP => timestamp_sound(content),
            COMMERCIAL_SECURITY => tags_sound(content),
            _ => true,
        };
        if !sound {
            self.event(&events::IPV4_OPT_MALFORMED);
        }
    }
}

/// A pointer of at least 4 that points at one of the addresses, or just past the last.
fn route_sound(content: &[u8]) -> bool {
    let length = content.len() + 2;
    content.first().is_some_and(|pointer| {
        let pointer = usize::from(*pointer);
        pointer >= 4 && pointer.is_multiple_of(4) && pointer <= length + 1
    })
}

/// Pointer, flag and the space for stamps must agree (RFC 791, page 22).
fn timestamp_sound(content: &[u8]) -> bool {
    let length = content.len() + 2;
    let (Some(pointer), Some(flag)) = (content.first(), content.get(1)) else { return false };
    let (pointer, flag) = (usize::from(*pointer), flag & 0x0f);
    let record = if flag == 1 || flag == 3 { 8 } else { 4 };
    pointer >= 5
        && (pointer - 5).is_multiple_of(record)
        && pointer <= length + 1
        && matches!(flag, 0 | 1 | 3)
}

/// After the domain of interpretation, tags with lengths fill the option (FIPS 188).
fn tags_sound(content: &[u8]) -> bool {
    let mut reader = Reader::new(content);
    if reader.skip(4).is_none() {
        return false;
    }
    while !reader.is_empty() {
        let (Some(_), Some(length)) = (reader.u8(), reader.u8()) else { return false };
        let rest = usize::from(length).checked_sub(2);
        if length < 4 || rest.and_then(|rest| reader.skip(rest)).is_none() {
            return false;
        }
    }
    true
}
