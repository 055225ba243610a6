//! `exfiltration`: data leaves the house that should not.
//!
//! Two shapes. Much: a host of ours sends a place outside more than an office sends to strangers,
//! and far more than it gets back. Where much has gone on earlier days (the nightly copy) and what
//! clouds, mail and meetings take is left alone or told quietly; a host on which others keep their
//! data (databases, servers of files) is graver. Little, but stolen: a program looks up under which
//! address it is seen, and then hands something over by mail, FTP, the robots' door of Telegram or
//! a form: that is what stealers of passwords do (Agent Tesla, Snake and their kin).
//!
//! What is not counted: mail and copies by mail's own ports, datagrams but QUIC (calls, VPN).

mod places;
mod thief;
mod volume;
mod words;

use std::net::IpAddr;

use super::stats::Recent;
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::{Endpoint, ip_protocol};
use crate::record::{Body, Burst, Context, Level, Record, Sort};
use crate::time::{Duration, Timestamp};
use thief::{Handover, Thief, Way};
use volume::Volume;

static AMOUNT: Parameter = Parameter {
    name: "amount",
    values: [300.0, 100.0, 30.0],
    unit: "MB",
    help: "Sent to a place that nobody knows; Slips tells 100 MB in a flow and 500 MB in an hour.",
};
static AMOUNT_STORE: Parameter = Parameter {
    name: "amount-store",
    values: [100.0, 30.0, 10.0],
    unit: "MB",
    help: "The same of a database or server of files.",
};
static NIGHT: Parameter =
    Parameter::fixed("night-factor", 1.5, "times", "What is sent at night counts so many times.");
static RATIO: Parameter = Parameter::fixed(
    "ratio",
    3.0,
    "times",
    "So many times more is sent than comes back: less is a conversation.",
);
static USUAL_GROWTH: Parameter = Parameter::fixed(
    "usual-growth",
    3.0,
    "times",
    "So many times the most of earlier days is unusual for a place that is known.",
);
static DEVIATIONS: Parameter = Parameter::fixed(
    "deviations",
    3.5,
    "",
    "Robust deviations of the host's hour from its usual ones from which on half the amount will do.",
);
static WITHIN: Parameter = Parameter::fixed(
    "lookup-within",
    900.0,
    "seconds",
    "From the look-up of the own address to what is handed over.",
);
static REPEAT_GROWTH: Parameter = Parameter::fixed(
    "repeat-growth",
    10.0,
    "times",
    "The next finding of the same upload comes when it has grown by this factor.",
);

/// What was told of pairs of hosts and servers remembered.
const TOLD_MAX: usize = 2048;
/// The same is told once in this span.
const SILENCE: Duration = Duration::from_secs(3600);

/// Whether mail takes a port.
const fn is_mail(port: u16) -> bool {
    matches!(port, 25 | 26 | 110 | 143 | 465 | 587 | 993 | 995 | 2525)
}

/// Whether a port is that of a database or of a server of files.
const fn is_store(port: u16) -> bool {
    matches!(port, 445 | 548 | 1433 | 1521 | 2049 | 3050 | 3306 | 5432 | 6379 | 27_017 | 50_000)
}

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "exfiltration",
    gid: 9111,
    help: "Data leaves: much to a place that nobody knows, or a little as stealers of passwords do.",
    algorithm: "Bytes that a host of ours sends to a place outside are summed until it pauses for \
                six hours, and told from an amount on when far more goes than comes; places that \
                were sent as much on earlier days, and the clouds that offices use, are left \
                alone. Half the amount will do when the host's hour lies 3.5 robust deviations \
                above its own past ones. Apart from amounts: who looks up his own public address \
                and then hands in mail, stores a file by FTP, or goes to Telegram's robots.",
    references: &[
        "MITRE ATT&CK T1048, T1041, T1567, T1016",
        "B. Iglewicz, D. Hoaglin: How to Detect and Handle Outliers, 1993",
        "CISA AA25-141B and vendors' reports on Agent Tesla, Snake Keylogger, LummaC2",
    ],
    parameters: &[
        &AMOUNT,
        &AMOUNT_STORE,
        &NIGHT,
        &RATIO,
        &USUAL_GROWTH,
        &DEVIATIONS,
        &WITHIN,
        &REPEAT_GROWTH,
    ],
    sees: &[Sort::Burst, Sort::Transaction],
    reads: &["dns", "tls", "http", "smtp", "ftp"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Exfiltration::new(site, tuning)),
};

/// The parameters in force; amounts in bytes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    amount: f64,
    store: f64,
    night: f64,
    ratio: f64,
    growth: f64,
    deviations: f64,
    repeat: u64,
}

/// The detector.
pub struct Exfiltration {
    limits: Limits,
    volume: Volume,
    thief: Thief,
    /// When a handover was last told, by host and server.
    told: Recent<(IpAddr, IpAddr), Timestamp>,
}

impl Exfiltration {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let limits = Limits {
            amount: tuning.get(&AMOUNT) * 1e6,
            store: tuning.get(&AMOUNT_STORE) * 1e6,
            night: tuning.get(&NIGHT),
            ratio: tuning.get(&RATIO),
            growth: tuning.get(&USUAL_GROWTH),
            deviations: tuning.get(&DEVIATIONS),
            repeat: tuning.count(&REPEAT_GROWTH),
        };
        Self {
            limits,
            volume: Volume::new(),
            thief: Thief::new(site, tuning.seconds(&WITHIN)),
            told: Recent::new(TOLD_MAX),
        }
    }

    fn burst(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        let context = &record.context;
        let (client, server) = (context.source?, context.destination?);
        let is_stream = context.protocol == ip_protocol::TCP;
        // So little is no part of an upload, which nearly all bursts show before it is asked where
        // they go.
        let [up, down] = burst.payload.map(u64::from);
        let sends = self.volume.may_count(client.addr, [up, down]);
        let is_asked = down > 0 && is_store(server.port);
        if !sends && !is_asked {
            return None;
        }
        let (host, peer, bytes) = match known.ours(client.addr, server.addr) {
            (true, false) => {
                let counts = is_stream || burst.app_protocol == Some("quic");
                if !sends || !counts || is_mail(server.port) {
                    return None;
                }
                (client, server, [up, down])
            }
            (within, true) if is_asked => {
                self.stored(within, server, is_stream)?;
                // A stranger empties a database of ours: its answers are what leaves.
                if !self.volume.may_count(server.addr, [down, up]) {
                    return None;
                }
                (server, client, [down, up])
            }
            _ => return None,
        };
        let limits = self.limits;
        let key = (host.addr, known.place(peer.addr));
        let upload = self.volume.add(key, burst.end, bytes, context.flow_id)?;
        let [up, down] = upload.bytes.map(|bytes| bytes as f64);
        // The least that could be told is a fast way out.
        let weighted = (limits.night - 1.0).mul_add(upload.by_night as f64, up);
        let due = upload.told == 0 || upload.bytes[0] >= upload.told.saturating_mul(limits.repeat);
        if !due || weighted < limits.store.min(limits.amount) / 2.0 || up < down * limits.ratio {
            return None;
        }
        let usual = self.volume.usual(host.addr, key.1);
        let mut least = if usual.is_store { limits.store } else { limits.amount };
        if usual.z.is_some_and(|z| z >= limits.deviations) {
            least /= 2.0;
        }
        if usual.days > 0 {
            least = least.max(usual.most as f64 * limits.growth);
        }
        if weighted < least {
            return None;
        }
        let name = known.name(peer.addr);
        let quiet = name.is_some_and(|name| places::is_usual(name) || places::keeps_copies(name));
        let level = match (quiet, usual.is_store) {
            (true, _) => Level::Low,
            (false, true) => Level::High,
            (false, false) if weighted >= least * 10.0 => Level::High,
            _ => Level::Medium,
        };
        let upload = self.volume.add(key, burst.end, [0, 0], None)?;
        upload.told = upload.bytes[0];
        let (source, destination) = (Some(host), Some(peer));
        let context = Context { source, destination, ..record.context };
        let about = words::About { context, at: record.timestamp, known, level, least };
        Some(words::upload(upload, &usual, &about))
    }

    /// A server of ours answers as one that keeps data, to a host of ours if `within`; whether to one from
    /// outside. Who only knocks makes no store of a host.
    fn stored(&mut self, within: bool, server: Endpoint, is_stream: bool) -> Option<()> {
        if within || is_stream {
            self.volume.store(server.addr);
        }
        (is_stream && !within).then_some(())
    }

    fn handover(&mut self, record: &Record, of: &Handover, known: &Known) -> Option<Found> {
        let close = |(then, _): &(Timestamp, String)| {
            record.timestamp.since(*then) <= Duration::from_secs(300)
        };
        let level = match (of.way, &of.lookup) {
            (Way::Ftp { loot: true }, _) => Level::High,
            (Way::Form, Some(_)) => Level::Medium,
            (Way::Form, None) | (Way::Mail, None) => return None,
            // Who has done so before without a look-up is likelier a device that sends reports.
            (_, Some(_)) if of.used => Level::Low,
            (_, Some(lookup)) => {
                if close(lookup) {
                    Level::High
                } else {
                    Level::Medium
                }
            }
            (Way::Ftp { loot: false } | Way::Robot, None) => Level::Low,
        };
        let key = (record.context.source?.addr, record.context.destination?.addr);
        let last = self.told.touch(&key);
        if *last != Timestamp::default() && record.timestamp.since(*last) < SILENCE {
            return None;
        }
        *last = record.timestamp;
        let (context, at) = (record.context, record.timestamp);
        Some(words::handover(of, &words::About { context, at, known, level, least: 1.0 }))
    }
}

impl Detector for Exfiltration {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Burst(burst) => {
                if let Some(one) = self.burst(record, burst, known) {
                    found.push(one);
                }
            }
            Body::Transaction(of) => {
                let about = (&record.context, record.timestamp);
                if let Some(handover) = self.thief.read(about, of, known) {
                    found.extend(self.handover(record, &handover, known));
                }
            }
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&(&self.volume, &self.thief.lookups, &self.thief.used, &self.told))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let (volume, lookups, used, told) = state::unpack(bytes)?;
        (self.volume, self.thief.lookups, self.thief.used, self.told) =
            (volume, lookups, used, told);
        self.volume.note_senders();
        Ok(())
    }

    fn memory(&self) -> usize {
        self.volume.memory() + self.thief.memory() + self.told.memory()
    }
}

#[cfg(test)]
mod tests;
