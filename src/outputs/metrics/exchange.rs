//! Metrics of the exchange: what waits, what left, what stayed and why, which indicators are in force.
//! Every label value is one of a closed list in this program.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::{counter, counter_vec, gauge, raise, signed};
use crate::outputs::hub::cleared::Withheld;
use crate::outputs::hub::inbound::gate::Refused;
use crate::outputs::hub::privacy::guard::Hit;
use crate::outputs::hub::snapshot::{Attempt, Looked, Snapshot, Task};
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
    broken: IntGaugeVec,
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
    rules: IntCounterVec,
    rules_version: IntGauge,
}

const GAUGES: &[(&str, &str)] = &[
    ("rivellino_exchange_queue_events", "Events that wait to be sent."),
    ("rivellino_exchange_queue_bytes", "Bytes on disk of what waits to be sent."),
    ("rivellino_exchange_queue_age_seconds", "Age of the oldest event that waits."),
    ("rivellino_exchange_last_sent_timestamp_seconds", "When something last arrived; 0 for never."),
    (
        "rivellino_exchange_certificate_expiry_timestamp_seconds",
        "When the sensor's certificate ends; 0 when there is none.",
    ),
];

const COUNTERS: &[(&str, &str)] = &[
    ("rivellino_exchange_lost_total", "Events that were lost before the exchange took them."),
    (
        "rivellino_exchange_events_total",
        "Alerts, findings and incidents that the exchange looked at.",
    ),
    ("rivellino_exchange_sent_total", "Events that recipients have."),
    ("rivellino_exchange_rejected_total", "Events that recipients refuse for good."),
    ("rivellino_exchange_syslog_lines_total", "Lines of syslog that collectors have read."),
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
    (
        "rivellino_exchange_syslog_attempts_total",
        "Connections to collectors of syslog that were tried, by outcome.",
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
        let [entries, bytes] = [now.queue.entries, now.queue.bytes];
        let gauges = [entries, bytes, age, seconds(now.last_sent), now.certificate_until];
        self.gauges.iter().zip(gauges).for_each(|(gauge, value)| gauge.set(signed(value)));
        let counters = [now.lost, now.events.seen, now.sent, now.rejected, now.lines_sent];
        self.counters.iter().zip(counters).for_each(|(counter, total)| raise(counter, total));
        if let [withheld, guarded, dropped, attempts, lines] = self.labelled.as_slice() {
            each(withheld, Withheld::ALL.map(Withheld::name), now.events.withheld);
            each(guarded, Hit::ALL.map(Hit::name), now.events.hits);
            each(dropped, DROPPED_REASONS.map(|reason| reason.name()), now.dropped);
            each(attempts, Attempt::ALL.map(Attempt::name), now.attempts);
            each(lines, Attempt::ALL.map(Attempt::name), now.line_attempts);
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
            rules: counter_vec(
                of,
                "rivellino_exchange_rules_total",
                "Looks for rules that the centre signed, by what came of them.",
                "outcome",
            )?,
            rules_version: gauge(
                of,
                "rivellino_exchange_rules_version",
                "Version of the rules of the centre that are in force; 0 for none, or when they are \
                 not fetched.",
            )?,
        })
    }

    fn update(&self, now: &Snapshot) {
        self.rules_version.set(signed(now.rules_version));
        each(&self.rules, Looked::ALL.map(Looked::name), now.rules);
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
        let broken = Opts::new(
            "rivellino_exchange_broken_threads",
            "Threads of the exchange that broke, by what they did: until a restart it is not done.",
        );
        let broken = IntGaugeVec::new(broken, &["task"])?;
        of.register(Box::new(broken.clone()))?;
        Ok(Self { look, outbound: Outbound::new(of)?, inbound: Inbound::new(of)?, broken })
    }

    /// Brings them up to how the exchange stands now.
    pub(super) fn update(&self) {
        let now = (self.look)();
        self.outbound.update(&now);
        self.inbound.update(&now);
        for (task, count) in Task::ALL.iter().zip(now.broken) {
            self.broken.with_label_values(&[task.name()]).set(signed(count));
        }
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
