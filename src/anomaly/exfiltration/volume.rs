//! How much hosts send to places outside, and what they usually send.

use std::net::IpAddr;

use crate::anomaly::stats::Recent;
use crate::anomaly::stats::distinct::mix_address;
use crate::anomaly::stats::robust::Summary;
use crate::time::{Duration, Timestamp};

/// Uploads remembered: pairs of a host and a place.
const UPLOADS_MAX: usize = 4096;
/// Places remembered that were sent much.
const PLACES_MAX: usize = 2048;
/// Hosts remembered that sent much.
const HOSTS_MAX: usize = 2048;
/// Hosts remembered that keep data for others.
const STORES_MAX: usize = 512;
/// Hours kept of a host.
const HOURS_MAX: usize = 72;
/// Hours from which on it is known what is usual.
const HOURS_MIN: usize = 12;
/// A pause that ends an upload.
const PAUSE: Duration = Duration::from_secs(6 * 3600);
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;
/// A deviation of log bytes that is taken at least: a fifth more or less is nothing.
const DEVIATION_MIN: f64 = 0.2;
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;

/// What a host sends to a place.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Upload {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Bytes of payload there and back since `first`.
    pub(super) bytes: [u64; 2],
    /// Of those there, sent between eight in the evening and five in the morning UTC.
    pub(super) by_night: u64,
    /// Bytes at the last finding.
    pub(super) told: u64,
    pub(super) evidence: Vec<u64>,
}

/// What is sent to a place on a day.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Place {
    day: u64,
    bytes: u64,
    /// The most on a day before.
    most: u64,
    /// Days before on which much was sent, up to 255.
    days: u8,
}

/// What a host sends outside in an hour.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Hours {
    hour: u64,
    bytes: u64,
    /// Logarithms of past hours' bytes, oldest first.
    past: Vec<f32>,
}

/// What is usual of a place and a host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual {
    /// Days before on which much was sent there.
    pub(super) days: u8,
    /// The most on one of them.
    pub(super) most: u64,
    /// Robust deviations by which the host's hour lies above its usual one, when that is known.
    pub(super) z: Option<f64>,
    /// Others of ours keep data on the host.
    pub(super) is_store: bool,
}

/// Hosts, so many bits by their hash: one without a bit is none of them.
#[derive(Debug, Default)]
struct Hosts([u64; 16]);

impl Hosts {
    const fn bit(host: IpAddr) -> (usize, u64) {
        let hash = mix_address(host);
        (hash as usize / 64 % 16, 1 << (hash % 64))
    }

    fn add(&mut self, host: IpAddr) {
        let (word, bit) = Self::bit(host);
        self.0.get_mut(word).into_iter().for_each(|word| *word |= bit);
    }

    fn may_have(&self, host: IpAddr) -> bool {
        let (word, bit) = Self::bit(host);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// See the module's page.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Volume {
    /// Hosts with uploads.
    #[serde(skip)]
    senders: Hosts,
    uploads: Recent<(IpAddr, u64), Upload>,
    places: Recent<u64, Place>,
    hosts: Recent<IpAddr, Hours>,
    stores: Recent<IpAddr, ()>,
}

impl Volume {
    pub(super) const fn new() -> Self {
        Self {
            senders: Hosts([0; 16]),
            uploads: Recent::new(UPLOADS_MAX),
            places: Recent::new(PLACES_MAX),
            hosts: Recent::new(HOSTS_MAX),
            stores: Recent::new(STORES_MAX),
        }
    }

    /// A host answers as a database or as a server of files.
    pub(super) fn store(&mut self, host: IpAddr) {
        self.stores.touch(&host);
    }

    /// What was loaded has come in place of what was: the senders are noted anew.
    pub(super) fn note_senders(&mut self) {
        self.senders = Hosts::default();
        self.uploads.iter().for_each(|((host, _), _)| self.senders.add(*host));
    }

    /// Whether bytes that a host exchanged with a place may be part of an upload: most are not, which
    /// is known before the place is.
    pub(super) fn may_count(&self, host: IpAddr, bytes: [u64; 2]) -> bool {
        begins(bytes) || self.senders.may_have(host)
    }

    /// A host exchanged bytes with a place outside; the upload so far, if it is one.
    pub(super) fn add(
        &mut self,
        (host, place): (IpAddr, u64),
        at: Timestamp,
        bytes: [u64; 2],
        flow: Option<u64>,
    ) -> Option<&mut Upload> {
        let key = (host, place);
        if !begins(bytes) && self.uploads.peek(&key).is_none() {
            return None;
        }
        self.senders.add(host);
        self.day(place, at, bytes[0]);
        self.hour(host, at, bytes[0]);
        let upload = self.uploads.touch(&key);
        if at.since(upload.last) > PAUSE {
            *upload = Upload { first: at, ..Upload::default() };
        }
        upload.last = at;
        for (sum, more) in upload.bytes.iter_mut().zip(bytes) {
            *sum = sum.saturating_add(more);
        }
        if is_night(at) {
            upload.by_night = upload.by_night.saturating_add(bytes[0]);
        }
        if let Some(flow) = flow
            && upload.evidence.last() != Some(&flow)
            && upload.evidence.len() < EVIDENCE_MAX
        {
            upload.evidence.push(flow);
        }
        Some(upload)
    }

    fn day(&mut self, place: u64, at: Timestamp, bytes: u64) {
        /// So much makes a day one on which much was sent.
        const MUCH: u64 = 20_000_000;
        let of = self.places.touch(&place);
        let day = at.seconds() / DAY;
        if of.day != day {
            if of.bytes >= MUCH {
                of.most = of.most.max(of.bytes);
                of.days = of.days.saturating_add(1);
            }
            (of.day, of.bytes) = (day, 0);
        }
        of.bytes = of.bytes.saturating_add(bytes);
    }

    fn hour(&mut self, host: IpAddr, at: Timestamp, bytes: u64) {
        let of = self.hosts.touch(&host);
        let hour = at.seconds() / HOUR;
        if of.hour != hour {
            if of.hour != 0 {
                if of.past.len() >= HOURS_MAX {
                    of.past.remove(0);
                }
                of.past.push(log(of.bytes) as f32);
            }
            (of.hour, of.bytes) = (hour, 0);
        }
        of.bytes = of.bytes.saturating_add(bytes);
    }

    /// What is usual of a host and a place.
    pub(super) fn usual(&self, host: IpAddr, place: u64) -> Usual {
        let of = self.places.peek(&place).copied().unwrap_or_default();
        let hours = self.hosts.peek(&host).filter(|hours| hours.past.len() >= HOURS_MIN);
        let z = hours.and_then(|hours| {
            let mut past: Vec<f64> = hours.past.iter().copied().map(f64::from).collect();
            Some(Summary::of(&mut past)?.z(log(hours.bytes), DEVIATION_MIN))
        });
        Usual { days: of.days, most: of.most, z, is_store: self.stores.peek(&host).is_some() }
    }

    pub(super) fn memory(&self) -> usize {
        let uploads: usize = self.uploads.iter().map(|(_, of)| of.evidence.capacity() * 8).sum();
        let hours: usize = self.hosts.iter().map(|(_, of)| of.past.capacity() * 4).sum();
        let maps = self.uploads.memory() + self.places.memory() + self.hosts.memory();
        maps + self.stores.memory() + uploads + hours
    }
}

/// Whether the bytes of a burst are enough for an upload to begin with them.
const fn begins(bytes: [u64; 2]) -> bool {
    /// So little in a burst is no upload of its own.
    const LEAST: u64 = 4096;
    bytes[0] >= LEAST && bytes[0] >= bytes[1]
}

fn log(bytes: u64) -> f64 {
    (bytes as f64).ln_1p()
}

/// From eight in the evening to five in the morning UTC: nine or ten to six or seven in Italy.
const fn is_night(at: Timestamp) -> bool {
    let hour = at.seconds() / HOUR % 24;
    hour >= 20 || hour < 5
}
