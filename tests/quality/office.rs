//! The hours of an office in which nothing happens: what is told for nothing.

use std::collections::BTreeMap;

use rivellino::anomaly::Settings;
use rivellino::anomaly::suppress::{Quiet, networks};

use super::keep;
use crate::support::engine::Engine;
use crate::support::findings::{Told, heard};
use crate::support::office::wire::{HOUR, MINUTE};
use crate::support::office::{MIDNIGHT, Office};

/// Hours that are listened to; `OFFICE_HOURS` asks for more, from midnight and in full.
const HOURS: u64 = 6;
const FULLNESS: f64 = 0.02;
/// Calls for somebody's attention, in a day; incidents from medium on make them.
const LOUD_MAX: usize = 1;
/// The machine that takes the inventory, with leave.
const SCANNER: [u8; 4] = [192, 168, 10, 16];

fn office(seed: u64) -> (Office, u64) {
    let asked = std::env::var("OFFICE_HOURS").ok().and_then(|hours| hours.parse().ok());
    let mut office = Office::day(seed, asked.unwrap_or(HOURS));
    office.fullness = FULLNESS;
    if let Some(hours) = asked {
        office.start = MIDNIGHT;
        office.fullness = 0.2;
        return (office, hours.div_ceil(24));
    }
    (office, 1)
}

#[test]
fn an_office_is_left_in_peace() {
    let (office, days) = office(7);
    // The inventory is known to those who have ordered it.
    let inventory = Quiet {
        name: "inventory".to_owned(),
        sources: Some(networks(["192.168.10.16"]).unwrap()),
        ..Quiet::default()
    };
    let settings = Settings { suppressions: vec![inventory], ..Settings::default() };
    let heard = heard(Box::new(office.traffic()), 2, &settings);
    assert!(heard.suppressed > 0, "the inventory is one that is found");
    let of_scanner = heard.findings.iter().filter(|told| told.ends[0] == Some(SCANNER.into()));
    assert_eq!(of_scanner.count(), heard.suppressed, "all of it, and nothing else, is silenced");
    let packets = heard.packets;
    let calls: Vec<String> = heard
        .notifications()
        .iter()
        .map(|incident| format!("{}: {}", incident.title_en, incident.explain_en))
        .collect();
    let told: Vec<Told> = heard.findings.into_iter().filter(|told| !told.names(SCANNER)).collect();
    let mut counts: BTreeMap<(&str, u32, &str), usize> = BTreeMap::new();
    for one in &told {
        *counts.entry((one.detector, one.sid, one.level.name())).or_default() += 1;
    }
    let mut table = "# What an office is told for nothing\n\n| detector | sid | level | times |\n| --- | --- | --- | --- |\n".to_owned();
    for ((detector, sid, level), count) in counts {
        table += &format!("| {detector} | {sid} | {level} | {count} |\n");
    }
    println!("{packets} packets\n{table}");
    for one in &told {
        println!("{} {} {}: {} | {}", one.at, one.detector, one.level.name(), one.title, one.text);
    }
    assert!(
        calls.len() <= LOUD_MAX * days as usize,
        "{} calls in {days} days:\n{}",
        calls.len(),
        calls.join("\n")
    );
    if std::env::var_os("OFFICE_HOURS").is_none() {
        keep("office.md", &table);
    }
}

/// What is made is what it says: parsers take it, and find nothing wrong with it.
#[test]
fn the_office_speaks_as_real_programs_do() {
    let mut office = Office::day(3, 1);
    office.start = MIDNIGHT + 9 * HOUR + 50 * MINUTE;
    office.length = 3 * HOUR / 2;
    office.fullness = FULLNESS;
    let engine = Engine { all_anomalies: true, ..Engine::default() };
    let (lines, report) = engine.run(Box::new(office.traffic()));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut flows: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_slice(line).unwrap();
        let kind = event["event_type"].as_str().unwrap().to_owned();
        if kind == "anomaly" {
            let name = event["anomaly"]["event"].as_str().unwrap_or_default();
            *wrong.entry(format!("{name} {}", event["dest_port"])).or_default() += 1;
        }
        if kind == "flow" {
            *flows.entry(event["app_proto"].as_str().unwrap_or("none").to_owned()).or_default() +=
                1;
        }
        *kinds.entry(kind).or_default() += 1;
    }
    println!("{} packets\n{kinds:?}\n{flows:?}\n{wrong:?}", report.stats.packets);
    for kind in ["dns", "tls", "http", "smtp", "smb", "sip", "dhcp", "ssh", "snmp", "modbus"] {
        assert!(kinds.contains_key(kind), "no {kind}: {kinds:?}");
    }
    let anomalies: usize = wrong.values().sum();
    assert!(anomalies * 1000 < report.stats.packets as usize, "{wrong:?}");
}

/// Writes the capture of an office to the file that `OFFICE_PCAP` names: `OFFICE_HOURS` hours from
/// eight in the morning.
#[test]
#[ignore = "makes a large file, on request"]
fn write_the_capture() {
    use std::io::Write;
    let path = std::env::var_os("OFFICE_PCAP").expect("OFFICE_PCAP names the file");
    let hours = std::env::var("OFFICE_HOURS").ok().and_then(|hours| hours.parse().ok());
    let fullness = std::env::var("OFFICE_FULLNESS").ok().and_then(|share| share.parse().ok());
    let mut office = Office::day(7, hours.unwrap_or(HOURS));
    office.fullness = fullness.unwrap_or(0.3);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    // Nanoseconds, version 2.4, zone, accuracy, most bytes, Ethernet.
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.write_all(&word.to_le_bytes()).unwrap();
    }
    let mut traffic = office.traffic();
    while let Some((at, frame)) = traffic.frame() {
        let length = frame.len() as u32;
        for word in [(at / 1_000_000_000) as u32, (at % 1_000_000_000) as u32, length, length] {
            file.write_all(&word.to_le_bytes()).unwrap();
        }
        file.write_all(&frame).unwrap();
    }
    file.flush().unwrap();
}
