//! Hostile input is the normal case: mutated frames and conversations through everything, with
//! every rule there is. Nothing panics, and limits hold.

use std::path::Path;
use std::time::{Duration, Instant};

use rivellino::capture::{self, Batch, Progress};
use rivellino::decode::{self, fuzz_decode};
use rivellino::detect::fuzz_rules;
use rivellino::flow::{Limits, Midstream, fuzz_table, tcp::fuzz_stream};
use rivellino::net::Direction;
use rivellino::protocols::identify::fuzz_session;
use rivellino::protocols::{Carrier, PROTOCOLS, http::fuzz_http, modbus::fuzz_modbus};

use crate::streams::event_options;
use crate::support::engine::{Engine, rules};
use crate::support::packets::{Frames, LINK_RAW, Segment, connection, datagram};
use crate::support::{files, root};

/// How long each test goes on mutating; `RIVELLINO_HOSTILE` gives other seconds.
const SECONDS: u64 = 4;
const SEED: u64 = 0x7269_7665_6c6c_696e;

/// The name of a function that takes any bytes, and the function.
type Fuzzed = (&'static str, fn(&[u8]));

/// Every function that takes any bytes. The targets of `fuzz/` call the same.
const FUZZED: &[Fuzzed] = &[
    ("fuzz_decode", fuzz_decode),
    ("fuzz_table", fuzz_table),
    ("fuzz_stream", fuzz_stream),
    ("fuzz_session", fuzz_session),
    ("fuzz_http", fuzz_http),
    ("fuzz_modbus", fuzz_modbus),
    ("fuzz_rules", fuzz_rules),
];

/// Marsaglia's xorshift: the same numbers in every run.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Changes `bytes` in a few places: flips, extremes, cuts, repeats, bytes of `other`.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        const EXTREMES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'\r', b'\n', 0x40];
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                bytes.extend_from_slice(other);
                return;
            }
            let at = self.below(bytes.len());
            match self.below(8) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 | 2 => bytes[at] = EXTREMES[self.below(EXTREMES.len())],
                3 => bytes[at] = self.next() as u8,
                4 => bytes.truncate(at),
                5 => drop(bytes.remove(at)),
                6 => {
                    let piece = bytes[at..(at + self.below(32)).min(bytes.len())].to_vec();
                    (0..=self.below(8)).for_each(|_| drop(bytes.splice(at..at, piece.clone())));
                }
                _ => {
                    let from = self.below(other.len());
                    let piece = &other[from..(from + self.below(64)).min(other.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
        }
    }
}

fn until() -> Instant {
    let seconds = std::env::var("RIVELLINO_HOSTILE").ok().and_then(|text| text.parse().ok());
    Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS))
}

/// Link type, time and bytes of the frames of a capture.
fn frames_of(path: &Path) -> Vec<(u16, rivellino::time::Timestamp, Vec<u8>)> {
    let mut source = capture::open(&[path.to_path_buf()], None).unwrap();
    let mut frames = Vec::new();
    let mut batch = Batch::default();
    while source.read(&mut batch, 512).unwrap() == Progress::More {
        let all = batch.frames.iter();
        frames.extend(all.map(|frame| (frame.link, frame.timestamp, batch.bytes(frame).to_vec())));
        batch.clear();
    }
    frames
}

/// Conversations of all protocols, one after the other, as plain bytes.
fn conversations() -> Vec<Vec<u8>> {
    let samples = PROTOCOLS.iter().flat_map(|protocol| protocol.samples);
    samples
        .map(|sample| sample.turns.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect())
        .collect()
}

/// The bundled rules, and one for every row's example and every event.
fn all_rules() -> Engine {
    let mut text = String::new();
    for path in files(&root().join("signatures")) {
        if path.extension().is_some_and(|end| end == "rules") {
            text += &std::fs::read_to_string(path).unwrap();
            text.push('\n');
        }
    }
    let mut sid = 1_000_000;
    for protocol in PROTOCOLS {
        let examples = (protocol.rows)().into_iter().map(|row| row.example.to_owned());
        let events = event_options(protocol);
        for options in examples.chain(events) {
            sid += 1;
            let name = protocol.name;
            text += &format!("alert {name} any any -> any any ({options} sid:{sid};)\n");
        }
    }
    let limits =
        Limits { flows: 256, reassembly: 1 << 20, midstream: Midstream::All, ..Limits::default() };
    let ruleset = Some(rules(&text));
    Engine { ruleset, limits, anomaly: true, all_anomalies: true, ..Engine::default() }
}

/// Replays the frames; every line is whole JSON, and the limits hold.
fn replay(engine: &Engine, frames: Frames) {
    let count = frames.frames.len() as u64;
    let (eve, report) = engine.run(Box::new(frames));
    assert_eq!(report.stats.packets, count);
    assert_eq!(report.stats.flows_active, 0, "every flow ended");
    for line in eve.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event = serde_json::from_slice::<serde_json::Value>(line);
        assert!(event.is_ok(), "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn frames_of_captures() {
    let mut random = Random(SEED);
    let engine = all_rules();
    let captures: Vec<_> = files(&root().join("pcaps"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end.to_string_lossy().contains("pcap")))
        .map(|path| frames_of(&path))
        .collect();
    let until = until();
    let mut passes = 0;
    while Instant::now() < until {
        for capture in &captures {
            let mut link = capture[0].0;
            let mut frames = Vec::new();
            for (_, timestamp, bytes) in capture {
                let mut bytes = bytes.clone();
                let other = random.below(capture.len());
                match random.below(8) {
                    // Lost, or sent twice, or untouched.
                    0 => continue,
                    1 => frames.push((*timestamp, bytes.clone())),
                    2..5 => random.mutate(&mut bytes, &capture[other].2),
                    _ => {}
                }
                frames.push((*timestamp, bytes));
            }
            if random.below(10) == 0 {
                link = [0, 1, 101, 113, 228, 276, 9][random.below(7)];
            }
            // Time that goes back must do no harm either.
            let (a, b) = (random.below(frames.len()), random.below(frames.len()));
            frames.swap(a, b);
            replay(&engine, Frames::new(link, frames));
            passes += 1;
            if Instant::now() > until {
                break;
            }
        }
    }
    println!("{passes} captures");
}

#[test]
fn conversations_of_every_protocol() {
    let mut random = Random(SEED ^ 1);
    let engine = all_rules();
    let plain = conversations();
    let until = until();
    let mut rounds = 0;
    while Instant::now() < until {
        let mut frames = Vec::new();
        let mut client = 1024;
        for protocol in PROTOCOLS {
            for sample in protocol.samples {
                client += 1;
                let port = protocol.ports[random.below(protocol.ports.len())];
                let mut segments = Vec::new();
                let mut offsets = [0usize; 2];
                for (way, bytes) in sample.turns {
                    let mut bytes = bytes.to_vec();
                    let other = random.below(plain.len());
                    random.mutate(&mut bytes, &plain[other]);
                    // A hole now and then.
                    let hole = if random.below(16) == 0 { random.below(3000) } else { 0 };
                    let offset = offsets[way.index()] + hole;
                    offsets[way.index()] = offset + bytes.len();
                    segments.extend([Some(Segment { way: *way, offset, bytes }), None]);
                }
                if protocol.carriers.contains(&Carrier::Udp) {
                    for segment in segments.iter().flatten() {
                        frames.push(datagram(segment.way, (client, port), &segment.bytes));
                    }
                }
                frames.extend(connection((client, port), &segments));
            }
        }
        replay(&engine, Frames::in_order(LINK_RAW, frames));
        rounds += 1;
    }
    println!("{rounds} rounds of all samples");
}

/// Who confuses a parser hides nothing from rules that look at the bytes.
#[test]
fn what_no_parser_understands_is_still_looked_at() {
    let text = [("to_server", 1), ("to_client", 2)].map(|(way, sid)| {
        format!(
            "alert tcp any any -> any any (flow:{way}; content:\"root:x:0:0:root\"; sid:{sid};)\n"
        )
    });
    let ruleset = Some(rules(&text.concat()));
    let engine = Engine { ruleset, ..Engine::default() };
    let mut tried = 0;
    for protocol in PROTOCOLS.iter().filter(|known| known.carriers.contains(&Carrier::Tcp)) {
        for sample in protocol.samples {
            let Some((first, greeting)) = sample.turns.first() else { continue };
            for way in [Direction::ToServer, Direction::ToClient] {
                for rubbish in [0xff, b'A'] {
                    // Both sides are not encrypted yet: only one has spoken.
                    let mut offsets = [0usize; 2];
                    let parts = [(*first, greeting.to_vec()), (way, vec![rubbish; 70_000])];
                    let needle = (way, b"\r\nroot:x:0:0:root\r\n".to_vec());
                    let segments: Vec<_> = parts
                        .into_iter()
                        .chain([needle])
                        .flat_map(|(way, bytes)| {
                            let offset = offsets[way.index()];
                            offsets[way.index()] += bytes.len();
                            [Some(Segment { way, offset, bytes }), None]
                        })
                        .collect();
                    let port = protocol.ports.first().copied().unwrap_or(9999);
                    let frames = connection((40_000, port), &segments);
                    let lines = engine.run(Box::new(Frames::in_order(LINK_RAW, frames))).0;
                    let found =
                        String::from_utf8_lossy(&lines).contains("\"event_type\":\"alert\"");
                    let name = protocol.name;
                    assert!(found, "{name}: {}, {way:?}, {rubbish:x}", sample.name);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// The same of datagrams, where nothing shows that both sides take part.
#[test]
fn what_no_parser_understands_of_datagrams_is_still_looked_at() {
    let text = "alert udp any any -> any any (content:\"root:x:0:0:root\"; sid:1;)\n";
    let engine = Engine { ruleset: Some(rules(text)), ..Engine::default() };
    let mut tried = 0;
    for protocol in PROTOCOLS.iter().filter(|known| known.carriers.contains(&Carrier::Udp)) {
        for sample in protocol.samples {
            for rubbish in [0xff, b'A'] {
                let port = protocol.ports.first().copied().unwrap_or(9999);
                let greetings = sample.turns.iter().map(|(_, bytes)| bytes.to_vec());
                let needle = b"\r\nroot:x:0:0:root\r\n".to_vec();
                let parts = greetings.chain([vec![rubbish; 1200], needle]);
                // Each is sent both ways.
                let frames = parts.flat_map(|bytes| {
                    [Direction::ToServer, Direction::ToClient]
                        .map(|way| datagram(way, (40_000, port), &bytes))
                });
                let source = Frames::in_order(LINK_RAW, frames.collect());
                let lines = String::from_utf8_lossy(&engine.run(Box::new(source)).0).into_owned();
                let found = lines.matches("\"event_type\":\"alert\"").count();
                assert!(found >= 2, "{}: {}, {rubbish:x}: {found}", protocol.name, sample.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

/// What a rule asks beside an event is not left out where no transaction has it.
#[test]
fn a_rule_that_can_match_nothing_matches_nothing() {
    use rivellino::detect::{Variables, load};
    let event = "app-layer-event:tls.invalid_record_type;";
    let text = format!(
        "alert tls any any -> any any ({event} sid:1;)\n\
         alert tls any any -> any any ({event} filesize:>10; sid:2;)\n"
    );
    let (ruleset, diagnostics, summary) =
        load(&[("vain.rules".into(), text)], &mut Variables::default());
    let vain: Vec<_> = diagnostics.iter().map(|told| (told.code, told.line)).collect();
    assert_eq!((vain, summary.loaded), (vec![("R930", 2)], 2));
    let tls = PROTOCOLS.iter().find(|protocol| protocol.name == "tls").unwrap();
    let (way, hello) = tls.samples[0].turns[0];
    let bytes = [hello, &[0xff; 100]].concat();
    let segments = [Some(Segment { way, offset: 0, bytes }), None];
    let frames = connection((40_000, 443), &segments);
    let engine = Engine { ruleset: Some(ruleset.into()), ..Engine::default() };
    let lines = engine.run(Box::new(Frames::in_order(LINK_RAW, frames))).0;
    let alerts = String::from_utf8_lossy(&lines).matches("\"signature_id\":").count();
    assert_eq!(alerts, 1, "{}", String::from_utf8_lossy(&lines));
}

#[test]
fn every_function_that_takes_any_bytes() {
    let mut random = Random(SEED ^ 2);
    let mut seeds = conversations();
    for path in files(&root().join("pcaps")) {
        if path.extension().is_some_and(|end| end.to_string_lossy().contains("pcap")) {
            seeds.extend(frames_of(&path).into_iter().take(40).map(|(_, _, bytes)| bytes));
        }
    }
    for path in files(&root().join("signatures")) {
        let text = std::fs::read_to_string(path).unwrap();
        seeds
            .extend(text.lines().filter(|l| l.starts_with("alert")).map(|l| l.as_bytes().to_vec()));
    }
    // Sessions read the directions and lengths of their pieces from the bytes.
    for protocol in PROTOCOLS {
        for sample in protocol.samples {
            let mut seed = vec![0, protocol.ports.first().map_or(0, |_| 1)];
            for (way, bytes) in sample.turns {
                for piece in bytes.chunks(255) {
                    seed.push(u8::from(*way == Direction::ToClient));
                    seed.push(piece.len() as u8);
                    seed.extend_from_slice(piece);
                }
            }
            seeds.push(seed);
        }
    }
    for (_, function) in FUZZED {
        seeds.iter().for_each(|seed| function(seed));
    }
    let until = until();
    let mut calls = 0u64;
    while Instant::now() < until {
        for (_, function) in FUZZED {
            let mut bytes = seeds[random.below(seeds.len())].clone();
            let other = random.below(seeds.len());
            random.mutate(&mut bytes, &seeds[other]);
            function(&bytes);
            calls += 1;
        }
    }
    println!("{calls} calls");
}

/// A frame cut at every byte, for every link type that is known or not.
#[test]
fn frames_cut_at_every_byte() {
    for path in files(&root().join("pcaps")) {
        if !path.extension().is_some_and(|end| end.to_string_lossy().contains("pcap")) {
            continue;
        }
        for (link, _, bytes) in frames_of(&path).iter().take(30) {
            for cut in 0..bytes.len() {
                let options = decode::Options::default();
                let part = &bytes[..cut];
                for link in [*link, LINK_RAW, 0, 113, 276, u16::MAX] {
                    decode::decode(link, part, bytes.len() as u32, &options, &mut |headers, _| {
                        assert!(headers.payload(part).len() <= cut);
                    });
                    // What deals frames out sees the same as what reads them.
                    for wire in [bytes.len() as u32, part.len() as u32, u32::MAX, 0] {
                        let mut first = None;
                        decode::decode(link, part, wire, &options, &mut |headers, _| {
                            first =
                                first.or(Some(headers.ip.map(|ip| (ip.source, ip.destination))));
                        });
                        assert_eq!(decode::address_pair(link, part, wire), first.flatten());
                    }
                }
            }
        }
    }
}

/// No function that is meant for any bytes is left out, here or in `fuzz/`.
#[test]
fn every_fuzz_function_is_called() {
    let targets: String = files(&root().join("tests/fuzz/targets"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for path in files(&root().join("src")) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for (at, _) in text.match_indices("pub fn fuzz_") {
            let name = text[at + "pub fn ".len()..].split('(').next().unwrap();
            let called = FUZZED.iter().any(|(known, _)| *known == name);
            assert!(called, "{}: {name} is not called by this test", path.display());
            assert!(targets.contains(name), "{}: {name} has no fuzz target", path.display());
        }
    }
}
