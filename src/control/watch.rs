//! `watch`: an interface in, records out, until stopped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use crossbeam_channel::TrySendError;

use super::config::Config;
use super::http::Pages;
use super::hub::{self, Exchanging};
use super::plane::Plane;
use super::reload::{Named, policy_folder, reload, reread, tell_rules};
use super::replay::{Prepared, Replay, write_summary};
use super::run;
use super::sets::Kept;
use super::signals::Flags;
use super::state::{ASIDE, Store};
use crate::anomaly::DETECTORS;
use crate::capture::{LiveOptions, SourceStats, open_live};
use crate::decode::is_link_read;
use crate::engine::merge::{Learned, Merge};
use crate::engine::stats::{MergeStats, WorkerStats};
use crate::engine::{self, Live, Report};
use crate::outputs::Output;
use crate::outputs::eve::{Eve, Rotation};
use crate::outputs::metrics::{Metrics, Totals};
use crate::outputs::notices::Notices;
use crate::outputs::summary::Summary;
use crate::protocols::PROTOCOLS;
use crate::time::Duration;

/// How often the control plane looks whether a reload was asked for.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Default of the option for how long events wait for others.
const BATCH_SECONDS: u64 = 60;
/// Default of the option for how often indicators are read.
const POLL_SECONDS: u64 = 30;

/// What detectors have learned is written each time so much packet time has passed.
const KEEP_EVERY: Duration = Duration::from_secs(300);

/// Watches until a signal says stop; gives the exit code.
///
/// # Errors
/// When the interface, the output or the page's address cannot be had, or a rule file cannot be
/// read.
pub fn watch(config: &Config) -> anyhow::Result<u8> {
    let interface = config.interface.as_deref().context("no interface: give one with -i IFACE")?;
    let rules = Named::of(config)?;
    let plan = Replay::of(&[], &rules.now())?;
    let prepared = prepare(&plan)?;
    let metrics = metrics(&prepared)?;
    let loaded = Mutex::new(prepared.loaded.as_ref().map(|loaded| loaded.summary.clone()));
    let flags = Flags::default();
    let ready = Arc::new(AtomicBool::new(false));
    let page = {
        let metrics = metrics.clone();
        Pages { metrics: Arc::new(move || metrics.text()), ready: Arc::clone(&ready) }
    };
    let listen = config.listen.unwrap_or(([127, 0, 0, 1], 9477).into());
    let plane = Plane::start(&flags, Some((listen, page)))?;
    let bpf = config.bpf.as_deref();
    let sources = open_live(interface, plan.workers, live_options(config), bpf, is_link_read)?;
    let output = config.output.clone().unwrap_or_else(|| PathBuf::from("."));
    let reopen = Arc::new(AtomicBool::new(false));
    let summary = Arc::new(Mutex::new(Summary::default()));
    let eve = eve(&output, config, &reopen)?;
    let mut outputs = outputs(&plan, eve, &metrics, &summary)?;
    let exchanging = exchange(config, &plan, &prepared, &metrics, &mut outputs)?;
    let mut merge = Merge::new(plan.behaviour(&prepared), outputs, true);
    let keeping = keep(&plan, &mut merge)?;
    let kept = Kept::new(plan.beside.data.as_deref(), prepared.loaded.as_ref(), merge.changes());
    kept.warn_of_none();
    let setup = plan.setup(prepared.ruleset(), &flags.stop_flag()).live(sources.len());
    let live = Live::default();
    ready.store(true, Ordering::Relaxed);
    let listen = plane.address().unwrap_or(listen);
    tracing::info!(interface, workers = plan.workers, %listen, "watching");
    let over = AtomicBool::new(false);
    let mut report = std::thread::scope(|scope| {
        let guard = Over { over: &over, ready: &ready };
        let reloads = scope.spawn(|| {
            let mut rules = rules;
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                prepared.site.watchlist.tidy();
                let is_asked = flags.take_reload();
                if is_asked {
                    reread(config, &prepared.site, exchanging.as_ref());
                }
                if rules.have_changed() || is_asked {
                    reopen.store(true, Ordering::Relaxed);
                    reload(&rules.now(), &live, &metrics, &loaded, &kept);
                }
            }
        });
        let report =
            engine::watch(sources, &setup, &live, &mut merge, &mut |stats, source, merge| {
                metrics.totals(&totals(stats, source, merge));
            });
        drop(guard);
        let _told_by_its_panic = reloads.join();
        report
    });
    report.lost.extend(kept.write());
    drop(plane);
    drop(merge);
    // What was handed over is on the disk when this is done.
    drop(exchanging);
    // The last of what was learned is on disk when the writer is done.
    keeping.into_iter().for_each(|writer| drop(writer.join()));
    let found = std::mem::take(&mut *summary.lock().unwrap_or_else(PoisonError::into_inner));
    let loaded = std::mem::take(&mut *loaded.lock().unwrap_or_else(PoisonError::into_inner));
    write_summary(&output, &report, &found, loaded.as_ref())?;
    Ok(tell(&report))
}

/// Ends what goes on beside the engine when that is over, however it ended: nobody would end the program
/// else when a stage has panicked.
struct Over<'a> {
    over: &'a AtomicBool,
    ready: &'a AtomicBool,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.ready.store(false, Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Loads what the plan names, and makes all that rules need: packets must not wait for that.
fn prepare(plan: &Replay) -> anyhow::Result<Prepared> {
    let prepared = plan.prepare()?;
    prepared.ruleset().iter().for_each(|ruleset| ruleset.prepare(plan.workers));
    Ok(prepared)
}

/// The metrics, each detector and kind of record at zero; and how the rules loaded.
fn metrics(prepared: &Prepared) -> anyhow::Result<Metrics> {
    let metrics = Metrics::new().context("cannot make the metrics")?;
    let types = PROTOCOLS.iter().map(|protocol| protocol.eve).filter(|name| !name.is_empty());
    metrics.expect(DETECTORS.iter().map(|kind| kind.name), types.chain(["alert", "flow"]));
    if let Some(loaded) = &prepared.loaded {
        for diagnostic in &loaded.diagnostics {
            tracing::warn!("{}", diagnostic.brief());
        }
        tracing::info!("{}", loaded.summary);
        tell_rules(&metrics, &loaded.summary);
    }
    Ok(metrics)
}

/// Everything that takes records.
fn outputs(
    plan: &Replay,
    eve: Eve,
    metrics: &Metrics,
    summary: &Arc<Mutex<Summary>>,
) -> anyhow::Result<Vec<Box<dyn Output>>> {
    metrics.eve(eve.stats());
    let mut outputs: Vec<Box<dyn Output>> = vec![
        Box::new(eve),
        Box::new(metrics.clone()),
        Box::new(Arc::clone(summary)),
        Box::new(Notices),
    ];
    if let Some(store) = plan.store()? {
        metrics.file_store(store.stats());
        outputs.push(Box::new(store));
    }
    Ok(outputs)
}

/// Begins the exchange with the hub, if a policy is named.
fn exchange(
    config: &Config,
    plan: &Replay,
    prepared: &Prepared,
    metrics: &Metrics,
    outputs: &mut Vec<Box<dyn Output>>,
) -> anyhow::Result<Option<Exchanging>> {
    let Some(policy) = &config.policy else { return Ok(None) };
    let settings = hub::Settings {
        policy: policy.clone(),
        folder: policy_folder(config),
        batch_seconds: config.policy_batch.unwrap_or(BATCH_SECONDS),
        poll_seconds: config.policy_poll.unwrap_or(POLL_SECONDS),
        indicators: config.indicators.clone(),
        config: config.clone(),
    };
    if !plan.anomaly {
        tracing::warn!("without analysis of behaviour indicators are kept and not looked for");
    }
    let site = &prepared.site;
    let (mut exchanging, sharing, look) =
        Exchanging::start(&settings, site.home.clone(), &site.watchlist)?;
    outputs.push(Box::new(sharing));
    metrics.exchange(look).context("cannot make the metrics of the exchange")?;
    exchanging.push(metrics).context("metrics cannot be sent")?;
    Ok(Some(exchanging))
}

/// Gives the detectors what they had learned, and has what they learn written from time to time,
/// in a thread of its own: a slow disk must not hold up the merge.
fn keep(plan: &Replay, merge: &mut Merge) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(folder) = plan.state.as_deref().filter(|_| plan.anomaly) else { return Ok(None) };
    let (store, wrong) = Store::open_or_set_aside(folder)?;
    if let Some(wrong) = wrong {
        tracing::error!("{wrong}; it is put aside as {ASIDE}, detectors begin anew");
    }
    for (name, bytes) in store.learned()? {
        if merge.behaviour().load(&name, &bytes).is_err() {
            tracing::error!("what {name} had learned cannot be read; it begins anew");
        }
    }
    let (to_writer, learned) = crossbeam_channel::bounded::<Learned>(1);
    let writer = std::thread::spawn(move || {
        for learned in learned {
            if let Err(error) = store.put(learned.at, &learned.states) {
                tracing::error!("what was learned is not kept: {error}");
            }
        }
    });
    let keeper = move |learned: Learned| {
        // While the disk still writes the last, this one is passed over; the very last waits.
        let sent = if learned.last {
            to_writer.send(learned).is_ok()
        } else {
            !matches!(to_writer.try_send(learned), Err(TrySendError::Disconnected(_)))
        };
        if sent { Ok(()) } else { Err("what was learned is not kept".to_owned()) }
    };
    merge.keep(KEEP_EVERY, Box::new(keeper));
    Ok(Some(writer))
}

fn live_options(config: &Config) -> LiveOptions {
    let options = LiveOptions::default();
    LiveOptions {
        buffer_mib: config.buffer.unwrap_or(options.buffer_mib),
        snaplen: config.snaplen.unwrap_or(options.snaplen),
        ..options
    }
}

/// Tells how it ended; the exit code it asks for.
fn tell(report: &Report) -> u8 {
    let SourceStats { received, kernel_dropped, interface_dropped, .. } = report.source;
    tracing::info!(received, kernel_dropped, interface_dropped, "stopped");
    run::told(report)
}

fn eve(output: &Path, config: &Config, reopen: &Arc<AtomicBool>) -> anyhow::Result<Eve> {
    std::fs::create_dir_all(output)
        .with_context(|| format!("cannot make the folder {}", output.display()))?;
    let rotation = Rotation {
        bytes: config.rotate_size.filter(|mib| *mib > 0).map(|mib| mib << 20),
        seconds: config.rotate_seconds.filter(|seconds| *seconds > 0),
    };
    let path = output.join("eve.json");
    Eve::create(path.clone(), true, rotation, Arc::clone(reopen))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The counters of the packet path under the names of the metrics.
fn totals(stats: &WorkerStats, source: &SourceStats, merge: MergeStats) -> Totals {
    Totals {
        packets: stats.packets,
        bytes: stats.bytes,
        kernel_dropped: source.kernel_dropped,
        interface_dropped: source.interface_dropped,
        malformed: stats.malformed,
        bad_checksums: stats.bad_checksums,
        fragments: stats.fragments,
        flows: stats.flows,
        flows_active: stats.flows_active,
        flows_evicted: stats.flows_evicted,
        flows_ended_timeout: stats.flows_ended_timeout,
        flows_ended_reuse: stats.flows_ended_reuse,
        flows_ended_shutdown: stats.flows_ended_shutdown,
        flow_memory: stats.flow_memory,
        stream_gap_bytes: stats.stream_gap_bytes,
        segments_dropped: stats.segments_dropped,
        streams_cut: stats.streams_cut,
        packets_cut: stats.packets_cut,
        homeless: stats.homeless,
        fragments_dropped: stats.fragments_dropped,
        awaited_dropped: stats.awaited_dropped,
        transactions: stats.transactions,
        transactions_dropped: stats.transactions_dropped,
        alerts_dropped: stats.alerts_dropped,
        chains_given_up: stats.chains_given_up,
        captures_refused: stats.captures_refused,
        records_dropped: stats.records_dropped,
        suppressed: merge.suppressed,
        rule_state_dropped: merge.rule_state_dropped,
    }
}
