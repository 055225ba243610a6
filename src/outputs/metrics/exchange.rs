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
    queue: [IntGauge; 3],
    lost: IntCounter,
    events: IntCounter,
    withheld: IntCounterVec,
    guarded: IntCounterVec,
    dropped: IntCounterVec,
    sent: IntCounter,
    rejected: IntCounter,
    attempts: IntCounterVec,
    last_sent: IntGauge,
    indicators: IntGauge,
    refused: IntGaugeVec,
    polls: IntCounterVec,
    last_poll: IntGauge,
    hits: IntCounterVec,
}

impl Exchange {
    /// Registers them.
    pub(super) fn new(of: &Registry, look: Look) -> prometheus::Result<Self> {
        let queue = [
            ("rivellino_exchange_queue_events", "Events that wait to be sent."),
            ("rivellino_exchange_queue_bytes", "Bytes on disk of what waits to be sent."),
            ("rivellino_exchange_queue_age_seconds", "Age of the oldest event that waits."),
        ];
        let [events, bytes, age] = queue.map(|(name, help)| gauge(of, name, help));
        let refused = IntGaugeVec::new(
            Opts::new(
                "rivellino_exchange_indicators_refused",
                "Indicators that are held and not looked for, by reason.",
            ),
            &["reason"],
        )?;
        of.register(Box::new(refused.clone()))?;
        Ok(Self {
            look,
            queue: [events?, bytes?, age?],
            lost: counter(
                of,
                "rivellino_exchange_lost_total",
                "Events that were lost before the exchange took them.",
            )?,
            events: counter(
                of,
                "rivellino_exchange_events_total",
                "Alerts, findings and incidents that the exchange looked at.",
            )?,
            withheld: counter_vec(
                of,
                "rivellino_exchange_withheld_total",
                "Events that stay, by what the policy or the guard says against them.",
                "reason",
            )?,
            guarded: counter_vec(
                of,
                "rivellino_exchange_privacy_hits_total",
                "What the guard found in events that therefore stay, by kind.",
                "kind",
            )?,
            dropped: counter_vec(
                of,
                "rivellino_exchange_dropped_total",
                "Events that were given up while they waited, by reason; since the spool was made.",
                "reason",
            )?,
            sent: counter(of, "rivellino_exchange_sent_total", "Events that recipients have.")?,
            rejected: counter(
                of,
                "rivellino_exchange_rejected_total",
                "Events that recipients refuse for good.",
            )?,
            attempts: counter_vec(
                of,
                "rivellino_exchange_attempts_total",
                "Envelopes that were tried to be sent, by outcome.",
                "outcome",
            )?,
            last_sent: gauge(
                of,
                "rivellino_exchange_last_sent_timestamp_seconds",
                "When something last arrived; 0 for never.",
            )?,
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

    /// Brings them up to how the exchange stands now.
    pub(super) fn update(&self) {
        let now = (self.look)();
        let [events, bytes, age] = &self.queue;
        events.set(signed(now.queue.entries));
        bytes.set(signed(now.queue.bytes));
        age.set(signed(now.queue.oldest.map_or(0, |oldest| now.now.since(oldest).as_secs())));
        raise(&self.lost, now.lost);
        raise(&self.events, now.events.seen);
        raise(&self.sent, now.sent);
        raise(&self.rejected, now.rejected);
        let seconds = |at: Option<Timestamp>| signed(at.map_or(0, Timestamp::seconds));
        self.last_sent.set(seconds(now.last_sent));
        self.last_poll.set(seconds(now.last_poll));
        self.indicators.set(signed(now.inbound.in_force));
        each(&self.withheld, Withheld::ALL.map(Withheld::name), now.events.withheld);
        each(&self.guarded, Hit::ALL.map(Hit::name), now.events.hits);
        let reasons = DROPPED_REASONS.map(|reason| reason.name());
        each(&self.dropped, reasons, now.dropped);
        each(&self.attempts, Attempt::ALL.map(Attempt::name), now.attempts);
        each(&self.polls, ["done", "failed"], now.polls);
        each(&self.hits, Observable::KINDS, now.hits);
        for (reason, count) in Refused::ALL.iter().zip(now.inbound.refused) {
            self.refused.with_label_values(&[reason.name()]).set(signed(count));
        }
    }
}

fn each<const N: usize>(counters: &IntCounterVec, labels: [&'static str; N], totals: [u64; N]) {
    for (label, total) in labels.iter().zip(totals) {
        raise(&counters.with_label_values(&[*label]), total);
    }
}
