//! `replay`: captures in, records out.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde_json::json;

use super::rules::{self, Loaded};
use super::sets::{Kept, Sets};
use super::state::Store;
use crate::anomaly::suppress::Applied;
use crate::anomaly::{Behaviour, Settings, Site};
use crate::capture::{self, SourceStats};
use crate::decode;
use crate::detect::{LoadSummary, Ruleset, Variables};
use crate::engine::merge::{Learned, Merge};
use crate::engine::worker::{Checksums, WorkerOptions};
use crate::engine::{self, CHANNEL_ROUNDS, ROUND_FRAMES, Report, Setup};
use crate::file::Wants;
use crate::flow::Limits;
use crate::net::AddressSet;
use crate::outputs::Output;
use crate::outputs::eve::{Eve, Rotation};
use crate::outputs::filestore::{self, FileStore};
use crate::outputs::summary::Summary;
use crate::protocols::PROTOCOLS;
use crate::time::{Duration, Timestamp};

/// What was learned from captures is kept at their end: the next run begins there, or where this
/// one did.
const NEVER: Duration = Duration::from_nanos(u64::MAX);

/// What detectors share that is no knowledge of what is normal.
const UNLEARNED: &[&str] = &["incidents", "suppressions"];

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Capture files; `-` is standard input.
    pub captures: Vec<PathBuf>,
    /// Every file alone, with fresh state, its output in a folder of its name.
    pub each: bool,
    /// Where output goes, made if need be; `None` writes no files.
    pub output: Option<PathBuf>,
    /// Rule files; none means the bundled rules.
    pub rules: Vec<PathBuf>,
    /// Variables of rules, set over the defaults.
    pub variables: Vec<(String, String)>,
    /// Files beside the rules.
    pub beside: rules::Beside,
    /// Whether to look for signatures.
    pub signatures: bool,
    /// Whether to judge behaviour.
    pub anomaly: bool,
    /// How detectors are set.
    pub settings: Settings,
    /// File of what others say is to be looked for.
    pub indicators: Option<PathBuf>,
    /// Folder in which detectors keep what they have learned.
    pub state: Option<PathBuf>,
    /// What is learned is kept; incidents are not: nobody was told of them.
    pub is_lesson: bool,
    /// Messages of ARP are in eve.json.
    pub arp: bool,
    /// How many workers.
    pub workers: usize,
    /// What packets with wrong checksums mean.
    pub checksums: Checksums,
    /// Berkeley packet filter.
    pub bpf: Option<String>,
    /// Limits of flows.
    pub limits: Limits,
    /// Where files that rules want stored go.
    pub file_store: Option<filestore::Options>,
}

/// What came of one input.
pub struct Outcome {
    /// The folder written to.
    pub output: Option<PathBuf>,
    /// Counters, warnings, the error that ended it.
    pub report: Report,
    /// What was found.
    pub summary: Summary,
}

/// Rules and site, made once for all inputs.
pub struct Prepared {
    /// Rules, unless signatures are off.
    pub loaded: Option<Loaded>,
    /// What detectors may know of the place.
    pub(super) site: Site,
}

impl Prepared {
    /// The rules, unless signatures are off.
    pub fn ruleset(&self) -> Option<Arc<Ruleset>> {
        self.loaded.as_ref().map(|loaded| Arc::clone(&loaded.ruleset))
    }
}

impl Replay {
    /// Loads rules and resolves the home networks.
    ///
    /// # Errors
    /// When a rule file cannot be read, or HOME_NET does not stand for addresses.
    pub fn prepare(&self) -> anyhow::Result<Prepared> {
        let (home, loaded) = self.home_and_rules(Arc::default())?;
        let site = site(home);
        if self.anomaly && site.home.is_any() {
            tracing::warn!(
                "every address is at home (home-net any): nothing is outside then, and data that leaves, or what is \
                 open to the outside, is not told; name the site's networks"
            );
        }
        if let Some(path) = self.indicators.as_deref().filter(|_| self.anomaly && !self.is_lesson) {
            // Captures are older than what is known of them.
            let now = self.captures.is_empty().then(Timestamp::wall_clock);
            let counts = super::hub::from_file(path, &site.home, &site.watchlist, now)?;
            super::hub::tell(&counts);
        }
        Ok(Prepared { loaded, site })
    }

    /// Loads the rules alone, unless signatures are off, with the sets of those `before`.
    ///
    /// # Errors
    /// As [`Replay::prepare`].
    pub(super) fn load(&self, before: Arc<Sets>) -> anyhow::Result<Option<Loaded>> {
        Ok(self.home_and_rules(before)?.1)
    }

    fn home_and_rules(&self, before: Arc<Sets>) -> anyhow::Result<(AddressSet, Option<Loaded>)> {
        let mut variables = Variables::default();
        for (name, value) in &self.variables {
            variables.set(name, value);
        }
        let home = home(&mut variables)?;
        self.beside.read(&mut variables)?;
        variables.companions.before = before;
        let loaded =
            if self.signatures { Some(rules::load(&self.rules, &mut variables)?) } else { None };
        Ok((home, loaded))
    }

    /// Replays all captures, calling `told` after each input, and `progress` as it goes on.
    ///
    /// # Errors
    /// When output cannot be made. An input that cannot be read is in its outcome's report.
    pub fn run(
        &self,
        prepared: &Prepared,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(SourceStats),
        told: &mut dyn FnMut(Outcome),
    ) -> anyhow::Result<()> {
        if !self.each {
            told(self.one(prepared, &self.captures, self.output.clone(), stop, progress)?);
            return Ok(());
        }
        let plain = |capture: &PathBuf| -> OsString {
            capture.file_name().map_or_else(|| "stdin".into(), ToOwned::to_owned)
        };
        let all: BTreeSet<OsString> = self.captures.iter().map(plain).collect();
        let mut taken: BTreeSet<OsString> = BTreeSet::new();
        for capture in &self.captures {
            let mut name = plain(capture);
            if !taken.insert(name.clone()) {
                // No name that a capture has or was given.
                let numbered = |number: u32| {
                    let mut name = name.clone();
                    name.push(format!(".{number}"));
                    name
                };
                let free = |name: &OsString| !all.contains(name) && !taken.contains(name);
                let found = (2..).map(numbered).find(free);
                name = found.unwrap_or(name);
                taken.insert(name.clone());
                let (path, name) = (capture.display(), name.display());
                tracing::warn!("{path}: another capture has its name; its folder is {name}");
            }
            let output = self.output.as_ref().map(|output| output.join(name));
            let capture = std::slice::from_ref(capture);
            told(self.one(prepared, capture, output, stop, progress)?);
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
        }
        Ok(())
    }

    fn one(
        &self,
        prepared: &Prepared,
        captures: &[PathBuf],
        output: Option<PathBuf>,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(SourceStats),
    ) -> anyhow::Result<Outcome> {
        let source = match capture::open(captures, self.bpf.as_deref()) {
            Ok(source) => source,
            Err(error) => {
                let report = Report { error: Some(error), ..Report::default() };
                let summary = Summary::default();
                // Of several captures each leaves its traces: an empty eve.json, and why.
                if let Some(output) = output.as_ref().filter(|_| self.each) {
                    eve(output)?;
                    write_summary(output, &report, &summary, None)?;
                }
                return Ok(Outcome { output, report, summary });
            }
        };
        let summary = Arc::new(Mutex::new(Summary::default()));
        let mut outputs: Vec<Box<dyn Output>> = vec![Box::new(Arc::clone(&summary))];
        if let Some(output) = &output {
            outputs.push(Box::new(eve(output)?));
        }
        if let Some(store) = self.store()? {
            outputs.push(Box::new(store));
        }
        let mut merge = Merge::new(self.behaviour(prepared), outputs, false);
        if let Some(folder) = &self.state {
            let store = Store::open(folder)?;
            store.fill(merge.behaviour())?;
            let is_lesson = self.is_lesson;
            let keep = move |mut learned: Learned| {
                learned.states.retain(|(name, _)| !is_lesson || !UNLEARNED.contains(name));
                let kept = store.put(learned.at, &learned.states);
                kept.map_err(|error| format!("what was learned is lost: {error}"))
            };
            merge.keep(NEVER, Box::new(keep));
        }
        let setup = self.setup(prepared.ruleset(), stop);
        let folder = self.beside.data.as_deref().filter(|_| !self.each);
        let kept = Kept::new(folder, prepared.loaded.as_ref(), merge.changes());
        let mut report = engine::replay(source, &setup, &mut merge, progress);
        report.lost.extend(kept.write());
        drop(merge);
        let summary = std::mem::take(&mut *summary.lock().unwrap_or_else(PoisonError::into_inner));
        let rules = prepared.loaded.as_ref().map(|loaded| &loaded.summary);
        if let Some(output) = &output {
            write_summary(output, &report, &summary, rules)?;
        }
        Ok(Outcome { output, report, summary })
    }

    /// How the engine is set up.
    pub(super) fn setup(&self, ruleset: Option<Arc<Ruleset>>, stop: &Arc<AtomicBool>) -> Setup {
        let verify_checksums = self.checksums != Checksums::Ignore;
        let decode = decode::Options { verify_checksums, ..Default::default() };
        Setup {
            workers: self.workers.max(1),
            round: ROUND_FRAMES,
            channel: CHANNEL_ROUNDS,
            worker: WorkerOptions {
                files: Wants {
                    content: self.file_store.as_ref().map_or(0, |store| store.file_bytes),
                    ..Wants::NOTHING
                },
                decode,
                checksums: self.checksums,
                limits: self.limits,
                ruleset,
                activity: self.anomaly,
                arp: self.arp,
            },
            stop: Arc::clone(stop),
        }
    }

    /// The store of files, if there is one.
    ///
    /// # Errors
    /// When its folder cannot be made or read.
    pub(super) fn store(&self) -> anyhow::Result<Option<FileStore>> {
        let Some(options) = &self.file_store else { return Ok(None) };
        let store = FileStore::open(options.clone());
        let folder = options.folder.display();
        store.map(Some).with_context(|| format!("cannot store files in {folder}"))
    }

    /// Fresh detectors for the site.
    pub(super) fn behaviour(&self, prepared: &Prepared) -> Behaviour {
        if self.anomaly { Behaviour::new(&prepared.site, &self.settings) } else { Behaviour::off() }
    }
}

/// The site of these home networks, with the fields that detectors may read.
pub fn site(home: AddressSet) -> Site {
    let logged = PROTOCOLS.iter().filter(|protocol| !protocol.eve.is_empty());
    let fields = logged.map(|protocol| (protocol.eve, (protocol.rows)())).collect();
    Site { home, fields, ..Site::default() }
}

/// The addresses that `HOME_NET` stands for.
///
/// # Errors
/// When it does not stand for addresses.
pub fn home(variables: &mut Variables) -> anyhow::Result<AddressSet> {
    let home = variables.addresses("$HOME_NET");
    let home = home.map_err(|problem| anyhow::anyhow!("HOME_NET: {}", problem.message))?;
    Ok(home.as_ref().clone())
}

/// A fresh `eve.json` in the folder `output`, which is made if need be.
fn eve(output: &Path) -> anyhow::Result<Eve> {
    std::fs::create_dir_all(output)
        .with_context(|| format!("cannot make the folder {}", output.display()))?;
    let path = output.join("eve.json");
    Eve::create(path.clone(), false, Rotation::default(), Arc::default())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes `summary.json` in the folder `output`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_summary(
    output: &Path,
    report: &Report,
    summary: &Summary,
    rules: Option<&LoadSummary>,
) -> anyhow::Result<()> {
    let rules = rules.map(
        |rules| json!({ "loaded": rules.loaded, "failed": rules.failed, "skipped": rules.skipped }),
    );
    let suppressions: Vec<_> = report.suppressions.iter().map(applied).collect();
    let text = json!({
        "incidents": summary.incidents(),
        "incidents_not_kept": summary.incidents_not_kept(),
        "notifications": summary.notifications(),
        "packets": report.stats.packets,
        "last_packet": report.last.to_string(),
        "counters": report.stats,
        "suppressed": report.merge.suppressed,
        "rule_state_dropped": report.merge.rule_state_dropped,
        "suppressions": suppressions,
        "rules": rules,
        "events": summary.events(),
        "found": summary.rows(),
        "kinds_not_kept": summary.not_kept(),
        "warnings": report.warnings,
        "lost": report.lost,
        "error": report.error.as_ref().map(ToString::to_string),
    });
    let path = output.join("summary.json");
    let mut bytes = serde_json::to_vec_pretty(&text)?;
    bytes.push(b'\n');
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// How often a suppression of the site has applied, and when last.
fn applied(applied: &Applied) -> serde_json::Value {
    let last = applied.last.map(|last| last.to_string());
    json!({ "name": applied.name, "count": applied.count, "last": last, "missed": applied.missed })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::net::{Chunk, Direction};
    use crate::protocols::Carrier;
    use crate::protocols::identify::Session;
    use crate::record::TransactionRecord;

    /// HTTP/1 and HTTP/2 are one to those who read records; each has its own order of rows.
    #[test]
    fn fields_of_http_are_read_of_both_its_versions() {
        let site = site(AddressSet::default());
        let field = |name| site.field("http", name);
        for name in ["http", "http2"] {
            let protocol = PROTOCOLS.iter().find(|known| known.name == name).unwrap();
            let mut seen = 0;
            for sample in protocol.samples {
                let port = protocol.ports.first().copied().unwrap_or(80);
                let mut session = Session::new(Carrier::Tcp, port, 40_000, Wants::NOTHING);
                for (way, bytes) in sample.turns {
                    session.chunk(*way, Chunk::Data(bytes), Timestamp::default(), &mut Vec::new());
                }
                for transaction in (0..session.transactions()).filter_map(|id| session.take(id)) {
                    let direction = Direction::ToClient;
                    let record = TransactionRecord {
                        keeps_certificates: false,
                        protocol: "http",
                        id: 0,
                        direction,
                        transaction,
                    };
                    let target = field("http.uri").bytes(&record, <[u8]>::to_vec);
                    let method = field("http.method").bytes(&record, <[u8]>::to_vec);
                    let (Some(method), Some(target)) = (method, target) else { continue };
                    assert!(method.iter().all(u8::is_ascii_uppercase), "{name} {method:?}");
                    seen += usize::from(method == b"GET" && target.starts_with(b"/"));
                }
            }
            assert!(seen > 0, "{name}");
        }
    }
}
