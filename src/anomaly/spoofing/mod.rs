//! `spoofing`: a machine on the local network poses as another.
//!
//! Whoever tells two machines that each is the other reads what they say (ARP poisoning). So the
//! claims that ARP messages make are remembered: which hardware address says of which address that
//! it is there, to whom, how often, and from whom it took it. A machine that tells each of two
//! others that it is the other, unasked and again and again, or that takes the addresses of two
//! others, stands between them. One address that two machines use in turn is a conflict. A second
//! DHCP server that names another gateway or other name servers to the same network leads clients
//! astray.
//!
//! What is not counted: replies that were asked for (proxy ARP), one change of a hardware address
//! (a docking station, a replaced or failed-over machine), an address taken over after long
//! silence (DHCP), the shared hardware addresses of redundant routers (VRRP, CARP, HSRP, GLBP),
//! DHCP servers that offer the same or serve different networks.

mod claims;
mod dhcp;
mod words;

use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::Endpoint;
use crate::record::{Arp, Body, Context, Record, Sort, TransactionRecord};
use crate::time::Duration;
use claims::{Claims, Shape};
use dhcp::Servers;

static REPEATS: Parameter = Parameter {
    name: "repeats",
    values: [6.0, 3.0, 2.0],
    unit: "messages",
    help: "How often a claim must have been made to count: poisoned machines forget within seconds, \
           so tools repeat it every second to ten seconds.",
};
static REASSIGNED: Parameter = Parameter::fixed(
    "reassigned-after",
    1800.0,
    "seconds",
    "Of an address whose holder was silent this long a change is honest: DHCP has given it on.",
);
static SERVER_MEMORY: Parameter = Parameter::fixed(
    "server-memory",
    86_400.0,
    "seconds",
    "DHCP servers that were heard within this time are compared.",
);

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "spoofing",
    gid: 9114,
    help: "A machine of the local network that poses as another: by ARP, or as a DHCP server.",
    algorithm: "Of each hardware address the claims are kept that its ARP messages make unasked, \
                or about addresses that others were heard with. Two claims that swap the addresses \
                of two machines, or the addresses of two others taken, each repeated, mean that it \
                stands between them; one address used in turn by two is a conflict. DHCP offers \
                are compared by server: a second one that names other gateways or name servers for \
                the same network is a rival.",
    references: &[
        "RFC 826 (ARP), RFC 5227 (address conflict detection), RFC 5798 (VRRP)",
        "RFC 2131, RFC 2132 (DHCP)",
        "arpwatch, the bogons and flip-flops that it reports",
        "MITRE ATT&CK T1557.002, T1557.003",
    ],
    parameters: &[&REPEATS, &REASSIGNED, &SERVER_MEMORY],
    sees: &[Sort::Arp, Sort::Transaction],
    reads: &["dhcp"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Spoofing::new(site, tuning)),
};

/// The detector.
pub struct Spoofing {
    repeats: u32,
    reassigned: Duration,
    server_memory: Duration,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    claims: Claims,
    servers: Servers,
}

impl Spoofing {
    /// A detector that has seen nothing.
    pub fn new(_: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            repeats: u32::try_from(tuning.count(&REPEATS)).unwrap_or(u32::MAX),
            reassigned: tuning.seconds(&REASSIGNED),
            server_memory: tuning.seconds(&SERVER_MEMORY),
            state: State { claims: Claims::new(), servers: Servers::new() },
        }
    }

    fn arp(&mut self, record: &Record, arp: &Arp) -> Option<Found> {
        if super::known::is_redundant_router(arp.sender_mac) {
            return None;
        }
        let State { claims, .. } = &mut self.state;
        let vlan = record.context.vlan;
        let shape = claims.add(vlan, arp, record.timestamp, self.reassigned, self.repeats)?;
        let own = claims.own_address(vlan, arp.sender_mac);
        let claimant = claims.claimants.peek(&(vlan, arp.sender_mac))?;
        let end = |addr: std::net::Ipv4Addr| Endpoint { addr: addr.into(), port: 0 };
        let context = Context {
            source: Some(end(own.unwrap_or(arp.sender))),
            destination: (arp.target != arp.sender).then_some(end(arp.target)),
            ..record.context
        };
        let about =
            words::About { context: &context, at: record.timestamp, mac: arp.sender_mac, own };
        Some(match shape {
            Shape::Between => words::between(claimant, self.repeats, &about),
            Shape::Conflict => words::conflict(claimant, arp.sender, self.repeats, &about),
        })
    }

    fn dhcp(&mut self, record: &Record, transaction: &TransactionRecord) -> Option<Found> {
        const SERVER_PORT: u16 = 67;
        if transaction.protocol != "dhcp" {
            return None;
        }
        // Whichever end is the flow's client: the server speaks from its port.
        let context = record.context;
        let ends = [context.source?, context.destination?];
        let [_, sender] = if transaction.direction == crate::net::Direction::ToClient {
            ends
        } else {
            let [client, server] = ends;
            [server, client]
        };
        if sender.port != SERVER_PORT {
            return None;
        }
        let (vlan, at) = (context.vlan, record.timestamp);
        let servers = &mut self.state.servers;
        let rivals = servers.add(vlan, sender.addr, transaction, at, self.server_memory)?;
        let context = Context { source: Some(sender), destination: None, ..context };
        Some(words::rivals(&context, &rivals))
    }
}

impl Detector for Spoofing {
    fn record(&mut self, record: &Record, _: &Known, found: &mut Vec<Found>) {
        let one = match &record.body {
            Body::Arp(arp) => self.arp(record, arp),
            Body::Transaction(transaction) => self.dhcp(record, transaction),
            _ => None,
        };
        if let Some(one) = one {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.state.claims.memory() + self.state.servers.memory()
    }
}

#[cfg(test)]
mod tests;
