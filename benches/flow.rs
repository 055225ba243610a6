//! The flow table: new flows, known flows, a full table; and dashmap beside it, which only finds
//! and stores, without timeouts, order or limits.

#![allow(missing_docs, reason = "a benchmark has no users")]

use std::net::{IpAddr, Ipv4Addr};

use dashmap::DashMap;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rivellino::decode::{self, Headers};
use rivellino::field::Event;
use rivellino::flow::{Flow, Host, Limits, Slot, Table};
use rivellino::net::{Chunk, Direction};
use rivellino::record::{Contact, FlowRecord};
use rivellino::time::Timestamp;

const FLOWS: u32 = 100_000;
/// Of a table that is full.
const FEW: u32 = 10_240;

fn main() {
    divan::main();
}

struct Nobody;

impl Host<()> for Nobody {
    fn chunk(&mut self, _: &mut Flow<()>, _: Slot, _: Direction, chunk: Chunk<'_>, _: Timestamp) {
        black_box(chunk);
    }

    fn event(&mut self, _: &'static Event) {}

    fn contact(&mut self, _: &Flow<()>, _: Contact) {}

    fn ended(&mut self, _: &mut Flow<()>, _: Slot, _: FlowRecord) {}
}

/// UDP datagrams without data, each of another flow.
fn packets() -> Vec<Headers> {
    let options = decode::Options::default();
    let mut all = Vec::new();
    for number in 0..FLOWS {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 28];
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend(number.wrapping_mul(0x9e37_79b1).to_be_bytes());
        frame.extend([192, 0, 2, 1, 0x30, 0x39, 0, 53, 0, 8, 0, 0]);
        decode::decode(1, &frame, 42, &options, &mut |headers, _| all.push(*headers));
    }
    all
}

fn feed(table: &mut Table<()>, packets: &[Headers], round: u64) {
    for (sequence, headers) in (1..).zip(packets) {
        let sequence = round * u64::from(FLOWS) + sequence;
        table.packet(sequence, 0, Timestamp::new(1000, 0), headers, &[], &mut Nobody);
        if sequence.is_multiple_of(512) {
            table.sweep();
        }
    }
}

#[divan::bench]
fn insert(bencher: Bencher<'_, '_>) {
    let packets = packets();
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        let mut table = Table::new(&Limits { flows: 4 * FLOWS, ..Limits::default() });
        feed(&mut table, &packets, 0);
        table
    });
}

#[divan::bench]
fn hit(bencher: Bencher<'_, '_>) {
    let packets = packets();
    let mut table = Table::new(&Limits { flows: 4 * FLOWS, ..Limits::default() });
    feed(&mut table, &packets, 0);
    let mut round = 0;
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        round += 1;
        feed(&mut table, &packets, round);
    });
}

#[divan::bench]
fn evict(bencher: Bencher<'_, '_>) {
    let packets = packets();
    let mut table = Table::new(&Limits { flows: FEW, ..Limits::default() });
    let mut round = 0;
    bencher.counter(ItemsCount::new(packets.len())).bench_local(|| {
        feed(&mut table, &packets, round);
        round += 1;
    });
}

type Key = (IpAddr, IpAddr, u16, u16, u8);

/// What a flow counts, about.
#[derive(Default)]
struct Counters {
    packets: u64,
    _more: [u64; 7],
}

/// The keys alone, without what reading them from a packet costs.
fn keys() -> Vec<Key> {
    let server = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let client = |number: u32| IpAddr::V4(Ipv4Addr::from(number.wrapping_mul(0x9e37_79b1)));
    (0..FLOWS).map(|number| (client(number), server, 12_345, 53, 17)).collect()
}

#[divan::bench]
fn dashmap_insert(bencher: Bencher<'_, '_>) {
    let keys = keys();
    bencher.counter(ItemsCount::new(keys.len())).bench_local(|| {
        let map = DashMap::new();
        for key in &keys {
            map.insert(*key, Counters::default());
        }
        map
    });
}

#[divan::bench]
fn dashmap_hit(bencher: Bencher<'_, '_>) {
    let keys = keys();
    let map: DashMap<Key, Counters> = keys.iter().map(|key| (*key, Counters::default())).collect();
    bencher.counter(ItemsCount::new(keys.len())).bench_local(|| {
        for key in &keys {
            if let Some(mut counters) = map.get_mut(key) {
                counters.packets += 1;
            }
        }
    });
}
