//! `flood`: a host is sent so much that it can do nothing else.
//!
//! Seen from the victim. Eight ways of flooding are told apart: openings of TCP that are not
//! completed, TCP segments that belong to no connection, datagrams that nobody answers, ICMP,
//! new senders of other protocols than these, fragments, whole
//! connections and HTTP requests, and requests that come a few bytes at a time and never end, or whose
//! answer is not read, so that each holds a place of the server. What comes piles up in a cumulative sum of the victim and the way
//! ([`Cusum`]), and runs off at the rate that is tolerated: a rate that is always tolerated, or some
//! times what this victim usually gets, whichever is more. So neither a busy server nor a second full of
//! packets is a matter of windows.
//!
//! Sources may be made up: they are counted in constant memory ([`Crowd`]) and only once a sum has
//! piled up. How evenly they are spread tells whether blocking one address would help.
//!
//! All machines of a network are a victim too: of messages of ICMP, and of who was not heard before.
//!
//! What is not counted: packets of connections that were opened properly (downloads, backups),
//! datagrams that are answered (calls), answers that nobody asked for (`amplification` judges
//! them), many ports of one host tried by one (`scan`), datagrams to many at once (video, discovery),
//! questions for the hardware address of one machine. What our own machines send counts a fifth:
//! they try again and again when a server is down.

mod way;
mod words;

use std::net::IpAddr;

use super::crowd::Crowd;
use super::stats::{Average, Cusum, Recent};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::{Endpoint, is_group};
use crate::record::{Body, Burst, Context, Record, Sort};
use crate::time::{Duration, Timestamp};

static SYN_RATE: Parameter = rate("syn-rate", [50.0, 20.0, 10.0], "openings/s");
static SYN_EXCESS: Parameter = excess("syn-excess", [600.0, 200.0, 100.0], "openings");
static STRAY_RATE: Parameter = rate("stray-rate", [100.0, 50.0, 20.0], "segments/s");
static STRAY_EXCESS: Parameter = excess("stray-excess", [1000.0, 400.0, 200.0], "segments");
static UDP_RATE: Parameter = rate("udp-rate", [150.0, 50.0, 20.0], "datagrams/s");
static UDP_EXCESS: Parameter = excess("udp-excess", [900.0, 300.0, 150.0], "datagrams");
static ICMP_RATE: Parameter = rate("icmp-rate", [150.0, 50.0, 20.0], "messages/s");
static ICMP_EXCESS: Parameter = excess("icmp-excess", [750.0, 250.0, 125.0], "messages");
static OTHER_RATE: Parameter = rate("other-rate", [50.0, 20.0, 10.0], "new senders/s");
static OTHER_EXCESS: Parameter = excess("other-excess", [3000.0, 1000.0, 400.0], "new senders");
static FRAGMENT_RATE: Parameter = rate("fragment-rate", [1000.0, 500.0, 200.0], "fragments/s");
static FRAGMENT_EXCESS: Parameter = excess("fragment-excess", [4000.0, 1500.0, 500.0], "fragments");
static CONNECTION_RATE: Parameter = rate("connection-rate", [200.0, 100.0, 50.0], "requests/s");
static CONNECTION_EXCESS: Parameter =
    excess("connection-excess", [3000.0, 800.0, 400.0], "requests");
static SLOW_RATE: Parameter = rate("slow-rate", [2.0, 1.0, 0.5], "pieces/s");
static SLOW_EXCESS: Parameter = excess("slow-excess", [100.0, 50.0, 25.0], "pieces");
static USUAL: Parameter = Parameter {
    name: "usual",
    values: [10.0, 5.0, 3.0],
    unit: "times",
    help: "Times what a host usually gets that are tolerated, once that is known; the hosting \
           guard FastNetMon and others use 5 to 10.",
};
static OWN_SHARE: Parameter = Parameter::fixed(
    "own-share",
    0.2,
    "",
    "What a packet of one of our own machines counts: hundreds of them try again and again when \
     a server is down, and nobody is attacked.",
);
static GRAVE: Parameter = Parameter::fixed(
    "grave",
    10.0,
    "times",
    "A flood is high instead of medium when so many times the excess have piled up; the next \
     finding of the same flood comes when it has grown by this factor.",
);
static AGAIN: Parameter = Parameter::fixed(
    "again",
    3600.0,
    "seconds",
    "A flood that still goes on after this time is told again.",
);

/// The rate of a way that is always tolerated.
const fn rate(name: &'static str, values: [f64; 3], unit: &'static str) -> Parameter {
    const HELP: &str = "What one host may always get of this kind; more piles up. Town halls get \
                        a few a second, scripts that flood send hundreds.";
    Parameter { name, values, unit, help: HELP }
}

/// How much above it makes a finding.
const fn excess(name: &'static str, values: [f64; 3], unit: &'static str) -> Parameter {
    const HELP: &str = "How much above the tolerated rate must pile up, so that a short burst is \
                        none.";
    Parameter { name, values, unit, help: HELP }
}

/// Victims and ways remembered: of some 150 bytes, and 2.5 KiB as long as much piles up.
const ENTRIES_MAX: usize = 2048;
/// The span over which usual rates are taken.
const WINDOW: Duration = Duration::from_secs(60);
/// Such spans until a usual rate counts.
const WINDOWS_MIN: u32 = 10;
/// Weight of a new span in the usual rate: of about an hour.
const WINDOW_WEIGHT: f64 = 0.02;
/// Sources are counted from this share of the excess on.
const CROWD_SHARE: f64 = 0.1;
/// The sum is held below so many times the excess: it comes down soon after the end.
const LEVEL_MAX: f64 = 100.0;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "flood",
    gid: 9104,
    help: "A host gets so many packets, openings or requests that it may stop working (DoS, DDoS).",
    algorithm: "For each victim and way of flooding (openings that are not completed, stray TCP \
                segments, unanswered datagrams, ICMP, other protocols, fragments, connections and \
                requests, pieces of requests that do not end or whose answer is not read) what comes piles up in a cumulative sum that runs off \
                at the tolerated rate: the larger of a fixed rate and some times what the victim \
                usually gets. When the excess passes its limit a finding says from how many \
                sources it comes and how evenly. All machines of a network are a victim, too, of \
                ICMP and of other protocols.",
    references: &[
        "E. S. Page: Continuous Inspection Schemes. Biometrika 41, 1954",
        "H. Wang, D. Zhang, K. G. Shin: Detecting SYN Flooding Attacks. IEEE INFOCOM, 2002",
        "L. Feinstein, D. Schnackenberg, R. Balupari, D. Kindred: Statistical Approaches to DDoS \
         Attack Detection and Response. DISCEX, 2003",
        "MITRE ATT&CK T1498.001, T1499.001, T1499.002",
    ],
    parameters: &[
        &SYN_RATE,
        &SYN_EXCESS,
        &STRAY_RATE,
        &STRAY_EXCESS,
        &UDP_RATE,
        &UDP_EXCESS,
        &ICMP_RATE,
        &ICMP_EXCESS,
        &OTHER_RATE,
        &OTHER_EXCESS,
        &FRAGMENT_RATE,
        &FRAGMENT_EXCESS,
        &CONNECTION_RATE,
        &CONNECTION_EXCESS,
        &SLOW_RATE,
        &SLOW_EXCESS,
        &USUAL,
        &OWN_SHARE,
        &GRAVE,
        &AGAIN,
    ],
    sees: &[Sort::Burst, Sort::Fragment, Sort::Homeless, Sort::Transaction],
    reads: &["http"],
    when: super::When::Marked(super::Mark::Assault),
    build: |site, tuning| Box::new(Flood::new(site, tuning)),
};

/// Ways of flooding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
enum Way {
    /// Openings of TCP that are not completed.
    Syn,
    /// Segments of TCP that belong to no connection.
    Stray,
    Udp,
    Icmp,
    Fragments,
    /// Whole connections, and HTTP requests.
    Connections,
    /// Pieces of requests that do not end.
    Slow,
    /// Packets of protocols of IP that are none of the above: a sender counts once, as peers of
    /// tunnels send all day.
    Other,
}

/// The parameters of a way.
#[derive(Clone, Copy, Debug)]
struct Limit {
    rate: f64,
    excess: f64,
}

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    syn: Limit,
    stray: Limit,
    udp: Limit,
    icmp: Limit,
    fragments: Limit,
    connections: Limit,
    slow: Limit,
    other: Limit,
    usual: f64,
    own_share: f64,
    grave: f64,
    again: Duration,
}

impl Limits {
    fn of(tuning: &Tuning<'_>) -> Self {
        let limit = |rate, excess| Limit {
            rate: tuning.get(rate).max(0.01),
            excess: tuning.get(excess).max(2.0),
        };
        Self {
            syn: limit(&SYN_RATE, &SYN_EXCESS),
            stray: limit(&STRAY_RATE, &STRAY_EXCESS),
            udp: limit(&UDP_RATE, &UDP_EXCESS),
            icmp: limit(&ICMP_RATE, &ICMP_EXCESS),
            fragments: limit(&FRAGMENT_RATE, &FRAGMENT_EXCESS),
            connections: limit(&CONNECTION_RATE, &CONNECTION_EXCESS),
            slow: limit(&SLOW_RATE, &SLOW_EXCESS),
            other: limit(&OTHER_RATE, &OTHER_EXCESS),
            usual: tuning.get(&USUAL),
            own_share: tuning.get(&OWN_SHARE),
            grave: tuning.get(&GRAVE).max(1.5),
            again: tuning.seconds(&AGAIN),
        }
    }

    const fn way(&self, way: Way) -> Limit {
        match way {
            Way::Syn => self.syn,
            Way::Stray => self.stray,
            Way::Udp => self.udp,
            Way::Icmp => self.icmp,
            Way::Fragments => self.fragments,
            Way::Connections => self.connections,
            Way::Slow => self.slow,
            Way::Other => self.other,
        }
    }
}

/// What is remembered of a victim and a way.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Entry {
    sum: Cusum,
    /// Since the sum was last at nought: from when, and what came.
    begun: Timestamp,
    packets: u64,
    bytes: u64,
    crowd: Option<Box<Crowd>>,
    /// What is usual in a second, learned span by span.
    usual: Average,
    window: Timestamp,
    counted: f64,
    /// Packets at the last finding, and when that was.
    told: u64,
    told_at: Timestamp,
}

/// What a record counts for.
#[derive(Clone, Copy)]
struct Seen {
    way: Way,
    weight: f64,
    packets: u64,
    bytes: u64,
}

impl Entry {
    /// Takes in what was seen; whether it is to be told.
    fn add(&mut self, record: &Record, mut seen: Seen, limits: &Limits, site: &Site) -> bool {
        if seen.way == Way::Other && !self.is_new(record.context.source) {
            seen.weight = 0.0;
        }
        let (at, limit) = (record.timestamp, limits.way(seen.way));
        let rate = self.tolerated(seen.way, limits);
        let over = self.sum.at(at, rate) >= limit.excess;
        self.learn(at, seen.weight, over);
        let level = self.sum.add(at, seen.weight, rate);
        self.sum.limit(limit.excess * LEVEL_MAX);
        if level <= seen.weight {
            // All had run off: what comes now may be the first of a flood.
            (self.begun, self.packets, self.bytes, self.crowd) = (at, 0, 0, None);
        }
        self.packets = self.packets.saturating_add(seen.packets);
        self.bytes = self.bytes.saturating_add(seen.bytes);
        let counts = seen.way == Way::Other || level >= limit.excess * CROWD_SHARE;
        if !counts || seen.weight <= 0.0 {
            return false;
        }
        let context = &record.context;
        // Slow requests are as many as their connections.
        let end = if seen.way == Way::Slow { context.source } else { context.destination };
        let crowd = self.crowd.get_or_insert_default();
        crowd.add(context, end.map_or(0, |end| end.port), seen.packets, site);
        if level < limit.excess || self.is_scan(seen.way) || self.are_few(seen.way) {
            return false;
        }
        let grown = self.packets as f64 >= self.told as f64 * limits.grave;
        let late = at.since(self.told_at) >= limits.again;
        if !(self.told == 0 || grown || late) {
            return false;
        }
        (self.told, self.told_at) = (self.packets, at);
        true
    }

    /// Whether nothing is known of this sender since the sum was last at nought.
    fn is_new(&self, source: Option<Endpoint>) -> bool {
        let crowd = self.crowd.as_deref();
        !crowd.zip(source).is_some_and(|(crowd, source)| crowd.knows(source.addr))
    }

    /// What may come in a second.
    fn tolerated(&self, way: Way, limits: &Limits) -> f64 {
        let limit = limits.way(way);
        // Of slow requests an ordinary server gets none: what is usual is an attack that began slowly.
        if self.usual.count() < WINDOWS_MIN || way == Way::Slow {
            return limit.rate;
        }
        limit.rate.max(self.usual.mean() * limits.usual)
    }

    /// Learns what is usual; not from a flood.
    fn learn(&mut self, at: Timestamp, weight: f64, over: bool) {
        let passed = at.since(self.window);
        if passed >= WINDOW {
            // After the first packet there is nothing to learn from yet.
            if self.window > Timestamp::default() {
                self.usual.add(self.counted.max(0.0) / passed.as_secs_f64(), WINDOW_WEIGHT);
            }
            (self.window, self.counted) = (at, 0.0);
        }
        if !over {
            self.counted += weight;
        }
    }

    /// Whether the slow requests are too few to take all places of a server, or each is another's: a
    /// device that sends what it measures piece by piece has one.
    fn are_few(&self, way: Way) -> bool {
        const CONNECTIONS_MIN: u64 = 20;
        const CONNECTIONS_EACH: u64 = 4;
        let crowd = self.crowd.as_deref();
        let (connections, sources) = crowd.map_or((0, 0), |crowd| (crowd.ports(), crowd.sources()));
        way == Way::Slow
            && (connections < CONNECTIONS_MIN || connections < sources * CONNECTIONS_EACH)
    }

    /// Whether it looks like few who try all ports: a scanner seldom sends to a port twice, and
    /// nothing of size.
    fn is_scan(&self, way: Way) -> bool {
        const SCANNERS_MAX: u64 = 8;
        const SIZE_MAX: u64 = 200;
        let Some(crowd) = &self.crowd else { return false };
        matches!(way, Way::Syn | Way::Stray | Way::Udp)
            && crowd.sources() <= SCANNERS_MAX
            && crowd.ports() * 3 > crowd.packets()
            && self.bytes < self.packets.saturating_mul(SIZE_MAX)
    }
}

/// The detector.
pub struct Flood {
    site: Site,
    limits: Limits,
    entries: Recent<(IpAddr, Way), Entry>,
}

impl Flood {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let entries = Recent::new(ENTRIES_MAX);
        Self { site: site.clone(), limits: Limits::of(tuning), entries }
    }

    /// What a record counts for, if it speaks for a flood at all.
    fn seen(record: &Record) -> Option<Seen> {
        match &record.body {
            Body::Burst(burst) => {
                let (way, weight) = way::of_burst(&record.context, burst)?;
                let [packets, _] = burst.packets;
                let [bytes, _] = burst.bytes;
                Some(Seen { way, weight, packets: packets.into(), bytes: bytes.into() })
            }
            Body::Fragment(bytes) => {
                let bytes = u64::from(*bytes);
                Some(Seen { way: Way::Fragments, weight: 1.0, packets: 1, bytes })
            }
            Body::Homeless(bytes) => {
                let (way, weight) = way::of_homeless(&record.context)?;
                Some(Seen { way, weight, packets: 1, bytes: (*bytes).into() })
            }
            // The request itself is in a connection that counts by itself.
            Body::Transaction(transaction) if transaction.protocol == "http" => {
                Some(Seen { way: Way::Connections, weight: 1.0, packets: 1, bytes: 0 })
            }
            _ => None,
        }
    }

    fn judge(&mut self, record: &Record, mut seen: Seen, known: &Known) -> Option<Found> {
        let source = record.context.source?.addr;
        let victim = record.context.destination?.addr;
        let shared = is_group(victim) && !matches!(seen.way, Way::Icmp | Way::Other);
        if shared || victim.is_loopback() {
            return None;
        }
        let key = (victim, seen.way);
        // What shows that an earlier packet was harmless makes no entry.
        if seen.weight <= 0.0 && self.entries.peek(&key).is_none() {
            return None;
        }
        let on_link = matches!(source, IpAddr::V6(address) if address.is_unicast_link_local());
        if on_link || self.site.is_home(source) {
            seen.weight *= self.limits.own_share;
        }
        let entry = self.entries.touch(&key);
        if !entry.add(record, seen, &self.limits, &self.site) {
            return None;
        }
        let limit = self.limits.way(seen.way);
        let about = words::About {
            context: &record.context,
            at: record.timestamp,
            site: &self.site,
            known,
            way: seen.way,
            limit,
            rate: entry.tolerated(seen.way, &self.limits),
            grave: self.limits.grave,
        };
        Some(words::found(entry, &about))
    }
}

/// Whether a burst may count for a flood, or against one: most go on with a conversation that is
/// known to be none.
#[inline]
pub(super) fn may_count(context: &Context, burst: &Burst) -> bool {
    way::may_count(context.protocol, burst)
}

impl Detector for Flood {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        let Some(seen) = Self::seen(record) else { return };
        found.extend(self.judge(record, seen, known));
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.entries)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.entries = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let crowds = self.entries.iter().filter_map(|(_, entry)| entry.crowd.as_deref());
        let crowds: usize = crowds.map(|crowd| size_of::<Crowd>() + crowd.memory()).sum();
        self.entries.memory() + crowds
    }
}

#[cfg(test)]
mod tests;
