//! The calls of a host to one place: when they came and how large they were, and how regular that is.

use crate::anomaly::stats::Summary;
use crate::anomaly::stats::robust::quantile;
use crate::time::{Duration, Timestamp};

/// Calls kept of a pair, the last ones.
pub(super) const CALLS_MAX: usize = 64;
/// Of them in the ring: all but the last.
const RING_MAX: usize = CALLS_MAX - 1;
/// Flows kept as evidence.
pub(super) const EVIDENCE_MAX: usize = 8;
/// What comes so soon after the end of the last is still the same call.
const SAME_CALL: Duration = Duration::from_millis(1000);
/// Several connections of one turn: gaps under this share of the upper quartile are taken together.
const SAME_TURN: f64 = 0.33;
/// Turns are looked at only when there are so many, and so constant: taking the short pauses of
/// what comes by chance together makes it look more regular than it is.
const TURNS_MIN: usize = 8;
const TURNS_CONSTANCY_MIN: f64 = 0.85;
const TURNS_TAIL_MAX: f64 = 1.6;
/// The share of pauses below the one that says how long the tail is.
const TAIL: f64 = 0.9;
/// A deviation under this share of the median says nothing of skew.
const FINE: f64 = 0.1;

/// A call.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Call {
    /// Milliseconds since the call before it.
    after: u32,
    /// Bytes of payload to the peer.
    up: u32,
    /// Bytes of payload from the peer.
    down: u32,
}

/// The last calls of a host to one place.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Calls {
    /// The last one, which goes on: kept here, so that most that are heard of need no other memory.
    latest: Call,
    /// Those before it, if there are any.
    earlier: Option<Box<Earlier>>,
    /// How many there were.
    pub(super) count: u32,
    /// Of them without an answer.
    pub(super) failed: u32,
    /// The last is one of them, so far.
    unanswered: bool,
    pub(super) first: Timestamp,
    last: Timestamp,
    last_end: Timestamp,
    /// The flow of the last one.
    flow: Option<u64>,
}

/// Calls before the last.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Earlier {
    ring: Vec<Call>,
    /// Where the next is put once the ring is full.
    next: u8,
    /// Flows of some.
    flows: Vec<u64>,
}

/// How regular calls are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    /// Seconds between calls in the middle.
    pub(super) pause: f64,
    /// Of the pauses: 1 for equal ones, 0 when they lie as far apart as they are long.
    pub(super) constancy: f64,
    /// The pause that a tenth exceeds, in pauses in the middle: 3.3 of what comes by chance, under 2
    /// of a clock with jitter.
    pub(super) tail: f64,
    /// Mean of constancy and symmetry of the pauses (RITA's score of time stamps).
    pub(super) time: f64,
    /// The same for the bytes sent.
    pub(super) size: f64,
    /// Constancy of the bytes there, and back.
    pub(super) sizes: [f64; 2],
    /// Bytes in the middle, there and back.
    pub(super) bytes: [f64; 2],
}

impl Calls {
    /// Takes a burst; whether it is a call of its own.
    pub(super) fn add(
        &mut self,
        (start, end): (Timestamp, Timestamp),
        [up, down]: [u32; 2],
        answered: bool,
    ) -> bool {
        let goes_on = self.count > 0 && start.since(self.last_end) <= SAME_CALL;
        self.last_end = self.last_end.max(end);
        if goes_on {
            self.latest.up = self.latest.up.saturating_add(up);
            self.latest.down = self.latest.down.saturating_add(down);
            // An answer may come later than what was seen first of the call.
            if answered && std::mem::take(&mut self.unanswered) {
                self.failed = self.failed.saturating_sub(1);
            }
            return false;
        }
        let after = if self.count == 0 { 0 } else { start.since(self.last).nanos() / 1_000_000 };
        if self.count == 0 {
            self.first = start;
        }
        self.last = start;
        self.count = self.count.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(!answered));
        self.unanswered = !answered;
        let call = Call { after: u32::try_from(after).unwrap_or(u32::MAX), up, down };
        let before = std::mem::replace(&mut self.latest, call);
        if self.count > 1 {
            self.keep(before);
        }
        true
    }

    /// Keeps a call that is over.
    fn keep(&mut self, call: Call) {
        let earlier = self.earlier.get_or_insert_default();
        if earlier.ring.len() < RING_MAX {
            earlier.ring.push(call);
        } else if let Some(place) = earlier.ring.get_mut(usize::from(earlier.next)) {
            *place = call;
            earlier.next = (earlier.next + 1) % RING_MAX as u8;
        }
    }

    /// Notes the flow of a call.
    pub(super) fn witness(&mut self, flow: u64) {
        if self.flow == Some(flow) {
            return;
        }
        if let Some(before) = self.flow.replace(flow) {
            let flows = &mut self.earlier.get_or_insert_default().flows;
            if flows.len() + 1 >= EVIDENCE_MAX {
                flows.remove(0);
            }
            flows.push(before);
        }
    }

    /// Flows of the last calls.
    pub(super) fn evidence(&self) -> Vec<u64> {
        let earlier = self.earlier.iter().flat_map(|earlier| &earlier.flows);
        earlier.copied().chain(self.flow).collect()
    }

    /// From the first call to the last.
    pub(super) const fn span(&self) -> Duration {
        self.last.since(self.first)
    }

    /// How regular the kept calls are; nothing of too few.
    pub(super) fn rhythm(&self) -> Option<Rhythm> {
        let pauses = self.pauses();
        let (plain, plain_tail) = summary(pauses.clone())?;
        let turns = turns(&pauses, SAME_TURN * plain.quartiles[2]);
        let turned = Some(turns).filter(|turns| turns.len() >= TURNS_MIN).and_then(summary);
        let (best, tail) = match turned {
            Some((turned, tail))
                if turned.constancy() >= TURNS_CONSTANCY_MIN
                    && tail <= TURNS_TAIL_MAX
                    && of_time(&turned) >= of_time(&plain) =>
            {
                (turned, tail)
            }
            _ => (plain, plain_tail),
        };
        // Calls without an answer say nothing of sizes.
        let earlier = || self.earlier.iter().flat_map(|earlier| &earlier.ring);
        let kept = || earlier().chain([&self.latest]);
        let answered = || kept().filter(|call| call.down > 0);
        let sizes = |of: fn(&Call) -> u32| {
            Summary::of(&mut answered().map(|call| f64::from(of(call))).collect::<Vec<_>>())
                .unwrap_or_default()
        };
        let (up, down) = (sizes(|call| call.up), sizes(|call| call.down));
        Some(Rhythm {
            pause: best.median(),
            constancy: best.constancy(),
            tail,
            time: of_time(&best),
            size: f64::midpoint(up.constancy(), 1.0 - up.skew(FINE * up.median()).abs()),
            sizes: [up.constancy(), down.constancy()],
            bytes: [up.median(), down.median()],
        })
    }

    /// Seconds between kept calls, in order.
    fn pauses(&self) -> Vec<f64> {
        let (ring, next) = match &self.earlier {
            Some(earlier) => (earlier.ring.as_slice(), usize::from(earlier.next)),
            None => (&[][..], 0),
        };
        let (newer, older) = ring.split_at(next.min(ring.len()));
        let all = older.iter().chain(newer).chain([&self.latest]).skip(1);
        all.map(|call| f64::from(call.after) / 1000.0).collect()
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let of = |earlier: &Earlier| {
            let calls = earlier.ring.capacity() * size_of::<Call>();
            size_of::<Earlier>() + calls + earlier.flows.capacity() * size_of::<u64>()
        };
        self.earlier.as_deref().map_or(0, of)
    }
}

/// Of pauses, and how long their tail is against the median.
fn summary(mut pauses: Vec<f64>) -> Option<(Summary, f64)> {
    let long = quantile(&mut pauses, TAIL)?;
    let of = Summary::of(&mut pauses)?;
    Some((of, if of.median() > 0.0 { long / of.median() } else { f64::MAX }))
}

fn of_time(of: &Summary) -> f64 {
    f64::midpoint(of.constancy(), 1.0 - of.skew(FINE * of.median()).abs())
}

/// Pauses between turns: a call that follows sooner than `gap` belongs to the turn before it.
fn turns(pauses: &[f64], gap: f64) -> Vec<f64> {
    let mut turns = Vec::with_capacity(pauses.len());
    let mut since = 0.0;
    for pause in pauses {
        since += pause;
        if *pause >= gap {
            turns.push(since);
            since = 0.0;
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn of(starts: impl IntoIterator<Item = f64>) -> Calls {
        let mut calls = Calls::default();
        for start in starts {
            let start = Timestamp::from_nanos(((start + 100.0) * 1e9) as u64);
            calls.add((start, start), [300, 200], true);
        }
        calls
    }

    #[test]
    fn a_clock_is_regular_a_jittered_one_nearly_and_chance_is_not() {
        let clock = of((0..200).map(|n| f64::from(n) * 60.0));
        let rhythm = clock.rhythm().unwrap();
        assert_eq!(clock.count, 200);
        assert!(rhythm.time > 0.99 && (rhythm.pause - 60.0).abs() < 0.01, "{rhythm:?}");
        // Pauses from 30 to 90 seconds, spread evenly.
        let jitter = |n: u32| f64::from(n * 37 % 61);
        let mut at = 0.0;
        let even = of((0..64).map(|n| {
            at += 30.0 + jitter(n);
            at
        }));
        assert!(even.rhythm().unwrap().time > 0.8, "{:?}", even.rhythm());
        // Pauses spread as those between things that have nothing to do with each other.
        let mut at = 0.0;
        let chance = of((0..64).map(|n| {
            at += -60.0 * (1.0 - (jitter(n) + 0.5) / 61.5).ln() + 1.5;
            at
        }));
        assert!(chance.rhythm().unwrap().constancy < 0.5, "{:?}", chance.rhythm());
    }

    #[test]
    fn two_connections_of_one_turn_are_one_and_parts_of_a_call_too() {
        let twice = of((0..20).flat_map(|n| [f64::from(n) * 5.0, f64::from(n) * 5.0 + 1.1]));
        assert!((twice.rhythm().unwrap().pause - 5.0).abs() < 0.2, "{:?}", twice.rhythm());
        assert_eq!(of((0..10).map(|n| f64::from(n) * 0.5)).count, 1);
    }
}
