//! What each rule costs. Nothing is measured unless rules are asked to: the clock comes from
//! outside, as nothing here reads one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives a time in nanoseconds that never goes back; since when does not matter.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Counts and times of all rules of a set. Workers add to it while they go on.
pub struct Profile {
    clock: Clock,
    rules: Vec<Counters>,
}

#[derive(Default)]
struct Counters {
    candidates: AtomicU64,
    evaluations: AtomicU64,
    matches: AtomicU64,
    nanos: AtomicU64,
}

/// What one rule has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleCost {
    /// Times that it came into question: its fast pattern was there, or it has none and the packet's
    /// header alone did not rule it out.
    pub candidates: u64,
    /// Times that all but its buffers held, so that these were looked at.
    pub evaluations: u64,
    /// Times that it matched, before thresholds.
    pub matches: u64,
    /// Time for all of that, nanoseconds. The search for fast patterns is shared by all rules and
    /// not in it.
    pub nanos: u64,
}

impl Profile {
    /// For so many rules, with nothing measured yet.
    pub fn new(clock: Clock, rules: usize) -> Self {
        Self { clock, rules: std::iter::repeat_with(Counters::default).take(rules).collect() }
    }

    /// The time now.
    pub(super) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Adds what asking a rule since `start` was like.
    pub(super) fn add(&self, rule: u32, start: u64, evaluated: bool, matched: bool) {
        let nanos = self.now().saturating_sub(start);
        let Some(counters) = self.rules.get(rule as usize) else { return };
        counters.candidates.fetch_add(1, Ordering::Relaxed);
        counters.evaluations.fetch_add(u64::from(evaluated), Ordering::Relaxed);
        counters.matches.fetch_add(u64::from(matched), Ordering::Relaxed);
        counters.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What each rule has cost so far, in the rules' order.
    pub fn costs(&self) -> impl Iterator<Item = RuleCost> {
        self.rules.iter().map(|counters| RuleCost {
            candidates: counters.candidates.load(Ordering::Relaxed),
            evaluations: counters.evaluations.load(Ordering::Relaxed),
            matches: counters.matches.load(Ordering::Relaxed),
            nanos: counters.nanos.load(Ordering::Relaxed),
        })
    }
}
