//! Rule cases of a public test suite against what Suricata 8.0.6 recorded for them: the same
//! alerts, as often, or a reason why not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Cases that differ, and why. One that agrees again must leave the list.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "bug-1401-02",
        "there who sends the first packet is the client, here a SYN/ACK is the server's",
    ),
    (
        "bug-1450-02",
        "a certificate that cannot be read raises one event of our parser, others there",
    ),
    (
        "bug-1450-03",
        "a certificate that cannot be read raises one event of our parser, others there",
    ),
    (
        "bug-5464-verdict-06",
        "`reject` within a tunnel ends the outer flow there; of two alerts the cause is not found",
    ),
    ("bug-7199", "cause not found: a header rule alerts on one packet more before the pass rule"),
    ("bug-7725-01", "`drop` of what is within a tunnel ends the outer flow there"),
    ("bug-7725-02", "`drop` of what is within a tunnel ends the outer flow there"),
    ("datasets-memcap-01", "memcap of sets has no effect here"),
    (
        "detect-app-layer-protocol-05",
        "the protocols of the two directions are not told apart by the keyword",
    ),
    ("detect-app-layer-state-01", "a stage that was passed is not told again"),
    ("enip-keywords", "connections of plants are followed from wherever they are first seen here"),
    ("eve-payload-07-http-gap", "each stretch of a stream with a gap alerts here"),
    ("flow-drop-iponly-01", "`drop` ends no inspection here: nothing was dropped"),
    ("flow-drop-iponly-02", "`drop` ends no inspection here: nothing was dropped"),
    ("flow-tx-cnt", "until the answer the reference engine takes every share for one of files"),
    ("http-evader/http-evader-116-lzma", "LZMA as a content coding is not undone"),
    ("http-sha256-drop", "a file above the body limit has a hash here"),
    (
        "http-sha256-drop-02",
        "the suite itself expects the alert that comes here and was not recorded",
    ),
    ("http2-host", "`drop` ends no inspection here: nothing was dropped"),
    (
        "ips/firewall-03-tcp-tls-enforce",
        "a protocol is known with its bytes here, with their acknowledgement there",
    ),
    (
        "ips/firewall-04-tls-sni-enforce",
        "a protocol is known with its bytes here, with their acknowledgement there",
    ),
    (
        "ips/firewall-06-tls-sni-enforce",
        "a protocol is known with its bytes here, with their acknowledgement there",
    ),
    ("rule-hooks/http-body-hook-01", "a hook fires once here, at each progress there"),
    ("smb-eicar-overlap", "cause not found: one overlap of a file more there"),
    ("smb-filename", "until the answer the reference engine takes every share for one of files"),
    (
        "util-action-tests/util-action-03",
        "data before the SYN/ACK are kept for the stream here, which never begins",
    ),
    (
        "util-action-tests/util-action-04",
        "data before the SYN/ACK are kept for the stream here, which never begins",
    ),
];

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

/// Rules with `tag` keep as many packets as the reference engine was seen to.
#[test]
fn packets_are_kept_as_recorded() {
    let Some(corpus) = crate::support::corpus("kept packets") else { return };
    let tests = corpus.join("suricata-verify/tests");
    let out = tempfile::tempdir().unwrap();
    for (case, packets) in [("eve-tag-02", 8), ("eve-tag-04", 8), ("eve-tag-05", 14)] {
        let status = Command::new(env!("CARGO_BIN_EXE_rivellino"))
            .args(["replay", "--no-anomaly", "-S"])
            .arg(tests.join(case).join("test.rules"))
            .arg("-o")
            .arg(out.path())
            .arg(tests.join("ssh-banner-only/input.pcap"))
            .output()
            .unwrap();
        assert!(status.status.success(), "{case}: {status:?}");
        let eve = std::fs::read_to_string(out.path().join("eve.json")).unwrap();
        let kept = eve.lines().filter(|line| line.contains(r#""event_type":"packet""#));
        assert_eq!(kept.count(), packets, "{case}");
    }
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
