//! What of a detector can be set: its parameters, and how sensitive it is as a whole.

use std::collections::{BTreeMap, BTreeSet};

use super::Kind;
use super::suppress::Quiet;

/// Detectors that only advise, and are off unless a site turns them on.
pub const ADVISORY: &[&str] = &["forest"];

/// How soon detectors speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Only what is plain.
    Low,
    /// Few false alarms on a town's network.
    #[default]
    Normal,
    /// Rather a false alarm than a miss.
    High,
}

/// A number that a detector goes by.
#[derive(Debug)]
pub struct Parameter {
    /// As `rivellino.toml` names it in `[detectors.NAME]`.
    pub name: &'static str,
    /// Its value at low, normal and high sensitivity.
    pub values: [f64; 3],
    /// Its unit; empty for a ratio.
    pub unit: &'static str,
    /// What it means and where it comes from.
    pub help: &'static str,
}

impl Parameter {
    /// One value whatever the sensitivity.
    pub const fn fixed(
        name: &'static str,
        value: f64,
        unit: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, values: [value, value, value], unit, help }
    }

    /// The value at a sensitivity.
    pub const fn at(&self, sensitivity: Sensitivity) -> f64 {
        let [low, normal, high] = self.values;
        match sensitivity {
            Sensitivity::Low => low,
            Sensitivity::Normal => normal,
            Sensitivity::High => high,
        }
    }
}

/// What a site sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// For all detectors.
    pub sensitivity: Sensitivity,
    /// Detectors that are off.
    pub off: BTreeSet<String>,
    /// Detectors that are on although they are off unless asked for ([`ADVISORY`]).
    pub on: BTreeSet<String>,
    /// Values by detector and parameter, in place of those of the sensitivity.
    pub values: BTreeMap<String, BTreeMap<String, f64>>,
    /// Notifications of incidents a day, in place of
    /// [`NOTIFICATIONS`](super::incident::NOTIFICATIONS).
    pub notifications: Option<u64>,
    /// What the site wants to hear no more of; see [`suppress`](super::suppress).
    pub suppressions: Vec<Quiet>,
}

impl Settings {
    /// Whether a detector is on.
    pub fn is_on(&self, detector: &str) -> bool {
        let asked_for = !ADVISORY.contains(&detector) || self.on.contains(detector);
        asked_for && !self.off.contains(detector)
    }

    /// What is set for one detector.
    pub fn of(&self, kind: &Kind) -> Tuning<'_> {
        Tuning { sensitivity: self.sensitivity, values: self.values.get(kind.name) }
    }
}

/// What is set for one detector.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tuning<'a> {
    sensitivity: Sensitivity,
    values: Option<&'a BTreeMap<String, f64>>,
}

impl Tuning<'_> {
    /// The value in force.
    pub fn get(&self, parameter: &Parameter) -> f64 {
        let set = self.values.and_then(|values| values.get(parameter.name)).copied();
        set.unwrap_or_else(|| parameter.at(self.sensitivity))
    }

    /// The value in force as a count; what is below zero counts as zero.
    pub fn count(&self, parameter: &Parameter) -> u64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let count = self.get(parameter).round() as u64;
        count
    }

    /// The value in force, given in seconds.
    pub fn seconds(&self, parameter: &Parameter) -> crate::time::Duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let nanos = (self.get(parameter) * 1e9) as u64;
        crate::time::Duration::from_nanos(nanos)
    }
}
