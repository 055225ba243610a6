//! `indicator`: what others say is dangerous, seen here.
//!
//! Addresses of conversations, names and addresses in DNS, server names, JA3, JA4 and certificates
//! of TLS and QUIC, hosts of HTTP are looked up in the set in force ([`Watchlist`]). A hit says
//! which indicator it was, from whom it came and how sure its author is. The set comes from
//! outside, through a gate (`outputs::hub::inbound`); here nothing of it is believed or doubted.
//!
//! One conversation is told once for each indicator; a machine that goes on is told once an hour,
//! with the number of conversations in between.

mod set;
mod wire;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::stats::Recent;
use super::stats::distinct::mix;
use super::{
    Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, When, domain, state,
};
use crate::field::Value;
use crate::net::AddressSet;
use crate::record::{Body, Context, Indicator, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};
use wire::{Candidate, Observed, Way, Wire};

pub use set::{Hit, INDICATORS_MAX, SAME_MAX, Set, Watchlist};

static PAUSE: Parameter = Parameter::fixed(
    "pause",
    3600.0,
    "s",
    "For how long a machine that goes on with the same indicator is not told of again.",
);
static TOGETHER: Parameter = Parameter::fixed(
    "together",
    3600.0,
    "s",
    "Within which span a machine has to show all parts of an indicator that has several.",
);

/// Conversations and indicators that were told.
const TOLD_MAX: usize = 65_536;
/// Machines and indicators whose last telling is remembered.
const MACHINES_MAX: usize = 16_384;
/// Machines and alternatives of which a part was seen.
const PARTS_MAX: usize = 16_384;
/// Findings of one record at most; what else it hits is counted, and told of a later one.
const FOUND_MAX: usize = 8;
/// Certificates of a chain that are hashed.
const CHAIN_MAX: usize = 8;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "indicator",
    gid: 9121,
    help: "Addresses, names and fingerprints that others report as dangerous.",
    algorithm: "What conversations and transactions hold is looked up in hash tables: addresses by \
                each length of prefix that occurs, names by each of their parents, fingerprints as \
                they are. An indicator with several parts is seen when one machine showed all of \
                them. Without indicators nothing is looked up.",
    references: &[
        "STIX 2.1, section 9 (patterning), OASIS, 2021",
        "Structured Threat Information and its exchange: `src/manual/exchange.rs`",
    ],
    parameters: &[&PAUSE, &TOGETHER],
    sees: &[Sort::Burst, Sort::Transaction],
    reads: &["dns", "tls", "quic", "http"],
    when: When::Always,
    build: |site, tuning| Box::new(Indicators::new(site, tuning)),
};

/// When a machine was last told of, and how many conversations came since.
type Last = (Timestamp, u64);

/// The detector.
pub struct Indicators {
    home: AddressSet,
    /// Everything is ours: then both ends are looked at.
    is_all_home: bool,
    watchlist: Watchlist,
    set: Arc<Set>,
    generation: u64,
    certificates: FieldRef,
    pause: Duration,
    together: Duration,
    memory: Memory,
    candidates: Vec<Candidate>,
    scratch: Vec<Hit>,
}

struct Memory {
    told: Recent<(u64, u64), ()>,
    machines: Recent<(u64, Option<IpAddr>), Last>,
    /// Bits of the parts that were seen, and when the first was.
    parts: Recent<(u64, Option<IpAddr>), (u8, Timestamp)>,
}

/// A hit that is told.
struct Seen<'a> {
    indicator: &'a Indicator,
    /// What was looked for.
    sought: String,
    kind: &'static str,
    observed: &'a Observed,
    way: Way,
    /// Conversations since it was last told, this one included.
    conversations: u64,
}

impl Indicators {
    /// A detector that looks for what the site's watch list holds.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            home: site.home.clone(),
            is_all_home: site.home.is_any(),
            watchlist: site.watchlist.clone(),
            set: Arc::default(),
            generation: 0,
            certificates: site.field("tls", "tls.certs"),
            pause: tuning.seconds(&PAUSE),
            together: tuning.seconds(&TOGETHER),
            memory: Memory {
                told: Recent::new(TOLD_MAX),
                machines: Recent::new(MACHINES_MAX),
                parts: Recent::new(PARTS_MAX),
            },
            candidates: Vec::new(),
            scratch: Vec::new(),
        }
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        !self.is_all_home && self.home.contains(address)
    }

    /// The ends of a conversation.
    fn ends(&mut self, context: &Context) {
        let ends = [(context.source, Way::Inbound), (context.destination, Way::Outbound)];
        for (end, way) in ends {
            let Some(address) = end.map(|end| end.addr).filter(|address| !self.is_ours(*address))
            else {
                continue;
            };
            self.set.address(address, &mut self.scratch);
            let hits = self.scratch.drain(..);
            let observed = || Observed::Address(address);
            self.candidates.extend(hits.map(|hit| Candidate { hit, observed: observed(), way }));
        }
    }

    fn transaction(&mut self, transaction: &TransactionRecord) {
        let way = match transaction.protocol {
            "dns" => Way::Asked,
            "tls" | "quic" | "http" => Way::Spoken,
            _ => return,
        };
        let mut wire = Wire::new(&self.set, &mut self.candidates, &mut self.scratch, way);
        transaction.transaction.describe(&mut wire);
        if self.set.has_certificates() {
            let mut left = CHAIN_MAX;
            self.certificates.read(transaction, &mut |value| {
                if let (Value::Bytes(der), 1..) = (value, left) {
                    left -= 1;
                    wire.certificate(&Sha256::digest(der));
                }
            });
        }
    }

    fn judge(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        let set = Arc::clone(&self.set);
        let machine = self.machine(&record.context);
        let conversation = state::conversation(&record.context).unwrap_or_default();
        let before = found.len();
        for candidate in std::mem::take(&mut self.candidates) {
            let Some((indicator, sought)) = set.of(candidate.hit) else { continue };
            let now = record.timestamp;
            let [from, until] = indicator.valid;
            if !set.is_timeless() && !(from..=until).contains(&now) {
                continue;
            }
            let id = domain::hash(indicator.id.as_bytes());
            if !self.is_whole(candidate.hit, id, machine, now) {
                continue;
            }
            let memory = &mut self.memory;
            if memory.told.peek(&(conversation, id)).is_some() {
                continue;
            }
            self.watchlist.count_hit(sought.kind());
            if found.len() - before >= FOUND_MAX {
                continue;
            }
            memory.told.touch(&(conversation, id));
            let (last, count) = memory.machines.touch(&(id, machine));
            *count += 1;
            if *last != Timestamp::default() && now.since(*last) < self.pause {
                continue;
            }
            let seen = Seen {
                indicator,
                sought: sought.text(),
                kind: sought.kind(),
                observed: &candidate.observed,
                way: candidate.way,
                conversations: std::mem::take(count),
            };
            *last = now;
            found.push(words::found(record, &seen, known));
        }
    }

    /// Whether all parts of an alternative were seen, this one included.
    fn is_whole(&mut self, hit: Hit, id: u64, machine: Option<IpAddr>, now: Timestamp) -> bool {
        if hit.terms <= 1 {
            return true;
        }
        let key = (mix(id ^ u64::from(hit.alternative)), machine);
        let (parts, first) = self.memory.parts.touch(&key);
        if now.since(*first) > self.together {
            (*parts, *first) = (0, now);
        }
        *parts |= 1_u8.checked_shl(hit.term.into()).unwrap_or_default();
        parts.count_ones() == u32::from(hit.terms)
    }

    /// The machine of ours; where both or none are, the one that began.
    fn machine(&self, context: &Context) -> Option<IpAddr> {
        let ends = [context.source, context.destination].into_iter().flatten();
        let mut addresses = ends.map(|end| end.addr);
        let ours = addresses.clone().find(|address| self.is_ours(*address));
        ours.or_else(|| addresses.next())
    }
}

impl Detector for Indicators {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        self.watchlist.renew(&mut self.set, &mut self.generation);
        if self.set.is_empty() {
            return;
        }
        match &record.body {
            Body::Burst(_) => self.ends(&record.context),
            Body::Transaction(transaction) => self.transaction(transaction),
            _ => return,
        }
        if !self.candidates.is_empty() {
            self.judge(record, known, found);
        }
    }

    fn tick(&mut self, _: Timestamp, _: &Known, _: &mut Vec<Found>) {
        self.watchlist.renew(&mut self.set, &mut self.generation);
    }

    fn is_idle(&self) -> bool {
        self.set.is_empty()
    }

    fn save(&self) -> Vec<u8> {
        let Memory { told, machines, parts } = &self.memory;
        state::pack(&(told, machines, parts))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let (told, machines, parts) = state::unpack(bytes)?;
        self.memory = Memory { told, machines, parts };
        Ok(())
    }

    fn memory(&self) -> usize {
        let Memory { told, machines, parts } = &self.memory;
        told.memory() + machines.memory() + parts.memory()
    }
}

#[cfg(test)]
mod tests;
