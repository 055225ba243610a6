//! GRE (RFC 2784, 2890, 1701), its version 1 for PPTP (RFC 2637), and ERSPAN.

use super::ethernet::ether_type;
use super::events;
use super::packet::{Entry, Packet};
use crate::field::Event;
use crate::reader::Reader;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const STRICT_ROUTE: u16 = 0x0800;
const RECURSION: u16 = 0x0700;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;
/// Cisco Meraki and Arista send plain Ethernet under numbers of their own.
const ARISTA: u16 = 0xd28b;

impl Packet<'_, '_> {
    pub(super) fn gre(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some(flags), Some(protocol)) = (reader.u16(), reader.u16()) else {
            return self.event(&events::GRE_PKT_TOO_SMALL);
        };
        if !self.layer() {
            return;
        }
        let read = match flags & VERSION {
            0 => version0(flags, &mut reader),
            1 => version1(flags, protocol, &mut reader),
            _ => Err(&events::GRE_WRONG_VERSION),
        };
        if let Err(event) = read {
            return self.event(event);
        }
        let at = start + reader.position();
        self.payload(at, end);
        match protocol {
            PPP => self.carry(Entry::Ppp, at, end),
            ether_type::IPV4
            | ether_type::IPV6
            | ether_type::VLAN
            | ether_type::BRIDGED
            | ether_type::MPLS => self.carry(Entry::Network(protocol), at, end),
            ARISTA => self.carry(Entry::Network(ether_type::BRIDGED), at, end),
            ERSPAN => self.erspan(flags, at, end),
            ERSPAN_3 => self.event(&events::ERSPAN_UNSUPPORTED_VERSION),
            _ => {}
        }
    }

    /// ERSPAN (draft-foschiano-erspan): type I has no header and GRE no sequence number, type II
    /// has one of eight bytes.
    fn erspan(&mut self, flags: u16, at: usize, end: usize) {
        let bridged = Entry::Network(ether_type::BRIDGED);
        if flags & SEQUENCE == 0 {
            return self.carry(bridged, at, end);
        }
        let mut reader = self.reader(at, end);
        match reader.u64() {
            None => self.event(&events::ERSPAN_HEADER_TOO_SMALL),
            Some(header) if header >> 60 != 1 => self.event(&events::ERSPAN_UNSUPPORTED_VERSION),
            Some(_) => self.carry(bridged, at + 8, end),
        }
    }
}

fn version0(flags: u16, reader: &mut Reader<'_>) -> Result<(), &'static Event> {
    const RESERVED: u16 = 0x00f8;
    if flags & RECURSION != 0 {
        return Err(&events::GRE_VERSION0_RECUR);
    }
    if flags & RESERVED != 0 {
        return Err(&events::GRE_VERSION0_FLAGS);
    }
    let words =
        u16::count_ones(flags & (KEY | SEQUENCE)) + u32::from(flags & (CHECKSUM | ROUTING) != 0);
    let too_big = &events::GRE_VERSION0_HDR_TOO_BIG;
    reader.skip(words as usize * 4).ok_or(too_big)?;
    if flags & ROUTING == 0 {
        return Ok(());
    }
    // Source routes until one of length zero; each turn reads four bytes or more.
    loop {
        let entry = reader.u32().ok_or(too_big)?;
        let length = entry as u8;
        if length == 0 {
            return Ok(());
        }
        reader.skip(length.into()).ok_or(too_big)?;
    }
}

fn version1(flags: u16, protocol: u16, reader: &mut Reader<'_>) -> Result<(), &'static Event> {
    const RESERVED: u16 = 0x0078;
    let wrong: [(bool, &'static Event); 7] = [
        (flags & CHECKSUM != 0, &events::GRE_VERSION1_CHKSUM),
        (flags & ROUTING != 0, &events::GRE_VERSION1_ROUTE),
        (flags & STRICT_ROUTE != 0, &events::GRE_VERSION1_SSR),
        (flags & RECURSION != 0, &events::GRE_VERSION1_RECUR),
        (flags & RESERVED != 0, &events::GRE_VERSION1_FLAGS),
        (protocol != PPP, &events::GRE_VERSION1_WRONG_PROTOCOL),
        (flags & KEY == 0, &events::GRE_VERSION1_NO_KEY),
    ];
    if let Some((_, event)) = wrong.into_iter().find(|(is, _)| *is) {
        return Err(event);
    }
    let words = 1 + u16::count_ones(flags & (SEQUENCE | ACKNOWLEDGEMENT));
    reader.skip(words as usize * 4).ok_or(&events::GRE_VERSION1_HDR_TOO_BIG)
}
