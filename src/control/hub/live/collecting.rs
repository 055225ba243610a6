//! Sends lines of syslog to one collector, in a thread of its own. They wait on the disk like what goes
//! to a hub, and are let go when the collector has read them.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::sending::is_due;
use super::{HERE_PAUSE, Shared, Task};
use crate::control::hub::forward::{BATCH_LINES, Unsent, send};
use crate::control::hub::sender::{chance, held};
use crate::outputs::hub::policy::Collector;
use crate::outputs::hub::privacy::guard::Guard;
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::snapshot::Attempt;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{Entry, Spool, Ticket};
use crate::outputs::hub::taxii::Backoff;
use crate::time::Timestamp;

/// Bytes that leave together at most.
const BATCH_BYTES: usize = 768 * 1024;

/// Begins to send to the collector of that number.
pub(super) fn start(shared: &Arc<Shared>, number: usize) -> io::Result<JoinHandle<()>> {
    shared.spawn(Task::Forward, move |shared| forward(shared, number))
}

/// Sends what waits, as to a hub: many at once, what has waited long enough, anything critical.
fn forward(shared: &Shared, number: usize) {
    let collector = shared.place.policy.collectors.get(number);
    let (Some(collector), Some(spool)) = (collector, shared.lines.get(number)) else { return };
    let name = &collector.name;
    let mut backoff = Backoff::default();
    let mut not_before = Instant::now();
    let mut is_flowing = false;
    while is_flowing && !shared.is_over() || shared.goes_on() {
        let now = Timestamp::wall_clock();
        let may_send = Instant::now() >= not_before && shared.place.may_send(now);
        if !may_send || !is_due(shared, spool, is_flowing, now) {
            is_flowing = false;
            continue;
        }
        let (sent, attempt, wait) = match once(shared, collector, spool) {
            Ok(sent) => {
                if backoff.failures() > 0 {
                    tracing::info!("{name}: lines are taken again");
                }
                backoff.worked();
                (sent, Attempt::Accepted, Duration::ZERO)
            }
            Err(Unsent::Here(error)) => {
                tracing::error!("{name}: not the collector, this machine: {error:#}");
                (0, Attempt::Stopped, HERE_PAUSE)
            }
            Err(Unsent::There(error)) => {
                if backoff.failures() == 0 {
                    tracing::warn!("{name}: {error:#}; it is tried again, lines wait");
                }
                let wait = backoff.failed(chance(), None);
                (0, Attempt::Later, Duration::try_from_secs_f64(wait).unwrap_or_default())
            }
        };
        not_before = Instant::now() + wait;
        is_flowing = attempt == Attempt::Accepted;
        let mut counts = shared.counts();
        counts.lines_sent += sent;
        let at = Attempt::ALL.iter().position(|one| *one == attempt);
        if let Some(count) = at.and_then(|at| counts.line_attempts.get_mut(at)) {
            *count += 1;
        }
    }
}

/// Sends one batch; how many lines.
fn once(
    shared: &Shared,
    collector: &Collector,
    spool: &Mutex<Spool<Folder>>,
) -> Result<u64, Unsent> {
    let batch = held(spool).peek(BATCH_LINES, BATCH_BYTES);
    let batch = batch.context("cannot read what waits").map_err(Unsent::Here)?;
    let (tickets, entries): (Vec<Ticket>, Vec<Entry>) = batch.into_iter().unzip();
    let (mut lines, mut refused) = (Vec::new(), Vec::new());
    for entry in &entries {
        // Looked at once more: the policy's own names may have changed since it was taken.
        match serde_json::from_slice::<Vec<Value>>(&entry.bytes) {
            Ok(of) if of.iter().all(|line| may_leave(&shared.place.site, line)) => lines.extend(of),
            _ => refused.push(entry),
        }
    }
    if !lines.is_empty() {
        send(&shared.place, collector, &lines, &shared.audit)?;
    }
    let mut spool = held(spool);
    spool.count_refused(&refused);
    spool.acknowledge(&tickets);
    Ok(lines.len() as u64)
}

/// Whether the guard lets a line leave. The addresses of the world in it may be told.
fn may_leave(site: &Site, line: &Value) -> bool {
    let words = line.as_str().unwrap_or_default().split([' ', '"', '=']);
    let told = words.filter_map(|word| word.parse::<IpAddr>().ok());
    let told: Vec<IpAddr> = told.filter(|address| site.is_external(*address)).collect();
    Guard::new(site, &[], &told).check(line).is_ok()
}
