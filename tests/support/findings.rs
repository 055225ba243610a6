//! What detectors find in a source, in the test's own process.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rivellino::anomaly::{Behaviour, Settings};
use rivellino::capture::{Batch, Source};
use rivellino::control::replay::site;
use rivellino::engine::dispatch::Rounds;
use rivellino::engine::merge::Merge;
use rivellino::engine::worker::{Checksums, Worker, WorkerOptions};
use rivellino::engine::{self, ROUND_FRAMES, Setup};
use rivellino::flow::Limits;
use rivellino::outputs::Output;
use rivellino::record::{Body, Incident, Level, Notice, Record};
use rivellino::time::Timestamp;

use super::engine::home;

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub at: Timestamp,
    pub detector: &'static str,
    pub sid: u32,
    pub level: Level,
    pub title: String,
    pub ends: [Option<IpAddr>; 2],
    /// All that it says, to compare.
    pub text: String,
    /// Seconds from the first thing seen.
    pub took: f64,
}

impl Told {
    /// Whether somebody is to be called.
    pub fn is_loud(&self) -> bool {
        self.level > Level::Low
    }

    pub fn names(&self, address: [u8; 4]) -> bool {
        self.ends.contains(&Some(IpAddr::from(address)))
    }
}

/// All that is told.
#[derive(Default)]
pub struct Heard {
    pub findings: Vec<Told>,
    /// Findings that the site wants to hear no more of.
    pub suppressed: usize,
    pub incidents: Vec<Incident>,
    pub packets: u64,
}

impl Heard {
    /// Times that somebody is to be called.
    pub fn notifications(&self) -> Vec<&Incident> {
        self.incidents.iter().filter(|incident| incident.notice == Notice::Sent).collect()
    }

    /// What is told of incidents, to compare.
    pub fn incident_texts(&self) -> Vec<String> {
        self.incidents.iter().map(|incident| format!("{incident:?}")).collect()
    }
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

impl Output for Ear {
    fn record(&mut self, record: &Record) {
        let mut heard = self.0.lock().unwrap();
        let finding = match &record.body {
            Body::Finding(finding) => finding,
            Body::Incident(incident) => return heard.incidents.push((**incident).clone()),
            _ => return,
        };
        heard.suppressed += usize::from(finding.suppressed.is_some());
        let end = |end: Option<rivellino::net::Endpoint>| end.map(|end| end.addr);
        heard.findings.push(Told {
            at: record.timestamp,
            detector: finding.detector,
            sid: finding.sid,
            level: finding.level,
            title: finding.title.clone(),
            ends: [end(record.context.source), end(record.context.destination)],
            text: format!("{} {:?} {:?}", finding.explain_en, finding.numbers, finding.evidence),
            took: finding.took.as_secs_f64(),
        });
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

/// Fresh detectors of a site whose home are the private networks.
pub fn behaviour(settings: &Settings) -> Behaviour {
    Behaviour::new(&site(home()), settings)
}

fn options() -> WorkerOptions {
    WorkerOptions {
        files: rivellino::file::Wants::NOTHING,
        decode: rivellino::decode::Options::default(),
        checksums: Checksums::Ignore,
        limits: Limits { flows: 65_536, ..Limits::default() },
        ruleset: None,
        activity: true,
        arp: false,
    }
}

/// What is found with so many workers, and how many packets there were.
pub fn found(source: Box<dyn Source>, workers: usize, settings: &Settings) -> (Vec<Told>, u64) {
    let heard = heard(source, workers, settings);
    (heard.findings, heard.packets)
}

/// All that is told with so many workers.
pub fn heard(source: Box<dyn Source>, workers: usize, settings: &Settings) -> Heard {
    let ear = Ear::default();
    let mut merge = Merge::new(behaviour(settings), vec![Box::new(ear.clone())], false);
    let channel = engine::CHANNEL_ROUNDS;
    let setup =
        Setup { workers, round: ROUND_FRAMES, channel, worker: options(), stop: Arc::default() };
    let report = engine::replay(source, &setup, &mut merge, &mut |_| {});
    assert!(report.error.is_none(), "{:?}", report.error);
    let heard = std::mem::take(&mut *ear.0.lock().unwrap());
    Heard { packets: report.stats.packets, ..heard }
}

/// What each detector holds at the end.
pub fn held(source: Box<dyn Source>) -> Vec<(&'static str, usize)> {
    let mut merge = Merge::new(behaviour(&Settings::default()), Vec::new(), false);
    let channel = engine::CHANNEL_ROUNDS;
    let setup =
        Setup { workers: 2, round: ROUND_FRAMES, channel, worker: options(), stop: Arc::default() };
    engine::replay(source, &setup, &mut merge, &mut |_| {});
    merge.behaviour().memory()
}

/// What is told when the detectors are saved, and others take their place, each so many rounds.
pub fn found_with_rests(source: &mut dyn Source, rounds_between: u64) -> Heard {
    let ear = Ear::default();
    let fresh = || behaviour(&Settings::default());
    let merge = |behaviour| Merge::new(behaviour, vec![Box::new(ear.clone())], false);
    let mut merging = merge(fresh());
    let mut worker = Worker::new(options());
    let mut rounds = Rounds::new(ROUND_FRAMES);
    let mut batch = Batch::default();
    let mut count = 0;
    loop {
        batch.clear();
        let more = rounds.read(source, &mut batch).unwrap();
        let (last, now) = rounds.position();
        merging.round(&mut worker.round(&batch, last, now), now);
        if !more {
            merging.round(&mut worker.finish(last, now), now);
            merging.finish(now);
            return std::mem::take(&mut *ear.0.lock().unwrap());
        }
        count += 1;
        if count % rounds_between == 0 {
            let mut next = fresh();
            for (name, bytes) in merging.behaviour().save() {
                assert!(next.load(name, &bytes).unwrap(), "{name} is known");
            }
            merging = merge(next);
        }
    }
}
