#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::anomaly::{Behaviour, Settings};
use crate::field::{self, Describe, Field, Fields, Side, Stage, Tree};
use crate::net::{Direction, Endpoint};
use crate::record::{Burst, Level, Observable};

const NONE: [u32; 0] = [];

/// A conversation as detectors read it.
#[derive(Default)]
struct Spoken {
    query: &'static str,
    answer: &'static str,
    server_name: &'static str,
    host: &'static str,
    ja3: &'static str,
    ja4: &'static str,
    certificate: &'static [u8],
}

impl Fields for Spoken {
    const FIELDS: &'static [Field<Self>] = &[Field {
        name: "tls.certs",
        aliases: &[],
        kind: field::Kind::Bytes,
        eve: "",
        side: Side::Either,
        stage: Stage::Body,
        help: "",
        example: "",
        read: |spoken, sink| sink(Value::Bytes(spoken.certificate)),
    }];
}

impl Describe for Spoken {
    fn describe(&self, tree: &mut dyn Tree) {
        let list = |tree: &mut dyn Tree, key: &str, name: &str, value: &str| {
            tree.list(key, &mut |tree| {
                tree.object("", &mut |tree| tree.text(name, value.as_bytes()));
            });
        };
        list(tree, "queries", "rrname", self.query);
        list(tree, "answers", "rdata", self.answer);
        list(tree, "authorities", "rrname", "authority.example.org");
        tree.text("sni", self.server_name.as_bytes());
        tree.text("hostname", self.host.as_bytes());
        tree.text("ja4", self.ja4.as_bytes());
        tree.object("ja3", &mut |tree| tree.text("hash", self.ja3.as_bytes()));
        tree.object("ja3s", &mut |tree| tree.text("hash", b"of the server"));
    }
}

fn name(text: &str) -> Observable {
    Observable::Name(text.to_owned())
}

fn network(text: &str, prefix: u8) -> Observable {
    Observable::Network(text.parse().unwrap(), prefix)
}

fn indicator(id: u32, confidence: u8, alternatives: Vec<Vec<Observable>>) -> Indicator {
    Indicator {
        id: format!("indicator--{id:08}-0000-4000-8000-000000000000"),
        name: format!("thing {id}"),
        source: "COSC".into(),
        author: "CSIRT".into(),
        confidence,
        valid: [Timestamp::new(100, 0), Timestamp::new(1_000_000, 0)],
        alternatives,
    }
}

struct Bench {
    detector: Indicators,
    watchlist: Watchlist,
}

impl Bench {
    fn new(indicators: Vec<Indicator>) -> Self {
        let watchlist = Watchlist::default();
        watchlist.replace(Set::new(indicators, false));
        let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
        let fields = vec![("tls", field::rows::<Spoken>())];
        let site = Site { home, fields, watchlist: watchlist.clone() };
        Self { detector: Indicators::new(&site, &Tuning::default()), watchlist }
    }

    fn see(&mut self, record: &Record) -> Vec<Found> {
        let saved = self.detector.save();
        self.detector.load(&saved).unwrap();
        let mut found = Vec::new();
        self.detector.record(record, &Known::default(), &mut found);
        found
    }

    /// Number and level of what is found.
    fn told(&mut self, record: &Record) -> Vec<(u32, Level)> {
        self.see(record).iter().map(|one| (one.finding.sid, one.finding.level)).collect()
    }
}

fn at(seconds: u64, source: &str, destination: &str, body: Body) -> Record {
    let end = |text: &str, port| Some(Endpoint { addr: text.parse().unwrap(), port });
    let context = Context {
        flow_id: Some(seconds),
        source: end(source, 40_000),
        destination: end(destination, 443),
        protocol: 6,
        ip_version: 4,
        ..Context::default()
    };
    Record { sequence: 1, tie: 0, timestamp: Timestamp::new(seconds, 0), context, body }
}

fn burst(seconds: u64, source: &str, destination: &str) -> Record {
    at(seconds, source, destination, Body::Burst(Box::default()))
}

fn spoken(seconds: u64, protocol: &'static str, spoken: Spoken) -> Record {
    let body = TransactionRecord {
        keeps_certificates: false,
        protocol,
        id: 0,
        direction: Direction::ToServer,
        transaction: Box::new(spoken),
    };
    at(seconds, "10.0.0.5", "192.0.2.1", Body::Transaction(Box::new(body)))
}

#[test]
fn addresses_and_networks_are_seen_in_either_direction_but_never_our_own() {
    let mut bench = Bench::new(vec![
        indicator(1, 80, vec![vec![network("198.51.100.7", 32)]]),
        indicator(2, 60, vec![vec![network("203.0.113.0", 24)], vec![network("2001:db8::", 32)]]),
        indicator(3, 99, vec![vec![network("10.0.0.0", 8)]]),
    ]);
    assert_eq!(bench.told(&burst(101, "10.0.0.5", "198.51.100.7")), [(1, Level::High)]);
    assert_eq!(bench.told(&burst(102, "10.0.0.5", "203.0.113.200")), [(1, Level::Medium)]);
    assert_eq!(bench.told(&burst(103, "203.0.113.1", "10.0.0.6")), [(2, Level::Low)]);
    assert_eq!(bench.told(&burst(104, "10.0.0.7", "2001:db8:ffff::1")), [(1, Level::Medium)]);
    assert_eq!(bench.told(&burst(105, "10.0.0.5", "10.0.0.6")), []);
    assert_eq!(bench.told(&burst(106, "10.0.0.5", "198.51.100.8")), []);
    assert_eq!(bench.told(&burst(107, "10.0.0.5", "203.0.112.255")), []);
    assert_eq!(bench.told(&burst(108, "10.0.0.5", "2001:db9::1")), []);
    assert_eq!(bench.watchlist.hits(), [1, 3, 0, 0, 0, 0]);
}

#[test]
fn a_hit_says_which_indicator_from_whom_and_how_sure() {
    let mut bench = Bench::new(vec![indicator(1, 80, vec![vec![network("198.51.100.7", 32)]])]);
    let found = bench.see(&burst(101, "10.0.0.5", "198.51.100.7"));
    let finding = &found[0].finding;
    let number =
        |key: &str| finding.numbers.iter().find(|(name, _)| *name == key).unwrap().1.clone();
    let text = |text: &str| crate::field::Node::Text(text.as_bytes().to_vec());
    assert_eq!(number("indicator"), text("indicator--00000001-0000-4000-8000-000000000000"));
    assert_eq!((number("from"), number("author")), (text("COSC"), text("CSIRT")));
    assert_eq!(number("valid_until"), text("1970-01-12"));
    assert_eq!((finding.confidence, finding.score, finding.threshold), (0.8, 80.0, 50.0));
    for words in [&finding.explain_it, &finding.explain_en] {
        for part in ["198.51.100.7", "COSC", "CSIRT", "thing 1", "80", "10.0.0.5"] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}

#[test]
fn names_fingerprints_and_certificates_are_seen() {
    let hash: [u8; 32] = Sha256::digest(b"a certificate").into();
    let mut bench = Bench::new(vec![
        indicator(1, 90, vec![vec![name("evil.example.org")]]),
        indicator(
            2,
            90,
            vec![vec![Observable::Ja3("e7eca2baf4458d095b7f45da28c16c34".to_owned())]],
        ),
        indicator(3, 90, vec![vec![Observable::Ja4("t13d1516h2_a_b".to_owned())]]),
        indicator(4, 90, vec![vec![Observable::Certificate(hash)]]),
        indicator(5, 90, vec![vec![network("198.51.100.7", 32)]]),
        indicator(6, 90, vec![vec![network("2001:db8:5::7", 128)]]),
    ]);
    let of = Spoken::default;
    let mut seconds = 100;
    let mut told = |protocol, what| {
        seconds += 10_000;
        bench.told(&spoken(seconds, protocol, what)).iter().map(|(sid, _)| *sid).collect::<Vec<_>>()
    };
    assert_eq!(told("dns", Spoken { query: "EVIL.example.org.", ..of() }), [3]);
    assert_eq!(told("dns", Spoken { query: "a.b.evil.example.org", ..of() }), [3]);
    assert_eq!(told("dns", Spoken { query: "example.org", ..of() }), NONE);
    assert_eq!(told("dns", Spoken { query: "notevil.example.org", ..of() }), NONE);
    assert_eq!(told("dns", Spoken { answer: "198.51.100.7", ..of() }), [3]);
    assert_eq!(told("dns", Spoken { answer: "cdn.evil.example.org", ..of() }), [3]);
    assert_eq!(told("tls", Spoken { server_name: "www.evil.example.org", ..of() }), [4]);
    assert_eq!(told("http", Spoken { host: "evil.example.org", ..of() }), [4]);
    assert_eq!(told("http", Spoken { host: "198.51.100.7", ..of() }), [4]);
    for host in ["2001:db8:5::7", "[2001:db8:5::7]", "[2001:db8:5::7]:8080"] {
        assert_eq!(told("http", Spoken { host, ..of() }), [4], "{host}");
    }
    assert_eq!(told("tls", Spoken { ja3: "e7eca2baf4458d095b7f45da28c16c34", ..of() }), [4]);
    assert_eq!(told("quic", Spoken { ja4: "t13d1516h2_a_b", ..of() }), [4]);
    assert_eq!(told("tls", Spoken { certificate: b"a certificate", ..of() }), [4]);
    assert_eq!(told("tls", Spoken { certificate: b"another", ..of() }), NONE);
    assert_eq!(told("smb", Spoken { host: "evil.example.org", ..of() }), NONE);
}

#[test]
fn a_conversation_is_told_once_and_a_machine_once_an_hour() {
    let mut bench = Bench::new(vec![indicator(1, 80, vec![vec![network("198.51.100.7", 32)]])]);
    let first = burst(101, "10.0.0.5", "198.51.100.7");
    assert_eq!(bench.told(&first).len(), 1);
    assert_eq!(bench.told(&first).len(), 0, "the same conversation");
    for seconds in 102..200 {
        assert_eq!(bench.told(&burst(seconds, "10.0.0.5", "198.51.100.7")), []);
    }
    assert_eq!(bench.told(&burst(200, "10.0.0.6", "198.51.100.7")).len(), 1, "another machine");
    let later = bench.see(&burst(4000, "10.0.0.5", "198.51.100.7"));
    assert!(later[0].finding.numbers.contains(&("conversations", crate::field::Node::Int(99))));
    assert_eq!(bench.watchlist.hits()[0], 101);
}

#[test]
fn all_parts_of_an_indicator_have_to_come_from_one_machine_in_time() {
    let parts = vec![name("evil.example.org"), network("198.51.100.7", 32)];
    let mut bench = Bench::new(vec![indicator(1, 80, vec![parts])]);
    let ask =
        |seconds| spoken(seconds, "dns", Spoken { query: "evil.example.org", ..Spoken::default() });
    assert_eq!(bench.told(&ask(101)), []);
    assert_eq!(bench.told(&burst(102, "10.0.0.9", "198.51.100.7")), [], "another machine");
    assert_eq!(bench.told(&burst(9000, "10.0.0.5", "198.51.100.7")), [], "too late");
    assert_eq!(bench.told(&ask(9001)).len(), 1);
}

#[test]
fn what_is_not_yet_or_no_longer_valid_is_not_seen_but_in_a_replay() {
    let all = || vec![indicator(1, 80, vec![vec![network("198.51.100.7", 32)]])];
    let mut bench = Bench::new(all());
    assert_eq!(bench.told(&burst(99, "10.0.0.5", "198.51.100.7")), []);
    assert_eq!(bench.told(&burst(1_000_001, "10.0.0.5", "198.51.100.7")), []);
    bench.watchlist.replace(Set::new(all(), true));
    assert_eq!(bench.told(&burst(1_000_001, "10.0.0.5", "198.51.100.7")).len(), 1);
    // A new set is in force at the next record.
    bench.watchlist.replace(Set::default());
    assert_eq!(bench.told(&burst(1_000_002, "10.0.0.6", "198.51.100.7")), []);
    let long = Burst { is_first: false, ..Burst::default() };
    bench.watchlist.replace(Set::new(all(), true));
    let goes_on = at(50, "10.0.0.7", "198.51.100.7", Body::Burst(Box::new(long)));
    assert_eq!(bench.told(&goes_on).len(), 1, "a conversation that began before");
}

#[test]
fn a_list_that_is_filled_between_two_ticks_is_asked_at_once() {
    let site = Site::default();
    let mut behaviour = Behaviour::new(&site, &Settings::default());
    let mut found = |at| {
        let mut told = Vec::new();
        behaviour.record(&mut burst(at, "10.0.0.5", "198.51.100.7"), &mut told);
        let findings = told.iter().filter(|(_, body)| matches!(body, Body::Finding(_)));
        findings.count()
    };
    assert_eq!(found(10_000), 0);
    let wanted = indicator(1, 80, vec![vec![network("198.51.100.7", 32)]]);
    site.watchlist.replace(Set::new(vec![wanted], true));
    // Behind the clock too, where no tick comes.
    assert_eq!(found(9_990), 1);
}

#[test]
fn a_full_set_answers_as_a_small_one() {
    let many = (0..250_000_u32).map(|n| {
        let address = IpAddr::from((0xc000_0000 + n * 3).to_be_bytes());
        indicator(n, 80, vec![vec![Observable::Network(address, 32)]])
    });
    let set = Set::new(many.collect(), true);
    assert_eq!(set.len(), INDICATORS_MAX);
    let mut hits = Vec::new();
    let mut ask = |n: u32| {
        hits.clear();
        set.address(IpAddr::from((0xc000_0000 + n).to_be_bytes()), &mut hits);
        hits.iter().map(|hit| hit.indicator).collect::<Vec<_>>()
    };
    for n in [0, 3, 300, 3 * 199_999] {
        assert_eq!(ask(n), [n / 3]);
    }
    for n in [1, 2, 301, 3 * 200_000] {
        assert_eq!(ask(n), NONE);
    }
}

#[test]
fn many_that_say_the_same_are_told_as_the_surest_of_them() {
    let same = |n: u32| {
        let confidence = if n == 40_000 { 99 } else { 60 };
        indicator(n, confidence, vec![vec![network("198.51.100.7", 32)]])
    };
    let set = Set::new((0..60_000).map(same).collect(), true);
    assert_eq!(set.repeated(), 60_000 - SAME_MAX);
    let mut hits = Vec::new();
    set.address("198.51.100.7".parse().unwrap(), &mut hits);
    let found: Vec<u32> = hits.iter().map(|hit| hit.indicator).collect();
    assert_eq!((found.len(), found[..2].to_vec()), (SAME_MAX, vec![40_000, 0]));
    // However many networks hold an address, one record tells of a few.
    let wide = (8..=32).map(|prefix| {
        indicator(prefix, 80, vec![vec![network("9.9.9.9", u8::try_from(prefix).unwrap())]])
    });
    let mut bench = Bench::new(wide.collect());
    assert_eq!(bench.told(&burst(100, "10.0.0.5", "9.9.9.9")).len(), FOUND_MAX);
}
