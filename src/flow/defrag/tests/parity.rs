//! Events of decoding and defragmentation against what the reference engine alerted on.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::path::Path;

use super::*;

/// How many packets of a capture have the event `name`, reassembled datagrams among them.
fn count(path: &Path, name: &str) -> u64 {
    let mut capture = pcap::Capture::from_file(path).unwrap();
    let link = capture.get_datalink().0 as u16;
    let mut defrag = Defrag::new(DefragLimits::default());
    let options = Options::default();
    let mut count = 0;
    while let Ok(packet) = capture.next_packet() {
        let seconds = u64::try_from(packet.header.ts.tv_sec).unwrap();
        let micros = u64::try_from(packet.header.ts.tv_usec).unwrap();
        let now = Timestamp::new(seconds, micros * 1000);
        decode(link, packet.data, packet.header.len, &options, &mut |headers, slice| {
            let has = |headers: &Headers| headers.events.iter().flatten().any(|e| e.name == name);
            let mut hit = has(headers);
            let outcome = defrag.packet(now, headers, slice, &mut |event| {
                hit |= event.name == name;
            });
            count += u64::from(hit);
            if let DefragOutcome::Complete(whole) = outcome {
                decode_network(headers, &whole, &options, &mut |headers, _| {
                    count += u64::from(has(headers));
                });
            }
        });
    }
    count
}

/// The event and the sid of a rule that asks for a decode event.
fn wanted(rule: &str) -> Option<(&str, &str)> {
    let after = |key: &str| {
        let rest = rule.split_once(key)?.1.trim_start();
        Some(rest.split_once(';')?.0.trim())
    };
    let silent = rule.starts_with('#') || (rule.starts_with("pass") && !rule.contains(" alert;"));
    (!silent).then_some(())?;
    Some((after("decode-event:")?, after("sid:")?))
}

#[test]
fn events_are_those_of_the_reference() {
    let Some(root) = std::env::var_os("RIVELLINO_CORPUS") else {
        eprintln!("skipped: RIVELLINO_CORPUS is not set");
        return;
    };
    let root = Path::new(&root).join("suricata-verify");
    let mut compared = 0;
    let mut different = Vec::new();
    for line in std::fs::read_to_string(root.join("cases.jsonl")).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (Some(capture), Some(rules)) = (case["pcap"].as_str(), case["rules"].as_str()) else {
            continue;
        };
        let rules = std::fs::read(root.join(rules)).unwrap_or_default();
        for (name, sid) in String::from_utf8_lossy(&rules).lines().filter_map(wanted) {
            let expected = case["alerts"][sid].as_u64().unwrap_or(0);
            let found = count(&root.join(capture), name);
            compared += 1;
            if found != expected {
                different.push(format!("{capture} {name}: {found}, expected {expected}"));
            }
        }
    }
    eprintln!("{compared} compared");
    assert!(compared > 0 && different.is_empty(), "{different:#?}");
}
