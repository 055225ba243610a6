//! Every bundled rule compiles, alerts on its case, and leaves its near misses alone.

pub mod conversation;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rivellino::anomaly::Behaviour;
use rivellino::capture::Source;
use rivellino::detect::{Ruleset, Variables, load};
use rivellino::engine::merge::Merge;
use rivellino::engine::worker::{Checksums, WorkerOptions};
use rivellino::engine::{Setup, replay};
use rivellino::flow::Limits;
use rivellino::outputs::Output;
use rivellino::record::{Body, Record};
use rivellino::time::Timestamp;

use crate::support::{files, root};
use conversation::Conversation;

/// Collects the numbers of the rules that alerted.
#[derive(Clone, Default)]
struct Alerted(Arc<Mutex<BTreeSet<u32>>>);

impl Output for Alerted {
    fn record(&mut self, record: &Record) {
        if let Body::Alert(alert) = &record.body {
            self.0.lock().unwrap().insert(alert.signature.sid);
        }
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

/// The texts of the rules that come with the sensor, by file.
fn rules() -> Vec<(Arc<str>, String)> {
    let rules = files(&root().join("signatures")).into_iter().map(|path| {
        let name: Arc<str> = path.file_name().unwrap().to_string_lossy().into();
        (name, std::fs::read_to_string(path).unwrap())
    });
    rules.filter(|(name, _)| name.ends_with(".rules")).collect()
}

/// The rules that come with the sensor, and their numbers.
pub fn bundled() -> (Arc<Ruleset>, BTreeSet<u32>) {
    let rules = rules();
    let (ruleset, diagnostics, summary) = load(&rules, &mut Variables::default());
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let text: String = rules.iter().map(|(_, text)| text.as_str()).collect();
    let sids: BTreeSet<u32> = text
        .split("sid:")
        .skip(1)
        .map(|rest| rest.split(';').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(sids.len() as u64, summary.loaded, "each number is used once");
    (Arc::new(ruleset), sids)
}

/// The numbers of the rules that alert on a conversation.
pub fn alerts(ruleset: &Arc<Ruleset>, conversation: &Conversation) -> BTreeSet<u32> {
    alerts_of(ruleset, Box::new(conversation.frames()))
}

/// The numbers of the rules that alert on what a source gives.
pub fn alerts_of(ruleset: &Arc<Ruleset>, source: Box<dyn Source>) -> BTreeSet<u32> {
    let setup = Setup {
        workers: 1,
        round: 16,
        channel: 1,
        worker: WorkerOptions {
            files: rivellino::file::Wants::NOTHING,
            decode: rivellino::decode::Options::default(),
            checksums: Checksums::Ignore,
            limits: Limits::default(),
            ruleset: Some(Arc::clone(ruleset)),
            activity: false,
            arp: false,
        },
        stop: Arc::new(AtomicBool::new(false)),
    };
    let alerted = Alerted::default();
    let mut merge = Merge::new(Behaviour::off(), vec![Box::new(alerted.clone())], false);
    let report = replay(source, &setup, &mut merge, &mut |_| {});
    assert!(report.error.is_none());
    drop(merge);
    alerted.0.lock().unwrap().clone()
}

#[test]
fn bundled_rules_alert_on_their_cases_alone() {
    let (ruleset, sids) = bundled();
    let text = std::fs::read_to_string(root().join("tests/rules/cases.toml")).unwrap();
    let cases = conversation::read(&text);
    let mut wrong = Vec::new();
    let mut silent = BTreeSet::new();
    let mut tried = BTreeSet::new();
    for case in &cases {
        let found = alerts(&ruleset, &case.conversation).contains(&case.sid);
        if case.alerts {
            tried.insert(case.sid);
        } else {
            silent.insert(case.sid);
        }
        if found != case.alerts {
            let word = if found { "alerts" } else { "is silent" };
            wrong.push(format!("{} {word}: {}", case.sid, case.about));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(silent, sids, "every rule has a near miss");
    // Rules that only leave a mark for others have no alert of their own to show.
    let marks: Vec<&u32> = sids.difference(&tried).collect();
    assert_eq!(marks, [&9_000_203, &9_000_211, &9_000_331, &9_000_552], "every rule has its case");
    let speechless = rules().into_iter().flat_map(|(_, text)| {
        let told = |line: &&str| line.starts_with("alert ") && !line.contains("noalert;");
        let bare = |line: &&str| told(line) && !line.contains(", msg_it ");
        text.lines().filter(bare).map(str::to_owned).collect::<Vec<_>>()
    });
    let speechless: Vec<_> = speechless.collect();
    assert!(speechless.is_empty(), "without a message in Italian:\n{}", speechless.join("\n"));
}
