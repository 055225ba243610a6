//! Some of the metrics as a request of Prometheus remote-write 1.0: for sites that nobody can come
//! in to.
//!
//! A request is a message of protocol buffers (`prometheus.WriteRequest`), compressed with Snappy
//! in its block format. Which metrics go is a list; labels are those of the page, and who the
//! sensor is.
//!
//! Source: Prometheus Remote-Write 1.0 specification, "Protocol"; protobuf.dev, "Encoding".

use std::collections::VecDeque;

use prometheus::proto::{MetricFamily, MetricType};

use crate::time::Timestamp;

/// Series of one sensor at most.
pub const SERIES_MAX: usize = 60;
/// Requests that wait at most: an hour of one a minute. Then the oldest goes.
pub const WAITING_MAX: usize = 60;
/// The type of the body.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// The version of the protocol that is spoken.
pub const VERSION: &str = "0.1.0";

/// How a metric goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// Each series.
    Whole,
    /// The sum of them, without labels: there would be too many.
    Sum,
}
use Goes::{Sum, Whole};

/// What goes. 60 series, of which 4 are about the sending itself.
const PUSHED: &[(&str, Goes)] = &[
    ("rivellino_packets_total", Whole),
    ("rivellino_bytes_total", Whole),
    ("rivellino_malformed_packets_total", Whole),
    ("rivellino_flows_total", Whole),
    ("rivellino_stream_gap_bytes_total", Whole),
    ("rivellino_alerts_suppressed_total", Whole),
    ("rivellino_dropped_total", Whole),
    ("rivellino_flows_active", Whole),
    ("rivellino_flow_memory_bytes", Whole),
    ("rivellino_rules", Whole),
    ("rivellino_alerts_total", Whole),
    ("rivellino_findings_total", Sum),
    ("rivellino_incidents_total", Whole),
    ("rivellino_notifications_total", Whole),
    ("rivellino_eve_write_errors_total", Whole),
    ("rivellino_exchange_queue_events", Whole),
    ("rivellino_exchange_queue_bytes", Whole),
    ("rivellino_exchange_queue_age_seconds", Whole),
    ("rivellino_exchange_last_sent_timestamp_seconds", Whole),
    ("rivellino_exchange_lost_total", Whole),
    ("rivellino_exchange_sent_total", Whole),
    ("rivellino_exchange_rejected_total", Whole),
    ("rivellino_exchange_withheld_total", Sum),
    ("rivellino_exchange_privacy_hits_total", Sum),
    ("rivellino_exchange_dropped_total", Sum),
    ("rivellino_exchange_attempts_total", Whole),
    ("rivellino_exchange_indicators", Whole),
    ("rivellino_exchange_indicators_refused", Sum),
    ("rivellino_exchange_indicator_hits_total", Whole),
    ("rivellino_exchange_polls_total", Whole),
    ("rivellino_exchange_last_poll_timestamp_seconds", Whole),
    (REQUESTS, Whole),
];

/// The counter of requests, by [`OUTCOMES`].
pub(super) const REQUESTS: &str = "rivellino_push_requests_total";
/// What becomes of a request: it arrived; it is tried again; it is refused for good; newer ones
/// took its place.
pub const OUTCOMES: [&str; 4] = ["accepted", "later", "refused", "shed"];

/// One value of a series.
struct Sample {
    /// By name, as the protocol wants them.
    labels: Vec<(String, String)>,
    value: f64,
}

/// The request: all that goes, as it stands at that time. `own` says who the sensor is.
pub(super) fn request(families: &[MetricFamily], own: &[(&str, String)], at: Timestamp) -> Vec<u8> {
    let mut samples = Vec::new();
    for family in families {
        let Some((_, goes)) = PUSHED.iter().find(|(name, _)| *name == family.name()) else {
            continue;
        };
        samples.extend(of_family(family, *goes, own));
    }
    samples.truncate(SERIES_MAX);
    let millis = i64::try_from(at.nanos() / 1_000_000).unwrap_or(i64::MAX);
    let mut message = Vec::new();
    for sample in &samples {
        field(&mut message, 1, &series(sample, millis));
    }
    // It fails only for messages of gigabytes; an empty one is refused by the other side.
    snap::raw::Encoder::new().compress_vec(&message).unwrap_or_default()
}

fn of_family(family: &MetricFamily, goes: Goes, own: &[(&str, String)]) -> Vec<Sample> {
    let is_counter = family.get_field_type() == MetricType::COUNTER;
    let mut samples = Vec::new();
    let mut sum = 0.0;
    for metric in family.get_metric() {
        let value = if is_counter {
            metric.get_counter().get_value()
        } else {
            metric.get_gauge().get_value()
        };
        sum += value;
        if goes == Whole {
            let labels = metric.get_label().iter();
            let labels = labels.map(|label| (label.name().to_owned(), label.value().to_owned()));
            samples.push(Sample { labels: labels.collect(), value });
        }
    }
    if goes == Sum {
        samples.push(Sample { labels: Vec::new(), value: sum });
    }
    for sample in &mut samples {
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        sample.labels.push(("__name__".to_owned(), family.name().to_owned()));
        sample.labels.extend(own);
        sample.labels.sort();
    }
    samples
}

/// `TimeSeries`: labels are field 1, samples field 2.
fn series(sample: &Sample, millis: i64) -> Vec<u8> {
    let mut message = Vec::new();
    for (name, value) in &sample.labels {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut message, 1, &label);
    }
    let mut at = Vec::new();
    at.push(1 << 3 | FIXED);
    at.extend_from_slice(&sample.value.to_le_bytes());
    at.push(2 << 3);
    varint(&mut at, millis.cast_unsigned());
    field(&mut message, 2, &at);
    message
}

/// Wire type of what has its length before it.
const LENGTH: u8 = 2;
/// Wire type of eight bytes.
const FIXED: u8 = 1;

fn field(message: &mut Vec<u8>, number: u8, content: &[u8]) {
    message.push(number << 3 | LENGTH);
    varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The low seven bits.
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// Requests that wait. They go in order: Prometheus takes none that is older than what it has.
#[derive(Debug, Default)]
pub struct Waiting(VecDeque<Vec<u8>>);

impl Waiting {
    /// Adds the newest; says whether the oldest had to go for it.
    pub fn add(&mut self, request: Vec<u8>) -> bool {
        let is_full = self.0.len() >= WAITING_MAX;
        if is_full {
            self.0.pop_front();
        }
        self.0.push_back(request);
        is_full
    }

    /// The one to be sent next.
    pub fn oldest(&self) -> Option<&[u8]> {
        self.0.front().map(Vec::as_slice)
    }

    /// The oldest is done with.
    pub fn done(&mut self) {
        self.0.pop_front();
    }
}

/// What an answer means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Accepted,
    /// It is to be tried again.
    Later,
    /// It is refused for good.
    Refused,
}

impl Verdict {
    /// Of a status of HTTP (remote-write 1.0, "Retries & Backoff").
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            429 | 500..=599 => Self::Later,
            _ => Self::Refused,
        }
    }

    /// As [`OUTCOMES`] has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Later => "later",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_the_encoding_has_them() {
        for (value, bytes) in
            [(0, &[0][..]), (127, &[127]), (150, &[0x96, 1]), (16_384, &[0x80, 0x80, 1])]
        {
            let mut message = Vec::new();
            varint(&mut message, value);
            assert_eq!(message, bytes);
        }
        let mut message = Vec::new();
        field(&mut message, 2, b"testing");
        assert_eq!(message, b"\x12\x07testing");
    }

    #[test]
    fn what_waits_is_bounded_and_goes_in_order() {
        let mut waiting = Waiting::default();
        for number in 0..=WAITING_MAX {
            assert_eq!(waiting.add(vec![number as u8]), number == WAITING_MAX);
        }
        assert_eq!(waiting.oldest(), Some(&[1][..]));
        waiting.done();
        assert_eq!(waiting.oldest(), Some(&[2][..]));
    }

    #[test]
    fn answers_are_told_apart() {
        let later = [429, 500, 503, 599].map(Verdict::of);
        assert_eq!(later, [Verdict::Later; 4]);
        let refused = [301, 400, 401, 404, 413].map(Verdict::of);
        assert_eq!(refused, [Verdict::Refused; 5]);
        assert_eq!([200, 204].map(Verdict::of), [Verdict::Accepted; 2]);
    }
}
