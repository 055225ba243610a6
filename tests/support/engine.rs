//! The whole engine within the test's own process, its records as lines of EVE.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rivellino::anomaly::{Behaviour, Settings};
use rivellino::capture::Source;
use rivellino::control::replay::{Outcome, Replay, site};
use rivellino::detect::{self, Variables};
use rivellino::engine::merge::Merge;
use rivellino::engine::worker::{Checksums, WorkerOptions};
use rivellino::engine::{self, Report, Ruleset, Setup};
use rivellino::flow::Limits;
use rivellino::net::AddressSet;
use rivellino::outputs::{Output, eve};
use rivellino::record::{Body, Record};
use rivellino::time::Timestamp;

/// An engine with few flows, so that it is made quickly.
pub struct Engine {
    pub ruleset: Option<Arc<Ruleset>>,
    pub workers: usize,
    pub round: usize,
    pub channel: usize,
    pub anomaly: bool,
    /// Messages of ARP are written.
    pub arp: bool,
    /// Malformed packets and streams too.
    pub all_anomalies: bool,
    pub limits: Limits,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            ruleset: None,
            workers: 1,
            round: engine::ROUND_FRAMES,
            channel: engine::CHANNEL_ROUNDS,
            anomaly: false,
            arp: false,
            all_anomalies: false,
            limits: Limits { flows: 16_384, ..Limits::default() },
        }
    }
}

impl Engine {
    /// The lines that a replay of `source` writes, and its report.
    pub fn run(&self, source: Box<dyn Source>) -> (Vec<u8>, Report) {
        let setup = Setup {
            workers: self.workers,
            round: self.round,
            channel: self.channel,
            worker: WorkerOptions {
                files: rivellino::file::Wants::NOTHING,
                decode: rivellino::decode::Options::default(),
                checksums: Checksums::Ignore,
                limits: self.limits,
                ruleset: self.ruleset.clone(),
                activity: self.anomaly,
                arp: self.arp,
            },
            stop: Arc::default(),
        };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let output = Lines { lines: Arc::clone(&lines), all_anomalies: self.all_anomalies };
        let behaviour = if self.anomaly {
            Behaviour::new(&site(home()), &Settings::default())
        } else {
            Behaviour::off()
        };
        let mut merge = Merge::new(behaviour, vec![Box::new(output)], false);
        let report = engine::replay(source, &setup, &mut merge, &mut |_| {});
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        (lines, report)
    }
}

struct Lines {
    lines: Arc<Mutex<Vec<u8>>>,
    all_anomalies: bool,
}

impl Output for Lines {
    fn record(&mut self, record: &Record) {
        let hidden = matches!(&record.body, Body::Anomaly(anomaly) if anomaly.kind != "applayer");
        if !hidden || self.all_anomalies {
            eve::write(record, 0, &mut self.lines.lock().unwrap());
        }
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

/// The private networks.
pub fn home() -> AddressSet {
    Variables::default().addresses("$HOME_NET").unwrap().as_ref().clone()
}

/// Rules from their text; each must load.
pub fn rules(text: &str) -> Arc<Ruleset> {
    let texts = [(Arc::from("test.rules"), text.to_owned())];
    let (ruleset, diagnostics, _) = detect::load(&texts, &mut Variables::default());
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    Arc::new(ruleset)
}

/// A replay as the command line would ask for it.
pub fn replay(captures: &[PathBuf], output: &Path) -> Replay {
    Replay {
        captures: captures.to_vec(),
        each: false,
        output: Some(output.to_path_buf()),
        rules: Vec::new(),
        variables: Vec::new(),
        beside: Default::default(),
        signatures: false,
        anomaly: true,
        settings: Default::default(),
        indicators: None,
        state: None,
        is_lesson: false,
        arp: false,
        workers: 1,
        checksums: Checksums::Ignore,
        bpf: None,
        limits: Limits::default(),
        file_store: None,
    }
}

/// Runs it; what it wrote to `eve.json`, and what came of it.
pub fn eve_of(replay: &Replay) -> (Vec<u8>, Outcome) {
    let prepared = replay.prepare().unwrap();
    let told = prepared.loaded.iter().flat_map(|loaded| &loaded.diagnostics);
    let told: Vec<String> = told.map(ToString::to_string).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let mut outcome = None;
    replay.run(&prepared, &Arc::default(), &mut |_| {}, &mut |one| outcome = Some(one)).unwrap();
    let path = replay.output.as_ref().unwrap().join("eve.json");
    (std::fs::read(path).unwrap_or_default(), outcome.unwrap())
}

/// Where two outputs part, for people.
pub fn difference(left: &[u8], right: &[u8]) -> String {
    let lines = |bytes: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
    };
    let (left, right) = (lines(left), lines(right));
    let at = left.iter().zip(&right).take_while(|(l, r)| l == r).count();
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "(no more)".to_owned());
    format!(
        "{} lines against {}; line {}:\n  {}\n  {}",
        left.len(),
        right.len(),
        at + 1,
        line(&left),
        line(&right)
    )
}
