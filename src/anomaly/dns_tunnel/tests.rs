#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::field::{self, Describe, Field, Fields, Side, Stage, Tree, Value};
use crate::net::{AddressSet, Endpoint};
use crate::record::{Context, Level};
use crate::time::Timestamp;

/// A message of DNS as detectors read it.
pub(in crate::anomaly) struct Asked {
    pub(in crate::anomaly) name: String,
    pub(in crate::anomaly) kind: u64,
    pub(in crate::anomaly) rcode: u64,
    pub(in crate::anomaly) answer: String,
}

const fn row(name: &'static str, kind: field::Kind, read: field::Read<Asked>) -> Field<Asked> {
    let (aliases, eve, side, stage) = (&[], "", Side::Either, Stage::Body);
    Field { name, aliases, kind, eve, side, stage, help: "", example: "", read }
}

impl Fields for Asked {
    const FIELDS: &'static [Field<Self>] = &[
        row("dns.queries.rrname", field::Kind::Bytes, |a, sink| {
            sink(Value::Bytes(a.name.as_bytes()));
        }),
        row("dns.rrtype", field::Kind::Int { bits: 16, names: &[] }, |a, sink| {
            sink(Value::Int(a.kind));
        }),
        row("dns.rcode", field::Kind::Int { bits: 16, names: &[] }, |a, sink| {
            sink(Value::Int(a.rcode));
        }),
        row("dns.answers.rdata", field::Kind::Bytes, |a, sink| {
            sink(Value::Bytes(a.answer.as_bytes()));
        }),
    ];
}

impl Describe for Asked {
    fn describe(&self, _: &mut dyn Tree) {}
}

/// A site at home in 10/8 that knows these fields.
pub(in crate::anomaly) fn site() -> Site {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Site { home, fields: vec![("dns", field::rows::<Asked>())], ..Site::default() }
}

/// A message at a second of packet time; to the client when it has an answer or an error.
pub(in crate::anomaly) fn message(seconds: u64, client: [u8; 4], asked: Asked) -> Record {
    let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
    let to_client = asked.rcode != 0 || !asked.answer.is_empty();
    let direction = if to_client { Direction::ToClient } else { Direction::ToServer };
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::new(seconds, 0),
        context: Context {
            flow_id: Some(seconds),
            source: end(client, 40_000),
            destination: end([10, 0, 0, 53], 53),
            protocol: 17,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body: Body::Transaction(Box::new(TransactionRecord {
            keeps_certificates: false,
            protocol: "dns",
            id: 0,
            direction,
            transaction: Box::new(asked),
        })),
    }
}

const CLIENT: [u8; 4] = [10, 0, 0, 5];

fn ask(seconds: u64, name: String, kind: u64) -> Record {
    message(seconds, CLIENT, Asked { name, kind, rcode: 0, answer: String::new() })
}

/// Hexadecimal text of a number's hashes, as tunnels write it.
fn code(number: u64, words: u64) -> String {
    (0..words)
        .map(|w| format!("{:016x}", crate::anomaly::stats::distinct::mix(number * 8 + w + 1)))
        .collect()
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let mut detector = DnsTunnel::new(&site(), &Tuning::default());
    let mut found = Vec::new();
    for record in records {
        detector.record(&record, &Known::default(), &mut found);
    }
    found
}

#[test]
fn names_that_carry_data_are_told_and_again_when_they_grow_and_when_they_have_carried_much() {
    let found = judge((0..400).map(|n| ask(n, format!("{}.t.example.org", code(n, 3)), 16)));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (1, Level::Medium), (1, Level::High)]);
    assert!(found[0].finding.explain_it.contains("15 nomi diversi"));
    assert!(found[0].finding.explain_en.contains("15 different names"));
    assert!(found[0].finding.title.contains("example.org"));
}

#[test]
fn names_without_a_top_level_domain_carry_data_too() {
    let found = judge((0..40).map(|n| ask(n, format!("dnscat.{}", code(n, 2)), 15)));
    assert_eq!(found.len(), 1);
}

#[test]
fn data_sent_out_as_addresses_is_told_when_it_is_fast_but_not_when_slow() {
    let asked =
        |step: u64| (0..80).map(move |n| ask(n * step, format!("{}.example.org", code(n, 3)), 1));
    assert_eq!(judge(asked(2)).len(), 1);
    assert!(judge(asked(120)).is_empty());
}

#[test]
fn orders_in_answers_are_told_but_not_records_for_mail() {
    let answered = |answer: fn(u64) -> String| {
        judge((0..40).map(|n| {
            let name = "l.ns.example.org".to_owned();
            message(n * 5, CLIENT, Asked { name, kind: 16, rcode: 0, answer: answer(n) })
        }))
    };
    let found = answered(|n| code(n, 4));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].finding.sid, found[0].finding.technique), (2, "T1071.004"));
    assert!(found[0].finding.explain_it.contains("8 risposte di testo"));
    assert!(answered(|n| format!("v=DKIM1; k=rsa; p={}", code(n, 12))).is_empty());
    assert!(answered(|n| format!("google-site-verification={}", code(n, 3))).is_empty());
    assert!(answered(|_| "v=spf1 include:example.net -all".to_owned()).is_empty());
}

#[test]
fn lists_of_senders_antivirus_services_and_the_local_network_are_left_alone() {
    for make in [
        (|n| format!("{}.{}.2.1.zen.example.org", n % 250, n / 250)) as fn(u64) -> String,
        |n| format!("{}.p.t.sophosxl.net", code(n, 4)),
        |n| format!("{}.safeframe.googlesyndication.com", code(n, 4)),
        |n| format!("{}._msdcs._tcp.example.org", code(n, 3)),
        |n| format!("{}.local", code(n, 3)),
        |n| format!("{n}.0.168.192.in-addr.arpa"),
        |n| format!("host-{}.uffici.example.it", n % 90),
    ] {
        assert!(judge((0..500).map(|n| ask(n, make(n), 16))).is_empty(), "{}", make(1));
    }
    // A delivery network: names of machines, each asked for as an address, again and again.
    let machine = |n: u64| format!("{}.video.example.org", code(n % 40, 1).split_at(12).0);
    assert!(judge((0..2000).map(|n| ask(n, machine(n), 1))).is_empty());
}

#[test]
fn goes_on_where_another_was_saved_and_stays_bounded() {
    let records = || (0..30).map(|n| ask(n, format!("{}.example.org", code(n, 3)), 16));
    let (mut first, mut second) =
        (DnsTunnel::new(&site(), &Tuning::default()), DnsTunnel::new(&site(), &Tuning::default()));
    let mut found = Vec::new();
    for record in records().take(10) {
        first.record(&record, &Known::default(), &mut found);
    }
    assert!(found.is_empty());
    second.load(&first.save()).unwrap();
    for record in records().skip(10) {
        second.record(&record, &Known::default(), &mut found);
    }
    assert_eq!(found.len(), 1);
    for n in 0..40_000u64 {
        let name = format!("{}.d{}.org", code(n, 3), n % 5000);
        second.record(&ask(n, name, 16), &Known::default(), &mut found);
    }
    assert!(second.memory() < 2_500_000, "{}", second.memory());
}

/// One each five minutes: too slow for names that ask for addresses, but each is full of data.
#[test]
fn long_names_that_ask_for_addresses_are_told_however_slow() {
    let ask_for = |words| {
        (0..60).map(move |n| ask(n * 300, format!("{}.cdn.example.org", code(n, words)), 1))
    };
    let found = judge(ask_for(7));
    assert_eq!(found.len(), 1);
    let finding = &found[0].finding;
    assert_eq!((finding.score, finding.threshold), (30.0, 30.0));
    assert!(finding.explain_it.contains("30 nomi portano almeno 100 byte ciascuno"));
    // Look-ups of hashes and names of many words.
    let hashes = (0..60).map(|n| {
        let hash = code(n, 4);
        let (one, two) = hash.split_at(32);
        ask(n * 300, format!("{one}.{two}.files.reputation.example.org"), 1)
    });
    assert!(judge(hashes).is_empty());
    let words = (0..60).map(|n| {
        let name = "services-production-southern-frontend-documents-payments-administration";
        ask(n * 300, format!("{name}.municipal-registry-{n}.internal-region.example.org"), 1)
    });
    assert!(judge(words).is_empty());
    let looked_up = (0..60).map(|n| ask(n * 300, format!("{:.40}.example.org", code(n, 3)), 1));
    assert!(judge(looked_up).is_empty());
    assert!(judge(ask_for(2)).is_empty());
}
