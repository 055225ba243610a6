//! The same input gives the same output, byte for byte, whatever the number of workers.

use std::path::PathBuf;
use std::sync::Arc;

use rivellino::capture;

use crate::golden::cases;
use crate::support::engine::{Engine, difference, rules};
use crate::support::{corpus, files};

/// Captures of the corpus that are replayed unless `RIVELLINO_ALL` is set.
const SAMPLE: usize = 60;
/// Bytes of a capture in the sample at most.
const SAMPLE_BYTES: u64 = 200_000;

/// Channels of length one and rounds of one packet cannot lock up: what must be equal then is
/// what does not depend on when a round ends.
#[test]
fn the_shortest_channels_and_rounds_do_not_lock_up() {
    for (folder, case) in cases() {
        let dir = tempfile::tempdir().unwrap();
        let capture = [case.capture(dir.path())];
        let ruleset = case.rules.as_deref().filter(|rules| *rules != "bundled").map(rules);
        let engine = |workers, round, channel| {
            let ruleset = ruleset.clone();
            let engine = Engine { ruleset, workers, round, channel, ..Engine::default() };
            let source = capture::open(&capture, None).unwrap();
            engine.run(source).0
        };
        let short = engine(1, 1, 1);
        for workers in [2, 4] {
            let other = engine(workers, 1, 1);
            assert!(other == short, "{}: {}", folder.display(), difference(&short, &other));
        }
        let usual = engine(2, rivellino::engine::ROUND_FRAMES, 1);
        let (short, usual) = (gist(&short), gist(&usual));
        assert_eq!(short, usual, "{}", folder.display());
    }
}

/// Alerts by number and transactions, sorted.
fn gist(eve: &[u8]) -> Vec<String> {
    let lines = eve.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut gist: Vec<String> = lines
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event_type"] != "flow")
        .map(|event| match event["event_type"].as_str() {
            Some("alert") => format!(
                "{} {} {} {}",
                event["timestamp"],
                event["flow_id"],
                event["tx_id"],
                event["alert"]["signature_id"]
            ),
            _ => event.to_string(),
        })
        .collect();
    gist.sort();
    gist
}

#[test]
fn captures_of_the_corpus() {
    let Some(corpus) = corpus("workers over the corpus") else { return };
    let all = std::env::var_os("RIVELLINO_ALL").is_some();
    let mut captures: Vec<PathBuf> = files(&corpus.join("captures"));
    if !all {
        let small = |path: &PathBuf| path.metadata().is_ok_and(|data| data.len() < SAMPLE_BYTES);
        captures.retain(small);
        let step = captures.len().div_ceil(SAMPLE).max(1);
        captures = captures.into_iter().step_by(step).collect();
    }
    let beside = corpus.parent().map(|dir| dir.join("rules/et-open.rules"));
    let ruleset = beside.filter(|path| path.is_file()).map(|path| {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let texts = [(Arc::from("et-open.rules"), text)];
        let mut variables = rivellino::detect::Variables::default();
        Arc::new(rivellino::detect::load(&texts, &mut variables).0)
    });
    let mut problems = Vec::new();
    let mut lines = 0;
    for path in &captures {
        let run = |workers| {
            let ruleset = ruleset.clone();
            let engine = Engine {
                ruleset,
                workers,
                anomaly: true,
                all_anomalies: true,
                ..Engine::default()
            };
            Some(engine.run(capture::open(std::slice::from_ref(path), None).ok()?).0)
        };
        let Some(first) = run(1) else { continue };
        lines += first.iter().filter(|byte| **byte == b'\n').count();
        for workers in [2, 4, 1] {
            let other = run(workers).unwrap();
            if other != first {
                let difference = difference(&first, &other);
                problems.push(format!("{}: {workers} workers: {difference}", path.display()));
            }
        }
    }
    println!(
        "{} captures, {lines} lines, {} rules",
        captures.len(),
        ruleset.map_or(0, |r| r.len())
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// More bytes than a batch may hold come before a round is complete.
#[test]
fn rounds_of_frames_as_large_as_network_cards_hand_on_end() {
    use crate::support::packets::{Frames, LINK_RAW, datagram};
    use rivellino::net::Direction;
    let frames: Vec<_> = (0..1200)
        .map(|n| datagram(Direction::ToServer, (1024 + n % 7, 9000), &vec![7; 40_000]))
        .collect();
    let run = |workers| {
        let source = Frames::in_order(LINK_RAW, frames.clone());
        let engine = Engine { workers, anomaly: true, ..Engine::default() };
        let (lines, report) = engine.run(Box::new(source));
        assert_eq!(report.stats.packets, 1200);
        lines
    };
    let first = run(1);
    assert!(first == run(2), "{}", difference(&first, &run(2)));
}

/// Frames in tunnels of VXLAN (RFC 7348): each belongs to two flows, which begin at different times.
fn tunnelled() -> Vec<Vec<u8>> {
    use crate::support::packets::{datagram, ipv4};
    use rivellino::net::Direction;
    let frame = |n: u16| {
        let inner = datagram(Direction::ToServer, (1024 + n / 7 % 1500, 5000), &[7; 40]);
        let ethernet = [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], inner.as_slice()].concat();
        let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0], ethernet.as_slice()].concat();
        let ports = [40_000 + n / 40 % 50, 4789].map(u16::to_be_bytes).concat();
        let length = (8 + vxlan.len() as u16).to_be_bytes();
        let udp = [ports.as_slice(), &length, &[0, 0], &vxlan].concat();
        ipv4([10, 0, 0, (n % 40) as u8], [192, 0, 2, 1], 17, n, 0x4000, &udp)
    };
    (0..6000).map(frame).collect()
}

/// All that workers tell of `frames`, in order, one line each: what detectors alone see, too.
fn told(frames: &[Vec<u8>], workers: usize, limits: rivellino::flow::Limits) -> Vec<String> {
    use crate::support::packets::LINK_RAW;
    use rivellino::capture::{Batch, Frame};
    use rivellino::engine::worker::{Checksums, Worker, WorkerOptions};
    use rivellino::record::{Body, Record};
    use rivellino::time::Timestamp;
    let options = || WorkerOptions {
        decode: rivellino::decode::Options::default(),
        checksums: Checksums::Ignore,
        limits,
        ruleset: None,
        files: rivellino::file::Wants::NOTHING,
        activity: true,
        arp: false,
    };
    let mut all: Vec<Worker> = (0..workers).map(|_| Worker::new(options())).collect();
    let mut lines = Vec::new();
    let mut tell = |mut records: Vec<Record>| {
        records.sort_by_key(|record| (record.sequence, record.tie));
        lines.extend(records.iter().map(|record| {
            let Record { sequence, tie, timestamp, context, body } = record;
            let burst = if let Body::Burst(burst) = body { Some(burst) } else { None };
            format!("{sequence} {tie} {timestamp:?} {:?} {context:?} {burst:?}", body.sort())
        }));
    };
    let at = |sequence: u64| Timestamp::from_nanos(1_600_000_000_000_000_000 + sequence * 1000);
    let mut last = 0;
    for round in frames.chunks(rivellino::engine::ROUND_FRAMES) {
        let mut parts: Vec<Batch> = (0..workers).map(|_| Batch::default()).collect();
        for bytes in round {
            last += 1;
            let length = bytes.len() as u32;
            let pair = rivellino::decode::address_pair(LINK_RAW, bytes, length).unwrap();
            let shard = rivellino::flow::shard_of(pair.0, pair.1);
            let part = &mut parts[rivellino::flow::group_of(shard) % workers];
            let offset = part.data.len() as u32;
            part.data.extend_from_slice(bytes);
            let (sequence, timestamp, link) = (last, at(last), LINK_RAW);
            let frame = Frame { timestamp, sequence, link, offset, captured: length, wire: length };
            part.frames.push(frame);
        }
        let work = all.iter_mut().zip(&parts);
        tell(work.flat_map(|(worker, part)| worker.round(part, last, at(last))).collect());
    }
    tell(all.iter_mut().flat_map(|worker| worker.finish(last, at(last))).collect());
    lines
}

/// Also of frames that belong to several flows, where flows end for want of room, and where more are
/// open at the end than are ended at a time.
#[test]
fn what_goes_on_in_flows_is_the_same_for_any_number_of_workers() {
    use rivellino::flow::Limits;
    let frames = tunnelled();
    for flows in [256, 16_384] {
        let limits = Limits { flows, ..Limits::default() };
        let one = told(&frames, 1, limits);
        let bursts = one.iter().filter(|line| line.contains(" Burst ")).count();
        let ended = one.iter().filter(|line| line.contains(" Flow ")).count();
        assert!(bursts >= ended && ended > 1024, "{bursts} bursts, {ended} flows");
        for workers in [2, 3, 4] {
            let other = told(&frames, workers, limits);
            let differ = one.iter().zip(&other).find(|(one, other)| one != other);
            assert!(one.len() == other.len() && differ.is_none(), "{workers}: {differ:?}");
        }
    }
}

/// What a router or a host says of a datagram belongs to the datagram's flow, but is no answer to it.
#[test]
fn an_error_of_icmp_is_no_answer() {
    use crate::support::packets::{datagram, ipv4};
    use rivellino::net::Direction;
    let sent = datagram(Direction::ToServer, (4000, 9), &[7; 40]);
    let ends = |at: usize| <[u8; 4]>::try_from(&sent[at..at + 4]).unwrap();
    let (client, server) = (ends(12), ends(16));
    let error = [&[3, 3, 0, 0, 0, 0, 0, 0], &sent[..28]].concat();
    let error = ipv4(server, client, 1, 1, 0, &error);
    let frames = vec![sent.clone(), error.clone(), sent, error];
    let told = told(&frames, 1, rivellino::flow::Limits::default());
    let bursts: Vec<&String> = told.iter().filter(|line| line.contains(" Burst ")).collect();
    assert_eq!(bursts.len(), 1, "{told:?}");
    assert!(bursts[0].contains("packets: [2, 0]"), "{bursts:?}");
    assert!(told.iter().any(|line| line.contains(" Contact ")), "{told:?}");
}

/// Also where flows end because they carry too much, and where fragments are given up for want of room.
#[test]
fn what_memory_is_short_for_is_the_same_for_any_number_of_workers() {
    use crate::support::packets::{Segment, connection, ipv4};
    use rivellino::flow::Limits;
    use rivellino::net::Direction::ToServer;
    // Heads of requests that never end: each is kept until it does.
    let head = [&b"GET / HTTP/1.1\r\n"[..], &b"X-A: bbbbbbbbbbbbbbbb\r\n".repeat(50)].concat();
    let open = |port: u16| {
        let segment = Segment { way: ToServer, offset: 0, bytes: head.clone() };
        let mut frames = connection((port, 80), &[Some(segment)]);
        // Without what ends it.
        frames.truncate(4);
        frames
    };
    let all: Vec<Vec<Vec<u8>>> = (20_000..20_900).map(open).collect();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for step in 0..4 {
        frames.extend(all.iter().filter_map(|flow| flow.get(step).cloned()));
    }
    // Of four pairs more datagrams begin than are waited for; then the ends of all of them come, those
    // that are still waited for first.
    let part = |number: u16, fragment: u16, bytes: &[u8]| {
        ipv4([10, 0, 0, (number % 4) as u8], [192, 0, 2, 1], 17, number, fragment, bytes)
    };
    for number in 0..6000u16 {
        let ports = [1024 + number, 9].map(u16::to_be_bytes).concat();
        let begin = [ports.as_slice(), &[0, 24, 0, 0], &[7; 8]].concat();
        frames.push(part(number, 0x2000, &begin));
    }
    frames.extend((0..6000).rev().map(|number| part(number, 2, &[7; 8])));
    let limits = Limits { carried: 256 << 10, ..Limits::default() };
    let one = told(&frames, 1, limits);
    let flows = |lines: &[String]| lines.iter().filter(|line| line.contains(" Flow ")).count();
    let free = told(&frames, 1, Limits::default());
    assert!(one != free, "nothing ended for what it carried");
    // Nine hundred connections, and as many datagrams of each pair as a shard waits for.
    assert!((900 + 1024..900 + 6000).contains(&flows(&one)), "{}", flows(&one));
    for workers in [2, 3, 4] {
        let other = told(&frames, workers, limits);
        let differ = one.iter().zip(&other).find(|(one, other)| one != other);
        assert!(one.len() == other.len() && differ.is_none(), "{workers}: {differ:?}");
    }
}
