//! `spray`: a few passwords, tried on many accounts or on many machines.
//!
//! So one stays below every limit of failures per account. Of each source and service it is
//! counted how many accounts and how many servers it failed at ([`Attempts`](super::attempts::Attempts) sees the
//! failures), and how often at each: many of them with few tries each are a spray; many tries at
//! one are `bruteforce`. Names that do not exist, tried on Kerberos, are the search for names
//! that do: it looks the same and is told the same.
//!
//! What is not counted: more than three tries per account or server, what is spread over days.

use std::net::IpAddr;

use super::attempts::{Result as Outcome, Service};
use super::stats::distinct::mix_address;
use super::stats::{Distinct, Recent};
use super::words::{count, from_home, host, span};
use super::{
    Damaged, Detector, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning, state,
};
use crate::field::Node;
use crate::record::{Level, Record, Sort};
use crate::time::{Duration, Timestamp};

static TARGETS: Parameter = Parameter {
    name: "targets",
    values: [20.0, 10.0, 6.0],
    unit: "accounts or servers",
    help: "Accounts, or servers, that one source failed at.",
};
static TRIES_EACH: Parameter = Parameter::fixed(
    "tries-each",
    3.0,
    "attempts",
    "Failures per account or server at most, on average: more is guessing, not spraying.",
);
static MEMORY: Parameter = Parameter::fixed(
    "memory",
    7200.0,
    "seconds",
    "A pause after which a spray begins anew; careful ones wait for the lockout counter, half an \
     hour as a rule.",
);

/// Sources with a service remembered; an entry is made by a failure alone.
const SOURCES_MAX: usize = 1024;
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;
/// The next finding of the same spray comes at ten times as many targets.
const GROWTH: u64 = 10;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "spray",
    gid: 9103,
    help: "Failed attempts to log on, few at each of many accounts or servers.",
    algorithm: "For each source and service the different accounts and servers with failed \
                attempts are counted; many of them with few failures each are a finding, graver \
                when one of the attempts succeeded.",
    references: &["MITRE ATT&CK T1110.003, T1087.002"],
    parameters: &[&TARGETS, &TRIES_EACH, &MEMORY],
    sees: &[Sort::Transaction, Sort::Flow],
    reads: super::attempts::PROTOCOLS,
    when: super::When::Attempt,
    build: |site, tuning| Box::new(Spray::new(site, tuning)),
};

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Source {
    accounts: Distinct,
    servers: Distinct,
    failures: u64,
    first: Option<Timestamp>,
    last: Timestamp,
    told: u64,
    succeeded: bool,
    evidence: Vec<u64>,
}

/// The detector.
pub struct Spray {
    site: Site,
    targets: u64,
    tries_each: f64,
    memory: Duration,
    sources: Recent<(IpAddr, Service), Source>,
}

impl Spray {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            site: site.clone(),
            targets: tuning.count(&TARGETS),
            tries_each: tuning.get(&TRIES_EACH),
            memory: tuning.seconds(&MEMORY),
            sources: Recent::new(SOURCES_MAX),
        }
    }

    fn see(&mut self, record: &Record, known: &Known) -> Option<Found> {
        let attempt = known.attempt()?;
        let (from, to) = (record.context.source?, record.context.destination?);
        let counted = match attempt.service {
            // A mail server short-spoken by many is its trade; forms and the like are of one page.
            // Who manages a network asks all its devices; a gateway stands for many.
            Service::Smtp | Service::Netlogon | Service::Snmp | Service::Mqtt => false,
            Service::Http => attempt.result == Outcome::Failed,
            _ => true,
        };
        if !counted {
            return None;
        }
        let key = (from.addr, attempt.service);
        let at = super::attempts::when(record);
        if attempt.result == Outcome::Succeeded {
            let source = self.sources.get(&key)?;
            let due = source.told > 0 && !source.succeeded && at.since(source.last) < self.memory;
            source.succeeded |= due;
            return due.then(|| self.found(record, attempt.service, true, known)).flatten();
        }
        let source = self.sources.touch(&key);
        if source.first.is_some() && at.since(source.last) > self.memory {
            *source = Source::default();
        }
        source.first.get_or_insert(at);
        source.last = source.last.max(at);
        source.failures += 1;
        source.servers.insert(mix_address(to.addr));
        if attempt.account != 0 {
            source.accounts.insert(attempt.account);
        }
        let id = record.context.flow_id.unwrap_or_default();
        if source.evidence.len() < EVIDENCE_MAX && !source.evidence.contains(&id) {
            source.evidence.push(id);
        }
        let many = source.accounts.count().max(source.servers.count());
        let enough = if source.told == 0 { self.targets } else { source.told * GROWTH };
        let few_each = source.failures as f64 <= self.tries_each * many as f64;
        if many < enough || !few_each {
            return None;
        }
        source.told = many;
        self.found(record, attempt.service, false, known)
    }

    fn found(
        &self,
        record: &Record,
        service: Service,
        success: bool,
        known: &Known,
    ) -> Option<Found> {
        let context = record.context;
        let source = self.sources.peek(&(context.source?.addr, service))?;
        let (accounts, servers) = (source.accounts.count(), source.servers.count());
        let took = source.last.since(source.first.unwrap_or_default());
        let (who, name) = (host(context.source, known), service.name());
        let failures = count(
            source.failures,
            ["accesso fallito", "accessi falliti"],
            ["failed attempt to log on", "failed attempts to log on"],
        );
        let on = count(servers, ["macchina", "macchine"], ["machine", "machines"]);
        let with = count(accounts, ["account", "account diversi"], ["account", "accounts"]);
        let span = span(took);
        let home = from_home(&context, &self.site);
        let judgement = Judgement {
            kind: &KIND,
            sid: if success { 2 } else { 1 },
            title: format!("Password spraying ({name}) by {who}"),
            context,
            level: if success || home { Level::High } else { Level::Medium },
            score: accounts.max(servers) as f64,
            threshold: self.targets as f64,
            confidence: if accounts >= self.targets { 0.9 } else { 0.75 },
            numbers: vec![
                ("failures", Node::Int(source.failures)),
                ("accounts", Node::Int(accounts)),
                ("servers", Node::Int(servers)),
                ("service", Node::Text(name.as_bytes().to_vec())),
                ("seconds", Node::Float(took.as_secs_f64())),
            ],
            baseline: vec![("targets_max", Node::Int(self.targets.saturating_sub(1)))],
            evidence: source.evidence.clone(),
            technique: "T1110.003",
            acn: &["acn:active-scanning=\"credential-scanning\""],
            took,
            seen: Said::new(
                format!(
                    "{who}: {} ({name}) su {}, con {}, in {}.",
                    failures.it, on.it, with.it, span.it
                ),
                format!(
                    "{who}: {} ({name}) on {}, with {}, in {}.",
                    failures.en, on.en, with.en, span.en
                ),
            ),
            normal: Said::new(
                "Di norma una macchina sbaglia con uno o due account, sempre gli stessi.",
                "Normally a machine fails with one or two accounts, always the same.",
            ),
            why: Said::new(
                "pochi tentativi su ciascuno di molti bersagli",
                "few tries at each of many targets",
            ),
            meaning: meaning(success),
            advice: advice(&who),
        };
        Some(judgement.found().among([1, servers]))
    }
}

fn meaning(success: bool) -> Said {
    if success {
        Said::new(
            "Poi un accesso è riuscito: una delle password può essere stata trovata.",
            "Then an attempt succeeded: one of the passwords may have been found.",
        )
    } else {
        Said::new(
            "Qualcuno prova poche password comuni su molti account o macchine, per restare sotto \
             il limite che li blocca.",
            "Someone tries a few common passwords on many accounts or machines, to stay below the \
             limit that locks them.",
        )
    }
}

fn advice(who: &str) -> Said {
    Said::new(
        format!(
            "controllare {who}; cambiare le password deboli e attivare il secondo fattore; cercare \
             nei registri gli accessi riusciti da quell'indirizzo."
        ),
        format!(
            "check {who}; change weak passwords and turn on a second factor; look in the logs for \
             successful logons from that address."
        ),
    )
}

impl Detector for Spray {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(one) = self.see(record, known) {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.sources)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.sources = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let inner = self.sources.iter().map(|(_, source)| {
            source.accounts.memory() + source.servers.memory() + source.evidence.capacity() * 8
        });
        let inner: usize = inner.sum();
        self.sources.memory() + inner
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::anomaly::bruteforce::tests::flow;
    use crate::net::AddressSet;

    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
        let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
        let site = Site { home, ..Site::default() };
        let (mut spray, mut known, mut found) =
            (Spray::new(&site, &Tuning::default()), Known::new(&site), Vec::new());
        for (n, record) in records.into_iter().enumerate() {
            if n == 7 {
                let saved = spray.save();
                spray.load(&saved).unwrap();
            }
            known.record(&record);
            spray.record(&record, &known, &mut found);
        }
        found
    }

    #[test]
    fn one_try_at_each_of_many_servers_is_told_and_from_inside_it_is_high() {
        let at = |n: u8| flow([10, 0, 0, 7], [10, 0, 1, n], 22, u64::from(n) * 60, "ssh", 1900);
        let found = judge((1..60).map(at));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].finding.level, Level::High);
        assert!(found[0].finding.explain_it.contains("10 macchine"));
        assert!(found[0].finding.explain_en.contains("10 machines"));
    }

    #[test]
    fn many_tries_at_few_servers_and_work_at_many_are_left_alone() {
        let few = |n: u64| flow([10, 0, 0, 7], [10, 0, 1, (n % 9) as u8], 22, n, "ssh", 1900);
        assert!(judge((0..500).map(few)).is_empty());
        let work = |n: u8| flow([10, 0, 0, 7], [10, 0, 1, n], 22, n.into(), "ssh", 60_000);
        assert!(judge((1..60).map(work)).is_empty());
        // A day between one and the next.
        let slow =
            |n: u8| flow([10, 0, 0, 7], [10, 0, 1, n], 22, u64::from(n) * 86_400, "ssh", 1900);
        assert!(judge((1..60).map(slow)).is_empty());
    }
}
