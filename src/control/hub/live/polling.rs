//! Reads indicators of others from time to time, in a thread of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{SPREAD, STOPPED_PAUSE, Settings, Shared};
use crate::anomaly::indicator::Watchlist;
use crate::control::hub::client::Client;
use crate::control::hub::inbound::{self, Inbound};
use crate::control::hub::pull;
use crate::control::hub::sender::chance;
use crate::outputs::hub::snapshot::Task;
use crate::outputs::hub::taxii::{Backoff, Trouble};
use crate::time::Timestamp;

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

/// Begins to read; what was known before is in force when this comes back.
pub(super) fn start(
    shared: &Arc<Shared>,
    settings: &Settings,
    watchlist: &Watchlist,
) -> anyhow::Result<JoinHandle<()>> {
    let place = &shared.place;
    let mut inbound = Inbound::new(place.gate(false), watchlist.clone());
    let file = match &settings.indicators {
        Some(path) => Some((inbound.add_file(path)?, path.clone())),
        None => None,
    };
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
    let work = move |shared: &Shared| poll(shared, inbound, file, &mut sources, every);
    Ok(shared.spawn(Task::Poll, work)?)
}

fn in_force(shared: &Shared, inbound: &Inbound) {
    let counts = inbound.put_in_force(Some(Timestamp::wall_clock()));
    inbound::tell(&counts);
    shared.counts().inbound = counts;
}

/// Reads what is new, and puts it into force.
fn poll(
    shared: &Shared,
    mut inbound: Inbound,
    file: Option<(usize, PathBuf)>,
    sources: &mut [Source],
    every: f64,
) {
    // Here, not before the first packet: a resolver that is away takes its time.
    if !sources.is_empty() {
        inbound.set_gate(shared.place.gate(true));
        in_force(shared, &inbound);
    }
    while shared.goes_on() {
        let mut is_changed = false;
        if let (true, Some((number, path))) = (shared.reread.swap(false, Ordering::Relaxed), &file)
        {
            match inbound.reread(*number, path) {
                Ok(()) => is_changed = true,
                Err(error) => tracing::error!("reload: the old indicators stay: {error:#}"),
            }
        }
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
