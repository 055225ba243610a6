#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint};
use crate::record::{Contact, Context, FlowCounters, Outcome};

const START: u64 = 1_741_651_200;

fn record(at: u64, body: Body) -> Record {
    let context = Context::default();
    Record { sequence: 1, tie: 0, timestamp: Timestamp::new(START + at, 0), context, body }
}

fn burst(at: u64) -> Record {
    let start = Timestamp::new(START + at, 0);
    record(at, Body::Burst(Box::new(Burst { start, end: start, ..Burst::default() })))
}

fn flow(at: u64, packets: [u64; 2], gap: bool) -> Record {
    let tcp = TcpRecord { flags: [0x1b, 0x1b], state: "closed", gap: [false, gap] };
    let flow = FlowRecord {
        counters: FlowCounters { packets, ..FlowCounters::default() },
        state: "closed",
        reason: "timeout",
        alerted: false,
        app_protocol: None,
        transactions: 0,
        tcp: Some(tcp),
        icmp_response: None,
        outcome: Outcome::Answered,
        texts: crate::record::Texts::default(),
    };
    record(at, Body::Flow(Box::new(flow)))
}

fn fresh() -> Health {
    Health::new(&Tuning::default())
}

/// Shows records as the table of detectors does, with a tick before each.
fn show(health: &mut Health, records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (known, mut found) = (Known::default(), Vec::new());
    for record in records {
        health.tick(record.timestamp, &known, &mut found);
        health.record(&record, &known, &mut found);
    }
    found
}

fn told(found: &[Found]) -> Vec<(u32, Level)> {
    found.iter().map(|found| (found.finding.sid, found.finding.level)).collect()
}

#[test]
fn a_mirror_of_one_direction_is_told_once_an_hour_and_more_gravely_when_it_is_sure() {
    let flows =
        |many: u64, seconds: u64| (0..many).map(move |n| flow(n * seconds / many, [9, 0], false));
    // Too few, too short, both ways.
    assert!(show(&mut fresh(), flows(150, 1200)).is_empty());
    assert!(show(&mut fresh(), flows(5000, 500)).is_empty());
    assert!(show(&mut fresh(), (0..5000).map(|n| flow(n, [9, 9], false))).is_empty());
    let found = show(&mut fresh(), flows(400, 900));
    assert_eq!(told(&found), [(3, Level::Low)]);
    let finding = &found[0].finding;
    assert!(finding.explain_it.contains("si vede una sola direzione"), "{}", finding.explain_it);
    assert!(finding.explain_it.contains("la porta SPAN copi entrambe le direzioni"));
    assert!(finding.explain_en.contains("only one direction is seen, within 10 minutes."));
    assert!(found[0].context.source.is_none() && finding.technique.is_empty());
    let found = show(&mut fresh(), flows(8000, 7000));
    assert_eq!(told(&found)[0], (3, Level::Low));
    assert_eq!(told(&found)[1..], [(3, Level::Medium)]);
}

#[test]
fn missing_bytes_and_dropped_frames_are_told() {
    let found = show(&mut fresh(), (0..900).map(|n| flow(n, [9, 9], n % 4 == 0)));
    assert_eq!(told(&found), [(2, Level::Low)]);
    assert!(
        found[0].finding.explain_it.contains("guardare i contatori di scarto della porta SPAN")
    );
    assert!(found[0].finding.explain_en.contains("look at the drop counters of the SPAN port"));
    assert!(show(&mut fresh(), (0..900).map(|n| flow(n, [9, 9], n % 20 == 0))).is_empty());

    let counters =
        |at: u64, dropped: u64| record(at, Body::Capture(Capture { received: at * 1000, dropped }));
    let found = show(&mut fresh(), (1..20).map(|n| counters(n * 60, n * 6000)));
    assert_eq!(told(&found), [(1, Level::Low)]);
    assert!(found[0].finding.explain_it.contains("Il sensore ha perso pacchetti"));
    let found = show(&mut fresh(), (1..20).map(|n| counters(n * 60, n * 12_000)));
    assert_eq!(told(&found), [(1, Level::Medium)]);
    assert!(show(&mut fresh(), (1..20).map(|n| counters(n * 60, n * 60))).is_empty());
}

#[test]
fn silence_after_traffic_is_told_and_is_grave_when_it_lasts() {
    let (known, mut found) = (Known::default(), Vec::new());
    let mut health = fresh();
    assert!(show(&mut health, (0..40_000).map(|n| burst(n / 10))).is_empty());
    for second in 4000..8000 {
        health.tick(Timestamp::new(START + second, 0), &known, &mut found);
    }
    assert_eq!(told(&found), [(4, Level::Low), (4, Level::Medium)]);
    assert!(found[0].finding.explain_it.contains("non riceve traffico da 5 minuti."));
    assert!(found[1].finding.explain_en.contains("has got no traffic for 60 minutes."));
    // A quiet link was never busy.
    let (mut quiet, mut found) = (fresh(), Vec::new());
    show(&mut quiet, (0..500).map(|n| burst(n * 10)));
    quiet.tick(Timestamp::new(START + 90_000, 0), &known, &mut found);
    assert!(found.is_empty());
}

#[test]
fn a_clock_that_goes_back_is_told_and_packets_out_of_order_are_not() {
    let found = show(&mut fresh(), (0..100).map(|n| burst(if n < 50 { 5000 + n } else { n })));
    assert_eq!(told(&found), [(5, Level::Low)]);
    assert!(found[0].finding.explain_it.contains("tornata indietro di 83 minuti"));
    assert!(found[0].finding.explain_en.contains("synchronised with an NTP server"));
    let mixed = (0..1000).map(|n| burst(if n % 10 == 0 { n } else { n + 500 }));
    assert!(show(&mut fresh(), mixed).is_empty());
}

#[test]
fn home_networks_that_are_not_the_sites_are_told_once() {
    let site = Site { home: AddressSet::network([10, 0, 0, 0].into(), 8), ..Site::default() };
    let (mut known, mut health, mut found) = (Known::new(&site), fresh(), Vec::new());
    let begun = |client: [u8; 4], at: u64| {
        let end = |addr: [u8; 4], port| Some(Endpoint { addr: addr.into(), port });
        let mut record = burst(at);
        record.context.source = end(client, 40_000);
        record.context.destination = end([203, 0, 113, 9], 443);
        let outcome = Outcome::Answered;
        record.body = Body::Contact(Contact { start: record.timestamp, outcome, flags: 2 });
        record
    };
    let mut show = |client, seconds: std::ops::Range<u64>| {
        for second in seconds {
            known.record(&begun(client, second));
            known.tick(Timestamp::new(START + second, 0));
            health.tick(Timestamp::new(START + second, 0), &known, &mut found);
        }
        found.len()
    };
    assert_eq!(show([10, 0, 0, 5], 0..20), 0);
    assert_eq!(show([198, 51, 100, 7], 20..300), 0);
    assert_eq!(show([198, 51, 100, 7], 300..500), 1);
    assert_eq!(told(&found), [(6, Level::Low)]);
    let [it, en] = [&found[0].finding.explain_it, &found[0].finding.explain_en];
    assert!(
        it.contains("321 conversazioni IPv4 su 341 non hanno alcun capo nelle reti di casa"),
        "{it}"
    );
    assert!(
        en.contains("321 conversations over IPv4 of 341 have no end in the home networks"),
        "{en}"
    );
    // A part of the site that nobody named: once, and for information.
    let (mut known, mut health, mut found) = (Known::new(&site), fresh(), Vec::new());
    for second in 0..3000 {
        let client = if second % 3 == 0 { [198, 51, 100, 7] } else { [10, 0, 0, 5] };
        known.record(&begun(client, second));
        known.tick(Timestamp::new(START + second, 0));
        health.tick(Timestamp::new(START + second, 0), &known, &mut found);
    }
    assert_eq!(told(&found), [(6, Level::Info)]);
    let it = &found[0].finding.explain_it;
    assert!(it.contains("mancano delle reti dell'ente"), "{it}");
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same() {
    let flows = || (0..400u64).map(|n| flow(n * 2, [9, 0], false));
    let (mut first, mut second) = (fresh(), fresh());
    assert!(show(&mut first, flows().take(200)).is_empty());
    second.load(&first.save()).unwrap();
    assert_eq!(told(&show(&mut second, flows().skip(200))), [(3, Level::Low)]);
}
