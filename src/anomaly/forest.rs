//! `forest`: conversations unlike all others, as advice. Off unless the site turns it on.
//!
//! An isolation forest ([`Forest`]) is grown from a sample of the flows seen so far: their bytes,
//! packets, duration and sizes. A flow that is set apart from them by very few random cuts is
//! unusual, which is no reason for alarm: findings are `info`, at most one an hour, and belong to
//! the detector `novelty`.

use super::stats::Recent;
use super::stats::distinct::mix;
use super::stats::forest::Forest;
use super::words::{amount, host, number, span};
use super::{Damaged, Detector, Found, Judgement, Kind, Known, Parameter, Said, Tuning, state};
use crate::field::Node;
use crate::net::ip_protocol;
use crate::record::{Body, FlowRecord, Level, Record, Sort};
use crate::time::{Duration, Timestamp};

static LEARN: Parameter = Parameter::fixed(
    "learn",
    2000.0,
    "flows",
    "Flows seen before the first judgement, and between two forests.",
);
static SCORE_MIN: Parameter = Parameter {
    name: "score-min",
    values: [0.70, 0.65, 0.60],
    unit: "",
    help: "Score from which a flow is told: one in a hundred of usual flows passes 0.5 (Liu et al. \
           2008 take what is near 1 for an anomaly).",
};
static SILENCE: Parameter =
    Parameter::fixed("silence", 3600.0, "seconds", "At most one finding in this span.");

/// Features of a flow: logarithms of bytes and packets each way, of its duration, of mean sizes.
const FEATURES: usize = 7;
/// Flows in the sample, by the numbers of their places.
const SAMPLE_MAX: usize = 1024;
/// The finding's detector and its generator number.
const NOVELTY: (&str, u32) = ("novelty", 9115);

type Point = [f64; FEATURES];

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "forest",
    gid: 9190,
    help: "Conversations unlike all others, as advice; off unless turned on.",
    algorithm: "An isolation forest over bytes, packets, duration and mean sizes of flows, grown \
                anew after every so many flows from an even sample of those seen. Its findings \
                are info and belong to the detector novelty.",
    references: &["F. T. Liu, K. M. Ting, Z.-H. Zhou: Isolation Forest. ICDM 2008"],
    parameters: &[&LEARN, &SCORE_MIN, &SILENCE],
    sees: &[Sort::Flow],
    reads: &[],
    when: super::When::Always,
    build: |_, tuning| Box::new(Woods::new(tuning)),
};

/// The detector.
pub struct Woods {
    learn: u64,
    score_min: f64,
    silence: Duration,
    state: State,
    /// Grown from [`State::roots`].
    forest: Forest<FEATURES>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    seen: u64,
    sample: Recent<u64, Point>,
    /// The points of the forest in force.
    roots: Vec<Point>,
    told: Timestamp,
}

impl Woods {
    /// A detector that has seen nothing.
    pub fn new(tuning: &Tuning<'_>) -> Self {
        let sample = Recent::new(SAMPLE_MAX);
        Self {
            learn: tuning.count(&LEARN).max(1),
            score_min: tuning.get(&SCORE_MIN),
            silence: tuning.seconds(&SILENCE),
            state: State { seen: 0, sample, roots: Vec::new(), told: Timestamp::default() },
            forest: Forest::default(),
        }
    }

    fn flow(&mut self, record: &Record, flow: &FlowRecord, known: &Known) -> Option<Found> {
        let carried = matches!(record.context.protocol, ip_protocol::TCP | ip_protocol::UDP);
        if !carried {
            return None;
        }
        let point = features(flow);
        let score = self.forest.score(&point);
        self.learn(point);
        let state = &mut self.state;
        let quiet =
            state.told != Timestamp::default() && record.timestamp.since(state.told) < self.silence;
        if score < self.score_min || quiet {
            return None;
        }
        state.told = record.timestamp;
        Some(found(record, flow, score, self.score_min, known))
    }

    /// Takes a flow into the sample by chance, so that it stays even (J. S. Vitter's reservoir).
    fn learn(&mut self, point: Point) {
        let state = &mut self.state;
        let place = if (state.seen as usize) < SAMPLE_MAX {
            state.seen
        } else {
            mix(state.seen) % (state.seen + 1)
        };
        if place < SAMPLE_MAX as u64 {
            *state.sample.touch(&place) = point;
        }
        state.seen += 1;
        if state.seen.is_multiple_of(self.learn) {
            state.roots = state.sample.iter().map(|(_, point)| *point).collect();
            self.forest = Forest::grow(&state.roots);
        }
    }
}

impl Detector for Woods {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Body::Flow(flow) = &record.body
            && let Some(one) = self.flow(record, flow, known)
        {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        self.forest = Forest::default();
        if !self.state.roots.is_empty() {
            self.forest = Forest::grow(&self.state.roots);
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.state.sample.memory()
            + self.state.roots.capacity() * size_of::<Point>()
            + self.forest.memory()
    }
}

fn features(flow: &FlowRecord) -> Point {
    let counters = &flow.counters;
    let ([up, down], [packets_up, packets_down]) = (counters.bytes, counters.packets);
    let log = |number: u64| (number as f64).ln_1p();
    let mean = |bytes: u64, packets: u64| log(bytes / packets.max(1));
    [
        log(up),
        log(down),
        log(packets_up),
        log(packets_down),
        counters.end.since(counters.start).as_secs_f64().ln_1p(),
        mean(up, packets_up),
        mean(down, packets_down),
    ]
}

fn found(record: &Record, flow: &FlowRecord, score: f64, least: f64, known: &Known) -> Found {
    let (one, other) =
        (host(record.context.source, known), host(record.context.destination, known));
    let [up, down] = flow.counters.bytes;
    let took = flow.counters.end.since(flow.counters.start);
    let (span, sent, got, shown) = (span(took), amount(up), amount(down), number(score));
    let mut found = Judgement {
        kind: &KIND,
        sid: 90,
        title: format!("Conversation unlike others between {one} and {other}"),
        context: record.context,
        level: Level::Info,
        score,
        threshold: least,
        confidence: 0.3,
        numbers: vec![
            ("bytes_sent", Node::Int(up)),
            ("bytes_received", Node::Int(down)),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("score_usual", Node::Float(0.5))],
        evidence: record.context.flow_id.into_iter().collect(),
        technique: "",
        acn: &[],
        took,
        seen: Said::new(
            format!(
                "La conversazione tra {one} e {other} non somiglia alle altre: {} inviati e {} \
                 ricevuti in {} (punteggio {}).",
                sent.it, got.it, span.it, shown.it
            ),
            format!(
                "The conversation between {one} and {other} is unlike the others: {} sent and {} \
                 received in {} (score {}).",
                sent.en, got.en, span.en, shown.en
            ),
        ),
        normal: Said::new(
            "Le conversazioni usuali hanno un punteggio intorno a 0,5.",
            "Usual conversations score about 0.5.",
        ),
        why: Said::new(
            "è soltanto insolita, e l'insolito di solito è innocuo",
            "it is only unusual, and the unusual is mostly harmless",
        ),
        meaning: Said::new(
            "Da sola non indica un attacco; serve a chi indaga su altro.",
            "By itself it points to no attack; it serves who looks into something else.",
        ),
        advice: Said::new(
            "niente, se non ci sono altre segnalazioni sulle stesse macchine.",
            "nothing, unless there are other findings about the same machines.",
        ),
    }
    .found();
    (found.finding.detector, found.finding.gid) = NOVELTY;
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::anomaly::Settings;
    use crate::anomaly::dns_tunnel::tests::{Asked, message};
    use crate::record::{FlowCounters, Outcome};

    fn flow(seconds: u64, bytes: u64, packets: u64, lasted: u64) -> Record {
        let (start, end) = (Timestamp::new(seconds, 0), Timestamp::new(seconds + lasted, 0));
        let counters =
            FlowCounters { packets: [packets; 2], bytes: [bytes, bytes * 4], start, end };
        let flow = FlowRecord {
            counters,
            state: "closed",
            reason: "timeout",
            alerted: false,
            app_protocol: None,
            transactions: 0,
            tcp: None,
            icmp_response: None,
            outcome: Outcome::Answered,
            texts: crate::record::Texts::default(),
        };
        let asked = Asked { name: String::new(), kind: 1, rcode: 0, answer: String::new() };
        let body = Body::Flow(Box::new(flow));
        Record { body, ..message(seconds, [10, 0, 0, 5], asked) }
    }

    fn judge() -> Vec<Found> {
        let settings = Settings::default();
        let mut woods = Woods::new(&settings.of(&KIND));
        let mut found = Vec::new();
        for n in 0..4000u64 {
            let (bytes, packets) = (1000 + mix(n) % 9000, 10 + mix(n + 7) % 20);
            let usual = flow(1000 + n, bytes, packets, mix(n + 9) % 30);
            woods.record(&usual, &Known::default(), &mut found);
        }
        assert!(found.is_empty());
        // What was saved judges alike.
        let mut other = Woods::new(&settings.of(&KIND));
        assert_eq!(other.load(&woods.save()), Ok(()));
        let odd = flow(9000, 90_000_000_000, 2, 80_000);
        other.record(&odd, &Known::default(), &mut found);
        other.record(&odd, &Known::default(), &mut found);
        assert!(other.memory() < 2_500_000);
        found
    }

    #[test]
    fn a_flow_unlike_all_others_is_told_as_advice_once_an_hour_when_turned_on() {
        let found = judge();
        let told: Vec<_> = found.iter().map(|f| (f.finding.detector, f.finding.level)).collect();
        assert_eq!(told, [("novelty", Level::Info)]);
        assert!(!Settings::default().is_on(KIND.name));
        let on = BTreeSet::from([KIND.name.to_owned()]);
        assert!(Settings { on, ..Settings::default() }.is_on(KIND.name));
    }
}
