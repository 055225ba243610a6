//! Packets a second by stage; each stage does what those before it do, so that a stage's own cost
//! is the difference. The captures of `pcaps/`, or of the corpus that `RIVELLINO_CORPUS` names.

#![allow(missing_docs, reason = "a benchmark has no users")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rivellino::capture::{Batch, Progress, open};
use rivellino::control::rules::load;
use rivellino::decode;
use rivellino::detect::{Ruleset, Variables};
use rivellino::engine::ROUND_FRAMES;
use rivellino::engine::worker::{Checksums, Worker, WorkerOptions};
use rivellino::field::Event;
use rivellino::flow::{Flow, Host, Limits, Slot, Table};
use rivellino::net::{Chunk, Direction};
use rivellino::outputs::eve;
use rivellino::record::{Contact, FlowRecord};
use rivellino::time::Timestamp;

fn main() {
    divan::main();
}

/// Large captures of the corpus, of ordinary traffic.
const CORPUS: &[&str] = &[
    "captures/ndpi/default/pcap/1kxun.pcap",
    "captures/slips/dataset/test-cc/test-cc-capture-1.pcap",
];

fn captures() -> Vec<PathBuf> {
    let corpus = std::env::var_os("RIVELLINO_CORPUS").map(PathBuf::from);
    let large: Vec<PathBuf> = corpus
        .iter()
        .flat_map(|corpus| CORPUS.iter().map(|name| corpus.join(name)))
        .filter(|path| path.is_file())
        .collect();
    if !large.is_empty() {
        return large;
    }
    let pcaps = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps");
    ["demo.pcap", "web-attacks.pcap", "tls.pcap", "dns.pcap", "modbus.pcap"]
        .iter()
        .map(|name| pcaps.join(name))
        .collect()
}

/// The captures merged by time, in rounds as the engine deals them.
fn rounds() -> Vec<Batch> {
    let mut source = open(&captures(), None).unwrap();
    let (mut rounds, mut sequence) = (Vec::new(), 0);
    loop {
        let mut batch = Batch::default();
        let mut progress = Progress::More;
        while progress != Progress::End && !batch.is_full(ROUND_FRAMES) {
            let room = ROUND_FRAMES - batch.frames.len();
            progress = source.read(&mut batch, room).unwrap();
        }
        for frame in &mut batch.frames {
            sequence += 1;
            frame.sequence = sequence;
        }
        rounds.push(batch);
        if progress == Progress::End {
            return rounds;
        }
    }
}

fn packets(rounds: &[Batch]) -> ItemsCount {
    ItemsCount::new(rounds.iter().map(|batch| batch.frames.len()).sum::<usize>())
}

#[divan::bench]
fn read_1(bencher: Bencher<'_, '_>) {
    bencher.counter(packets(&rounds())).bench_local(|| {
        let mut source = open(&captures(), None).unwrap();
        let mut batch = Batch::default();
        while source.read(&mut batch, ROUND_FRAMES).unwrap() != Progress::End {
            black_box(&batch);
            batch.clear();
        }
    });
}

#[divan::bench]
fn decode_2(bencher: Bencher<'_, '_>) {
    let rounds = rounds();
    let options = decode::Options::default();
    bencher.counter(packets(&rounds)).bench_local(|| {
        for batch in &rounds {
            for frame in &batch.frames {
                let bytes = batch.bytes(frame);
                decode::decode(frame.link, bytes, frame.wire, &options, &mut |headers, _| {
                    black_box(headers);
                });
            }
        }
    });
}

/// Takes all, keeps nothing.
struct Nobody;

impl Host<()> for Nobody {
    fn chunk(&mut self, _: &mut Flow<()>, _: Slot, _: Direction, chunk: Chunk<'_>, _: Timestamp) {
        black_box(chunk);
    }

    fn event(&mut self, _: &'static Event) {}

    fn contact(&mut self, _: &Flow<()>, _: Contact) {}

    fn ended(&mut self, _: &mut Flow<()>, _: Slot, _: FlowRecord) {}
}

#[divan::bench]
fn flow_3(bencher: Bencher<'_, '_>) {
    let rounds = rounds();
    let options = decode::Options::default();
    bencher.counter(packets(&rounds)).bench_local(|| {
        let mut table = Table::<()>::new(&Limits::default());
        for batch in &rounds {
            for frame in &batch.frames {
                let (bytes, now) = (batch.bytes(frame), frame.timestamp);
                let mut sub = 0;
                decode::decode(frame.link, bytes, frame.wire, &options, &mut |headers, inner| {
                    let payload = headers.payload(inner);
                    table.packet(frame.sequence, sub, now, headers, payload, &mut Nobody);
                    sub += 1;
                });
            }
            table.sweep();
        }
        table.stats()
    });
}

/// A whole worker over the rounds; `write` has its records written as EVE.
fn work(rounds: &[Batch], ruleset: Option<&Arc<Ruleset>>, write: bool) -> usize {
    let mut worker = Worker::new(WorkerOptions {
        files: rivellino::file::Wants::NOTHING,
        decode: decode::Options::default(),
        checksums: Checksums::Ignore,
        limits: Limits::default(),
        ruleset: ruleset.map(Arc::clone),
        activity: true,
        arp: false,
    });
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let (mut last, mut now) = (0, Timestamp::default());
    let mut tell = |records: Vec<rivellino::record::Record>| {
        for record in records.iter().filter(|_| write) {
            eve::write(record, 0, &mut lines);
        }
        bytes += lines.len();
        lines.clear();
    };
    for batch in rounds {
        for frame in &batch.frames {
            (last, now) = (frame.sequence, now.max(frame.timestamp));
        }
        tell(worker.round(batch, last, now));
    }
    tell(worker.finish(last, now));
    bytes
}

#[divan::bench]
fn protocols_4(bencher: Bencher<'_, '_>) {
    let rounds = rounds();
    bencher.counter(packets(&rounds)).bench_local(|| work(&rounds, None, false));
}

#[divan::bench]
fn detect_5_bundled(bencher: Bencher<'_, '_>) {
    let rounds = rounds();
    let loaded = load(&[], &mut Variables::default()).unwrap();
    bencher.counter(packets(&rounds)).bench_local(|| work(&rounds, Some(&loaded.ruleset), false));
}

#[divan::bench]
fn outputs_6(bencher: Bencher<'_, '_>) {
    let rounds = rounds();
    let loaded = load(&[], &mut Variables::default()).unwrap();
    bencher.counter(packets(&rounds)).bench_local(|| work(&rounds, Some(&loaded.ruleset), true));
}
