#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint};

fn contact(source: [u8; 4], target: [u8; 4], port: u16, seconds: u64, outcome: Outcome) -> Record {
    let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::new(seconds, 0),
        context: Context {
            flow_id: Some(seconds + u64::from(port)),
            source: end(source, 40_000),
            destination: end(target, port),
            protocol: ip_protocol::TCP,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body: Body::Contact(Contact { start: Timestamp::new(seconds, 0), outcome, flags: 2 }),
    }
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    let site = Site { home, ..Site::default() };
    let mut scan = Scan::new(&site, &Tuning::default());
    let known = Known::default();
    let mut found = Vec::new();
    for record in records {
        scan.record(&record, &known, &mut found);
    }
    found
}

const OUT: [u8; 4] = [198, 51, 100, 9];
const IN: [u8; 4] = [10, 0, 0, 5];

#[test]
fn ports_of_one_host_are_a_vertical_scan_told_once_and_again_at_ten_times() {
    let found = judge((1..=100).map(|port| contact(OUT, IN, port, 1000, Outcome::Refused)));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (1, Level::Medium)]);
    assert!(found[0].finding.explain_it.contains("8 porte diverse di 10.0.0.5"));
    assert!(found[0].finding.explain_en.contains("8 different ports of 10.0.0.5"));
    assert_eq!(found[0].finding.technique, "T1595.001");
}

#[test]
fn hosts_in_turn_are_a_horizontal_scan_even_over_hours() {
    let record = |n: u8| contact(IN, [203, 0, 113, n], 445, u64::from(n) * 1500, Outcome::Silent);
    let found = judge((1..=12).map(record));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].finding.sid, 2);
    assert_eq!(found[0].finding.technique, "T1046");
    assert!(found[0].finding.explain_it.contains("macchina della rete interna"));
}

#[test]
fn an_honest_host_with_some_dead_links_is_left_alone() {
    let record = |n: u8| {
        let outcome = if n.is_multiple_of(3) { Outcome::Silent } else { Outcome::Answered };
        contact(IN, [203, 0, 113, n], 443, n.into(), outcome)
    };
    assert!(judge((1..=240).map(record)).is_empty());
}

#[test]
fn silence_that_is_known_late_makes_no_scanner_of_a_browser() {
    // A tenth of all places is silent, which is known a minute later, all of a page's at once.
    let (mut at_once, mut late) = (Vec::new(), Vec::new());
    for page in 0..30u8 {
        for place in 0..100u8 {
            let start = u64::from(page) * 20;
            let silent = place >= 90;
            let outcome = if silent { Outcome::Silent } else { Outcome::Answered };
            let mut record = contact(IN, [203, page, 113, place], 443, start, outcome);
            if silent {
                record.timestamp = Timestamp::new(start + 60, 0);
            }
            if silent { &mut late } else { &mut at_once }.push(record);
        }
    }
    let mut all: Vec<Record> = at_once.into_iter().chain(late).collect();
    all.sort_by_key(|record| record.timestamp);
    assert!(judge(all).is_empty());
}

#[test]
fn successes_hide_nothing_that_is_refused() {
    let place = |n: u64| [203, (n >> 8) as u8, 113, n as u8 | 1];
    let busy = (0..400).map(|n| contact(IN, place(n), 443, 1000 + n / 40, Outcome::Answered));
    let scan = (1..=100).map(|n| contact(IN, [10, 0, 9, n], 445, 1010, Outcome::Refused));
    let found = judge(busy.chain(scan));
    assert_eq!(found.iter().map(|found| found.finding.sid).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn who_breaks_off_what_was_accepted_only_knocks() {
    let all_open = (1..=8).map(|port| contact(OUT, IN, port, 1000, Outcome::Abandoned));
    let found = judge(all_open);
    assert_eq!(found.len(), 1);
    let told = &found[0].finding;
    assert!(told.explain_it.contains("; 8 hanno accettato il collegamento, subito interrotto"));
    assert!(told.explain_en.contains("; 8 accepted the connection, which was broken off at once"));
    let some = (1..=8).map(|port| {
        let outcome = if port == 3 { Outcome::Abandoned } else { Outcome::Refused };
        contact(OUT, IN, port, 1000, outcome)
    });
    let told = &judge(some)[0].finding;
    assert!(told.explain_it.contains("7 tentativi sono rimasti senza risposta o sono stati rif"));
    assert!(told.explain_en.contains("no answer, 1 accepted the connection, which was broken off"));
    let hosts = |source| {
        judge((1..=40).map(|n| contact(source, [10, 2, 0, n], 443, 1000, Outcome::Abandoned)))
    };
    assert_eq!(hosts(OUT).len(), 1);
    // Who shares out work among servers looks whether they are there; a browser takes what is faster.
    assert!(hosts([10, 1, 1, 1]).is_empty());
    let ours = |n| contact(IN, [203, 0, 113, n], 443, 1000, Outcome::Abandoned);
    assert!(judge((1..=40).map(ours)).is_empty());
}

#[test]
fn a_browser_in_a_network_without_a_way_for_ipv6_scans_nothing() {
    let reach = |port, outcome| {
        judge((1..=60).map(|n: u16| {
            let mut record = contact(IN, IN, port, 1000, outcome);
            let end = |last| {
                let addr = IpAddr::from([0x2001, 0xdb8, last, 0, 0, 0, 0, 7]);
                Some(Endpoint { addr, port })
            };
            (record.context.source, record.context.destination) = (end(0), end(n));
            record
        }))
    };
    assert!(reach(443, Outcome::Silent).is_empty());
    assert!(!reach(443, Outcome::Refused).is_empty() && !reach(22, Outcome::Silent).is_empty());
}

#[test]
fn one_dead_server_asked_again_and_again_is_no_scan() {
    let record = |n: u64| contact(IN, [203, 0, 113, 1], 443, n * 60, Outcome::Refused);
    assert!(judge((1..=500).map(record)).is_empty());
}

#[test]
fn many_sources_with_few_ports_each_are_a_distributed_scan() {
    let record =
        |n: u16| contact([198, 51, 100, (n % 12) as u8], IN, 1000 + n, n.into(), Outcome::Refused);
    let found = judge((0..40).map(record));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].finding.sid, 3);
    assert!(found[0].finding.explain_en.contains("12 different addresses"));
}

#[test]
fn many_clients_of_a_dead_service_are_no_scan() {
    let record = |n: u8| contact([198, 51, 100, n], IN, 443, n.into(), Outcome::Refused);
    assert!(judge((0..200).map(record)).is_empty());
}

#[test]
fn a_flood_of_spoofed_sources_is_bounded_and_hides_no_scan() {
    let home = AddressSet::default();
    let site = Site { home, ..Site::default() };
    let mut scan = Scan::new(&site, &Tuning::default());
    let known = Known::default();
    let mut found = Vec::new();
    for n in 0..300_000u32 {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        scan.record(&contact([a, b, c, d | 1], IN, 80, 1, Outcome::Silent), &known, &mut found);
        if n % 1000 == 0 && n < 20_000 {
            let port = (n / 1000 + 1) as u16;
            scan.record(&contact(OUT, IN, port, 1, Outcome::Refused), &known, &mut found);
        }
    }
    assert!(scan.state.pairs.len() <= ENTRIES_MAX && scan.state.sources.len() <= ENTRIES_MAX);
    assert_eq!(found.iter().filter(|f| f.finding.sid == 1).count(), 1);
}

#[test]
fn answers_that_nobody_asked_for_are_no_scan() {
    let backscatter = |n: u16, flags| {
        let mut record =
            contact(IN, [203, 0, (n >> 8) as u8, n as u8], 1024 + n, 1, Outcome::Silent);
        if let Body::Contact(contact) = &mut record.body {
            contact.flags = flags;
        }
        record
    };
    for flags in [0x12, 0x14, 0x04] {
        assert!(judge((1..=500).map(|n| backscatter(n, flags))).is_empty());
    }
    let amplified = |n: u16| {
        let mut record = contact([198, 51, 100, (n % 200) as u8], IN, n, 1, Outcome::Refused);
        record.context.protocol = ip_protocol::UDP;
        record.context.source.as_mut().unwrap().port = 161;
        record
    };
    assert!(judge((1024..3000).map(amplified)).is_empty());
}

#[test]
fn a_victim_that_is_never_heard_may_be_seen_one_way_only() {
    let record =
        |n: u16| contact([198, 51, 100, (n % 12) as u8], IN, 1000 + n, n.into(), Outcome::Silent);
    assert!(judge((0..40).map(record)).is_empty());
}

#[test]
fn peers_on_ports_of_their_own_are_low() {
    let record =
        |n: u8| contact(IN, [203, n, 113, 7], 20_000 + u16::from(n) * 7, 1, Outcome::Silent);
    let found = judge((1..=60).map(record));
    assert_eq!(found.iter().map(|f| f.finding.level).collect::<Vec<_>>(), [Level::Low]);
    assert!(found[0].finding.explain_it.contains("scambio file"));
}

#[test]
fn memory_stays_within_six_mebibytes_when_all_scan_all() {
    let site = Site::default();
    let mut scan = Scan::new(&site, &Tuning::default());
    let (known, mut found) = (Known::default(), Vec::new());
    for source in 0..4000u16 {
        for port in 1..30 {
            let [high, low] = source.to_be_bytes();
            let to = [10, 1, low, port as u8];
            scan.record(
                &contact([10, high, low, 1], to, port, 1, Outcome::Answered),
                &known,
                &mut found,
            );
            scan.record(
                &contact([10, high, low, 1], IN, port, 1, Outcome::Answered),
                &known,
                &mut found,
            );
        }
    }
    assert!(scan.memory() < 13 << 19, "{}", scan.memory());
}

#[test]
fn segments_that_begin_nothing_and_are_refused_are_a_scan_of_one_host_alone() {
    let stray = |target: [u8; 4], port: u16| {
        let record = contact(IN, target, port, 1000, Outcome::Refused);
        let body = Body::Contact(Contact {
            start: record.timestamp,
            outcome: Outcome::Refused,
            flags: 0x10,
        });
        Record { body, ..record }
    };
    let found = judge((1..=20).map(|port| stray([10, 0, 0, 9], port)));
    assert_eq!(found.iter().map(|found| found.finding.sid).collect::<Vec<_>>(), [1]);
    // A server sends late to where its client was.
    assert!(judge((1..=20).map(|port| stray([10, 0, 0, 9], 50_000 + port))).is_empty());
    // A host that wakes up has old connections to many.
    assert!(judge((1..=20).map(|last| stray([203, 0, 113, last], 443))).is_empty());
}

#[test]
fn a_scan_by_icmp_speaks_of_no_ports() {
    let record = |n: u8| {
        let mut record = contact(IN, [203, 0, 113, n], 0, n.into(), Outcome::Silent);
        record.context.protocol = ip_protocol::ICMP;
        record
    };
    let found = judge((1..=12).map(record));
    assert_eq!(found.len(), 1);
    assert!(!found[0].finding.explain_it.contains("porte"), "{}", found[0].finding.explain_it);
}

#[test]
fn who_goes_through_a_list_of_pages_is_told_and_honest_visitors_are_not() {
    use super::super::beacon::tests::{Spoke, site};
    type Asked<'a> = (&'a str, String, &'a str, &'static str);
    let asks = |server: [u8; 4], make: fn(u64) -> Asked<'static>| {
        let mut scan = Scan::new(&site(), &Tuning::default());
        let (known, mut found) = (Known::default(), Vec::new());
        for n in 0..300 {
            let (method, uri, header, status) = make(n);
            let said = vec![
                ("http.method", method),
                ("http.uri", &*uri.leak()),
                ("http.header", header),
                ("http.stat_code", status),
            ];
            let of = TransactionRecord {
                keeps_certificates: false,
                protocol: "http",
                id: 0,
                direction: crate::net::Direction::ToServer,
                transaction: Box::new(Spoke(said)),
            };
            let body = Body::Transaction(Box::new(of));
            let at = contact(OUT, server, 80, 1000 + n, Outcome::Answered);
            scan.record(&Record { body, ..at }, &known, &mut found);
        }
        found
    };
    /// Words without numbers.
    fn word(n: u64) -> String {
        format!("/{}", String::from_utf8(n.to_string().bytes().map(|b| b + 49).collect()).unwrap())
    }
    const HOST: &str = "Host: a\r\n";
    let listed = |n: u64| ("GET", word(n), HOST, if n.is_multiple_of(20) { "200" } else { "404" });
    let found = asks(IN, listed);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(4, Level::Medium)]);
    let finding = &found[0].finding;
    assert_eq!(finding.technique, "T1595.003");
    assert!(finding.explain_it.contains("40 non esistono o non sono accessibili"));
    assert!(finding.explain_en.contains("40 are not there, or forbidden"));
    assert!(!asks(IN, |n| ("HEAD", word(n), HOST, "403")).is_empty());
    assert!(asks([203, 0, 113, 5], listed).is_empty());
    let honest: [fn(u64) -> Asked<'static>; 7] = [
        // The same page again and again, with other words behind it.
        |n| ("GET", format!("/a?n={}", word(n)), HOST, "404"),
        // Much that is there.
        |n| ("GET", word(n), HOST, if n.is_multiple_of(3) { "404" } else { "200" }),
        |n| ("GET", word(n), HOST, "503"),
        // A folder that a Macintosh opens, a map, pictures with numbers, many behind a proxy.
        |n| ("PROPFIND", word(n), HOST, "404"),
        |n| ("GET", format!("/foto/._{n}"), HOST, "404"),
        |n| ("GET", format!("/map/12/{}/{}.png", n, n * 7), HOST, "404"),
        |n| ("GET", word(n), "Host: a\r\nX-Forwarded-For: 192.0.2.1\r\n", "404"),
    ];
    for (index, make) in honest.into_iter().enumerate() {
        assert!(asks(IN, make).is_empty(), "{index}");
    }
}

#[test]
fn who_tries_one_protocol_of_ip_after_the_other_is_told_once() {
    let tries = |protocols: &[u8], homeless: bool| {
        judge(protocols.iter().zip(0..).map(|(protocol, n)| {
            let mut record = contact(OUT, IN, 0, 1000 + n, Outcome::Refused);
            record.context.protocol = *protocol;
            if homeless {
                record.body = Body::Homeless(34);
            }
            record
        }))
    };
    let all: Vec<u8> = (0..=255).collect();
    for homeless in [false, true] {
        let found = tries(&all, homeless);
        let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
        assert_eq!(told, [(5, Level::Medium)]);
        assert!(found[0].finding.explain_it.contains("10 protocolli IP diversi"));
    }
    // Tunnels and routing, all day.
    assert!(tries(&[4, 41, 47, 50, 51, 89, 112, 115].repeat(50), true).is_empty());
}
