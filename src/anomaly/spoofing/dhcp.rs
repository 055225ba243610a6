//! Who gives out addresses, and which gateway and name servers it names.

use std::net::{IpAddr, Ipv4Addr};

use crate::anomaly::stats::Recent;
use crate::field::Tree;
use crate::record::TransactionRecord;
use crate::time::{Duration, Timestamp};

/// Servers remembered.
const SERVERS_MAX: usize = 64;
/// Addresses kept of each list of an offer.
const LISTED_MAX: usize = 4;

/// What a server offers.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Offer {
    is_offer: bool,
    assigned: Option<Ipv4Addr>,
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) names: Vec<Ipv4Addr>,
}

/// The servers of each segment.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Servers {
    seen: Recent<([u16; 3], IpAddr), (Offer, Timestamp)>,
    told: Recent<([u16; 3], IpAddr), ()>,
}

/// Two servers that contradict each other.
pub(super) struct Rivals {
    pub(super) known: IpAddr,
    pub(super) known_offer: Offer,
    pub(super) offer: Offer,
}

impl Servers {
    pub(super) const fn new() -> Self {
        Self { seen: Recent::new(SERVERS_MAX), told: Recent::new(SERVERS_MAX) }
    }

    /// Takes what `server` says on a segment; whether it contradicts one that was heard within
    /// `memory`, about addresses of the same network. Told once.
    pub(super) fn add(
        &mut self,
        vlan: [u16; 3],
        server: IpAddr,
        transaction: &TransactionRecord,
        at: Timestamp,
        memory: Duration,
    ) -> Option<Rivals> {
        let mut offer = Reading::default();
        transaction.transaction.describe(&mut offer);
        let offer = offer.offer;
        if !offer.is_offer || offer.routers.is_empty() && offer.names.is_empty() {
            return None;
        }
        let key = (vlan, server);
        let is_new = self.seen.peek(&key).is_none();
        *self.seen.touch_or(&key, || (offer.clone(), at)) = (offer.clone(), at);
        if !is_new || self.told.peek(&key).is_some() {
            return None;
        }
        let rival = self.seen.iter().find(|((segment, other), (theirs, last))| {
            *segment == vlan
                && *other != server
                && at.since(*last) <= memory
                && theirs.contradicts(&offer)
        });
        let rivals = rival.map(|((_, known), (theirs, _))| Rivals {
            known: *known,
            known_offer: theirs.clone(),
            offer: offer.clone(),
        })?;
        self.told.touch(&key);
        Some(rivals)
    }

    pub(super) fn memory(&self) -> usize {
        self.seen.memory() + self.told.memory() + self.seen.len() * LISTED_MAX * 8
    }
}

impl Offer {
    /// Whether it leads clients of the same network another way: nothing in common where both
    /// say something.
    fn contradicts(&self, other: &Self) -> bool {
        let apart = |a: &[Ipv4Addr], b: &[Ipv4Addr]| {
            !a.is_empty() && !b.is_empty() && !a.iter().any(|address| b.contains(address))
        };
        let network = |offer: &Self| offer.assigned.map(|a| a.to_bits() >> 8);
        network(self).is_some()
            && network(self) == network(other)
            && (apart(&self.routers, &other.routers) || apart(&self.names, &other.names))
    }
}

/// Takes an offer out of what a message says of itself.
#[derive(Default)]
struct Reading {
    offer: Offer,
    list: Option<bool>,
}

impl Tree for Reading {
    fn wants(&self, key: &str) -> bool {
        matches!(key, "dhcp_type" | "assigned_ip" | "routers" | "dns_servers")
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        let address = || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        match (self.list, key) {
            (Some(routers), _) => {
                let Offer { routers: first, names: second, .. } = &mut self.offer;
                let list = if routers { first } else { second };
                if list.len() < LISTED_MAX {
                    list.extend(address());
                }
            }
            (None, "dhcp_type") => self.offer.is_offer = matches!(value, b"offer" | b"ack"),
            (None, "assigned_ip") => {
                self.offer.assigned = address().filter(|a: &Ipv4Addr| !a.is_unspecified())
            }
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, _: &str, _: &mut dyn FnMut(&mut dyn Tree)) {}

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.list = match key {
            "routers" => Some(true),
            "dns_servers" => Some(false),
            _ => return,
        };
        fill(self);
        self.list = None;
    }
}
