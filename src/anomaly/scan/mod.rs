//! `scan`: someone looks for open doors.
//!
//! A scanner does not know what is there; so most of its first contacts fail, while those of an
//! honest host mostly succeed. A connection that is accepted and broken off at once by who asked for it
//! was not wanted: of one from outside it counts as failed. Each first contact of a source with a new
//! target is a coin thrown for or against it, and a sequential test decides as soon as the evidence is
//! strong enough (threshold random walk: J. Jung et al., "Fast Portscan Detection Using Sequential
//! Hypothesis Testing", IEEE S&P 2004). Three shapes are watched: many ports of one host (vertical), many
//! hosts (horizontal), one host by many sources that each try little (distributed). Who tries one host
//! with many protocols of IP is told by their number (`protocols`). Pages of a web
//! server of ours are looked for in the same way (`pages`): who asks for what is not there, again and
//! again, goes through a list.
//!
//! What is not counted: connections picked up in the middle (unless all that comes back is a refusal, at
//! many ports of one host), multicast and broadcast, datagrams that stay without answer unless the port
//! is a server's (silence is normal for many of them), pages of the Internet that are silent over IPv6,
//! and what is itself an answer: from the victim of a flood with made-up senders (backscatter), from
//! servers that are misused to amplify. Sources of which hundreds assail one host (a flood) are not
//! remembered one by one. Many peers on as many high ports look like the search of a file-sharing
//! program for its peers: that is low.
//!
//! That a contact was met with silence is known when its time is over, that it succeeded at once: so
//! before a scan is told, what succeeded of what began since a run of silence did is held against that.

mod group;
mod pages;
mod protocols;
mod words;

use std::net::IpAddr;

use super::stats::Recent;
use super::stats::distinct::{mix, mix_address};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::tcp_flags::{ACK, RST, SYN_ACK};
use crate::net::{ip_protocol, is_group};
use crate::record::{Body, Contact, Context, Level, Outcome, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};
use group::{Group, Victim};
use pages::Pages;
use protocols::Protocols;
use words::Shape;

static FAILURE_RATIO: Parameter = Parameter::fixed(
    "failure-ratio",
    4.0,
    "",
    "How much likelier a failure is from a scanner than from an honest host: (1 - 0.2) / (1 - \
     0.8), with success rates of 0.8 for honest hosts and 0.2 for scanners (Jung et al. 2004).",
);
static DECISION_RATIO: Parameter = Parameter {
    name: "decision-ratio",
    values: [999.0, 99.0, 19.0],
    unit: "",
    help: "The test decides at this likelihood ratio: detection rate 0.99 over false alarm rate \
           0.01 (Jung et al. 2004).",
};
static TARGETS_MIN: Parameter = Parameter {
    name: "targets-min",
    values: [16.0, 8.0, 5.0],
    unit: "targets",
    help: "Different targets that must have failed: a few dead servers in a bookmark list must \
           not look like a scan. Slips speaks from 5 on.",
};
static TARGETS_HIGH: Parameter = Parameter::fixed(
    "targets-high",
    100.0,
    "targets",
    "Failed targets from which a scan from inside is high, as it is plainly not by hand.",
);
static SOURCES_MIN: Parameter = Parameter {
    name: "sources-min",
    values: [20.0, 10.0, 5.0],
    unit: "sources",
    help: "Sources that must take part in a distributed scan.",
};
static SHARED_PORTS_MIN: Parameter = Parameter {
    name: "shared-ports-min",
    values: [40.0, 20.0, 10.0],
    unit: "ports",
    help: "Ports of the victim that the sources of a distributed scan tried between them.",
};
static SHARED_FAILED_MIN: Parameter = Parameter::fixed(
    "shared-failed-min",
    0.8,
    "",
    "Share of failures among the contacts of a distributed scan.",
);
static PAGES_MIN: Parameter = Parameter {
    name: "pages-min",
    values: [80.0, 40.0, 20.0],
    unit: "pages",
    help: "Different pages of a web server of ours that one source asked for and that are not there: \
           a site with broken links has some, a list of names has thousands.",
};
static PROTOCOLS_MIN: Parameter = Parameter {
    name: "protocols-min",
    values: [20.0, 10.0, 6.0],
    unit: "protocols",
    help: "Protocols of IP besides TCP, UDP and ICMP that one host tried with another: honest ones use \
           two or three.",
};
static REPEAT_GROWTH: Parameter = Parameter::fixed(
    "repeat-growth",
    10.0,
    "times",
    "The next finding of the same scan comes when it has grown by this factor, as with Slips.",
);
static MEMORY: Parameter = Parameter::fixed(
    "memory",
    86_400.0,
    "seconds",
    "Contacts further apart than this are not one scan; slow scans take hours.",
);

/// Sources, and pairs, remembered: of at most about 1.4 KiB each, once they have many targets.
const ENTRIES_MAX: usize = 2048;
/// Victims remembered: of at most about 2.5 KiB.
const VICTIMS_MAX: usize = 256;
/// Visitors of web servers remembered who asked for something that is not there.
const VISITORS_MAX: usize = 512;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "scan",
    gid: 9100,
    help: "First contacts that fail, of one source with many ports or hosts, or of many sources \
           with one host; pages asked for that are not there.",
    algorithm: "Threshold random walk: each first contact of a source with a new target multiplies \
                a likelihood ratio when it fails (or, from outside, is accepted and broken off at \
                once) and divides it when it succeeds; a scan is told \
                when the ratio passes the decision ratio and enough different targets have failed. \
                As silence is known late, contacts of the same time that succeeded are held against it. \
                Three shapes are followed: ports of one host, hosts, one host by many sources. \
                Different pages of a web server of ours are judged in the same way: those that are \
                not there fail. Protocols of IP that one host tries with another are counted.",
    references: &[
        "J. Jung, V. Paxson, A. Berger, H. Balakrishnan: Fast Portscan Detection Using Sequential \
         Hypothesis Testing. IEEE Symposium on Security and Privacy, 2004",
        "MITRE ATT&CK T1046, T1595.001, T1595.003",
    ],
    parameters: &[
        &FAILURE_RATIO,
        &DECISION_RATIO,
        &TARGETS_MIN,
        &TARGETS_HIGH,
        &SOURCES_MIN,
        &SHARED_PORTS_MIN,
        &SHARED_FAILED_MIN,
        &PAGES_MIN,
        &PROTOCOLS_MIN,
        &REPEAT_GROWTH,
        &MEMORY,
    ],
    sees: &[Sort::Contact, Sort::Homeless, Sort::Transaction],
    reads: &["http"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Scan::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    decision_ratio: f64,
    /// Natural logarithms of the ratios: of one contact, and of the decision.
    step: f64,
    decision: f64,
    targets_min: u64,
    targets_high: u64,
    sources_min: u64,
    shared_ports_min: u64,
    shared_failed_min: f64,
    pages_min: u64,
    protocols_min: u64,
    repeat_growth: u64,
    memory: Duration,
}

impl Limits {
    fn of(tuning: &Tuning<'_>) -> Self {
        Self {
            decision_ratio: tuning.get(&DECISION_RATIO),
            step: tuning.get(&FAILURE_RATIO).ln(),
            decision: tuning.get(&DECISION_RATIO).ln(),
            targets_min: tuning.count(&TARGETS_MIN),
            targets_high: tuning.count(&TARGETS_HIGH),
            sources_min: tuning.count(&SOURCES_MIN),
            shared_ports_min: tuning.count(&SHARED_PORTS_MIN),
            shared_failed_min: tuning.get(&SHARED_FAILED_MIN),
            pages_min: tuning.count(&PAGES_MIN),
            protocols_min: tuning.count(&PROTOCOLS_MIN),
            repeat_growth: tuning.count(&REPEAT_GROWTH),
            memory: tuning.seconds(&MEMORY),
        }
    }
}

/// The detector.
pub struct Scan {
    site: Site,
    limits: Limits,
    pages: Pages,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    /// Ports of one host: source, destination, IP protocol.
    pairs: Recent<(IpAddr, IpAddr, u8), Group>,
    /// Hosts: source, IP protocol.
    sources: Recent<(IpAddr, u8), Group>,
    /// One host by many: destination, IP protocol.
    victims: Recent<(IpAddr, u8), Victim>,
    /// Pages of one web server: source, server.
    pages: Recent<(IpAddr, IpAddr), Group>,
    protocols: Protocols,
}

impl Scan {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let state = State {
            pairs: Recent::new(ENTRIES_MAX),
            sources: Recent::new(ENTRIES_MAX),
            victims: Recent::new(VICTIMS_MAX),
            pages: Recent::new(VISITORS_MAX),
            protocols: Protocols::new(),
        };
        Self { site: site.clone(), limits: Limits::of(tuning), pages: Pages::new(site), state }
    }

    fn contact(
        &mut self,
        at: Timestamp,
        context: &Context,
        contact: &Contact,
        known: &Known,
    ) -> Option<Found> {
        let limits = &self.limits;
        let about = words::About { context, at, limits, site: &self.site, known };
        let (source, target) = (context.source?, context.destination?);
        if is_group(target.addr) {
            return None;
        }
        if is_answer(context.protocol, source.port, target.port, contact.flags) {
            return None;
        }
        let stray = is_stray(context.protocol, contact.flags);
        if stray && !may_be_asked(source.port, target.port) {
            return None;
        }
        let failed = counts_as_failure(context.protocol, target.port, contact)?;
        let abandoned = contact.outcome == Outcome::Abandoned;
        // A browser breaks off what another address of the same name was faster at, and whoever shares
        // out work among servers looks in that way whether they are there.
        if abandoned && self.site.is_home(source.addr) {
            return None;
        }
        let port_hash = mix(u64::from(target.port));
        let host_hash = mix_address(target.addr);
        let id = context.flow_id.unwrap_or_default();
        let (start, port) = (contact.start, target.port);
        let heard = contact.outcome != Outcome::Silent;
        let try_ = group::Try { at, start, failed, heard, abandoned, id, port };

        // Sources of a flood come once and are made up: they must not push out what is remembered.
        let pair_key = (source.addr, target.addr, context.protocol);
        let victim_key = (target.addr, context.protocol);
        let flooded =
            failed && self.state.victims.peek(&victim_key).is_some_and(Victim::is_flooded);
        if flooded && self.state.pairs.peek(&pair_key).is_none() {
            let victim = self.state.victims.touch(&victim_key);
            let due = victim.add(mix_address(source.addr), port_hash, &try_, limits);
            return due.then(|| words::found_shared(victim, &about));
        }
        let pair = self.state.pairs.touch(&pair_key);
        let vertical = context.protocol != ip_protocol::ICMP
            && context.protocol != ip_protocol::ICMPV6
            && pair.add(port_hash, &try_, limits);
        if vertical {
            return Some(words::found(Shape::Vertical, pair, &about));
        }
        // A segment to a connection that is no more is refused too, and a host that wakes up has many.
        // Where IPv6 does not work all of a place's addresses of it are silent, and nobody notices.
        let raced = !heard && target.addr.is_ipv6() && matches!(port, 80 | 443);
        if stray || raced && !self.site.is_home(target.addr) {
            return None;
        }
        let pair_scans = pair.told() > 0;
        let hosts = self.state.sources.touch(&(source.addr, context.protocol));
        if hosts.add(host_hash, &try_, limits) {
            return Some(words::found(Shape::Horizontal, hosts, &about));
        }
        // A source that scans by itself is told of above; it must not make a crowd.
        let victim = self.state.victims.touch(&victim_key);
        if !pair_scans && victim.add(mix_address(source.addr), port_hash, &try_, limits) {
            return Some(words::found_shared(victim, &about));
        }
        None
    }

    fn page(&mut self, record: &Record, of: &TransactionRecord, known: &Known) -> Option<Found> {
        let (context, at) = (&record.context, record.timestamp);
        let (source, target) = (context.source?, context.destination?);
        if of.protocol != "http" || !self.site.is_home(target.addr) {
            return None;
        }
        let key = (source.addr, target.addr);
        let failed = self.pages.is_missing(of)?;
        // Visitors are many, and most ask for what is there.
        if !failed && self.state.pages.peek(&key).is_none() {
            return None;
        }
        let page = self.pages.page(of)?;
        let limits = Limits { targets_min: self.limits.pages_min, ..self.limits };
        let id = context.flow_id.unwrap_or_default();
        let (heard, abandoned, port) = (true, false, target.port);
        let try_ = group::Try { at, start: at, failed, heard, abandoned, id, port };
        let visitor = self.state.pages.touch(&key);
        let about = words::About { context, at, limits: &limits, site: &self.site, known };
        visitor.add(page, &try_, &limits).then(|| words::found(Shape::Pages, visitor, &about))
    }
}

impl Detector for Scan {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if matches!(record.body, Body::Contact(_) | Body::Homeless(_)) {
            let (context, at, limits) = (&record.context, record.timestamp, &self.limits);
            let about = words::About { context, at, limits, site: &self.site, known };
            found.extend(self.state.protocols.add(&about));
        }
        found.extend(match &record.body {
            Body::Contact(contact) => {
                self.contact(record.timestamp, &record.context, contact, known)
            }
            Body::Transaction(of) => self.page(record, of, known),
            _ => None,
        });
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { pairs, sources, victims, pages, protocols } = &self.state;
        let groups = pairs.iter().map(|(_, g)| g).chain(sources.iter().map(|(_, g)| g));
        let groups = groups.chain(pages.iter().map(|(_, g)| g));
        let groups: usize = groups.map(Group::memory).sum();
        let crowds: usize = victims.iter().map(|(_, victim)| victim.memory()).sum();
        let tables = pairs.memory() + sources.memory() + victims.memory() + pages.memory();
        tables + protocols.memory() + groups + crowds
    }
}

/// Whether a contact speaks for a scan (true), against it (false), or not at all (`None`).
fn counts_as_failure(protocol: u8, port: u16, contact: &Contact) -> Option<bool> {
    match (protocol, contact.outcome) {
        (_, Outcome::Unknown) => None,
        (_, Outcome::Answered) => Some(false),
        (_, Outcome::Refused | Outcome::Abandoned) => Some(true),
        (ip_protocol::TCP | ip_protocol::ICMP | ip_protocol::ICMPV6, Outcome::Silent) => Some(true),
        (_, Outcome::Silent) => (port < 1024 && !quiet_by_nature(port)).then_some(true),
    }
}

/// Server ports to which datagrams go that nobody need answer: DHCP, NTP broadcast, NetBIOS,
/// syslog, RIP; those of name servers, of which a host tries all that it has been told of; those
/// of web servers, where browsers try QUIC in vain when a firewall stops it.
fn quiet_by_nature(port: u16) -> bool {
    matches!(port, 53 | 67 | 68 | 80 | 123 | 137 | 138 | 443 | 514 | 520 | 546 | 547)
}

/// Whether a first packet is itself an answer, to something that was not seen or never sent: a
/// SYN/ACK or RST, or a datagram from a server's port to a client's.
fn is_answer(protocol: u8, source_port: u16, target_port: u16, flags: u8) -> bool {
    match protocol {
        ip_protocol::TCP => flags & RST != 0 || flags & SYN_ACK == SYN_ACK,
        // Besides the well-known ports those that are misused to amplify: SSDP, WS-Discovery,
        // mDNS, memcached, SIP, Ubiquiti discovery.
        ip_protocol::UDP => {
            let server = source_port < 1024
                || matches!(source_port, 1900 | 3702 | 5060 | 5353 | 10_001 | 11_211);
            server && target_port >= 1024
        }
        _ => false,
    }
}

/// Whether a first packet goes on with a connection that was not seen to begin.
fn is_stray(protocol: u8, flags: u8) -> bool {
    protocol == ip_protocol::TCP && flags & SYN_ACK == ACK
}

/// Whether a segment that begins nothing may look for an open port: not one that a server sends late to
/// where its client was.
const fn may_be_asked(source_port: u16, target_port: u16) -> bool {
    const EPHEMERAL: u16 = 32_768;
    source_port >= 1024 && target_port < EPHEMERAL
}

/// How grave a scan of so many targets is: from outside it is daily weather, from inside it means
/// that one of our own machines does it.
fn level(targets: u64, targets_high: u64, from_home: bool) -> Level {
    if targets >= targets_high && from_home { Level::High } else { Level::Medium }
}

#[cfg(test)]
mod tests;
