//! `spoofing`: a machine on the local network poses as another.
//!
//! Whoever tells two machines that each is the other reads what they say (ARP poisoning). So the
//! claims that messages of ARP, and of NDP in IPv6, make are remembered: which hardware address says of
//! which address that it is there, to whom, how often, and from whom it took it. A machine that tells
//! each of two others that it is the other, unasked and again and again, or many that it is one other,
//! or that takes the addresses of two others, stands between them. One address that two machines use in
//! turn is a conflict. A second DHCP server that names another gateway or other name servers to the same
//! network leads clients astray, as does a router of IPv6 that announces another network than the one
//! that is known. A machine that answers for many names when its neighbours ask for one (LLMNR, NetBIOS) wants
//! them to log on to it. Who answers in a name server's place is faster, but the true answer comes too;
//! who takes all addresses of a DHCP server asks for them as machines that nobody has. A server of DHCPv6
//! that hands itself out as the name server, and is no router, answers what it likes. Who sends others
//! another way in the router's name, or says in it that there is none, does so from another card.
//!
//! What is not counted: replies that were asked for (proxy ARP), one change of a hardware address
//! (a docking station, a replaced or failed-over machine), an address taken over after long
//! silence (DHCP), the shared hardware addresses of redundant routers (VRRP, CARP, HSRP, GLBP),
//! DHCP servers that offer the same or serve different networks; routers that announce the same network,
//! or one that leads nowhere else (unique local addresses); messages of NDP from beyond the link.

mod claims;
mod dhcp;
mod impostor;
mod neighbours;
mod race;
mod resolver;
mod self_named;
mod starvation;
mod told;
mod words;

use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::{Direction, Endpoint, ip_protocol};
use crate::record::{Arp, Body, Context, IcmpMessage, Record, Sort, TransactionRecord};
use crate::time::Duration;
use claims::{Claims, Shape, Told};
use dhcp::{Said, Servers};
use impostor::Impostors;
use neighbours::Routers;
use race::Races;
use resolver::Answerers;
use self_named::SelfNamed;
use starvation::Clients;

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
    "DHCP servers, and routers of IPv6, that were heard within this time are compared.",
);
static NAMES: Parameter = Parameter {
    name: "names",
    values: [5.0, 3.0, 2.0],
    unit: "names",
    help: "Different names that a machine answers for as its own within an hour when neighbours ask \
           (LLMNR; of NetBIOS two more): it has one. Who answers for the proxy's, wpad, is told at once.",
};

static CLIENTS: Parameter = Parameter {
    name: "clients",
    values: [120.0, 60.0, 30.0],
    unit: "machines",
    help: "Machines, of nearly as many makers, that look for an address within five minutes (DHCP), or \
           four times as many of whatever makers; addresses \
           that say of themselves that they are made up, as telephones have them, do not count.",
};

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "spoofing",
    gid: 9114,
    help: "A machine of the local network that poses as another: by ARP, NDP, as a DHCP server or \
           as a router of IPv6, or under the names that others look for.",
    algorithm: "Of each hardware address the claims are kept that its messages of ARP and NDP \
                make unasked, or about addresses that others were heard with. Two claims that swap the addresses \
                of two machines, or the addresses of two others taken, each repeated, mean that it \
                stands between them; one address used in turn by two is a conflict. DHCP offers \
                are compared by server: a second one that names other gateways or name servers for \
                the same network is a rival, as is a router of IPv6 that announces another network. Of each machine the names are \
                counted for which it answers that they are its own. A question to a name server that was \
                asked once and answered twice, with other addresses, was answered by two; many answers to one with identifiers that it did not have \
                are guesses. Hardware addresses \
                that look for an address by DHCP are counted by minute, and their makers. Redirects of \
                ICMP and NDP, and routers that resign, must come from the router's card.",
    references: &[
        "RFC 826 (ARP), RFC 5227 (address conflict detection), RFC 5798 (VRRP)",
        "RFC 2131, RFC 2132 (DHCP)",
        "RFC 4861 (NDP), RFC 6104 (rogue router advertisements)",
        "arpwatch, the bogons and flip-flops that it reports",
        "RFC 5452 (forged answers of DNS), RFC 8415 (DHCPv6)",
        "RFC 4795 (LLMNR), RFC 1001 and RFC 1002 (NetBIOS)",
        "MITRE ATT&CK T1557, T1557.001, T1557.002, T1557.003",
    ],
    parameters: &[&REPEATS, &REASSIGNED, &SERVER_MEMORY, &NAMES, &CLIENTS],
    sees: &[Sort::Arp, Sort::Icmp, Sort::Transaction, Sort::Anomaly],
    reads: &["dhcp", "dhcpv6", "llmnr", "nbns", "dns"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Spoofing::new(site, tuning)),
};

/// The detector.
pub struct Spoofing {
    repeats: u32,
    reassigned: Duration,
    server_memory: Duration,
    names: u64,
    clients: u64,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    claims: Claims,
    servers: Servers,
    routers: Routers,
    answerers: Answerers,
    clients: Clients,
    races: Races,
    self_named: SelfNamed,
    impostors: Impostors,
}

impl Spoofing {
    /// A detector that has seen nothing.
    pub fn new(_: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            repeats: u32::try_from(tuning.count(&REPEATS)).unwrap_or(u32::MAX),
            reassigned: tuning.seconds(&REASSIGNED),
            server_memory: tuning.seconds(&SERVER_MEMORY),
            names: tuning.count(&NAMES),
            clients: tuning.count(&CLIENTS),
            state: State {
                claims: Claims::new(),
                servers: Servers::new(),
                routers: Routers::new(),
                answerers: Answerers::new(),
                clients: Clients::new(),
                races: Races::new(),
                self_named: SelfNamed::new(),
                impostors: Impostors::new(),
            },
        }
    }

    fn arp(&mut self, record: &Record, arp: &Arp) -> Option<Found> {
        self.told(
            record,
            &Told {
                operation: arp.operation,
                mac: arp.sender_mac,
                address: arp.sender.into(),
                target: arp.target.into(),
            },
        )
    }

    fn neighbour(&mut self, record: &Record, message: &IcmpMessage) -> Option<Found> {
        let context = &record.context;
        let State { impostors, claims, routers, .. } = &mut self.state;
        let (at, reassigned) = (record.timestamp, self.reassigned);
        let link = impostor::Link { claims, routers, reassigned };
        if let Some(found) = impostors.add(context, message, at, &link) {
            return Some(found);
        }
        if context.protocol != ip_protocol::ICMPV6 || !neighbours::is_local(context, message) {
            return None;
        }
        if let Some(told) = neighbours::told(context, message)
            && let Some(found) = self.told(record, &told)
        {
            return Some(found);
        }
        let networks = neighbours::announced(message);
        let router = context.source?;
        let routers = &mut self.state.routers;
        if neighbours::has_network(message) {
            routers.hear(context.vlan, router.addr, message, at);
        }
        let rivals = routers.add(context.vlan, router.addr, &networks, at, self.server_memory)?;
        let context = Context { source: Some(router), destination: None, ..*context };
        Some(words::rival_routers(&context, &rivals))
    }

    fn told(&mut self, record: &Record, told: &Told) -> Option<Found> {
        if super::known::is_redundant_router(told.mac) {
            return None;
        }
        let State { claims, .. } = &mut self.state;
        let vlan = record.context.vlan;
        let shape = claims.add(vlan, told, record.timestamp, self.reassigned, self.repeats)?;
        let own = claims.own_address(vlan, told.mac, told.address.is_ipv6());
        let claimant = claims.claimants.peek(&(vlan, told.mac))?;
        let end = |addr| Endpoint { addr, port: 0 };
        let context = Context {
            source: Some(end(own.unwrap_or(told.address))),
            destination: (told.target != told.address).then_some(end(told.target)),
            ..record.context
        };
        let (at, mac, v6) = (record.timestamp, told.mac, told.address.is_ipv6());
        let about = words::About { context: &context, at, mac, own, v6 };
        Some(match shape {
            Shape::Between => words::between(claimant, self.repeats, &about),
            Shape::Conflict => words::conflict(claimant, told.address, self.repeats, &about),
        })
    }

    fn answer(&mut self, record: &Record, of: &TransactionRecord) -> Option<Found> {
        let context = &record.context;
        let [sender, asker] = sent(context, of)?;
        let (place, when) = ((context.vlan, sender.addr), (record.timestamp, context.flow_id));
        let answerers = &mut self.state.answerers;
        let found = answerers.add(place, of, when, self.names)?;
        let context = Context { source: Some(sender), destination: Some(asker), ..*context };
        let protocol = if of.protocol == "nbns" { "NetBIOS" } else { "LLMNR" };
        let least = resolver::least(of.protocol, self.names);
        Some(words::answerer(found, protocol, &context, record.timestamp, least))
    }

    fn dhcp(&mut self, record: &Record, transaction: &TransactionRecord) -> Option<Found> {
        let server_port = match transaction.protocol {
            "dhcp" => 67,
            "dhcpv6" => 547,
            _ => return None,
        };
        let context = record.context;
        // Whichever end is the flow's client: the server speaks from its port.
        let [sender, _] = sent(&context, transaction)?;
        let (vlan, at) = (context.vlan, record.timestamp);
        let State { clients, servers, self_named, routers, .. } = &mut self.state;
        // A relay speaks from the server's port too: what is said tells who it is.
        let Some(said) = Said::of(transaction).filter(|_| sender.port == server_port) else {
            return clients.add(&context, transaction, at, self.clients);
        };
        let context = Context { source: Some(sender), destination: None, ..context };
        let memory = self.server_memory;
        if transaction.protocol == "dhcpv6" {
            clients.serves(vlan, at);
            let is_router = routers.is_known(vlan, sender.addr, at);
            if let Some(found) = self_named.add(&context, &said, at, is_router) {
                return Some(found);
            }
        }
        let rivals = servers.add(vlan, sender.addr, &said.offer, at, memory)?;
        Some(words::rivals(&context, &rivals))
    }
}

/// Who sent a message, and to whom, whichever of them began the flow.
fn sent(context: &Context, of: &TransactionRecord) -> Option<[Endpoint; 2]> {
    let [client, server] = [context.source?, context.destination?];
    Some(match of.direction {
        Direction::ToServer => [client, server],
        Direction::ToClient => [server, client],
    })
}

impl Detector for Spoofing {
    fn record(&mut self, record: &Record, _: &Known, found: &mut Vec<Found>) {
        self.state.self_named.watch(record.context.vlan, record.timestamp);
        let one = match &record.body {
            Body::Arp(arp) => self.arp(record, arp),
            Body::Icmp(message) => self.neighbour(record, message),
            Body::Transaction(of) if matches!(of.protocol, "llmnr" | "nbns") => {
                self.answer(record, of)
            }
            Body::Transaction(of) if of.protocol == "dns" => {
                self.state.races.message(&record.context, of, record.timestamp)
            }
            Body::Anomaly(anomaly) => {
                self.state.races.event(anomaly.event.name, &record.context);
                None
            }
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
        let State { claims, servers, routers, .. } = &self.state;
        let State { answerers, clients, races, self_named, impostors, .. } = &self.state;
        let of_names = answerers.memory() + races.memory() + self_named.memory();
        impostors.memory()
            + claims.memory()
            + servers.memory()
            + routers.memory()
            + clients.memory()
            + of_names
    }
}

#[cfg(test)]
mod tests;
