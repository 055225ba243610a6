//! Who gives out addresses, and which gateway and name servers it names.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::told::Told;
use crate::anomaly::stats::Recent;
use crate::anomaly::stats::distinct::mix_bytes;
use crate::field::Tree;
use crate::record::TransactionRecord;
use crate::time::{Duration, Timestamp};

/// Servers remembered.
const SERVERS_MAX: usize = 64;
/// Machines kept of each server.
const CLIENTS_MAX: usize = 64;
/// Addresses kept of each list of an offer.
const LISTED_MAX: usize = 4;

/// What a server offers.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Offer {
    pub(super) assigned: Option<IpAddr>,
    pub(super) routers: Vec<IpAddr>,
    pub(super) names: Vec<IpAddr>,
    /// Whom it was for, in version 6: hashes.
    clients: Vec<u64>,
}

/// What a server says, of either version.
#[derive(Default)]
pub(super) struct Said {
    v6: bool,
    is_offer: bool,
    pub(super) offer: Offer,
    /// How the client calls itself, in version 6.
    pub(super) client: Vec<u8>,
    list: Option<List>,
}

/// A list that is read.
#[derive(Clone, Copy)]
enum List {
    Routers,
    Names,
    Assigned,
}

impl Said {
    /// Reads a message; `None` unless it is one by which a server offers or grants something.
    pub(super) fn of(transaction: &TransactionRecord) -> Option<Self> {
        let mut said = Self { v6: transaction.protocol == "dhcpv6", ..Self::default() };
        transaction.transaction.describe(&mut said);
        if said.v6 && !said.client.is_empty() {
            said.offer.clients.push(mix_bytes(&said.client));
        }
        Some(said).filter(|said| said.is_offer)
    }
}

/// The servers of each segment.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Servers {
    seen: Recent<([u16; 3], IpAddr), (Offer, Timestamp)>,
    told: Recent<([u16; 3], IpAddr), ()>,
    many: Told,
}

/// Two servers that contradict each other.
pub(super) struct Rivals {
    pub(super) known: IpAddr,
    pub(super) known_offer: Offer,
    pub(super) offer: Offer,
}

impl Servers {
    pub(super) const fn new() -> Self {
        Self { seen: Recent::new(SERVERS_MAX), told: Recent::new(SERVERS_MAX), many: Told::new() }
    }

    /// Takes what `server` says on a segment; whether it contradicts one that was heard within
    /// `memory`, about addresses of the same network. Told once.
    pub(super) fn add(
        &mut self,
        vlan: [u16; 3],
        server: IpAddr,
        offer: &Offer,
        at: Timestamp,
        memory: Duration,
    ) -> Option<Rivals> {
        if offer.routers.is_empty() && offer.names.is_empty() {
            return None;
        }
        let key = (vlan, server);
        let (mut offer, mut is_new) = (offer.clone(), true);
        if let Some((before, _)) = self.seen.peek(&key) {
            let all = before.clients.iter().copied().chain(offer.clients.iter().copied());
            let all: BTreeSet<u64> = all.take(CLIENTS_MAX).collect();
            // Of version 6 whom both have served may show later.
            is_new = all.len() > before.clients.len();
            offer.clients = all.into_iter().collect();
        }
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
        self.told.touch(&(vlan, rivals.known));
        self.many.is_due(vlan).then_some(rivals)
    }

    pub(super) fn memory(&self) -> usize {
        self.seen.memory()
            + self.told.memory()
            + self.many.memory()
            + self.seen.len() * (LISTED_MAX * 32 + CLIENTS_MAX * 8)
    }
}

impl Offer {
    /// Whether it leads clients of the same network another way: nothing in common where both
    /// say something.
    fn contradicts(&self, other: &Self) -> bool {
        let apart = |a: &[IpAddr], b: &[IpAddr]| {
            !a.is_empty() && !b.is_empty() && !a.iter().any(|address| b.contains(address))
        };
        let network = |offer: &Self| match offer.assigned? {
            IpAddr::V4(address) => Some(address.to_bits() >> 8),
            IpAddr::V6(_) => None,
        };
        // Of version 6 they are on one link if the same machine was served.
        let shared = self.clients.iter().any(|client| other.clients.contains(client));
        (shared || network(self).is_some() && network(self) == network(other))
            && (apart(&self.routers, &other.routers) || apart(&self.names, &other.names))
    }
}

impl Tree for Said {
    fn wants(&self, key: &str) -> bool {
        match key {
            "dhcp_type" | "assigned_ip" | "routers" => !self.v6,
            "type" | "addresses" | "client_id" => self.v6,
            _ => key == "dns_servers",
        }
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        let address = || -> Option<IpAddr> { std::str::from_utf8(value).ok()?.parse().ok() };
        let Offer { assigned, routers, names, .. } = &mut self.offer;
        match (self.list, key) {
            (Some(List::Routers), _) if routers.len() < LISTED_MAX => routers.extend(address()),
            (Some(List::Names), _) if names.len() < LISTED_MAX => names.extend(address()),
            (Some(List::Assigned), _) => *assigned = assigned.or_else(address),
            (Some(_), _) => {}
            (None, "dhcp_type") => self.is_offer = matches!(value, b"offer" | b"ack"),
            (None, "type") if self.v6 => self.is_offer = matches!(value, b"advertise" | b"reply"),
            (None, "assigned_ip") => *assigned = address().filter(|a| !a.is_unspecified()),
            (None, "client_id") => self.client = value.to_vec(),
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, _: &str, _: &mut dyn FnMut(&mut dyn Tree)) {}

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.list = match key {
            "routers" => Some(List::Routers),
            "dns_servers" => Some(List::Names),
            "addresses" => Some(List::Assigned),
            _ => return,
        };
        fill(self);
        self.list = None;
    }
}
