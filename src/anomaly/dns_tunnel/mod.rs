//! `dns-tunnel`: data, or orders, carried in names and in answers of DNS.
//!
//! Who has no way out but DNS writes what he wants to say into the names that he asks for, under a
//! domain whose name server is his, and reads the replies in the answers (iodine, dnscat2, the DNS
//! beacon of Cobalt Strike, plain exfiltration). So many names are asked for under one domain, all
//! different, long, and unlike words ([`letters`]); mostly of types that can carry text (TXT, NULL,
//! MX, CNAME). Two shapes are told: names that carry data, and answers that carry text which is
//! none (orders by TXT).
//!
//! What is not counted: lists of addresses and reverse look-ups, names of services (`_dmarc`,
//! `_domainkey`, `_ldap`), the local network (`.arpa`, `.local`), services of known makers that
//! look up files and addresses by DNS (mail lists, antivirus). Names that only ask for addresses,
//! as those of delivery networks do, must come much faster, or be much longer.

mod talk;
mod words;

#[cfg(test)]
pub(super) mod tests;

use std::net::IpAddr;

use super::domain::{self, Split};
use super::stats::{Recent, entropy, letters};
use super::{Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::Direction;
use crate::record::{Body, Record, Sort, TransactionRecord};
use crate::time::Duration;
use talk::{Answer, Query, Talk};

static NAMES_MIN: Parameter = Parameter {
    name: "names-min",
    values: [30.0, 15.0, 10.0],
    unit: "names",
    help: "Different encoded names under one domain, asked for as text, from which they are told. \
           RITA speaks of C2 over DNS from 100 subdomains of any look on.",
};
static BYTES_MIN: Parameter = Parameter {
    name: "bytes-min",
    values: [800.0, 400.0, 200.0],
    unit: "bytes",
    help: "Bytes that these names carried together, at least.",
};
static FAST_NAMES_MIN: Parameter = Parameter {
    name: "fast-names-min",
    values: [100.0, 50.0, 30.0],
    unit: "names",
    help: "Different encoded names under one domain in ten minutes, asked for as addresses.",
};
static FAST_BYTES_MIN: Parameter = Parameter {
    name: "fast-bytes-min",
    values: [4000.0, 1500.0, 800.0],
    unit: "bytes",
    help: "Bytes that these names carried together in ten minutes, at least.",
};
static LONG_NAMES_MIN: Parameter = Parameter {
    name: "long-names-min",
    values: [60.0, 30.0, 20.0],
    unit: "names",
    help: "Different long encoded names under one domain, asked for as anything, over hours, from which \
           they are told.",
};
static LONG_NAME: Parameter = Parameter::fixed(
    "long-name",
    100.0,
    "bytes",
    "Bytes that a long name carries, at least: a tunnel fills what room there is, about 200; look-ups \
     carry a SHA-256 in hexadecimal digits, and two or three words.",
);
static ANSWERS_MIN: Parameter = Parameter {
    name: "answers-min",
    values: [20.0, 8.0, 5.0],
    unit: "answers",
    help: "Answers of encoded text from one domain from which they are told.",
};
static SURPRISE_MIN: Parameter = Parameter::fixed(
    "surprise-min",
    5.5,
    "bits",
    "Mean surprise of pairs of letters from which a name counts as encoded: one word of Italian or \
     English in a thousand passes it.",
);
static HIGH_BYTES: Parameter = Parameter::fixed(
    "high-bytes",
    10_000.0,
    "bytes",
    "Bytes carried both ways from which a finding is high: more than any look-up needs.",
);
static MEMORY: Parameter = Parameter::fixed(
    "memory",
    21_600.0,
    "seconds",
    "Queries further apart than this are not one conversation.",
);

/// Clients and domains remembered.
const TALKS_MAX: usize = 1024;
/// Bytes before the domain from which a name can count as encoded; fewer could be any short form.
const SUB_MIN: usize = 8;
/// Bytes from which a name counts as encoded even if it reads like words.
const SUB_LONG: usize = 64;
/// Bytes of an answer's text from which it can count as encoded.
const TEXT_MIN: usize = 20;

/// Services whose names or answers are encoded by design: lists of unwanted senders and sites,
/// antivirus and firewall makers' look-ups of files and addresses, as their manuals document them; and
/// delivery networks and measurements that make a name for each page or visitor. Nobody else is given
/// the names below these.
const LOOKUPS: &[&str] = &[
    "abuseat.org",
    "akstat.io",
    "avast.com",
    "barracudacentral.org",
    "bitdefender.net",
    "brightcloud.com",
    "cedexis-radar.net",
    "cloudmark.com",
    "cymru.com",
    "dnswl.org",
    "e5.sk",
    "eset.com",
    "f-secure.com",
    "footprintdns.com",
    "fortinet.net",
    "googlesyndication.com",
    "googlevideo.com",
    "gvt1.com",
    "invaluement.com",
    "kaspersky-labs.com",
    "mailspike.net",
    "mcafee.com",
    "office.com",
    "senderbase.org",
    "senderscore.com",
    "sophosxl.com",
    "sophosxl.net",
    "sorbs.net",
    "spamcop.net",
    "spamhaus.net",
    "spamhaus.org",
    "surbl.org",
    "trendmicro.com",
    "trustedsource.org",
    "uribl.com",
];

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "dns-tunnel",
    gid: 9108,
    help: "Data or orders carried in names and answers of DNS.",
    algorithm: "For each client and registered domain, names are followed whose part before the \
                domain is encoded (mean surprise of its pairs of letters in a model of Italian and \
                English). They are told when enough different ones have carried enough bytes: over \
                hours if they ask for types that carry text or are long, within ten minutes if they \
                ask for addresses. Answers of TXT and NULL that are encoded text are counted by themselves.",
    references: &[
        "K. Born, D. Gustafson: Detecting DNS Tunnels Using Character Frequency Analysis, 2010",
        "RITA, C2 over DNS: https://github.com/activecm/rita",
        "MITRE ATT&CK T1071.004, T1048.003",
    ],
    parameters: &[
        &NAMES_MIN,
        &BYTES_MIN,
        &FAST_NAMES_MIN,
        &FAST_BYTES_MIN,
        &LONG_NAMES_MIN,
        &LONG_NAME,
        &ANSWERS_MIN,
        &SURPRISE_MIN,
        &HIGH_BYTES,
        &MEMORY,
    ],
    sees: &[Sort::Transaction],
    reads: &["dns"],
    when: super::When::Always,
    build: |site, tuning| Box::new(DnsTunnel::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    names_min: u64,
    bytes_min: u64,
    fast_names_min: u64,
    fast_bytes_min: u64,
    long_names_min: u64,
    long_name: u64,
    answers_min: u64,
    surprise_min: f64,
    high_bytes: u64,
    memory: Duration,
}

impl Limits {
    fn of(tuning: &Tuning<'_>) -> Self {
        Self {
            names_min: tuning.count(&NAMES_MIN),
            bytes_min: tuning.count(&BYTES_MIN),
            fast_names_min: tuning.count(&FAST_NAMES_MIN),
            fast_bytes_min: tuning.count(&FAST_BYTES_MIN),
            long_names_min: tuning.count(&LONG_NAMES_MIN),
            long_name: tuning.count(&LONG_NAME),
            answers_min: tuning.count(&ANSWERS_MIN),
            surprise_min: tuning.get(&SURPRISE_MIN),
            high_bytes: tuning.count(&HIGH_BYTES),
            memory: tuning.seconds(&MEMORY),
        }
    }
}

/// The detector.
pub struct DnsTunnel {
    site: Site,
    limits: Limits,
    name: FieldRef,
    kind: FieldRef,
    answer: FieldRef,
    /// By client and hash of the registered domain.
    talks: Recent<(IpAddr, u64), Talk>,
}

impl DnsTunnel {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            site: site.clone(),
            limits: Limits::of(tuning),
            name: site.field("dns", "dns.queries.rrname"),
            kind: site.field("dns", "dns.rrtype"),
            answer: site.field("dns", "dns.answers.rdata"),
            talks: Recent::new(TALKS_MAX),
        }
    }

    /// The text of the answers, if it is of encoded strings.
    fn answer(&self, transaction: &TransactionRecord, kind: u64) -> Answer {
        let mut answer = Answer::default();
        self.answer.read(transaction, &mut |value| {
            if let crate::field::Value::Bytes(text) = value {
                answer.bytes += text.len() as u64;
                answer.encoded |= carries_text(kind) && is_encoded_text(text, &self.limits);
            }
        });
        answer
    }

    fn dns(
        &mut self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<Found> {
        let client = record.context.source?;
        let limits = self.limits;
        let kind = self.kind.int(transaction)?;
        let is_response = transaction.direction == Direction::ToClient;
        let answer = if is_response { self.answer(transaction, kind) } else { Answer::default() };
        let talks = &mut self.talks;
        let (about, found) = self.name.bytes(transaction, |name| {
            let Split { sub, domain } = domain::split(name)?;
            let encoded = is_encoded_name(sub, domain, &limits);
            if !(encoded || answer.encoded) || is_exempt(domain) {
                return None;
            }
            let key = (client.addr, domain::hash(domain));
            let talk = talks.touch_or(&key, || Talk::new(domain));
            let query = Query {
                at: record.timestamp,
                flow: record.context.flow_id.unwrap_or_default(),
                sub: encoded.then_some(sub),
                is_long: encoded && is_long(sub, &limits),
                carrying: can_carry(kind),
                is_response,
            };
            talk.add(&query, &answer, &limits).map(|shape| (talk.clone(), shape))
        })??;
        let about = words::About { record, talk: &about, limits: &limits, known, site: &self.site };
        Some(words::found(found, &about))
    }
}

impl Detector for DnsTunnel {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Body::Transaction(transaction) = &record.body
            && transaction.protocol == "dns"
            && let Some(one) = self.dns(record, transaction, known)
        {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.talks)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.talks = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.talks.memory() + self.talks.iter().map(|(_, talk)| talk.memory()).sum::<usize>()
    }
}

/// Types that an address look-up does not use and that carry much: NULL, MX, TXT, CNAME, KEY, and
/// those for private use.
fn can_carry(kind: u64) -> bool {
    matches!(kind, 5 | 10 | 15 | 16 | 25 | 65_280..)
}

/// Types whose answers are text as such: NULL, TXT.
fn carries_text(kind: u64) -> bool {
    matches!(kind, 10 | 16)
}

/// Domains whose names are encoded by design, and the local network's.
fn is_exempt(domain: &[u8]) -> bool {
    let ends = |end: &str| {
        domain.len() >= end.len()
            && domain
                .get(domain.len() - end.len()..)
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
    };
    ends(".arpa")
        || ends(".local")
        || LOOKUPS.iter().any(|known| domain.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether what stands before the domain holds data rather than the name of something.
fn is_encoded_name(sub: &[u8], domain: &[u8], limits: &Limits) -> bool {
    let least = if domain.is_empty() { 2 * SUB_MIN } else { SUB_MIN };
    sub.len() >= least
        && !(sub.contains(&b'_')
            && sub.split(|byte| *byte == b'.').any(|label| label.starts_with(b"_")))
        && !domain::is_reversed_address(sub)
        && (sub.len() >= SUB_LONG || letters::surprise(sub) >= limits.surprise_min)
}

/// Whether a name carries as much as only a tunnel's does, and is none of many words.
fn is_long(sub: &[u8], limits: &Limits) -> bool {
    let bytes = sub.iter().filter(|byte| **byte != b'.').count() as u64;
    bytes >= limits.long_name && letters::surprise(sub) >= limits.surprise_min
}

/// Whether the text of an answer is no text: long, one word, no `key=value`, as are records for
/// mail and proofs of ownership.
fn is_encoded_text(text: &[u8], limits: &Limits) -> bool {
    let body = text.trim_ascii_end();
    let padding = body.iter().rev().take(2).filter(|byte| **byte == b'=').count();
    let body = body.get(..body.len() - padding).unwrap_or_default();
    body.len() >= TEXT_MIN
        && !body.iter().any(|byte| matches!(byte, b' ' | b'=' | b':' | b';'))
        && (letters::surprise(body) >= limits.surprise_min || entropy::of_bytes(body) >= 4.7)
}
