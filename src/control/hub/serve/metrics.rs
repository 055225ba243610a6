//! What a hub tells Prometheus. Labels are closed lists: no town, no address, no value.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::admit::Refused;
use super::gate::Held;
use super::store::Report;
use crate::outputs::hub::identity::{COSC_MAX, Identity};

/// Statuses that are answered; others are counted as `other`.
const STATUSES: [u16; 14] = [200, 202, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 429, 503];
/// Bounds of the time that an envelope takes, seconds.
const INGEST_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Microseconds within which a sensor counts as active.
const ACTIVE_MICROS: u64 = 15 * 60 * 1_000_000;
/// Sensors whose last sign is remembered at most.
const SENSORS_MAX: usize = 50_000;

/// The metrics of a hub.
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    content: Content,
    pub(super) throttled: IntCounterVec,
    pub(super) ingest: Histogram,
    pub(super) connections: IntGauge,
    pub(super) handshakes: IntCounterVec,
    pub(super) queue: IntGauge,
    pub(super) store_errors: IntCounter,
    #[cfg(feature = "nats")]
    relay: IntCounterVec,
    #[cfg(feature = "nats")]
    pub(super) relay_connected: IntGauge,
    active: IntGaugeVec,
    seen: Mutex<BTreeMap<Identity, u64>>,
}

/// What is received.
struct Content {
    objects: IntCounterVec,
    refused: IntCounterVec,
    indicators: IntCounterVec,
    held: IntCounterVec,
}

impl Content {
    fn new(of: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            objects: vector(
                of,
                ["rivellino_hub_objects_total", "outcome"],
                "Objects received, by outcome: stored, known, refused.",
                &["stored", "known", "refused"],
            )?,
            refused: vector(
                of,
                ["rivellino_hub_objects_refused_total", "reason"],
                "Objects refused, by reason.",
                &Refused::ALL.map(Refused::name),
            )?,
            indicators: vector(
                of,
                ["rivellino_hub_indicators_total", "outcome"],
                "Indicators of sensors: waiting for a quorum, released to all, ignored beyond the \
                 sender's share.",
                &["waiting", "released", "ignored"],
            )?,
            held: vector(
                of,
                ["rivellino_hub_indicators_held_total", "reason"],
                "Indicators that the gate of safety holds back, by reason.",
                &Held::ALL.map(Held::name),
            )?,
        })
    }
}

/// What became of an object between hubs.
#[cfg(feature = "nats")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relayed {
    /// The stream has it.
    Published,
    /// The stream had it before.
    Repeated,
    /// It stays: marked for fewer, or too large.
    Withheld,
    /// It came, and is on the disk or was refused for good.
    Taken,
    /// It came and is no object.
    Unreadable,
    /// An attempt that failed and is made again.
    Failed,
}

#[cfg(feature = "nats")]
impl Relayed {
    const ALL: [Self; 6] = [
        Self::Published,
        Self::Repeated,
        Self::Withheld,
        Self::Taken,
        Self::Unreadable,
        Self::Failed,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Repeated => "repeated",
            Self::Withheld => "withheld",
            Self::Taken => "taken",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

/// A counter with one label, every value of which begins at zero.
fn vector(
    of: &Registry,
    [name, label]: [&str; 2],
    help: &str,
    values: &[&str],
) -> prometheus::Result<IntCounterVec> {
    let vector = IntCounterVec::new(Opts::new(name, help), &[label])?;
    of.register(Box::new(vector.clone()))?;
    values.iter().for_each(|value| drop(vector.with_label_values(&[*value])));
    Ok(vector)
}

fn gauge(of: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    of.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

impl Metrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = &registry;
        let ingest = HistogramOpts::new(
            "rivellino_hub_ingest_seconds",
            "From the last byte of an envelope until it is on the disk.",
        );
        let ingest = Histogram::with_opts(ingest.buckets(INGEST_SECONDS.to_vec()))?;
        of.register(Box::new(ingest.clone()))?;
        let store_errors = IntCounter::new(
            "rivellino_hub_store_errors_total",
            "Transactions that failed; what was in them was not answered as taken.",
        )?;
        of.register(Box::new(store_errors.clone()))?;
        let help = "Sensors that spoke in the last 15 minutes, by regional centre.";
        let active = IntGaugeVec::new(Opts::new("rivellino_hub_active_sensors", help), &["cosc"])?;
        of.register(Box::new(active.clone()))?;
        let statuses = STATUSES.map(|status| status.to_string());
        let mut statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
        statuses.push("other");
        Ok(Self {
            requests: vector(
                of,
                ["rivellino_hub_requests_total", "status"],
                "Requests answered, by status of HTTP.",
                &statuses,
            )?,
            content: Content::new(of)?,
            throttled: vector(
                of,
                ["rivellino_hub_throttled_total", "quota"],
                "Requests answered with 429, by quota.",
                &["requests", "objects", "bytes", "day"],
            )?,
            ingest,
            connections: gauge(of, "rivellino_hub_connections", "Connections open now.")?,
            handshakes: vector(
                of,
                ["rivellino_hub_handshakes_total", "outcome"],
                "TLS handshakes, by outcome.",
                &["full", "resumed", "failed"],
            )?,
            queue: gauge(
                of,
                "rivellino_hub_queue_envelopes",
                "Envelopes that wait to be written.",
            )?,
            store_errors,
            #[cfg(feature = "nats")]
            relay: vector(
                of,
                ["rivellino_hub_relay_total", "outcome"],
                "Objects published to and taken from other hubs, and attempts that failed.",
                &Relayed::ALL.map(Relayed::name),
            )?,
            #[cfg(feature = "nats")]
            relay_connected: gauge(
                of,
                "rivellino_hub_relay_connected",
                "Whether the server between hubs is connected.",
            )?,
            active,
            seen: Mutex::default(),
            registry,
        })
    }

    /// A request was answered.
    pub(super) fn answered(&self, status: u16) {
        let known = STATUSES.contains(&status).then(|| status.to_string());
        self.requests.with_label_values(&[known.as_deref().unwrap_or("other")]).inc();
    }

    /// An object was refused.
    pub(super) fn refused(&self, why: Refused) {
        self.content.objects.with_label_values(&["refused"]).inc();
        self.content.refused.with_label_values(&[why.name()]).inc();
    }

    /// Something happened between hubs.
    #[cfg(feature = "nats")]
    pub(super) fn relayed(&self, what: Relayed, count: u64) {
        self.relay.with_label_values(&[what.name()]).inc_by(count);
    }

    /// An envelope is on the disk.
    pub(super) fn put(&self, report: &Report) {
        for (outcome, count) in [("stored", report.stored), ("known", report.known)] {
            self.content.objects.with_label_values(&[outcome]).inc_by(count);
        }
        for (outcome, count) in [
            ("released", report.released),
            ("waiting", report.waiting),
            ("ignored", report.ignored),
        ] {
            self.content.indicators.with_label_values(&[outcome]).inc_by(count);
        }
        for (why, count) in Held::ALL.iter().zip(report.held) {
            self.content.held.with_label_values(&[why.name()]).inc_by(count);
        }
    }

    /// A sensor spoke.
    pub(super) fn spoke(&self, who: &Identity, now: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = seen.get_mut(who) {
            *at = now;
            return;
        }
        if seen.len() >= SENSORS_MAX {
            seen.retain(|_, at| now.saturating_sub(*at) < ACTIVE_MICROS);
        }
        if seen.len() < SENSORS_MAX {
            seen.insert(who.clone(), now);
        }
    }

    /// The page, in Prometheus's text format 0.0.4.
    pub(super) fn text(&self, now: u64) -> String {
        let mut counts = [0_i64; COSC_MAX as usize];
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (who, _) in seen.iter().filter(|(_, at)| now.saturating_sub(**at) < ACTIVE_MICROS) {
            if let Some(count) = counts.get_mut(usize::from(who.cosc()).saturating_sub(1)) {
                *count += 1;
            }
        }
        drop(seen);
        for (cosc, count) in (1_u32..).zip(counts) {
            self.active.with_label_values(&[&cosc.to_string()]).set(count);
        }
        let mut text = String::new();
        // Only a broken writer could fail, and a string is none.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}
