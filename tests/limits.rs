//! A flood of connections that are never made, and an attack in its midst: memory stays bounded,
//! what is given up is counted, the attack is found.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rivellino::capture::{Batch, Progress, open};
use serde_json::Value;

use crate::support::root;

const SYNS: u64 = 2_000_000;
/// Of the flood, packets a second.
const RATE: u64 = 100_000;
/// Between two packets of the attack, so many of the flood.
const BETWEEN: u64 = 200;
/// What the flood's flows may take, and the whole program.
const FLOW_MEMORY_MIB: u64 = 64;
const RESIDENT_MIB: u64 = 200;

#[test]
fn a_flood_is_bounded_and_hides_no_attack() {
    let dir = tempfile::tempdir().unwrap();
    let attack = root().join("pcaps/web-attacks.pcap");
    let flood = dir.path().join("flood.pcap");
    let packets = write_flood(&flood, &frames(&attack));
    let (alone, _) = replay(&attack, &dir.path().join("alone"));
    let (summary, resident) = replay(&flood, &dir.path().join("flood"));

    let counter = |name: &str| summary["counters"][name].as_u64().unwrap();
    assert_eq!(counter("packets"), packets);
    // A connection that both sides have ended is the first to go; its last ACK, if it comes after
    // that, is a flow of its own.
    let connections = alone["counters"]["flows"].as_u64().unwrap();
    let expected = SYNS + connections..=SYNS + 2 * connections;
    assert!(expected.contains(&counter("flows")), "{} flows", counter("flows"));
    let ended: u64 = ["timeout", "reuse", "shutdown"]
        .iter()
        .map(|reason| counter(&format!("flows_ended_{reason}")))
        .sum();
    let evicted = counter("flows_evicted");
    assert_eq!(counter("flows"), counter("flows_active") + ended + evicted);
    assert!(evicted > SYNS * 9 / 10, "{evicted} evicted: memory must be too small");
    assert_eq!(summary["events"]["flow"], counter("flows"), "each is told, evicted or not");

    assert!(!signatures(&alone).is_empty());
    assert_eq!(signatures(&summary), signatures(&alone));
    let flow_memory = counter("flow_memory");
    println!("{resident} KiB resident at most, {flow_memory} bytes of flows at the end");
    assert!(flow_memory <= FLOW_MEMORY_MIB << 20);
    // Zero where there is no /proc.
    assert!(resident < RESIDENT_MIB << 10, "{resident} KiB");
}

/// Which signatures alerted, and how often.
fn signatures(summary: &Value) -> BTreeMap<u64, u64> {
    let rows = summary["found"].as_array().unwrap().iter().filter(|row| row["gid"] == 1);
    let pair =
        |row: &Value| (row["signature_id"].as_u64().unwrap(), row["count"].as_u64().unwrap());
    rows.map(pair).collect()
}

/// Replays in a process of its own: `summary.json`, and the most memory it had, KiB.
fn replay(capture: &Path, output: &Path) -> (Value, u64) {
    std::fs::create_dir(output).unwrap();
    // A gigabyte of flow records, which nobody reads.
    std::os::unix::fs::symlink("/dev/null", output.join("eve.json")).unwrap();
    let memory = FLOW_MEMORY_MIB.to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(["replay", "-n", "2", "--home-net", "any", "--flow-memory", &memory, "-o"])
        .arg(output)
        .arg(capture)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut resident = 0;
    let ended = loop {
        let read = std::fs::read_to_string(&status).unwrap_or_default();
        let most = read.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = most.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        resident = resident.max(most.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(ended.success(), "{ended}");
    let summary = std::fs::read_to_string(output.join("summary.json")).unwrap();
    (serde_json::from_str(&summary).unwrap(), resident)
}

fn frames(path: &Path) -> Vec<Vec<u8>> {
    let mut source = open(&[path.to_path_buf()], None).unwrap();
    let mut batch = Batch::default();
    let mut frames = Vec::new();
    loop {
        let progress = source.read(&mut batch, 1000).unwrap();
        frames.extend(batch.frames.iter().map(|frame| batch.bytes(frame).to_vec()));
        batch.clear();
        if progress == Progress::End {
            return frames;
        }
    }
}

/// Packets written: the flood, and spread in the midst of it the attack.
fn write_flood(path: &Path, attack: &[Vec<u8>]) -> u64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    // Magic, version 2.4, zone, accuracy, most bytes, Ethernet.
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1u32] {
        file.write_all(&word.to_le_bytes()).unwrap();
    }
    let mut put = |packet: u64, bytes: &[u8]| {
        let micros = packet * (1_000_000 / RATE);
        let length = bytes.len() as u32;
        let seconds = 1_700_000_000 + (micros / 1_000_000) as u32;
        for word in [seconds, (micros % 1_000_000) as u32, length, length] {
            file.write_all(&word.to_le_bytes()).unwrap();
        }
        file.write_all(bytes).unwrap();
    };
    let begin = SYNS / 3;
    let mut attack = attack.iter();
    let mut written = 0;
    for number in 0..SYNS {
        put(number, &syn(number));
        written += 1;
        if number >= begin
            && number % BETWEEN == 0
            && let Some(frame) = attack.next()
        {
            put(number, frame);
            written += 1;
        }
    }
    assert_eq!(attack.len(), 0, "all of the attack is in");
    written
}

/// A SYN from an address and port that come once, to one of a few servers.
fn syn(number: u64) -> [u8; 54] {
    // Mixes the number's bits, and takes none twice: an odd factor modulo a power of two.
    let mixed = (number as u32).wrapping_mul(0x9e37_79b1);
    let mut frame = [0; 54];
    let parts: [(usize, &[u8]); 8] = [
        (0, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]),
        (14, &[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6]),
        (26, &mixed.to_be_bytes()),
        (30, &[198, 51, 100, (number % 4) as u8]),
        (34, &(1024 + (number % 60_000) as u16).to_be_bytes()),
        (36, &443u16.to_be_bytes()),
        (38, &mixed.to_be_bytes()),
        (46, &[0x50, 2, 0xff, 0xff]),
    ];
    for (at, bytes) in parts {
        frame[at..at + bytes.len()].copy_from_slice(bytes);
    }
    frame
}

/// A stage that panics ends the run with its panic, however many workers there are: a sensor that has
/// lost a stage must not look as if it worked.
#[test]
fn a_panic_of_a_stage_is_not_swallowed() {
    use rivellino::anomaly::Behaviour;
    use rivellino::capture::{CaptureError, Source, SourceStats};
    use rivellino::engine::merge::Merge;
    use rivellino::engine::worker::{Checksums, WorkerOptions};
    use rivellino::engine::{self, Live, Setup};
    use rivellino::net::Direction;
    use rivellino::outputs::Output;
    use rivellino::record::Record;
    use rivellino::time::Timestamp;

    use crate::support::packets::{Frames, LINK_RAW, datagram};

    struct Broken;
    impl Output for Broken {
        fn record(&mut self, _: &Record) {}
        fn round(&mut self, _: Timestamp, _: bool) {
            std::panic::panic_any("the output broke");
        }
        fn finish(&mut self, _: Timestamp) -> Vec<String> {
            Vec::new()
        }
    }
    /// A wire that never ends.
    struct Silent;
    impl Source for Silent {
        fn read(&mut self, _: &mut Batch, _: usize) -> Result<Progress, CaptureError> {
            std::thread::sleep(Duration::from_millis(1));
            Ok(Progress::Idle)
        }
        fn stats(&mut self) -> SourceStats {
            SourceStats::default()
        }
        fn warnings(&mut self) -> Vec<String> {
            Vec::new()
        }
    }
    let setup = |workers| Setup {
        workers,
        round: 8,
        channel: 1,
        worker: WorkerOptions {
            files: rivellino::file::Wants::NOTHING,
            decode: rivellino::decode::Options::default(),
            checksums: Checksums::Ignore,
            limits: rivellino::flow::Limits::default(),
            ruleset: None,
            activity: false,
            arp: false,
        },
        stop: std::sync::Arc::default(),
    };
    let broken = || Merge::new(Behaviour::off(), vec![Box::new(Broken) as Box<dyn Output>], false);
    let said = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<&str>().copied();
    for workers in [1, 2] {
        let frames = vec![datagram(Direction::ToServer, (4000, 9), b"x"); 100];
        let source: Box<dyn Source> = Box::new(Frames::in_order(LINK_RAW, frames));
        let run = std::panic::AssertUnwindSafe(|| {
            engine::replay(source, &setup(workers), &mut broken(), &mut |_| {})
        });
        let panic = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(said(panic), Some("the output broke"), "{workers}");
    }
    let sources = vec![Box::new(Silent) as Box<dyn Source>, Box::new(Silent)];
    let run = std::panic::AssertUnwindSafe(|| {
        engine::watch(sources, &setup(2), &Live::default(), &mut broken(), &mut |_, _, _| {})
    });
    let panic = std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(said(panic), Some("the output broke"));
}
