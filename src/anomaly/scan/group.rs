//! What is remembered of one source's contacts, or of one victim's.

use super::super::stats::Distinct;
use super::Limits;
use crate::time::Timestamp;

/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 10;
/// Ports kept as examples.
const PORTS_MAX: usize = 12;

/// Spans for which successes are remembered, and their length: together as long as it takes at most until
/// silence is known.
const SPANS: usize = 16;
const SPAN_SECONDS: u64 = 8;

/// One first contact.
pub(super) struct Try {
    /// When its outcome was known.
    pub(super) at: Timestamp,
    /// When it began.
    pub(super) start: Timestamp,
    /// Whether it failed.
    pub(super) failed: bool,
    /// Whether anything came back.
    pub(super) heard: bool,
    /// Whether it was accepted, and broken off at once.
    pub(super) abandoned: bool,
    /// Its flow.
    pub(super) id: u64,
    /// The port tried.
    pub(super) port: u16,
}

/// Contacts of one source: with one host's ports, or with hosts. Thousands are remembered, and most
/// are looked at once: so they are small.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Group {
    targets: Distinct,
    /// Natural logarithm of the likelihood ratio, held within the decision's bounds below zero:
    /// a host that was honest for long is caught as fast as a new one.
    walk: f64,
    tried: u32,
    failed: u32,
    /// Of them those that were accepted, and broken off at once.
    abandoned: u32,
    /// Failed targets at the last finding.
    told: u32,
    first: Timestamp,
    last: Timestamp,
    /// Failures since the walk was last at or below nought: refusals, which are known at once, silence,
    /// which is known late, and when the earliest of that began.
    run: u32,
    run_late: u32,
    run_since: Timestamp,
    successes: Lately,
    /// None before one has failed.
    failures: Option<Box<Failures>>,
}

/// Some of the contacts that failed.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Failures {
    flows: Vec<u64>,
    ports: Vec<u16>,
}

/// How many there were lately, by when they began.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Lately {
    /// The number of the last span.
    last: u32,
    /// Of it, and of those before it.
    counts: [u16; SPANS],
}

impl Lately {
    /// The number of the span that a time is in.
    fn number(at: Timestamp) -> u32 {
        u32::try_from(at.seconds() / SPAN_SECONDS).unwrap_or(u32::MAX)
    }

    fn add(&mut self, at: Timestamp) {
        let number = Self::number(at);
        if let Some(passed) = number.checked_sub(self.last).filter(|passed| *passed > 0) {
            let passed = (passed as usize).min(SPANS);
            self.counts.rotate_right(passed);
            self.counts.iter_mut().take(passed).for_each(|count| *count = 0);
            self.last = number;
        }
        let count = self.counts.get_mut(self.last.saturating_sub(number) as usize);
        count.into_iter().for_each(|count| *count = count.saturating_add(1));
    }

    /// How many began at a time or later, as far as they are remembered: whole spans.
    fn since(&self, at: Timestamp) -> u32 {
        let spans = self.last.saturating_sub(Self::number(at)) as usize;
        let later = self.last >= Self::number(at);
        self.counts.iter().take(spans + 1).filter(|_| later).map(|count| u32::from(*count)).sum()
    }
}

impl Group {
    /// Adds a contact; whether that makes a finding due. Only the first contact with a target
    /// counts: trying again proves nothing new.
    pub(super) fn add(&mut self, target: u64, try_: &Try, limits: &Limits) -> bool {
        if self.tried > 0 && try_.start.since(self.last) > limits.memory {
            *self = Self::default();
        }
        self.last = try_.start.max(self.last);
        if !self.targets.insert(target) {
            return false;
        }
        self.first = if self.tried == 0 { try_.start } else { self.first.min(try_.start) };
        self.tried = self.tried.saturating_add(1);
        let (step, decision) = (limits.step, limits.decision);
        if !try_.failed {
            self.walk = (self.walk - step).max(-decision);
            self.successes.add(try_.start);
            if self.walk <= 0.0 {
                (self.run, self.run_late) = (0, 0);
            }
            return false;
        }
        self.walk += step;
        if try_.heard {
            self.run = self.run.saturating_add(1);
        } else {
            let since = if self.run_late == 0 { try_.start } else { self.run_since };
            self.run_since = since.min(try_.start);
            self.run_late = self.run_late.saturating_add(1);
        }
        self.failed = self.failed.saturating_add(1);
        self.abandoned = self.abandoned.saturating_add(try_.abandoned.into());
        let failures = self.failures.get_or_insert_default();
        keep(&mut failures.flows, try_.id, EVIDENCE_MAX);
        // ICMP has none.
        if try_.port > 0 {
            keep(&mut failures.ports, try_.port, PORTS_MAX);
        }
        let due = if self.told == 0 {
            self.walk >= decision && self.failed() >= limits.targets_min
        } else {
            self.failed() >= self.told().saturating_mul(limits.repeat_growth)
        };
        let late = self.run_late.saturating_sub(self.successes.since(self.run_since));
        if !due || f64::from(self.run.saturating_add(late)) * step < decision {
            return false;
        }
        self.told = self.failed;
        true
    }

    /// Whether each target was tried on a high port of its own: so peers are looked for.
    pub(super) fn seeks_peers(&self) -> bool {
        const DIFFERENT: usize = 8;
        let ports = self.ports();
        ports.len() >= DIFFERENT && ports.iter().all(|port| *port >= 1024)
    }

    /// How many targets were tried.
    pub(super) fn tried(&self) -> u64 {
        self.tried.into()
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> u64 {
        self.failed.into()
    }

    /// How many of those were accepted, and broken off at once.
    pub(super) fn abandoned(&self) -> u64 {
        self.abandoned.into()
    }

    /// Failed targets at the last finding; 0 when there was none.
    pub(super) fn told(&self) -> u64 {
        self.told.into()
    }

    /// When the first contact began.
    pub(super) const fn first(&self) -> Timestamp {
        self.first
    }

    /// Flows that failed, some.
    pub(super) fn evidence(&self) -> &[u64] {
        self.failures.as_ref().map_or(&[], |failures| &failures.flows)
    }

    /// Ports of those that failed, some.
    pub(super) fn ports(&self) -> &[u16] {
        self.failures.as_ref().map_or(&[], |failures| &failures.ports)
    }

    /// Bytes that it points to.
    pub(super) fn memory(&self) -> usize {
        let of = |failures: &Failures| {
            size_of::<Failures>() + failures.flows.capacity() * 8 + failures.ports.capacity() * 2
        };
        self.targets.memory() + self.failures.as_deref().map_or(0, of)
    }

    /// The likelihood ratio, as far as a number can show it.
    pub(super) fn ratio(&self) -> f64 {
        self.walk.min(50.0).exp()
    }
}

/// Contacts of many sources with one host.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Victim {
    sources: Distinct,
    ports: Distinct,
    pub(super) tried: u64,
    pub(super) failed: u64,
    /// Whether it ever answered or refused: of one that is only ever silent, answers may not be
    /// seen here.
    speaks: bool,
    pub(super) first: Option<Timestamp>,
    last: Timestamp,
    told: u64,
    pub(super) evidence: Vec<u64>,
}

impl Victim {
    /// Whether hundreds of sources come that fail, each about once: a flood with made-up senders.
    pub(super) fn is_flooded(&self) -> bool {
        const SOURCES: u64 = 256;
        self.failed >= SOURCES && {
            let sources = self.sources.count();
            sources >= SOURCES && sources * 4 >= self.failed.min(2000)
        }
    }

    /// Adds a contact; whether that makes a finding due.
    pub(super) fn add(&mut self, source: u64, port: u64, try_: &Try, limits: &Limits) -> bool {
        if self.first.is_some() && try_.at.since(self.last) > limits.memory {
            *self = Self::default();
        }
        self.last = try_.at;
        self.first.get_or_insert(try_.start);
        self.tried += 1;
        self.speaks |= try_.heard;
        if !try_.failed {
            return false;
        }
        self.failed += 1;
        let new = self.ports.insert(port);
        self.sources.insert(source);
        keep(&mut self.evidence, try_.id, EVIDENCE_MAX);
        let (sources, ports) = (self.sources.count(), self.ports.count());
        // Many clients of one dead service share a port; scanners share out many.
        let spread = ports >= limits.shared_ports_min && ports * 2 >= self.failed;
        let failing = self.failed as f64 >= limits.shared_failed_min * self.tried as f64;
        let grown = self.told == 0 || ports >= self.told.saturating_mul(limits.repeat_growth);
        let due = new && self.speaks && sources >= limits.sources_min && spread && failing && grown;
        if due {
            self.told = ports;
        }
        due
    }

    /// Bytes that it points to.
    pub(super) fn memory(&self) -> usize {
        self.sources.memory() + self.ports.memory() + self.evidence.capacity() * 8
    }

    /// How many sources took part.
    pub(super) fn sources(&self) -> u64 {
        self.sources.count()
    }

    /// How many ports they tried.
    pub(super) fn ports(&self) -> u64 {
        self.ports.count()
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, value: T, max: usize) {
    if list.len() < max && !list.contains(&value) {
        list.push(value);
    }
}
