//! `scan`: someone looks for open doors.
//!
//! A scanner does not know what is there; so most of its first contacts fail, while those of an
//! honest host mostly succeed. Each first contact of a source with a new target is a coin thrown
//! for or against it, and a sequential test decides as soon as the evidence is strong enough
//! (threshold random walk: J. Jung et al., "Fast Portscan Detection Using Sequential Hypothesis
//! Testing", IEEE S&P 2004). Three shapes are watched: many ports of one host (vertical), many
//! hosts (horizontal), one host by many sources that each try little (distributed).
//!
//! What is not counted: connections picked up in the middle, multicast and broadcast, datagrams
//! that stay without answer unless the port is a server's (silence is normal for many of them).

mod group;
mod words;

use std::net::IpAddr;

use super::stats::Recent;
use super::stats::distinct::mix;
use super::{Detector, Found, Kind, Site};
use crate::net::{AddressSet, ip_protocol};
use crate::record::{Body, Contact, Context, Level, Outcome, Record};
use crate::time::{Duration, Timestamp};
use group::{Group, Victim};
use words::Shape;

/// A failure is so many times as likely from a scanner as from an honest host: (1 - 0.2) / (1 -
/// 0.8), with the paper's success rates of 0.8 for honest hosts and 0.2 for scanners.
const FAILURE_RATIO: f64 = 4.0;
/// The test decides at (detection rate 0.99) / (false alarm rate 0.01).
const DECISION_RATIO: f64 = 99.0;
/// Different targets that must have failed before anything is said: a few dead servers in a
/// bookmark list must not look like a scan.
const TARGETS_MIN: u64 = 8;
/// Targets at which a scan is called high, as it is plainly not by hand.
const TARGETS_HIGH: u64 = 100;
/// Sources that must take part in a distributed scan.
const SOURCES_MIN: u64 = 10;
/// Ports of the victim that they must have tried between them.
const SHARED_PORTS_MIN: u64 = 20;
/// Share of failures among contacts of a distributed scan.
const SHARED_FAILED_MIN: f64 = 0.8;
/// The next finding of the same scan comes when it has grown by this factor.
const REPEAT_GROWTH: u64 = 10;
/// Contacts further apart than this are not one scan.
const MEMORY: Duration = Duration::from_secs(24 * 3600);
/// Sources, pairs and victims remembered, entries each.
const ENTRIES_MAX: usize = 50_000;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "scan",
    gid: 9100,
    help: "First contacts that fail, of one source with many ports or hosts, or of many sources \
           with one host.",
    parameters: &[
        ("failure_ratio", FAILURE_RATIO, "", "Jung et al. 2004, theta 0.8 and 0.2"),
        ("decision_ratio", DECISION_RATIO, "", "Jung et al. 2004, alpha 0.01, beta 0.99"),
        ("targets_min", TARGETS_MIN as f64, "targets", "ours"),
        ("targets_high", TARGETS_HIGH as f64, "targets", "ours"),
        ("sources_min", SOURCES_MIN as f64, "sources", "ours"),
        ("shared_ports_min", SHARED_PORTS_MIN as f64, "ports", "ours"),
        ("shared_failed_min", SHARED_FAILED_MIN, "share", "ours"),
        ("repeat_growth", REPEAT_GROWTH as f64, "times", "Slips: at each power of ten"),
        ("memory", MEMORY.as_secs() as f64, "seconds", "slow scans take hours"),
    ],
    build: |site| Box::new(Scan::new(site)),
};

/// The detector.
pub struct Scan {
    home: AddressSet,
    /// Ports of one host: source, destination, IP protocol.
    pairs: Recent<(IpAddr, IpAddr, u8), Group>,
    /// Hosts: source, IP protocol.
    sources: Recent<(IpAddr, u8), Group>,
    /// One host by many: destination, IP protocol.
    victims: Recent<(IpAddr, u8), Victim>,
}

impl Scan {
    /// A detector that has seen nothing.
    pub fn new(site: &Site) -> Self {
        Self {
            home: site.home.clone(),
            pairs: Recent::new(ENTRIES_MAX),
            sources: Recent::new(ENTRIES_MAX),
            victims: Recent::new(ENTRIES_MAX),
        }
    }

    fn contact(&mut self, at: Timestamp, context: &Context, contact: &Contact) -> Option<Found> {
        let (source, target) = (context.source?, context.destination?);
        if is_group_address(target.addr) {
            return None;
        }
        let failed = counts_as_failure(context.protocol, target.port, contact)?;
        let port_hash = mix(u64::from(target.port));
        let host_hash = mix_address(target.addr);
        let id = context.flow_id.unwrap_or_default();
        let try_ = group::Try { at, start: contact.start, failed, id, port: target.port };

        let pair = self.pairs.touch(&(source.addr, target.addr, context.protocol));
        let vertical = context.protocol != ip_protocol::ICMP
            && context.protocol != ip_protocol::ICMPV6
            && pair.add(port_hash, &try_);
        if vertical {
            return Some(words::found(Shape::Vertical, context, pair, at, &self.home));
        }
        let pair_scans = pair.told() > 0;
        let hosts = self.sources.touch(&(source.addr, context.protocol));
        if hosts.add(host_hash, &try_) {
            return Some(words::found(Shape::Horizontal, context, hosts, at, &self.home));
        }
        // A source that scans by itself is told of above; it must not make a crowd.
        let victim = self.victims.touch(&(target.addr, context.protocol));
        if !pair_scans && victim.add(mix_address(source.addr), port_hash, &try_) {
            return Some(words::found_shared(context, victim, at, &self.home));
        }
        None
    }
}

impl Detector for Scan {
    fn record(&mut self, record: &Record, found: &mut Vec<Found>) {
        if let Body::Contact(contact) = &record.body {
            found.extend(self.contact(record.timestamp, &record.context, contact));
        }
    }

    fn tick(&mut self, _: Timestamp, _: &mut Vec<Found>) {}
}

/// Whether a contact speaks for a scan (true), against it (false), or not at all (`None`).
fn counts_as_failure(protocol: u8, port: u16, contact: &Contact) -> Option<bool> {
    match (protocol, contact.outcome) {
        (_, Outcome::Unknown) => None,
        (_, Outcome::Answered) => Some(false),
        (_, Outcome::Refused) => Some(true),
        (ip_protocol::TCP | ip_protocol::ICMP | ip_protocol::ICMPV6, Outcome::Silent) => Some(true),
        (_, Outcome::Silent) => (port < 1024 && !quiet_by_nature(port)).then_some(true),
    }
}

/// Server ports to which datagrams go that nobody need answer: DHCP, NTP broadcast, NetBIOS,
/// syslog, RIP.
fn quiet_by_nature(port: u16) -> bool {
    matches!(port, 67 | 68 | 123 | 137 | 138 | 514 | 520 | 546 | 547)
}

fn is_group_address(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => {
            v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified() || v4.octets()[3] == 255
        }
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
    }
}

fn mix_address(addr: IpAddr) -> u64 {
    match addr {
        IpAddr::V4(v4) => mix(u64::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            mix(mix((bits >> 64) as u64) ^ bits as u64)
        }
    }
}

/// How grave a scan of so many targets is: from outside it is daily weather, from inside it means
/// that one of our own machines does it.
fn level(targets: u64, from_home: bool) -> Level {
    if targets >= TARGETS_HIGH && from_home { Level::High } else { Level::Medium }
}

#[cfg(test)]
mod tests;
