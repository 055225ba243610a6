//! `lateral`: someone who got in moves on.
//!
//! What an intruder does in a Windows network has names on the wire: the interface and operation
//! of a remote procedure call, the share and file of SMB, the page of WinRM, the cipher of a
//! Kerberos ticket, the amount that a directory gives away. Each technique is told when a host
//! does it for the first time, and again when it has done it to ten times as many hosts: whoever
//! administers the network does so every day from the same machine, and is told once.
//!
//! A domain controller may replicate from another; it is known by what it serves. What several
//! hosts do alike is this network's way of working and told at a lower level. Beside the
//! techniques, new internal peers on ports of administration are counted.
//!
//! What is not counted: what belongs to logging on to a domain (name look-ups in SAMR and LSA,
//! SYSVOL, group policy, event forwarding), calls that are encrypted so that the operation is
//! hidden, and what stays within one host.

mod techniques;
mod words;

use std::net::IpAddr;

use super::attempts::uuid;
use super::stats::distinct::mix_address;
use super::stats::{Distinct, Recent};
use super::{Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::ip_protocol;
use crate::record::{Body, Contact, Context, FlowRecord, Outcome, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};
use techniques::{OPERATIONS, Technique};

static PEERS_MIN: Parameter = Parameter {
    name: "peers",
    values: [10.0, 5.0, 3.0],
    unit: "hosts",
    help: "Internal hosts that a host reaches for the first time on ports of administration within \
           an hour; twice as many on the first day, when all are new.",
};
static SHARES_MIN: Parameter = Parameter {
    name: "share-hosts",
    values: [6.0, 3.0, 2.0],
    unit: "hosts",
    help: "Hosts whose shares one host lists: of one or two everybody does.",
};
static TICKETS_MIN: Parameter = Parameter {
    name: "tickets",
    values: [20.0, 12.0, 8.0],
    unit: "services",
    help: "Different services for which one host gets tickets within a minute; logging on takes \
           about eight.",
};
static DIRECTORY_MIN: Parameter = Parameter {
    name: "directory-bytes",
    values: [1_000_000.0, 250_000.0, 100_000.0],
    unit: "bytes",
    help: "What one connection gets from a directory; logging on takes some 25 kB, group policy \
           less than 100 kB.",
};
static COMMON: Parameter = Parameter::fixed(
    "common",
    5.0,
    "hosts",
    "When so many hosts have done the same, it is how this network works: no more than low.",
);

/// Sources with a technique remembered.
const ENTRIES_MAX: usize = 1024;
/// Sources whose peers and tickets are counted.
const SOURCES_MAX: usize = 1024;
/// Techniques whose users are counted.
const TECHNIQUES_MAX: usize = 64;
/// What is done to controllers, of which there are few, is told again after so long.
const AGAIN: Duration = Duration::from_secs(86_400);
/// Domain controllers remembered.
const CONTROLLERS_MAX: usize = 256;
/// Within which new peers are counted together.
const PEERS_WINDOW: Duration = Duration::from_secs(3600);
/// Within which tickets are counted together.
const TICKETS_WINDOW: Duration = Duration::from_secs(60);
/// All is new on the first day.
const LEARNING: Duration = Duration::from_secs(86_400);
/// The next finding of a technique comes at so many times as many targets.
const GROWTH: u64 = 10;
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "lateral",
    gid: 9112,
    help: "Techniques of moving through a Windows network, where they are new: replication of the \
           domain, remote services, tasks, WMI, DCOM, WinRM, administrative shares, enumeration.",
    algorithm: "Remote procedure calls are looked up by interface and operation, SMB by share and \
                file, HTTP by the page of WinRM, Kerberos by cipher and number of tickets, LDAP by \
                volume. A technique is told when a host first does it, and at ten times as many \
                targets; when many hosts do it, at a low level. New internal peers on ports of \
                administration are counted per hour.",
    references: &[
        "MITRE ATT&CK T1003.006, T1021, T1047, T1053.005, T1543.003, T1570, T1087.002, T1558.003",
        "Microsoft Open Specifications: MS-DRSR, MS-SCMR, MS-TSCH, MS-WMI, MS-DCOM, MS-SAMR, \
         MS-SRVS, MS-RRP, MS-LSAD, MS-EFSR",
    ],
    parameters: &[&PEERS_MIN, &SHARES_MIN, &TICKETS_MIN, &DIRECTORY_MIN, &COMMON],
    sees: &[Sort::Transaction, Sort::Flow, Sort::Contact],
    reads: &["dcerpc", "smb", "http", "krb5"],
    when: super::When::Marked(super::Mark::Within),
    build: |site, tuning| Box::new(Lateral::new(site, tuning)),
};

/// What a source did of a technique.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Entry {
    targets: Distinct,
    times: u64,
    first: Timestamp,
    /// Targets at the last finding, and when that was.
    told: u64,
    told_at: Timestamp,
    evidence: Vec<u64>,
    /// What it was done with, as an example: a file, a page.
    example: String,
}

/// New peers, or tickets, of a source.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Spread {
    all: Distinct,
    since: Timestamp,
    new: u64,
    /// Told of in this window.
    told: bool,
}

impl Spread {
    /// Adds one; how many were new in this window.
    fn add(&mut self, hash: u64, at: Timestamp, window: Duration) -> u64 {
        if at.apart(self.since) > window {
            (self.since, self.new, self.told) = (at, 0, false);
        }
        self.new += u64::from(self.all.insert(hash));
        self.new
    }
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    entries: Recent<(IpAddr, u32), Entry>,
    /// By technique, the sources that did it.
    sources_of: Recent<u32, Distinct>,
    peers: Recent<IpAddr, Spread>,
    tickets: Recent<IpAddr, Spread>,
    controllers: Recent<IpAddr, ()>,
    start: Option<Timestamp>,
}

/// What a record shows.
struct Seen {
    technique: &'static Technique,
    /// What it was done with, as an example.
    example: String,
    /// What was counted until it was one, when that is not targets: how many, and how many it takes.
    judged: Option<(u64, u64)>,
}

impl Seen {
    const fn of(technique: &'static Technique, example: String) -> Self {
        Self { technique, example, judged: None }
    }
}

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    peers: u64,
    shares: u64,
    tickets: u64,
    directory: u64,
    common: u64,
}

/// The fields it reads.
struct Fields {
    /// Interface and operation, over TCP and over SMB.
    calls: [(FieldRef, FieldRef); 2],
    uri: FieldRef,
    share: FieldRef,
}

/// The detector.
pub struct Lateral {
    limits: Limits,
    fields: Fields,
    state: State,
}

impl Lateral {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let call = |protocol| {
            let field = |name| site.field(protocol, name);
            (field("dcerpc.interface"), field("dcerpc.operation"))
        };
        Self {
            limits: Limits {
                peers: tuning.count(&PEERS_MIN),
                shares: tuning.count(&SHARES_MIN),
                tickets: tuning.count(&TICKETS_MIN),
                directory: tuning.count(&DIRECTORY_MIN),
                common: tuning.count(&COMMON),
            },
            fields: Fields {
                calls: [call("dcerpc"), call("smb")],
                uri: site.field("http", "http.uri"),
                share: site.field("smb", "smb.share"),
            },
            state: State {
                entries: Recent::new(ENTRIES_MAX),
                sources_of: Recent::new(TECHNIQUES_MAX),
                peers: Recent::new(SOURCES_MAX),
                tickets: Recent::new(SOURCES_MAX),
                controllers: Recent::new(CONTROLLERS_MAX),
                start: None,
            },
        }
    }

    fn see(&mut self, record: &Record, known: &Known) -> Option<Found> {
        let (source, target) = (record.context.source?, record.context.destination?);
        let seen = match &record.body {
            Body::Transaction(transaction) => self.transaction(record, transaction, known)?,
            Body::Flow(flow) => Seen::of(self.flow(record, flow)?, String::new()),
            Body::Contact(contact) => self.contact(record, contact, known)?,
            _ => return None,
        };
        if source.addr == target.addr {
            return None;
        }
        self.tell(record, seen, known)
    }

    /// Notes a technique; a finding when it is new or has grown.
    fn tell(&mut self, record: &Record, seen: Seen, known: &Known) -> Option<Found> {
        let Seen { technique, example, judged } = seen;
        let (source, target) = (record.context.source?.addr, record.context.destination?.addr);
        let at = record.timestamp;
        let sources = self.state.sources_of.touch(&technique.sid);
        sources.insert(mix_address(source));
        let common = sources.count() >= self.limits.common;
        let entry = self.state.entries.touch(&(source, technique.sid));
        if entry.times == 0 {
            entry.first = at;
        }
        entry.times += 1;
        entry.targets.insert(mix_address(target));
        let id = record.context.flow_id.unwrap_or_default();
        if entry.evidence.len() < EVIDENCE_MAX && !entry.evidence.contains(&id) {
            entry.evidence.push(id);
        }
        if entry.example.is_empty() {
            entry.example = example;
        }
        let targets = entry.targets.count();
        // More targets than there are controllers never come.
        if technique.of_controllers() && at.apart(entry.told_at) > AGAIN {
            entry.told = 0;
        }
        let enough = match technique.sid {
            sid if entry.told == 0 && sid == techniques::SHARES.sid => self.limits.shares,
            _ if entry.told == 0 => 1,
            _ => entry.told * GROWTH,
        };
        if targets < enough {
            return None;
        }
        (entry.told, entry.told_at) = (targets, at);
        let about = words::About {
            context: &record.context,
            at,
            known,
            technique,
            judged,
            common,
            is_controller: self.state.controllers.peek(&source).is_some(),
        };
        Some(words::found(entry, &about))
    }

    fn transaction(
        &mut self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<Seen> {
        match transaction.protocol {
            "dcerpc" | "smb" => match self.call(transaction) {
                Some(technique) => Some(Seen::of(technique, String::new())),
                None if transaction.protocol == "smb" => self.file(transaction, known),
                None => None,
            },
            "http" => self.winrm(record, transaction, known),
            "krb5" => self.kerberos(record, known),
            _ => None,
        }
    }

    fn call(&self, transaction: &TransactionRecord) -> Option<&'static Technique> {
        for (interface, operation) in &self.fields.calls {
            let Some(number) = operation.int(transaction) else { continue };
            let mut found = None;
            interface.read(transaction, &mut |value| {
                let Some(id) = uuid(value).filter(|_| found.is_none()) else { return };
                let is_it = |(known, operations, _): &&(u128, &[u16], &'static Technique)| {
                    *known == id && operations.iter().any(|known| u64::from(*known) == number)
                };
                found = OPERATIONS.iter().find(is_it).map(|(_, _, technique)| *technique);
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn file(&self, transaction: &TransactionRecord, known: &Known) -> Option<Seen> {
        if let Some(share) = self.fields.share.bytes(transaction, <[u8]>::to_vec) {
            let opens = is_administrative(&share);
            return opens.then(|| Seen::of(&techniques::ADMIN_SHARE, text(&share)));
        }
        let spoken = known.spoken();
        if !matches!(
            spoken.get("command"),
            b"SMB2_COMMAND_WRITE" | b"SMB1_COMMAND_WRITE_ANDX" | b"SMB1_COMMAND_WRITE"
        ) || !is_administrative(spoken.get("share"))
        {
            return None;
        }
        let name = spoken.get("filename");
        let technique =
            if is_program(name) { &techniques::PROGRAM_COPIED } else { &techniques::ADMIN_WRITE };
        Some(Seen::of(technique, text(name)))
    }

    fn winrm(
        &self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<Seen> {
        let (client, server) = (record.context.source?, record.context.destination?);
        let port = server.port;
        if known.ours(client.addr, server.addr) == (false, false) {
            return None;
        }
        self.fields.uri.bytes(transaction, |uri| {
            let page = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
            let is_session = page.eq_ignore_ascii_case(b"/wsman")
                || page.to_ascii_lowercase().starts_with(b"/powershell") && port == 5985;
            is_session.then(|| Seen::of(&techniques::WINRM, text(uri)))
        })?
    }

    fn kerberos(&mut self, record: &Record, known: &Known) -> Option<Seen> {
        let (client, server) = (record.context.source?, record.context.destination?);
        let spoken = known.spoken();
        let (user, service) = (spoken.get("cname"), spoken.get("sname"));
        // Who hands out tickets is a controller; who is only asked for them may be anybody.
        let hands_out = matches!(spoken.get("msg_type"), b"KRB_AS_REP" | b"KRB_TGS_REP");
        if server.port == 88 && hands_out {
            self.state.controllers.touch(&server.addr);
        }
        match spoken.get("msg_type") {
            b"KRB_AS_REP" => {
                let modern = spoken.get("ticket_encryption").starts_with(b"AES");
                let weak = spoken.get("encryption").starts_with(b"RC4");
                (modern && weak && !user.ends_with(b"$"))
                    .then(|| Seen::of(&techniques::RC4_LOGON, text(user)))
            }
            b"KRB_TGS_REP" if !service.starts_with(b"krbtgt") && !user.ends_with(b"$") => {
                let hash = service.iter().fold(7, |sum, byte| {
                    super::stats::distinct::mix(sum ^ u64::from(byte.to_ascii_lowercase()))
                });
                let tickets = self.state.tickets.touch(&client.addr);
                // What was asked for long ago is asked for again each day.
                if record.timestamp.since(tickets.since) > TICKETS_WINDOW {
                    *tickets = Spread { since: record.timestamp, ..Spread::default() };
                }
                let many = tickets.add(hash, record.timestamp, TICKETS_WINDOW);
                let least = self.limits.tickets;
                let judged = Some((many, least));
                let seen = Seen::of(&techniques::ROAST, text(service));
                (many >= least).then_some(Seen { judged, ..seen })
            }
            _ => None,
        }
    }

    fn flow(&self, record: &Record, flow: &FlowRecord) -> Option<&'static Technique> {
        let [_, got] = flow.counters.bytes;
        let client = record.context.source?.addr;
        let is_it = may_be_directory(&record.context, flow)
            && flow.app_protocol == Some("ldap")
            && got >= self.limits.directory
            && self.state.controllers.peek(&client).is_none();
        is_it.then_some(&techniques::DIRECTORY)
    }

    fn contact(&mut self, record: &Record, contact: &Contact, known: &Known) -> Option<Seen> {
        if !may_be_work(&record.context, contact) {
            return None;
        }
        let (source, target) = (record.context.source?.addr, record.context.destination?);
        let is_administrative = is_administration(target.port);
        if !is_administrative && !is_controller(target.port) {
            return None;
        }
        let ours = known.ours(source, target.addr);
        if is_controller(target.port) && ours.1 {
            self.state.controllers.touch(&target.addr);
        }
        if !is_administrative || ours != (true, true) {
            return None;
        }
        let at = record.timestamp;
        let learning = at.since(*self.state.start.get_or_insert(at)) < LEARNING;
        let enough = if learning { self.limits.peers * 2 } else { self.limits.peers };
        let peers = self.state.peers.touch(&source);
        let new = peers.add(mix_address(target.addr), at, PEERS_WINDOW);
        if new < enough || std::mem::replace(&mut peers.told, true) {
            return None;
        }
        let seen = Seen::of(&techniques::PEERS, String::new());
        Some(Seen { judged: Some((new, enough)), ..seen })
    }
}

/// Ports of services that domain controllers alone offer.
const fn is_controller(port: u16) -> bool {
    port == 88 || is_directory(port)
}

/// Ports of directories: LDAP, and the global catalogue.
const fn is_directory(port: u16) -> bool {
    matches!(port, 389 | 3268)
}

/// Ports by which machines are administered.
const fn is_administration(port: u16) -> bool {
    matches!(port, 22 | 135 | 445 | 3389 | 5985 | 5986)
}

/// Whether a contact may tell of a controller, or of one host that works on another.
#[inline]
pub(super) fn may_be_work(context: &Context, contact: &Contact) -> bool {
    contact.outcome == Outcome::Answered
        && context.protocol == ip_protocol::TCP
        && context
            .destination
            .is_some_and(|end| is_administration(end.port) || is_controller(end.port))
}

/// Whether a flow may be one that reads a directory.
#[inline]
pub(super) fn may_be_directory(context: &Context, flow: &FlowRecord) -> bool {
    flow.app_protocol.is_some() && context.destination.is_some_and(|end| is_directory(end.port))
}

impl Detector for Lateral {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(one) = self.see(record, known) {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { entries, sources_of, peers, tickets, controllers, .. } = &self.state;
        let inner = |entry: &Entry| {
            entry.targets.memory() + entry.evidence.capacity() * 8 + entry.example.capacity()
        };
        let inner: usize = entries.iter().map(|(_, entry)| inner(entry)).sum();
        let spread = peers.iter().chain(tickets.iter()).map(|(_, spread)| spread.all.memory());
        let sets = sources_of.iter().map(|(_, set)| set.memory());
        let maps = entries.memory() + peers.memory() + tickets.memory() + controllers.memory();
        maps + sources_of.memory() + inner + spread.sum::<usize>() + sets.sum::<usize>()
    }
}

/// Text without zero bytes: names of SMB may come as UTF-16.
fn text(bytes: &[u8]) -> String {
    let bare: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).take(96).collect();
    String::from_utf8_lossy(&bare).into_owned()
}

/// `\\HOST\C$`, `\\HOST\ADMIN$`: whole disks, and the directory of Windows.
fn is_administrative(share: &[u8]) -> bool {
    let bare: Vec<u8> = share.iter().copied().filter(|byte| *byte != 0).collect();
    let last = bare.rsplit(|byte| *byte == b'\\').next().unwrap_or_default();
    last.eq_ignore_ascii_case(b"admin$")
        || matches!(last, [drive, b'$'] if drive.is_ascii_alphabetic())
}

/// Whether a file can be run, by its name, or lies where what is put there is run.
fn is_program(name: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b".exe", b".dll", b".sys", b".scr", b".bat", b".cmd", b".ps1", b".vbs", b".js", b".hta",
        b".msi", b".com", b".cpl", b".xll", b".jar", b".sct", b".inf", b".lnk",
    ];
    const PLACES: &[&[u8]] = &[b"\\tasks\\", b"\\startup\\", b"system32\\"];
    let bare: Vec<u8> =
        name.iter().copied().filter(|byte| *byte != 0).map(|b| b.to_ascii_lowercase()).collect();
    let in_place = |place: &&[u8]| bare.windows(place.len()).any(|window| window == *place);
    ENDINGS.iter().any(|ending| bare.ends_with(ending)) || PLACES.iter().any(in_place)
}

#[cfg(test)]
pub(super) mod tests;
