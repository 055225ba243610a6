//! `long-connection`: connections that stay open for hours, and hosts that knock all day long.
//!
//! A connection is told when it has been open for 1, 4, 8 and 12 hours (the bands of RITA): while
//! it lasts, by its bursts, and at its end at the latest. Many stay open with leave: remote
//! desktops, VPN, push, everything within the house. Those are told at the last band only, or not
//! at all. A pair of hosts with 86,400 connections in a day, one a second, is a strobe.

use std::net::IpAddr;

use super::stats::distinct::{mix, mix_address};
use super::stats::{Recent, Rough};
use super::words::{amount, count, host, span};
use super::{
    Damaged, Detector, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning, state,
};
use crate::field::Node;
use crate::record::{Body, Burst, Context, Level, Outcome, Record, Sort};
use crate::time::{Duration, Timestamp};

static BAND_1: Parameter = Parameter::fixed(
    "age-info",
    3600.0,
    "seconds",
    "Open so long it is told as information, from 1 on.",
);
static BAND_2: Parameter =
    Parameter::fixed("age-again", 14_400.0, "seconds", "Open so long it is told again, from 1 on.");
static BAND_3: Parameter =
    Parameter::fixed("age-low", 28_800.0, "seconds", "Open so long it is told as low, from 1 on.");
static BAND_4: Parameter = Parameter::fixed(
    "age-lasting",
    43_200.0,
    "seconds",
    "Open so long it is told even of services that stay open, from 1 on.",
);
static STROBE: Parameter = Parameter {
    name: "strobe",
    values: [172_800.0, 86_400.0, 43_200.0],
    unit: "connections",
    help: "Connections of a host to one other in a day: RITA's strobe is one a second.",
};

/// Connections of which it is remembered what band they have reached.
const FLOWS_MAX: usize = 16_384;
/// Pairs of which it is remembered what was told.
const TOLD_MAX: usize = 4096;
/// Pairs whose connections are counted: those that had many within an hour.
const PAIRS_MAX: usize = 8192;
/// So many at most, whatever the limit of a day.
const MANY_MAX: u8 = 255;
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3600);
/// Services that stay open by their nature: remote shells and desktops, VPN, push, telephones,
/// mail that waits for news, messages of things.
const LASTING: &[u16] = &[
    22, 143, 179, 500, 993, 1194, 1701, 1723, 1883, 3389, 4500, 5060, 5061, 5222, 5223, 5228, 5938,
    8883, 51_820,
];

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "long-connection",
    gid: 9107,
    help: "Connections that stay open for hours; hosts that connect every second of a day.",
    algorithm: "The age of each connection of a host of ours with one outside is compared with \
                four bands while it lasts; VPN, remote desktops, push and connections within the \
                house are told at the last band only, or not at all. Connections of a pair are \
                counted by the day, once they are many.",
    references: &[
        "RITA: https://github.com/activecm/rita (long connections, strobes)",
        "MITRE ATT&CK T1572, T1571",
    ],
    parameters: &[&BAND_1, &BAND_2, &BAND_3, &BAND_4, &STROBE],
    sees: &[Sort::Burst, Sort::Flow],
    reads: &[],
    when: super::When::Marked(super::Mark::Lasting),
    build: |_: &Site, tuning| Box::new(LongConnection::new(tuning)),
};

/// Connections of a pair on a day.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Day {
    first: Timestamp,
    count: u64,
    /// The hour in which it was counted last, by its beginning.
    hour: Timestamp,
    told: bool,
}

/// No band is reached earlier.
const OLD: Duration = Duration::from_secs(1);

/// A host, its peer, the port.
type Key = (IpAddr, IpAddr, u16);

/// The detector.
pub struct LongConnection {
    bands: [Duration; 4],
    strobe: u64,
    /// Connections within an hour from which on those of a pair are counted one by one: half of what
    /// it has in an hour of a day that is told, if it has no more in any other.
    many: u8,
    /// The bands that connections have reached, of those that have reached one.
    flows: Recent<u64, u8>,
    /// The highest band told of a pair, and when.
    told: Recent<Key, (u8, Timestamp)>,
    /// How many connections pairs have in this hour: nearly all have few.
    hour: Rough,
    pairs: Recent<Key, Day>,
}

impl LongConnection {
    /// A detector that has seen nothing.
    pub fn new(tuning: &Tuning<'_>) -> Self {
        let strobe = tuning.count(&STROBE);
        Self {
            bands: [&BAND_1, &BAND_2, &BAND_3, &BAND_4].map(|band| tuning.seconds(band).max(OLD)),
            strobe,
            many: u8::try_from(strobe / 48).map_or(MANY_MAX, |many| many.clamp(1, MANY_MAX)),
            flows: Recent::new(FLOWS_MAX),
            told: Recent::new(TOLD_MAX),
            hour: Rough::new(HOUR),
            pairs: Recent::new(PAIRS_MAX),
        }
    }

    fn key(&self, context: &Context, known: &Known) -> Option<Key> {
        let (host, peer) = (context.source?, context.destination?);
        let many = match peer.addr {
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_multicast(),
        };
        let (client, server) = known.ours(host.addr, peer.addr);
        ((client || server) && !many).then_some((host.addr, peer.addr, peer.port))
    }

    fn burst(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        if burst.is_first {
            return self.counted(record, burst, known);
        }
        let age = burst.end.since(burst.began);
        let band = self.band(age);
        // Nearly all connections are done with here.
        if band == 0 {
            return None;
        }
        let key = self.key(&record.context, known)?;
        let reached = self.flows.touch(&state::conversation(&record.context)?);
        if band <= *reached {
            return None;
        }
        *reached = band;
        self.aged(record, key, (band, age, burst.total), known)
    }

    /// How many of the bands an age has reached.
    fn band(&self, age: Duration) -> u8 {
        self.bands.iter().map(|band| u8::from(age >= *band)).sum()
    }

    /// A connection has reached a band.
    fn aged(
        &mut self,
        record: &Record,
        key: Key,
        (band, age, bytes): (u8, Duration, [u64; 2]),
        known: &Known,
    ) -> Option<Found> {
        const LAST: u8 = 4;
        let (host, peer, port) = key;
        let within = known.ours(host, peer) == (true, true);
        if within || (LASTING.contains(&port) && band < LAST) {
            return None;
        }
        let (told, at) = self.told.peek(&key).copied().unwrap_or_default();
        if told >= band && record.timestamp.since(at) < DAY {
            return None;
        }
        *self.told.touch(&key) = (band, record.timestamp);
        let level = if band >= 3 && !LASTING.contains(&port) { Level::Low } else { Level::Info };
        let limit = self.bands.get(usize::from(band) - 1).copied().unwrap_or_default();
        Some(long(record, known, level, (age, limit, bytes)))
    }

    /// A connection began.
    fn counted(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        let key = self.key(&record.context, known)?;
        // Who knocks from outside is one of many; `scan` and `flood` see those.
        if !known.ours(key.0, key.1).0 {
            return None;
        }
        let hash = mix(mix_address(key.0) ^ u64::from(key.2)) ^ mix_address(key.1);
        if self.hour.add(hash, burst.start) < self.many {
            return None;
        }
        let day = self.pairs.touch(&key);
        if day.count == 0 || burst.start.since(day.first) >= DAY {
            *day = Day { first: burst.start, ..Day::default() };
        }
        // Before they were many in this hour they were not counted here.
        let hour = self.hour.since();
        let before = if day.hour == hour { 0 } else { u64::from(self.many) - 1 };
        day.hour = hour;
        day.count += 1 + before;
        if day.count < self.strobe || day.told {
            return None;
        }
        day.told = true;
        let day = *day;
        let (_, within) = known.ours(key.0, key.1);
        let level = if within || key.2 == 53 { Level::Low } else { Level::Medium };
        Some(strobe(record, known, level, &day, self.strobe))
    }
}

/// Whether a burst may be told of: it begins a connection, or that is old.
#[inline]
pub(super) fn may_tell(burst: &Burst) -> bool {
    burst.is_first || is_old(burst.began, burst.end)
}

/// Whether a connection is so old that it may have reached a band.
#[inline]
pub(super) fn is_old(began: Timestamp, end: Timestamp) -> bool {
    end.since(began) >= OLD
}

impl Detector for LongConnection {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Burst(burst) => {
                if let Some(one) = self.burst(record, burst, known) {
                    found.push(one);
                }
            }
            Body::Flow(flow) => {
                let age = flow.counters.end.since(flow.counters.start);
                let band = self.band(age);
                if band == 0 {
                    return;
                }
                // What has ended leaves its place to what goes on.
                let flows = &mut self.flows;
                let id = state::conversation(&record.context);
                let reached = id.and_then(|id| flows.remove(&id)).unwrap_or_default();
                if let Some(key) = self.key(&record.context, known)
                    && band > reached
                    && flow.outcome != Outcome::Silent
                    && let Some(one) =
                        self.aged(record, key, (band, age, flow.counters.bytes), known)
                {
                    found.push(one);
                }
            }
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&(&self.flows, &self.told, &self.hour, &self.pairs))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        (self.flows, self.told, self.hour, self.pairs) = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let maps = self.flows.memory() + self.told.memory() + self.pairs.memory();
        maps + self.hour.memory()
    }
}

fn long(
    record: &Record,
    known: &Known,
    level: Level,
    (age, limit, bytes): (Duration, Duration, [u64; 2]),
) -> Found {
    let context = &record.context;
    let (source, peer) = (host(context.source, known), host(context.destination, known));
    let port = context.destination.map_or(0, |end| end.port);
    let (open, most) = (span(age), span(limit));
    let [up, down] = bytes.map(amount);
    Judgement {
        kind: &KIND,
        sid: 1,
        title: format!("Long connection of {source} with {peer}"),
        context: *context,
        level,
        score: age.as_secs_f64(),
        threshold: limit.as_secs_f64(),
        confidence: 0.4,
        numbers: vec![
            ("seconds", Node::Float(age.as_secs_f64())),
            ("bytes_out", Node::Int(bytes[0])),
            ("bytes_in", Node::Int(bytes[1])),
            ("port", Node::Int(port.into())),
        ],
        baseline: vec![("seconds_max", Node::Float(limit.as_secs_f64()))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1572",
        acn: &[],
        took: age,
        seen: Said::new(
            format!(
                "La connessione di {source} con {peer} (porta {port}) è aperta da {}: {} in una \
                 direzione, {} nell'altra.",
                open.it, up.it, down.it
            ),
            format!(
                "The connection of {source} with {peer} (port {port}) has been open for {}: {} \
                 one way, {} the other.",
                open.en, up.en, down.en
            ),
        ),
        normal: Said::new(
            format!("Quasi tutte le connessioni durano secondi o minuti; la soglia è {}.", most.it),
            format!(
                "Nearly all connections last seconds or minutes; the threshold is {}.",
                most.en
            ),
        ),
        why: Said::new(
            "la durata da sola dice poco: molti servizi restano collegati",
            "the duration alone says little: many services stay connected",
        ),
        meaning: Said::new(
            "Di solito è un servizio che resta in ascolto di novità; di rado è un accesso \
             remoto o un tunnel che nessuno ha autorizzato.",
            "It is mostly a service that waits for news; rarely a remote access or a tunnel \
             that nobody has permitted.",
        ),
        advice: Said::new(
            format!("quando c'è tempo, verificare che {source} debba restare collegato a {peer}."),
            format!("when there is time, make sure that {source} has to stay connected to {peer}."),
        ),
    }
    .found()
}

fn strobe(record: &Record, known: &Known, level: Level, day: &Day, least: u64) -> Found {
    let context = &record.context;
    let (source, peer) = (host(context.source, known), host(context.destination, known));
    let port = context.destination.map_or(0, |end| end.port);
    let took = record.timestamp.since(day.first);
    let times = count(day.count, ["connessione", "connessioni"], ["connection", "connections"]);
    let in_all = span(took);
    Judgement {
        kind: &KIND,
        sid: 2,
        title: format!("Incessant connections of {source} to {peer}"),
        context: *context,
        level,
        score: day.count as f64,
        threshold: least as f64,
        confidence: 0.7,
        numbers: vec![
            ("connections", Node::Int(day.count)),
            ("port", Node::Int(port.into())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("connections_max", Node::Int(least))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1571",
        acn: &[],
        took,
        seen: Said::new(
            format!("{source} ha aperto {} con {peer} (porta {port}) in {}.", times.it, in_all.it),
            format!("{source} opened {} with {peer} (port {port}) in {}.", times.en, in_all.en),
        ),
        normal: Said::new(
            "Di norma una macchina apre con un'altra al massimo qualche migliaio di connessioni \
             al giorno.",
            "Normally a machine opens a few thousand connections a day with another at most.",
        ),
        why: Said::new(
            "le connessioni sono contate una per una",
            "the connections are counted one by one",
        ),
        meaning: Said::new(
            "È un programma che insiste senza sosta: guasto, mal configurato, o malevolo.",
            "It is a program that insists without rest: broken, badly configured, or malicious.",
        ),
        advice: Said::new(
            format!("cercare su {source} il programma che si collega a {peer} e fermarlo."),
            format!("look on {source} for the program that connects to {peer} and stop it."),
        ),
    }
    .found()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::bruteforce::tests::flow;
    use super::*;
    use crate::net::AddressSet;

    const OURS: [u8; 4] = [10, 0, 0, 5];
    const OUT: [u8; 4] = [203, 0, 113, 9];

    fn site() -> Site {
        let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
        Site { home, ..Site::default() }
    }

    fn fresh() -> LongConnection {
        LongConnection::new(&Tuning::default())
    }

    /// A burst of a connection at a second.
    fn burst(peer: [u8; 4], port: u16, flow_id: u64, at: u64, is_first: bool) -> Record {
        let (start, end) = (Timestamp::new(at, 0), Timestamp::new(at, 0));
        let began = Timestamp::new(1000, 0);
        let burst = Burst { start, end, began, is_first, ..Burst::default() };
        let mut record = flow(OURS, peer, port, at, "tls", 100);
        record.context.flow_id = Some(flow_id);
        record.timestamp = start;
        Record { body: Body::Burst(Box::new(burst)), ..record }
    }

    fn judge(detector: &mut LongConnection, records: impl Iterator<Item = Record>) -> Vec<Found> {
        let (known, mut found) = (Known::new(&site()), Vec::new());
        for record in records {
            detector.record(&record, &known, &mut found);
        }
        found
    }

    #[test]
    fn an_open_connection_is_told_at_each_band_while_it_lasts() {
        let hours =
            |peer, port| (0..13 * 60).map(move |n| burst(peer, port, 7, 1000 + n * 60, n == 0));
        let found = judge(&mut fresh(), hours(OUT, 4443));
        let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
        assert_eq!(
            told,
            [Level::Info, Level::Info, Level::Low, Level::Low].map(|level| (1, level))
        );
        assert!(found[0].finding.explain_it.contains(
            "La connessione di 10.0.0.5 con 203.0.113.9 (porta 4443) è aperta da 60 minuti"
        ));
        assert!(found[3].finding.explain_en.contains("has been open for 12 hours"));
        // Services that last are told once, quietly; neighbours never.
        let found = judge(&mut fresh(), hours(OUT, 993));
        assert_eq!(found.iter().map(|f| f.finding.level).collect::<Vec<_>>(), [Level::Info]);
        assert_eq!(judge(&mut fresh(), hours([10, 0, 0, 9], 4443)).len(), 0);
    }

    #[test]
    fn one_that_was_silent_in_between_is_told_at_its_end_and_only_once_a_pair() {
        let ended = |id, at: u64, seconds: u64| {
            let mut record = flow(OURS, OUT, 4443, at, "tls", 100);
            record.context.flow_id = Some(id);
            if let Body::Flow(flow) = &mut record.body {
                flow.counters.start = Timestamp::new(at - seconds, 0);
            }
            record
        };
        let mut detector = fresh();
        let found =
            judge(&mut detector, [ended(1, 50_000, 5000), ended(2, 50_100, 5000)].into_iter());
        assert_eq!(found.len(), 1);
        assert_eq!(judge(&mut detector, [ended(3, 50_200, 30)].into_iter()).len(), 0);
    }

    #[test]
    fn a_connection_each_second_of_a_day_is_told_once_and_a_busy_day_is_not() {
        let day = |pause: u64, count: u64| {
            (0..count).map(move |n| burst(OUT, 443, n, 1000 + n * pause, true))
        };
        let found = judge(&mut fresh(), day(0, 100_000));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].finding.sid, found[0].finding.level), (2, Level::Medium));
        assert!(found[0].finding.explain_it.contains("10.0.0.5 ha aperto 86400 connessioni con"));
        assert!(found[0].finding.explain_en.contains("opened 86400 connections with 203.0.113.9"));
        assert_eq!(judge(&mut fresh(), day(10, 100_000)).len(), 0);
    }

    #[test]
    fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
        let mut found = Vec::new();
        let mut detector = fresh();
        for n in 0..100 {
            let mut next = fresh();
            next.load(&detector.save()).unwrap();
            detector = next;
            let record = burst(OUT, 4443, 7, 1000 + n * 60, n == 0);
            found.extend(judge(&mut detector, std::iter::once(record)));
        }
        assert_eq!(found.len(), 1);
        detector.many = 1;
        for n in 0..100_000u32 {
            let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
            let records = [
                burst([a, b, c, d], 443, n.into(), 9000, true),
                burst([a, b, c, d], 443, n.into(), 9002, false),
            ];
            judge(&mut detector, records.into_iter());
        }
        assert_eq!((detector.pairs.len(), detector.flows.len()), (PAIRS_MAX, FLOWS_MAX));
        assert!(detector.memory() < 4 << 20, "{}", detector.memory());
    }
}
