//! `threshold` and `detection_filter`: which matches become alerts. Applied at the merge, in order.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::net::Endpoint;
use crate::record::{
    Alert, Context, RateFilter, Signature, SuppressedEnd, Threshold, ThresholdKind, Track,
};
use crate::time::{Duration, Timestamp};

/// Counters kept at once, over all rules and hosts; beyond, the one that began first leaves.
pub const COUNTERS_MAX: usize = 65_536;

/// Counts matches by rule and host.
#[derive(Default)]
pub struct Thresholds {
    counters: HashMap<Key, Counter>,
    ages: BTreeMap<(Timestamp, u64), Key>,
    made: u64,
    evicted: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    rule: (u32, u32),
    whose: (Option<IpAddr>, Option<IpAddr>, Option<u64>),
    /// Whether a rate filter counts, not a threshold.
    rate: bool,
}

struct Counter {
    start: Timestamp,
    number: u64,
    count: u32,
    told: bool,
}

impl Thresholds {
    /// Whether the match becomes an alert. Without a threshold, a suppression or a rate always.
    pub fn allow(&mut self, now: Timestamp, context: &Context, alert: &Alert) -> bool {
        let signature = &alert.signature;
        if suppressed(signature, context) {
            return false;
        }
        let told = self.threshold(now, context, signature);
        // The rate is that of matches, whether they are told or not.
        let slow = signature.rate.is_none_or(|rate| self.slow(now, context, signature, &rate));
        told && slow
    }

    fn threshold(&mut self, now: Timestamp, context: &Context, signature: &Signature) -> bool {
        let Some(threshold) = signature.threshold else { return true };
        let whose = whose(threshold.track, context);
        let key = Key { rule: (signature.gid, signature.sid), whose, rate: false };
        let counter = self.counter(key, now);
        let span = Duration::from_secs(threshold.seconds.into());
        let spans = !matches!(threshold.kind, ThresholdKind::Backoff { .. });
        let over = spans && now.since(counter.start) > span;
        let judged = judge(counter, &threshold, over);
        if over {
            let old = (counter.start, counter.number);
            counter.start = now;
            let new = (counter.start, counter.number);
            self.ages.remove(&old);
            self.ages.insert(new, key);
        }
        judged
    }

    /// Whether matches come no faster than a rate filter lets through.
    fn slow(
        &mut self,
        now: Timestamp,
        context: &Context,
        signature: &Signature,
        rate: &RateFilter,
    ) -> bool {
        let whose = whose(rate.track, context);
        let key = Key { rule: (signature.gid, signature.sid), whose, rate: true };
        let counter = self.counter(key, now);
        let held = if counter.told { rate.timeout } else { rate.seconds };
        let over = now.since(counter.start) > Duration::from_secs(held.into());
        if over {
            counter.count = 0;
            counter.told = false;
        }
        counter.count = counter.count.saturating_add(1);
        // From the match that is too many on, the time counts for which nothing is told.
        let begins = !counter.told && counter.count > rate.count;
        counter.told |= begins;
        let slow = !counter.told;
        if over || begins {
            let old = (counter.start, counter.number);
            counter.start = now;
            let new = (now, counter.number);
            self.ages.remove(&old);
            self.ages.insert(new, key);
        }
        slow
    }

    /// How many counters left because there were too many.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    fn counter(&mut self, key: Key, now: Timestamp) -> &mut Counter {
        if !self.counters.contains_key(&key) {
            if self.counters.len() >= COUNTERS_MAX
                && let Some((_, oldest)) = self.ages.pop_first()
            {
                self.counters.remove(&oldest);
                self.evicted += 1;
            }
            self.made += 1;
            self.ages.insert((now, self.made), key);
        }
        let number = self.made;
        self.counters.entry(key).or_insert(Counter { start: now, number, count: 0, told: false })
    }
}

/// Whether a suppression means the match.
fn suppressed(signature: &Signature, context: &Context) -> bool {
    signature.suppressions.iter().any(|suppression| {
        let is =
            |end: Option<Endpoint>| end.is_some_and(|end| suppression.addresses.contains(end.addr));
        match suppression.whose {
            None => true,
            Some(SuppressedEnd::Source) => is(context.source),
            Some(SuppressedEnd::Destination) => is(context.destination),
            Some(SuppressedEnd::Either) => is(context.source) || is(context.destination),
        }
    })
}

fn whose(track: Track, context: &Context) -> (Option<IpAddr>, Option<IpAddr>, Option<u64>) {
    let source = context.source.map(|end| end.addr);
    let destination = context.destination.map(|end| end.addr);
    match track {
        Track::BySource => (source, None, None),
        Track::ByDestination => (None, destination, None),
        Track::ByBoth => (source, destination, None),
        Track::ByRule => (None, None, None),
        Track::ByFlow => (None, None, context.flow_id),
    }
}

/// Counts one match; `over` begins a new span.
fn judge(counter: &mut Counter, threshold: &Threshold, over: bool) -> bool {
    if over {
        counter.count = 0;
        counter.told = false;
    }
    counter.count = counter.count.saturating_add(1);
    match threshold.kind {
        ThresholdKind::Limit => counter.count <= threshold.count,
        ThresholdKind::Threshold => {
            let reached = counter.count >= threshold.count;
            if reached {
                counter.count = 0;
            }
            reached
        }
        ThresholdKind::Both => {
            let reached = counter.count >= threshold.count && !counter.told;
            counter.told |= reached;
            reached
        }
        ThresholdKind::DetectionFilter => counter.count > threshold.count,
        ThresholdKind::Backoff { multiplier } => {
            let base = threshold.count.max(1);
            counter.count.is_multiple_of(base) && is_power(counter.count / base, multiplier)
        }
    }
}

/// Whether `number` is 1, `base`, `base` squared and so on.
fn is_power(mut number: u32, base: u32) -> bool {
    while base > 1 && number >= base && number.is_multiple_of(base) {
        number /= base;
    }
    number == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: ThresholdKind, times: &[u64]) -> Vec<bool> {
        let threshold = Threshold { kind, track: Track::ByRule, count: 2, seconds: 10 };
        let signature =
            crate::record::Signature { threshold: Some(threshold), ..Default::default() };
        let signature = std::sync::Arc::new(signature);
        let context = Context {
            flow_id: None,
            source: None,
            destination: None,
            protocol: 6,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        };
        let mut thresholds = Thresholds::default();
        let mut allow = |second: &u64| {
            let alert = Alert { signature: signature.clone(), ..Alert::default() };
            thresholds.allow(Timestamp::new(*second, 0), &context, &alert)
        };
        times.iter().map(&mut allow).collect()
    }

    #[test]
    fn each_kind_lets_its_own_through() {
        let times = [100, 101, 102, 103, 120];
        assert_eq!(run(ThresholdKind::Limit, &times), [true, true, false, false, true]);
        assert_eq!(run(ThresholdKind::Threshold, &times), [false, true, false, true, false]);
        assert_eq!(run(ThresholdKind::Both, &times), [false, true, false, false, false]);
        assert_eq!(run(ThresholdKind::DetectionFilter, &times), [false, false, true, true, false]);
        let backoff = ThresholdKind::Backoff { multiplier: 3 };
        let told: Vec<usize> = run(backoff, &[100; 20])
            .iter()
            .zip(1..)
            .filter_map(|(told, number)| told.then_some(number))
            .collect();
        assert_eq!(told, [2, 6, 18]);
    }
}
