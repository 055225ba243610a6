//! Rule cases of a public test suite against what Suricata 8.0.6 recorded for them: the same
//! alerts, as often, or a reason why not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Cases that differ, and why. One that agrees again must leave the list.
const DIFFERENT: &[(&str, &str)] = &[];

/// Cases that agree, of a hundred, at least.
const AGREE_PERCENT: usize = 92;

/// How often each rule alerted.
type Alerts = BTreeMap<String, u64>;

#[test]
fn cases_alert_as_recorded_or_say_why_not() {
    let Some(corpus) = crate::support::corpus("recorded rule cases") else { return };
    let base = corpus.join("suricata-verify");
    let Ok(cases) = std::fs::read_to_string(base.join("cases.jsonl")) else {
        println!("parity: no recorded cases, skipped");
        return;
    };
    let cases: Vec<Value> = cases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let half = cases.len().div_ceil(2);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> =
            cases.chunks(half.max(1)).map(|part| scope.spawn(|| differing(&base, part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let known = |line: &String| {
        let name = line.split(' ').next().unwrap_or_default();
        DIFFERENT.iter().any(|(known, _)| *known == name)
    };
    let news: Vec<&String> = problems.iter().filter(|line| !known(line)).collect();
    let found: Vec<&str> = problems.iter().filter_map(|line| line.split(' ').next()).collect();
    let mended: Vec<&str> =
        DIFFERENT.iter().map(|(name, _)| *name).filter(|name| !found.contains(name)).collect();
    println!("parity: {} of {} cases agree", cases.len() - problems.len(), cases.len());
    assert!(news.is_empty(), "differ without a reason: {news:#?}");
    assert!(mended.is_empty(), "agree again, take them off the list: {mended:?}");
    assert!((cases.len() - problems.len()) * 100 >= cases.len() * AGREE_PERCENT);
}

/// The cases whose alerts differ: name, what was recorded, what came.
fn differing(base: &Path, cases: &[Value]) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let mut differ = Vec::new();
    for case in cases {
        let name = case["test"].as_str().unwrap();
        let recorded: Alerts = serde_json::from_value(case["alerts"].clone()).unwrap();
        let rules = base.join(case["rules"].as_str().unwrap());
        let status = Command::new(env!("CARGO_BIN_EXE_rivellino"))
            .args(["replay", "--no-anomaly", "--checksums", "ignore", "-S"])
            .arg(&rules)
            .arg("-o")
            .arg(out.path())
            .arg(base.join(case["pcap"].as_str().unwrap()))
            .current_dir(rules.parent().unwrap())
            .output()
            .unwrap();
        assert!(matches!(status.status.code(), Some(0 | 2)), "{name}: {status:?}");
        let eve = out.path().join("eve.json");
        let came = alerts(&std::fs::read_to_string(&eve).unwrap_or_default());
        let _ = std::fs::remove_file(&eve);
        if came != recorded {
            differ.push(format!("{name} recorded {recorded:?} came {came:?}"));
        }
    }
    differ
}

fn alerts(eve: &str) -> Alerts {
    let mut alerts = Alerts::new();
    for line in eve.lines().filter(|line| line.contains("\"alert\"")) {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["event_type"] == "alert" {
            *alerts.entry(event["alert"]["signature_id"].to_string()).or_default() += 1;
        }
    }
    alerts
}
