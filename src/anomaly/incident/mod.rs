//! Incidents: findings and alerts that belong together, told once.
//!
//! Whatever a detector or a rule says is a clue of a case. A case is of the one who did it; those
//! who do the same to the same target share one, and one that was attacked and then attacks others
//! stays in the case of its attacker. A clue weighs 60 x level x confidence (info 0, low 0.2,
//! medium 0.5, high 0.8, critical 1) and half of that 30 minutes later; at 15, or with a critical
//! clue, the case becomes an incident. It is told when it opens, when it gets graver, and when
//! nothing new has come for four hours. Of a rule only the first alert of a host and hour weighs.
//!
//! Somebody is to be told (a notification) of incidents from medium on, once and again when the
//! level has risen, so many times a day at most: a quarter of them is kept for high ones, critical
//! ones are always told. Nothing is held back from the records: only the call is spared.

mod case;
mod stage;
mod words;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::stats::Recent;
use super::stats::distinct::{mix, mix_address};
use super::{Damaged, Known, Settings, Site, state};
use crate::net::Direction;
use crate::record::{Alert, Body, Context, Finding, Level, Notice, Signature, Turn};
use crate::time::{Duration, Timestamp};
pub use case::THRESHOLD;
use case::{Case, Clue};
pub use stage::Stage;

/// Notifications a day of packet time (UTC), unless the site sets another number.
pub const NOTIFICATIONS: u64 = 20;
/// One in so many notifications is kept for incidents of level high.
const RESERVED_PART: u64 = 4;
/// An incident without a new clue for so long is closed; a case is forgotten.
pub const QUIET: Duration = Duration::from_secs(4 * 3600);
/// A rule weighs again for a host after so long.
const RULE_AGAIN: Duration = Duration::from_secs(3600);
/// How sure a rule is that does not say it in its metadata.
const RULE_CONFIDENCE: f64 = 0.4;

/// Incidents open at one time; a newer one displaces the one that was quiet longest.
const OPEN_MAX: usize = 256;
/// Cases that are no incidents yet.
const WAITING_MAX: usize = 2048;
/// Hosts, and targets of a kind, whose case is remembered.
const HOSTS_MAX: usize = 8192;
/// Hosts and rules whose last weighing is remembered.
const RULES_MAX: usize = 8192;

/// Notifications of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Budget {
    day: u64,
    sent: u64,
}

impl Budget {
    /// Whether one more may be sent, which is then counted.
    fn ask(&mut self, at: Timestamp, level: Level, most: u64) -> bool {
        let day = at.seconds() / 86_400;
        if day > self.day {
            *self = Self { day, sent: 0 };
        }
        let most = match level {
            Level::Critical => u64::MAX,
            Level::High => most,
            _ => most - most / RESERVED_PART,
        };
        let may = self.sent < most;
        self.sent += u64::from(may);
        may
    }
}

/// All that is remembered.
#[derive(Default, Serialize, Deserialize)]
struct State {
    /// Number of the next case.
    next: u64,
    open: BTreeMap<u64, Case>,
    waiting: Recent<u64, Case>,
    by_source: Recent<IpAddr, u64>,
    /// Hosts that were attacked in earnest.
    by_target: Recent<IpAddr, u64>,
    by_kind: Recent<(IpAddr, (u32, u32)), u64>,
    weighed: Recent<(Option<IpAddr>, u32, u32), Timestamp>,
    budget: Budget,
}

impl State {
    fn new() -> Self {
        Self {
            next: 0,
            open: BTreeMap::new(),
            waiting: Recent::new(WAITING_MAX),
            by_source: Recent::new(HOSTS_MAX),
            by_target: Recent::new(HOSTS_MAX),
            by_kind: Recent::new(HOSTS_MAX),
            weighed: Recent::new(RULES_MAX),
            budget: Budget::default(),
        }
    }

    /// The number, if there is still such a case.
    fn live(&self, number: Option<&u64>, at: Timestamp) -> Option<u64> {
        let number = *number?;
        let waits = |case: &Case| at.since(case.last) <= QUIET;
        (self.open.contains_key(&number) || self.waiting.peek(&number).is_some_and(waits))
            .then_some(number)
    }

    /// The case that a clue belongs to, made if it weighs anything.
    fn place(&mut self, clue: &Clue<'_>, site: &Site) -> Option<u64> {
        let at = clue.at;
        let own = clue.source.and_then(|source| self.live(self.by_source.peek(&source), at));
        if own.is_some_and(|own| self.open.contains_key(&own)) {
            return own;
        }
        let pivot =
            clue.source.filter(|source| clue.level >= Level::Medium && site.is_home(*source));
        let pivot = pivot.and_then(|source| self.live(self.by_target.peek(&source), at));
        let same = victim(clue).map(|victim| (victim, clue.kind()));
        let same = same.and_then(|key| self.live(self.by_kind.peek(&key), at));
        match (own, pivot.or(same)) {
            (Some(own), Some(other)) if own != other => {
                let case = self.waiting.remove(&own)?;
                self.case(other)?.absorb(case);
                Some(other)
            }
            (Some(number), _) | (None, Some(number)) => Some(number),
            (None, None) if clue.weight() > 0.0 => {
                self.next += 1;
                self.waiting.touch(&self.next);
                Some(self.next)
            }
            (None, None) => None,
        }
    }

    fn case(&mut self, number: u64) -> Option<&mut Case> {
        match self.open.get_mut(&number) {
            Some(case) => Some(case),
            None => self.waiting.get(&number),
        }
    }

    /// Remembers whose case it is.
    fn file(&mut self, number: u64, clue: &Clue<'_>) {
        if let Some(source) = clue.source {
            *self.by_source.touch(&source) = number;
        }
        let Some(target) = victim(clue) else { return };
        *self.by_kind.touch(&(target, clue.kind())) = number;
        let attacked = matches!(
            clue.stage,
            Some(
                Stage::InitialAccess
                    | Stage::CredentialAccess
                    | Stage::LateralMovement
                    | Stage::ProcessControl
                    | Stage::Impact
            )
        );
        if attacked && clue.level >= Level::Medium {
            let known = self.by_target.peek(&target).copied();
            let taken = known.is_some_and(|known| self.open.contains_key(&known));
            if !taken {
                *self.by_target.touch(&target) = number;
            }
        }
    }
}

/// Puts findings and alerts together. See the module's page.
#[derive(Default)]
pub struct Incidents {
    site: Site,
    notifications: u64,
    state: State,
}

impl Incidents {
    /// No case yet.
    pub fn new(site: &Site, settings: &Settings) -> Self {
        let notifications = settings.notifications.unwrap_or(NOTIFICATIONS);
        Self { site: site.clone(), notifications, state: State::new() }
    }

    /// Shows a finding; `told` gets what comes of it.
    pub fn finding(
        &mut self,
        at: Timestamp,
        context: &Context,
        finding: &Finding,
        known: &Known,
        told: &mut Vec<(Context, Body)>,
    ) {
        let clue = Clue {
            at,
            source: context.source.map(|end| end.addr),
            target: context.destination.map(|end| end.addr),
            gid: finding.gid,
            sid: finding.sid,
            name: finding.detector,
            title: &finding.title,
            level: finding.level,
            confidence: finding.confidence,
            stage: Stage::of_finding(finding.detector, finding.technique),
            technique: finding.technique,
            acn: finding.acn,
            evidence: &finding.evidence,
            weighs: true,
        };
        self.clue(&clue, known, told);
    }

    /// Shows an alert that thresholds let through.
    pub fn alert(
        &mut self,
        at: Timestamp,
        context: &Context,
        alert: &Alert,
        known: &Known,
        told: &mut Vec<(Context, Body)>,
    ) {
        let signature = &*alert.signature;
        let [source, target] = ends(context, alert);
        let (level, confidence) = judged(signature);
        let technique = metadata(signature, "mitre_technique_id").unwrap_or_default();
        let evidence: Vec<u64> = context.flow_id.into_iter().collect();
        let weighed = self.state.weighed.touch(&(source.or(target), signature.gid, signature.sid));
        let weighs = *weighed == Timestamp::default() || at.since(*weighed) >= RULE_AGAIN;
        if weighs {
            *weighed = at;
        }
        let clue = Clue {
            at,
            source,
            target,
            gid: signature.gid,
            sid: signature.sid,
            name: &signature.message,
            title: &signature.message,
            level,
            confidence,
            stage: Stage::of_signature(signature),
            technique,
            acn: &[],
            evidence: &evidence,
            weighs,
        };
        self.clue(&clue, known, told);
    }

    /// Packet time has come to `now`.
    pub fn tick(&mut self, now: Timestamp, known: &Known, told: &mut Vec<(Context, Body)>) {
        let over = |case: &Case| now.since(case.last) > QUIET;
        let numbers: Vec<u64> =
            self.state.open.iter().filter(|(_, case)| over(case)).map(|(n, _)| *n).collect();
        for number in numbers {
            self.close(number, Turn::Quiet, now, known, told);
        }
    }

    /// The input is at its end: each open incident is told as it stands, and stays open for a
    /// sensor that goes on from what was saved.
    pub fn finish(&mut self, now: Timestamp, known: &Known, told: &mut Vec<(Context, Body)>) {
        let about = words::About { now, known, site: &self.site };
        for case in self.state.open.values() {
            told.push(words::told(case, Turn::End, Notice::None, &about));
        }
    }

    fn clue(&mut self, clue: &Clue<'_>, known: &Known, told: &mut Vec<(Context, Body)>) {
        let Some(number) = self.state.place(clue, &self.site) else { return };
        let attacked = |address: &IpAddr| {
            self.site.is_home(*address) && self.state.by_target.peek(address) == Some(&number)
        };
        let attacked = clue.source.as_ref().is_some_and(attacked);
        let Some(case) = self.state.case(number) else { return };
        // One that was attacked here and now does harm to a third.
        let spread = attacked
            && clue.level >= Level::Medium
            && !clue.target.is_some_and(|target| case.sources.list().contains(&target));
        let progress = case.add(clue, spread);
        let (open, ripe) =
            (case.is_open(), case.score(clue.at) >= THRESHOLD || clue.level == Level::Critical);
        self.state.file(number, clue);
        let turn = match () {
            () if !open && ripe => {
                self.open(number, clue, known, told);
                Turn::Opened
            }
            () if !open => return,
            () if progress.graver => Turn::Graver,
            () if progress.spread => Turn::Spread,
            () if progress.stage => Turn::Stage,
            () => return,
        };
        self.turn(number, turn, clue.at, known, told);
    }

    /// Makes an incident of a case.
    fn open(
        &mut self,
        number: u64,
        clue: &Clue<'_>,
        known: &Known,
        told: &mut Vec<(Context, Body)>,
    ) {
        let Some(mut case) = self.state.waiting.remove(&number) else { return };
        case.id = id(number, clue, case.first);
        if self.state.open.len() >= OPEN_MAX {
            let oldest = self.state.open.iter().min_by_key(|(number, case)| (case.last, **number));
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.close(oldest, Turn::Displaced, clue.at, known, told);
            }
        }
        self.state.open.insert(number, case);
    }

    fn turn(
        &mut self,
        number: u64,
        turn: Turn,
        now: Timestamp,
        known: &Known,
        told: &mut Vec<(Context, Body)>,
    ) {
        let Some(case) = self.state.open.get_mut(&number) else { return };
        let level = case.level();
        let due = level >= Level::Medium && case.told < Some(level);
        let notice = match due {
            true if self.state.budget.ask(now, level, self.notifications) => {
                case.told = Some(level);
                Notice::Sent
            }
            // Each time that somebody would have been called counts once.
            true if matches!(turn, Turn::Opened | Turn::Graver) => Notice::Folded,
            _ => Notice::None,
        };
        let about = words::About { now, known, site: &self.site };
        told.push(words::told(case, turn, notice, &about));
    }

    fn close(
        &mut self,
        number: u64,
        turn: Turn,
        now: Timestamp,
        known: &Known,
        told: &mut Vec<(Context, Body)>,
    ) {
        let Some(case) = self.state.open.remove(&number) else { return };
        let about = words::About { now, known, site: &self.site };
        told.push(words::told(&case, turn, Notice::None, &about));
    }

    /// All cases, as bytes.
    pub fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    /// Takes what was saved.
    ///
    /// # Errors
    /// When the bytes are none that this version writes; nothing has changed then.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let state = &self.state;
        let cases = state.open.values().chain(state.waiting.iter().map(|(_, case)| case));
        let inner: usize = cases.map(Case::memory).sum();
        inner
            + state.open.len() * (size_of::<Case>() + 16)
            + state.waiting.memory()
            + state.by_source.memory()
            + state.by_target.memory()
            + state.by_kind.memory()
            + state.weighed.memory()
    }
}

/// Whom a clue is about when others do the same: its target. What has no ends at all is about the
/// network as a whole, which the unspecified address stands for.
fn victim(clue: &Clue<'_>) -> Option<IpAddr> {
    let whole = clue.source.is_none().then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    clue.target.or(whole)
}

/// Who did what an alert tells of, and to whom: the client did it, whichever way the packet went,
/// unless the rule knows better.
pub(super) fn ends(context: &Context, alert: &Alert) -> [Option<IpAddr>; 2] {
    let to_client = alert.direction == Some(Direction::ToClient);
    let swapped = alert.signature.target_source.unwrap_or(to_client);
    let mut ends = [context.source, context.destination].map(|end| end.map(|end| end.addr));
    if swapped {
        ends.reverse();
    }
    ends
}

/// Level and confidence of what a rule says: its priority, unless its metadata calls it
/// informational or names how sure it is (as Emerging Threats' rules do).
fn judged(signature: &Signature) -> (Level, f64) {
    let level = match signature.severity {
        0 | 1 => Level::High,
        2 => Level::Medium,
        3 => Level::Low,
        _ => Level::Info,
    };
    let named = metadata(signature, "signature_severity");
    let level = if named == Some("Informational") { Level::Info } else { level };
    let confidence = match metadata(signature, "confidence") {
        Some("High") => 0.6,
        Some("Medium") => 0.5,
        Some("Low") => 0.2,
        _ => RULE_CONFIDENCE,
    };
    (level, confidence)
}

fn metadata<'a>(signature: &'a Signature, key: &str) -> Option<&'a str> {
    let pair = signature.metadata.iter().find(|(known, _)| *known == key);
    pair.map(|(_, value)| value)
}

/// Day of the first clue and a hash of what opened it: no chance, and hardly twice in a day.
fn id(number: u64, clue: &Clue<'_>, first: Timestamp) -> String {
    let address = |address: Option<IpAddr>| address.map_or(0, mix_address);
    let mut hash = mix(number ^ first.nanos());
    for part in [address(clue.source), address(clue.target), clue.gid.into(), clue.sid.into()] {
        hash = mix(hash ^ part);
    }
    let [year, month, day, ..] = first.civil();
    format!("{year:04}{month:02}{day:02}-{:08x}", hash >> 32)
}

#[cfg(test)]
mod tests;
