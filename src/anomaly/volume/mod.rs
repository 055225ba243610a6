//! `volume`: far more traffic than is usual at this hour of the week.
//!
//! Bytes and flows are added up in bins of five minutes, for the whole site and for each host of
//! ours. What a bin comes to, on a logarithmic scale, is compared with the usual value of its hour
//! of the week and the usual distance from it ([`Seasonal`]); three bins in a row that lie far
//! above are told. A logarithm, as traffic varies by factors: twice as much is as remarkable at
//! night as at noon.
//!
//! For the first seven days nothing is said, and nothing of an hour that was not learned. What is
//! remarkable is not learned unless it lasts: so a new backup is told for some weeks, and then usual.

mod words;

use std::net::IpAddr;

use super::stats::{Recent, Seasonal};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::record::{Body, Burst, Context, Level, Record, Sort};
use crate::time::{Duration, Timestamp};
use words::Whose;

static Z: Parameter = Parameter {
    name: "z",
    values: [6.0, 4.0, 3.0],
    unit: "deviations",
    help: "Standard deviations above the usual from which on a bin is remarkable.",
};
static BINS: Parameter = Parameter {
    name: "bins",
    values: [6.0, 3.0, 2.0],
    unit: "bins",
    help: "Remarkable bins of five minutes in a row that make a finding.",
};
static LEARN: Parameter =
    Parameter::fixed("learn", 604_800.0, "seconds", "Nothing is told before: seven days.");
static SITE_SPREAD: Parameter = Parameter::fixed(
    "site-spread",
    0.3,
    "",
    "The least standard deviation of the site's bins, as natural logarithm: four of them are a \
     factor of 3.3.",
);
static HOST_SPREAD: Parameter = Parameter::fixed(
    "host-spread",
    0.7,
    "",
    "The same for a host, of which a single download makes a multiple: four are a factor of 16.",
);
static SITE_BYTES: Parameter = Parameter::fixed(
    "site-bytes",
    100_000_000.0,
    "bytes",
    "Less than this in five minutes is never remarkable for a site.",
);
static HOST_BYTES: Parameter = Parameter::fixed(
    "host-bytes",
    300_000_000.0,
    "bytes",
    "Less than this in five minutes is never remarkable for a host.",
);
static FLOWS_MIN: Parameter = Parameter::fixed(
    "flows",
    3000.0,
    "flows",
    "Fewer than these in five minutes are never remarkable.",
);

/// A bin.
const BIN: Duration = Duration::from_secs(300);
/// Bins that may lie between two records; after more the site was not watched, and what is
/// missing is no bin without traffic.
const GAP_MAX: u64 = 24;
/// Hosts of ours remembered, of some 2.1 KiB: those that were active last.
const HOSTS_MAX: usize = 512;
/// Bytes of a burst from which on it counts for a host: what makes a host's bin remarkable comes in
/// large ones.
const HOST_BURST_MIN: u64 = 10_000;
/// Weight of a bin in what is usual at its hour: twelve bins an hour, about four weeks.
const WEIGHT: f64 = 0.02;
/// Remarkable bins in a row from which on they are learned after all.
const LASTING: u32 = 6;
/// Bins of an hour that must have been learned before it is judged.
const LEARNED_MIN: u32 = 6;
/// Standard deviations from which on a site's finding is more than low.
const GRAVE: f64 = 10.0;
/// Between two findings of the same.
const AGAIN: Duration = Duration::from_secs(3600);

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "volume",
    gid: 9119,
    help: "Far more bytes or flows than is usual at this hour of the week, for a quarter of an \
           hour.",
    algorithm: "Bytes and flows in bins of five minutes, as logarithms, against a moving average \
                and a moving mean deviation for each hour of the week, for the site and for its \
                most active hosts. Several bins in a row that lie some standard deviations above \
                make a finding, after seven days of learning.",
    references: &[
        "S. W. Roberts: Control Chart Tests Based on Geometric Moving Averages. Technometrics 1, 1959",
        "J. D. Brutlag: Aberrant Behavior Detection in Time Series for Network Monitoring. USENIX \
         LISA, 2000",
    ],
    parameters: &[
        &Z,
        &BINS,
        &LEARN,
        &SITE_SPREAD,
        &HOST_SPREAD,
        &SITE_BYTES,
        &HOST_BYTES,
        &FLOWS_MIN,
    ],
    sees: &[Sort::Burst],
    reads: &[],
    when: super::When::Always,
    build: |site, tuning| Box::new(Volume::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    z: f64,
    bins: u32,
    learn: Duration,
    site_spread: f64,
    host_spread: f64,
    site_bytes: f64,
    host_bytes: f64,
    flows_min: f64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Bytes,
    Flows,
}

/// A series of bins.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Series {
    /// What the bin under way has come to.
    sum: u64,
    usual: Seasonal,
    /// Remarkable bins in a row, and the bytes or flows in them.
    row: u32,
    total: u64,
    told_at: Timestamp,
}

/// A bin that makes a finding.
#[derive(Clone, Copy, Debug)]
struct Odd {
    z: f64,
    /// In the bin, and what is usual.
    value: u64,
    usual: f64,
    /// In all remarkable bins in a row, and how many they are.
    total: u64,
    row: u32,
}

impl Series {
    /// The bin that began at `at` is over.
    fn close(&mut self, at: Timestamp, spread: f64, least: f64, limits: &Limits) -> Option<Odd> {
        let value = std::mem::take(&mut self.sum);
        let scaled = (value as f64).ln_1p();
        let average = self.usual.at(at);
        let z = average.z(scaled, spread);
        let odd = average.count() >= LEARNED_MIN && z >= limits.z && value as f64 >= least;
        if !odd || self.row >= LASTING {
            self.usual.add(at, scaled, WEIGHT);
        }
        if !odd {
            (self.row, self.total) = (0, 0);
            return None;
        }
        self.row = self.row.saturating_add(1);
        self.total = self.total.saturating_add(value);
        if self.row < limits.bins || at.apart(self.told_at) < AGAIN {
            return None;
        }
        self.told_at = at;
        let usual = average.mean().exp_m1().max(0.0);
        Some(Odd { z, value, usual, total: self.total, row: self.row })
    }
}

/// The detector.
pub struct Volume {
    site: Site,
    limits: Limits,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    /// When the first bin began, and the one under way.
    first: Timestamp,
    bin: Timestamp,
    bytes: Series,
    flows: Series,
    /// Bytes of hosts of ours.
    hosts: Recent<IpAddr, Series>,
}

impl Volume {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let limits = Limits {
            z: tuning.get(&Z),
            bins: u32::try_from(tuning.count(&BINS)).unwrap_or(u32::MAX).max(1),
            learn: tuning.seconds(&LEARN),
            site_spread: tuning.get(&SITE_SPREAD),
            host_spread: tuning.get(&HOST_SPREAD),
            site_bytes: tuning.get(&SITE_BYTES),
            host_bytes: tuning.get(&HOST_BYTES),
            flows_min: tuning.get(&FLOWS_MIN),
        };
        let state = State {
            first: Timestamp::default(),
            bin: Timestamp::default(),
            bytes: Series::default(),
            flows: Series::default(),
            hosts: Recent::new(HOSTS_MAX),
        };
        Self { site: site.clone(), limits, state }
    }

    fn burst(&mut self, context: &Context, burst: &Burst) {
        let bytes = burst.bytes.iter().copied().map(u64::from).sum::<u64>();
        self.state.bytes.sum = self.state.bytes.sum.saturating_add(bytes);
        self.state.flows.sum += u64::from(burst.is_first);
        // Only what moves much is worth an entry.
        if bytes < HOST_BURST_MIN {
            return;
        }
        for end in [context.source, context.destination].into_iter().flatten() {
            if self.site.is_home(end.addr) {
                let host = self.state.hosts.touch(&end.addr);
                host.sum = host.sum.saturating_add(bytes);
            }
        }
    }

    /// Ends the bins that are over at `now`.
    fn bins(&mut self, now: Timestamp, known: &Known, found: &mut Vec<Found>) {
        let start = Timestamp::new(now.seconds() / BIN.as_secs() * BIN.as_secs(), 0);
        if self.state.bin == Timestamp::default() {
            (self.state.first, self.state.bin) = (start, start);
        }
        let over = start.since(self.state.bin).as_secs() / BIN.as_secs();
        // So far off the clock was ahead before.
        let ahead = self.state.bin.since(start).as_secs() / BIN.as_secs();
        if over.max(ahead) > GAP_MAX {
            // Nobody watched: neither the bin that was cut off nor those that are missing count.
            self.state.skip();
            self.state.bin = start;
            return;
        }
        for _ in 0..over {
            self.close(known, found);
            self.state.bin = self.state.bin.after(BIN);
        }
    }

    fn close(&mut self, known: &Known, found: &mut Vec<Found>) {
        let (limits, state) = (&self.limits, &mut self.state);
        let at = state.bin;
        let learned = at.since(state.first) >= limits.learn;
        let about = |odd: Odd, whose, measure| {
            let grave = whose == Whose::Site && odd.z >= GRAVE;
            let level = if grave { Level::Medium } else { Level::Low };
            words::found(&odd, whose, measure, level, limits.z, known)
        };
        let bytes = state.bytes.close(at, limits.site_spread, limits.site_bytes, limits);
        let flows = state.flows.close(at, limits.site_spread, limits.flows_min, limits);
        let pairs = [(bytes, Measure::Bytes), (flows, Measure::Flows)];
        for (odd, measure) in pairs {
            found.extend(odd.filter(|_| learned).map(|odd| about(odd, Whose::Site, measure)));
        }
        let mut odd_hosts: Vec<(IpAddr, Odd)> = Vec::new();
        state.hosts.retain(|address, host| {
            let odd = host.close(at, limits.host_spread, limits.host_bytes, limits);
            odd_hosts.extend(odd.map(|odd| (*address, odd)));
            true
        });
        for (address, odd) in odd_hosts.into_iter().filter(|_| learned) {
            found.push(about(odd, Whose::Host(address), Measure::Bytes));
        }
    }
}

impl State {
    /// Nothing that was counted since the last bin holds.
    fn skip(&mut self) {
        for series in [&mut self.bytes, &mut self.flows].into_iter().chain(self.hosts.values_mut())
        {
            (series.sum, series.row, series.total) = (0, 0, 0);
        }
    }
}

impl Detector for Volume {
    fn record(&mut self, record: &Record, _: &Known, _: &mut Vec<Found>) {
        if let Body::Burst(burst) = &record.body {
            self.burst(&record.context, burst);
        }
    }

    fn tick(&mut self, now: Timestamp, known: &Known, found: &mut Vec<Found>) {
        self.bins(now, known, found);
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { bytes, flows, hosts, .. } = &self.state;
        let series = hosts.iter().map(|(_, host)| host).chain([bytes, flows]);
        hosts.memory() + series.map(|series| series.usual.memory()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
