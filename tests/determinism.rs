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
