//! Metrics of the exchange: what waits, what left, what stayed and why, which indicators are in force.
//! Every label value is one of a closed list in this program.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{counter, counter_vec, gauge, raise, signed};
use crate::outputs::hub::cleared::Withheld;
use crate::outputs::hub::inbound::gate::Refused;
use crate::outputs::hub::privacy::guard::Hit;
use crate::outputs::hub::snapshot::{Attempt, Snapshot};
use crate::outputs::hub::spool::DROPPED_REASONS;
use crate::record::Observable;
use crate::time::Timestamp;

/// Looks how the exchange stands.
pub type Look = Box<dyn Fn() -> Snapshot + Send>;

/// The metrics of the exchange.
pub(super) struct Exchange {
    look: Look,
    outbound: Outbound,
    inbound: Inbound,
}

/// What leaves, and what stays.
struct Outbound {
    /// In the order of [`GAUGES`].
    gauges: Vec<IntGauge>,
    /// In the order of [`COUNTERS`].
    counters: Vec<IntCounter>,
    /// In the order of [`LABELLED`].
    labelled: Vec<IntCounterVec>,
}

/// What comes in.
struct Inbound {
    indicators: IntGauge,
    refused: IntGaugeVec,
    polls: IntCounterVec,
    last_poll: IntGauge,
    hits: IntCounterVec,
}

const GAUGES: &[(&str, &str)] = &[
    ("rivellino_exchange_queue_events", "Events that wait to be sent."),
    ("rivellino_exchange_queue_bytes", "Bytes on disk of what waits to be sent."),
    ("rivellino_exchange_queue_age_seconds", "Age of the oldest event that waits."),
    ("rivellino_exchange_last_sent_timestamp_seconds", "When something last arrived; 0 for never."),
];

const COUNTERS: &[(&str, &str)] = &[
    ("rivellino_exchange_lost_total", "Events that were lost before the exchange took them."),
    (
        "rivellino_exchange_events_total",
        "Alerts, findings and incidents that the exchange looked at.",
    ),
    ("rivellino_exchange_sent_total", "Events that recipients have."),
    ("rivellino_exchange_rejected_total", "Events that recipients refuse for good."),
];

const LABELLED: &[(&str, &str, &str)] = &[
    (
        "rivellino_exchange_withheld_total",
        "Events that stay, by what the policy or the guard says against them.",
        "reason",
    ),
    (
        "rivellino_exchange_privacy_hits_total",
        "What the guard found in events that therefore stay, by kind.",
        "kind",
    ),
    (
        "rivellino_exchange_dropped_total",
        "Events that were given up while they waited, by reason; since the spool was made.",
        "reason",
    ),
    (
        "rivellino_exchange_attempts_total",
        "Envelopes that were tried to be sent, by outcome.",
        "outcome",
    ),
];

impl Outbound {
    fn new(of: &Registry) -> prometheus::Result<Self> {
        let gauges = GAUGES.iter().map(|(name, help)| gauge(of, name, help));
        let counters = COUNTERS.iter().map(|(name, help)| counter(of, name, help));
        let labelled =
            LABELLED.iter().map(|(name, help, label)| counter_vec(of, name, help, label));
        Ok(Self {
            gauges: gauges.collect::<prometheus::Result<_>>()?,
            counters: counters.collect::<prometheus::Result<_>>()?,
            labelled: labelled.collect::<prometheus::Result<_>>()?,
        })
    }

    fn update(&self, now: &Snapshot) {
        let age = now.queue.oldest.map_or(0, |oldest| now.now.since(oldest).as_secs());
        let gauges = [now.queue.entries, now.queue.bytes, age, seconds(now.last_sent)];
        self.gauges.iter().zip(gauges).for_each(|(gauge, value)| gauge.set(signed(value)));
        let counters = [now.lost, now.events.seen, now.sent, now.rejected];
        self.counters.iter().zip(counters).for_each(|(counter, total)| raise(counter, total));
        if let [withheld, guarded, dropped, attempts] = self.labelled.as_slice() {
            each(withheld, Withheld::ALL.map(Withheld::name), now.events.withheld);
            each(guarded, Hit::ALL.map(Hit::name), now.events.hits);
            each(dropped, DROPPED_REASONS.map(|reason| reason.name()), now.dropped);
            each(attempts, Attempt::ALL.map(Attempt::name), now.attempts);
        }
    }
}

impl Inbound {
    fn new(of: &Registry) -> prometheus::Result<Self> {
        let refused = IntGaugeVec::new(
            Opts::new(
                "rivellino_exchange_indicators_refused",
                "Indicators that came and are not looked for, by reason.",
            ),
            &["reason"],
        )?;
        of.register(Box::new(refused.clone()))?;
        Ok(Self {
            indicators: gauge(
                of,
                "rivellino_exchange_indicators",
                "Indicators of others that are looked for.",
            )?,
            refused,
            polls: counter_vec(
                of,
                "rivellino_exchange_polls_total",
                "Readings of collections of indicators, by outcome.",
                "outcome",
            )?,
            last_poll: gauge(
                of,
                "rivellino_exchange_last_poll_timestamp_seconds",
                "When a collection was last read; 0 for never.",
            )?,
            hits: counter_vec(
                of,
                "rivellino_exchange_indicator_hits_total",
                "Conversations with what an indicator names, by its kind.",
                "kind",
            )?,
        })
    }

    fn update(&self, now: &Snapshot) {
        self.indicators.set(signed(now.inbound.in_force));
        self.last_poll.set(signed(seconds(now.last_poll)));
        each(&self.polls, ["done", "failed"], now.polls);
        each(&self.hits, Observable::KINDS, now.hits);
        for (reason, count) in Refused::ALL.iter().zip(now.inbound.refused) {
            self.refused.with_label_values(&[reason.name()]).set(signed(count));
        }
    }
}

impl Exchange {
    /// Registers them.
    pub(super) fn new(of: &Registry, look: Look) -> prometheus::Result<Self> {
        Ok(Self { look, outbound: Outbound::new(of)?, inbound: Inbound::new(of)? })
    }

    /// Brings them up to how the exchange stands now.
    pub(super) fn update(&self) {
        let now = (self.look)();
        self.outbound.update(&now);
        self.inbound.update(&now);
    }
}

fn seconds(at: Option<Timestamp>) -> u64 {
    at.map_or(0, Timestamp::seconds)
}

fn each<const N: usize>(counters: &IntCounterVec, labels: [&'static str; N], totals: [u64; N]) {
    for (label, total) in labels.iter().zip(totals) {
        raise(&counters.with_label_values(&[*label]), total);
    }
}
