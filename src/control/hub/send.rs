//! `hub send`: takes events into the spool, then sends what waits, until it is empty or patience
//! ends.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use super::client::Client;
use super::place::{Place, lines};
use crate::control::cli::SiteOptions;
use crate::control::run::{DONE, REFUSED};
use crate::control::terminal::Terminal;
use crate::outputs::hub::audit::{Audit, What};
use crate::outputs::hub::cleared::Withheld;
use crate::outputs::hub::exchange::{Counts, Exchange, envelope};
use crate::outputs::hub::policy::Recipient;
use crate::outputs::hub::privacy::guard::{Guard, Hit};
use crate::outputs::hub::privacy::pseudonym::Keys;
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{Entry, Spool, Ticket};
use crate::outputs::hub::taxii::{Backoff, Collection, Transport, Trouble, push};
use crate::time::Timestamp;

/// Events in one envelope at most (STIX Best Practices Guide, table 3).
pub(super) const BATCH_ENTRIES: usize = 100;
/// Bytes of events in one envelope at most, before the server's own bound.
const BATCH_BYTES: usize = 768 * 1024;
/// Seconds between envelopes: at most twenty a second, after an outage too.
const BATCH_PAUSE: f64 = 0.05;

/// Sends.
pub(super) fn send(
    options: &SiteOptions,
    patience: u64,
    eve: &[PathBuf],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    let place = Place::of(options)?;
    let now = Timestamp::wall_clock();
    let [year, month, day, ..] = now.civil();
    if !place.policy.holds_on([year, month, day]) {
        bail!("sharing is off: the policy's last day is over (basis.valid-until)");
    }
    let _lock = place.lock()?;
    let keys = Keys::open(&place.folder, now).context("cannot keep the key of pseudonyms")?;
    let mut exchange = place.exchange(keys);
    let mut spools = Vec::new();
    for recipient in &place.policy.recipients {
        spools.push((recipient, place.spool(recipient)?));
    }
    for path in eve {
        fill(&mut exchange, path, &mut spools, now)?;
    }
    if !eve.is_empty() {
        tell(exchange.counts());
    }
    let mut audit = Audit::open(&place.audit()).context("cannot open the log of what leaves")?;
    audit.prune(place.policy.retention.audit_months, now)?;
    let mut code = DONE;
    for (recipient, mut spool) in spools {
        spool.prune(now);
        let mut sender = Sender {
            site: &place.site,
            recipient,
            client: Client::new(&place.policy.tls)?,
            audit: &mut audit,
            preamble: exchange.preamble(),
            sent: 0,
        };
        let name = &recipient.name;
        match sender.drain(&mut spool, patience) {
            Ok(()) => writeln!(out, "{name}: {} events sent, none waits", sender.sent)?,
            Err(error) => {
                let waits = spool.depth().entries;
                writeln!(out, "{name}: {} events sent, {waits} wait", sender.sent)?;
                tracing::error!("{name}: {error:#}");
                code = REFUSED;
            }
        }
    }
    Ok(code)
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
    units: &mut Vec<crate::outputs::hub::exchange::Unit>,
    spools: &mut [(&Recipient, Spool<Folder>)],
    now: Timestamp,
) -> anyhow::Result<()> {
    for (recipient, spool) in spools {
        let cleared = units.iter().filter(|unit| unit.tlp <= recipient.tlp);
        let entries: Vec<Entry> = cleared
            .map(|unit| Entry {
                level: unit.level,
                at: now,
                bytes: Value::Array(unit.objects.clone()).to_string().into_bytes(),
            })
            .collect();
        spool
            .append(&entries)
            .with_context(|| format!("{}: cannot keep events", recipient.name))?;
    }
    units.clear();
    Ok(())
}

/// Sends to one recipient.
struct Sender<'a> {
    site: &'a Site,
    recipient: &'a Recipient,
    client: Client,
    audit: &'a mut Audit,
    preamble: Vec<Value>,
    sent: usize,
}

impl Sender<'_> {
    /// Until nothing waits.
    fn drain(&mut self, spool: &mut Spool<Folder>, patience: u64) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        let mut left = patience as f64;
        let mut collection = None;
        loop {
            match self.once(spool, &mut collection) {
                Ok(true) => backoff.worked(),
                Ok(false) => return Ok(()),
                Err(Failed::Trouble(Trouble::Later { why, after })) => {
                    let wait = backoff.failed(chance(), after);
                    if wait > left {
                        bail!("{why}");
                    }
                    tracing::warn!("{why}; again in {wait:.1} s");
                    left -= wait;
                    self.client.pause(wait);
                }
                Err(Failed::Trouble(stop @ Trouble::Stop { .. })) => bail!("{stop}"),
                Err(Failed::Here(error)) => return Err(error),
            }
        }
    }

    /// One envelope; false when nothing waits.
    fn once(
        &mut self,
        spool: &mut Spool<Folder>,
        collection: &mut Option<Collection>,
    ) -> Result<bool, Failed> {
        let batch = spool.peek(BATCH_ENTRIES, BATCH_BYTES).context("cannot read what waits")?;
        if batch.is_empty() {
            return Ok(false);
        }
        let open = match collection.take() {
            Some(open) => open,
            None => {
                let Recipient { api_root, collection, .. } = self.recipient;
                Collection::open(&mut self.client, api_root, collection, true)?
            }
        };
        let (tickets, entries): (Vec<Ticket>, Vec<Entry>) = batch.into_iter().unzip();
        let mut objects = self.preamble.clone();
        let mut refused = Vec::new();
        for entry in &entries {
            // Looked at once more: the policy's own names may have changed since it was taken.
            match serde_json::from_slice::<Vec<Value>>(&entry.bytes) {
                Ok(of) if check(self.site, &of).is_ok() => objects.extend(of),
                _ => refused.push(entry),
            }
        }
        let envelope = envelope(objects);
        let sent = envelope.to_string().into_bytes();
        let objects = envelope.get("objects").and_then(Value::as_array).cloned();
        let objects = objects.unwrap_or_default();
        let name = &self.recipient.name;
        let mut tell = |what, now| {
            let told = self.audit.tell(what, name, &objects, &sent, now);
            told.context("cannot write the log of what leaves: nothing is sent")
        };
        tell(What::Offered, Timestamp::wall_clock())?;
        let pushed = push(&mut self.client, &open, &objects)?;
        let now = Timestamp::wall_clock();
        tell(if pushed.accepted > 0 { What::Accepted } else { What::Refused }, now)?;
        for refusal in pushed.refused.iter().take(3) {
            tracing::warn!("{name}: refuses {}: {}", refusal.id, refusal.why);
        }
        let is_refused = |entry: &&Entry| {
            let text = String::from_utf8_lossy(&entry.bytes);
            pushed.refused.iter().any(|refusal| text.contains(&refusal.id))
        };
        refused.extend(entries.iter().filter(is_refused));
        spool.count_refused(&refused);
        spool.acknowledge(&tickets);
        self.sent += entries.len() - refused.len().min(entries.len());
        self.preamble.clear();
        *collection = Some(open);
        self.client.pause(BATCH_PAUSE);
        Ok(true)
    }
}

/// Why an envelope did not go: the other side, or this one.
enum Failed {
    Trouble(Trouble),
    Here(anyhow::Error),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Here(error)
    }
}

/// Looks at objects that come from the spool: what they tell of others may be told.
fn check(site: &Site, objects: &[Value]) -> Result<(), Hit> {
    let told: Vec<std::net::IpAddr> = objects
        .iter()
        .filter_map(|object| object.get("value")?.as_str()?.parse().ok())
        .filter(|address| site.is_external(*address))
        .collect();
    Guard::new(site, &[], &told).check(&Value::Array(objects.to_vec()))
}

/// A number from 0 to 1 by chance: the standard library seeds its hashers with the system's.
fn chance() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::hash::RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
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
