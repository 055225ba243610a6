//! Rules on their whole way: signed at the centre with a key of openssl, put into force at a site,
//! taken back.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::hub::signing_keys;

const POLICY: &str = r#"
[identity]
istat = "082053"
region = 19
cosc = 13
sensor = 1
[basis]
law = "D.Lgs. 138/2024, art. 17"
agreement = "test"
valid-until = "2999-12-31"
[sharing]
tlp-ceiling = "amber"
level = "low"
detectors = ["all"]
own-names = ["none"]
[[recipient]]
name = "COSC"
api-root = "https://localhost/hub/"
collection = "x"
tlp = "amber"
[rules]
"#;

fn rivellino(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(words)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

/// What it says when it does as asked.
fn done(folder: &Path, words: &[&str]) -> String {
    let output = rivellino(folder, words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it refuses.
fn refused(folder: &Path, words: &[&str]) -> String {
    let output = rivellino(folder, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn from_the_centre_to_the_site_and_back() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    if !signing_keys(folder, &["rules.key", "other.key"], "bundles of rules") {
        return;
    }
    for (name, path) in [("one.rules", "/one"), ("two.rules", "/two")] {
        let rule = format!(
            "alert http any any -> any any (msg:\"a path\"; http.uri; content:\"{path}\"; sid:1;)\n"
        );
        std::fs::write(folder.join(name), rule).unwrap();
    }
    let make = |key: &str, version: &str, rules: &str, to: &str| {
        let words = ["hub", "bundle", "make", "--key", key, "--version", version, "-o", to, rules];
        let said = done(folder, &words);
        said.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let key = make("rules.key", "1", "one.rules", "1.bundle");
    assert_eq!(make("rules.key", "2", "two.rules", "2.bundle"), key);
    let other = make("other.key", "3", "two.rules", "3.bundle");
    assert!(
        done(folder, &["hub", "bundle", "check", "--public", &key, "2.bundle"]).contains("signed")
    );
    refused(folder, &["hub", "bundle", "check", "--public", &other, "2.bundle"]);
    // The empty are not even made.
    std::fs::write(folder.join("none.rules"), "\n").unwrap();
    refused(
        folder,
        &["hub", "bundle", "make", "--key", "rules.key", "--version", "4", "none.rules"],
    );

    let install = |bundle| ["hub", "rules", "install", bundle];
    std::fs::write(folder.join("sharing-policy.toml"), POLICY.replace("[rules]\n", "")).unwrap();
    assert!(refused(folder, &install("1.bundle")).contains("no section [rules]"));
    let policy = format!("{POLICY}keys = [\"{key}\"]\n");
    std::fs::write(folder.join("sharing-policy.toml"), policy).unwrap();
    let in_force = |name: &str| folder.join("hub/rules/current").join(name).exists();
    assert!(done(folder, &install("1.bundle")).contains("version 1 is in force"));
    assert!(in_force("one.rules"));
    assert!(refused(folder, &install("3.bundle")).contains("none of the keys"));
    // A timer that finds nothing newer has not failed.
    let said = done(folder, &install("1.bundle"));
    assert!(said.contains("nothing newer: version 1 was in force already"), "{said}");
    assert!(in_force("one.rules"));
    done(folder, &install("2.bundle"));
    assert!(in_force("two.rules") && !in_force("one.rules"));
    let loaded = done(folder, &["rules", "check", "-S", "hub/rules/current"]);
    assert!(loaded.contains("1 rules loaded"), "{loaded}");
    assert!(done(folder, &["hub", "rules", "rollback"]).contains("version 1 is in force again"));
    assert!(in_force("one.rules"));
    assert!(done(folder, &install("2.bundle")).contains("nothing newer: version 2"));
    assert!(refused(folder, &install("1.bundle")).contains("1 is not above 2"));
    assert!(in_force("one.rules"));
    let shown = done(folder, &["hub", "rules", "show"]);
    assert!(shown.contains("only above 2"), "{shown}");
}
