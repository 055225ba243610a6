//! From what was seen to what may be sent: cleared, put into a format, guarded, counted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Format;
use super::cleared::Withheld;
use super::policy::{Policy, Tlp};
use super::privacy::guard::{Guard, Hit};
use super::privacy::pseudonym::Keys;
use super::privacy::site::Site;
use super::privacy::{clear, internal, told};
use super::seen::Seen;
use crate::record::Level;
use crate::time::Timestamp;

/// The objects of one event, guarded.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// How grave the event is.
    pub level: Level,
    /// How far it may travel.
    pub tlp: Tlp,
    /// The objects, those that are referred to first.
    pub objects: Vec<Value>,
}

/// What became of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that could be shared.
    pub seen: u64,
    /// Of these, those that may be sent.
    pub units: u64,
    /// Those that stay, in the order of [`Withheld::ALL`].
    pub withheld: [u64; Withheld::ALL.len()],
    /// What the guard found, in the order of [`Hit::ALL`].
    pub hits: [u64; Hit::ALL.len()],
    /// Lines that are no JSON.
    pub unreadable: u64,
}

/// Makes units of events.
pub struct Exchange {
    policy: Policy,
    site: Site,
    format: Box<dyn Format>,
    keys: Keys,
    counts: Counts,
    /// The key of the last event and how many had the same.
    last: (String, u32),
}

impl Exchange {
    /// In the name of a policy's identity, for a site.
    pub fn new(policy: Policy, site: Site, format: Box<dyn Format>, keys: Keys) -> Self {
        let counts = Counts::default();
        Self { policy, site, format, keys, counts, last: Default::default() }
    }

    /// What became of the events so far.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Other keys: a week is over.
    pub fn set_keys(&mut self, keys: Keys) {
        self.keys = keys;
    }

    /// Whether the keys have to be turned.
    pub fn are_keys_stale(&self, now: Timestamp) -> bool {
        self.keys.is_stale(now)
    }

    /// Takes one line of `eve.json`. `None` for what is no event to share, and for what stays.
    pub fn line(&mut self, line: &[u8], now: Timestamp) -> Option<Unit> {
        if !is_event(line) {
            self.counts.unreadable += u64::from(!is_unfinished(line));
            return None;
        }
        // Most lines are no alerts: they are not worth parsing.
        if !contains(line, b"\"alert\"") && !contains(line, b"\"incident\"") {
            return None;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(record) => self.event(&Seen::read(&record)?, now).ok(),
            Err(_) => {
                self.counts.unreadable += 1;
                None
            }
        }
    }

    /// The objects of one event.
    ///
    /// # Errors
    /// Why it stays.
    pub fn event(&mut self, seen: &Seen, now: Timestamp) -> Result<Unit, Withheld> {
        self.counts.seen += 1;
        let unit = self.unit(seen, now);
        match &unit {
            Ok(_) => self.counts.units += 1,
            Err(why) => count(&mut self.counts.withheld, &Withheld::ALL, *why),
        }
        unit
    }

    fn unit(&mut self, seen: &Seen, now: Timestamp) -> Result<Unit, Withheld> {
        let mut cleared = clear(seen, &self.policy, &self.site, &self.keys, now)?;
        // Events that differ in nothing that may leave are still several.
        if cleared.incident.is_none() && self.last.0 == cleared.key {
            self.last.1 += 1;
            cleared.key = format!("{}|{}", cleared.key, self.last.1);
        } else {
            self.last = (cleared.key.clone(), 0);
        }
        let objects = self.format.objects(&cleared);
        let guard = Guard::new(&self.site, &internal(seen, &self.site), &told(seen, &self.site));
        let mut texts = [&seen.title, &seen.category, &seen.explanation].into_iter();
        let looked = texts.try_for_each(|text| guard.original(text));
        match looked.and_then(|()| guard.check(&Value::Array(objects.clone()))) {
            Ok(()) => Ok(Unit { level: cleared.level, tlp: cleared.tlp, objects }),
            Err(hit) => {
                count(&mut self.counts.hits, &Hit::ALL, hit);
                Err(Withheld::Guard)
            }
        }
    }

    /// What stands before all units.
    pub fn preamble(&self) -> Vec<Value> {
        self.format.preamble()
    }

    /// Objects of several units as they leave together.
    pub fn batch(&self, objects: Vec<Value>, now: Timestamp) -> Vec<Value> {
        self.format.batch(objects, now)
    }
}

fn count<T: PartialEq>(counts: &mut [u64], all: &[T], which: T) {
    let at = all.iter().position(|one| *one == which);
    if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
        *count += 1;
    }
}

/// Whether a line looks like an event of EVE: enough to tell it from other files, without the cost of
/// reading it.
fn is_event(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"{") && line.ends_with(b"}") && contains(line, b"\"event_type\"")
}

/// Whether a line is empty, or one that is being written: without its end.
fn is_unfinished(line: &[u8]) -> bool {
    line.trim_ascii().is_empty() || line.starts_with(b"{") && !line.ends_with(b"\n")
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Puts objects into one envelope (TAXII 2.1, 3.7): each version of an object once, in order.
pub fn envelope(objects: impl IntoIterator<Item = Value>) -> Value {
    let mut known = BTreeSet::new();
    let objects: Vec<Value> =
        objects.into_iter().filter(|object| known.insert(version(object))).collect();
    json!({ "objects": objects })
}

/// The identifier of an object and the version: when it was modified; for those that have only one
/// version when they were created, else nothing.
pub fn version(object: &Value) -> (String, String) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let version = text("modified").or_else(|| text("created")).unwrap_or_default();
    (text("id").unwrap_or_default(), version)
}
