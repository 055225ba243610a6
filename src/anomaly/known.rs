//! What was seen of hosts in passing, for all detectors: the names under which addresses were
//! asked for, which addresses were claimed by ARP, and attempts to log on.

use std::net::IpAddr;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::attempts::{Attempt, Attempts};
use super::homes::Homes;
use super::spoken::Spoken;
use super::stats::Recent;
use super::stats::distinct::{mix_address, mix_bytes};
use super::{Damaged, FieldRef, Site, homes, state};
use crate::field::Tree;
use crate::net::VLAN_LAYERS_MAX;
use crate::record::{Body, Context, Outcome, Record, TransactionRecord};
use crate::time::Timestamp;

/// Addresses with a name remembered.
const NAMES_MAX: usize = 16_384;
/// Addresses remembered that were claimed by ARP.
const CLAIMS_MAX: usize = 8192;
/// Records of protocols of [`SPOKEN`] in one run, at most: each takes up to 4 KiB.
const SPOKEN_MAX: usize = 64;
/// Bytes of a name at most; longer ones are not kept.
const NAME_BYTES_MAX: usize = 128;

/// VLAN identifiers, outermost first.
pub type Vlan = [u16; VLAN_LAYERS_MAX];

/// None.
pub const UNTAGGED: Vlan = [0; VLAN_LAYERS_MAX];

/// A name and its hash, which is asked for far more often than the name changes. Saved as the text
/// alone.
#[derive(Clone, Debug, Default)]
struct Name {
    text: String,
    hash: u64,
}

impl Name {
    fn set(&mut self, text: &str) {
        if self.text != text {
            self.text.clear();
            self.text.push_str(text);
            self.hash = mix_bytes(text.as_bytes()).max(1);
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut name = Self::default();
        name.set(&String::deserialize(deserializer)?);
        Ok(name)
    }
}

/// What several detectors want of transactions that no field has, by protocol: each transaction is
/// walked through once.
static SPOKEN: &[(&str, &[&str])] = &[
    (
        "smb",
        &[
            "command",
            "status_code",
            "ntlmssp.user",
            "filename",
            "share",
            "access",
            "rename.from",
            "rename.to",
        ],
    ),
    ("krb5", &["msg_type", "cname", "sname", "error_code", "encryption", "ticket_encryption"]),
    ("pop3", &["request.command", "request.args", "response.status"]),
];

/// What was read of one record for all detectors.
#[derive(Clone, Copy, Default)]
pub(super) struct Read {
    attempt: Option<Attempt>,
    /// Index of what it says.
    spoken: Option<usize>,
}

/// See the module's page.
#[derive(Default)]
pub struct Known {
    names: Recent<IpAddr, Name>,
    /// When an address was first claimed by ARP.
    claims: Recent<(Vlan, IpAddr), Timestamp>,
    site: Site,
    homes: Homes,
    attempts: Attempts,
    /// What records of protocols of [`SPOKEN`] say, those of one run.
    spoken: Vec<Spoken>,
    /// How many of `spoken` are in use: the others are memory.
    spoke: usize,
    silent: Spoken,
    /// Of the record that is shown.
    read: Read,
    server_name: FieldRef,
    quic_name: FieldRef,
    host: FieldRef,
    /// The owners of the answers.
    owner: FieldRef,
}

impl Known {
    /// Nothing known yet.
    pub fn new(site: &Site) -> Self {
        Self {
            names: Recent::new(NAMES_MAX),
            claims: Recent::new(CLAIMS_MAX),
            site: site.clone(),
            homes: Homes::default(),
            attempts: Attempts::new(site),
            spoken: Vec::new(),
            spoke: 0,
            silent: Spoken::default(),
            read: Read::default(),
            server_name: site.field("tls", "tls.sni"),
            quic_name: site.field("quic", "quic.sni"),
            host: site.field("http", "http.host"),
            owner: site.field("dns", "dns.answers.rrname"),
        }
    }

    /// The name under which an address was last asked for: by DNS, TLS, QUIC or HTTP.
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        self.names.peek(&address).map(|name| name.text.as_str()).filter(|name| !name.is_empty())
    }

    /// A hash of the name under which an address was last asked for, or of the address when it has
    /// none: what a host means when it goes there.
    pub fn place(&self, address: IpAddr) -> u64 {
        let name = self.names.peek(&address).filter(|name| !name.text.is_empty());
        name.map_or_else(|| mix_address(address), |name| name.hash)
    }

    /// Whether the client of a conversation is the site's, and whether the server is.
    #[inline]
    pub fn ours(&self, client: IpAddr, server: IpAddr) -> (bool, bool) {
        self.homes.of(client, server, &self.site)
    }

    /// Whether it is only a guess which end of a conversation is the site's.
    pub(super) fn guesses(&self, context: &Context) -> bool {
        let ends = context.source.zip(context.destination);
        ends.is_some_and(|(client, server)| {
            self.homes.guesses(client.addr, server.addr, &self.site)
        })
    }

    /// Of each [version of IP](homes::FAMILIES) the conversations with an end in the home networks and
    /// without one, when these are not the networks of the site.
    pub fn untold(&self) -> [Option<[u64; 2]>; homes::FAMILIES.len()] {
        self.homes.untold()
    }

    /// The same when these are the site's, but for a part ([`homes::PART_SHARE`]) that nobody named.
    pub fn partly(&self) -> [Option<[u64; 2]>; homes::FAMILIES.len()] {
        self.homes.partly()
    }

    /// Packet time has come to `now`.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.homes.tick(now);
    }

    /// Whether an address had been claimed by ARP in a VLAN, by packet time `at`.
    pub fn is_claimed(&self, vlan: Vlan, address: IpAddr, at: Timestamp) -> bool {
        let claimed = |vlan| self.claims.peek(&(vlan, address)).is_some_and(|first| *first <= at);
        // Some mirrors show one direction without its tag.
        claimed(vlan) || claimed(UNTAGGED)
    }

    /// The attempt to log on that the record tells of which detectors see.
    pub const fn attempt(&self) -> Option<Attempt> {
        self.read.attempt
    }

    /// What a transaction of SMB, Kerberos or POP3 that detectors see says of itself.
    pub fn spoken(&self) -> &Spoken {
        self.read.spoken.and_then(|index| self.spoken.get(index)).unwrap_or(&self.silent)
    }

    /// Learns from a record that is shown before the next one is learned from.
    pub(super) fn record(&mut self, record: &Record) {
        self.begin();
        self.learn(record);
    }

    /// What was read of records before is not needed any more.
    pub(super) const fn begin(&mut self) {
        self.spoke = 0;
    }

    /// Learns from a record, which may be [shown](Self::show) after others have been learned from; what
    /// was read of it, if anything was.
    #[inline]
    pub(super) fn learn(&mut self, record: &Record) -> Option<Read> {
        if let Body::Contact(contact) = &record.body
            && contact.outcome == Outcome::Answered
            && let (Some(client), Some(server)) =
                (record.context.source, record.context.destination)
        {
            self.homes.begun(client.addr, server.addr, &self.site);
        }
        let reads = matches!(record.body, Body::Flow(_) | Body::Transaction(_) | Body::Arp(_));
        self.read = if reads { self.read(record) } else { Read::default() };
        let Read { attempt, spoken } = &self.read;
        (attempt.is_some() || spoken.is_some()).then_some(self.read)
    }

    /// The record that is shown next is that of which this was read.
    #[inline]
    pub(super) fn show(&mut self, read: Option<&Read>) {
        self.read = read.copied().unwrap_or_default();
    }

    /// Whether a record has to be shown before the next one is learned from: an alert or a packet, which
    /// are not for detectors alone, or one after so many that much had to be read of. For others it does not
    /// matter: which of two names of an address is the newest is nothing to anybody for the moment of a
    /// round.
    #[inline]
    pub(super) const fn takes_turn(&self, body: &Body) -> bool {
        matches!(body, Body::Alert(_) | Body::Packet(_)) || self.spoke >= SPOKEN_MAX
    }

    fn read(&mut self, record: &Record) -> Read {
        let mut spoken = None;
        if let Body::Transaction(of) = &record.body
            && let Some((_, wanted)) = SPOKEN.iter().find(|(known, _)| *known == of.protocol)
        {
            if self.spoke >= self.spoken.len() {
                self.spoken.push(Spoken::default());
            }
            self.spoken.get_mut(self.spoke).into_iter().for_each(|spoken| spoken.read(of, wanted));
            spoken = Some(self.spoke);
            self.spoke += 1;
        }
        let said = spoken.and_then(|index| self.spoken.get(index)).unwrap_or(&self.silent);
        let attempt = self.attempts.read(record, &self.site, said);
        match &record.body {
            Body::Transaction(transaction) => self.transaction(record, transaction),
            Body::Arp(arp) if !arp.sender.is_unspecified() => {
                let key = (record.context.vlan, IpAddr::V4(arp.sender));
                let first = self.claims.touch_or(&key, || record.timestamp);
                *first = record.timestamp.min(*first);
            }
            _ => {}
        }
        Read { attempt, spoken }
    }

    fn transaction(&mut self, record: &Record, transaction: &TransactionRecord) {
        let Some(server) = record.context.destination else { return };
        match transaction.protocol {
            // Only answers name anything: whether there is one is quickly asked.
            "dns" if self.owner.is_there(transaction) => {
                let (name, length) = ([0; NAME_BYTES_MAX], 0);
                let mut answers = Answers { known: self, inside: false, name, length };
                transaction.transaction.describe(&mut answers);
            }
            "tls" => {
                let field = self.server_name;
                field.bytes(transaction, |name| self.name_it(server.addr, name));
            }
            "quic" => {
                let field = self.quic_name;
                field.bytes(transaction, |name| self.name_it(server.addr, name));
            }
            "http" => {
                let field = self.host;
                field.bytes(transaction, |name| self.name_it(server.addr, name));
            }
            _ => {}
        }
    }

    fn name_it(&mut self, address: IpAddr, name: &[u8]) {
        let text = std::str::from_utf8(name).unwrap_or_default();
        // A host header that only repeats the address names nothing.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
        if text.is_empty() || plain || text.len() > NAME_BYTES_MAX {
            return;
        }
        self.names.touch(&address).set(text);
    }

    pub(super) fn save(&self) -> Vec<u8> {
        state::pack(&(&self.names, &self.claims, self.homes, self.attempts.kept()))
    }

    pub(super) fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let (names, claims, homes, kept) = state::unpack(bytes)?;
        (self.names, self.claims, self.homes) = (names, claims, homes);
        self.attempts.keep(kept);
        Ok(())
    }

    pub(super) fn learned(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("addresses with a name", self.names.len() as u64),
            ("addresses claimed by ARP", self.claims.len() as u64),
        ]
    }

    pub(super) fn memory(&self) -> usize {
        let names: usize = self.names.iter().map(|(_, name)| name.text.capacity()).sum();
        let spoken: usize = self.spoken.iter().map(|of| size_of::<Spoken>() + of.memory()).sum();
        let maps = self.names.memory() + self.claims.memory() + self.attempts.memory();
        maps + names + spoken
    }
}

/// Whether a hardware address is one that routers share: VRRP and CARP (RFC 5798), HSRP version 1
/// and 2, and for IPv6, GLBP.
pub const fn is_redundant_router(mac: [u8; 6]) -> bool {
    matches!(
        mac,
        [0, 0, 0x5e, 0, 1 | 2, _]
            | [0, 0, 0x0c, 7, 0xac, _]
            | [0, 0, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0, 5, 0x73, 0xa0, 0..=0x0f, _]
            | [0, 7, 0xb4, ..]
    )
}

/// Takes addresses and their names out of what a DNS message says of itself.
struct Answers<'a> {
    known: &'a mut Known,
    inside: bool,
    name: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl Tree for Answers<'_> {
    fn wants(&self, key: &str) -> bool {
        matches!(key, "queries" | "answers")
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        match key {
            // The question: the name that was asked for, whatever aliases led to the address.
            "rrname" if !self.inside && self.length == 0 && value.len() <= NAME_BYTES_MAX => {
                self.length = value.len();
                if let Some(place) = self.name.get_mut(..value.len()) {
                    place.copy_from_slice(value);
                }
            }
            "rdata" if self.inside => {
                let address = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                if let (Some(address), Some(name)) = (address, self.name.get(..self.length)) {
                    self.known.name_it(address, name);
                }
            }
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, _: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        fill(self);
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        if matches!(key, "queries" | "answers") {
            self.inside = key == "answers";
            fill(self);
            self.inside = false;
        }
    }
}
