//! Incidents and suppressions, from a capture to what people read.

use std::path::PathBuf;
use std::sync::Arc;

use rivellino::anomaly::suppress::{Quiet, date, networks};
use rivellino::anomaly::{Behaviour, Settings};
use rivellino::capture;
use rivellino::control::replay::{Replay, site};
use rivellino::engine::merge::Merge;
use rivellino::engine::worker::{Checksums, WorkerOptions};
use rivellino::engine::{self, Setup};
use rivellino::outputs::metrics::Metrics;
use serde_json::Value;

use crate::support::engine::{eve_of, home, replay};
use crate::support::root;

fn scan() -> PathBuf {
    root().join("pcaps/scan-vertical.pcap")
}

/// The scanner of the capture, with leave until a day; the capture is of 22 November 2026.
fn leave(until: &str) -> Settings {
    let rule = Quiet {
        name: "provider".to_owned(),
        sources: Some(networks(["203.0.113.66"]).unwrap()),
        until: Some(date(until).unwrap()),
        reason: "yearly test of the provider".to_owned(),
        ..Quiet::default()
    };
    Settings { suppressions: vec![rule], ..Settings::default() }
}

fn events(eve: &[u8]) -> Vec<Value> {
    let lines = eve.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn an_incident_comes_after_its_finding_and_stands_first_in_the_summary() {
    let dir = tempfile::tempdir().unwrap();
    let (eve, outcome) = eve_of(&replay(&[scan()], dir.path()));
    let events = events(&eve);
    let place = |wanted: &dyn Fn(&Value) -> bool| events.iter().position(wanted).unwrap();
    let finding = place(&|event| event.get("finding").is_some());
    let opened = place(&|event| event["incident"]["status"] == "opened");
    assert_eq!(opened, finding + 1);
    let closed = place(&|event| event["incident"]["status"] == "closed");
    let (opened, closed) = (&events[opened]["incident"], &events[closed]["incident"]);
    assert_eq!((&opened["id"], &opened["level"]), (&closed["id"], &"medium".into()));
    assert_eq!((&opened["notified"], &closed["notified"]), (&true.into(), &false.into()));
    assert_eq!(opened["sources"][0], "203.0.113.66");

    let table = outcome.summary.table();
    assert!(table.starts_with("Incidents"), "{table}");
    assert!(table.contains("Port scan: 203.0.113.66 towards 192.168.10.20"), "{table}");
    assert!(table.contains("Che cosa fare ora") && table.contains("What to do now"), "{table}");
    let summary = std::fs::read(dir.path().join("summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["incidents"][0]["status"], "closed");
    assert_eq!(summary["incidents"][0]["notified"], true);
    assert_eq!(summary["notifications"], serde_json::json!({"sent": 1, "folded": 0}));
}

#[test]
fn what_is_suppressed_is_written_and_counted_but_is_no_incident() {
    let dir = tempfile::tempdir().unwrap();
    let mut replay = replay(&[scan()], dir.path());
    replay.settings = leave("2026-11-23");
    let (eve, outcome) = eve_of(&replay);
    let events = events(&eve);
    assert!(events.iter().all(|event| event["event_type"] != "incident"));
    let findings: Vec<_> = events.iter().filter_map(|event| event.get("finding")).collect();
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|found| found["suppressed"] == "yearly test of the provider"));
    let applied = &outcome.report.suppressions[0];
    assert_eq!(applied.count, findings.len() as u64);
    assert!(applied.last.is_some());
    assert!(outcome.summary.table().contains("suppressed)"), "{}", outcome.summary.table());

    // On the day itself it no longer holds.
    replay.settings = leave("2026-11-22");
    let (eve, outcome) = eve_of(&replay);
    assert!(String::from_utf8(eve).unwrap().contains("\"incident\":"));
    assert_eq!(
        (outcome.report.suppressions[0].count, outcome.report.suppressions[0].last),
        (0, None)
    );
}

/// What alerts of signatures say of theirs.
fn signatures(replay: &Replay) -> Vec<Value> {
    let of_signature =
        |event: &Value| event["event_type"] == "alert" && event.get("finding").is_none();
    let alerts = events(&eve_of(replay).0).into_iter().filter(of_signature);
    alerts.map(|event| event["alert"].clone()).collect()
}

#[test]
fn an_alert_that_is_suppressed_is_marked_and_the_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut replay = replay(&[root().join("pcaps/demo.pcap")], dir.path());
    replay.signatures = true;
    let plain = signatures(&replay);
    assert!(plain.iter().all(|alert| alert.get("suppressed").is_none()) && !plain.is_empty());
    replay.settings = leave("2027-11-23");
    let marked = signatures(&replay);
    let mark: Option<Value> = Some("yearly test of the provider".into());
    let (quiet, loud): (Vec<_>, Vec<_>) =
        marked.iter().partition(|alert| alert.get("suppressed") == mark.as_ref());
    assert_eq!(marked.len(), plain.len());
    assert!(!quiet.is_empty());
    assert!(loud.iter().all(|alert| alert.get("suppressed").is_none()));
}

fn metrics(settings: &Settings) -> String {
    let metrics = Metrics::new().unwrap();
    let behaviour = Behaviour::new(&site(home()), settings);
    let mut merge = Merge::new(behaviour, vec![Box::new(metrics.clone())], false);
    let setup = Setup {
        workers: 1,
        round: engine::ROUND_FRAMES,
        channel: engine::CHANNEL_ROUNDS,
        worker: WorkerOptions {
            files: rivellino::file::Wants::NOTHING,
            decode: rivellino::decode::Options::default(),
            checksums: Checksums::Ignore,
            limits: rivellino::flow::Limits { flows: 4096, ..Default::default() },
            ruleset: None,
            activity: true,
            arp: false,
        },
        stop: Arc::default(),
    };
    engine::replay(capture::open(&[scan()], None).unwrap(), &setup, &mut merge, &mut |_| {});
    metrics.text()
}

#[test]
fn metrics_count_incidents_calls_and_what_was_suppressed() {
    let text = metrics(&Settings::default());
    assert!(text.contains("rivellino_incidents_total{level=\"medium\"} 1"), "{text}");
    assert!(text.contains("rivellino_notifications_total{outcome=\"sent\"} 1"), "{text}");
    assert!(!text.contains("203.0.113.66"), "{text}");
    let none = metrics(&Settings { notifications: Some(0), ..Settings::default() });
    assert!(none.contains("rivellino_notifications_total{outcome=\"folded\"} 1"), "{none}");
    let quiet = metrics(&leave("2026-11-23"));
    assert!(quiet.contains("rivellino_findings_suppressed_total{detector=\"scan\"}"), "{quiet}");
    assert!(quiet.contains("rivellino_incidents_total{level=\"medium\"} 0"), "{quiet}");
}
