//! The exchange while the sensor watches: what happens goes to the hub, what others report comes
//! from it, each in a thread of its own. Nothing here is waited for by the packet path.
//!
//! ```text
//! merge ─► channel ─► take ─► spools ─► send (one thread a recipient) ─► hub
//!                          └─► lines ─► forward (one thread a collector) ─► syslog
//!                                       poll (all collections) ◄────────┘
//!                                        └─► store ─► gate ─► set ─► the detector
//! ```
//!
//! What was taken is on disk; the threads may end at any moment, with the process or before.

mod collecting;
mod fetching;
mod polling;
mod sending;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::RecvTimeoutError;

use super::certificate::{self, Said};
use super::client::Client;
use super::forward;
use super::place::Place;
use super::push::Pusher;
use super::send::entries;
use super::sender::{BATCH_ENTRIES, held};
use crate::anomaly::indicator::Watchlist;
use crate::control::config::Config;
use crate::net::AddressSet;
use crate::outputs::hub::audit::Audit;
use crate::outputs::hub::exchange::{Counts, Exchange, Unit};
use crate::outputs::hub::live::{Lines, Sharing};
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::snapshot::{KINDS, Snapshot, Task};
use crate::outputs::hub::spool::Spool;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::metrics::{Look, Metrics};
use crate::time::Timestamp;

/// How often a thread looks whether there is something to do.
const LOOK: Duration = Duration::from_millis(200);
/// How often what is too old is given up.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How long the threads have to end before the process goes on to its own end.
const PATIENCE: Duration = Duration::from_secs(2);
/// After what only somebody can mend, it is tried again so much later.
const STOPPED_PAUSE: Duration = Duration::from_secs(900);
/// What is read is read sooner or later by up to so much of its span, so that thousands do not come
/// at once.
const SPREAD: f64 = 0.25;
/// After what went wrong on this side.
const HERE_PAUSE: Duration = Duration::from_secs(60);

/// How the exchange goes on.
pub(in crate::control) struct Settings {
    /// The policy's file.
    pub(in crate::control) policy: PathBuf,
    /// The folder of what waits.
    pub(in crate::control) folder: PathBuf,
    /// An envelope waits for more events at most so many seconds.
    pub(in crate::control) batch_seconds: u64,
    /// Seconds between two readings of indicators.
    pub(in crate::control) poll_seconds: u64,
    /// A file of indicators beside those of the hub.
    pub(in crate::control) indicators: Option<PathBuf>,
    /// What the sensor loads rules with.
    pub(in crate::control) config: Config,
}

/// The running exchange; dropping it ends it.
pub(in crate::control) struct Exchanging {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Ends when the sensor has let go of the other end of the way.
    taking: Option<JoinHandle<()>>,
}

struct Shared {
    place: Place,
    /// What waits for each recipient.
    spools: Vec<Mutex<Spool<Folder>>>,
    /// What waits for each collector of syslog.
    lines: Vec<Mutex<Spool<Folder>>>,
    audit: Arc<Mutex<Audit>>,
    /// Counters that the threads keep; the rest is looked at when it is asked for.
    counts: Mutex<Snapshot>,
    batch: Duration,
    stop: AtomicBool,
    /// The file of indicators is to be read anew.
    reread: AtomicBool,
    /// Threads that broke, in the order of [`Task::ALL`].
    broken: [AtomicU64; Task::ALL.len()],
    /// Nobody else works in the folder as long as a thread of ours is left.
    _lock: std::fs::File,
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Snapshot> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Begins a thread. Should it break, that is told to the metrics: nobody else would notice.
    fn spawn(
        self: &Arc<Self>,
        task: Task,
        work: impl FnOnce(&Self) + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let shared = Arc::clone(self);
        std::thread::Builder::new().name(task.name().to_owned()).spawn(move || {
            let _watched = Watched { broken: &shared.broken, task };
            work(&shared);
        })
    }

    /// Waits a moment; false when it is over.
    fn goes_on(&self) -> bool {
        std::thread::sleep(LOOK);
        !self.is_over()
    }
}

/// Counts the thread that holds it if it breaks.
struct Watched<'a> {
    broken: &'a [AtomicU64; Task::ALL.len()],
    task: Task,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let at = Task::ALL.iter().position(|task| *task == self.task);
        if let (true, Some(count)) =
            (std::thread::panicking(), at.and_then(|at| self.broken.get(at)))
        {
            count.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                "what does {:?} for the exchange broke: restart, and tell who made the program",
                self.task.name()
            );
        }
    }
}

impl Exchanging {
    /// Begins: gives it, what hands records to it, and what looks how it stands.
    ///
    /// # Errors
    /// When the policy is not sound, or its folder or its certificates cannot be had.
    pub(in crate::control) fn start(
        settings: &Settings,
        home: AddressSet,
        watchlist: &Watchlist,
    ) -> anyhow::Result<(Self, Sharing, Look)> {
        let place = Place::with(&settings.policy, home, &settings.folder)?;
        let now = Timestamp::wall_clock();
        let lock = place.lock()?;
        let keys = Keys::open(&place.folder, now).context("cannot keep the key of pseudonyms")?;
        let exchange = place.exchange(keys);
        let (recipients, collectors) = (&place.policy.recipients, &place.policy.collectors);
        let spools = recipients.iter().map(|of| place.spool(of).map(Mutex::new));
        let spools = spools.collect::<anyhow::Result<Vec<_>>>()?;
        let lines = collectors.iter().map(|of| place.lines(of).map(Mutex::new));
        let lines = lines.collect::<anyhow::Result<Vec<_>>>()?;
        let mut making = Vec::new();
        for collector in collectors {
            let keys = Keys::open(&place.folder, now)?;
            making.push(forward::exchange(&place, collector, keys)?);
        }
        let audit = Audit::open(&place.audit()).context("cannot open the log of what leaves")?;
        audit.prune(place.policy.retention.audit_months, now)?;
        let shared = Arc::new(Shared {
            place,
            spools,
            lines,
            audit: Arc::new(Mutex::new(audit)),
            counts: Mutex::default(),
            batch: Duration::from_secs(settings.batch_seconds),
            stop: AtomicBool::new(false),
            reread: AtomicBool::new(false),
            broken: Default::default(),
            _lock: lock,
        });
        look_at_certificate(&shared);
        let mut threads = Vec::new();
        for number in 0..shared.spools.len() {
            threads.push(sending::start(&shared, number, &exchange)?);
        }
        for number in 0..shared.lines.len() {
            threads.push(collecting::start(&shared, number)?);
        }
        threads.push(polling::start(&shared, settings, watchlist)?);
        threads.extend(fetching::start(&shared, &settings.config)?);
        let (sharing, lines) = Sharing::new();
        let counters = sharing.counters();
        let makers = Makers { exchange, collectors: making };
        let taking = shared.spawn(Task::Take, move |shared| take(shared, makers, &lines))?;
        let look = {
            let (shared, watchlist) = (Arc::clone(&shared), watchlist.clone());
            move || {
                let lost = counters.lost.load(Ordering::Relaxed);
                look(&shared, lost, watchlist.hits())
            }
        };
        let exchanging = Self { shared, threads, taking: Some(taking) };
        Ok((exchanging, sharing, Box::new(look)))
    }
}

impl Exchanging {
    /// Begins to send metrics, if the policy says where to.
    ///
    /// # Errors
    /// When certificates cannot be had, or metrics are sent already.
    pub(in crate::control) fn push(&mut self, metrics: &Metrics) -> anyhow::Result<()> {
        let policy = &self.shared.place.policy;
        let Some(push) = &policy.metrics else { return Ok(()) };
        let client = Client::new(&policy.tls)?;
        let mut pusher = Pusher::new(push, &policy.identity, client, metrics)?;
        let work = move |shared: &Shared| {
            while shared.goes_on() {
                pusher.step(shared.place.may_send(Timestamp::wall_clock()));
            }
        };
        self.threads.push(self.shared.spawn(Task::Push, work)?);
        Ok(())
    }

    /// Has the file of indicators read anew, if there is one.
    pub(in crate::control) fn reread(&self) {
        self.shared.reread.store(true, Ordering::Relaxed);
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // What was handed over goes to the disk first.
        let _ = self.taking.take().map(JoinHandle::join);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Who still waits for a hub ends with the process: what it sends stays on the disk.
    }
}

/// How the exchange stands.
fn look(shared: &Shared, lost: u64, hits: [u64; KINDS]) -> Snapshot {
    let mut now = shared.counts().clone();
    (now.now, now.lost, now.hits) = (Timestamp::wall_clock(), lost, hits);
    for (count, broken) in now.broken.iter_mut().zip(&shared.broken) {
        *count = broken.load(Ordering::Relaxed);
    }
    for spool in shared.spools.iter().chain(&shared.lines) {
        let spool = held(spool);
        let depth = spool.depth();
        now.queue.entries += depth.entries;
        now.queue.bytes += depth.bytes;
        now.queue.oldest = match (now.queue.oldest, depth.oldest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        now.dropped.iter_mut().zip(spool.dropped()).for_each(|(sum, more)| *sum += more);
    }
    now
}

/// What makes objects of events, and lines for each collector.
struct Makers {
    exchange: Exchange,
    collectors: Vec<Exchange>,
}

/// What was made of events, in the same order.
#[derive(Default)]
struct Made {
    units: Vec<Unit>,
    lines: Vec<Vec<Unit>>,
}

impl Makers {
    fn line(&mut self, line: &[u8], now: Timestamp, made: &mut Made) {
        made.units.extend(self.exchange.line(line, now));
        made.lines.resize_with(self.collectors.len(), Vec::new);
        for (maker, made) in self.collectors.iter_mut().zip(&mut made.lines) {
            made.extend(maker.line(line, now));
        }
    }

    /// What became of the events; what the guard found in lines alone counts too.
    fn counts(&self) -> Counts {
        let mut counts = self.exchange.counts().clone();
        for of in &self.collectors {
            let more = of.counts().hits.iter().zip(self.exchange.counts().hits);
            let more = more.map(|(lines, objects)| lines.saturating_sub(objects));
            counts.hits.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        counts
    }

    /// A week is over: hosts get new pseudonyms.
    fn turn_keys(&mut self, shared: &Shared, now: Timestamp) {
        for exchange in std::iter::once(&mut self.exchange).chain(&mut self.collectors) {
            if exchange.are_keys_stale(now) {
                match Keys::open(&shared.place.folder, now) {
                    Ok(keys) => exchange.set_keys(keys),
                    Err(error) => tracing::error!("cannot keep the key of pseudonyms: {error}"),
                }
            }
        }
    }
}

/// Takes lines until the sensor is at its end: clears them, puts them into the spools.
fn take(shared: &Shared, mut makers: Makers, lines: &Lines) {
    let mut made = Made::default();
    let mut pruned = Instant::now();
    let mut is_failing = false;
    loop {
        let first = lines.lines.recv_timeout(Duration::from_secs(1));
        let is_over = match first {
            Ok(_) => false,
            Err(RecvTimeoutError::Timeout) => shared.is_over(),
            Err(RecvTimeoutError::Disconnected) => true,
        };
        let now = Timestamp::wall_clock();
        makers.turn_keys(shared, now);
        // What has come by now is put on the disk at once, together.
        let more = std::iter::from_fn(|| lines.lines.try_recv().ok());
        for line in first.into_iter().chain(more).take(BATCH_ENTRIES) {
            lines.arrived(&line);
            makers.line(&line, now, &mut made);
        }
        if !made.units.is_empty() || made.lines.iter().any(|of| !of.is_empty()) {
            let failed = keep(shared, &made, now);
            if let (Some(error), false) = (&failed, is_failing) {
                tracing::error!("the exchange cannot keep events, they are counted: {error}");
            }
            is_failing = failed.is_some();
            made = Made::default();
        }
        shared.counts().events = makers.counts();
        if is_over {
            return;
        }
        if pruned.elapsed() >= PRUNE_EVERY {
            pruned = Instant::now();
            shared.spools.iter().chain(&shared.lines).for_each(|spool| held(spool).prune(now));
            let audit = shared.audit.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = audit.prune(shared.place.policy.retention.audit_months, now) {
                tracing::warn!("the log of what left cannot be shortened: {error}");
            }
        }
    }
}

/// Until when the sensor's certificate holds: that which was there at the start, as that is used.
fn look_at_certificate(shared: &Shared) {
    let said = certificate::own(&shared.place.policy.tls);
    let until = said.map_or(0, |Said { valid: [_, until], .. }| until.seconds());
    shared.counts().certificate_until = until;
}

/// Puts what was made into the spools of those that are cleared for it; the last error, if there is
/// one.
fn keep(shared: &Shared, made: &Made, now: Timestamp) -> Option<std::io::Error> {
    let policy = &shared.place.policy;
    let objects = policy.recipients.iter().zip(&shared.spools);
    let objects =
        objects.map(|(recipient, spool)| (spool, entries(&made.units, recipient.tlp, now)));
    let lines = policy.collectors.iter().zip(&shared.lines).zip(&made.lines);
    let lines = lines.map(|((of, spool), units)| (spool, entries(units, of.tlp, now)));
    let mut failed = None;
    for (spool, entries) in objects.chain(lines) {
        if let Err(error) = held(spool).append(&entries) {
            failed = Some(error);
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_breaks_is_counted_and_one_that_ends_is_not() {
        let broken: [AtomicU64; Task::ALL.len()] = Default::default();
        for breaks in [true, false] {
            std::thread::scope(|scope| {
                let hand = scope.spawn(|| {
                    let _watched = Watched { broken: &broken, task: Task::Poll };
                    if breaks {
                        // Without the words of a panic among those of the tests.
                        std::panic::resume_unwind(Box::new(()));
                    }
                });
                assert_eq!(hand.join().is_err(), breaks);
            });
        }
        let counts = broken.map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 0, 1, 0, 0, 0]);
    }
}
