//! What detectors cost: memory in the worst case, and time.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;

use rivellino::anomaly::{DETECTORS, Settings};
use rivellino::capture;
use rivellino::net::{Endpoint, ip_protocol};
use rivellino::record::{Body, Burst, Contact, Context, FlowCounters, FlowRecord, Outcome, Record};
use rivellino::time::{Duration, Timestamp};

use crate::support::findings::{behaviour, found, held};
use crate::support::office::Office;
use crate::support::office::attacks::crowd;
use crate::support::office::chance::Chance;
use crate::support::office::wire::SECOND;

/// Hosts of a network that is far too large, and those of a flood with made up sources.
const HOSTS: u64 = 100_000;
const SPOOFED: u64 = 1_000_000;
/// As many, when `RIVELLINO_ALL` asks for all.
const SPOOFED_ALL: u64 = 5_000_000;
/// Machines of the crowd whose packets are made, and when `RIVELLINO_ALL` asks for all.
const CROWD: u64 = 20_000;
/// What all detectors may hold, and how much more after the flood.
const STATE_MAX: usize = 64 << 20;

fn record(number: u64, at: Timestamp, ends: (u32, u32, u16), body: Body) -> Record {
    let (source, destination, port) = ends;
    let end = |ip: u32, port| Some(Endpoint { addr: IpAddr::from(ip.to_be_bytes()), port });
    let context = Context {
        flow_id: Some(number),
        source: end(source, 1024 + (number % 60_000) as u16),
        destination: end(destination, port),
        protocol: ip_protocol::TCP,
        ip_version: 4,
        vlan: [0; 3],
        icmp: None,
    };
    Record { sequence: number, tie: 0, timestamp: at, context, body }
}

/// What is told of a short connection: its outcome, what went over it, its end.
fn connection(number: u64, at: Timestamp, ends: (u32, u32, u16), answered: bool) -> [Record; 3] {
    let outcome = if answered { Outcome::Answered } else { Outcome::Silent };
    let (packets, bytes) = if answered { ([6, 5], [900, 4000]) } else { ([1, 0], [60, 0]) };
    let burst = Burst {
        start: at,
        end: at,
        packets,
        bytes,
        cut: false,
        payload: bytes,
        filled: packets,
        flags: [0x02, if answered { 0x12 } else { 0 }],
        shut: false,
        opening: 1,
        is_first: true,
        before: [0, 0],
        began: at,
        total: bytes.map(u64::from),
        app_protocol: answered.then_some("tls"),
    };
    let counters = FlowCounters {
        packets: packets.map(u64::from),
        bytes: bytes.map(u64::from),
        start: at,
        end: at,
    };
    let flow = FlowRecord {
        counters,
        state: if answered { "closed" } else { "new" },
        reason: "timeout",
        alerted: false,
        app_protocol: answered.then_some("tls"),
        transactions: u64::from(answered),
        tcp: None,
        icmp_response: None,
        outcome,
        texts: Default::default(),
    };
    [
        record(number, at, ends, Body::Contact(Contact { start: at, outcome, flags: 2 })),
        record(number, at, ends, Body::Burst(Box::new(burst))),
        record(number, at, ends, Body::Flow(Box::new(flow))),
    ]
}

/// Resident memory, bytes; 0 where there is no /proc.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0)
        << 10
}

/// In a process of its own, so that what else is tested is not measured.
#[test]
fn state_is_bounded_for_many_hosts_and_a_flood() {
    let test = "quality::cost::many_hosts_and_a_flood_alone";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("bytes held")).collect();
    println!("{}", lines.join("\n"));
    assert!(child.status.success(), "{told}{}", String::from_utf8_lossy(&child.stderr));
}

#[test]
#[ignore = "run by the test above"]
fn many_hosts_and_a_flood_alone() {
    let mut behaviour = behaviour(&Settings::default());
    let mut found = Vec::new();
    let start = Timestamp::new(1_741_651_200, 0);
    let mut number = 0u64;
    let before = resident();
    // Ten rounds in which each host of 10.0.0.0/8 calls one of many servers, within a day.
    for round in 0..10u64 {
        for host in 0..HOSTS {
            number += 1;
            let at = start.after(Duration::from_millis(round * 8_000_000 + host * 80));
            let source = 0x0a00_0001 + host as u32;
            let destination = 0xc612_0000 + ((host * 31 + round * 7) % 50_000) as u32;
            for mut record in connection(number, at, (source, destination, 443), true) {
                behaviour.record(&mut record, &mut found);
            }
        }
        found.clear();
    }
    let sum = |memory: &[(&str, usize)]| memory.iter().map(|(_, bytes)| bytes).sum::<usize>();
    let many = behaviour.memory();
    let grown = resident().saturating_sub(before);
    println!("{HOSTS} hosts: {} bytes held, {grown} bytes resident: {many:?}", sum(&many));
    let at = start.after(Duration::from_secs(90_000));
    let all = std::env::var_os("RIVELLINO_ALL").is_some();
    let spoofed = if all { SPOOFED_ALL } else { SPOOFED };
    for flood in 0..spoofed {
        number += 1;
        let source = 0x0b00_0000 + (flood as u32).wrapping_mul(0x9e37_79b1) % 0xb000_0000;
        let at = at.after(Duration::from_nanos(flood * 10_000));
        for mut record in connection(number, at, (source, 0x0a00_0001, 80), false) {
            behaviour.record(&mut record, &mut found);
        }
        found.clear();
    }
    let flooded = behaviour.memory();
    let grown = resident().saturating_sub(before);
    println!(
        "{spoofed} spoofed: {} bytes held, {grown} bytes resident: {flooded:?}",
        sum(&flooded)
    );
    assert!(sum(&many) <= STATE_MAX && sum(&flooded) <= STATE_MAX, "{many:?} {flooded:?}");
    assert!(grown <= STATE_MAX, "{grown} bytes resident: {flooded:?}");
}

#[test]
fn every_detector_says_what_it_holds_and_can_be_switched_off() {
    for kind in DETECTORS {
        let mut settings = Settings::default();
        settings.off.insert(kind.name.to_owned());
        let behaviour = behaviour(&settings);
        assert!(!behaviour.memory().iter().any(|(name, _)| *name == kind.name));
    }
}

/// A crowd that does all that detectors remember: names, refusals, pings, hardware addresses.
#[test]
fn state_is_bounded_for_a_crowd_that_does_what_is_remembered() {
    let all = std::env::var_os("RIVELLINO_ALL").is_some();
    let machines = if all { HOSTS } else { CROWD };
    let mut office = Office::corner(9, (machines / 10 + 120) * SECOND);
    office.attacks.push(crowd(machines, Chance::new(9, "crowd"), office.start));
    let memory = held(Box::new(office.traffic()));
    let sum: usize = memory.iter().map(|(_, bytes)| bytes).sum();
    println!("a crowd of {machines}: {sum} bytes held: {memory:?}");
    assert!(sum <= STATE_MAX, "{memory:?}");
}

/// Processor time of this process so far, user and system, seconds; as `/proc` counts it.
fn used() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = text
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .map(|f| f.parse().unwrap_or(0.0))
        .collect();
    // The 14th and 15th, hundredths of a second; the second ends with the bracket.
    (fields[11] + fields[12]) / 100.0
}

/// Processor time of each detector over the capture that `RIVELLINO_LOAD` names: with it and
/// without it, in turn. Only in a profile with optimisation does it say much.
#[test]
#[ignore = "takes long and wants a quiet machine"]
fn time_of_each_detector() {
    let path =
        PathBuf::from(std::env::var_os("RIVELLINO_LOAD").expect("RIVELLINO_LOAD names a capture"));
    let measure = |settings: &Settings| {
        let source = capture::open(std::slice::from_ref(&path), None).unwrap();
        let before = used();
        found(source, 1, settings);
        used() - before
    };
    let names = || DETECTORS.iter().map(|kind| kind.name.to_owned());
    let none = Settings { off: names().collect(), ..Settings::default() };
    let with = |keeps: &dyn Fn(&str) -> bool| {
        let off = names().filter(|name| !keeps(name)).collect();
        Settings { off, ..Settings::default() }
    };
    let median = |settings: &Settings| {
        let mut shares: Vec<f64> = (0..5)
            .map(|_| {
                let base = measure(&none);
                (measure(settings) - base) / base
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        shares[2] * 100.0
    };
    println!("all: {:+.1} %", median(&with(&|_| true)));
    for name in names() {
        println!("{name}: {:+.1} %", median(&with(&|kept| kept == name)));
    }
}
