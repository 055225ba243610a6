//! `bruteforce`: someone tries password after password.
//!
//! Every failed attempt to log on ([`Attempts`] says what that is, protocol by protocol) fills a bucket
//! of the pair of hosts, the service and the page; it runs out with time. A person who mistypes, or a
//! phone with an old password, never fills it; a program that guesses does in seconds. A success while
//! the bucket is still more than half full raises the level: the password may have been found. Who
//! guesses slowly fills none; where passwords can be seen (FTP, POP3, HTTP, MQTT) it is counted how many
//! different ones a server refused within a day. Netlogon is watched the same way: CVE-2020-1472
//! ("Zerologon") guesses a challenge until the server says yes.
//!
//! Who has many machines lets each try a little: of each server and service it is counted how many
//! hosts from outside fail there and are not seen to succeed (`crowd`).
//!
//! What is not counted: the same password again, where it can be seen, which a device tries with which it
//! was saved; the first refusal that NTLM and HTTP always give, connections that were never answered
//! (`scan` sees those), databases within the house that do not say whom they refuse
//! (programs connect all the time). Of connections
//! within the house whose shape alone is known (a script that logs on with a key, a program that looks
//! for mail) more are borne with than of those from outside.
//!
//! [`Attempts`]: super::attempts::Attempts

mod crowd;
mod netlogon;
mod words;

use std::net::IpAddr;

use super::attempts::{Attempt, Bucket, Result as Outcome, Service};
use super::stats::distinct::mix;
use super::stats::{Distinct, Recent};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::record::{Body, Record, Sort};
use crate::time::{Duration, Timestamp};
use crowd::Crowds;

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
static WINDOW_HOME: Parameter = Parameter::fixed(
    "window-home",
    300.0,
    "seconds",
    "The same for connections within the house, and for mail elsewhere, whose shape alone tells, \
     for telephones and for databases of the house: scripts and pollers make such all day, but not \
     one each few seconds.",
);
static BURST: Parameter = Parameter::fixed(
    "burst",
    9.0,
    "attempts",
    "Failures at SSH of one host from outside within a minute that make a finding at once: with the \
     usual tools each holds up to six passwords.",
);
static SECRETS: Parameter = Parameter {
    name: "secrets",
    values: [80.0, 40.0, 20.0],
    unit: "passwords",
    help: "Different passwords of one host that a server refused within a day, however slowly they \
           came, where they can be seen: FTP, POP3, HTTP, MQTT.",
};
static SOURCES: Parameter = Parameter {
    name: "sources",
    values: [40.0, 20.0, 10.0],
    unit: "hosts",
    help: "Hosts from outside that fail at one service of a server, and never succeed, within an hour.",
};
static NETLOGON: Parameter = Parameter::fixed(
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
/// Different passwords at most that a device is thought to have saved, and tries again and again.
const SAVED_MAX: u64 = 3;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "bruteforce",
    gid: 9102,
    help: "Failed attempts to log on, many of one host at one server; a success after them.",
    algorithm: "Failed attempts of a host at a service of a server fill a bucket that runs out with \
                time; several of one connection count each, the same password again does not, as \
                long as there are no more than three. A full bucket is a finding, as is a burst at \
                SSH from outside and, over a day, many different passwords; a success while the \
                bucket is more than half full is a graver one. Where the protocol is read its answer \
                says what failed (of SIP extensions that are not there too; of SNMP, where wrong \
                communities get no answer, how many different ones are asked for); else a \
                connection too short to have worked in counts. Of each \
                server and service the hosts from outside that fail, and are not seen to succeed, \
                are counted together.",
    references: &[
        "MITRE ATT&CK T1110.001, T1210",
        "Zeek: policy/protocols/ftp/detect-bruteforcing, policy/protocols/ssh/detect-bruteforcing",
        "CVE-2020-1472; T. Tervoort: Zerologon, Secura 2020",
    ],
    parameters: &[
        &FAILURES,
        &WINDOW,
        &WINDOW_HOME,
        &BURST,
        &SECRETS,
        &SOURCES,
        &NETLOGON,
        &REPEAT_GROWTH,
    ],
    sees: &[Sort::Transaction, Sort::Flow],
    reads: super::attempts::PROTOCOLS,
    when: super::When::Attempt,
    build: |site, tuning| Box::new(Bruteforce::new(site, tuning)),
};

/// The parameters in force. A bucket's limit is how much fills it and the seconds in which it runs out.
#[derive(Clone, Copy, Debug)]
struct Limits {
    usual: (f64, f64),
    /// Of flows of which the shape alone is known, within the house or to mail elsewhere.
    home: (f64, f64),
    burst: (f64, f64),
    /// Of different passwords.
    secrets: (f64, f64),
    netlogon: (f64, f64),
    growth: u64,
}

/// What is remembered of a host at a service.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    bucket: Bucket,
    burst: Bucket,
    /// Since the bucket last ran out: failures, the first of them, failures at the last finding.
    failures: u64,
    first: Timestamp,
    told: u64,
    succeeded: bool,
    last: Timestamp,
    /// Of a day, from when: accounts, flows of some, what was tried as far as it is seen.
    day: Timestamp,
    accounts: Distinct,
    evidence: Vec<u64>,
    secrets: Distinct,
    /// Of what was tried that to which the server itself said no.
    refused: u32,
    /// An attack was told in it; a slow one.
    day_told: bool,
    slow_told: bool,
}

/// What failures come to.
enum Due {
    /// They came fast: the limit that they reached.
    Fast((f64, f64)),
    /// Different passwords, over a day.
    Slow,
}

type Key = (IpAddr, IpAddr, Service, u64);

/// The detector.
pub struct Bruteforce {
    site: Site,
    limits: Limits,
    pairs: Recent<Key, Pair>,
    crowds: Crowds,
}

impl Bruteforce {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        const MINUTE: f64 = 60.0;
        const DAY: f64 = 86_400.0;
        let (failures, window) = (tuning.get(&FAILURES), tuning.get(&WINDOW));
        let limits = Limits {
            usual: (failures, window),
            home: (failures, tuning.get(&WINDOW_HOME)),
            burst: (tuning.get(&BURST), MINUTE),
            secrets: (tuning.get(&SECRETS), DAY),
            netlogon: (tuning.get(&NETLOGON), window),
            growth: tuning.count(&REPEAT_GROWTH),
        };
        let crowds = Crowds::new(tuning.get(&SOURCES), limits.growth);
        Self { site: site.clone(), limits, pairs: Recent::new(PAIRS_MAX), crowds }
    }

    fn attempt(
        &mut self,
        record: &Record,
        attempt: Attempt,
        known: &Known,
        found: &mut Vec<Found>,
    ) -> Option<()> {
        let (source, server) = (record.context.source?, record.context.destination?);
        let key = (source.addr, server.addr, attempt.service, attempt.place);
        let limits = self.limits;
        let home = self.site.is_home(source.addr);
        let by_shape = attempt.result == Outcome::Short && matches!(record.body, Body::Flow(_));
        // Mail is looked for elsewhere too.
        let mail = matches!(attempt.service, Service::Imap | Service::Smtp);
        let usual = home && (mail || self.site.is_home(server.addr));
        let limit = match attempt.service {
            Service::Netlogon => limits.netlogon,
            _ if by_shape && usual => limits.home,
            // A telephone with a wrong password tries it twice a minute, wherever it is, a program more
            // often, and each time in other words.
            Service::Sip => limits.home,
            Service::Database if home => limits.home,
            _ => limits.usual,
        };
        let at = super::attempts::when(record);
        let (context, site) = (&record.context, &self.site);
        let about = words::About { context, at, site, known, attempt, limit };
        if attempt.failures > 0 {
            let pair = self.pairs.touch(&key);
            found.extend(pair.fail(&about, limits, home).map(|due| match due {
                Due::Fast(limit) => words::failed(pair, &words::About { limit, ..about }),
                Due::Slow => {
                    let limit = limits.secrets;
                    words::failed(&pair.of_the_day(), &words::About { limit, ..about })
                }
            }));
        }
        if !home {
            found.extend(self.crowds.see(&about));
        }
        if attempt.result == Outcome::Succeeded {
            let pair = self.pairs.get(&key)?;
            if !pair.succeeded && pair.is_guessing(at, limit) {
                pair.succeeded = true;
                let slow = pair.slow_told && pair.told == 0;
                let shown = if slow { pair.of_the_day() } else { pair.clone() };
                let limit = if slow { limits.secrets } else { limit };
                found.push(words::succeeded(&shown, &words::About { limit, ..about }));
            }
        }
        Some(())
    }
}

impl Pair {
    /// Takes failures; what they have come to, if it is to be told.
    fn fail(&mut self, about: &words::About<'_>, limits: Limits, home: bool) -> Option<Due> {
        let (attempt, at) = (about.attempt, about.at);
        if self.bucket.at(at, about.limit) <= 0.0 {
            // It has run out: a new attack, if it is one.
            (self.failures, self.first, self.told) = (0, at, 0);
            (self.succeeded, self.burst) = (false, Bucket::default());
        }
        if at.since(self.day).as_secs_f64() > limits.secrets.1 {
            (self.day, self.refused, self.day_told, self.slow_told) = (at, 0, false, false);
            (self.accounts, self.secrets) = (Distinct::default(), Distinct::default());
            self.evidence.clear();
        }
        let again = attempt.secret != 0 && !self.secrets.insert(mix(attempt.secret.into()));
        // A device that has a password or two saved tries them all day; who guesses has many.
        // Of SNMP it is not known whether it was refused.
        let few = self.secrets.count() <= SAVED_MAX || attempt.service == Service::Snmp;
        if again && self.told == 0 && few {
            return None;
        }
        self.last = self.last.max(at);
        let refused = attempt.secret != 0 && !again && attempt.result == Outcome::Failed;
        self.refused = self.refused.saturating_add(refused.into());
        let level = self.bucket.add(attempt.failures, at, about.limit);
        self.failures += u64::from(attempt.failures);
        if attempt.account != 0 {
            self.accounts.insert(attempt.account);
        }
        let id = about.context.flow_id.unwrap_or_default();
        if self.evidence.len() < EVIDENCE_MAX && !self.evidence.contains(&id) {
            self.evidence.push(id);
        }
        if self.told > 0 {
            let due = self.failures >= self.told.saturating_mul(limits.growth);
            self.told = if due { self.failures } else { self.told };
            return due.then_some(Due::Fast(about.limit));
        }
        let burst = attempt.service == Service::Ssh && !home;
        let burst = burst && self.burst.add(attempt.failures, at, limits.burst) >= limits.burst.0;
        if level >= about.limit.0 || burst {
            (self.told, self.day_told) = (self.failures, true);
            return Some(Due::Fast(if burst { limits.burst } else { about.limit }));
        }
        if self.day_told || f64::from(self.refused) < limits.secrets.0 {
            return None;
        }
        (self.day_told, self.slow_told) = (true, true);
        Some(Due::Slow)
    }

    /// Whether a success now comes out of an attack.
    fn is_guessing(&self, at: Timestamp, limit: (f64, f64)) -> bool {
        const SOON: Duration = Duration::from_secs(3600);
        let slowly = self.slow_told && at.since(self.last) <= SOON;
        slowly || self.bucket.at(at, limit) >= limit.0 / 2.0
    }

    /// The same as it looks over the day.
    fn of_the_day(&self) -> Self {
        let (failures, first) = (self.refused.into(), self.day);
        Self { failures, first, told: self.slow_told.into(), ..self.clone() }
    }
}

impl Detector for Bruteforce {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(attempt) = known.attempt() {
            self.attempt(record, attempt, known, found);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&(&self.pairs, self.crowds.kept()))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let (pairs, crowds) = state::unpack(bytes)?;
        self.pairs = pairs;
        self.crowds.keep(crowds);
        Ok(())
    }

    fn memory(&self) -> usize {
        let inner = |(_, pair): (&Key, &Pair)| {
            pair.accounts.memory() + pair.secrets.memory() + pair.evidence.capacity() * 8
        };
        let inner: usize = self.pairs.iter().map(inner).sum();
        self.pairs.memory() + inner + self.crowds.memory()
    }
}

#[cfg(test)]
pub(super) mod tests;
