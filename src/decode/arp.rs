//! ARP for IPv4 over Ethernet (RFC 826).

use super::headers::Arp;
use super::packet::Packet;
use crate::reader::Reader;

impl Packet<'_, '_> {
    pub(super) fn arp(&mut self, start: usize, end: usize) {
        self.headers.arp = arp(self.reader(start, end));
    }
}

/// Other hardware than Ethernet, or other protocols than IPv4, are left alone.
fn arp(mut reader: Reader<'_>) -> Option<Arp> {
    if reader.array()? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    Some(Arp {
        operation: reader.u16()?,
        sender_mac: reader.array()?,
        sender: reader.u32()?.into(),
        target_mac: reader.array()?,
        target: reader.u32()?.into(),
    })
}
