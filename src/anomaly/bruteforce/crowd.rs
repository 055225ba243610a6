//! Many hosts from outside that guess at one service of a server, each a little: of one who has many
//! machines no single one fills a bucket.

use std::net::IpAddr;

use super::words::{About, guessed_by_many};
use super::{Bucket, EVIDENCE_MAX, Outcome, Service};
use crate::anomaly::Found;
use crate::anomaly::stats::distinct::mix_address;
use crate::anomaly::stats::{Distinct, Recent};
use crate::time::Timestamp;

/// Servers with a service remembered; the good ones, too.
const CROWDS_MAX: usize = 512;
/// The time in which a full crowd is forgotten, seconds.
const WINDOW: f64 = 3600.0;

/// Who failed at a service.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Crowd {
    /// New hosts that failed.
    bucket: Bucket,
    sources: Distinct,
    /// Of them those that succeeded then: people who mistyped.
    recovered: Distinct,
    /// All that were seen to succeed: what fails for them is something else.
    good: Distinct,
    pub(super) failures: u64,
    pub(super) first: Timestamp,
    told: u64,
    pub(super) evidence: Vec<u64>,
}

/// See the module's page.
pub(super) struct Crowds {
    /// Hosts that make a finding; the next comes at so many times as many.
    full: f64,
    growth: u64,
    crowds: Recent<(IpAddr, Service), Crowd>,
}

impl Crowd {
    /// Hosts that failed and were not seen to succeed.
    pub(super) fn hosts(&self) -> u64 {
        self.sources.count().saturating_sub(self.recovered.count())
    }
}

impl Crowds {
    pub(super) const fn new(full: f64, growth: u64) -> Self {
        Self { full, growth, crowds: Recent::new(CROWDS_MAX) }
    }

    /// Sees an attempt of a host from outside.
    pub(super) fn see(&mut self, about: &About<'_>) -> Option<Found> {
        let (attempt, limit) = (about.attempt, (self.full, WINDOW));
        let (source, server) = (about.context.source?, about.context.destination?);
        // Pages and mail are there for many, and short visits to them are no failures; of pages it is
        // seldom seen that somebody got in.
        let counts = match (attempt.service, attempt.result) {
            (Service::Netlogon | Service::Http | Service::Snmp, _) => false,
            (service, Outcome::Short) => {
                matches!(service, Service::Ssh | Service::Rdp | Service::Database)
            }
            _ => true,
        };
        if !counts {
            return None;
        }
        let (key, host) = ((server.addr, attempt.service), mix_address(source.addr));
        let crowd = self.crowds.touch(&key);
        if attempt.result == Outcome::Succeeded {
            if crowd.sources.contains(host) {
                crowd.recovered.insert(host);
            }
            crowd.good.insert(host);
            return None;
        }
        if crowd.good.contains(host) {
            return None;
        }
        if crowd.bucket.at(about.at, limit) <= 0.0 {
            let good = std::mem::take(&mut crowd.good);
            *crowd = Crowd { first: about.at, good, ..Crowd::default() };
        }
        crowd.failures += u64::from(attempt.failures);
        if !crowd.sources.insert(host) {
            return None;
        }
        if crowd.evidence.len() < EVIDENCE_MAX {
            crowd.evidence.extend(about.context.flow_id);
        }
        let level = crowd.bucket.add(1, about.at, limit);
        let hosts = crowd.hosts();
        let due = if crowd.told == 0 {
            level >= self.full && hosts as f64 >= self.full
        } else {
            hosts >= crowd.told.saturating_mul(self.growth)
        };
        if !due {
            return None;
        }
        crowd.told = hosts;
        Some(guessed_by_many(crowd, &About { limit, ..*about }))
    }

    /// What is to be saved.
    pub(super) const fn kept(&self) -> &Recent<(IpAddr, Service), Crowd> {
        &self.crowds
    }

    /// Takes back what was saved.
    pub(super) fn keep(&mut self, crowds: Recent<(IpAddr, Service), Crowd>) {
        self.crowds = crowds;
    }

    pub(super) fn memory(&self) -> usize {
        let of = |crowd: &Crowd| {
            let hosts = [&crowd.sources, &crowd.recovered, &crowd.good].map(Distinct::memory);
            hosts.iter().sum::<usize>() + crowd.evidence.capacity() * 8
        };
        let inner: usize = self.crowds.iter().map(|(_, crowd)| of(crowd)).sum();
        self.crowds.memory() + inner
    }
}
