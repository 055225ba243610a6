#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint};
use crate::record::Level;

const VICTIM: [u8; 4] = [10, 0, 0, 1];

type End = ([u8; 4], u16);

fn record(from: End, to: End, protocol: u8, millis: u64, burst: Burst) -> Record {
    let end = |(addr, port): End| Some(Endpoint { addr: IpAddr::from(addr), port });
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::from_nanos(1_741_651_200_000_000_000 + millis * 1_000_000),
        context: Context {
            flow_id: Some(millis),
            source: end(from),
            destination: end(to),
            protocol,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body: Body::Burst(Box::new(burst)),
    }
}

fn answer(payload: u32) -> Burst {
    Burst {
        packets: [1, 0],
        bytes: [payload + 42, 0],
        payload: [payload, 0],
        filled: [1, 0],
        is_first: true,
        ..Burst::default()
    }
}

/// Answers of so many servers, one each ten milliseconds.
fn answers(port: u16, payload: u32, servers: u64, many: u64) -> Vec<Record> {
    let from = |n: u64| ([203, 0, (n % servers / 200) as u8, (n % servers % 200) as u8], port);
    (0..many).map(|n| record(from(n), (VICTIM, 30_000), 17, n * 10, answer(payload))).collect()
}

fn fresh() -> Amplification {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Amplification::new(&Site { home, ..Site::default() }, &Tuning::default())
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (mut detector, known, mut found) = (fresh(), Known::default(), Vec::new());
    for record in records {
        detector.record(&record, &known, &mut found);
    }
    found
}

fn told(found: &[Found]) -> Vec<(u32, Level)> {
    found.iter().map(|found| (found.finding.sid, found.finding.level)).collect()
}

#[test]
fn answers_of_many_servers_are_told_and_no_server_is_blamed() {
    let found = judge(answers(123, 440, 300, 300));
    assert_eq!(told(&found), [(1, Level::Medium)]);
    let finding = &found[0].finding;
    assert_eq!(finding.title, "Flood of reflected NTP answers to 10.0.0.1");
    assert!(found[0].context.source.is_none());
    assert!(
        finding.explain_it.contains("10.0.0.1 ha ricevuto 106 risposte mai richieste (NTP, 51 kB)"),
        "{}",
        finding.explain_it
    );
    assert!(finding.explain_en.contains("10.0.0.1 got 106 answers nobody asked for (NTP, 51 kB)"));
    assert!(finding.explain_en.contains("different servers in 1 second."));
    assert!(!judge(answers(4500, 80, 300, 300)).is_empty());
}

#[test]
fn what_a_mirror_port_shows_of_one_way_is_left_alone() {
    // Answers of resolvers, of a VPN, of a monitored device, of a call's relay.
    assert!(judge(answers(53, 180, 100, 900)).is_empty());
    assert!(judge(answers(53, 500, 2, 900)).is_empty());
    assert!(judge(answers(4500, 1200, 3, 5000)).is_empty());
    assert!(judge(answers(3478, 1000, 2, 5000)).is_empty());
    assert!(judge(answers(123, 48, 4, 800)).is_empty());
    // After a question to all within the house.
    let house = (0..500)
        .map(|n| record(([10, 0, 1, (n % 200) as u8], 1900), (VICTIM, 50_000), 17, n, answer(400)));
    assert!(judge(house).is_empty());
    // Long answers of many name servers are an attack.
    assert_eq!(told(&judge(answers(53, 1200, 100, 300))), [(1, Level::Medium)]);
    // Very much of one server is one too.
    assert_eq!(told(&judge(answers(11_211, 1400, 1, 500))), [(1, Level::Medium)]);
}

#[test]
fn handshakes_out_of_the_blue_are_told_unless_data_follow() {
    let server = |n: u64| ([203, 0, (n / 200) as u8, (n % 200) as u8], 443);
    let syn_ack = Burst {
        packets: [0, 1],
        bytes: [0, 60],
        flags: [0, 0x12],
        is_first: true,
        ..Burst::default()
    };
    let blue = (0..400).map(|n| record((VICTIM, 50_000), server(n), 6, n * 5, syn_ack));
    let found = judge(blue);
    assert_eq!(told(&found), [(2, Level::Medium)]);
    assert_eq!(found[0].finding.title, "Flood of reflected TCP answers to 10.0.0.1");
    assert_eq!(found[0].context.destination.unwrap().addr, IpAddr::from(VICTIM));
    let data = Burst { filled: [0, 3], before: [0, 1], is_first: false, ..syn_ack };
    let one_way = (0..4000).map(|n| {
        let burst = if n % 2 == 0 { syn_ack } else { data };
        record((VICTIM, 50_000), server(n / 2), 6, n * 5, burst)
    });
    assert!(judge(one_way).is_empty());
}

#[test]
fn a_server_of_ours_that_is_misused_is_told_and_one_that_serves_is_not() {
    let ask = |n: u64, port: u16, payload: [u32; 2], client: [u8; 4]| {
        let packets = [1, payload[1] / 1400 + 1];
        let bytes = [payload[0] + 42, payload[1] + 42 * packets[1]];
        let burst = Burst { packets, bytes, payload, filled: packets, ..Burst::default() };
        record((client, 40_000), (VICTIM, port), 17, n * 100, burst)
    };
    let found = judge((0..60).map(|n| ask(n, 11_211, [15, 50_000], [198, 51, 100, 9])));
    assert_eq!(told(&found), [(3, Level::Medium)]);
    let finding = &found[0].finding;
    assert_eq!(finding.title, "memcached server 10.0.0.1 misused to flood 198.51.100.9");
    assert_eq!(found[0].context.source.unwrap().addr, IpAddr::from(VICTIM));
    assert!(
        finding.explain_it.contains("10.0.0.1 (memcached, porta 11211) ha inviato a 198.51.100.9"),
        "{}",
        finding.explain_it
    );
    assert!(finding.explain_en.contains("on the firewall close UDP port 11211 of 10.0.0.1"));
    // A busy name server, and one that walks through the tables of a switch.
    assert!(judge((0..5000).map(|n| ask(n, 53, [40, 380], [198, 51, 100, 9]))).is_empty());
    assert!(judge((0..2000).map(|n| ask(n, 161, [50, 1200], [10, 0, 0, 9]))).is_empty());
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let (mut first, mut second, known) = (fresh(), fresh(), Known::default());
    let (mut found, all) = (Vec::new(), answers(123, 440, 300, 300));
    for record in &all[..60] {
        first.record(record, &known, &mut found);
    }
    second.load(&first.save()).unwrap();
    for record in &all[60..] {
        second.record(record, &known, &mut found);
    }
    let whole = judge(all);
    assert_eq!(told(&found), told(&whole));
    assert_eq!(found[0].finding.explain_en, whole[0].finding.explain_en);
    for n in 0..300_000u32 {
        let other = n.wrapping_mul(2_654_435_761).to_be_bytes();
        let (from, to) = ((other, 123), (VICTIM, 30_000));
        second.record(&record(from, to, 17, n.into(), answer(440)), &known, &mut found);
        second.record(
            &record((VICTIM, 53), (other, 999), 17, n.into(), answer(440)),
            &known,
            &mut found,
        );
        let asked = Burst { packets: [1, 1], payload: [10, 5000], ..answer(10) };
        second.record(&record((other, 999), (VICTIM, 53), 17, n.into(), asked), &known, &mut found);
    }
    let State { victims, pairs } = &second.state;
    assert!(victims.len() <= VICTIMS_MAX && pairs.len() <= PAIRS_MAX);
    assert!(second.memory() < 1_000_000, "{}", second.memory());
}

/// Attackers aim answers at ports that are open: those are told by the many that have the same port.
#[test]
fn answers_aimed_at_a_port_where_questions_go_are_told_when_they_come_from_many() {
    let to = |port, servers: u64, source: fn(u64) -> u16| {
        let from = move |n: u64| {
            ([203, 0, (n % servers / 200) as u8, (n % servers % 200) as u8], source(n))
        };
        judge((0..600).map(move |n| record(from(n), (VICTIM, port), 17, n * 10, answer(1000))))
    };
    for port in [53, 80, 443] {
        assert_eq!(told(&to(port, 200, |_| 11_211)), [(1, Level::Medium)], "{port}");
        // VPNs of which one way is seen, few of a kind, and clients that take any port.
        assert!(to(port, 60, |_| 1194).is_empty());
        assert!(to(port, 4, |_| 11_211).is_empty());
        assert!(to(port, 20, |_| 11_211).is_empty());
        let many = (0..20_000).map(|n| {
            record(([203, 0, 0, (n % 12) as u8], 11_211), (VICTIM, port), 17, n, answer(1000))
        });
        assert!(!judge(many).is_empty());
        assert!(to(port, 200, |n| 1024 + (n * 97) as u16).is_empty());
    }
}

#[test]
fn questions_from_the_port_of_a_service_count_for_the_server_that_answers_them() {
    let question = Burst {
        packets: [1, 3],
        bytes: [80, 4200],
        payload: [40, 4000],
        filled: [1, 3],
        is_first: true,
        ..Burst::default()
    };
    let client = ([198, 51, 100, 7], 27_015);
    let found = judge((0..600).map(|n| record(client, (VICTIM, 53), 17, n * 10, question)));
    assert_eq!(told(&found).first(), Some(&(3, Level::Medium)));
}
