//! `rivellino rules` as people run it: exit codes, messages, what is printed.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::root;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A rule file in a folder that goes away with the first value.
fn rule_file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.rules");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

const GOOD: &str = "alert tcp any any -> any any (msg:\"x\"; content:\"needle\"; sid:7; rev:2;)\n";
const BAD: &str = "alert tcp any any -> any any (msg:\"y\"; contnet:\"z\"; sid:8;)\n";

#[test]
fn check_tells_what_is_wrong_and_refuses_only_when_nothing_is_left() {
    // Some editors put a mark before the first rule.
    let unended = "alert tcp any any -> any any (msg:\"z\"; content:\"a\" sid:9;)\n";
    let (_folder, path) = rule_file(&format!("\u{feff}{GOOD}{BAD}nothing\n{unended}"));
    let checked = run(&["rules", "check", path.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let said = out(&checked);
    let mut rest = said.as_str();
    for part in [
        "local.rules:2:",
        "did you mean `content`?",
        "local.rules:3:",
        "local.rules:4:",
        "put `;` behind the closing quote",
        "1 files: 1 rules loaded, 3 failed, 0 skipped",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is not in order in:\n{said}"));
        rest = &rest[at..];
    }
    let vain = "alert dns any any -> any any (http.uri; content:\"/a\"; sid:10;)\n";
    let (_folder, path) = rule_file(&format!("{GOOD}{vain}"));
    let checked = run(&["rules", "check", path.to_str().unwrap()]);
    let said = out(&checked);
    assert!(said.contains("warning[R930]") && said.contains("local.rules:2:"), "{said}");
    assert!(said.contains("2 rules loaded, 0 failed"), "{said}");
    // Old files are in Latin-1: what would never be found is told.
    let latin = b"alert tcp any any -> any any (msg:\"caf\xe8\"; content:\"caff\xe8\"; sid:11;)\n";
    std::fs::write(&path, latin).unwrap();
    let checked = run(&["rules", "check", path.to_str().unwrap()]);
    assert!(out(&checked).contains("`|e8|`"), "{}", out(&checked));
    let (_folder, path) = rule_file(BAD);
    let checked = run(&["rules", "check", "-S", path.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let missing = run(&["rules", "check", "-S", "no/such.rules"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(err(&missing).contains("no/such.rules"), "{}", err(&missing));
}

#[test]
fn list_as_json_has_every_rule_once() {
    let listed = run(&["rules", "list", "--json"]);
    assert_eq!(listed.status.code(), Some(0), "{}", err(&listed));
    let rules: Vec<Value> =
        out(&listed).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut sids: Vec<u64> = rules.iter().map(|rule| rule["sid"].as_u64().unwrap()).collect();
    assert!(sids.len() > 50, "{}", sids.len());
    sids.dedup();
    assert_eq!(sids.len(), rules.len());
    let gated = rules.iter().filter(|rule| rule["fast_pattern"]["content"].is_string()).count();
    assert!(gated * 2 > rules.len(), "{gated} of {} have a fast pattern", rules.len());
    let (_folder, path) = rule_file(GOOD);
    let listed = run(&["rules", "list", "--json", "-S", path.to_str().unwrap()]);
    let rule: Value = serde_json::from_str(&out(&listed)).unwrap();
    assert_eq!(rule["fast_pattern"]["buffer"], "payload");
    assert_eq!(rule["fast_pattern"]["content"], "needle");
    assert_eq!((&rule["rev"], &rule["line"]), (&2.into(), &1.into()));
}

#[test]
fn explain_tells_of_every_bundled_rule() {
    let listed = run(&["rules", "list", "--json"]);
    for line in out(&listed).lines() {
        let rule: Value = serde_json::from_str(line).unwrap();
        let explained = run(&["rules", "explain", &rule["sid"].to_string()]);
        assert_eq!(explained.status.code(), Some(0), "{}", err(&explained));
        let said = out(&explained);
        assert!(said.starts_with(rule["msg"].as_str().unwrap()), "{said}");
        for part in ["\nWho: ", "\nIt is looked at ", "ATT&CK technique: T", "As written:"] {
            assert!(said.contains(part), "`{part}` is not in:\n{said}");
        }
    }
    let unknown = run(&["rules", "explain", "4"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("no rule has the number 4"), "{}", err(&unknown));
}

#[test]
fn keywords_are_a_manual() {
    let all = run(&["rules", "keywords"]);
    assert!(out(&all).lines().count() > 150);
    let one = run(&["rules", "keywords", "tls.sni"]);
    assert!(out(&one).contains("buffer, tls, of the client"), "{}", out(&one));
    let slip = run(&["rules", "keywords", "htp.uri"]);
    assert_eq!(slip.status.code(), Some(1));
    assert!(err(&slip).contains("did you mean `http.uri`"), "{}", err(&slip));
}

#[test]
fn the_demo_names_the_attacks_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let replayed = run(&["replay", "-o", folder.path().to_str().unwrap(), "pcaps/demo.pcap"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", err(&replayed));
    let said = out(&replayed);
    for part in ["Log4Shell", "Shellshock", "SQL injection", "Vertical TCP scan", "[en]", "[it]"] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
    let eve = std::fs::read_to_string(folder.path().join("eve.json")).unwrap();
    assert!(eve.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[test]
fn profile_tells_what_each_rule_costs() {
    let (_folder, path) = rule_file(
        "alert http any any -> any any (msg:\"asked\"; http.method; content:\"GET\"; sid:1;)\n\
         alert http any any -> any any (msg:\"sought\"; http.method; content:\"GET\"; \
         http.uri; content:\"not there at all\"; fast_pattern; sid:2;)\n\
         alert http any any -> any any (msg:\"not so\"; http.method; content:\"GET\"; \
         http.uri; content:!\"/\"; sid:3;)\n",
    );
    let rules = path.to_str().unwrap();
    let capture = root().join("pcaps/web-attacks.pcap");
    let capture = capture.to_str().unwrap();
    let profile = ["rules", "profile", "-S", rules, "--home-net", "any", capture];
    let told = run(&profile);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    let table = out(&told);
    assert!(table.contains("candidates") && table.contains("1:1"), "{table}");
    let told = run(&[&profile[..], &["--json"]].concat());
    let rows: Vec<Value> =
        out(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |sid: u64, key: &str| {
        let row = rows.iter().find(|row| row["sid"] == sid);
        row.map(|row| row[key].as_u64().unwrap())
    };
    // A rule whose fast pattern is not there never comes into question.
    assert_eq!(count(2, "candidates"), None);
    let asked = count(1, "candidates").unwrap();
    assert!(asked > 0);
    assert_eq!((count(1, "evaluations"), count(1, "matches")), (Some(asked), Some(asked)));
    assert_eq!((count(3, "evaluations"), count(3, "matches")), (Some(asked), Some(0)));
    let shares: f64 = rows.iter().map(|row| row["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-6, "{shares}");
    // What could not be read is told, as by a replay.
    let (_folder, path) = rule_file(&format!("{GOOD}{BAD}"));
    let told = run(&["rules", "profile", "-S", path.to_str().unwrap(), "not/there.pcap"]);
    assert_eq!(told.status.code(), Some(2));
    let said = err(&told);
    assert!(said.contains("not/there.pcap") && said.contains("contnet"), "{said}");
    let times: Vec<f64> = rows.iter().map(|row| row["total_us"].as_f64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b) && times.iter().all(|time| *time > 0.0), "{times:?}");
    let missing = run(&["rules", "profile", "-S", rules, "no/such.pcap"]);
    assert_eq!(missing.status.code(), Some(2), "{}", err(&missing));
}
