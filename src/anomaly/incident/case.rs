//! One case: what is known of those who belong together, and how grave it is.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{AGE_MAX, QUIET, Stage, apart};
use crate::anomaly::stats::Distinct;
use crate::anomaly::stats::distinct::mix_address;
use crate::record::{Cause, Level, TimelineEntry, Turn};
use crate::time::{Duration, Timestamp};

/// Score that opens an incident: Slips' 15 an hour.
pub const THRESHOLD: f64 = 15.0;
/// What a clue of full level and confidence weighs: a medium one that is half sure (0.5 x 0.5)
/// comes to the threshold, as a detector tells a thing once where Slips counts each flow.
const SCALE: f64 = 60.0;
/// A detector that speaks at all is at least half sure; numbers below are of its own scale.
const CONFIDENCE_MIN: f64 = 0.5;
/// After so long a clue weighs half.
const HALF_LIFE: Duration = Duration::from_secs(1800);

/// Sources kept by address.
pub const SOURCES_MAX: usize = 16;
/// Targets kept by address.
pub const TARGETS_MAX: usize = 32;
/// Entries of the timeline that are kept from the start, and those of the end.
pub const FIRST_ENTRIES: usize = 24;
/// See [`FIRST_ENTRIES`].
pub const LAST_ENTRIES: usize = 8;
/// Detectors and signatures told apart.
pub const CAUSES_MAX: usize = 32;
/// Characters kept of an advice.
const ADVICE_CHARS_MAX: usize = 800;
/// Flows kept as evidence.
pub const EVIDENCE_MAX: usize = 32;
/// Techniques, and tags, kept.
pub const NAMES_MAX: usize = 16;
/// Bytes of a title or a name kept.
const TITLE_CHARS: usize = 160;

/// Something that a detector or a rule said of hosts.
#[derive(Clone, Copy, Debug)]
pub struct Clue<'a> {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub source: Option<IpAddr>,
    /// To whom.
    pub target: Option<IpAddr>,
    /// Hosts that did it, and hosts to which it was done.
    pub hosts: [u64; 2],
    /// Generator.
    pub gid: u32,
    /// Signature number.
    pub sid: u32,
    /// The detector, or the rule's message.
    pub name: &'a str,
    /// The rule's message in Italian; empty where it has none.
    pub name_it: &'a str,
    /// One line.
    pub title: &'a str,
    /// How grave.
    pub level: Level,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Which stage of an attack it is.
    pub stage: Option<Stage>,
    /// ATT&CK technique; may be empty.
    pub technique: &'a str,
    /// Tags of the `acn` taxonomy.
    pub acn: &'a [&'a str],
    /// Flows that show it.
    pub evidence: &'a [u64],
    /// What it advises to do, in Italian and English; empty for a rule.
    pub advice: [&'a str; 2],
    /// Whether it weighs: a rule does once for a host and hour.
    pub weighs: bool,
}

/// Generators of detectors begin here.
pub const DETECTORS_FROM: u32 = 9100;

impl Clue<'_> {
    /// Whether a rule said it.
    pub const fn is_signature(&self) -> bool {
        self.gid < DETECTORS_FROM
    }

    /// All findings of a detector are of one kind, each signature is its own.
    pub const fn kind(&self) -> (u32, u32) {
        (self.gid, if self.is_signature() { self.sid } else { 0 })
    }

    /// Whether it is a step of an attack beyond looking around.
    pub fn is_earnest(&self) -> bool {
        self.stage.is_some_and(|stage| is_earnest(stage, self.level))
    }

    /// What it adds to the score.
    pub fn weight(&self) -> f64 {
        let value = match self.level {
            Level::Info => 0.0,
            Level::Low => 0.2,
            Level::Medium => 0.5,
            Level::High => 0.8,
            Level::Critical => 1.0,
        };
        let least = if self.is_signature() { 0.0 } else { CONFIDENCE_MIN };
        if self.weighs { SCALE * value * self.confidence.clamp(least, 1.0) } else { 0.0 }
    }
}

fn is_earnest(stage: Stage, level: Level) -> bool {
    stage != Stage::Reconnaissance && level >= Level::Medium
}

/// Hosts: the first by address, all by number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hosts {
    list: Vec<IpAddr>,
    many: Distinct,
    /// As many there were in one finding, which names few of them.
    least: u64,
}

impl Hosts {
    /// Adds one; keeps at most `limit` by address.
    fn add(&mut self, address: IpAddr, limit: usize) {
        if self.many.insert(mix_address(address)) && self.list.len() < limit {
            self.list.push(address);
        }
    }

    /// Adds all of others.
    fn merge(&mut self, others: &Self, limit: usize) {
        others.list.iter().for_each(|address| self.add(*address, limit));
        self.many.merge(&others.many);
        self.least = self.least.max(others.least);
    }

    /// The first.
    pub fn list(&self) -> &[IpAddr] {
        &self.list
    }

    /// How many.
    pub fn total(&self) -> u64 {
        self.many.count().max(self.list.len() as u64).max(self.least)
    }
}

/// What a case has come to with a clue, or by taking in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Its level rose.
    pub graver: bool,
    /// A further stage was reached.
    pub stage: bool,
    /// One that was attacked attacks others.
    pub spread: bool,
}

impl Progress {
    /// Both together.
    pub const fn or(self, other: Self) -> Self {
        Self {
            graver: self.graver || other.graver,
            stage: self.stage || other.stage,
            spread: self.spread || other.spread,
        }
    }
}

/// What a finding advises to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    level: Level,
    /// The stage that the finding stands for.
    pub stage: Option<Stage>,
    /// In Italian and English.
    pub words: [String; 2],
}

/// See the module's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Empty until an incident is opened.
    pub id: String,
    /// Who did it.
    pub sources: Hosts,
    /// To whom.
    pub targets: Hosts,
    /// When it became an incident.
    pub opened: Timestamp,
    /// The first clue.
    pub first: Timestamp,
    /// The last clue.
    pub last: Timestamp,
    /// Stages reached, and the level of the gravest clue of each.
    pub stages: BTreeMap<Stage, Level>,
    /// What happened.
    pub timeline: Vec<TimelineEntry>,
    /// Entries left out.
    pub omitted: u64,
    /// Who spoke.
    pub causes: Vec<Cause>,
    /// Words of those that had no place among them.
    pub causes_omitted: u64,
    /// Flows.
    pub evidence: Vec<u64>,
    /// Techniques.
    pub techniques: Vec<String>,
    /// Tags.
    pub acn: Vec<String>,
    /// What the gravest finding advises.
    pub advice: Option<Advice>,
    /// The gravest level at which somebody was told of it.
    pub told: Option<Level>,
    spread: bool,
    level: Option<Level>,
    score: f64,
    scored: Timestamp,
}

impl Case {
    /// How grave it is.
    pub fn level(&self) -> Level {
        self.level.unwrap_or(Level::Info)
    }

    /// The score at a time.
    pub fn score(&self, at: Timestamp) -> f64 {
        let halvings = at.since(self.scored).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.score * (-halvings).exp2()
    }

    /// Whether an incident is open.
    pub fn is_open(&self) -> bool {
        !self.id.is_empty()
    }

    /// Why it is to be gone on with no more, if that is so.
    pub fn over(&self, now: Timestamp) -> Option<Turn> {
        match () {
            () if apart(now, self.last) > QUIET => Some(Turn::Quiet),
            () if self.is_open() && apart(now, self.opened) > AGE_MAX => Some(Turn::Aged),
            () => None,
        }
    }

    /// Whether somebody has done more than look around.
    pub fn is_earnest(&self) -> bool {
        self.stages.iter().any(|(stage, level)| is_earnest(*stage, *level))
    }

    /// Whether several are in it and none has done more than look around.
    pub fn is_idle_crowd(&self) -> bool {
        self.sources.total() > 1 && !self.is_earnest()
    }

    /// How sure it is: causes that differ are taken as independent.
    pub fn confidence(&self) -> f64 {
        let wrong: f64 = self
            .causes
            .iter()
            .filter(|cause| cause.level > Level::Info)
            .map(|cause| 1.0 - cause.confidence.clamp(0.0, 1.0))
            .product();
        (1.0 - wrong).clamp(0.0, 0.99)
    }

    /// Detectors and signatures above info.
    pub fn voices(&self) -> usize {
        self.causes.iter().filter(|cause| cause.level > Level::Info).count()
    }

    /// Adds a clue; `spread` when its source is one that was attacked here.
    pub fn add(&mut self, clue: &Clue<'_>, spread: bool) -> Progress {
        if self.causes.is_empty() {
            self.first = clue.at;
        }
        // What is only worth knowing keeps no incident open.
        if clue.level > Level::Info {
            self.last = self.last.max(clue.at);
        }
        clue.source.into_iter().for_each(|source| self.sources.add(source, SOURCES_MAX));
        clue.target.into_iter().for_each(|target| self.targets.add(target, TARGETS_MAX));
        let [sources, targets] = clue.hosts;
        self.sources.least = self.sources.least.max(sources);
        self.targets.least = self.targets.least.max(targets);
        self.note_cause(clue);
        self.note_entry(clue);
        self.note_evidence(clue.evidence);
        self.note_advice(clue);
        note_name(&mut self.techniques, clue.technique);
        clue.acn.iter().for_each(|tag| note_name(&mut self.acn, tag));
        self.score = self.score(clue.at) + clue.weight();
        self.scored = clue.at;
        let before = self.standing();
        if let Some(stage) = clue.stage.filter(|_| clue.level > Level::Info) {
            let level = self.stages.entry(stage).or_insert(clue.level);
            *level = (*level).max(clue.level);
        }
        self.spread |= spread;
        self.level = self.level.max(Some(self.judged(clue.at)));
        self.progress(before)
    }

    /// The gravest finding advises; among those as grave the one that has come furthest, then the
    /// last.
    fn note_advice(&mut self, clue: &Clue<'_>) {
        let graver = self
            .advice
            .as_ref()
            .is_none_or(|known| (known.level, known.stage) <= (clue.level, clue.stage));
        if graver && !clue.advice.concat().is_empty() {
            let cut = |text: &str| text.chars().take(ADVICE_CHARS_MAX).collect();
            let words = clue.advice.map(cut);
            self.advice = Some(Advice { level: clue.level, stage: clue.stage, words });
        }
    }

    fn standing(&self) -> (Option<Level>, usize, bool) {
        (self.level, self.stages.len(), self.spread)
    }

    fn progress(&self, (level, stages, spread): (Option<Level>, usize, bool)) -> Progress {
        Progress {
            graver: self.level > level,
            stage: self.stages.len() > stages,
            spread: self.spread && !spread,
        }
    }

    /// The level that its clues come to.
    fn judged(&self, at: Timestamp) -> Level {
        let voices: Vec<&Cause> =
            self.causes.iter().filter(|cause| cause.level > Level::Info).collect();
        let gravest = voices.iter().map(|cause| cause.level).max().unwrap_or(Level::Info);
        let medium = |level: &Level| *level >= Level::Medium;
        let stages = self.stages.values().filter(|level| medium(level)).count();
        match gravest {
            // One signature alone is wrong too often for more than a look today.
            Level::High if voices.len() == 1 && voices.iter().all(|c| c.gid < DETECTORS_FROM) => {
                Level::Medium
            }
            // Little things of three kinds within a short time are no longer little.
            Level::Low if voices.len() >= 3 && self.score(at) >= 2.0 * THRESHOLD => Level::Medium,
            Level::Medium if self.spread || stages >= 3 => Level::High,
            Level::High if self.spread && stages >= 4 => Level::Critical,
            other => other,
        }
    }

    fn note_cause(&mut self, clue: &Clue<'_>) {
        let (gid, sid) = clue.kind();
        let known = self.causes.iter_mut().find(|cause| (cause.gid, cause.sid) == (gid, sid));
        if let Some(cause) = known {
            cause.count += 1;
            cause.confidence = cause.confidence.max(clue.confidence);
            for (most, hosts) in cause.hosts.iter_mut().zip(clue.hosts) {
                *most = hosts.max(*most);
            }
            if clue.level > cause.level {
                cause.level = clue.level;
                (cause.source, cause.target) = (clue.source, clue.target);
            }
            return;
        }
        self.push_cause(Cause {
            gid,
            sid,
            name: short(clue.name),
            name_it: short(clue.name_it),
            count: 1,
            level: clue.level,
            confidence: clue.confidence,
            first: clue.at,
            source: clue.source,
            target: clue.target,
            hosts: clue.hosts,
        });
    }

    /// Adds one that was not there; when there is no room, in the place of a lesser one, as what
    /// a case comes to is judged by them.
    fn push_cause(&mut self, cause: Cause) {
        if self.causes.len() >= CAUSES_MAX {
            let least = self.causes.iter().enumerate().rev().min_by_key(|(_, known)| known.level);
            let Some((index, _)) = least.filter(|(_, known)| known.level < cause.level) else {
                self.causes_omitted += cause.count;
                return;
            };
            self.causes_omitted += self.causes.remove(index).count;
        }
        self.causes.push(cause);
    }

    fn note_evidence(&mut self, flows: &[u64]) {
        for flow in flows {
            if self.evidence.len() < EVIDENCE_MAX && !self.evidence.contains(flow) {
                self.evidence.push(*flow);
            }
        }
    }

    fn note_entry(&mut self, clue: &Clue<'_>) {
        let same = |entry: &&mut TimelineEntry| {
            (entry.gid, entry.sid, entry.source, entry.target)
                == (clue.gid, clue.sid, clue.source, clue.target)
        };
        if let Some(entry) = self.timeline.iter_mut().find(same) {
            entry.count += 1;
            entry.last = clue.at;
            entry.level = entry.level.max(clue.level);
            return;
        }
        if self.timeline.len() >= FIRST_ENTRIES + LAST_ENTRIES {
            self.timeline.remove(FIRST_ENTRIES);
            self.omitted += 1;
        }
        self.timeline.push(TimelineEntry {
            at: clue.at,
            last: clue.at,
            count: 1,
            gid: clue.gid,
            sid: clue.sid,
            title: short(clue.title),
            level: clue.level,
            source: clue.source,
            target: clue.target,
        });
    }

    /// Takes in another, older or younger, that belongs with it.
    pub fn absorb(&mut self, other: Self) -> Progress {
        let before = self.standing();
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        let scored = self.scored.max(other.scored);
        self.score = self.score(scored) + other.score(scored);
        self.scored = scored;
        self.sources.merge(&other.sources, SOURCES_MAX);
        self.targets.merge(&other.targets, TARGETS_MAX);
        for (stage, level) in other.stages {
            let known = self.stages.entry(stage).or_insert(level);
            *known = (*known).max(level);
        }
        self.omitted += other.omitted;
        self.absorb_entries(other.timeline);
        self.causes_omitted += other.causes_omitted;
        self.absorb_causes(other.causes);
        self.note_evidence(&other.evidence);
        other.techniques.iter().for_each(|name| note_name(&mut self.techniques, name));
        other.acn.iter().for_each(|name| note_name(&mut self.acn, name));
        if let Some(advice) = other.advice {
            let rank = |advice: &Advice| (advice.level, advice.stage);
            if self.advice.as_ref().is_none_or(|known| rank(known) < rank(&advice)) {
                self.advice = Some(advice);
            }
        }
        self.spread |= other.spread;
        self.level = self.level.max(other.level);
        self.progress(before)
    }

    fn absorb_entries(&mut self, entries: Vec<TimelineEntry>) {
        let key = |entry: &TimelineEntry| (entry.gid, entry.sid, entry.source, entry.target);
        for entry in entries {
            match self.timeline.iter_mut().find(|known| key(known) == key(&entry)) {
                Some(known) => {
                    known.count += entry.count;
                    known.at = known.at.min(entry.at);
                    known.last = known.last.max(entry.last);
                    known.level = known.level.max(entry.level);
                }
                None => self.timeline.push(entry),
            }
        }
        self.timeline.sort_by_key(|entry| entry.at);
        while self.timeline.len() > FIRST_ENTRIES + LAST_ENTRIES {
            self.timeline.remove(FIRST_ENTRIES);
            self.omitted += 1;
        }
    }

    fn absorb_causes(&mut self, causes: Vec<Cause>) {
        for cause in causes {
            let key = (cause.gid, cause.sid);
            let Some(known) = self.causes.iter_mut().find(|known| (known.gid, known.sid) == key)
            else {
                self.push_cause(cause);
                continue;
            };
            known.count += cause.count;
            known.confidence = known.confidence.max(cause.confidence);
            known.first = known.first.min(cause.first);
            if cause.level > known.level {
                known.level = cause.level;
                (known.source, known.target) = (cause.source, cause.target);
            }
        }
        self.causes.sort_by_key(|cause| cause.first);
    }

    /// Bytes that it points to, about.
    pub fn memory(&self) -> usize {
        let entries: usize = self.timeline.iter().map(|entry| entry.title.capacity()).sum();
        let causes: usize = self.causes.iter().map(|cause| cause.name.capacity()).sum();
        let names: usize = self.techniques.iter().chain(&self.acn).map(|n| n.capacity() + 24).sum();
        let advice = self.advice.iter().flat_map(|advice| &advice.words).map(String::capacity);
        entries
            + causes
            + names
            + advice.sum::<usize>()
            + self.timeline.capacity() * size_of::<TimelineEntry>()
            + self.causes.capacity() * size_of::<Cause>()
            + self.evidence.capacity() * 8
            + (self.sources.list.capacity() + self.targets.list.capacity()) * size_of::<IpAddr>()
            + self.sources.many.memory()
            + self.targets.many.memory()
            + self.stages.len() * 16
    }
}

fn note_name(names: &mut Vec<String>, name: &str) {
    if !name.is_empty() && names.len() < NAMES_MAX && !names.iter().any(|known| known == name) {
        names.push(short(name));
    }
}

/// Text without end is cut.
fn short(text: &str) -> String {
    text.chars().take(TITLE_CHARS).collect()
}
