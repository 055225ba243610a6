//! `covert-tunnel`: talk hidden in pings.
//!
//! A ping carries filler that its answer must repeat: bytes that count up, letters in order, one
//! byte over and over, before them perhaps the time. Tunnels (ptunnel, icmptunnel, hans, icmpsh,
//! Pingback) carry something else. Four signs are counted for two hosts: a whole IP packet inside,
//! an answer that differs from its request, a word and then nothing but zeros (an order), and many
//! long payloads that are no filler and all differ.
//!
//! What is not counted: filler of known shapes, payloads of up to 24 bytes, answers that are
//! shorter (some servers cut them), errors (they quote the packet they are about).

use std::net::IpAddr;

use super::stats::{Distinct, Recent};
use super::words::{amount, count, host, printable, span};
use super::{
    Damaged, Detector, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning, state,
};
use crate::field::Node;
use crate::record::{Body, IcmpMessage, Level, Record, Sort};
use crate::time::{Duration, Timestamp};

static INNER_MIN: Parameter = Parameter {
    name: "inner-min",
    values: [6.0, 3.0, 2.0],
    unit: "messages",
    help: "Pings with a whole IP packet inside: chance makes none.",
};
static DIFFERING_MIN: Parameter = Parameter {
    name: "differing-min",
    values: [10.0, 4.0, 2.0],
    unit: "answers",
    help: "Answers that are not what was sent, which RFC 792 demands.",
};
static ORDERS_MIN: Parameter = Parameter {
    name: "orders-min",
    values: [3.0, 2.0, 2.0],
    unit: "orders",
    help: "Different words that stand alone before zeros.",
};
static CONTENTS_MIN: Parameter = Parameter {
    name: "contents-min",
    values: [60.0, 20.0, 10.0],
    unit: "messages",
    help: "Different payloads over 64 bytes that are no filler.",
};
static HIGH_MIN: Parameter = Parameter::fixed(
    "high-min",
    50.0,
    "messages",
    "Pings with an IP packet inside, or answers that differ, from which it is high.",
);
static MEMORY: Parameter = Parameter::fixed(
    "memory",
    21_600.0,
    "seconds",
    "Messages further apart than this are not one conversation.",
);

/// Pairs of hosts remembered, only those with a sign.
const PAIRS_MAX: usize = 1024;
/// Requests that wait for their answer.
const WAITING_MAX: usize = 2048;
/// Payloads up to this size say nothing: so much is free for marks of the pinging program.
const SHORT: usize = 24;
/// Payloads over this size are longer than common programs send unasked.
const LONG: usize = 64;
/// Longest filler that repeats: Windows sends the letters a to w over and over.
const PERIOD_MAX: usize = 26;
/// Flows kept as evidence, orders as examples.
const KEPT_MAX: usize = 8;
/// Bytes of an order.
const ORDER_MAX: usize = 32;
/// The next finding comes when the signs have grown by this factor.
const GROWTH: u64 = 10;
/// First bytes of the messages of known tools: ptunnel.
const MARKS: &[&[u8]] = &[&[0xd5, 0x20, 0x08, 0x80]];

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "covert-tunnel",
    gid: 9110,
    help: "Talk hidden in pings: IP packets inside, answers that differ, orders, data.",
    algorithm: "Payloads of echo requests and replies are compared with the filler that known \
                programs send. For two hosts four signs are counted: a whole IP packet inside, an \
                answer that differs from its request, a word followed by zeros, different long \
                payloads that are no filler. Each has its own threshold.",
    references: &[
        "RFC 792, RFC 4443: an echo reply returns the data of its request",
        "MITRE ATT&CK T1095, T1572",
    ],
    parameters: &[&INNER_MIN, &DIFFERING_MIN, &ORDERS_MIN, &CONTENTS_MIN, &HIGH_MIN, &MEMORY],
    sees: &[Sort::Icmp],
    reads: &[],
    when: super::When::Always,
    build: |site, tuning| Box::new(Covert::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    inner: u64,
    differing: u64,
    orders: u64,
    contents: u64,
    high: u64,
    memory: Duration,
}

/// The detector.
pub struct Covert {
    limits: Limits,
    state: State,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    /// Length and hash by client, server, identifier and sequence number.
    waiting: Recent<(IpAddr, IpAddr, u16, u16), (u32, u64)>,
    /// By the two hosts, the lesser first.
    pairs: Recent<(IpAddr, IpAddr), Pair>,
}

/// Signs seen between two hosts.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    first: Option<Timestamp>,
    last: Timestamp,
    inner: u64,
    differing: u64,
    orders: Vec<String>,
    contents: Distinct,
    bytes: u64,
    evidence: Vec<u64>,
    told: u64,
    told_high: bool,
}

/// What a payload is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Filler,
    Inner,
    Order(String),
    Data,
}

impl Covert {
    /// A detector that has seen nothing.
    pub fn new(_: &Site, tuning: &Tuning<'_>) -> Self {
        let limits = Limits {
            inner: tuning.count(&INNER_MIN),
            differing: tuning.count(&DIFFERING_MIN),
            orders: tuning.count(&ORDERS_MIN),
            contents: tuning.count(&CONTENTS_MIN),
            high: tuning.count(&HIGH_MIN),
            memory: tuning.seconds(&MEMORY),
        };
        let (waiting, pairs) = (Recent::new(WAITING_MAX), Recent::new(PAIRS_MAX));
        Self { limits, state: State { waiting, pairs } }
    }

    fn message(&mut self, record: &Record, icmp: &IcmpMessage, known: &Known) -> Option<Found> {
        let is_request = match icmp.kind {
            8 | 128 => true,
            0 | 129 => false,
            _ => return None,
        };
        let (source, target) = (record.context.source?.addr, record.context.destination?.addr);
        let differs = self.differs(is_request, source, target, icmp);
        let content = content(icmp);
        if content == Content::Filler && !differs {
            return None;
        }
        let key = (source.min(target), source.max(target));
        let pair = self.state.pairs.touch(&key);
        if pair.first.is_some() && record.timestamp.since(pair.last) > self.limits.memory {
            *pair = Pair::default();
        }
        pair.first.get_or_insert(record.timestamp);
        pair.last = record.timestamp;
        pair.differing += u64::from(differs);
        pair.add(content, icmp, record.context.flow_id.unwrap_or_default());
        pair.due(&self.limits).then(|| found(pair, &self.limits, record, known))
    }

    /// Remembers a request; whether an answer is another than its request.
    fn differs(&mut self, is_request: bool, from: IpAddr, to: IpAddr, icmp: &IcmpMessage) -> bool {
        let Some((id, sequence)) = icmp.echo else { return false };
        if is_request {
            if icmp.length as usize > SHORT {
                let waiting = self.state.waiting.touch(&(from, to, id, sequence));
                *waiting = (icmp.length, icmp.hash);
            }
            return false;
        }
        let request = self.state.waiting.remove(&(to, from, id, sequence));
        request.is_some_and(|(length, hash)| {
            icmp.length > length || icmp.length == length && icmp.hash != hash
        })
    }
}

impl Pair {
    fn add(&mut self, content: Content, icmp: &IcmpMessage, flow: u64) {
        self.bytes += u64::from(icmp.length);
        match content {
            Content::Inner => self.inner += 1,
            Content::Order(word) => {
                if self.orders.len() < KEPT_MAX && !self.orders.contains(&word) {
                    self.orders.push(word);
                }
            }
            Content::Data => {
                self.contents.insert(icmp.hash);
            }
            Content::Filler => {}
        }
        if self.evidence.len() < KEPT_MAX && !self.evidence.contains(&flow) {
            self.evidence.push(flow);
        }
    }

    /// The sign that is farthest over its threshold: its count, its threshold.
    fn strongest(&self, limits: &Limits) -> (u64, u64) {
        let signs = [
            (self.inner, limits.inner),
            (self.differing, limits.differing),
            (self.orders.len() as u64, limits.orders),
            (self.contents.count(), limits.contents),
        ];
        let times = |(count, least): (u64, u64)| count * 1000 / least.max(1);
        signs.into_iter().max_by_key(|sign| times(*sign)).unwrap_or_default()
    }

    fn is_high(&self, limits: &Limits) -> bool {
        self.inner.max(self.differing) >= limits.high
    }

    /// Whether to tell now: the first time, when it has grown much, when it has become grave.
    fn due(&mut self, limits: &Limits) -> bool {
        let (count, least) = self.strongest(limits);
        let high = self.is_high(limits);
        let grown = self.told == 0 || count >= self.told.saturating_mul(GROWTH);
        let due = count >= least && (grown || high && !self.told_high);
        if due {
            (self.told, self.told_high) = (count, high);
        }
        due
    }

    fn memory(&self) -> usize {
        let orders = self.orders.iter().map(|o| o.capacity() + size_of::<String>());
        self.contents.memory() + orders.sum::<usize>() + self.evidence.capacity() * 8
    }
}

impl Detector for Covert {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Body::Icmp(message) = &record.body
            && let Some(one) = self.message(record, message, known)
        {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { waiting, pairs } = &self.state;
        waiting.memory() + pairs.memory() + pairs.iter().map(|(_, p)| p.memory()).sum::<usize>()
    }
}

/// What an echo message carries.
fn content(icmp: &IcmpMessage) -> Content {
    let (sample, length) = (&icmp.sample[..], icmp.length as usize);
    if has_packet(sample, length) || MARKS.iter().any(|mark| sample.starts_with(mark)) {
        return Content::Inner;
    }
    if let Some(order) = order(sample) {
        return Content::Order(order);
    }
    if length <= LONG || is_filler(sample) { Content::Filler } else { Content::Data }
}

/// Whether an IP packet lies within that ends where the payload ends.
fn has_packet(sample: &[u8], length: usize) -> bool {
    [0usize, 4, 8].into_iter().any(|at| match sample.get(at..).unwrap_or_default() {
        [0x45, _, high, low, _, _, _, _, ttl, 1 | 2 | 6 | 17 | 47 | 50, ..] => {
            *ttl > 0 && usize::from(u16::from_be_bytes([*high, *low])) + at == length
        }
        [0x60..=0x6f, _, _, _, high, low, 0 | 6 | 17 | 58, limit, ..] => {
            *limit > 0 && usize::from(u16::from_be_bytes([*high, *low])) + 40 + at == length
        }
        _ => false,
    })
}

/// A word of letters and digits before nothing but zeros. Times that some programs put there have
/// more than one part.
fn order(sample: &[u8]) -> Option<String> {
    let end = sample.iter().position(|byte| *byte == 0)?;
    let (word, zeros) = sample.split_at_checked(end)?;
    let is_word = (2..=ORDER_MAX).contains(&word.len())
        && word.iter().any(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let alone = zeros.len() >= SHORT && zeros.iter().all(|byte| *byte == 0);
    (is_word && alone).then(|| String::from_utf8_lossy(word).into_owned())
}

/// Whether it is what pinging programs send: after up to 28 bytes for the time and the like, bytes
/// that count up, or a short pattern over and over.
fn is_filler(sample: &[u8]) -> bool {
    // What holds of some bytes holds of those at their end: only the shortest rest is looked at.
    let rest = |least: usize| {
        let mut skips = [28, 24, 20, 16, 12, 8, 4, 0].into_iter();
        skips.find_map(|skip| sample.get(skip..).filter(|rest| rest.len() >= least))
    };
    let counts =
        |rest: &[u8]| rest.iter().zip(rest.iter().skip(1)).all(|(a, b)| a.wrapping_add(1) == *b);
    let repeats = |period: usize| {
        rest(period + 8).is_some_and(|rest| rest.get(period..) == rest.get(..rest.len() - period))
    };
    rest(8).is_some_and(counts) || (1..=PERIOD_MAX).any(repeats)
}

fn found(pair: &Pair, limits: &Limits, record: &Record, known: &Known) -> Found {
    let (one, other) =
        (host(record.context.source, known), host(record.context.destination, known));
    let took = pair.first.map_or(Duration::default(), |first| record.timestamp.since(first));
    let (score, threshold) = pair.strongest(limits);
    let proof = pair.inner >= limits.inner || pair.differing >= limits.high;
    Judgement {
        kind: &KIND,
        sid: 1,
        title: format!("Talk hidden in pings between {one} and {other}"),
        context: record.context,
        level: if pair.is_high(limits) { Level::High } else { Level::Medium },
        score: score as f64,
        threshold: threshold as f64,
        confidence: if proof { 0.95 } else { (1.0 - 0.5 * threshold as f64 / score.max(1) as f64).clamp(0.6, 0.9) },
        numbers: vec![
            ("packets_inside", Node::Int(pair.inner)),
            ("answers_differing", Node::Int(pair.differing)),
            ("orders", Node::List(pair.orders.iter().map(|o| Node::Text(o.clone().into_bytes())).collect())),
            ("contents", Node::Int(pair.contents.count())),
            ("bytes", Node::Int(pair.bytes)),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("packets_inside_max", Node::Int(limits.inner.saturating_sub(1))),
            ("answers_differing_max", Node::Int(limits.differing.saturating_sub(1))),
            ("contents_max", Node::Int(limits.contents.saturating_sub(1))),
        ],
        evidence: pair.evidence.clone(),
        technique: "T1095",
        acn: &["acn:malicious-code=\"command-and-control\""],
        took,
        seen: seen(pair, &one, &other, took),
        normal: Said::new(
            "Di norma un ping porta byte di riempimento sempre uguali, e la risposta li ripete.",
            "Normally a ping carries the same filler each time, and the answer repeats it.",
        ),
        why: if proof {
            Said::new("un ping vero non può essere così", "a real ping cannot be like this")
        } else {
            Said::new(
                "il contenuto non è di nessun programma di ping conosciuto",
                "the content is of no known pinging program",
            )
        },
        meaning: Said::new(
            "Qualcuno può usare i ping come passaggio nascosto, per dare ordini a una macchina o portare fuori dati; può anche essere una prova di un tecnico.",
            "Someone may use pings as a hidden way, to give a machine orders or to carry data out; it may also be a technician's test.",
        ),
        advice: Said::new(
            format!("chiedere a chi usa {one} e {other} se è una prova; se no, bloccare i ping tra le due sul firewall, scollegare quella interna e avvisare il referente per la sicurezza."),
            format!("ask who uses {one} and {other} whether it is a test; if not, block pings between them on the firewall, disconnect the internal one and tell the security contact."),
        ),
    }
    .found()
}

fn seen(pair: &Pair, one: &str, other: &str, took: Duration) -> Said {
    let signs = [
        (
            pair.inner,
            ["pacchetto di rete intero", "pacchetti di rete interi"],
            ["whole network packet", "whole network packets"],
        ),
        (
            pair.differing,
            ["risposta diversa dalla richiesta", "risposte diverse dalla richiesta"],
            ["answer that differs from its request", "answers that differ from their requests"],
        ),
        (
            pair.orders.len() as u64,
            ["parola isolata", "parole isolate"],
            ["lone word", "lone words"],
        ),
        (
            pair.contents.count(),
            ["contenuto lungo sconosciuto", "contenuti lunghi sconosciuti"],
            ["long unknown content", "long unknown contents"],
        ),
    ];
    let signs = signs.into_iter().filter(|(number, ..)| *number > 0);
    let signs: Vec<Said> = signs.map(|(number, it, en)| count(number, it, en)).collect();
    let all = |of: fn(&Said) -> &str| signs.iter().map(of).collect::<Vec<_>>().join(", ");
    let (it, en) = (all(|said| &said.it), all(|said| &said.en));
    let (bytes, span) = (amount(pair.bytes), span(took));
    let words = match pair.orders.as_slice() {
        [] => String::new(),
        orders => format!(" ({})", printable(&orders.join(", "))),
    };
    Said::new(
        format!(
            "Nei ping tra {one} e {other} c'erano, in {}: {it}{words}; in tutto {}.",
            span.it, bytes.it
        ),
        format!(
            "Pings between {one} and {other} held, in {}: {en}{words}; {} in all.",
            span.en, bytes.en
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::anomaly::dns_tunnel::tests::site;
    use crate::anomaly::stats::distinct::mix;
    use crate::net::Endpoint;
    use crate::record::Context;

    const A: [u8; 4] = [10, 0, 0, 5];
    const B: [u8; 4] = [198, 51, 100, 9];

    fn ping(n: u64, kind: u8, payload: &[u8]) -> Record {
        let (from, to) = if kind == 8 { (A, B) } else { (B, A) };
        let end = |addr: [u8; 4]| Some(Endpoint { addr: IpAddr::from(addr), port: 0 });
        let message = IcmpMessage {
            kind,
            code: 0,
            rest: 1 << 16 | n as u32,
            echo: Some((1, n as u16)),
            hops: 64,
            frame_source: None,
            length: payload.len() as u32,
            sample: payload.iter().take(IcmpMessage::SAMPLE).copied().collect(),
            hash: payload.iter().fold(7, |hash, byte| mix(hash ^ u64::from(*byte))),
        };
        Record {
            sequence: n,
            tie: 0,
            timestamp: Timestamp::new(n, 0),
            context: Context {
                flow_id: Some(1),
                source: end(from),
                destination: end(to),
                protocol: 1,
                ip_version: 4,
                vlan: [0; 3],
                icmp: Some((kind, 0)),
            },
            body: Body::Icmp(Box::new(message)),
        }
    }

    /// Judges, saved and loaded before every message.
    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
        let mut detector = Covert::new(&site(), &Tuning::default());
        let mut found = Vec::new();
        for record in records {
            let bytes = detector.save();
            detector.load(&bytes).unwrap();
            detector.record(&record, &Known::default(), &mut found);
        }
        found
    }

    fn random(n: u64, length: usize) -> Vec<u8> {
        (0..length as u64).map(|at| mix(n * 5000 + at + 1) as u8).collect()
    }

    #[test]
    fn packets_inside_are_told_and_many_are_high() {
        let mut inner = vec![0x45, 0, 0, 84, 0, 0, 64, 0, 64, 17];
        inner.resize(84, 1);
        let found = judge((0..80).map(|n| ping(n, 8, &inner)));
        let levels: Vec<_> = found.iter().map(|f| f.finding.level).collect();
        assert_eq!(levels[0], Level::Medium);
        assert!(levels.contains(&Level::High) && levels.len() <= 3, "{levels:?}");
        assert!(found[0].finding.explain_it.contains("3 pacchetti di rete interi"));
        assert!(found[0].finding.explain_en.contains("3 whole network packets"));
    }

    #[test]
    fn orders_and_answers_that_differ_and_data_are_told() {
        let order = |word: &str| [word.as_bytes(), &[0; 780]].concat();
        let found = judge([ping(1, 8, &order("shell")), ping(2, 8, &order("download"))]);
        assert_eq!(found.len(), 1);
        assert!(found[0].finding.explain_it.contains("shell, download"));
        let talk = |n: u64| [ping(n, 8, &random(2 * n, 40)), ping(n, 0, &random(2 * n + 1, 40))];
        assert_eq!(judge((0..10).flat_map(talk)).len(), 1);
        assert_eq!(judge((0..30).map(|n| ping(n, 8, &random(n, 900)))).len(), 1);
    }

    #[test]
    fn pings_of_known_programs_are_left_alone() {
        let windows = |_| b"abcdefghijklmnopqrstuvwabcdefghi".to_vec();
        let windows_long = |_| (0..1400).map(|at| b'a' + (at % 23) as u8).collect::<Vec<u8>>();
        let linux = |n| [random(n, 16), (0x10..=0xff).collect()].concat();
        let zeros = |n| [random(n, 16), vec![0; 1000]].concat();
        let own_pattern = |_| [0xde, 0xad, 0xbe, 0xef].repeat(50);
        let short = |n| random(n, 24);
        let marked = |n| random(n, 56);
        let kinds: [&dyn Fn(u64) -> Vec<u8>; 7] =
            [&windows, &windows_long, &linux, &zeros, &own_pattern, &short, &marked];
        for (which, make) in kinds.into_iter().enumerate() {
            let talk = |n| [ping(n, 8, &make(n)), ping(n, 0, &make(n))];
            assert!(judge((0..200).flat_map(talk)).is_empty(), "{which}");
        }
        // An answer that was cut on its way back.
        let cut = |n| [ping(n, 8, &linux(n)), ping(n, 0, &linux(n)[..64])];
        assert!(judge((0..200).flat_map(cut)).is_empty());
    }
}
