//! `sweep`: someone asks a whole network who is there.
//!
//! Who does not know a network walks through its addresses: asks by ARP who has each, pings each,
//! asks the name server for the name of each, or sends a datagram to one port of each. An honest
//! host asks for those it needs, and those are there. So what counts is how many different
//! addresses of one /24 a source asks for that are not there, within seconds or within an hour.
//!
//! What is not counted: addresses that anyone was seen to have (a management server that looks for
//! computers which are switched off, a DHCP server that tries an address before it leases it). A
//! gateway asks by ARP on behalf of whoever sends packets through it: that it looks for many says
//! that someone behind it sweeps, and is told as a note. A host is taken for a gateway when
//! several others asked for its address, when it asks from several addresses of its own, or when
//! its hardware address is that of a redundant router (VRRP, CARP, HSRP, GLBP). For names the
//! order counts: who reads a log asks for addresses as they come, who sweeps asks in order.

mod row;
mod words;

use std::net::{IpAddr, Ipv4Addr};

use super::known::{Vlan, is_redundant_router};
use super::stats::Recent;
use super::{Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::{Endpoint, ip_protocol};
use crate::record::{Arp, Body, Context, IcmpMessage, Outcome, Record, Sort, TransactionRecord};
use crate::time::Duration;
use row::{Row, Verdict};
use words::Shape;

static ARP_FAST: Parameter = Parameter {
    name: "arp-targets",
    values: [60.0, 30.0, 15.0],
    unit: "addresses",
    help: "Addresses not there that a host asks for by ARP within 10 seconds. Slips speaks from 5 \
           in 30 seconds on, which a printer's driver can reach.",
};
static ARP_SLOW: Parameter = Parameter {
    name: "arp-targets-hour",
    values: [128.0, 64.0, 32.0],
    unit: "addresses",
    help: "The same within an hour, for sweeps that take their time.",
};
static PING_FAST: Parameter = Parameter {
    name: "ping-targets",
    values: [50.0, 25.0, 12.0],
    unit: "addresses",
    help: "Addresses of one network that a host pings within 5 minutes without an answer.",
};
static PING_SLOW: Parameter = Parameter {
    name: "ping-targets-hour",
    values: [128.0, 64.0, 32.0],
    unit: "addresses",
    help: "The same within an hour.",
};
static NAMES: Parameter = Parameter {
    name: "reverse-names",
    values: [64.0, 32.0, 16.0],
    unit: "addresses",
    help: "Addresses of one network whose names a host asks for, in order, within a minute. Lower \
           values, such as 10 in 2 seconds with Slips, are reached by programs that show who is \
           connected.",
};
static NAMES_SLOW: Parameter = Parameter {
    name: "reverse-names-hour",
    values: [200.0, 100.0, 50.0],
    unit: "addresses",
    help: "The same within an hour.",
};
static UDP: Parameter = Parameter {
    name: "udp-targets",
    values: [50.0, 25.0, 12.0],
    unit: "addresses",
    help: "Addresses of one network to the same UDP port of which a host sends in vain, within 5 \
           minutes.",
};
static UDP_SLOW: Parameter = Parameter {
    name: "udp-targets-hour",
    values: [128.0, 64.0, 32.0],
    unit: "addresses",
    help: "The same within an hour.",
};
static GATEWAY_ASKERS: Parameter = Parameter::fixed(
    "gateway-askers",
    3.0,
    "hosts",
    "From how many different hosts on that ask by ARP for an address it is taken for a gateway's \
     or server's.",
);
static AGAIN: Parameter = Parameter::fixed(
    "again-after",
    86_400.0,
    "seconds",
    "The same source sweeping the same network is told again after this time.",
);

/// Rows of sweeps remembered: of about 200 bytes.
const ROWS_MAX: usize = 8192;
/// Addresses remembered that were asked for by ARP, and hardware addresses that asked.
const HOSTS_MAX: usize = 4096;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "sweep",
    gid: 9101,
    help: "A host that asks a whole network who is there: by ARP, ping, reverse names or datagrams \
           to one port.",
    algorithm: "Per source, way of asking and /24 network a set of the addresses asked for within \
                a short and a long while, and of those that are known to be there. A finding is \
                due when the addresses asked for in vain reach a limit and are at least half of \
                all; for reverse names, when most were asked for in order. Gateways that ask for \
                others are told apart and only noted.",
    references: &[
        "RFC 826 (ARP), RFC 5227 (address conflict detection), RFC 5798 (VRRP)",
        "Nmap reference guide, host discovery",
        "Stratosphere Linux IPS (Slips), network discovery and ARP modules",
        "MITRE ATT&CK T1018, T1595.001, T1590.002",
    ],
    parameters: &[
        &ARP_FAST,
        &ARP_SLOW,
        &PING_FAST,
        &PING_SLOW,
        &NAMES,
        &NAMES_SLOW,
        &UDP,
        &UDP_SLOW,
        &GATEWAY_ASKERS,
        &AGAIN,
    ],
    sees: &[Sort::Arp, Sort::Icmp, Sort::Contact, Sort::Transaction],
    reads: &["dns"],
    when: super::When::Marked(super::Mark::Datagram),
    build: |site, tuning| Box::new(Sweep::new(site, tuning)),
};

/// So many within so long.
#[derive(Clone, Copy, Debug)]
struct Window {
    least: u64,
    within: Duration,
}

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    arp: [Window; 2],
    ping: [Window; 2],
    names: [Window; 2],
    udp: [Window; 2],
    gateway_askers: usize,
    again: Duration,
}

impl Limits {
    fn of(tuning: &Tuning<'_>) -> Self {
        let pair = |fast: &Parameter, seconds: u64, slow: &Parameter| {
            let window = |parameter, seconds| Window {
                least: tuning.count(parameter).max(2),
                within: Duration::from_secs(seconds),
            };
            [window(fast, seconds), window(slow, 3600)]
        };
        Self {
            arp: pair(&ARP_FAST, 10, &ARP_SLOW),
            ping: pair(&PING_FAST, 300, &PING_SLOW),
            names: pair(&NAMES, 60, &NAMES_SLOW),
            udp: pair(&UDP, 300, &UDP_SLOW),
            gateway_askers: usize::try_from(tuning.count(&GATEWAY_ASKERS)).unwrap_or(usize::MAX),
            again: tuning.seconds(&AGAIN),
        }
    }
}

/// Who asks, how, and which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
enum Key {
    Arp(Vlan, [u8; 6], [u8; 3]),
    Ping(IpAddr, [u8; 3]),
    Names(IpAddr, [u8; 3]),
    Udp(IpAddr, u16, [u8; 3]),
}

/// The detector.
pub struct Sweep {
    site: Site,
    limits: Limits,
    query: FieldRef,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    rows: Recent<Key, Row>,
    /// By address the first few that asked for it.
    askers: Recent<(Vlan, Ipv4Addr), Vec<[u8; 6]>>,
    /// By hardware address the first few addresses from which it asked.
    origins: Recent<(Vlan, [u8; 6]), Vec<Ipv4Addr>>,
}

impl Sweep {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let state = State {
            rows: Recent::new(ROWS_MAX),
            askers: Recent::new(HOSTS_MAX),
            origins: Recent::new(HOSTS_MAX),
        };
        let query = site.field("dns", "dns.query");
        Self { site: site.clone(), limits: Limits::of(tuning), query, state }
    }

    fn arp(&mut self, record: &Record, arp: &Arp, known: &Known) -> Option<Found> {
        let probe = arp.sender.is_unspecified() || arp.sender == arp.target;
        if arp.operation != 1 || probe || arp.target.is_unspecified() {
            return None;
        }
        let (vlan, mac) = (record.context.vlan, arp.sender_mac);
        let origins = self.state.origins.touch(&(vlan, mac));
        note(origins, arp.sender, 2);
        let many_origins = origins.len() > 1;
        let asked = self.state.askers.peek(&(vlan, arp.sender)).map_or(0, Vec::len);
        note(self.state.askers.touch(&(vlan, arp.target)), mac, self.limits.gateway_askers);
        let ([a, b, c], octet) = split(arp.target);
        let at = record.timestamp;
        let there = |octet| known.is_claimed(vlan, [a, b, c, octet].into(), at);
        let row = self.state.rows.touch(&Key::Arp(vlan, mac, [a, b, c]));
        let (limits, again) = (self.limits.arp, self.limits.again);
        let verdict = row.ask(octet, record.timestamp, limits, again, there)?;
        let gateway =
            many_origins || asked >= self.limits.gateway_askers || is_redundant_router(mac);
        let source = Endpoint { addr: arp.sender.into(), port: 0 };
        let context = Context { source: Some(source), ..record.context };
        let shape = if gateway { Shape::Gateway } else { Shape::Arp };
        Some(self.found(shape, context, [a, b, c], &verdict, known))
    }

    fn icmp(&mut self, record: &Record, icmp: &IcmpMessage, known: &Known) -> Option<Found> {
        const ECHO_REPLY: u8 = 0;
        const ECHO: u8 = 8;
        let context = record.context;
        if context.protocol != ip_protocol::ICMP {
            return None;
        }
        let (source, target) = (context.source?.addr, context.destination?.addr);
        let (IpAddr::V4(from), IpAddr::V4(to)) = (source, target) else { return None };
        match icmp.kind {
            ECHO_REPLY => {
                let (network, octet) = split(from);
                if let Some(row) = self.state.rows.get(&Key::Ping(target, network)) {
                    row.answered(octet);
                }
                None
            }
            ECHO if !is_group(to) => {
                let (network, octet) = split(to);
                let row = self.state.rows.touch(&Key::Ping(source, network));
                let (limits, again) = (self.limits.ping, self.limits.again);
                let verdict = row.ask(octet, record.timestamp, limits, again, |_| false)?;
                Some(self.found(Shape::Ping, context, network, &verdict, known))
            }
            _ => None,
        }
    }

    fn udp(&mut self, record: &Record, outcome: Outcome, known: &Known) -> Option<Found> {
        let context = record.context;
        if !may_be_knock(&context) {
            return None;
        }
        let (source, target) = (context.source?, context.destination?);
        let IpAddr::V4(to) = target.addr else { return None };
        if is_group(to) {
            return None;
        }
        let (network, octet) = split(to);
        let key = Key::Udp(source.addr, target.port, network);
        if outcome == Outcome::Answered {
            // Most datagrams are answered: only who asks in vain is remembered.
            if let Some(row) = self.state.rows.get(&key) {
                row.answered(octet);
            }
            return None;
        }
        let row = self.state.rows.touch(&key);
        let (limits, again) = (self.limits.udp, self.limits.again);
        let verdict = row.ask(octet, record.timestamp, limits, again, |_| false)?;
        Some(self.found(Shape::Udp(target.port), context, network, &verdict, known))
    }

    fn names(
        &mut self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<Found> {
        let address = self.query.bytes(transaction, reverse).flatten()?;
        let source = record.context.source?.addr;
        let (network, octet) = split(address);
        let row = self.state.rows.touch(&Key::Names(source, network));
        let (limits, again) = (self.limits.names, self.limits.again);
        let verdict = row.ask(octet, record.timestamp, limits, again, |_| false)?;
        let ordered = row.is_in_order();
        if !ordered {
            row.hold();
        }
        ordered.then(|| self.found(Shape::Names, record.context, network, &verdict, known))
    }

    fn found(
        &self,
        shape: Shape,
        context: Context,
        network: [u8; 3],
        verdict: &Verdict,
        known: &Known,
    ) -> Found {
        words::found(shape, &context, network, verdict, &self.site, known)
    }
}

/// Whether a contact may be one of a sweep.
#[inline]
pub(super) const fn may_be_knock(context: &Context) -> bool {
    context.protocol == ip_protocol::UDP
}

impl Detector for Sweep {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        let one = match &record.body {
            Body::Arp(arp) => self.arp(record, arp, known),
            Body::Icmp(icmp) => self.icmp(record, icmp, known),
            Body::Contact(contact) => self.udp(record, contact.outcome, known),
            Body::Transaction(transaction) => self.names(record, transaction, known),
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
        let State { rows, askers, origins } = &self.state;
        let lists: usize = askers.iter().map(|(_, list)| list.capacity() * 6).sum();
        let own: usize = origins.iter().map(|(_, list)| list.capacity() * 4).sum();
        rows.memory() + askers.memory() + origins.memory() + lists + own
    }
}

/// The network and the last octet of an address.
fn split(address: Ipv4Addr) -> ([u8; 3], u8) {
    let [a, b, c, d] = address.octets();
    ([a, b, c], d)
}

/// The address whose name is asked for: `4.3.2.1.in-addr.arpa` is of 1.2.3.4 (RFC 1035, 3.5).
fn reverse(name: &[u8]) -> Option<Ipv4Addr> {
    const ZONE: &str = ".in-addr.arpa";
    let text = std::str::from_utf8(name).ok()?;
    let cut = text.len().checked_sub(ZONE.len())?;
    let (head, zone) = text.split_at_checked(cut)?;
    if !zone.eq_ignore_ascii_case(ZONE) {
        return None;
    }
    let [d, c, b, a] = head.parse::<Ipv4Addr>().ok()?.octets();
    Some(Ipv4Addr::new(a, b, c, d))
}

fn is_group(address: Ipv4Addr) -> bool {
    let [.., last] = address.octets();
    address.is_multicast() || address.is_unspecified() || last == u8::MAX
}

fn note<T: PartialEq>(list: &mut Vec<T>, value: T, max: usize) {
    if list.len() < max && !list.contains(&value) {
        list.push(value);
    }
}

#[cfg(test)]
mod tests;
