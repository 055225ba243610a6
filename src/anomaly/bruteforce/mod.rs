//! `bruteforce`: someone tries password after password.
//!
//! Every failed attempt to log on ([`Attempts`](super::attempts::Attempts) says what that is, protocol by protocol) fills a
//! bucket of the pair of hosts, the service and the page; it runs out with time. A person who
//! mistypes, or a phone with an old password, never fills it; a program that guesses does in
//! seconds. A success while the bucket is still more than half full raises the level: the
//! password may have been found. Netlogon is watched the same way: CVE-2020-1472 ("Zerologon")
//! guesses a challenge until the server says yes.
//!
//! What is not counted: the first refusal that NTLM and HTTP always give, connections that were
//! never answered (`scan` sees those), databases within the house (programs connect all the
//! time).

mod netlogon;
mod words;

use std::net::IpAddr;

use super::attempts::{Attempt, Bucket, Result as Outcome, Service};
use super::stats::{Distinct, Recent};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::record::{Record, Sort};
use crate::time::Timestamp;

static FAILURES: Parameter = Parameter {
    name: "failures",
    values: [40.0, 20.0, 10.0],
    unit: "attempts",
    help: "Failures of one host at one server that make a finding; Zeek has 20 for FTP, 30 for SSH.",
};
static WINDOW: Parameter = Parameter::fixed(
    "window",
    900.0,
    "seconds",
    "The time in which that many failures are forgotten: 15 minutes, as Zeek counts FTP.",
);
static SHORT_SHARE: Parameter = Parameter::fixed(
    "netlogon-failures",
    10.0,
    "attempts",
    "Authentications by Netlogon that make a finding: a machine does one or two when it starts.",
);
static REPEAT_GROWTH: Parameter = Parameter::fixed(
    "repeat-growth",
    10.0,
    "times",
    "The next finding of the same attack comes when it has grown by this factor.",
);

/// Pairs of hosts with a service remembered; an entry is made by a failure alone.
const PAIRS_MAX: usize = 4096;
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "bruteforce",
    gid: 9102,
    help: "Failed attempts to log on, many of one host at one server; a success after them.",
    algorithm: "Each failed attempt of a host at a service of a server adds one to a bucket that \
                runs out with time; a full bucket is a finding, a success while it is more than \
                half full another, graver one. Where the protocol is read its answer says what \
                failed; else a connection too short to have worked in counts.",
    references: &[
        "MITRE ATT&CK T1110.001, T1210",
        "Zeek: policy/protocols/ftp/detect-bruteforcing, policy/protocols/ssh/detect-bruteforcing",
        "CVE-2020-1472; T. Tervoort: Zerologon, Secura 2020",
    ],
    parameters: &[&FAILURES, &WINDOW, &SHORT_SHARE, &REPEAT_GROWTH],
    sees: &[Sort::Transaction, Sort::Flow],
    reads: super::attempts::PROTOCOLS,
    when: super::When::Attempt,
    build: |site, tuning| Box::new(Bruteforce::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    failures: f64,
    window: f64,
    netlogon: f64,
    growth: u64,
}

/// What is remembered of a host at a service.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    bucket: Bucket,
    failures: u64,
    first: Timestamp,
    accounts: Distinct,
    /// Failures at the last finding.
    told: u64,
    succeeded: bool,
    evidence: Vec<u64>,
}

type Key = (IpAddr, IpAddr, Service, u64);

/// The detector.
pub struct Bruteforce {
    site: Site,
    limits: Limits,
    pairs: Recent<Key, Pair>,
}

impl Bruteforce {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let limits = Limits {
            failures: tuning.get(&FAILURES),
            window: tuning.get(&WINDOW),
            netlogon: tuning.get(&SHORT_SHARE),
            growth: tuning.count(&REPEAT_GROWTH),
        };
        Self { site: site.clone(), limits, pairs: Recent::new(PAIRS_MAX) }
    }

    fn attempt(&mut self, record: &Record, attempt: Attempt, known: &Known) -> Option<Found> {
        let (source, server) = (record.context.source?, record.context.destination?);
        let key = (source.addr, server.addr, attempt.service, attempt.place);
        let limits = self.limits;
        let full =
            if attempt.service == Service::Netlogon { limits.netlogon } else { limits.failures };
        let at = super::attempts::when(record);
        let about =
            words::About { context: &record.context, at, site: &self.site, known, attempt, full };
        if attempt.result == Outcome::Succeeded {
            let pair = self.pairs.get(&key)?;
            let level = pair.bucket.at(at, full, limits.window);
            if pair.succeeded || level < full / 2.0 {
                return None;
            }
            pair.succeeded = true;
            return Some(words::succeeded(pair, &about));
        }
        let pair = self.pairs.touch(&key);
        let level = pair.bucket.add(at, full, limits.window);
        if level <= 1.0 {
            // The bucket had run out: a new attack, if it is one.
            *pair = Pair { bucket: pair.bucket, first: at, ..Pair::default() };
        }
        pair.failures += 1;
        if attempt.account != 0 {
            pair.accounts.insert(attempt.account);
        }
        let id = record.context.flow_id.unwrap_or_default();
        if pair.evidence.len() < EVIDENCE_MAX && !pair.evidence.contains(&id) {
            pair.evidence.push(id);
        }
        let due = if pair.told == 0 {
            level >= full
        } else {
            pair.failures >= pair.told.saturating_mul(limits.growth)
        };
        if !due {
            return None;
        }
        pair.told = pair.failures;
        Some(words::failed(pair, &about))
    }
}

impl Detector for Bruteforce {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(attempt) = known.attempt() {
            found.extend(self.attempt(record, attempt, known));
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.pairs)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.pairs = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let inner =
            |(_, pair): (&Key, &Pair)| pair.accounts.memory() + pair.evidence.capacity() * 8;
        let inner: usize = self.pairs.iter().map(inner).sum();
        self.pairs.memory() + inner
    }
}

#[cfg(test)]
pub(super) mod tests;
