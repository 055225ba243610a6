#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::any::TypeId;

use super::*;
use crate::field::{Describe, Node, Readable, Tree, Value};
use crate::net::{AddressSet, Direction, Endpoint};
use crate::record::{Context, Level};

/// A transaction that reads and says what it is told to.
#[derive(Clone, Default)]
struct Told {
    bytes: Vec<(usize, Vec<u8>)>,
    numbers: Vec<(usize, u64)>,
    text: Vec<(&'static str, &'static str)>,
}

impl Readable for Told {
    fn table(&self) -> TypeId {
        TypeId::of::<Self>()
    }

    fn read(&self, index: usize, sink: &mut dyn FnMut(Value<'_>)) {
        self.bytes.iter().filter(|(at, _)| *at == index).for_each(|(_, b)| sink(Value::Bytes(b)));
        self.numbers.iter().filter(|(at, _)| *at == index).for_each(|(_, n)| sink(Value::Int(*n)));
    }
}

impl Describe for Told {
    fn describe(&self, tree: &mut dyn Tree) {
        self.text.iter().for_each(|(key, value)| tree.text(key, value.as_bytes()));
    }
}

const ROWS: [&str; 5] = ["dcerpc.interface", "dcerpc.operation", "http.uri", "smb.share", "unused"];

fn known() -> Known {
    Known::new(&Site { home: site().home, ..Site::default() })
}

fn site() -> Site {
    let row = |name| crate::field::Row {
        table: TypeId::of::<Told>(),
        name,
        aliases: &[],
        kind: crate::field::Kind::Bytes,
        eve: "",
        side: crate::field::Side::Either,
        stage: crate::field::Stage::Head,
        help: "",
        example: "",
    };
    let rows: Vec<_> = ROWS.into_iter().map(row).collect();
    let fields = ["dcerpc", "smb", "http"].into_iter().map(|name| (name, rows.clone())).collect();
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Site { home, fields, ..Site::default() }
}

/// A record of a connection between two hosts of 10.0.0.0/24.
pub fn record(source: u8, target: u8, port: u16, at: u64, body: Body) -> Record {
    let end = |host: u8, port| Some(Endpoint { addr: IpAddr::from([10, 0, 0, host]), port });
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::new(at, 0),
        context: Context {
            flow_id: Some(at),
            source: end(source, 40_000),
            destination: end(target, port),
            protocol: ip_protocol::TCP,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body,
    }
}

/// A transaction that says these texts.
pub fn told(protocol: &'static str, text: Vec<(&'static str, &'static str)>) -> Body {
    readable(protocol, Told { text, ..Told::default() })
}

fn readable(protocol: &'static str, told: Told) -> Body {
    let (direction, transaction) = (Direction::ToClient, Box::new(told));
    Body::Transaction(Box::new(TransactionRecord {
        keeps_certificates: false,
        protocol,
        id: 0,
        direction,
        transaction,
    }))
}

fn call(interface: u128, operation: u64) -> Body {
    let mut bytes = interface.to_be_bytes().to_vec();
    bytes.extend([0, 1, 1]);
    readable(
        "dcerpc",
        Told { bytes: vec![(0, bytes)], numbers: vec![(1, operation)], ..Told::default() },
    )
}

/// A transaction of SMB that says these texts.
pub fn smb(text: Vec<(&'static str, &'static str)>) -> Body {
    told("smb", text)
}

fn contact(source: u8, target: u8, port: u16, at: u64) -> Record {
    let contact = Contact { start: Timestamp::new(at, 0), outcome: Outcome::Answered, flags: 2 };
    record(source, target, port, at, Body::Contact(contact))
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (mut detector, mut known, mut found) =
        (Lateral::new(&site(), &Tuning::default()), known(), Vec::new());
    for (n, record) in records.into_iter().enumerate() {
        if n == 3 {
            let saved = detector.save();
            detector.load(&saved).unwrap();
        }
        known.record(&record);
        detector.record(&record, &known, &mut found);
    }
    found
}

fn brief(found: &[Found]) -> Vec<(u32, Level)> {
    found.iter().map(|f| (f.finding.sid, f.finding.level)).collect()
}

const DRSUAPI: u128 = 0xe3514235_4b06_11d1_ab04_00c04fc2dcd2;
const SVCCTL: u128 = 0x367abb81_9844_35f1_ad32_98f038001003;
const SAMR: u128 = 0x12345778_1234_abcd_ef00_0123456789ac;

#[test]
fn replication_is_high_from_a_workstation_and_info_from_a_domain_controller() {
    let found = judge([record(5, 1, 49_674, 10, call(DRSUAPI, 3))]);
    assert_eq!(brief(&found), [(1, Level::High)]);
    assert!(
        found[0].finding.explain_it.contains("DCSync") && found[0].finding.technique == "T1003.006"
    );
    assert!(found[0].finding.explain_en.contains("10.0.0.5 asked for replication"));
    let serves = contact(9, 2, 389, 1);
    let found = judge([serves, record(2, 1, 49_674, 10, call(DRSUAPI, 3))]);
    assert_eq!(brief(&found), [(1, Level::Info)]);
}

#[test]
fn a_technique_is_told_once_and_again_at_ten_targets() {
    let to = |n: u8| record(5, 10 + n, 445, n.into(), call(SVCCTL, 12));
    let found = judge((0..30).map(|n| to(n % 15)));
    assert_eq!(brief(&found), [(2, Level::High), (2, Level::High)]);
    assert!(found[1].finding.explain_it.contains("e 9 altre macchine"));
}

#[test]
fn drivers_of_printers_and_lists_of_services() {
    const RPRN: u128 = 0x12345678_1234_abcd_ef00_0123456789ab;
    const MAPPER: u128 = 0xe1af8308_5d1f_11c9_91a4_08002b14a0fa;
    let prints = [1, 29, 65].map(|operation| record(5, 9, 445, 1, call(RPRN, operation)));
    assert!(judge(prints).is_empty(), "a job, and what a client wants to know of its printer");
    let found =
        judge([record(5, 9, 445, 1, call(RPRN, 89)), record(5, 9, 135, 1, call(MAPPER, 2))]);
    assert_eq!(brief(&found), [(25, Level::Medium), (26, Level::Low)]);
    assert!(judge([record(5, 9, 135, 1, call(MAPPER, 3))]).is_empty());
}

#[test]
fn what_many_hosts_do_is_low() {
    let found = judge((1..20).map(|n| record(n, 100, 445, n.into(), call(SAMR, 13))));
    assert!(found.iter().take(4).all(|f| f.finding.level == Level::Medium));
    assert!(found.iter().skip(4).all(|f| f.finding.level == Level::Low) && found.len() == 19);
}

#[test]
fn logging_on_to_a_domain_is_left_alone() {
    let samr = [1, 3, 5, 6, 7, 17, 19, 20, 34, 36, 64].map(|operation| call(SAMR, operation));
    let replica = [0, 1, 12, 16].map(|operation| call(DRSUAPI, operation));
    let policy = smb(vec![
        ("command", "SMB2_COMMAND_WRITE"),
        ("share", r"\\dc\sysvol"),
        ("filename", r"policies\scripts\logon.bat"),
    ]);
    let bodies = samr.into_iter().chain(replica).chain([policy]);
    assert!(judge(bodies.map(|body| record(5, 1, 445, 10, body))).is_empty());
    let forward =
        Told { bytes: vec![(2, b"/wsman/SubscriptionManager/WEC".to_vec())], ..Told::default() };
    assert!(judge([record(5, 1, 5985, 10, readable("http", forward))]).is_empty());
}

#[test]
fn a_program_on_an_administrative_share_is_high_a_document_medium() {
    let write = |name| {
        smb(vec![("command", "SMB2_COMMAND_WRITE"), ("share", r"\\pc\C$"), ("filename", name)])
    };
    let found = judge([
        record(5, 6, 445, 1, write(r"ProgramData\grunt.exe")),
        record(5, 6, 445, 2, write(r"Users\anna\nota.txt")),
    ]);
    assert_eq!(brief(&found), [(10, Level::High), (11, Level::Medium)]);
    assert!(found[0].finding.explain_it.contains(r"(ProgramData\grunt.exe)"));
}

#[test]
fn peers_count_when_they_are_new_and_many() {
    let sweep = |n: u8| contact(5, 10 + n, 445, 200_000 + u64::from(n));
    let day = contact(9, 1, 445, 1);
    let found = judge([day].into_iter().chain((0..20).map(sweep)));
    assert_eq!(brief(&found), [(23, Level::Medium)]);
    // What was judged is told: the machines, not the one that was reached last.
    let finding = &found[0].finding;
    let peers = finding.threshold as u64;
    assert!(finding.score as u64 == peers && peers > 1);
    assert!(matches!(finding.numbers[0], ("new_hosts", Node::Int(count)) if count == peers));
    let told = format!("Macchine nuove in un'ora: {peers} (soglia {peers}).");
    assert!(finding.explain_it.contains(&told), "{}", finding.explain_it);
    assert!(finding.explain_en.contains(&format!("New machines in an hour: {peers} (threshold")));
    // The same few servers every day, and one new one a day.
    let usual = |n: u64| contact(5, 10 + (n % 4) as u8, 445, n * 600);
    assert!(judge((0..2000).map(usual)).is_empty());
    let slow = |n: u8| contact(5, n, 22, u64::from(n) * 86_400);
    assert!(judge((10..200).map(slow)).is_empty());
}

#[test]
fn it_is_bounded() {
    let (mut detector, known, mut found) =
        (Lateral::new(&site(), &Tuning::default()), known(), Vec::new());
    for n in 0..60_000u32 {
        let [_, _, high, low] = n.to_be_bytes();
        let mut record = record(1, low, 445, 1, call(SVCCTL, 12));
        record.context.source = Some(Endpoint { addr: IpAddr::from([10, 9, high, low]), port: 1 });
        detector.record(&record, &known, &mut found);
    }
    assert!(detector.state.entries.len() <= ENTRIES_MAX && detector.memory() < 2_600_000);
}
