//! Bytes a second of each protocol's parser, over its samples.

#![allow(missing_docs, reason = "a benchmark has no users")]

use divan::Bencher;
use divan::counter::BytesCount;
use rivellino::net::Chunk;
use rivellino::protocols::{Moment, PROTOCOLS, Protocol, Signal};
use rivellino::time::Timestamp;

fn main() {
    divan::main();
}

fn names() -> impl Iterator<Item = &'static str> {
    PROTOCOLS.iter().map(|protocol| protocol.name)
}

/// Parses every sample once, transactions taken as the engine takes them; how many there were.
fn parse(protocol: &Protocol, signals: &mut Vec<Signal>) -> usize {
    let mut taken = 0;
    let Some(carrier) = protocol.carriers.first() else { return 0 };
    let server_port = protocol.ports.first().copied().unwrap_or_default();
    let moment = Moment {
        now: Timestamp::default(),
        carrier: *carrier,
        server_port,
        files: rivellino::file::Wants::NOTHING,
    };
    for sample in protocol.samples {
        let mut parser = (protocol.parser)();
        for (direction, bytes) in sample.turns {
            parser.parse(*direction, Chunk::Data(bytes), &moment, signals);
            for signal in signals.drain(..) {
                if let Signal::Done { transaction } = signal {
                    taken += usize::from(parser.take(transaction).is_some());
                }
            }
        }
    }
    taken
}

#[divan::bench(args = names())]
fn samples(bencher: Bencher<'_, '_>, name: &str) {
    let Some(protocol) = PROTOCOLS.iter().find(|protocol| protocol.name == name) else { return };
    let turns = protocol.samples.iter().flat_map(|sample| sample.turns);
    let bytes: usize = turns.map(|(_, bytes)| bytes.len()).sum();
    let mut signals = Vec::new();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| parse(protocol, &mut signals));
}
