//! The link types of captures (LINKTYPE_* of the tcpdump group) other than Ethernet.

use etherparse::LinuxSllHeaderSlice;

use super::events;
use super::packet::Packet;

pub(super) const NULL: u16 = 0;
pub(super) const ETHERNET: u16 = 1;
pub(super) const PPP: u16 = 9;
const PPP_HDLC: u16 = 50;
pub(super) const PPP_ETHER: u16 = 51;
pub(super) const RAW: u16 = 101;
pub(super) const CISCO_HDLC: u16 = 104;
pub(super) const LOOP: u16 = 108;
pub(super) const LINUX_SLL: u16 = 113;
const PPP_DIRECTION: u16 = 204;
const IPV4: u16 = 228;
const IPV6: u16 = 229;
pub(super) const LINUX_SLL2: u16 = 276;

/// How frames of a link type are decoded.
enum Form {
    Ethernet,
    RawIp,
    Cooked,
    Cooked2,
    Null,
    /// Behind so many bytes.
    Ppp(usize),
    PppoeSession,
    CiscoHdlc,
}

impl Form {
    /// That of a link type; `None` when it is not read.
    #[inline]
    const fn of(link: u16) -> Option<Self> {
        Some(match link {
            ETHERNET => Self::Ethernet,
            // 12 and 14 are what raw IP was called on some systems.
            RAW | 12 | 14 | IPV4 | IPV6 => Self::RawIp,
            LINUX_SLL => Self::Cooked,
            LINUX_SLL2 => Self::Cooked2,
            NULL | LOOP => Self::Null,
            PPP | PPP_HDLC => Self::Ppp(0),
            PPP_DIRECTION => Self::Ppp(1),
            PPP_ETHER => Self::PppoeSession,
            CISCO_HDLC => Self::CiscoHdlc,
            _ => return None,
        })
    }
}

/// Whether frames of a link type can be decoded.
pub const fn is_link_read(link: u16) -> bool {
    Form::of(link).is_some()
}

impl Packet<'_, '_> {
    #[inline]
    pub(super) fn link(&mut self, link: u16, end: usize) {
        match Form::of(link) {
            Some(Form::Ethernet) => self.ethernet(0, end),
            Some(Form::RawIp) => self.raw_ip(0, end),
            Some(Form::Cooked) => self.cooked(end),
            Some(Form::Cooked2) => self.cooked2(end),
            Some(Form::Null) => self.null(end),
            Some(Form::Ppp(start)) => self.ppp(start, end),
            Some(Form::PppoeSession) => self.pppoe_session(0, end),
            Some(Form::CiscoHdlc) => self.cisco_hdlc(end),
            None => self.event(&events::LINK_UNSUPPORTED_TYPE),
        }
    }

    /// Linux cooked capture. etherparse reads version 1, but takes only some hardware types: when
    /// it refuses one, the protocol is read where the format has it.
    fn cooked(&mut self, end: usize) {
        let bytes = self.slice(0, end);
        let parsed = LinuxSllHeaderSlice::from_slice(bytes).ok();
        let mut reader = self.reader(0, end);
        let (Some(()), Some(kind)) = (reader.skip(14), reader.u16()) else {
            return self.event(&events::SLL_PKT_TOO_SMALL);
        };
        let kind = parsed.map_or(kind, |header| header.protocol_type().into());
        self.network(kind, 16, end);
    }

    /// Version 2: the protocol comes first, twenty bytes in all.
    fn cooked2(&mut self, end: usize) {
        match self.reader(0, end).u16() {
            Some(kind) if end >= 20 => {
                self.network(kind, 20, end);
            }
            _ => self.event(&events::SLL_PKT_TOO_SMALL),
        }
    }

    /// BSD loopback: the address family in the byte order of the machine that captured, which
    /// nothing tells; the numbers are small, so the two orders cannot be mistaken.
    fn null(&mut self, end: usize) {
        let Some(family) = self.reader(0, end).u32() else {
            return self.event(&events::LTNULL_PKT_TOO_SMALL);
        };
        match family.min(family.swap_bytes()) {
            2 => self.ipv4(4, end),
            // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS, Windows.
            10 | 23 | 24 | 28 | 30 => self.ipv6(4, end),
            _ => self.event(&events::LTNULL_UNSUPPORTED_TYPE),
        }
    }

    /// Address, control, then an EtherType.
    fn cisco_hdlc(&mut self, end: usize) {
        let mut reader = self.reader(0, end);
        match (reader.u16(), reader.u16()) {
            (Some(_), Some(kind)) => {
                self.network(kind, 4, end);
            }
            _ => self.event(&events::CHDLC_PKT_TOO_SMALL),
        }
    }
}
