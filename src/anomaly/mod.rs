//! Behaviour over time: one file or folder per detector, one list.
//!
//! To add one: write its file, add `mod x;` and one entry of [`DETECTORS`].

pub mod scan;
pub mod stats;

use crate::net::AddressSet;
use crate::record::{Context, Finding, Record};
use crate::time::Timestamp;

/// Judges behaviour over time, from records in order. Never sees a clock, a file or a rule.
pub trait Detector: Send {
    /// Sees the next record.
    fn record(&mut self, record: &Record, found: &mut Vec<Found>);

    /// Packet time has come to `now`; called once a round.
    fn tick(&mut self, now: Timestamp, found: &mut Vec<Found>);

    /// The input is at its end.
    fn finish(&mut self, now: Timestamp, found: &mut Vec<Found>) {
        self.tick(now, found);
    }
}

/// A finding and whom it is about.
pub struct Found {
    /// Who did it, and to whom.
    pub context: Context,
    /// The judgement.
    pub finding: Finding,
}

/// What every detector may know of the place it watches.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The networks that are ours.
    pub home: AddressSet,
}

/// A detector as the manual, the rules' generator list and the engine know it.
pub struct Kind {
    /// Its name, as `finding.detector` says it.
    pub name: &'static str,
    /// Generator number, from 9100, fixed for ever.
    pub gid: u32,
    /// One sentence.
    pub help: &'static str,
    /// Its parameters: name, value in force, unit, where it comes from.
    pub parameters: &'static [(&'static str, f64, &'static str, &'static str)],
    /// A fresh one.
    pub build: fn(&Site) -> Box<dyn Detector>,
}

/// Every detector.
pub static DETECTORS: &[&Kind] = &[&scan::KIND];
