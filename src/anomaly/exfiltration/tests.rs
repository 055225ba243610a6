#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::net::IpAddr;

use super::super::beacon::tests::{Spoke, site};
use super::*;
use crate::net::{Direction, Endpoint};
use crate::record::{Context, TransactionRecord};

const OURS: [u8; 4] = [10, 0, 0, 5];
const OUT: [u8; 4] = [203, 0, 113, 9];
const DNS: [u8; 4] = [10, 0, 0, 53];

struct House {
    detector: Exfiltration,
    known: Known,
    found: Vec<Found>,
}

impl House {
    fn new() -> Self {
        let detector = Exfiltration::new(&site(), &Tuning::default());
        Self { detector, known: Known::new(&site()), found: Vec::new() }
    }

    fn record(&mut self, at: u64, (host, peer, port): ([u8; 4], [u8; 4], u16), body: Body) {
        let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
        let record = Record {
            sequence: 1,
            tie: 0,
            timestamp: Timestamp::new(at, 0),
            context: Context {
                flow_id: Some(at),
                source: end(host, 40_000),
                destination: end(peer, port),
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

    fn said(
        &mut self,
        at: u64,
        ends: ([u8; 4], [u8; 4], u16),
        protocol: &'static str,
        said: &[(&'static str, &'static str)],
    ) {
        let of = TransactionRecord {
            keeps_certificates: false,
            protocol,
            id: 0,
            direction: Direction::ToServer,
            transaction: Box::new(Spoke(said.to_vec())),
        };
        self.record(at, ends, Body::Transaction(Box::new(of)));
    }

    /// Sends so many megabytes, one a second, each answered by so many bytes.
    fn send(&mut self, at: u64, ends: ([u8; 4], [u8; 4], u16), megabytes: u64, back: u32) {
        for n in 0..megabytes {
            let moment = Timestamp::new(at + n, 0);
            let payload = [1_000_000, back];
            let burst = Burst {
                start: moment,
                end: moment,
                payload,
                bytes: payload,
                app_protocol: Some("tls"),
                ..Burst::default()
            };
            self.record(at + n, ends, Body::Burst(Box::new(burst)));
        }
    }

    fn told(&self) -> Vec<(u32, Level)> {
        self.found.iter().map(|found| (found.finding.sid, found.finding.level)).collect()
    }
}

/// Ten in the morning.
const MORNING: u64 = 1_741_687_200;
const WEB: ([u8; 4], [u8; 4], u16) = (OURS, OUT, 443);

#[test]
fn a_hundred_megabytes_to_a_stranger_are_told_once_in_both_languages() {
    let mut house = House::new();
    house.send(MORNING, WEB, 99, 300);
    assert_eq!(house.told(), []);
    house.send(MORNING + 100, WEB, 300, 300);
    assert_eq!(house.told(), [(1, Level::Medium)]);
    let finding = &house.found[0].finding;
    assert!(finding.explain_it.contains("10.0.0.5 ha mandato 100 MB a 203.0.113.9 in 100 secondi"));
    assert!(finding.explain_en.contains("10.0.0.5 sent 100 MB to 203.0.113.9 in 100 seconds"));
    house.send(MORNING + 1000, WEB, 1000, 300);
    assert_eq!(house.told(), [(1, Level::Medium), (1, Level::High)]);
}

#[test]
fn at_night_and_from_a_database_less_will_do() {
    let mut house = House::new();
    house.send(MORNING + 12 * 3600, WEB, 70, 300);
    assert_eq!(house.told(), [(1, Level::Medium)]);
    assert!(house.found[0].finding.explain_it.contains("è accaduto di notte"));
    let mut house = House::new();
    house.send(MORNING, ([10, 0, 0, 7], OURS, 5432), 1, 1000);
    house.send(MORNING, WEB, 40, 300);
    assert_eq!(house.told(), [(1, Level::High)]);
    assert!(house.found[0].finding.explain_en.contains("other machines keep their data"));
}

#[test]
fn a_database_that_a_stranger_empties_is_high() {
    let mut house = House::new();
    for n in 0..40 {
        let at = Timestamp::new(MORNING + n, 0);
        let payload = [300, 1_000_000];
        let burst = Burst { start: at, end: at, payload, ..Burst::default() };
        house.record(MORNING + n, (OUT, OURS, 3306), Body::Burst(Box::new(burst)));
        house.record(MORNING + n, (OUT, OURS, 443), Body::Burst(Box::new(burst)));
    }
    assert_eq!(house.told(), [(1, Level::High)]);
    assert!(house.found[0].finding.explain_it.contains("10.0.0.5 ha mandato 30 MB a 203.0.113.9"));
}

#[test]
fn copies_to_the_usual_place_calls_mail_and_clouds_are_left_alone() {
    // The nightly copy: told at most quietly, by its name, and no more once it is usual.
    let mut house = House::new();
    house.said(MORNING, WEB, "tls", &[("tls.sni", "vault.backup-sicuro.it")]);
    house.send(MORNING, WEB, 500, 300);
    assert_eq!(house.told(), [(1, Level::Low)]);
    let mut house = House::new();
    for day in 0..5 {
        house.send(MORNING + day * 86_400, WEB, 90, 300);
    }
    house.send(MORNING + 5 * 86_400, WEB, 250, 300);
    assert_eq!(house.told(), []);
    // Who gets as much as he sends talks.
    let mut house = House::new();
    house.send(MORNING, WEB, 900, 800_000);
    house.send(MORNING, (OURS, OUT, 587), 900, 300);
    house.send(MORNING, (OURS, [10, 0, 0, 9], 443), 900, 300);
    assert_eq!(house.told(), []);
}

#[test]
fn an_hour_far_above_the_own_ones_needs_half() {
    let mut house = House::new();
    for hour in 0..20 {
        house.send(MORNING + hour * 3600, (OURS, [198, 51, 100, hour as u8], 443), 2, 300);
    }
    house.send(MORNING + 24 * 3600, WEB, 60, 300);
    assert_eq!(house.told(), [(1, Level::Medium)]);
    assert!(house.found[0].finding.explain_it.contains("manda di solito molto meno"));
}

#[test]
fn who_looks_up_his_address_and_hands_in_mail_is_a_thief() {
    let lookup = |house: &mut House| {
        house.said(MORNING, (OURS, DNS, 53), "dns", &[("dns.queries.rrname", "api.ipify.org")]);
    };
    let mail = &[("smtp.mail_from", "<a@example.org>")];
    let mut house = House::new();
    lookup(&mut house);
    house.said(MORNING + 20, (OURS, OUT, 587), "smtp", mail);
    house.said(MORNING + 30, (OURS, OUT, 587), "smtp", mail);
    assert_eq!(house.told(), [(2, Level::High)]);
    let finding = &house.found[0].finding;
    assert!(finding.explain_it.contains(
        "10.0.0.5 ha chiesto a api.ipify.org il proprio indirizzo pubblico, poi ha consegnato al \
         server 203.0.113.9 una mail del mittente <a@example.org>"
    ));
    assert!(finding.explain_en.contains("asked api.ipify.org for its public address"));
    // Mail alone, and one who has always sent it.
    let mut house = House::new();
    house.said(MORNING - 5000, (OURS, OUT, 587), "smtp", mail);
    assert_eq!(house.told(), []);
    lookup(&mut house);
    house.said(MORNING + 20, (OURS, OUT, 587), "smtp", mail);
    assert_eq!(house.told(), [(2, Level::Low)]);
    // To the mail server of the house.
    let mut house = House::new();
    lookup(&mut house);
    house.said(MORNING + 20, (OURS, [10, 0, 0, 9], 587), "smtp", mail);
    assert_eq!(house.told(), []);
}

#[test]
fn stored_files_robots_and_forms() {
    let store = |file| [("ftp.command", "STOR"), ("ftp.command_data", file)];
    let mut house = House::new();
    house.said(MORNING, (OURS, OUT, 21), "ftp", &store("PW_admin-PC.html"));
    assert_eq!(house.told(), [(2, Level::High)]);
    let mut house = House::new();
    house.said(MORNING, (OURS, OUT, 21), "ftp", &store("report.pdf"));
    house.said(MORNING, (OURS, OUT, 21), "ftp", &[("ftp.command", "RETR")]);
    assert_eq!(house.told(), [(3, Level::Low)]);
    let mut house = House::new();
    house.said(MORNING, WEB, "tls", &[("tls.sni", "api.ipify.org")]);
    house.said(
        MORNING + 9,
        (OURS, [149, 154, 167, 220], 443),
        "tls",
        &[("tls.sni", "api.telegram.org")],
    );
    let form = [("http.method", "POST"), ("http.uri", "/p.php")];
    house.said(MORNING + 9, (OURS, [198, 51, 100, 7], 80), "http", &form);
    assert_eq!(house.told(), [(2, Level::High), (2, Level::Medium)]);
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let mut house = House::new();
    for n in 0..120 {
        let mut next = House::new();
        next.detector.load(&house.detector.save()).unwrap();
        next.found = std::mem::take(&mut house.found);
        house = next;
        house.send(MORNING + n, WEB, 1, 300);
    }
    assert_eq!(house.told(), [(1, Level::Medium)]);
    for n in 0..50_000u32 {
        let [_, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        house.send(MORNING, ([10, b, c, d], [203, b, c, d], 443), 1, 0);
    }
    assert!(house.detector.memory() < 3 << 20, "{}", house.detector.memory());
}
