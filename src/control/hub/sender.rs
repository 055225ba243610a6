//! One recipient's envelopes: what waits, once more past the guard, told to the log, sent, let go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;

use super::client::Client;
use super::place::Place;
use crate::outputs::hub::audit::{Audit, What};
use crate::outputs::hub::exchange::envelope;
use crate::outputs::hub::policy::Recipient;
use crate::outputs::hub::privacy::guard::{Guard, Hit};
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::spool::disk::Folder;
use crate::outputs::hub::spool::{Entry, Spool, Ticket};
use crate::outputs::hub::taxii::{Arrived, Collection, Transport, Trouble, push};
use crate::time::Timestamp;

/// Events in one envelope at most (STIX Best Practices Guide, table 3).
pub(super) const BATCH_ENTRIES: usize = 100;
/// Bytes of events in one envelope at most, before the server's own bound.
const BATCH_BYTES: usize = 768 * 1024;
/// Seconds between envelopes: at most twenty a second, after an outage too.
const BATCH_PAUSE: f64 = 0.05;
/// Objects refused by the recipient that are named in the log.
const REFUSALS_SHOWN: usize = 3;

/// Sends to one recipient.
pub(super) struct Sender {
    pub(super) client: Client,
    /// Events that the recipient has.
    pub(super) sent: usize,
    /// Events that it, or the guard, refuses for good.
    pub(super) rejected: usize,
    site: Site,
    recipient: Recipient,
    audit: Arc<Mutex<Audit>>,
    /// What stands before all events; none once it was sent.
    preamble: Vec<Value>,
    collection: Option<Collection>,
    /// What of the next envelope the recipient has already.
    arrived: Arrived,
}

/// Why an envelope did not go: the other side, or this one.
pub(super) enum Failed {
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

impl Sender {
    pub(super) fn new(
        place: &Place,
        recipient: &Recipient,
        client: Client,
        audit: &Arc<Mutex<Audit>>,
        preamble: Vec<Value>,
    ) -> Self {
        Self {
            client,
            sent: 0,
            rejected: 0,
            site: place.site.clone(),
            recipient: recipient.clone(),
            audit: Arc::clone(audit),
            preamble,
            collection: None,
            arrived: Arrived::default(),
        }
    }

    /// Sends one envelope; false when nothing waits. The spool is free while the recipient takes its
    /// time.
    pub(super) fn once(&mut self, spool: &Mutex<Spool<Folder>>) -> Result<bool, Failed> {
        let batch =
            held(spool).peek(BATCH_ENTRIES, BATCH_BYTES).context("cannot read what waits")?;
        if batch.is_empty() {
            return Ok(false);
        }
        let open = match &self.collection {
            Some(open) => open.clone(),
            None => {
                let Recipient { api_root, collection, .. } = &self.recipient;
                let open = Collection::open(&mut self.client, api_root, collection, true)?;
                self.collection.insert(open).clone()
            }
        };
        let (tickets, entries): (Vec<Ticket>, Vec<Entry>) = batch.into_iter().unzip();
        let mut objects = self.preamble.clone();
        let mut refused = Vec::new();
        for entry in &entries {
            // Looked at once more: the policy's own names may have changed since it was taken.
            match serde_json::from_slice::<Vec<Value>>(&entry.bytes) {
                Ok(of) if check(&self.site, &of).is_ok() => objects.extend(of),
                _ => refused.push(entry),
            }
        }
        let envelope = envelope(objects);
        let sent = envelope.to_string().into_bytes();
        let objects = envelope.get("objects").and_then(Value::as_array).cloned();
        let objects = objects.unwrap_or_default();
        self.tell(What::Offered, &objects, &sent)?;
        let pushed = push(&mut self.client, &open, &objects, &mut self.arrived)?;
        self.arrived.clear();
        let what = if pushed.accepted > 0 { What::Accepted } else { What::Refused };
        self.tell(what, &objects, &sent)?;
        for refusal in pushed.refused.iter().take(REFUSALS_SHOWN) {
            tracing::warn!("{}: refuses {}: {}", self.recipient.name, refusal.id, refusal.why);
        }
        let is_refused = |entry: &&Entry| {
            let text = String::from_utf8_lossy(&entry.bytes);
            pushed.refused.iter().any(|refusal| text.contains(&refusal.id))
        };
        refused.extend(entries.iter().filter(is_refused));
        {
            let mut spool = held(spool);
            spool.count_refused(&refused);
            spool.acknowledge(&tickets);
        }
        self.rejected += refused.len();
        self.sent += entries.len() - refused.len().min(entries.len());
        self.preamble.clear();
        self.client.pause(BATCH_PAUSE);
        Ok(true)
    }

    /// How much of an envelope that did not go wholly has arrived.
    pub(super) fn arrived(&self) -> usize {
        self.arrived.len()
    }

    fn tell(&self, what: What, objects: &[Value], sent: &[u8]) -> anyhow::Result<()> {
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::wall_clock();
        let told = audit.tell(what, &self.recipient.name, objects, sent, now);
        told.context("cannot write the log of what leaves: nothing is sent")
    }
}

pub(super) fn held(spool: &Mutex<Spool<Folder>>) -> MutexGuard<'_, Spool<Folder>> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
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
pub(super) fn chance() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::hash::RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
