//! The exchange while the sensor watches: what happens goes to the hub, what others report comes
//! from it, each in a thread of its own. Nothing here is waited for by the packet path.
//!
//! ```text
//! merge ─► channel ─► take ─► spools ─► send (one thread a recipient) ─► hub
//!                                       poll (all collections) ◄────────┘
//!                                        └─► store ─► gate ─► set ─► the detector
//! ```
//!
//! What was taken is on disk; the threads may end at any moment, with the process or before.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::RecvTimeoutError;

use super::client::Client;
use super::inbound::{self, Inbound};
use super::place::Place;
use super::pull;
use super::push::Pusher;
use super::send::entries;
use super::sender::{BATCH_ENTRIES, Failed, Sender, chance, held};
use crate::anomaly::indicator::Watchlist;
use crate::net::AddressSet;
use crate::outputs::hub::audit::Audit;
use crate::outputs::hub::exchange::{Exchange, Unit};
use crate::outputs::hub::live::{Lines, Sharing};
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::snapshot::{Attempt, Snapshot};
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{LEVELS, Spool};
use crate::outputs::hub::taxii::{Backoff, Trouble};
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
/// After what went wrong on this side.
const HERE_PAUSE: Duration = Duration::from_secs(60);
/// Readings are spread by up to so much of their span, so that thousands do not come at once.
const SPREAD: f64 = 0.25;

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
    spools: Vec<Mutex<Spool<Folder>>>,
    audit: Arc<Mutex<Audit>>,
    /// Counters that the threads keep; the rest is looked at when it is asked for.
    counts: Mutex<Snapshot>,
    batch: Duration,
    stop: AtomicBool,
    /// Nobody else works in the folder as long as a thread of ours is left.
    _lock: std::os::unix::net::UnixListener,
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Snapshot> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits a moment; false when it is over.
    fn goes_on(&self) -> bool {
        std::thread::sleep(LOOK);
        !self.is_over()
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
        let recipients = place.policy.recipients.iter();
        let spools = recipients.map(|recipient| place.spool(recipient).map(Mutex::new));
        let spools = spools.collect::<anyhow::Result<Vec<_>>>()?;
        let audit = Audit::open(&place.audit()).context("cannot open the log of what leaves")?;
        audit.prune(place.policy.retention.audit_months, now)?;
        let shared = Arc::new(Shared {
            place,
            spools,
            audit: Arc::new(Mutex::new(audit)),
            counts: Mutex::default(),
            batch: Duration::from_secs(settings.batch_seconds),
            stop: AtomicBool::new(false),
            _lock: lock,
        });
        let mut threads = Vec::new();
        for number in 0..shared.spools.len() {
            threads.push(sender(&shared, number, &exchange)?);
        }
        threads.push(poller(&shared, settings, watchlist)?);
        let (sharing, lines) = Sharing::new();
        let counters = sharing.counters();
        let taking = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("sharing".to_owned())
                .spawn(move || take(&shared, exchange, &lines))?
        };
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
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("push".to_owned());
        let thread = thread.spawn(move || {
            while shared.goes_on() {
                pusher.step(shared.place.may_send(Timestamp::wall_clock()));
            }
        });
        self.threads.push(thread?);
        Ok(())
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
fn look(shared: &Shared, lost: u64, hits: [u64; crate::outputs::hub::snapshot::KINDS]) -> Snapshot {
    let mut now = shared.counts().clone();
    (now.now, now.lost, now.hits) = (Timestamp::wall_clock(), lost, hits);
    for spool in &shared.spools {
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

/// Takes lines until the sensor is at its end: clears them, puts them into the spools.
fn take(shared: &Shared, mut exchange: Exchange, lines: &Lines) {
    let mut units = Vec::new();
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
        turn_keys(shared, &mut exchange, now);
        // What has come by now is put on the disk at once, together.
        let more = std::iter::from_fn(|| lines.lines.try_recv().ok());
        for line in first.into_iter().chain(more).take(BATCH_ENTRIES) {
            lines.arrived(&line);
            units.extend(exchange.line(&line, now));
        }
        if !units.is_empty() {
            let failed = keep(shared, &units, now);
            if let (Some(error), false) = (&failed, is_failing) {
                tracing::error!("the exchange cannot keep events, they are counted: {error}");
            }
            is_failing = failed.is_some();
            units.clear();
        }
        shared.counts().events = exchange.counts().clone();
        if is_over {
            return;
        }
        if pruned.elapsed() >= PRUNE_EVERY {
            pruned = Instant::now();
            shared.spools.iter().for_each(|spool| held(spool).prune(now));
            let audit = shared.audit.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = audit.prune(shared.place.policy.retention.audit_months, now) {
                tracing::warn!("the log of what left cannot be shortened: {error}");
            }
        }
    }
}

/// A week is over: hosts get new pseudonyms.
fn turn_keys(shared: &Shared, exchange: &mut Exchange, now: Timestamp) {
    if exchange.are_keys_stale(now) {
        match Keys::open(&shared.place.folder, now) {
            Ok(keys) => exchange.set_keys(keys),
            Err(error) => tracing::error!("cannot keep the key of pseudonyms: {error}"),
        }
    }
}

/// Puts events into the spools of those that are cleared for them; the last error, if there is one.
fn keep(shared: &Shared, units: &[Unit], now: Timestamp) -> Option<std::io::Error> {
    let mut failed = None;
    for (recipient, spool) in shared.place.policy.recipients.iter().zip(&shared.spools) {
        let entries = entries(units, recipient, now);
        if let Err(error) = held(spool).append(&entries) {
            failed = Some(error);
        }
    }
    failed
}

fn sender(
    shared: &Arc<Shared>,
    number: usize,
    exchange: &Exchange,
) -> anyhow::Result<JoinHandle<()>> {
    let place = &shared.place;
    let recipient = place.policy.recipients.get(number).context("no such recipient")?;
    let client = Client::new(&place.policy.tls)?;
    let sender = Sender::new(place, recipient, client, &shared.audit, exchange.preamble());
    let name = recipient.name.clone();
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("send".to_owned());
    Ok(thread.spawn(move || send(&shared, number, sender, &name))?)
}

/// Sends what waits: a full envelope, one that has waited long enough, anything critical at once.
fn send(shared: &Shared, number: usize, mut sender: Sender, name: &str) {
    let Some(spool) = shared.spools.get(number) else { return };
    let mut backoff = Backoff::default();
    let mut not_before = Instant::now();
    let mut is_flowing = false;
    while is_flowing && !shared.is_over() || shared.goes_on() {
        let now = Timestamp::wall_clock();
        is_flowing = Instant::now() >= not_before
            && shared.place.may_send(now)
            && is_due(shared, spool, is_flowing, now);
        if !is_flowing {
            continue;
        }
        let before = (sender.sent, sender.rejected);
        let arrived = sender.arrived();
        let result = sender.once(spool);
        let (attempt, wait) = match result {
            Ok(true) => {
                if backoff.failures() > 0 {
                    tracing::info!("{name}: the hub takes events again");
                }
                backoff.worked();
                (Some(Attempt::Accepted), Duration::ZERO)
            }
            Ok(false) => {
                is_flowing = false;
                (None, Duration::ZERO)
            }
            Err(Failed::Trouble(Trouble::Later { why, after })) => {
                let is_first = backoff.failures() == 0;
                // It gets on, if slowly: that is no reason to wait ever longer.
                if sender.arrived() > arrived {
                    backoff.worked();
                }
                let wait = backoff.failed(chance(), after);
                if is_first {
                    tracing::warn!("{name}: {why}; it is tried again, events wait");
                }
                (Some(Attempt::Later), Duration::try_from_secs_f64(wait).unwrap_or_default())
            }
            Err(Failed::Trouble(stop @ Trouble::Stop { .. })) => {
                tracing::error!("{name}: {stop}");
                (Some(Attempt::Stopped), STOPPED_PAUSE)
            }
            Err(Failed::Here(error)) => {
                tracing::error!("{name}: {error:#}");
                (Some(Attempt::Stopped), HERE_PAUSE)
            }
        };
        not_before = Instant::now() + wait;
        is_flowing &= wait.is_zero();
        let mut counts = shared.counts();
        counts.sent += (sender.sent - before.0) as u64;
        counts.rejected += (sender.rejected - before.1) as u64;
        if attempt == Some(Attempt::Accepted) {
            counts.last_sent = Some(now);
        }
        let at = Attempt::ALL.iter().position(|one| Some(*one) == attempt);
        if let Some(count) = at.and_then(|at| counts.attempts.get_mut(at)) {
            *count += 1;
        }
    }
}

/// Whether an envelope is to go now. Once one goes, all that waits goes.
fn is_due(shared: &Shared, spool: &Mutex<Spool<Folder>>, is_flowing: bool, now: Timestamp) -> bool {
    let spool = held(spool);
    let depth = spool.depth();
    let [.., critical] = LEVELS;
    let waited = depth.oldest.map_or(0, |oldest| now.since(oldest).as_secs());
    depth.entries > 0
        && (is_flowing
            || depth.entries >= BATCH_ENTRIES as u64
            || waited >= shared.batch.as_secs()
            || spool.waiting(critical) > 0)
}

/// A collection of indicators that is read from time to time.
struct Source {
    recipient: usize,
    collection: String,
    /// Its number in [`Inbound`].
    store: usize,
    client: Client,
    next: Instant,
    backoff: Backoff,
}

fn poller(
    shared: &Arc<Shared>,
    settings: &Settings,
    watchlist: &Watchlist,
) -> anyhow::Result<JoinHandle<()>> {
    let place = &shared.place;
    let mut inbound = Inbound::new(place.gate(false), watchlist.clone());
    if let Some(path) = &settings.indicators {
        inbound.add_file(path)?;
    }
    let mut sources = Vec::new();
    for (recipient, of) in place.policy.recipients.iter().enumerate() {
        let Some(collection) = &of.indicators else { continue };
        sources.push(Source {
            recipient,
            collection: collection.clone(),
            store: inbound.add_store(&of.name, &place.indicators(collection))?,
            client: Client::new(&place.policy.tls)?,
            next: Instant::now(),
            backoff: Backoff::default(),
        });
    }
    // What was known before is looked for from the first packet on.
    in_force(shared, &inbound);
    let every = settings.poll_seconds as f64;
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("poll".to_owned());
    Ok(thread.spawn(move || poll(&shared, inbound, &mut sources, every))?)
}

fn in_force(shared: &Shared, inbound: &Inbound) {
    let counts = inbound.put_in_force(Some(Timestamp::wall_clock()));
    inbound::tell(&counts);
    shared.counts().inbound = counts;
}

/// Reads what is new, and puts it into force.
fn poll(shared: &Shared, mut inbound: Inbound, sources: &mut [Source], every: f64) {
    // Here, not before the first packet: a resolver that is away takes its time.
    if !sources.is_empty() {
        inbound.set_gate(shared.place.gate(true));
        in_force(shared, &inbound);
    }
    while shared.goes_on() {
        let mut is_changed = false;
        for source in &mut *sources {
            if Instant::now() < source.next || shared.is_over() {
                continue;
            }
            let worked = read(shared, &mut inbound, source);
            let spread = 1.0 + SPREAD * (2.0 * chance() - 1.0);
            let wait = match &worked {
                Ok(changed) => {
                    is_changed |= changed;
                    source.backoff.worked();
                    every * spread
                }
                // Never sooner than it would have been asked anyway.
                Err(after) => source.backoff.failed(chance(), *after).max(every * spread),
            };
            source.next = Instant::now() + Duration::try_from_secs_f64(wait).unwrap_or_default();
            let mut counts = shared.counts();
            let [done, failed] = &mut counts.polls;
            *(if worked.is_ok() { done } else { failed }) += 1;
            if worked.is_ok() {
                counts.last_poll = Some(Timestamp::wall_clock());
            }
        }
        if is_changed {
            in_force(shared, &inbound);
        }
    }
}

/// Reads one collection; whether what is held has changed, or when to ask again.
fn read(shared: &Shared, inbound: &mut Inbound, source: &mut Source) -> Result<bool, Option<u64>> {
    let place = &shared.place;
    let recipient = place.policy.recipients.get(source.recipient).ok_or(None)?;
    let store = inbound.store(source.store).ok_or(None)?;
    let now = Timestamp::wall_clock();
    let taken =
        pull::once(&mut source.client, recipient, &source.collection, store, &place.folder, now);
    let is_first = source.backoff.failures() == 0;
    match taken {
        Ok(Ok(taken)) => {
            if !is_first {
                tracing::info!("{}: indicators are read again", recipient.name);
            }
            Ok(taken.is_changed)
        }
        Ok(Err(trouble)) => {
            if is_first {
                tracing::warn!("{}: indicators cannot be read: {trouble}", recipient.name);
            }
            Err(match trouble {
                Trouble::Later { after, .. } => after,
                Trouble::Stop { .. } => Some(STOPPED_PAUSE.as_secs()),
            })
        }
        Err(error) => {
            if is_first {
                tracing::error!("{}: {error:#}", recipient.name);
            }
            Err(None)
        }
    }
}
