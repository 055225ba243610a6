//! Ethernet II, 802.3 with LLC and SNAP, and the tags between: VLAN, QinQ, VN-tag, 802.1ah.

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::events;
use super::headers::Ethernet;
use super::packet::Packet;
use crate::net::VLAN_LAYERS_MAX;

/// EtherTypes that are decoded (IEEE registry).
pub(super) mod ether_type {
    pub(in crate::decode) const IPV4: u16 = 0x0800;
    pub(in crate::decode) const ARP: u16 = 0x0806;
    pub(in crate::decode) const BRIDGED: u16 = 0x6558;
    pub(in crate::decode) const VLAN: u16 = 0x8100;
    pub(in crate::decode) const IPV6: u16 = 0x86dd;
    pub(in crate::decode) const MPLS: u16 = 0x8847;
    pub(in crate::decode) const MPLS_MULTICAST: u16 = 0x8848;
    pub(in crate::decode) const PPPOE_DISCOVERY: u16 = 0x8863;
    pub(in crate::decode) const PPPOE_SESSION: u16 = 0x8864;
    pub(in crate::decode) const PROVIDER_VLAN: u16 = 0x88a8;
    pub(in crate::decode) const BACKBONE: u16 = 0x88e7;
    pub(in crate::decode) const DATA_CENTRE: u16 = 0x8903;
    pub(in crate::decode) const VN_TAG: u16 = 0x8926;
    pub(in crate::decode) const NSH: u16 = 0x894f;
    pub(in crate::decode) const OLD_QINQ: u16 = 0x9100;
}

/// The smallest EtherType; what is below is a length (IEEE 802.3, 3.2.6).
const ETHER_TYPE_MIN: u16 = 0x600;

impl Packet<'_, '_> {
    pub(super) fn ethernet(&mut self, start: usize, end: usize) {
        // etherparse checks the length once and reads without further checks: nothing to add.
        let Ok(header) = Ethernet2HeaderSlice::from_slice(self.slice(start, end)) else {
            return self.event(&events::ETHERNET_PKT_TOO_SMALL);
        };
        let kind = header.ether_type().0;
        let ethernet = Ethernet {
            destination: header.destination(),
            source: header.source(),
            ether_type: kind,
        };
        self.headers.ethernet.get_or_insert(ethernet);
        let known = if kind < ETHER_TYPE_MIN {
            self.llc(usize::from(kind), start + 14, end)
        } else {
            self.network(kind, start + 14, end)
        };
        if !known {
            self.event(&events::ETHERNET_UNKNOWN_ETHERTYPE);
        }
    }

    /// What follows an EtherType. False when it is not decoded.
    pub(super) fn network(&mut self, kind: u16, start: usize, end: usize) -> bool {
        match kind {
            ether_type::IPV4 => self.ipv4(start, end),
            ether_type::IPV6 => self.ipv6(start, end),
            ether_type::ARP => self.arp(start, end),
            ether_type::VLAN | ether_type::PROVIDER_VLAN | ether_type::OLD_QINQ => {
                self.vlan(start, end);
            }
            ether_type::MPLS | ether_type::MPLS_MULTICAST => self.mpls(start, end),
            ether_type::PPPOE_SESSION => self.pppoe_session(start, end),
            ether_type::PPPOE_DISCOVERY => self.pppoe_discovery(start, end),
            ether_type::NSH => self.nsh(start, end),
            ether_type::VN_TAG => self.vn_tag(start, end),
            ether_type::BACKBONE => self.backbone(start, end),
            ether_type::DATA_CENTRE => self.data_centre(start, end),
            ether_type::BRIDGED => {
                if self.layer() {
                    self.ethernet(start, end);
                }
            }
            _ => return false,
        }
        true
    }

    /// LLC (IEEE 802.2) of `length` bytes: only SNAP (RFC 1042) carries what is decoded.
    fn llc(&mut self, length: usize, start: usize, end: usize) -> bool {
        let end = end.min(start.saturating_add(length));
        let mut reader = self.reader(start, end);
        match (reader.array::<6>(), reader.u16()) {
            (Some([0xaa, 0xaa, 0x03, 0, 0, 0]), Some(kind)) => self.network(kind, start + 8, end),
            _ => false,
        }
    }

    fn vlan(&mut self, start: usize, end: usize) {
        let Ok(tag) = SingleVlanHeaderSlice::from_slice(self.slice(start, end)) else {
            return self.event(&events::VLAN_HEADER_TOO_SMALL);
        };
        if !self.layer() {
            return;
        }
        let place = usize::from(self.headers.vlan_layers);
        let Some(slot) = self.headers.vlan.get_mut(place).filter(|_| place < VLAN_LAYERS_MAX)
        else {
            return self.event(&events::VLAN_TOO_MANY_LAYERS);
        };
        *slot = tag.vlan_identifier().value();
        self.headers.vlan_layers += 1;
        if !self.network(tag.ether_type().0, start + 4, end) {
            self.event(&events::VLAN_UNKNOWN_TYPE);
        }
    }

    /// VN-tag: 4 bytes of port identifiers, then an EtherType (Cisco, IEEE 802.1BR).
    fn vn_tag(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some(()), Some(kind)) = (reader.skip(4), reader.u16()) else {
            return self.event(&events::VNTAG_HEADER_TOO_SMALL);
        };
        if self.layer() && !self.network(kind, start + 6, end) {
            self.event(&events::VNTAG_UNKNOWN_TYPE);
        }
    }

    /// 802.1ah: a service identifier, then the customer's own Ethernet header.
    fn backbone(&mut self, start: usize, end: usize) {
        let mut reader = self.reader(start, end);
        let (Some(()), Some(kind)) = (reader.skip(16), reader.u16()) else {
            return self.event(&events::IEEE8021AH_HEADER_TOO_SMALL);
        };
        if self.layer() {
            self.network(kind, start + 18, end);
        }
    }

    /// Cisco FabricPath: a tag of two bytes, then the whole frame of the host.
    fn data_centre(&mut self, start: usize, end: usize) {
        if end.saturating_sub(start) < 2 {
            self.event(&events::DCE_PKT_TOO_SMALL);
        } else if self.layer() {
            self.ethernet(start + 2, end);
        }
    }
}
