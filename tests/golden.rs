//! Each folder of `golden/` is a case: what to replay, and the lines that must come of it, whatever
//! the number of workers. `GOLDEN=update` writes the lines anew, to be read before they are kept.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::support::engine::{difference, eve_of, replay};
use crate::support::{layers, root};

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What the case shows.
    pub about: String,
    /// The capture, from the project's folder; `made:layers` is made by the tests.
    pub capture: PathBuf,
    /// Rules, or `bundled`; without it no signatures.
    pub rules: Option<String>,
    /// Networks to protect.
    pub home_net: Option<String>,
    /// Filter in the language of tcpdump.
    pub bpf: Option<String>,
    /// Whether behaviour is analysed.
    #[serde(default)]
    pub anomaly: bool,
}

/// Every case, by the name of its folder.
pub fn cases() -> Vec<(PathBuf, Case)> {
    let folder = root().join("tests/golden");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("case.toml")).unwrap();
        let case = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        (folder, case)
    };
    folders.into_iter().map(read).collect()
}

impl Case {
    /// The capture's file, which is made in `dir` when it is not a recorded one.
    pub fn capture(&self, dir: &Path) -> PathBuf {
        if self.capture != Path::new("made:layers") {
            return root().join(&self.capture);
        }
        let path = dir.join("layers.pcap");
        std::fs::write(&path, layers::pcap()).unwrap();
        path
    }

    /// What the replay of the case writes.
    pub fn eve(&self, workers: usize) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let mut replay = replay(&[self.capture(dir.path())], dir.path());
        replay.workers = workers;
        replay.anomaly = self.anomaly;
        replay.bpf.clone_from(&self.bpf);
        let home = self.home_net.iter().map(|net| ("HOME_NET".to_owned(), net.clone()));
        replay.variables = home.collect();
        if let Some(rules) = &self.rules {
            replay.signatures = true;
            if rules != "bundled" {
                let file = dir.path().join("case.rules");
                std::fs::write(&file, rules).unwrap();
                replay.rules.push(file);
            }
        }
        let (eve, outcome) = eve_of(&replay);
        assert!(outcome.report.error.is_none(), "{:?}", outcome.report.error);
        eve
    }
}

#[test]
fn cases_give_what_they_gave_with_any_number_of_workers() {
    let update = std::env::var_os("GOLDEN").is_some_and(|value| value == "update");
    let mut problems = Vec::new();
    for (folder, case) in cases() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!case.about.is_empty(), "{name}: say what it shows");
        let first = case.eve(1);
        for workers in [1, 2, 4] {
            let other = case.eve(workers);
            if other != first {
                let difference = difference(&first, &other);
                problems.push(format!("{name}: 1 worker, then {workers}: {difference}"));
            }
        }
        let expected = folder.join("expected.jsonl");
        if update {
            std::fs::write(&expected, &first).unwrap();
        }
        let expected = std::fs::read(&expected).unwrap_or_default();
        if expected != first {
            let difference = difference(&expected, &first);
            problems.push(format!("{name}: expected, then found: {difference}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_capture_has_a_case_and_is_in_the_index() {
    let index = std::fs::read_to_string(root().join("pcaps/INDEX.toml")).unwrap();
    let cases = cases();
    for path in crate::support::files(&root().join("pcaps")) {
        if path.extension().is_some_and(|end| end.to_string_lossy().starts_with("pcap")) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(index.contains(&format!("file = \"{name}\"")), "{name} is not in the index");
            let used = cases.iter().any(|(_, case)| ends_with(&case.capture, &name));
            assert!(used, "{name} has no golden case");
        }
    }
}

fn ends_with(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}
