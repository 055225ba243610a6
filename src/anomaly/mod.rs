//! Behaviour over time: one file or folder per detector, one list.
//!
//! To add one: write its file, add `mod x;` and one entry of [`DETECTORS`]. A detector sees the
//! [records](crate::record::Body) it asks for, in order, and says what it finds through a
//! [`Judgement`]. [`Behaviour`] seats them all, and holds what they share.

pub mod amplification;
pub mod attempts;
pub mod beacon;
mod behaviour;
pub mod bruteforce;
pub mod cleartext;
pub mod covert;
mod crowd;
pub mod dga;
pub mod dns_tunnel;
mod domain;
pub mod exfiltration;
pub mod flood;
pub mod forest;
pub mod health;
pub mod homes;
pub mod incident;
pub mod indicator;
mod judgement;
pub mod known;
pub mod lateral;
pub mod long_connection;
mod marks;
pub mod mass_change;
pub mod mining;
pub mod mismatch;
pub mod novelty;
mod reflectors;
mod registrar;
pub mod scan;
pub mod site;
pub mod spoken;
pub mod spoofing;
pub mod spray;
pub mod state;
pub mod stats;
pub mod suppress;
pub mod sweep;
pub mod tuning;
pub mod volume;
pub mod words;

use crate::record::{Context, Finding, Record, Sort};
use crate::time::Timestamp;

pub use behaviour::{Behaviour, GUESSING};
pub use judgement::Judgement;
pub use known::Known;
pub use marks::Mark;
pub use site::{FieldRef, Site};
pub use state::Damaged;
pub use tuning::{Parameter, Sensitivity, Settings, Tuning};
pub use words::Said;

/// Judges behaviour over time, from records in order. Never sees a clock, a file or a rule.
pub trait Detector: Send {
    /// Sees the next record of a sort that its [`Kind::sees`] names. Called for most records
    /// without anything found; what is found is large, and is not to be moved about as an option.
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>);

    /// Packet time has come to `now`. Called when a second or more has passed since the last
    /// call, before the record that made it pass.
    fn tick(&mut self, _now: Timestamp, _known: &Known, _found: &mut Vec<Found>) {}

    /// The input is at its end.
    fn finish(&mut self, now: Timestamp, known: &Known, found: &mut Vec<Found>) {
        self.tick(now, known, found);
    }

    /// All that it has learned ([`state::pack`]): a detector that is given it later goes on as
    /// this one would.
    fn save(&self) -> Vec<u8>;

    /// Takes what another of its kind has saved.
    ///
    /// # Errors
    /// When the bytes are none that this version writes; nothing has changed then.
    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged>;

    /// Bytes that it holds, about.
    fn memory(&self) -> usize;

    /// Whether nothing that it may see can matter to it until the next tick, or until the site's watch
    /// list is another.
    fn is_idle(&self) -> bool {
        false
    }

    /// What it has learned of this site, counted: `("industrial devices", 3)`.
    fn learned(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// A finding and whom it is about.
#[derive(Clone, Debug)]
pub struct Found {
    /// Who did it, and to whom.
    pub context: Context,
    /// The judgement.
    pub finding: Finding,
}

impl Found {
    /// Says how many hosts did it, and to how many it was done; those that the context names count.
    pub(crate) fn among(mut self, hosts: [u64; 2]) -> Self {
        for (known, number) in self.finding.hosts.iter_mut().zip(hosts) {
            *known = number.max(*known);
        }
        self
    }
}

/// A detector as the manual, the rules' generator list and the engine know it.
pub struct Kind {
    /// Its name, as `finding.detector` says it.
    pub name: &'static str,
    /// Generator number, from 9100, fixed for ever.
    pub gid: u32,
    /// One sentence.
    pub help: &'static str,
    /// How it works, for `rivellino explain`: a paragraph or two.
    pub algorithm: &'static str,
    /// What it was learned from: papers, specifications, other systems.
    pub references: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [&'static Parameter],
    /// The records it sees.
    pub sees: &'static [Sort],
    /// Of transactions those of these protocols alone, by EVE name.
    pub reads: &'static [&'static str],
    /// What must hold of a record besides.
    pub when: When,
    /// A fresh one.
    pub build: fn(&Site, &Tuning<'_>) -> Box<dyn Detector>,
}

/// What narrows the records that a detector sees: most are of no use to it, and asking it costs more
/// than knowing that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// Of flows and bursts it sees those alone of which it is known what they speak.
    Named,
    /// Of flows and bursts it sees those alone that speak this, by EVE name.
    Speaking(&'static str),
    /// It sees what tells of an [attempt to log on](Known::attempt) alone.
    Attempt,
    /// Of bursts, flows and contacts it sees those alone that show this at a glance.
    Marked(Mark),
}

/// Every detector, in the order in which they see a record.
pub static DETECTORS: &[&Kind] = &[
    &scan::KIND,
    &sweep::KIND,
    &flood::KIND,
    &amplification::KIND,
    &spoofing::KIND,
    &novelty::KIND,
    &dns_tunnel::KIND,
    &dga::KIND,
    &covert::KIND,
    &mining::KIND,
    &mismatch::KIND,
    &forest::KIND,
    &bruteforce::KIND,
    &spray::KIND,
    &lateral::KIND,
    &mass_change::KIND,
    &cleartext::KIND,
    &volume::KIND,
    &health::KIND,
    &beacon::KIND,
    &exfiltration::KIND,
    &long_connection::KIND,
    &indicator::KIND,
];

/// The detector of a name.
pub fn detector(name: &str) -> Option<&'static Kind> {
    DETECTORS.iter().find(|kind| kind.name == name).copied()
}

#[cfg(test)]
mod tests;
