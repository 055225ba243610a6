//! Sends what waits for one recipient, in a thread of its own.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{HERE_PAUSE, STOPPED_PAUSE, Shared};
use crate::control::hub::client::Client;
use crate::control::hub::sender::{BATCH_ENTRIES, Failed, Sender, chance, held};
use crate::outputs::hub::exchange::Exchange;
use crate::outputs::hub::snapshot::{Attempt, Task};
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{LEVELS, Spool};
use crate::outputs::hub::taxii::{Backoff, Trouble};
use crate::time::Timestamp;

/// Begins to send to the recipient of that number.
pub(super) fn start(
    shared: &Arc<Shared>,
    number: usize,
    exchange: &Exchange,
) -> anyhow::Result<JoinHandle<()>> {
    let place = &shared.place;
    let recipient = place.policy.recipients.get(number).context("no such recipient")?;
    let client = Client::new(&place.policy.tls)?;
    let sender = Sender::new(place, recipient, client, &shared.audit, exchange.preamble());
    let name = recipient.name.clone();
    Ok(shared.spawn(Task::Send, move |shared| send(shared, number, sender, &name))?)
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
pub(super) fn is_due(
    shared: &Shared,
    spool: &Mutex<Spool<Folder>>,
    is_flowing: bool,
    now: Timestamp,
) -> bool {
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
