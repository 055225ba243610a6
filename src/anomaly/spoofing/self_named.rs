//! Servers of DHCPv6 that name themselves as name servers, and are no routers: what is asked of them is
//! answered as they like. Windows looks for such a server in every network. A router of the house does so
//! with right, and says that it is one; that has to be waited for, unless the addresses that are given are
//! good on this link alone, which no honest server gives.

use std::net::IpAddr;

use super::KIND;
use super::dhcp::Said as Message;
use super::told::Told;
use crate::anomaly::known::Vlan;
use crate::anomaly::stats::distinct::mix_bytes;
use crate::anomaly::stats::{Distinct, Recent};
use crate::anomaly::words::{count, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::{Duration, Timestamp};

/// Servers remembered.
const SERVERS_MAX: usize = 64;
/// How long a segment has to be watched until a router would have been heard (RFC 4861, section 6.2.1:
/// MaxRtrAdvInterval is 1800 seconds at most).
const WATCHED: Duration = Duration::from_secs(1800);
/// Segments remembered.
const SEGMENTS_MAX: usize = 64;
/// So many machines are no trial.
const MANY: u64 = 3;

/// What is known of a server.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Server {
    first: Timestamp,
    clients: Distinct,
    /// How many there were at the last finding.
    told: u64,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct SelfNamed {
    servers: Recent<(Vlan, IpAddr), Server>,
    /// Since when each segment is watched.
    watched: Recent<Vlan, Timestamp>,
    told: Told,
}

impl SelfNamed {
    pub(super) const fn new() -> Self {
        Self {
            servers: Recent::new(SERVERS_MAX),
            watched: Recent::new(SEGMENTS_MAX),
            told: Told::new(),
        }
    }

    /// Something was seen on a segment.
    pub(super) fn watch(&mut self, vlan: Vlan, at: Timestamp) {
        self.watched.touch_or(&vlan, || at);
    }

    /// Takes what a server says; the finding when it names itself by an address that is good on this link
    /// alone, for the first machine and when there are many. `is_router` says of whom it is the duty.
    pub(super) fn add(
        &mut self,
        context: &Context,
        message: &Message,
        at: Timestamp,
        is_router: bool,
    ) -> Option<Found> {
        let server = context.source?;
        let local = |address: &IpAddr| match address {
            IpAddr::V6(address) => address.is_unicast_link_local(),
            IpAddr::V4(_) => false,
        };
        let offer = &message.offer;
        if is_router || !local(&server.addr) || !offer.names.contains(&server.addr) {
            return None;
        }
        let since = self.watched.peek(&context.vlan).copied().unwrap_or(at);
        let sure = offer.assigned.as_ref().is_some_and(local);
        if !sure && at.since(since) < WATCHED {
            return None;
        }
        let known = self
            .servers
            .touch_or(&(context.vlan, server.addr), || Server { first: at, ..Server::default() });
        known.clients.insert(mix_bytes(&message.client));
        let clients = known.clients.count();
        let due = if known.told == 0 { 1 } else { MANY };
        if clients < due || known.told >= MANY {
            return None;
        }
        known.told = clients;
        let took = at.since(known.first);
        self.told.is_due(context.vlan).then(|| found(context, server.addr, clients, sure, took))
    }

    pub(super) fn memory(&self) -> usize {
        let clients = self.servers.iter().map(|(_, server)| server.clients.memory());
        self.servers.memory() + self.watched.memory() + self.told.memory() + clients.sum::<usize>()
    }
}

fn found(context: &Context, server: IpAddr, clients: u64, sure: bool, took: Duration) -> Found {
    let grave = sure || clients >= MANY;
    let of = count(clients, ["macchina", "macchine"], ["machine", "machines"]);
    let lasted = span(took);
    let when = |it: bool| match (clients, it) {
        (1, _) => String::new(),
        (_, true) => format!(" in {}", lasted.it),
        (_, false) => format!(" in {}", lasted.en),
    };
    Judgement {
        kind: &KIND,
        sid: 8,
        title: format!("{server} hands itself out as the name server (DHCPv6)"),
        context: Context { destination: None, ..*context },
        level: if grave { Level::High } else { Level::Medium },
        score: clients as f64,
        threshold: 1.0,
        confidence: if sure { 0.95 } else if grave { 0.85 } else { 0.7 },
        numbers: vec![
            ("clients", Node::Int(clients)),
            ("dns_server", Node::Text(server.to_string().into_bytes())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("clients_max", Node::Int(0))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1557.003",
        acn: &["acn:impact=\"confidentiality\""],
        took,
        seen: Said::new(
            format!(
                "{server} ha risposto a {}{} (DHCPv6) nominando sé stesso server dei nomi; come router non si è \
                 annunciato.",
                of.it,
                when(true)
            ),
            format!(
                "{server} answered {}{} (DHCPv6) and named itself as name server; as a router it has not \
                 announced itself.",
                of.en,
                when(false)
            ),
        ),
        normal: Said::new(
            "Di norma dà questi indirizzi il router, o un server che nomina i server dei nomi della rete.",
            "Normally the router hands them out, or a server that names the network's name servers.",
        ),
        why: if sure {
            Said::new(
                "ha dato un indirizzo che vale solo su questo tratto di rete: nessun server onesto lo fa",
                "it gave an address that is good on this link alone: no honest server does",
            )
        } else {
            Said::new(
                "l'indirizzo del server dei nomi vale solo su questo tratto di rete, ed è di chi risponde",
                "the name server's address is good on this link alone, and is that of who answers",
            )
        },
        meaning: meaning(),
        advice: advice(server),
    }
    .found()
}

fn meaning() -> Said {
    Said::new(
        "I PC Windows cercano un server DHCPv6 in ogni rete e preferiscono IPv6: chi risponde decide da \
             allora ogni nome che cercano, e ne riceve gli accessi. È un attacco comune alle reti Windows.",
        "Windows PCs look for a DHCPv6 server in every network and prefer IPv6: who answers decides every \
             name that they look for from then on, and receives their log-ons. It is a common attack on \
             Windows networks.",
    )
}

fn advice(server: IpAddr) -> Said {
    Said::new(
        format!(
            "trovare la macchina con l'indirizzo {server} e scollegarla; cambiare le password di chi si è \
                 collegato nel frattempo; sugli switch bloccare i server DHCPv6 non autorizzati (DHCPv6 Guard)."
        ),
        format!(
            "find the machine with the address {server} and disconnect it; change the passwords of those who \
                 logged on meanwhile; block DHCPv6 servers that are not authorised on the switches (DHCPv6 Guard)."
        ),
    )
}
