#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::AddressSet;
use crate::record::{Contact, Level};
use crate::time::Timestamp;

fn record(millis: u64, from: [u8; 4], to: [u8; 4], protocol: u8, port: u16, body: Body) -> Record {
    let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::from_nanos(1_000_000_000_000_000 + millis * 1_000_000),
        context: Context {
            flow_id: Some(1),
            source: end(from, 0),
            destination: end(to, port),
            protocol,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body,
    }
}

fn who_has(millis: u64, from: u8, target: [u8; 4]) -> Record {
    let mac = [2, 0, 0, 0, 0, from];
    let arp = Arp {
        operation: 1,
        frame_source: mac,
        sender_mac: mac,
        sender: [10, 0, 0, from].into(),
        target_mac: [0; 6],
        target: target.into(),
        logged: false,
    };
    record(millis, [0; 4], [0; 4], 0, 0, Body::Arp(arp))
}

fn ping(millis: u64, from: [u8; 4], to: [u8; 4], kind: u8) -> Record {
    let message = IcmpMessage {
        kind,
        code: 0,
        rest: 0,
        echo: None,
        hops: 64,
        frame_source: None,
        length: 0,
        sample: Vec::new(),
        hash: 0,
    };
    record(millis, from, to, ip_protocol::ICMP, 0, Body::Icmp(Box::new(message)))
}

fn datagram(millis: u64, to: [u8; 4], port: u16, outcome: Outcome) -> Record {
    let contact = Contact { start: Timestamp::default(), outcome, flags: 0 };
    record(millis, [10, 0, 0, 5], to, ip_protocol::UDP, port, Body::Contact(contact))
}

fn site() -> Site {
    Site { home: AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8), ..Site::default() }
}

/// Shows records, with what is known of hosts kept up as the engine does it.
fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let mut sweep = Sweep::new(&site(), &Tuning::default());
    let mut known = Known::new(&site());
    let mut found = Vec::new();
    for record in records {
        known.record(&record);
        sweep.record(&record, &known, &mut found);
    }
    found
}

#[test]
fn a_host_that_asks_by_arp_for_all_addresses_sweeps_told_once() {
    let found = judge((1..=254).map(|n| who_has(u64::from(n) * 5, 77, [10, 0, 0, n])));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium)]);
    let explain = &found[0].finding;
    assert!(explain.explain_it.contains("chi ha 30 indirizzi della rete 10.0.0.0/24"));
    assert!(explain.explain_en.contains("who has 30 different addresses of the network"));
    assert_eq!(found[0].context.source.unwrap().addr, IpAddr::from([10, 0, 0, 77]));
}

#[test]
fn a_slow_sweep_is_found_too_and_a_few_absent_hosts_are_not() {
    let slow =
        |many: u8| judge((1..=many).map(|n| who_has(u64::from(n) * 20_000, 7, [10, 0, 0, n])));
    assert_eq!(slow(100).len(), 1);
    assert!(slow(60).is_empty());
}

#[test]
fn hosts_that_are_there_may_be_asked_for() {
    // Each of them was seen before, as asker of something else.
    let seen = (1..=200).map(|n| who_has(u64::from(n), n, [10, 0, 1, 1]));
    let asks = (1..=200).map(|n| who_has(1000 + u64::from(n) * 5, 250, [10, 0, 0, n]));
    assert!(judge(seen.chain(asks)).is_empty());
}

#[test]
fn who_is_there_in_another_vlan_is_not_here() {
    let within = |vlan: u16, mut record: Record| {
        record.context.vlan = [vlan, 0, 0];
        record
    };
    let seen = (1..=200).map(|n| within(30, who_has(u64::from(n), n, [10, 0, 1, 1])));
    let asks = (1..=200).map(|n| within(31, who_has(1000 + u64::from(n) * 5, 250, [10, 0, 0, n])));
    assert_eq!(judge(seen.chain(asks)).len(), 1);
}

#[test]
fn a_gateway_that_asks_for_others_is_only_noted() {
    let asked = (1..=3).map(|n| who_has(u64::from(n), n, [10, 0, 0, 254]));
    let asks = (10..=100).map(|n| who_has(1000 + u64::from(n) * 5, 254, [10, 0, 0, n]));
    let found = judge(asked.chain(asks));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(2, Level::Low)]);
}

#[test]
fn pings_without_answer_are_a_sweep_and_a_monitor_is_none() {
    let out = [198, 51, 100, 9];
    let found = judge((1..=60).map(|n| ping(u64::from(n) * 100, out, [10, 0, 0, n], 8)));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].finding.sid, found[0].finding.technique), (3, "T1595.001"));
    let monitor = (1..=200u8).flat_map(|n| {
        let (me, it, at) = ([10, 0, 0, 5], [10, 0, 0, n], u64::from(n) * 100);
        [ping(at, me, it, 8), ping(at + 1, it, me, 0)]
    });
    assert!(judge(monitor).is_empty());
}

#[test]
fn datagrams_to_one_port_of_a_network_are_a_sweep_and_to_many_networks_are_none() {
    let at = |n: u8| u64::from(n) * 100;
    let sweep = (1..=40).map(|n| datagram(at(n), [10, 0, 3, n], 161, Outcome::Silent));
    let found = judge(sweep);
    assert_eq!(found.len(), 1);
    assert!(found[0].finding.explain_it.contains("alla porta UDP 161 di 25 indirizzi"));
    let peers = (1..=250).map(|n| datagram(at(n), [93, n, n, n], 6881, Outcome::Silent));
    assert!(judge(peers).is_empty());
    let answered = (1..=250).map(|n| datagram(at(n), [10, 0, 3, n], 161, Outcome::Answered));
    assert!(judge(answered).is_empty());
}

#[test]
fn names_of_addresses_are_read_backwards() {
    assert_eq!(reverse(b"4.3.2.1.IN-ADDR.arpa"), Some(Ipv4Addr::new(1, 2, 3, 4)));
    assert_eq!(reverse(b"3.2.1.in-addr.arpa"), None);
    assert_eq!(reverse(b"example.org"), None);
    let mut row = Row::default();
    let window = Window { least: 32, within: Duration::from_secs(60) };
    let ask = |row: &mut Row, octet| {
        row.ask(octet, Timestamp::new(9, 0), [window; 2], Duration::from_secs(60), |_| false)
    };
    (0..31).for_each(|n| assert!(ask(&mut row, n).is_none()));
    assert!(ask(&mut row, 31).is_some() && row.is_in_order());
    let mut jumps = Row::default();
    (0..40).for_each(|n: u8| {
        let _ = ask(&mut jumps, n.wrapping_mul(97));
    });
    assert!(!jumps.is_in_order());
}

#[test]
fn a_flood_of_made_up_askers_is_bounded_and_saved_state_goes_on() {
    let (known, mut found) = (Known::new(&site()), Vec::new());
    let mut sweep = Sweep::new(&site(), &Tuning::default());
    for n in 0..100_000u32 {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        let record = ping(1, [a, b, c, d], [10, 0, c, d & 127], 8);
        sweep.record(&record, &known, &mut found);
    }
    assert!(found.is_empty() && sweep.memory() < 5 << 19);
    let half = |range: std::ops::Range<u8>| range.map(|n| who_has(n.into(), 77, [10, 0, 0, n]));
    half(1..20).for_each(|record| sweep.record(&record, &known, &mut found));
    let mut other = Sweep::new(&site(), &Tuning::default());
    other.load(&sweep.save()).unwrap();
    half(20..40).for_each(|record| other.record(&record, &known, &mut found));
    assert_eq!(found.len(), 1);
}
