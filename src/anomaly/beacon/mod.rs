//! `beacon`: a program calls home again and again.
//!
//! Malware asks its master for orders: every few seconds or hours, more or less by some chance,
//! in new connections or within one. Each turn of talk of a host of ours with one place (a name,
//! or an address without one) and port is a call, however many packets or connections it takes.
//! How regular the last calls are is judged as RITA does: by skew and median deviation of the
//! pauses. But clocks, mail, updates and telemetry call as regularly: a finding above low takes
//! signs too (`signs` has them with their weights): no name, a certificate signed by itself, a
//! program of its own, a browser that is none, an odd port, always the same size.
//!
//! Counting costs little: the rhythm is reckoned only when the number of calls is one of a few.

mod calls;
mod programs;
mod signs;
mod words;

use std::net::IpAddr;

use super::stats::Recent;
use super::stats::distinct::{mix_address, mix_bytes};
use super::{
    Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, domain, state,
};
use crate::net::ip_protocol;
use crate::record::{Body, Burst, Context, Level, Record, Sort, TransactionRecord};
use crate::time::Duration;
use calls::{Calls, Rhythm};
use programs::Programs;
use signs::{Around, COMMON, Manner, Speech};

static CALLS_MIN: Parameter = Parameter {
    name: "calls-min",
    values: [16.0, 10.0, 8.0],
    unit: "calls",
    help: "Calls from which on a suspicious rhythm is told; RITA judges from 4 on, Slips at 5.",
};
static SPAN_MIN: Parameter = Parameter {
    name: "span-min",
    values: [120.0, 45.0, 30.0],
    unit: "seconds",
    help: "From the first call to the last, at least.",
};
static RHYTHM_MIN: Parameter = Parameter {
    name: "rhythm-min",
    values: [0.8, 0.7, 0.65],
    unit: "",
    help: "RITA's score of the pauses: mean of constancy and symmetry, 0 to 1.",
};
static SIGNS_MIN: Parameter = Parameter {
    name: "signs-min",
    values: [3.0, 2.5, 2.0],
    unit: "points",
    help: "Weight of suspicious signs, less what speaks for the calls, that makes a finding.",
};
static SIGNS_HIGH: Parameter =
    Parameter::fixed("signs-high", 4.5, "points", "Weight of signs that makes it high.");
static HABIT_MIN: Parameter = Parameter {
    name: "habit-min",
    values: [240.0, 120.0, 60.0],
    unit: "calls",
    help: "Regular calls without suspicious signs that are told as information.",
};
static HABIT_RHYTHM: Parameter = Parameter::fixed(
    "habit-rhythm",
    0.85,
    "",
    "Rhythm from which on calls without suspicious signs are told as information.",
);

/// Pairs with a few calls remembered, and those with more.
const YOUNG_MAX: usize = 12_288;
const PAIRS_MAX: usize = 4096;
/// Calls that move a pair among those with more.
const YOUNG_CALLS: u32 = 4;
/// Places remembered with who goes there.
const PLACES_MAX: usize = 8192;
/// Numbers of calls at which the rhythm is reckoned; later at each multiple of the last.
const DUE: &[u32] = &[8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64];
/// Median of an answer, and of a question, bytes: larger ones are downloads and uploads.
const ANSWER_MAX: f64 = 100_000.0;
const QUESTION_MAX: f64 = 50_000.0;
/// Pauses have to be about as constant as that, whatever their symmetry; a few more so, for of a
/// few that come by chance some look regular.
const CONSTANCY_MIN: f64 = 0.5;
const CONSTANCY_MIN_FEW: f64 = 0.72;
/// Fewer calls than that are a few.
const FEW: u32 = 48;
/// The tail of the pauses at most ([`Rhythm::tail`]).
const TAIL_MAX: f64 = 2.0;
/// Calls of which most failed are told from so many on.
const FAILED_MIN: u32 = 24;
/// Ports of services that call regularly by their nature: names, time, mail, remote shells and
/// desktops, telephones, VPN, directory, printers, databases, monitoring, push, plants.
const REGULAR_PORTS: &[u16] = &[
    22, 23, 25, 53, 67, 68, 88, 102, 110, 123, 135, 137, 138, 139, 143, 161, 162, 179, 389, 427,
    445, 464, 465, 500, 502, 514, 515, 546, 547, 554, 587, 631, 636, 853, 989, 990, 993, 995, 1194,
    1433, 1521, 1701, 1723, 1883, 1900, 2049, 2404, 3268, 3269, 3306, 3389, 3478, 3479, 3480, 3481,
    3702, 4500, 4840, 5060, 5061, 5222, 5223, 5228, 5349, 5353, 5355, 5432, 5671, 5672, 5683, 5938,
    6379, 7680, 8883, 9100, 10050, 10051, 20000, 44818, 47808, 51820,
];

/// What ports of [`REGULAR_PORTS`] are modulo 1024, a bit each: most others are none of these.
static REGULAR_RESTS: [u64; 16] = rests(REGULAR_PORTS);

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "beacon",
    gid: 9106,
    help: "A program calls one place again and again, as malware that asks for orders does.",
    algorithm: "Turns of talk of a host of ours with one name, or address without one, and port \
                are calls. The last 64 are judged by Bowley skewness and median absolute \
                deviation of their pauses; regular ones are told above low when signs are there: \
                no name, a certificate signed by itself, a program used by nobody else, a browser \
                that is none, an odd port, equal sizes. Popular places, well known vendors and \
                neighbours in the house weigh against it.",
    references: &[
        "MITRE ATT&CK T1071.001, T1571, T1573",
        "RITA: https://github.com/activecm/rita",
        "A. L. Bowley: Elements of Statistics, 1901",
    ],
    parameters: &[
        &CALLS_MIN,
        &SPAN_MIN,
        &RHYTHM_MIN,
        &SIGNS_MIN,
        &SIGNS_HIGH,
        &HABIT_MIN,
        &HABIT_RHYTHM,
    ],
    sees: &[Sort::Burst, Sort::Transaction],
    reads: &["http", "tls", "quic"],
    when: super::When::Marked(super::Mark::Call),
    build: |site, tuning| Box::new(Beacon::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    calls: u32,
    span: Duration,
    rhythm: f64,
    signs: f64,
    high: f64,
    habit: u32,
    habit_rhythm: f64,
}

/// What is remembered of a host and a place that it calls.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    calls: Calls,
    manner: Manner,
    speech: Speech,
    /// Flows that began, up to 255.
    flows: u8,
    /// It goes over UDP.
    datagrams: bool,
    /// The capture left out what it carries: it may be anything.
    cut: bool,
    /// The level of the last finding, as a number; 0 before it.
    told: u8,
}

/// Who goes to a place: hashes of hosts, up to [`COMMON`].
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Visitors {
    hosts: [u64; COMMON as usize],
    count: u8,
}

/// A host, a hash of the place, a port.
type Key = (IpAddr, u64, u16);

/// Fields that are read.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    print: FieldRef,
    quic_print: FieldRef,
    subject: FieldRef,
    issuer: FieldRef,
    uri: FieldRef,
    agent: FieldRef,
    referer: FieldRef,
    language: FieldRef,
}

/// The detector.
pub struct Beacon {
    limits: Limits,
    fields: Fields,
    /// Pairs with up to [`YOUNG_CALLS`] calls, so that many that come once push none out that
    /// come often.
    young: Recent<Key, Pair>,
    pairs: Recent<Key, Pair>,
    places: Recent<u64, Visitors>,
    programs: Programs,
}

impl Beacon {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let count = |parameter| u32::try_from(tuning.count(parameter)).unwrap_or(u32::MAX);
        let limits = Limits {
            calls: count(&CALLS_MIN),
            span: tuning.seconds(&SPAN_MIN),
            rhythm: tuning.get(&RHYTHM_MIN),
            signs: tuning.get(&SIGNS_MIN),
            high: tuning.get(&SIGNS_HIGH),
            habit: count(&HABIT_MIN),
            habit_rhythm: tuning.get(&HABIT_RHYTHM),
        };
        let fields = Fields {
            print: site.field("tls", "ja4.hash"),
            quic_print: site.field("quic", "ja4.hash"),
            subject: site.field("tls", "tls.cert_subject"),
            issuer: site.field("tls", "tls.cert_issuer"),
            uri: site.field("http", "http.uri"),
            agent: site.field("http", "http.user_agent"),
            referer: site.field("http", "http.referer"),
            language: site.field("http", "http.accept_lang"),
        };
        Self {
            limits,
            fields,
            young: Recent::new(YOUNG_MAX),
            pairs: Recent::new(PAIRS_MAX),
            places: Recent::new(PLACES_MAX),
            programs: Programs::new(),
        }
    }

    /// Whom a record is about, when it may be a call.
    fn key(&self, context: &Context, known: &Known) -> Option<Key> {
        let (host, peer) = (context.source?, context.destination?);
        if is_regular(peer.port) || is_many(peer.addr) || !known.ours(host.addr, peer.addr).0 {
            return None;
        }
        Some((host.addr, known.place(peer.addr), peer.port))
    }

    fn pair(&mut self, key: &Key) -> &mut Pair {
        let Self { young, pairs, places, programs, .. } = self;
        // A pair is in one of the two, most in this.
        if let Some(place) = young.find(key) {
            return young.renewed(place);
        }
        if let Some(place) = pairs.find(key) {
            return pairs.renewed(place);
        }
        young.touch_or(key, || {
            let host = mix_address(key.0);
            let visitors = places.touch(&key.1);
            let (hosts, count) = (&mut visitors.hosts, usize::from(visitors.count));
            if !hosts.iter().take(count).any(|known| *known == host)
                && let Some(place) = hosts.get_mut(count)
            {
                *place = host;
                visitors.count += 1;
            }
            programs.host(host);
            Pair::default()
        })
    }

    fn burst(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        if !is_call(burst) {
            return None;
        }
        let speech = speech(burst)?;
        let key = self.key(&record.context, known)?;
        let pair = self.pair(&key);
        if speech != Speech::Unknown {
            pair.speech = speech;
        }
        pair.flows = pair.flows.saturating_add(u8::from(burst.is_first));
        pair.datagrams = record.context.protocol == ip_protocol::UDP;
        pair.cut |= burst.cut;
        let answered = burst.packets[1] > 0 && burst.payload[1] > 0;
        if !pair.calls.add((burst.start, burst.end), burst.payload, answered) {
            return None;
        }
        record.context.flow_id.into_iter().for_each(|flow| pair.calls.witness(flow));
        let count = pair.calls.count;
        if count == YOUNG_CALLS
            && let Some(pair) = self.young.remove(&key)
        {
            self.pairs.touch_or(&key, || pair);
        }
        if is_due(count) { self.judge(record, &key, known) } else { None }
    }

    fn judge(&mut self, record: &Record, key: &Key, known: &Known) -> Option<Found> {
        let (host, place, port) = *key;
        let peer = record.context.destination?.addr;
        let pair = self.pairs.peek(key)?;
        let (limits, calls) = (self.limits, &pair.calls);
        if calls.count < limits.calls || calls.span() < limits.span {
            return None;
        }
        let rhythm = calls.rhythm()?;
        let constancy = if calls.count < FEW { CONSTANCY_MIN_FEW } else { CONSTANCY_MIN };
        if rhythm.time < limits.rhythm
            || rhythm.constancy < constancy
            || rhythm.tail > TAIL_MAX
            || rhythm.bytes[0] > QUESTION_MAX
            || rhythm.bytes[1] > ANSWER_MAX
        {
            return None;
        }
        let name = known.name(peer);
        let around = Around {
            visitors: self.places.peek(&place).map_or(1, |visitors| visitors.count),
            hosts: self.programs.hosts(),
            own_program: self.programs.is_own(pair.manner.print, mix_address(host)),
            nearness: if known.ours(host, peer).1 { signs::nearness(host, peer) } else { 0.0 },
        };
        let signs = signs::signs(pair, (name, port), &rhythm, &around);
        let weight: f64 = signs.iter().map(|sign| sign.weight).sum();
        let level = self.level(pair, &rhythm, weight, &around)?;
        if (level as u8) < pair.told {
            return None;
        }
        let pair = self.pairs.get(key)?;
        pair.told = level as u8 + 1;
        let about = words::About { record, known, level, rhythm: &rhythm, weight, limits };
        Some(words::found(pair, &signs, &about))
    }

    fn level(&self, pair: &Pair, rhythm: &Rhythm, weight: f64, around: &Around) -> Option<Level> {
        let limits = self.limits;
        let failing = pair.calls.failed * 2 > pair.calls.count;
        let enough = !failing || pair.calls.count >= FAILED_MIN;
        // It may be any service that is called regularly: what would tell was not recorded.
        if weight >= limits.signs && enough && pair.cut && pair.speech == Speech::Unknown {
            return Some(Level::Low);
        }
        if weight >= limits.signs && enough {
            let high = weight >= limits.high && !failing;
            return Some(if high { Level::High } else { Level::Medium });
        }
        let habit = pair.calls.count >= limits.habit
            && rhythm.time >= limits.habit_rhythm
            && around.visitors < COMMON
            && around.nearness <= 0.0
            && weight > 0.0;
        habit.then_some(if weight >= limits.signs / 2.0 { Level::Low } else { Level::Info })
    }

    fn transaction(&mut self, context: &Context, of: &TransactionRecord, known: &Known) {
        let fields = self.fields;
        let print = match of.protocol {
            "http" => return self.request(context, of, known),
            "tls" => fields.print,
            "quic" => fields.quic_print,
            _ => return,
        };
        let Some(key) = self.key(context, known) else { return };
        let pair = self.pair(&key);
        let subject = fields.subject.bytes(of, hash);
        if subject.is_some() && fields.issuer.bytes(of, hash) == subject {
            pair.manner.self_signed = true;
        }
        if let Some(print) = print.bytes(of, hash) {
            pair.manner.print = print;
            self.programs.used(print, mix_address(key.0), key.1);
        }
    }

    fn request(&mut self, context: &Context, of: &TransactionRecord, known: &Known) {
        let fields = self.fields;
        let Some(key) = self.key(context, known) else { return };
        let manner = self.pair(&key).manner.web.get_or_insert_default();
        manner.requests = manner.requests.saturating_add(1);
        let browser = fields.agent.bytes(of, |agent| agent.starts_with(b"Mozilla/"));
        let sent = |field: FieldRef| field.bytes(of, |_| ()).is_some();
        if browser == Some(true) && !sent(fields.language) && !sent(fields.referer) {
            manner.disguised = manner.disguised.saturating_add(1);
        }
        let page = |uri: &[u8]| hash(uri.split(|byte| *byte == b'?').next().unwrap_or_default());
        if let Some(page) = fields.uri.bytes(of, page) {
            manner.page(page as u32);
        }
    }
}

/// What a burst speaks, when calls home may.
fn speech(burst: &Burst) -> Option<Speech> {
    match burst.app_protocol {
        Some("http" | "http2" | "websocket") => Some(Speech::Http),
        Some("tls") => Some(Speech::Tls),
        Some("quic") => Some(Speech::Quic),
        Some("failed") | None => Some(Speech::Unknown),
        Some(_) => None,
    }
}

/// Whether a burst is a call, or the rest of one: not a probe whether the other is still there, nor
/// the end of a connection.
#[inline]
pub(super) const fn is_call(burst: &Burst) -> bool {
    const FIN_RST: u8 = 0x05;
    const PROBE: u32 = 1;
    const FAREWELL: u32 = 100;
    if burst.is_first {
        return burst.payload[0] > PROBE || burst.opening > 0;
    }
    let ends = (burst.flags[0] | burst.flags[1]) & FIN_RST != 0;
    let farewell = ends && burst.payload[0] < FAREWELL && burst.payload[1] < FAREWELL;
    burst.payload[0] > PROBE && burst.payload[1] > PROBE && !farewell
}

fn is_due(count: u32) -> bool {
    let last = DUE.last().copied().unwrap_or(1);
    DUE.binary_search(&count).is_ok() || (count > last && count.is_multiple_of(last / 2))
}

const fn rests(mut ports: &[u16]) -> [u64; 16] {
    let mut rests = [0; 16];
    while let [port, others @ ..] = ports {
        let (word, bit) = rest(*port);
        #[allow(clippy::indexing_slicing, reason = "the word is one of sixteen")]
        {
            rests[word] |= bit;
        }
        ports = others;
    }
    rests
}

/// Word and bit of what a port leaves.
const fn rest(port: u16) -> (usize, u64) {
    (port as usize / 64 % 16, 1 << (port % 64))
}

fn is_regular(port: u16) -> bool {
    let (word, bit) = rest(port);
    let may_be = REGULAR_RESTS.get(word).is_some_and(|rests| rests & bit != 0);
    may_be && REGULAR_PORTS.binary_search(&port).is_ok()
}

fn is_many(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_multicast() || v4.octets()[3] == 255,
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

/// The same on every machine and in every run; never 0.
fn hash(bytes: &[u8]) -> u64 {
    mix_bytes(bytes).max(1)
}

impl Detector for Beacon {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Burst(burst) => {
                if let Some(one) = self.burst(record, burst, known) {
                    found.push(one);
                }
            }
            Body::Transaction(of) => self.transaction(&record.context, of, known),
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&(&self.young, &self.pairs, &self.places, &self.programs))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        (self.young, self.pairs, self.places, self.programs) = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let inner = |(_, pair): (&Key, &Pair)| pair.calls.memory() + pair.manner.memory();
        let inner: usize = self.young.iter().chain(self.pairs.iter()).map(inner).sum();
        let maps = self.young.memory() + self.pairs.memory() + self.places.memory();
        maps + self.programs.memory() + inner
    }
}

#[cfg(test)]
pub(super) mod tests;
