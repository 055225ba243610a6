//! Names, addresses and fingerprints of a transaction, out of what it says of itself.

use std::net::IpAddr;

use super::set::{Hit, Set};
use crate::field::Tree;

/// What was seen that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// An address.
    Address(IpAddr),
    /// A name, a fingerprint.
    Text(Vec<u8>),
}

impl Observed {
    /// As people write it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Text(text) => String::from_utf8_lossy(text).into_owned(),
        }
    }
}

/// How it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A machine of ours turned to it.
    Outbound,
    /// It turned to a machine of ours.
    Inbound,
    /// A machine of ours asked the DNS for it, or got it as an answer.
    Asked,
    /// It was in what a conversation said: a server's name, a fingerprint, a certificate.
    Spoken,
}

/// A hit, before it is judged.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) hit: Hit,
    pub(super) observed: Observed,
    pub(super) way: Way,
}

/// Looks up what a transaction says of itself.
pub(super) struct Wire<'a> {
    pub(super) set: &'a Set,
    pub(super) candidates: &'a mut Vec<Candidate>,
    pub(super) scratch: &'a mut Vec<Hit>,
    way: Way,
    /// The object that is being told.
    within: Within,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Whole,
    Records,
    Ja3,
    Other,
}

impl<'a> Wire<'a> {
    pub(super) fn new(
        set: &'a Set,
        candidates: &'a mut Vec<Candidate>,
        scratch: &'a mut Vec<Hit>,
        way: Way,
    ) -> Self {
        Self { set, candidates, scratch, way, within: Within::Whole }
    }

    pub(super) fn take(&mut self, observed: impl Fn() -> Observed) {
        let way = self.way;
        let hits = self.scratch.drain(..);
        self.candidates.extend(hits.map(|hit| Candidate { hit, observed: observed(), way }));
    }

    /// A name, which may be an address in its place.
    fn host(&mut self, text: &[u8]) {
        let is_number = text.first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b'[');
        let address = is_number.then(|| std::str::from_utf8(text).ok()).flatten();
        // An address of IPv6 as hosts have it: in brackets, perhaps with a port behind (RFC 3986, 3.2.2).
        let address = address.map(|text| {
            let within = text.strip_prefix('[').and_then(|text| text.split_once(']'));
            within.map_or(text, |(address, _)| address)
        });
        if let Some(address) = address.and_then(|text| text.parse().ok()) {
            self.set.address(address, self.scratch);
            self.take(|| Observed::Address(address));
        } else {
            self.set.name(text, self.scratch);
            self.take(|| Observed::Text(text.to_vec()));
        }
    }

    /// A certificate's SHA-256.
    pub(super) fn certificate(&mut self, hash: &[u8]) {
        self.set.certificate(hash, self.scratch);
        let text = || hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.take(|| Observed::Text(text().into_bytes()));
    }

    fn inside(&mut self, within: Within, fill: &mut dyn FnMut(&mut dyn Tree)) {
        if within != Within::Other {
            let before = std::mem::replace(&mut self.within, within);
            fill(self);
            self.within = before;
        }
    }
}

impl Tree for Wire<'_> {
    fn text(&mut self, key: &str, value: &[u8]) {
        match (self.within, key) {
            (Within::Whole, "sni" | "hostname") | (Within::Records, "rrname" | "rdata") => {
                self.host(value);
            }
            (Within::Whole, "ja4") => {
                self.set.ja4(value, self.scratch);
                self.take(|| Observed::Text(value.to_vec()));
            }
            (Within::Ja3, "hash") => {
                self.set.ja3(value, self.scratch);
                self.take(|| Observed::Text(value.to_vec()));
            }
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        let within = match (self.within, key) {
            (Within::Whole, "ja3") => Within::Ja3,
            (Within::Records, "") => Within::Records,
            _ => Within::Other,
        };
        self.inside(within, fill);
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        let is_records = self.within == Within::Whole && matches!(key, "queries" | "answers");
        self.inside(if is_records { Within::Records } else { Within::Other }, fill);
    }
}
