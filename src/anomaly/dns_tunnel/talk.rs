//! What is remembered of one client and one domain.

use super::super::domain;
use super::super::stats::Distinct;
use super::Limits;
use crate::record::Level;
use crate::time::{Duration, Timestamp};

/// Span in which names that ask for addresses are counted.
const FAST: Duration = Duration::from_secs(600);
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 10;
/// Bytes of an example or domain kept.
const TEXT_MAX: usize = 120;
/// The next finding of the same conversation comes when it has grown by this factor.
const GROWTH: u64 = 10;

/// One message about an encoded name, or with an encoded answer.
pub(super) struct Query<'a> {
    pub(super) at: Timestamp,
    pub(super) flow: u64,
    /// What stands before the domain, if it is encoded.
    pub(super) sub: Option<&'a [u8]>,
    /// Whether that is long besides.
    pub(super) is_long: bool,
    /// Whether the type asked for carries text.
    pub(super) carrying: bool,
    pub(super) is_response: bool,
}

/// What the answers of a message hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answer {
    /// Bytes of text and names.
    pub(super) bytes: u64,
    /// Whether any of it is encoded text.
    pub(super) encoded: bool,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Names carry data.
    Names,
    /// Answers carry text that is none.
    Answers,
}

/// A client's talk with a domain.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Talk {
    pub(super) domain: String,
    pub(super) first: Option<Timestamp>,
    last: Timestamp,
    names: Distinct,
    /// Bytes of the different names, without the domain.
    pub(super) name_bytes: u64,
    /// How many of the different names are long.
    pub(super) long_names: u64,
    /// Encoded names seen again or anew, and those of them that asked for text.
    seen: u64,
    carrying: u64,
    fast_start: Timestamp,
    fast_names: u64,
    fast_bytes: u64,
    /// Bytes of the answers' text.
    pub(super) answer_bytes: u64,
    /// Answers of encoded text.
    pub(super) encoded_answers: u64,
    pub(super) example: String,
    pub(super) evidence: Vec<u64>,
    told: [Told; 2],
}

/// The last finding of a shape.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Told {
    amount: u64,
    high: bool,
}

impl Talk {
    pub(super) fn new(domain: &[u8]) -> Self {
        Self { domain: text(domain), ..Self::default() }
    }

    /// Adds a message; the shape of a finding if one is due.
    pub(super) fn add(
        &mut self,
        query: &Query<'_>,
        answer: &Answer,
        limits: &Limits,
    ) -> Option<Shape> {
        if self.first.is_some() && query.at.since(self.last) > limits.memory {
            *self = Self { domain: std::mem::take(&mut self.domain), ..Self::default() };
        }
        self.first.get_or_insert(query.at);
        self.last = self.last.max(query.at);
        if query.at.since(self.fast_start) > FAST {
            (self.fast_start, self.fast_names, self.fast_bytes) = (query.at, 0, 0);
        }
        if let Some(sub) = query.sub {
            self.name(sub, query);
        }
        if query.is_response {
            self.answer_bytes += answer.bytes;
            self.encoded_answers += u64::from(answer.encoded);
        }
        if self.evidence.len() < EVIDENCE_MAX && !self.evidence.contains(&query.flow) {
            self.evidence.push(query.flow);
        }
        self.due(limits)
    }

    fn name(&mut self, sub: &[u8], query: &Query<'_>) {
        self.seen += 1;
        self.carrying += u64::from(query.carrying);
        if self.names.insert(domain::hash(sub)) {
            let bytes = sub.iter().filter(|byte| **byte != b'.').count() as u64;
            self.name_bytes += bytes;
            self.long_names += u64::from(query.is_long);
            self.fast_names += 1;
            self.fast_bytes += bytes;
            if self.example.len() < sub.len().min(TEXT_MAX) {
                self.example = text(sub);
            }
        }
    }

    fn due(&mut self, limits: &Limits) -> Option<Shape> {
        let names = self.names();
        let text = self.carrying * 2 >= self.seen;
        let slow = text && names >= limits.names_min && self.name_bytes >= limits.bytes_min;
        let fast =
            self.fast_names >= limits.fast_names_min && self.fast_bytes >= limits.fast_bytes_min;
        let long = self.long_names >= limits.long_names_min;
        let high = self.is_high(limits);
        if (slow || fast || long || self.told[0].amount > 0) && self.told[0].due(names, high) {
            return Some(Shape::Names);
        }
        // Answers to names that carry data are part of that finding.
        let answers = self.encoded_answers;
        let alone = self.told[0].amount == 0 && answers >= limits.answers_min;
        (alone && self.told[1].due(answers, high)).then_some(Shape::Answers)
    }

    /// How many different encoded names.
    pub(super) fn names(&self) -> u64 {
        self.names.count()
    }

    /// Whether it is told for its long names alone.
    pub(super) fn is_for_length(&self, limits: &Limits) -> bool {
        let fast = self.fast_names >= limits.fast_names_min;
        self.carrying * 2 < self.seen && !fast && self.long_names >= limits.long_names_min
    }

    /// Share of the encoded names that asked for a type that carries text.
    pub(super) fn carrying_share(&self) -> f64 {
        self.carrying as f64 / self.seen.max(1) as f64
    }

    fn is_high(&self, limits: &Limits) -> bool {
        self.name_bytes + self.answer_bytes >= limits.high_bytes
    }

    pub(super) fn level(&self, limits: &Limits, from_home: bool) -> Level {
        match (self.is_high(limits), from_home) {
            // Strangers that ask our name server for odd names do not tunnel: they try it out.
            (_, false) => Level::Low,
            (true, _) => Level::High,
            (false, _) => Level::Medium,
        }
    }

    /// Bytes that it points to.
    pub(super) fn memory(&self) -> usize {
        self.names.memory()
            + self.domain.capacity()
            + self.example.capacity()
            + self.evidence.capacity() * 8
    }
}

impl Told {
    /// Whether to tell now: the first time, when it has grown much, and when it has become grave.
    fn due(&mut self, amount: u64, high: bool) -> bool {
        let due =
            self.amount == 0 || amount >= self.amount.saturating_mul(GROWTH) || high && !self.high;
        if due {
            *self = Self { amount: amount.max(1), high };
        }
        due
    }
}

fn text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(TEXT_MAX)
        .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })
        .collect()
}
