//! Tunnels over UDP: Teredo (RFC 4380), VXLAN (RFC 7348), GENEVE (RFC 8926).
//!
//! A port is only a hint: a tunnel is entered when its header, and the first bytes of what it
//! carries, hold true.

use super::ethernet::ether_type;
use super::headers::Udp;
use super::packet::{Entry, Packet};
use crate::reader::Reader;

impl Packet<'_, '_> {
    #[inline]
    pub(super) fn udp_tunnel(&mut self, udp: &Udp, start: usize, end: usize) {
        let options = self.options;
        let teredo = options.teredo
            && (options.teredo_ports.contains(udp.destination)
                || options.teredo_ports.contains(udp.source));
        if teredo && self.teredo(start, end) {
            return;
        }
        if options.vxlan_ports.contains(udp.destination) {
            self.vxlan(start, end);
        } else if options.geneve_ports.contains(udp.destination) {
            self.geneve(start, end);
        }
    }

    /// Up to two indications, then IPv6 that fills the datagram.
    fn teredo(&mut self, start: usize, end: usize) -> bool {
        let mut reader = self.reader(start, end);
        if teredo_indications(&mut reader).is_none() {
            return false;
        }
        let bytes = reader.rest();
        let length = bytes.get(4..6).and_then(|two| two.try_into().ok()).map(u16::from_be_bytes);
        let whole = bytes.len() >= 40
            && bytes.first().is_some_and(|byte| byte >> 4 == 6)
            && length.is_some_and(|length| usize::from(length) + 40 == bytes.len());
        if whole && self.layer() {
            let at = start + reader.position();
            self.carry(Entry::Network(ether_type::IPV6), at, end);
        }
        whole
    }

    /// Eight bytes: flags of which only "network identifier is there" may be set, two reserved
    /// fields, the identifier; then an Ethernet frame.
    fn vxlan(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some([flags, _, _, _]), Some([_, _, _, reserved])) = (reader.array(), reader.array())
        else {
            return;
        };
        // A network policy extension sets more flags: those are let through, but the identifier
        // must be there, as in every use of the port.
        if flags & 0x08 == 0 || reserved != 0 || reader.left() < 14 {
            return;
        }
        if self.layer() {
            self.carry(Entry::Network(ether_type::BRIDGED), start + 8, end);
        }
    }

    /// Eight bytes and options; the protocol is an EtherType.
    fn geneve(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some([first, _]), Some(protocol), Some([_, _, _, reserved])) =
            (reader.array(), reader.u16(), reader.array())
        else {
            return;
        };
        let options = usize::from(first & 0x3f) * 4;
        if first >> 6 != 0 || reserved != 0 || reader.skip(options).is_none() {
            return;
        }
        let known = matches!(protocol, ether_type::IPV4 | ether_type::IPV6 | ether_type::BRIDGED);
        if known && self.layer() {
            self.carry(Entry::Network(protocol), start + reader.position(), end);
        }
    }
}

/// Passes the authentication and the origin indication when they are there (RFC 4380, 5.1.1).
fn teredo_indications(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..2 {
        match reader.rest() {
            [0, 1, client, secret, ..] => {
                reader.skip(4 + usize::from(*client) + usize::from(*secret) + 9)?;
            }
            [0, 0, ..] => reader.skip(8)?,
            _ => return Some(()),
        }
    }
    Some(())
}
