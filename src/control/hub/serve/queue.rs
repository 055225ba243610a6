//! The one who writes: a thread that takes what waits, puts it on the disk in one transaction, and
//! answers. Many envelopes share the disk's one promise.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use tokio::sync::oneshot;

use super::Hub;
use super::store::{Envelope, Put, Writer};
use crate::time::Timestamp;

/// Envelopes that wait at most; then the service is busy.
pub(super) const QUEUE_ENVELOPES_MAX: usize = 512;
/// Envelopes of one transaction at most.
const BATCH_ENVELOPES: usize = 128;
/// How often it looks for what is old.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// What the thread is asked.
pub(super) enum Job {
    /// To write, and to answer; `None` when it could not.
    Put(Envelope, oneshot::Sender<Option<Put>>),
    /// To remember that a sensor spoke from there, then (microseconds).
    Spoke(IpAddr, u64),
}

/// What envelopes are put into.
#[derive(Clone)]
pub(super) struct Queue(Sender<Job>);

/// Why an envelope is not written.
pub(super) enum Busy {
    /// Too many wait.
    Full,
    /// The disk refuses.
    Broken,
}

impl Queue {
    /// A queue, and its other end.
    pub(super) fn new() -> (Self, Receiver<Job>) {
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE_ENVELOPES_MAX);
        (Self(sender), receiver)
    }

    /// Waits until an envelope is on the disk.
    pub(super) async fn put(&self, envelope: Envelope) -> Result<Put, Busy> {
        let (answer, answered) = oneshot::channel();
        match self.0.try_send(Job::Put(envelope, answer)) {
            Ok(()) => answered.await.ok().flatten().ok_or(Busy::Broken),
            Err(TrySendError::Full(_)) => Err(Busy::Full),
            Err(TrySendError::Disconnected(_)) => Err(Busy::Broken),
        }
    }

    /// Remembers where a sensor spoke from; it does no harm when that is lost.
    pub(super) fn spoke(&self, address: IpAddr, at: u64) {
        let _ = self.0.try_send(Job::Spoke(address, at));
    }

    /// Envelopes that wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Writes until nobody is left who could ask.
pub(super) fn work(hub: &Arc<Hub>, jobs: &Receiver<Job>) {
    let writer = Writer {
        store: &hub.store,
        gate: &hub.gate,
        quorum: hub.config.quorum,
        quota: hub.config.quota,
        indicators: hub.indicators().map(|of| of.id.clone()),
    };
    let mut tidied = Instant::now();
    let mut rounds = 0_u32;
    loop {
        match jobs.recv_timeout(TIDY_EVERY) {
            Ok(job) => batch(hub, &writer, std::iter::once(job).chain(jobs.try_iter())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if tidied.elapsed() >= TIDY_EVERY {
            let now = Timestamp::wall_clock().nanos() / 1_000;
            // Once an hour what has to be gone through whole.
            let whole = rounds.is_multiple_of(120);
            rounds = rounds.wrapping_add(1);
            if let Err(error) = hub.store.tidy(now, hub.config.retention.days, whole) {
                tracing::error!("what is old is not let go: {error:#}");
                hub.metrics.store_errors.inc();
            }
            tidied = Instant::now();
        }
    }
}

fn batch(hub: &Hub, writer: &Writer<'_>, jobs: impl Iterator<Item = Job>) {
    let (mut envelopes, mut answers, mut spoke) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs.take(BATCH_ENVELOPES) {
        match job {
            Job::Put(envelope, answer) => {
                envelopes.push(envelope);
                answers.push(answer);
            }
            Job::Spoke(address, at) => spoke.push((address, at)),
        }
    }
    let puts = match writer.put(&envelopes, &spoke, Timestamp::wall_clock()) {
        Ok(puts) => puts.into_iter().map(Some).collect(),
        Err(error) => {
            tracing::error!("envelopes are not kept, their senders will try again: {error:#}");
            hub.metrics.store_errors.inc();
            Vec::new()
        }
    };
    // Nobody waits any more when the sender has gone; what it sent is kept.
    for (answer, put) in
        answers.into_iter().zip(puts.into_iter().chain(std::iter::repeat_with(|| None)))
    {
        let _ = answer.send(put);
    }
}
