//! Behaviour over time: one file per detector, one list.

use crate::record::{Finding, Record};
use crate::time::Timestamp;

/// Judges behaviour over time, from records in order. Never sees a clock, a file or a rule.
pub trait Detector: Send {
    /// Sees the next record; `context` and time are in it.
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
    /// Who did it, and to whom: addresses, protocol and flow of the record that tipped the scale.
    pub context: crate::record::Context,
    /// The judgement.
    pub finding: Finding,
}
