//! Prometheus metrics. No label holds an address, a name or a payload: every label set is closed.
//!
//! The `prometheus` crate keeps and writes them; dashmap holds the counts of events by type, which
//! the merge adds to while a scrape reads them.

mod exchange;
pub mod push;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use super::Output;
use super::eve::EveStats;
use super::filestore::FileStoreStats;
use crate::record::{Body, Notice, Record, Turn};
use crate::time::Timestamp;

pub use exchange::Look;

/// Counters of the packet path: totals since the start. Each means the same in every capture mode.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the metrics of the same names carry the help")]
pub struct Totals {
    pub packets: u64,
    pub bytes: u64,
    pub kernel_dropped: u64,
    pub interface_dropped: u64,
    pub malformed: u64,
    pub bad_checksums: u64,
    pub fragments: u64,
    pub flows: u64,
    pub flows_active: u64,
    pub flows_evicted: u64,
    pub flows_ended_timeout: u64,
    pub flows_ended_reuse: u64,
    pub flows_ended_shutdown: u64,
    pub flow_memory: u64,
    pub stream_gap_bytes: u64,
    pub segments_dropped: u64,
    pub streams_cut: u64,
    pub packets_cut: u64,
    pub homeless: u64,
    pub fragments_dropped: u64,
    pub awaited_dropped: u64,
    pub transactions: u64,
    pub transactions_dropped: u64,
    pub alerts_dropped: u64,
    pub chains_given_up: u64,
    pub captures_refused: u64,
    pub records_dropped: u64,
    pub suppressed: u64,
    pub rule_state_dropped: u64,
}

/// The metrics of a sensor. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    /// In the order of [`Totals`]'s counters.
    counters: Vec<IntCounter>,
    dropped: IntCounterVec,
    flows_ended: IntCounterVec,
    flows_active: IntGauge,
    flow_memory: IntGauge,
    rules: IntGaugeVec,
    alerts: IntCounterVec,
    findings: IntCounterVec,
    findings_suppressed: IntCounterVec,
    incidents: IntCounterVec,
    notifications: IntCounterVec,
    events: IntCounterVec,
    eve_records: IntCounter,
    eve_errors: IntCounter,
    /// Events by type since the last scrape.
    fresh: DashMap<&'static str, u64>,
    eve: Mutex<Option<Arc<EveStats>>>,
    store: Mutex<Option<Arc<FileStoreStats>>>,
    stored_files: IntCounterVec,
    exchange: Mutex<Option<exchange::Exchange>>,
}

/// Where things are dropped.
const DROPPED: [&str; 8] =
    ["kernel", "interface", "fragments", "segments", "transactions", "awaited", "records", "eve"];

const COUNTERS: &[(&str, &str)] = &[
    ("rivellino_packets_total", "Frames taken from the source."),
    ("rivellino_bytes_total", "Bytes of those frames on the wire."),
    ("rivellino_malformed_packets_total", "Packets that raised a decode event."),
    ("rivellino_bad_checksum_packets_total", "Packets left out for a wrong checksum."),
    ("rivellino_fragments_total", "IP fragments seen."),
    ("rivellino_flows_total", "Flows begun."),
    ("rivellino_stream_gap_bytes_total", "Stream bytes given up as lost."),
    (
        "rivellino_streams_cut_total",
        "Directions of streams of which no more is looked at, for their length.",
    ),
    ("rivellino_packets_cut_total", "Packets that the capture kept the beginning of alone."),
    ("rivellino_homeless_packets_total", "Packets that belong to no flow and make none."),
    ("rivellino_transactions_total", "Transactions completed."),
    ("rivellino_alerts_suppressed_total", "Alerts held back by thresholds."),
    ("rivellino_alerts_dropped_total", "Alerts, and what rules keep of flows, that had no room."),
    ("rivellino_chains_given_up_total", "Chains of a rule's tests given up as too costly."),
    ("rivellino_captures_refused_total", "Texts of rules that had no room, or cost too much."),
    (
        "rivellino_rule_state_dropped_total",
        "Counts, marks of hosts, values of sets and tags that had no room.",
    ),
];

impl Metrics {
    /// All metrics at zero.
    ///
    /// # Errors
    /// When two metrics share a name: a mistake in this file.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = &registry;
        let counters = COUNTERS.iter().map(|(name, help)| counter(of, name, help));
        let counters = counters.collect::<prometheus::Result<_>>()?;
        let dropped = counter_vec(
            of,
            "rivellino_dropped_total",
            "What was dropped, by where: in kernel and interface frames, of fragments datagrams, of \
             streams segments, of parsers transactions, of announced flows and files in parts those \
             awaited, before the merge records, at the end lines of EVE.",
            "stage",
        )?;
        for stage in DROPPED {
            dropped.with_label_values(&[stage]);
        }
        let flows_ended = counter_vec(
            of,
            "rivellino_flows_ended_total",
            "Flows ended, by reason; evicted ones ended before their time, as memory was full.",
            "reason",
        )?;
        let rules = IntGaugeVec::new(
            Opts::new("rivellino_rules", "Rules at the last load, by state."),
            &["state"],
        )?;
        registry.register(Box::new(rules.clone()))?;
        let inner = Inner {
            counters,
            dropped,
            flows_ended,
            rules,
            alerts: alerts(of)?,
            flows_active: gauge(of, "rivellino_flows_active", "Flows in the table now.")?,
            flow_memory: gauge(
                of,
                "rivellino_flow_memory_bytes",
                "Memory of the flow table and all that flows carry now.",
            )?,
            findings: counter_vec(
                of,
                "rivellino_findings_total",
                "Findings of detectors, by detector.",
                "detector",
            )?,
            findings_suppressed: findings_suppressed(of)?,
            incidents: incidents(of)?,
            notifications: notifications(of)?,
            events: counter_vec(of, "rivellino_events_total", "Records, by event type.", "type")?,
            eve_records: counter(of, "rivellino_eve_records_total", "Lines of EVE JSON.")?,
            eve_errors: counter(
                of,
                "rivellino_eve_write_errors_total",
                "Failed writes of EVE JSON; what was to be written is kept and tried again.",
            )?,
            stored_files: stored_files(of)?,
            registry,
            fresh: DashMap::new(),
            eve: Mutex::default(),
            store: Mutex::default(),
            exchange: Mutex::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Takes the counters of the packet path.
    pub fn totals(&self, totals: &Totals) {
        let inner = &self.0;
        let values = [
            totals.packets,
            totals.bytes,
            totals.malformed,
            totals.bad_checksums,
            totals.fragments,
            totals.flows,
            totals.stream_gap_bytes,
            totals.streams_cut,
            totals.packets_cut,
            totals.homeless,
            totals.transactions,
            totals.suppressed,
            totals.alerts_dropped,
            totals.chains_given_up,
            totals.captures_refused,
            totals.rule_state_dropped,
        ];
        for (counter, value) in inner.counters.iter().zip(values) {
            raise(counter, value);
        }
        for (stage, value) in [
            ("kernel", totals.kernel_dropped),
            ("interface", totals.interface_dropped),
            ("fragments", totals.fragments_dropped),
            ("segments", totals.segments_dropped),
            ("transactions", totals.transactions_dropped),
            ("awaited", totals.awaited_dropped),
            ("records", totals.records_dropped),
        ] {
            raise(&inner.dropped.with_label_values(&[stage]), value);
        }
        for (reason, value) in [
            ("timeout", totals.flows_ended_timeout),
            ("reuse", totals.flows_ended_reuse),
            ("evicted", totals.flows_evicted),
            ("shutdown", totals.flows_ended_shutdown),
        ] {
            raise(&inner.flows_ended.with_label_values(&[reason]), value);
        }
        inner.flows_active.set(signed(totals.flows_active));
        inner.flow_memory.set(signed(totals.flow_memory));
    }

    /// Makes the counters of these detectors and types of records begin at zero. One that begins when
    /// the first comes hides the first from whoever looks for an increase.
    pub fn expect(
        &self,
        detectors: impl IntoIterator<Item = &'static str>,
        types: impl IntoIterator<Item = &'static str>,
    ) {
        for detector in detectors {
            self.0.findings.with_label_values(&[detector]);
            self.0.findings_suppressed.with_label_values(&[detector]);
        }
        for kind in types {
            self.0.events.with_label_values(&[kind]);
        }
    }

    /// Takes how the rules stand.
    pub fn rules(&self, loaded: u64, failed: u64, skipped: u64) {
        for (state, count) in [("loaded", loaded), ("failed", failed), ("skipped", skipped)] {
            self.0.rules.with_label_values(&[state]).set(signed(count));
        }
    }

    /// Takes the EVE output's counters, read at each scrape.
    pub fn eve(&self, stats: Arc<EveStats>) {
        *self.0.eve.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }

    /// Takes the file store's counters, read at each scrape.
    pub fn file_store(&self, stats: Arc<FileStoreStats>) {
        *self.0.store.lock().unwrap_or_else(PoisonError::into_inner) = Some(stats);
    }

    /// Takes how the exchange stands, looked at with each scrape. Without it there are no metrics of
    /// the exchange.
    ///
    /// # Errors
    /// When there is one already.
    pub fn exchange(&self, look: Look) -> prometheus::Result<()> {
        let exchange = exchange::Exchange::new(&self.0.registry, look)?;
        *self.0.exchange.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
        Ok(())
    }

    /// Begins to count requests of remote-write ([`push`]).
    ///
    /// # Errors
    /// When they are counted already.
    pub fn pushed(&self) -> prometheus::Result<Pushed> {
        let requests = counter_vec(
            &self.0.registry,
            push::REQUESTS,
            "Requests of remote-write, by outcome: accepted, later, refused, shed.",
            "outcome",
        )?;
        for outcome in push::OUTCOMES {
            requests.with_label_values(&[outcome]);
        }
        Ok(Pushed(requests))
    }

    /// A request of remote-write ([`push`]) with the values of now; `own` labels say who the sensor is.
    pub fn request(&self, own: &[(&str, String)], now: Timestamp) -> Vec<u8> {
        self.update();
        push::request(&self.0.registry.gather(), own, now)
    }

    /// The page, in Prometheus's text format 0.0.4.
    pub fn text(&self) -> String {
        self.update();
        let mut text = String::new();
        // Only a broken writer could fail, and a string is none.
        let _ = TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text);
        text
    }

    /// Brings in what others count.
    fn update(&self) {
        let inner = &self.0;
        for mut entry in inner.fresh.iter_mut() {
            let count = std::mem::take(entry.value_mut());
            inner.events.with_label_values(&[*entry.key()]).inc_by(count);
        }
        if let Some(eve) = &*inner.eve.lock().unwrap_or_else(PoisonError::into_inner) {
            raise(&inner.eve_records, eve.records.load(Ordering::Relaxed));
            raise(&inner.eve_errors, eve.write_errors.load(Ordering::Relaxed));
            let lost = inner.dropped.with_label_values(&["eve"]);
            raise(&lost, eve.dropped.load(Ordering::Relaxed));
        }
        if let Some(store) = &*inner.store.lock().unwrap_or_else(PoisonError::into_inner) {
            for (outcome, count) in [
                ("written", &store.written),
                ("known", &store.known),
                ("shed", &store.shed),
                ("error", &store.errors),
            ] {
                let counter = inner.stored_files.with_label_values(&[outcome]);
                raise(&counter, count.load(Ordering::Relaxed));
            }
        }
        if let Some(exchange) = &*inner.exchange.lock().unwrap_or_else(PoisonError::into_inner) {
            exchange.update();
        }
    }
}

/// Counts requests of remote-write.
#[derive(Clone)]
pub struct Pushed(IntCounterVec);

impl Pushed {
    /// One more of these ([`push::OUTCOMES`]).
    pub fn count(&self, outcome: &'static str) {
        self.0.with_label_values(&[outcome]).inc();
    }
}

/// Brings a counter up to a total; a total that went back is ignored, as counters never do.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Output for Metrics {
    fn record(&mut self, record: &Record) {
        let inner = &self.0;
        let kind = match &record.body {
            Body::Alert(alert) => {
                let severity = match alert.signature.severity {
                    0 | 1 => "1",
                    2 => "2",
                    3 => "3",
                    _ => "4",
                };
                inner.alerts.with_label_values(&[severity]).inc();
                "alert"
            }
            Body::Finding(finding) => {
                inner.findings.with_label_values(&[finding.detector]).inc();
                if finding.suppressed.is_some() {
                    inner.findings_suppressed.with_label_values(&[finding.detector]).inc();
                }
                "alert"
            }
            Body::Incident(incident) => {
                if incident.turn == Turn::Opened {
                    inner.incidents.with_label_values(&[incident.level.name()]).inc();
                }
                let outcome = match incident.notice {
                    Notice::Sent => Some("sent"),
                    Notice::Folded => Some("folded"),
                    Notice::None => None,
                };
                if let Some(outcome) = outcome {
                    inner.notifications.with_label_values(&[outcome]).inc();
                }
                "incident"
            }
            Body::Flow(_) => "flow",
            Body::Transaction(of) if of.protocol.is_empty() || !of.transaction.is_logged() => {
                return;
            }
            Body::Transaction(transaction) => transaction.protocol,
            Body::File(_) => "fileinfo",
            Body::Arp(_) => "arp",
            Body::Packet(_) => "packet",
            Body::Anomaly(anomaly) => anomaly.kind,
            _ => return,
        };
        *inner.fresh.entry(kind).or_default() += 1;
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

fn alerts(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let alerts = counter_vec(
        registry,
        "rivellino_alerts_total",
        "Alerts of signatures, by severity: 1 is most severe.",
        "severity",
    )?;
    for severity in ["1", "2", "3", "4"] {
        alerts.with_label_values(&[severity]);
    }
    Ok(alerts)
}

fn findings_suppressed(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    counter_vec(
        registry,
        "rivellino_findings_suppressed_total",
        "Findings that the site wants to hear no more of, by detector.",
        "detector",
    )
}

fn incidents(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let incidents = counter_vec(
        registry,
        "rivellino_incidents_total",
        "Incidents opened, by the level at which they opened.",
        "level",
    )?;
    for level in ["info", "low", "medium", "high", "critical"] {
        incidents.with_label_values(&[level]);
    }
    Ok(incidents)
}

fn notifications(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    let notifications = counter_vec(
        registry,
        "rivellino_notifications_total",
        "Times that somebody was to be told of an incident: sent, or folded beyond the day's most.",
        "outcome",
    )?;
    for outcome in ["sent", "folded"] {
        notifications.with_label_values(&[outcome]);
    }
    Ok(notifications)
}

fn stored_files(registry: &Registry) -> prometheus::Result<IntCounterVec> {
    counter_vec(
        registry,
        "rivellino_file_store_total",
        "Files that were to be stored, by outcome: written, known, shed, error.",
        "outcome",
    )
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn counter_vec(
    registry: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> prometheus::Result<IntCounterVec> {
    let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}
