//! Fuzzing by group, on a stable toolchain: seeded mutation of what is known to be right, for so
//! many seconds of processor time.
//!
//! ```text
//! cd tests/fuzz
//! cargo run --release --no-default-features --bin mutate -- capture 1800
//! cargo run --release --no-default-features --bin mutate -- text    1800
//! cargo run --release --no-default-features --bin mutate -- binary  1800
//! cargo run --release --no-default-features --bin mutate -- rules   1800
//! ```
//!
//! It does not watch which code is reached: what it finds it finds by starting from real
//! conversations, captures and rules, and by joining them. Where `cargo-fuzz` and a nightly
//! toolchain are there, `targets/` are the same functions for libFuzzer. A third number is the
//! seed; the same seed tries the same inputs. What panics, or takes longer than [`SLOW`], is
//! written to `findings/`, and the exit code is 1; `mutate GROUP FILE` tries such a file again.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rivellino::capture::{self, Batch, Progress};
use rivellino::decode::fuzz_decode;
use rivellino::detect::fuzz_rules;
use rivellino::detect::operators::OPERATORS;
use rivellino::flow::{fuzz_table, tcp::fuzz_stream};
use rivellino::net::Direction;
use rivellino::protocols::identify::fuzz_session;
use rivellino::protocols::{Carrier, PROTOCOLS, Protocol, http::fuzz_http, modbus::fuzz_modbus};

/// Protocols whose messages are lines of text; all others are binary.
const TEXT: &[&str] = &["http", "smtp", "ftp", "ftp-data", "pop3", "sip", "ssh", "websocket"];

/// An input of at most [`SIZE`] bytes that takes more processor time is a finding.
const SLOW: Duration = Duration::from_secs(2);

/// Inputs of each target between two looks at the time.
const EACH: usize = 256;

/// Bytes of an input.
const SIZE: usize = 64 << 10;

/// Seconds between two lines that tell how far it has come.
const TELL: u64 = 60;

/// A function that takes any bytes, and what is mutated for it.
struct Target {
    name: &'static str,
    call: fn(&[u8]),
    seeds: Vec<Vec<u8>>,
}

/// Marsaglia's xorshift: the same numbers for the same seed.
struct Random(u64);

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

    /// Changes `bytes` in a few places; `other` lends pieces.
    fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        const EXTREMES: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'\r', b'\n', b'%', b';', b'('];
        for _ in 0..=self.below(6) {
            if bytes.is_empty() {
                bytes.extend_from_slice(other);
            }
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(48)).min(bytes.len());
            match self.below(10) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = EXTREMES[self.below(EXTREMES.len())],
                2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(self.next() as u8 % 9),
                3 => drop(bytes.drain(at.min(end)..end)),
                4 => bytes.truncate(at),
                5 => {
                    let piece = bytes[at.min(end)..end].to_vec();
                    let times = 1 << self.below(9);
                    (0..times).for_each(|_| drop(bytes.splice(at..at, piece.iter().copied())));
                }
                6 => {
                    // A length of two or four bytes at its extremes.
                    let value = [0_u32, 1, 0x7fff, 0xffff, 0x7fff_ffff, u32::MAX][self.below(6)];
                    let width = 2 << self.below(2);
                    let value = &value.to_be_bytes()[4 - width..];
                    bytes.iter_mut().skip(at).zip(value).for_each(|(byte, new)| *byte = *new);
                }
                7 => {
                    let digits = self.next().to_string();
                    bytes.splice(
                        at..at,
                        digits.bytes().take(1 + self.below(20)).collect::<Vec<_>>(),
                    );
                }
                _ if !other.is_empty() => {
                    let from = self.below(other.len());
                    let piece = &other[from..(from + 1 + self.below(256)).min(other.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => {}
            }
            bytes.truncate(SIZE);
        }
    }
}

/// The project's folder, two above this one.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file in a folder of the project, its bytes.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|p| p.is_file()).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// The frames of a capture file that is just these bytes.
fn read_capture(bytes: &[u8], visit: &mut dyn FnMut(&[u8])) {
    let path = std::env::temp_dir().join(format!("rivellino-fuzz-{}.pcap", std::process::id()));
    std::fs::write(&path, bytes).expect("a temporary file");
    let mut batch = Batch::default();
    if let Ok(mut source) = capture::open(std::slice::from_ref(&path), None) {
        while let Ok(Progress::More) = source.read(&mut batch, 512) {
            batch.frames.iter().for_each(|frame| visit(batch.bytes(frame)));
            batch.clear();
        }
    }
    std::fs::remove_file(&path).expect("the temporary file");
}

fn fuzz_capture(bytes: &[u8]) {
    read_capture(bytes, &mut |_| {});
}

/// A sample conversation in the form that `fuzz_session` reads.
fn conversation(protocol: &Protocol, turns: &[(Direction, &[u8])]) -> Vec<u8> {
    let ports: Vec<u16> = PROTOCOLS.iter().flat_map(|other| other.ports).copied().collect();
    let wanted = protocol.ports.first();
    let port = ports.iter().position(|port| Some(port) == wanted).unwrap_or(0);
    let datagrams = !protocol.carriers.contains(&Carrier::Tcp);
    let mut out = vec![u8::from(datagrams), port as u8];
    for (way, bytes) in turns {
        for piece in bytes.chunks(0xfff) {
            let length = piece.len() as u16;
            out.push(((length >> 8) as u8) << 4 | u8::from(*way == Direction::ToClient));
            out.push(length as u8);
            out.extend_from_slice(piece);
        }
    }
    out
}

fn targets(group: &str) -> Vec<Target> {
    let of = |text: bool| PROTOCOLS.iter().filter(move |p| TEXT.contains(&p.name) == text);
    let sessions = |text: bool| {
        let samples = of(text).flat_map(|p| p.samples.iter().map(move |sample| (p, sample)));
        samples.map(|(p, sample)| conversation(p, sample.turns)).collect::<Vec<_>>()
    };
    let plain = |name: &str| {
        let samples = PROTOCOLS.iter().filter(|p| p.name == name).flat_map(|p| p.samples);
        samples.map(|s| s.turns.iter().flat_map(|t| t.1).copied().collect()).collect::<Vec<_>>()
    };
    let target = |name, call, seeds| Target { name, call, seeds };
    match group {
        "capture" => {
            let captures: Vec<_> = files("pcaps").into_iter().filter(|f| f.len() < SIZE).collect();
            let mut frames = Vec::new();
            for bytes in &captures {
                read_capture(bytes, &mut |frame| frames.push(frame.to_vec()));
            }
            frames.sort();
            frames.dedup();
            vec![
                target("file", fuzz_capture as fn(&[u8]), captures),
                target("decode", fuzz_decode, frames.clone()),
                target("table", fuzz_table, frames.clone()),
                target("stream", fuzz_stream, frames),
            ]
        }
        "text" => vec![
            target("session", fuzz_session as fn(&[u8]), sessions(true)),
            target("http", fuzz_http, plain("http")),
        ],
        "binary" => vec![
            target("session", fuzz_session as fn(&[u8]), sessions(false)),
            target("modbus", fuzz_modbus, plain("modbus")),
        ],
        "rules" => {
            let mut seeds: Vec<Vec<u8>> = files("signatures")
                .iter()
                .flat_map(|text| text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec))
                .filter(|line| line.starts_with(b"alert"))
                .collect();
            let examples = OPERATORS.iter().flat_map(|operator| operator.examples);
            seeds.extend(examples.map(|example| {
                format!("alert tcp any any -> any any ({} sid:1;)\n", example.rule).into_bytes()
            }));
            vec![target("rules", fuzz_rules as fn(&[u8]), seeds)]
        }
        _ => Vec::new(),
    }
}

/// Keeps an input that is a finding.
fn keep(group: &str, target: &str, what: &str, number: u64, input: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    std::fs::create_dir_all(&folder).expect("a folder for findings");
    let path = folder.join(format!("{group}-{target}-{what}-{number}"));
    std::fs::write(&path, input).expect("a file for a finding");
    println!("{what}: {} bytes in {}", input.len(), path.display());
}

/// Processor time of this thread, or of the clock where the kernel does not tell.
fn spent(start: Instant) -> Duration {
    // Giving way to others has the kernel bring it up to date.
    std::thread::yield_now();
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = line.split(' ').next().and_then(|text| text.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Whether it is the input that takes long, not others that keep the machine busy.
fn is_slow(call: fn(&[u8]), input: &[u8]) -> bool {
    let start = Instant::now();
    let before = spent(start);
    call(input);
    spent(start).saturating_sub(before) > SLOW
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let group = arguments.first().map_or("", String::as_str);
    let targets = targets(group);
    if targets.is_empty() {
        println!("mutate capture|text|binary|rules [SECONDS [SEED] | FILE]");
        std::process::exit(2);
    }
    if let Some(input) = arguments.get(1).and_then(|path| std::fs::read(path).ok()) {
        // A finding again.
        for target in &targets {
            let start = Instant::now();
            let before = spent(start);
            (target.call)(&input);
            println!("{}: {:?}", target.name, spent(start).saturating_sub(before));
        }
        return;
    }
    let seconds = Duration::from_secs(number(1).unwrap_or(60));
    let mut random = Random(number(2).unwrap_or(0x7269_7665_6c6c_696e).max(1));
    let (start, mut told) = (Instant::now(), 0);
    let (mut tried, mut findings) = (0_u64, 0_u64);
    while spent(start) < seconds {
        // To ask the kernel gives the processor away: not after each input.
        for target in (0..EACH).flat_map(|_| &targets) {
            let mut input = target.seeds[random.below(target.seeds.len())].clone();
            let other = target.seeds[random.below(target.seeds.len())].clone();
            random.mutate(&mut input, &other);
            tried += 1;
            let before = Instant::now();
            if catch_unwind(|| (target.call)(&input)).is_err() {
                findings += 1;
                keep(group, target.name, "panic", tried, &input);
            } else if before.elapsed() > SLOW && is_slow(target.call, &input) {
                findings += 1;
                keep(group, target.name, "slow", tried, &input);
            }
        }
        let minutes = spent(start).as_secs() / TELL;
        if minutes > told {
            told = minutes;
            println!("{group}: {minutes} min, {tried} inputs, {findings} findings");
        }
    }
    println!("{group}: {:?} of processor time, {tried} inputs, {findings} findings", spent(start));
    std::process::exit(i32::from(findings > 0));
}
