//! The only module that knows every stage. The whole engine is [`replay`] and [`watch`]: both on
//! this page.

mod activity;
mod backlog;
pub mod dispatch;
mod expected;
mod gather;
mod joined;
mod kept;
pub mod merge;
mod order;
mod settle;
pub mod stats;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::anomaly::suppress::Applied;
use crate::capture::{Batch, CaptureError, Progress, Source, SourceStats};
use crate::record::{Capture, Record};
use crate::time::Timestamp;
use dispatch::{Dispatcher, Round, Rounds};
use merge::{Merge, RoundOutput};
use stats::{MergeStats, WorkerStats};
use worker::{Worker, WorkerOptions};

pub use crate::detect::Ruleset;

/// Frames in a round of a replay, at most.
pub const ROUND_FRAMES: usize = 512;
/// Rounds under way between two stages.
pub const CHANNEL_ROUNDS: usize = 4;
/// Rounds that a live worker still takes after the end was asked for: what the kernel holds then
/// was received, and is not lost. On a wire that is never silent there has to be an end.
const LAST_ROUNDS: u32 = 512;

/// How the engine is set up.
pub struct Setup {
    /// How many workers.
    pub workers: usize,
    /// Frames in a round: the same for every number of workers, as timeouts happen at its end.
    pub round: usize,
    /// Rounds under way between two stages.
    pub channel: usize,
    /// What each worker is made with.
    pub worker: WorkerOptions,
    /// Set from outside to end early, as if the input were over.
    pub stop: Arc<AtomicBool>,
}

impl Setup {
    /// For so many live sources: the kernel deals what they get, so that each table has flows of all
    /// shards.
    #[must_use]
    pub fn live(mut self, sources: usize) -> Self {
        self.worker.limits = self.worker.limits.among(sources);
        self
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Counters of all workers.
    pub stats: WorkerStats,
    /// Counters of the source.
    pub source: SourceStats,
    /// Counters of the merge.
    pub merge: MergeStats,
    /// How often each suppression of the site has silenced a detector.
    pub suppressions: Vec<Applied>,
    /// Packet time of the last packet.
    pub last: Timestamp,
    /// Packets of link types that cannot be decoded.
    pub unread: u64,
    /// What the inputs had to say.
    pub warnings: Vec<String>,
    /// What outputs could not write.
    pub lost: Vec<String>,
    /// Why the input was not read to its end.
    pub error: Option<CaptureError>,
}

/// Replays a source to its end: nothing is lost, a stage that is slower holds the others back.
///
/// `progress` is called after each round with the source's counters.
pub fn replay(
    mut source: Box<dyn Source>,
    setup: &Setup,
    merge: &mut Merge,
    progress: &mut dyn FnMut(SourceStats),
) -> Report {
    let source = source.as_mut();
    let mut report = match setup.workers {
        1 => replay_alone(source, setup, merge, progress),
        _ => replay_shared(source, setup, merge, progress),
    };
    report.merge = merge.counted();
    report.suppressions = merge.behaviour().suppressions().to_vec();
    report.warnings.extend(report.suppressions.iter().filter_map(Applied::warning));
    report.source = source.stats();
    report.warnings.extend(source.warnings());
    report.warnings.extend(cut(&report.stats));
    if setup.stop.load(Ordering::Relaxed) && report.error.is_none() {
        let packets = report.stats.packets;
        report
            .warnings
            .push(format!("stopped by a signal after {packets} packets: the rest was not read"));
    }
    report
}

/// What is to be said when the capture kept the beginning of packets alone.
fn cut(stats: &WorkerStats) -> Option<String> {
    let (cut, packets) = (stats.packets_cut, stats.packets);
    (cut > 0).then(|| {
        format!(
            "{cut} of {packets} packets were cut short when they were recorded: they count in flows where \
             their headers are there, but what they carry was not looked at; record whole packets \
             (tcpdump -s 0)"
        )
    })
}

/// One worker needs no other threads: nothing is handed over and no memory changes hands, which
/// costs the least time of processors.
fn replay_alone(
    source: &mut dyn Source,
    setup: &Setup,
    merge: &mut Merge,
    progress: &mut dyn FnMut(SourceStats),
) -> Report {
    let mut report = Report::default();
    let mut worker = Worker::new(setup.worker.clone());
    let mut rounds = Rounds::new(setup.round);
    let mut batch = Batch::default();
    let mut more = true;
    while more && !setup.stop.load(Ordering::Relaxed) {
        batch.clear();
        more = rounds.read(source, &mut batch).unwrap_or_else(|error| {
            report.error = Some(error);
            false
        });
        let (last, now) = rounds.position();
        let mut records = worker.round(&batch, last, now);
        merge.stats = worker.stats();
        merge.round(&mut records, now);
        worker.take_back(records);
        if more {
            progress(source.stats());
        }
    }
    let (last, now) = rounds.position();
    report.warnings.extend(rounds.warnings());
    report.unread = rounds.unread();
    let mut records = worker.finish(last, now);
    report.stats = worker.stats();
    report.last = now;
    merge.stats = report.stats;
    merge.round(&mut records, now);
    report.lost = merge.finish(now);
    report
}

/// Several workers, each in a thread of its own, between a reader and the merge.
fn replay_shared(
    source: &mut dyn Source,
    setup: &Setup,
    merge: &mut Merge,
    progress: &mut dyn FnMut(SourceStats),
) -> Report {
    let mut report = Report::default();
    thread::scope(|scope| {
        let (recycle, recycled) = bounded(setup.workers * (setup.channel + 2) + 2);
        let mut to_workers = Vec::new();
        let mut from_workers = Vec::new();
        for _ in 0..setup.workers {
            let (to_worker, rounds) = bounded::<Round>(setup.channel);
            let (to_merge, outputs) = bounded::<RoundOutput>(setup.channel);
            let (recycle, options) = (recycle.clone(), setup.worker.clone());
            scope.spawn(move || work(options, &rounds, &to_merge, &recycle));
            to_workers.push(to_worker);
            from_workers.push(outputs);
        }
        let merge = &mut *merge;
        let merging = scope.spawn(move || merge_rounds(merge, &from_workers));
        let mut dispatcher = Dispatcher::new(to_workers, recycled, setup.round);
        while !setup.stop.load(Ordering::Relaxed) {
            match dispatcher.round(source) {
                Ok(true) => progress(source.stats()),
                Ok(false) => break,
                Err(error) => {
                    report.error = Some(error);
                    break;
                }
            }
        }
        (_, report.last) = dispatcher.position();
        report.warnings.extend(dispatcher.rounds().warnings());
        report.unread = dispatcher.rounds().unread();
        // Without senders the workers end their flows and stop; then so does the merge.
        drop(dispatcher);
        (report.stats, report.lost) = joined(merging);
    });
    report
}

/// A worker's thread in a replay.
fn work(
    options: WorkerOptions,
    rounds: &Receiver<Round>,
    to_merge: &Sender<RoundOutput>,
    recycle: &Sender<Batch>,
) {
    let mut worker = Worker::new(options);
    let mut end = (0, Timestamp::default());
    for Round { batch, last, now } in rounds {
        end = (last, now);
        let records = worker.round(&batch, last, now);
        // A full recycle channel only means that enough batches are about.
        let _ = recycle.try_send(batch);
        if to_merge.send(RoundOutput { records, now, stats: worker.stats() }).is_err() {
            return;
        }
    }
    let records = worker.finish(end.0, end.1);
    let stats = worker.stats();
    // The merge outlives the workers; if it does not, there is nobody left to tell.
    let _ = to_merge.send(RoundOutput { records, now: end.1, stats });
}

/// The merge's thread in a replay: takes one output of every worker, in turn, round by round.
fn merge_rounds(
    merge: &mut Merge,
    workers: &[Receiver<RoundOutput>],
) -> (WorkerStats, Vec<String>) {
    let mut records: Vec<Record> = Vec::new();
    let mut now = Timestamp::default();
    loop {
        let mut sum = WorkerStats::default();
        let mut heard = 0;
        for output in workers.iter().filter_map(|worker| worker.recv().ok()) {
            heard += 1;
            now = now.max(output.now);
            sum.add(&output.stats);
            records.extend(output.records);
        }
        if heard < workers.len() || workers.is_empty() {
            let stats = merge.stats;
            return (stats, merge.finish(now));
        }
        merge.stats = sum;
        merge.round(&mut records, now);
        records.clear();
    }
}

/// What a live run shares with the control plane while it goes on.
#[derive(Default)]
pub struct Live {
    /// Rules that workers take up at their next round; counted by `generation`.
    pub ruleset: std::sync::Mutex<Option<Arc<Ruleset>>>,
    /// How often rules were put there.
    pub generation: AtomicU64,
}

impl Live {
    /// Hands new rules to the workers.
    pub fn replace(&self, ruleset: Arc<Ruleset>) {
        *self.ruleset.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(ruleset);
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// What a live worker tells: its counters, and those of its source.
type LiveOutput = (usize, RoundOutput, SourceStats);

/// Watches live sources, one worker each, until `setup.stop`. Nothing holds a worker back: what
/// the merge cannot take is dropped and counted, what a worker cannot take the kernel counts.
///
/// `publish` gets the counters, of all workers and all sources, as often as they change.
pub fn watch(
    sources: Vec<Box<dyn Source>>,
    setup: &Setup,
    live: &Live,
    merge: &mut Merge,
    publish: &mut (dyn FnMut(&WorkerStats, &SourceStats, MergeStats) + Send),
) -> Report {
    let mut report = Report::default();
    let count = sources.len();
    thread::scope(|scope| {
        let (to_merge, outputs) = bounded::<LiveOutput>(count * setup.channel);
        let mut watching = Vec::new();
        for (index, source) in sources.into_iter().enumerate() {
            let to_merge = to_merge.clone();
            let watch_one = LiveWorker { index, count, source, setup, live, to_merge };
            watching.push(scope.spawn(move || {
                let _guard = StopsAll(&setup.stop);
                watch_one.run()
            }));
        }
        drop(to_merge);
        let merge = &mut *merge;
        let merging = scope.spawn(move || {
            let _guard = StopsAll(&setup.stop);
            merge_live(merge, &outputs, count, publish)
        });
        for (warnings, error) in watching.into_iter().map(joined) {
            report.warnings.extend(warnings);
            report.error = report.error.take().or(error);
        }
        let merged = joined(merging);
        report.stats = merged.stats;
        report.source = merged.source;
        report.last = merged.last;
        report.lost = merged.lost;
    });
    report.merge = merge.counted();
    report.suppressions = merge.behaviour().suppressions().to_vec();
    report.warnings.extend(report.suppressions.iter().filter_map(Applied::warning));
    report
}

/// What a thread came to. A panic goes on here: a sensor that has lost a stage must not look as if it
/// worked.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Ends the run when its thread panics: the others would go on as if all were well.
struct StopsAll<'a>(&'a AtomicBool);

impl Drop for StopsAll<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// One live worker and its source.
struct LiveWorker<'a> {
    index: usize,
    count: usize,
    source: Box<dyn Source>,
    setup: &'a Setup,
    live: &'a Live,
    to_merge: Sender<LiveOutput>,
}

impl LiveWorker<'_> {
    fn run(mut self) -> (Vec<String>, Option<CaptureError>) {
        let mut worker = Worker::new(self.setup.worker.clone());
        let mut batch = Batch::default();
        let mut generation = 0;
        let mut kept: Vec<Record> = Vec::new();
        let (mut own, mut now) = (0u64, Timestamp::default());
        let mut error = None;
        let mut warnings = Vec::new();
        let mut rounds_left = LAST_ROUNDS;
        while rounds_left > 0 && error.is_none() {
            let stopping = self.setup.stop.load(Ordering::Relaxed);
            rounds_left -= u32::from(stopping);
            let latest = self.live.generation.load(Ordering::Acquire);
            if latest != generation {
                generation = latest;
                let ruleset = self.live.ruleset.lock();
                let ruleset = ruleset.unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                if let Some(ruleset) = ruleset {
                    worker.replace_rules(&ruleset);
                }
            }
            batch.clear();
            match self.source.read(&mut batch, self.setup.round) {
                Ok(Progress::More) => {}
                Ok(Progress::Idle) if stopping => break,
                // The wire is silent: only now may a clock make time go on.
                Ok(Progress::Idle) => now = now.max(Timestamp::wall_clock()),
                Ok(Progress::End) => break,
                Err(failure) => error = Some(failure),
            }
            for frame in &mut batch.frames {
                own += 1;
                // Numbers of several workers interleave, so that they stay distinct.
                frame.sequence = (own * self.count as u64) + self.index as u64;
                now = now.max(frame.timestamp);
            }
            let last = own * self.count as u64 + self.index as u64;
            kept.extend(worker.round(&batch, last, now));
            warnings.extend(self.source.warnings());
            self.offer(&mut worker, &mut kept, now);
        }
        kept.extend(worker.finish(own * self.count as u64 + self.index as u64, now));
        let output = RoundOutput { records: kept, now, stats: worker.stats() };
        let stats = self.source.stats();
        // At the end it may wait: nothing is watched any more.
        let _ = self.to_merge.send((self.index, output, stats));
        (warnings, error)
    }

    /// Gives the merge what there is, if it has room.
    fn offer(&mut self, worker: &mut Worker, kept: &mut Vec<Record>, now: Timestamp) {
        let records = std::mem::take(kept);
        let output = RoundOutput { records, now, stats: worker.stats() };
        let message = (self.index, output, self.source.stats());
        if let Err(TrySendError::Full((_, output, _))) = self.to_merge.try_send(message) {
            *kept = output.records;
            let lost = backlog::shed(kept, backlog::RECORDS_MAX, backlog::BYTES_MAX);
            worker.count_dropped_records(lost);
        }
    }
}

/// The merge's thread of a live run: takes outputs as they come.
fn merge_live(
    merge: &mut Merge,
    outputs: &Receiver<LiveOutput>,
    count: usize,
    publish: &mut (dyn FnMut(&WorkerStats, &SourceStats, MergeStats) + Send),
) -> Report {
    let mut latest = vec![(WorkerStats::default(), SourceStats::default()); count];
    let mut merged = Report::default();
    for (index, mut output, source) in outputs {
        merged.last = merged.last.max(output.now);
        if let Some(slot) = latest.get_mut(index) {
            *slot = (output.stats, source);
        }
        merge.round(&mut output.records, merged.last);
        (merged.stats, merged.source) = (WorkerStats::default(), SourceStats::default());
        for (stats, source) in &latest {
            merged.stats.add(stats);
            merged.source.add(source);
        }
        merge.stats = merged.stats;
        let SourceStats { received, kernel_dropped, interface_dropped, .. } = merged.source;
        let dropped = kernel_dropped + interface_dropped;
        merge.capture(Capture { received, dropped }, merged.last);
        publish(&merged.stats, &merged.source, merge.counted());
    }
    merged.lost = merge.finish(merged.last);
    merged
}
