#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::anomaly::stats::distinct::mix;
use crate::field::{self, Describe, Field, Fields as _, Side, Stage, Tree, Value};
use crate::net::{AddressSet, Direction, Endpoint, ip_protocol};
use crate::time::Timestamp;

/// What a request or a greeting says, by the name of the field.
#[derive(Clone, Default)]
pub(in crate::anomaly) struct Spoke(pub(in crate::anomaly) Vec<(&'static str, &'static str)>);

macro_rules! row {
    ($name:literal) => {
        row!($name, |text| Value::Bytes(text.as_bytes()))
    };
    ($name:literal int) => {
        row!($name, |text| Value::Int(text.parse().unwrap()))
    };
    ($name:literal, $value:expr) => {
        Field {
            name: $name,
            aliases: &[],
            kind: field::Kind::Bytes,
            eve: "",
            side: Side::Either,
            stage: Stage::Body,
            help: "",
            example: "",
            read: |spoke: &Self, sink| {
                for (_, value) in spoke.0.iter().filter(|(name, _)| *name == $name) {
                    let value_of: fn(&str) -> Value<'_> = $value;
                    sink(value_of(value));
                }
            },
        }
    };
}

impl field::Fields for Spoke {
    const FIELDS: &'static [Field<Self>] = &[
        row!("tls.sni"),
        row!("quic.sni"),
        row!("ja4.hash"),
        row!("tls.cert_subject"),
        row!("tls.cert_issuer"),
        row!("http.host"),
        row!("http.uri"),
        row!("http.user_agent"),
        row!("http.referer"),
        row!("http.accept_lang"),
        row!("http.method"),
        row!("dns.queries.rrname"),
        row!("dns.answers.rrname"),
        row!("smtp.mail_from"),
        row!("smtp.auth_refused"),
        row!("smtp.logged_on"),
        row!("sip.stat_code"),
        row!("sip.to"),
        row!("sip.call_id"),
        row!("sip.cseq"),
        row!("sip.authorization"),
        row!("sip.authenticate"),
        row!("snmp.pdu_type" int),
        row!("snmp.community"),
        row!("mqtt.reason_code" int),
        row!("mqtt.connect.username"),
        row!("mqtt.connect.password"),
        row!("mysql.error_code" int),
        row!("mysql.user"),
        row!("email.from"),
        row!("ftp.command"),
        row!("ftp.command_data"),
        row!("ftp.completion_code"),
        row!("ldap.request.operation"),
        row!("ldap.request.dn"),
        row!("ldap.responses.result_code"),
        row!("http.stat_code"),
        row!("http.location"),
        row!("http.header"),
        row!("http.response_header"),
        row!("http.request_body"),
        row!("rfb.secresult"),
        row!("dcerpc.interface"),
        row!("dcerpc.operation"),
        row!("imap.command"),
        row!("imap.status"),
        row!("imap.user"),
        row!("telnet.login"),
        row!("telnet.user"),
    ];
}

impl Describe for Spoke {
    fn describe(&self, _: &mut dyn Tree) {}
}

const OURS: [u8; 4] = [10, 0, 0, 5];
const OUT: [u8; 4] = [203, 0, 113, 9];

/// A site at home in 10/8 where all protocols have these fields.
pub(in crate::anomaly) fn site() -> Site {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    let rows = field::rows::<Spoke>;
    let protocols = [
        "tls", "quic", "http", "dns", "smtp", "ftp", "ldap", "rfb", "dcerpc", "imap", "telnet",
        "sip", "snmp", "mqtt", "mysql",
    ];
    let fields = protocols.map(|protocol| (protocol, rows())).into();
    assert!(!Spoke::FIELDS.is_empty());
    Site { home, fields, ..Site::default() }
}

/// A host that calls, and what it looks like.
#[derive(Clone, Copy)]
struct Caller {
    host: [u8; 4],
    peer: [u8; 4],
    port: u16,
    app: Option<&'static str>,
    said: &'static [(&'static str, &'static str)],
    answered: bool,
    /// Whether each call is a connection of its own.
    anew: bool,
    /// Bytes of a question and an answer.
    payload: [u32; 2],
}

const PLAIN: Caller = Caller {
    host: OURS,
    peer: OUT,
    port: 443,
    app: Some("tls"),
    said: &[],
    answered: true,
    anew: true,
    payload: [300, 200],
};

struct House {
    detector: Beacon,
    known: Known,
    found: Vec<Found>,
}

impl House {
    fn new() -> Self {
        let detector = Beacon::new(&site(), &Tuning::default());
        Self { detector, known: Known::new(&site()), found: Vec::new() }
    }

    fn record(&mut self, caller: &Caller, millis: u64, body: Body) {
        let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
        let record = Record {
            sequence: 1,
            tie: 0,
            timestamp: Timestamp::from_nanos(millis * 1_000_000),
            context: Context {
                flow_id: Some(if caller.anew { millis } else { 7 }),
                source: end(caller.host, 40_000),
                destination: end(caller.peer, caller.port),
                protocol: ip_protocol::TCP,
                ip_version: 4,
                vlan: [0; 3],
                icmp: None,
            },
            body,
        };
        self.known.record(&record);
        self.detector.record(&record, &self.known, &mut self.found);
    }

    fn call(&mut self, caller: &Caller, millis: u64) {
        let at = Timestamp::from_nanos(millis * 1_000_000);
        let answer = u32::from(caller.answered);
        let burst = Burst {
            start: at,
            end: at,
            packets: [3, 3 * answer],
            bytes: [500, 500 * answer],
            payload: caller.payload.map(|bytes| bytes * answer),
            filled: [1, answer],
            opening: u32::from(caller.anew),
            is_first: caller.anew,
            app_protocol: caller.app,
            ..Burst::default()
        };
        self.record(caller, millis, Body::Burst(Box::new(burst)));
        if !caller.said.is_empty() {
            let of = TransactionRecord {
                keeps_certificates: false,
                protocol: caller.app.unwrap(),
                id: 0,
                direction: Direction::ToServer,
                transaction: Box::new(Spoke(caller.said.to_vec())),
            };
            self.record(caller, millis, Body::Transaction(Box::new(of)));
        }
    }

    /// Calls so often, after pauses of so many milliseconds, more or less by a share.
    fn calls(&mut self, caller: &Caller, count: u64, pause: u64, jitter: f64) -> &mut Self {
        let mut at = 1_000_000;
        for n in 0..count {
            self.call(caller, at);
            let share = (n * 37 % 61) as f64 / 30.0 - 1.0;
            at += (pause as f64 * jitter.mul_add(share, 1.0)) as u64;
        }
        self
    }

    fn levels(&self) -> Vec<Level> {
        self.found.iter().map(|found| found.finding.level).collect()
    }
}

#[test]
fn a_nameless_place_called_with_jitter_over_tls_is_told_once_in_both_languages() {
    let mut house = House::new();
    house.calls(&PLAIN, 60, 5000, 0.3);
    assert_eq!(house.levels(), [Level::Medium]);
    let finding = &house.found[0].finding;
    assert_eq!((finding.sid, finding.technique), (1, "T1573"));
    let it = "10.0.0.5 ha chiamato 203.0.113.9 (TLS, porta 443) ";
    assert!(finding.explain_it.starts_with(it), "{}", finding.explain_it);
    assert!(
        finding.explain_it.contains(" volte in ") && finding.explain_it.contains(", una ogni ")
    );
    assert!(finding.explain_it.contains("l'altro capo è un indirizzo senza nome"));
    assert!(finding.explain_en.contains("10.0.0.5 called 203.0.113.9 (TLS, port 443) "));
    assert!(finding.explain_en.contains("the other end is an address without a name"));
    assert_eq!(finding.evidence.len(), calls::EVIDENCE_MAX);
}

#[test]
fn requests_within_one_connection_by_a_false_browser_are_high_even_within_the_house() {
    let said =
        &[("http.uri", "/news.php?id=1"), ("http.user_agent", "Mozilla/5.0 (Windows NT 6.1)")];
    let caller = Caller { port: 8888, app: Some("http"), said, anew: false, ..PLAIN };
    let mut house = House::new();
    house.calls(&caller, 40, 5000, 0.1);
    assert_eq!(house.levels(), [Level::High]);
    let near = Caller { peer: [10, 9, 0, 1], ..caller };
    let mut house = House::new();
    house.calls(&near, 40, 5000, 0.1);
    assert_eq!(house.levels(), [Level::Medium]);
    // Listened to from the middle on nobody knows what it speaks; it still says too much.
    let middle = Caller { app: None, said: &[], ..caller };
    assert_eq!(House::new().calls(&middle, 40, 5000, 0.1).levels(), [Level::Medium]);
    // A page that a person has left open says where it comes from.
    let said = &[
        ("http.uri", "/status"),
        ("http.user_agent", "Mozilla/5.0 (Windows NT 10.0)"),
        ("http.referer", "http://10.9.0.1/"),
        ("http.accept_lang", "it"),
    ];
    let page = Caller { peer: [10, 9, 0, 1], port: 80, said, ..caller };
    assert_eq!(House::new().calls(&page, 400, 5000, 0.1).levels(), []);
}

#[test]
fn a_program_of_its_own_is_told_and_common_ones_are_not() {
    const BROWSER: &[(&str, &str)] = &[("tls.sni", "www.example.org"), ("ja4.hash", "browser")];
    const SERVICE: &[(&str, &str)] = &[("tls.sni", "api.example.com"), ("ja4.hash", "browser")];
    const OWN: &[(&str, &str)] = &[("tls.sni", "cdn.example.net"), ("ja4.hash", "own")];
    let crowd = |house: &mut House| {
        for last in 0..8 {
            let caller =
                Caller { host: [10, 0, 0, last], peer: [198, 51, 100, 1], said: BROWSER, ..PLAIN };
            house.call(&caller, 1000 + u64::from(last));
        }
    };
    let mut house = House::new();
    crowd(&mut house);
    house.calls(&Caller { said: OWN, ..PLAIN }, 120, 60_000, 0.1);
    assert_eq!(house.levels(), [Level::Medium]);
    // The same rhythm of a program that others have too is information at most.
    let mut house = House::new();
    crowd(&mut house);
    house.calls(&Caller { said: SERVICE, ..PLAIN }, 200, 60_000, 0.02);
    assert!(house.levels().iter().all(|level| *level <= Level::Low), "{:?}", house.levels());
    assert_eq!(house.levels().len(), 1);
    assert!(house.found[0].finding.explain_it.contains("nulla di urgente"));
    // A place where several go is left alone.
    let mut house = House::new();
    for last in 1..5 {
        let caller = Caller { host: [10, 0, 0, last], said: SERVICE, ..PLAIN };
        house.call(&caller, 1000 + u64::from(last));
    }
    house.calls(&Caller { said: SERVICE, ..PLAIN }, 200, 60_000, 0.02);
    assert_eq!(house.levels(), []);
}

#[test]
fn what_calls_regularly_by_its_nature_is_left_alone() {
    for port in [123, 993, 5060, 502, 1883] {
        let caller = Caller { port, app: None, ..PLAIN };
        assert_eq!(House::new().calls(&caller, 300, 60_000, 0.01).levels(), [], "{port}");
    }
    // One connection of an unknown protocol that is kept open.
    let push = Caller { app: Some("failed"), anew: false, payload: [40, 40], ..PLAIN };
    assert_eq!(House::new().calls(&push, 100, 60_000, 0.01).levels(), []);
    // A neighbour with a certificate of its own, and one that does not answer any more.
    let near = Caller { peer: [10, 0, 0, 9], ..PLAIN };
    assert_eq!(House::new().calls(&near, 300, 60_000, 0.01).levels(), []);
    let dead = Caller { answered: false, ..near };
    assert_eq!(House::new().calls(&dead, 300, 60_000, 0.01).levels(), []);
}

#[test]
fn of_what_comes_by_chance_little_looks_regular() {
    let mut loud = 0;
    for seed in 1..=100u64 {
        let (mut house, mut at, mut state) = (House::new(), 1_000_000.0, mix(seed));
        for _ in 0..200 {
            state = mix(state.wrapping_add(seed));
            let share = ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            at -= 60_000.0 * share.ln();
            house.call(&PLAIN, at as u64);
        }
        loud += house.levels().len();
    }
    assert!(loud <= 15, "{loud} of 100");
}

#[test]
fn dead_masters_take_more_calls() {
    let dead = Caller { answered: false, port: 4444, app: None, ..PLAIN };
    let mut house = House::new();
    house.calls(&dead, 20, 30_000, 0.05);
    assert_eq!(house.levels(), []);
    let mut house = House::new();
    house.calls(&dead, 40, 30_000, 0.05);
    assert_eq!(house.levels(), [Level::Medium]);
    assert!(house.found[0].finding.explain_it.contains("rimaste senza risposta"));
    assert!(house.found[0].finding.explain_en.contains("100% of the calls got no answer"));
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let mut whole = House::new();
    whole.calls(&PLAIN, 30, 5000, 0.3);
    let mut house = House::new();
    for n in 0..30u64 {
        let mut next = House::new();
        next.detector.load(&house.detector.save()).unwrap();
        next.found = std::mem::take(&mut house.found);
        house = next;
        house.call(&PLAIN, 1_000_000 + n * 5000);
    }
    assert_eq!(house.levels(), whole.levels());
    let mut house = House::new();
    for n in 0..60_000u32 {
        let [_, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        let caller = Caller { host: [10, b, c, d], ..PLAIN };
        for turn in 0..5 {
            house.call(&caller, u64::from(n) * 100 + turn * 2000);
        }
    }
    let detector = &house.detector;
    assert!(detector.pairs.len() <= PAIRS_MAX && detector.young.len() <= YOUNG_MAX);
    assert!(detector.memory() < 10 << 20, "{}", detector.memory());
}
