//! Indicators: what a record costs with none, a thousand and two hundred thousand of them; the making
//! and the swap of a set.

#![allow(missing_docs, reason = "a benchmark has no users")]

use std::net::{IpAddr, Ipv4Addr};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rivellino::anomaly::indicator::{INDICATORS_MAX, Indicators, Set, Watchlist};
use rivellino::anomaly::{Detector, Known, Site, Tuning};
use rivellino::net::{AddressSet, Endpoint};
use rivellino::record::{Body, Context, Indicator, Observable, Record};
use rivellino::time::Timestamp;

/// Records of one measurement.
const RECORDS: u32 = 10_000;
const COUNTS: [usize; 3] = [0, 1_000, INDICATORS_MAX];

fn main() {
    let before = resident();
    let watchlist = Watchlist::default();
    watchlist.replace(set(INDICATORS_MAX));
    let held = resident().saturating_sub(before) >> 20;
    // Benchmarks are for people: they read it here.
    #[allow(clippy::print_stdout, reason = "a figure beside the table")]
    {
        println!("{INDICATORS_MAX} indicators: {held} MiB resident");
    }
    drop(watchlist);
    divan::main();
}

/// Bytes of memory that are in use, as Linux counts them (proc(5), statm).
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

/// Half addresses, some networks, half names.
fn set(count: usize) -> Set {
    let all = (0_u32..).take(count).map(|number| {
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x1400_0000 + number * 77));
        let what = match number % 20 {
            0..=8 => Observable::Network(address, 32),
            9 => Observable::Network(address, 20 + (number / 20 % 5) as u8),
            _ => Observable::Name(format!("host{number}.example{}.org", number % 1000)),
        };
        Indicator {
            id: format!("indicator--{number:08x}-0000-4000-8000-000000000000"),
            name: format!("thing {number}"),
            source: "hub".into(),
            author: "".into(),
            confidence: 80,
            valid: [Timestamp::default(), Timestamp::from_nanos(u64::MAX)],
            alternatives: vec![vec![what]],
        }
    });
    Set::new(all.collect(), true)
}

/// Bursts of conversations with strangers that nobody reports.
fn records() -> Vec<Record> {
    let end = |bits: u32, port| Some(Endpoint { addr: Ipv4Addr::from_bits(bits).into(), port });
    (0..RECORDS)
        .map(|number| Record {
            sequence: 1,
            tie: 0,
            timestamp: Timestamp::new(1_800_000_000, 0),
            context: Context {
                flow_id: Some(number.into()),
                source: end(0x0a00_0001 + number % 500, 40_000),
                destination: end(
                    0xd000_0000_u32.wrapping_add(number.wrapping_mul(0x0100_4567)),
                    443,
                ),
                ..Context::default()
            },
            body: Body::Burst(Box::default()),
        })
        .collect()
}

#[divan::bench(args = COUNTS)]
fn bursts_that_hit_nothing(bencher: Bencher<'_, '_>, count: usize) {
    let watchlist = Watchlist::default();
    if count > 0 {
        watchlist.replace(set(count));
    }
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    let site = Site { home, watchlist, ..Site::default() };
    let mut detector = Indicators::new(&site, &Tuning::default());
    let (records, known, mut found) = (records(), Known::default(), Vec::new());
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        for record in &records {
            detector.record(black_box(record), &known, &mut found);
        }
        found.clear();
    });
}

#[divan::bench]
fn names_that_hit_nothing(bencher: Bencher<'_, '_>) {
    let set = set(INDICATORS_MAX);
    let names: Vec<String> = (0..RECORDS).map(|n| format!("www{n}.shop.example.com")).collect();
    let mut hits = Vec::new();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        for name in &names {
            set.name(black_box(name.as_bytes()), &mut hits);
        }
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_full_set_is_made() -> Set {
    set(INDICATORS_MAX)
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_full_set_is_put_into_force(bencher: Bencher<'_, '_>) {
    let watchlist = Watchlist::default();
    bencher.with_inputs(|| set(INDICATORS_MAX)).bench_local_values(|set| watchlist.replace(set));
}
