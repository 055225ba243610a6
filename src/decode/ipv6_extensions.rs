//! The extension headers of IPv6 (RFC 8200 section 4, 4302, 6275, 7401, 5533).

use super::events;
use super::headers::Fragment;
use super::packet::Packet;
use crate::field::Event;
use crate::net::ip_protocol;
use crate::reader::Reader;

const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// How many of each header were seen.
#[derive(Default)]
struct Seen {
    hop: bool,
    routing: bool,
    fragment: bool,
    auth: bool,
    destination: u8,
}

enum Step {
    /// This header follows, so many bytes on.
    Next(u8, usize),
    /// The payload of a fragment begins so many bytes on.
    Stop(u8, usize),
    /// Too broken to go on.
    Broken,
}

impl Packet<'_, '_> {
    /// Follows the extension headers and then the transport.
    #[inline]
    pub(super) fn ipv6_payload(&mut self, protocol: u8, start: usize, end: usize) {
        let (protocol, start) = match protocol {
            ip_protocol::TCP | ip_protocol::UDP | ip_protocol::ICMPV6 => (protocol, start),
            _ => match self.extensions(protocol, start, end) {
                Some(reached) => reached,
                None => return,
            },
        };
        self.payload(start, end);
        if self.headers.ip.is_some_and(|ip| ip.fragment.is_none()) {
            self.transport(protocol, start, end);
        }
    }

    /// Where the headers end and what follows them. Each turn moves on by at least 8 bytes, so
    /// the length of the packet bounds the loop.
    fn extensions(&mut self, first: u8, start: usize, end: usize) -> Option<(u8, usize)> {
        let (mut protocol, mut at) = (first, start);
        let mut seen = Seen::default();
        loop {
            let step = match protocol {
                // Whatever it is that a header announced, two bytes of it must be there.
                _ if protocol != NO_NEXT_HEADER && end.saturating_sub(at) < 2 => Step::Broken,
                ip_protocol::HOPOPT | DESTINATION => {
                    self.options_header(protocol, at, end, &mut seen)
                }
                ROUTING => self.routing_header(at, end, &mut seen),
                FRAGMENT => self.fragment_header(at, end, &mut seen),
                ip_protocol::AH => self.auth_header(at, end, &mut seen),
                MOBILITY | HOST_IDENTITY | SHIM6 => self.plain_header(at, end),
                NO_NEXT_HEADER => {
                    if at < end {
                        self.event(&events::IPV6_DATA_AFTER_NONE_HEADER);
                    }
                    Step::Stop(protocol, 0)
                }
                _ => Step::Stop(protocol, 0),
            };
            let stop = matches!(step, Step::Stop(..));
            match step {
                Step::Next(next, length) | Step::Stop(next, length) => {
                    protocol = next;
                    at += length;
                    if let Some(ip) = &mut self.headers.ip {
                        ip.protocol = protocol;
                    }
                }
                Step::Broken => {
                    self.event(&events::IPV6_TRUNC_EXTHDR);
                    self.payload(at, end);
                    return None;
                }
            }
            if stop {
                return Some((protocol, at));
            }
        }
    }

    fn plain_header(&self, at: usize, end: usize) -> Step {
        match sized(self.reader(at, end)) {
            Some((next, content)) => Step::Next(next, content.len() + 2),
            None => Step::Broken,
        }
    }

    fn options_header(&mut self, kind: u8, at: usize, end: usize, seen: &mut Seen) -> Step {
        let Some((next, content)) = sized(self.reader(at, end)) else { return Step::Broken };
        if kind == ip_protocol::HOPOPT {
            if std::mem::replace(&mut seen.hop, true) {
                self.event(&events::IPV6_EXTHDR_DUPL_HH);
                return Step::Next(next, content.len() + 2);
            }
        } else {
            seen.destination += u8::from(seen.destination < 3);
            if seen.destination == 3 {
                self.event(&events::IPV6_EXTHDR_DUPL_DH);
                return Step::Next(next, content.len() + 2);
            }
        }
        let (unknown, padding): (&'static Event, &'static Event) = if kind == ip_protocol::HOPOPT {
            (&events::IPV6_HOPOPTS_UNKNOWN_OPT, &events::IPV6_HOPOPTS_ONLY_PADDING)
        } else {
            (&events::IPV6_DSTOPTS_UNKNOWN_OPT, &events::IPV6_DSTOPTS_ONLY_PADDING)
        };
        self.option_list(content, unknown, padding);
        Step::Next(next, content.len() + 2)
    }

    /// The options of one header: type, length, value, each to be known and to fit.
    fn option_list(&mut self, content: &[u8], unknown: &'static Event, padding: &'static Event) {
        const PAD1: u8 = 0;
        const PADN: u8 = 1;
        const ROUTER_ALERT: u8 = 5;
        const JUMBO: u8 = 0xc2;
        const HOME_ADDRESS: u8 = 0xc9;
        let mut reader = Reader::new(content);
        let mut meaningful = false;
        while let Some(kind) = reader.u8() {
            if kind == PAD1 {
                continue;
            }
            let length = reader.u8().map(usize::from);
            let Some(length) = length.filter(|length| reader.skip(*length).is_some()) else {
                return self.event(&events::IPV6_EXTHDR_INVALID_OPTLEN);
            };
            let wanted = match kind {
                PADN => {
                    if length == 0 {
                        self.event(&events::IPV6_ZERO_LEN_PADN);
                    }
                    continue;
                }
                ROUTER_ALERT => 2,
                JUMBO => 4,
                HOME_ADDRESS => 16,
                _ => {
                    self.event(unknown);
                    length
                }
            };
            if length != wanted {
                return self.event(&events::IPV6_EXTHDR_INVALID_OPTLEN);
            }
            meaningful = true;
        }
        if !meaningful {
            self.event(padding);
        }
    }

    fn routing_header(&mut self, at: usize, end: usize, seen: &mut Seen) -> Step {
        let Some((next, content)) = sized(self.reader(at, end)) else { return Step::Broken };
        if std::mem::replace(&mut seen.routing, true) {
            self.event(&events::IPV6_EXTHDR_DUPL_RH);
        } else if content.first() == Some(&0) {
            self.event(&events::IPV6_RH_TYPE_0);
        }
        Step::Next(next, content.len() + 2)
    }

    fn fragment_header(&mut self, at: usize, end: usize, seen: &mut Seen) -> Step {
        let mut reader = self.reader(at, end);
        let (Some(next), Some(reserved), Some(place), Some(id)) =
            (reader.u8(), reader.u8(), reader.u16(), reader.u32())
        else {
            return Step::Broken;
        };
        if std::mem::replace(&mut seen.fragment, true) {
            self.event(&events::IPV6_EXTHDR_DUPL_FH);
            return Step::Next(next, 8);
        }
        if reserved != 0 {
            self.event(&events::IPV6_FH_NON_ZERO_RESERVED_FIELD);
        }
        let (offset, more) = (u32::from(place & 0xfff8), place & 1 != 0);
        if let Some(ip) = &mut self.headers.ip {
            ip.id = id;
        }
        if offset == 0 && !more {
            self.event(&events::IPV6_EXTHDR_USELESS_FH);
            return Step::Next(next, 8);
        }
        if more && !reader.left().is_multiple_of(8) {
            self.event(&events::IPV6_FRAG_INVALID_LENGTH);
        }
        if let Some(ip) = &mut self.headers.ip {
            ip.fragment = Some(Fragment { offset, more });
        }
        Step::Stop(next, 8)
    }

    fn auth_header(&mut self, at: usize, end: usize, seen: &mut Seen) -> Step {
        let mut reader = self.reader(at, end);
        let (Some(next), Some(words), Some(reserved)) = (reader.u8(), reader.u8(), reader.u16())
        else {
            return Step::Broken;
        };
        let length = (usize::from(words) + 2) * 4;
        if length < 12 || length > end - at {
            return Step::Broken;
        }
        if reserved != 0 {
            self.event(&events::IPV6_EXTHDR_AH_RES_NOT_NULL);
        }
        if std::mem::replace(&mut seen.auth, true) {
            self.event(&events::IPV6_EXTHDR_DUPL_AH);
        }
        Step::Next(next, length)
    }
}

/// A header of the common form: what follows, a length in 8-byte units less one, content.
fn sized(mut reader: Reader<'_>) -> Option<(u8, &[u8])> {
    let (next, units) = (reader.u8()?, reader.u8()?);
    Some((next, reader.take(usize::from(units) * 8 + 6)?))
}
