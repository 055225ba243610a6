//! Incidents: findings and alerts that belong together, told once.
//!
//! Whatever a detector or a rule says is a clue of a case. A case is of the one who did it; those
//! who do the same to the same target share one, and one that was attacked and then attacks others
//! stays in the case of its attacker. Strangers who only look around are kept apart from those who
//! do more: a crowd of scanners must not hide a break-in. A clue weighs 60 x level x confidence (info 0, low 0.2,
//! medium 0.5, high 0.8, critical 1) and half of that 30 minutes later; at 15, or with a critical
//! clue, the case becomes an incident. It is told when it opens, when it gets graver, and when it
//! is closed: nothing new has come for four hours, or it is a day old and the next clue begins
//! another. Of a rule only the first alert of a host and hour weighs.
//!
//! Somebody is to be told (a notification) of incidents from medium on, once and again when the
//! level has risen, so many times a day at most: a quarter of them is kept for high ones, critical
//! ones are always told. Nothing is held back from the records: only the call is spared.

mod case;
mod headline;
mod place;
mod stage;
mod words;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::stats::distinct::{mix, mix_address};
use super::{Damaged, Known, Settings, Site, judgement, state};
use crate::net::Direction;
use crate::record::{Alert, Body, Context, Finding, Level, Notice, Signature, Turn};
use crate::time::{Duration, Timestamp};
use case::Clue;
pub use case::THRESHOLD;
use place::State;
pub use stage::Stage;

/// Notifications a day of packet time (UTC), unless the site sets another number.
pub const NOTIFICATIONS: u64 = 20;
/// One in so many notifications is kept for incidents of level high.
const RESERVED_PART: u64 = 4;
/// An incident without a new clue for so long is closed; a case is forgotten.
pub const QUIET: Duration = Duration::from_secs(4 * 3600);
/// An incident that has been open for so long is closed; what goes on is told anew, as one without
/// end would hide whatever else is done to its target.
pub const AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// A rule weighs again for a host after so long.
const RULE_AGAIN: Duration = Duration::from_secs(3600);
/// How sure a rule is that does not say it in its metadata.
const RULE_CONFIDENCE: f64 = 0.4;

/// Incidents open at one time; a newer one displaces the one that was quiet longest.
const OPEN_MAX: usize = 256;

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
        // Not only later: a clock that was ahead once would leave nothing until its day comes.
        if day != self.day {
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
            hosts: finding.hosts,
            gid: finding.gid,
            sid: finding.sid,
            name: finding.detector,
            name_it: "",
            title: &finding.title,
            level: finding.level,
            confidence: finding.confidence,
            stage: Stage::of_finding(finding.detector, finding.technique),
            technique: finding.technique,
            acn: finding.acn,
            evidence: &finding.evidence,
            advice: judgement::advice(finding),
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
        let technique = signature.said("mitre_technique_id").unwrap_or_default();
        let evidence: Vec<u64> = context.flow_id.into_iter().collect();
        let weighed = self.state.weighed.touch(&(source.or(target), signature.gid, signature.sid));
        let weighs = *weighed == Timestamp::default() || apart(at, *weighed) >= RULE_AGAIN;
        if weighs {
            *weighed = at;
        }
        let clue = Clue {
            at,
            source,
            target,
            hosts: [source, target].map(|end| end.is_some().into()),
            gid: signature.gid,
            sid: signature.sid,
            name: &signature.message,
            name_it: signature.message_it().unwrap_or_default(),
            title: &signature.message,
            level,
            confidence,
            stage: Stage::of_signature(signature),
            technique,
            acn: &[],
            evidence: &evidence,
            advice: [""; 2],
            weighs,
        };
        self.clue(&clue, known, told);
    }

    /// Packet time has come to `now`.
    pub fn tick(&mut self, now: Timestamp, known: &Known, told: &mut Vec<(Context, Body)>) {
        let over = self.state.open.iter().filter_map(|(number, case)| {
            let turn = case.over(now)?;
            Some((*number, turn))
        });
        for (number, turn) in over.collect::<Vec<_>>() {
            self.close(number, turn, now, known, told);
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
        let Some((number, taken)) = self.state.place(clue, &self.site) else { return };
        let attacked = |address: &IpAddr| {
            self.site.is_home(*address) && self.state.attacked_in(address) == Some(number)
        };
        let attacked = clue.source.as_ref().is_some_and(attacked);
        let Some(case) = self.state.case(number) else { return };
        // One that was attacked here and now does harm to a third.
        let spread = attacked
            && clue.level >= Level::Medium
            && !clue.target.is_some_and(|target| case.sources.list().contains(&target));
        let progress = case.add(clue, spread).or(taken);
        let (open, ripe) =
            (case.is_open(), case.score(clue.at) >= THRESHOLD || clue.level == Level::Critical);
        self.state.file(number, clue, &self.site);
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
        case.opened = clue.at;
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
        self.state.memory()
    }
}

/// How far two times are from each other, whichever is later: what was saved while the clock was
/// ahead is as stale as what is long past.
fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
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
    let named = signature.said("signature_severity");
    let level = if named == Some("Informational") { Level::Info } else { level };
    let confidence = match signature.said("confidence") {
        Some("High") => 0.6,
        Some("Medium") => 0.5,
        Some("Low") => 0.2,
        _ => RULE_CONFIDENCE,
    };
    (level, confidence)
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
