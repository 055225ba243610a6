//! `hub send`: takes events into the spool, then sends what waits, until it is empty or patience
//! ends.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use serde_json::Value;

use super::client::Client;
use super::place::{Place, lines};
use super::sender::{BATCH_ENTRIES, Failed, Sender, chance};
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::audit::Audit;
use crate::outputs::hub::cleared::Withheld;
use crate::outputs::hub::exchange::{Counts, Exchange, Unit};
use crate::outputs::hub::policy::{Recipient, Tlp};
use crate::outputs::hub::privacy::guard::Hit;
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{Entry, Spool};
use crate::outputs::hub::taxii::{Backoff, Transport, Trouble};
use crate::time::Timestamp;

/// Sends.
pub(super) fn send(
    options: &SiteOptions,
    patience: u64,
    eve: &[PathBuf],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let now = Timestamp::wall_clock();
    if !place.may_send(now) {
        bail!("sharing is off: the policy's last day is over (basis.valid-until)");
    }
    let _lock = place.lock()?;
    let keys = Keys::open(&place.folder, now).context("cannot keep the key of pseudonyms")?;
    let mut exchange = place.exchange(keys);
    let mut spools = Vec::new();
    for recipient in &place.policy.recipients {
        spools.push((recipient, place.spool(recipient)?));
    }
    let mut code = DONE;
    for path in eve {
        fill(&mut exchange, path, &mut spools, now)?;
        code = code.max(doubt(path, &exchange));
    }
    if !eve.is_empty() {
        tell(exchange.counts());
    }
    let audit = Audit::open(&place.audit()).context("cannot open the log of what leaves")?;
    audit.prune(place.policy.retention.audit_months, now)?;
    let audit = Arc::new(Mutex::new(audit));
    for (recipient, mut spool) in spools {
        spool.prune(now);
        let spool = Mutex::new(spool);
        let client = Client::new(&place.policy.tls)?;
        let mut sender = Sender::new(&place, recipient, client, &audit, exchange.preamble());
        let name = &recipient.name;
        let drained = drain(&mut sender, &spool, patience);
        let sent = sender.sent;
        match drained {
            Ok(()) => writeln!(out, "{name}: {sent} events sent, none waits")?,
            Err(error) => {
                let waits = spool.lock().unwrap_or_else(PoisonError::into_inner).depth().entries;
                writeln!(out, "{name}: {sent} events sent, {waits} wait")?;
                tracing::error!("{name}: {error:#}");
                code = REFUSED;
            }
        }
    }
    Ok(code)
}

/// Sends until nothing waits.
fn drain(sender: &mut Sender, spool: &Mutex<Spool<Folder>>, patience: u64) -> anyhow::Result<()> {
    let mut backoff = Backoff::default();
    let mut left = patience as f64;
    loop {
        let before = sender.arrived();
        match sender.once(spool) {
            Ok(true) => backoff.worked(),
            Ok(false) => return Ok(()),
            Err(Failed::Trouble(Trouble::Later { why, after })) => {
                // It gets on, if slowly: that is no reason to wait ever longer.
                if sender.arrived() > before {
                    backoff.worked();
                }
                let wait = backoff.failed(chance(), after);
                if wait > left {
                    bail!("{why}");
                }
                tracing::warn!("{why}; again in {wait:.1} s");
                left -= wait;
                sender.client.pause(wait);
            }
            Err(Failed::Trouble(stop @ Trouble::Stop { .. })) => bail!("{stop}"),
            Err(Failed::Here(error)) => return Err(error),
        }
    }
}

/// What a file that has no events, or lines that are none, makes of the exit code.
pub(super) fn doubt(path: &std::path::Path, exchange: &Exchange) -> u8 {
    let unreadable = exchange.counts().unreadable;
    if unreadable == 0 {
        return DONE;
    }
    tracing::error!("{}: {unreadable} lines are no events of EVE", path.display());
    REFUSED
}

/// Takes the events of one file into the spools of those that are cleared for them.
fn fill(
    exchange: &mut Exchange,
    path: &std::path::Path,
    spools: &mut [(&Recipient, Spool<Folder>)],
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut units = Vec::new();
    let mut result = Ok(());
    lines(path, &mut |line| {
        units.extend(exchange.line(line, now));
        if units.len() >= BATCH_ENTRIES && result.is_ok() {
            result = keep(&mut units, spools, now);
        }
    })?;
    result.and_then(|()| keep(&mut units, spools, now))
}

fn keep(
    units: &mut Vec<Unit>,
    spools: &mut [(&Recipient, Spool<Folder>)],
    now: Timestamp,
) -> anyhow::Result<()> {
    for (recipient, spool) in spools {
        let appended = spool.append(&entries(units, recipient.tlp, now));
        appended.with_context(|| format!("{}: cannot keep events", recipient.name))?;
    }
    units.clear();
    Ok(())
}

/// Of these events those that a recipient is cleared for, as they wait.
pub(super) fn entries(units: &[Unit], clearance: Tlp, now: Timestamp) -> Vec<Entry> {
    let cleared = units.iter().filter(|unit| unit.tlp <= clearance);
    cleared
        .map(|unit| Entry {
            level: unit.level,
            at: now,
            bytes: Value::Array(unit.objects.clone()).to_string().into_bytes(),
        })
        .collect()
}

/// Says what became of the events.
pub(super) fn tell(counts: &Counts) {
    tracing::info!("{} events seen, {} may leave", counts.seen, counts.units);
    for (why, count) in Withheld::ALL.iter().zip(counts.withheld).filter(|(_, count)| *count > 0) {
        tracing::info!("{count} stay: {}", why.name());
    }
    for (hit, count) in Hit::ALL.iter().zip(counts.hits).filter(|(_, count)| *count > 0) {
        tracing::warn!("{count} blocked by the guard: {}", hit.name());
    }
    if counts.unreadable > 0 {
        tracing::warn!("{} lines could not be read", counts.unreadable);
    }
}
