//! Who answers its neighbours' questions for names (LLMNR, NetBIOS), and for how many it says that they are its own.

use std::net::IpAddr;

use crate::anomaly::known::Vlan;
use crate::anomaly::stats::distinct::mix_bytes;
use crate::anomaly::stats::{Distinct, Recent};
use crate::field::Tree;
use crate::record::TransactionRecord;
use crate::time::{Duration, Timestamp};

/// Machines that answer remembered.
const ANSWERERS_MAX: usize = 512;
/// Names count together that are answered for within this time.
const SPAN: Duration = Duration::from_secs(3600);
/// Names kept as examples.
const EXAMPLES_MAX: usize = 4;
/// Bytes of a name that are kept.
const NAME_BYTES_MAX: usize = 64;
/// The name by which a machine looks for its proxy: who answers for it has all of its traffic.
const PROXY: &[u8] = b"wpad";

/// What a machine said of itself.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Answerer {
    names: Distinct,
    /// Names that it told all others it takes, as an honest machine does (RFC 1001, section 15.2.1).
    registered: Distinct,
    pub(super) examples: Vec<String>,
    pub(super) first: Timestamp,
    /// What was told: 1 of the proxy's name, the limit of names of many.
    told: u64,
    /// It said that it is the proxy.
    pub(super) proxy: bool,
    pub(super) evidence: Vec<u64>,
}

impl Answerer {
    /// How many names it said are its own.
    pub(super) fn names(&self) -> u64 {
        self.names.count()
    }
}

/// How many names are no machine's own, when so many are none in LLMNR. A server has more beside its own
/// in NetBIOS.
pub(super) fn least(protocol: &str, names_min: u64) -> u64 {
    if protocol == "nbns" { names_min.saturating_add(2) } else { names_min }
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Answerers {
    seen: Recent<(Vlan, IpAddr), Answerer>,
}

impl Answerers {
    pub(super) const fn new() -> Self {
        Self { seen: Recent::new(ANSWERERS_MAX) }
    }

    /// Takes a message that `sender` sent; what is known of it, when that is to be told: so many names,
    /// or the proxy's.
    pub(super) fn add(
        &mut self,
        (vlan, sender): (Vlan, IpAddr),
        transaction: &TransactionRecord,
        (at, flow): (Timestamp, Option<u64>),
        names_min: u64,
    ) -> Option<&Answerer> {
        let mut said = Said::of(sender, transaction.protocol == "llmnr");
        transaction.transaction.describe(&mut said);
        if !said.is_answer && !said.registers || said.own.is_empty() {
            return None;
        }
        let answerer = self.seen.touch(&(vlan, sender));
        // An address may be another's soon (DHCP).
        if at.since(answerer.first) > SPAN {
            *answerer = Answerer { first: at, ..Answerer::default() };
        }
        for name in said.own {
            if said.registers {
                answerer.registered.insert(mix_bytes(&name));
                continue;
            }
            if answerer.registered.contains(mix_bytes(&name)) {
                continue;
            }
            answerer.proxy |= name == PROXY;
            if !answerer.names.insert(mix_bytes(&name)) {
                continue;
            }
            if answerer.examples.len() < EXAMPLES_MAX {
                answerer.examples.push(String::from_utf8_lossy(&name).into_owned());
                answerer.evidence.extend(flow);
            }
        }
        let names = answerer.names();
        let names_min = least(transaction.protocol, names_min);
        // Once for the proxy's name, once for many.
        let grade = if names >= names_min { names_min } else { u64::from(answerer.proxy) };
        if grade <= answerer.told {
            return None;
        }
        answerer.told = grade;
        Some(answerer)
    }

    pub(super) fn memory(&self) -> usize {
        let of = |answerer: &Answerer| {
            let examples: usize = answerer.examples.iter().map(String::capacity).sum();
            let places = answerer.examples.capacity() * size_of::<String>();
            answerer.names.memory()
                + answerer.registered.memory()
                + examples
                + places
                + answerer.evidence.capacity() * 8
        };
        self.seen.memory() + self.seen.iter().map(|(_, answerer)| of(answerer)).sum::<usize>()
    }
}

/// Takes out of an answer the names that it says are the sender's.
struct Said {
    sender: IpAddr,
    /// Nobody answers for others (RFC 4795, section 2.3), whatever address the answer gives; a server of
    /// NetBIOS does.
    own_alone: bool,
    is_answer: bool,
    registers: bool,
    inside: bool,
    /// What is answered for is no name of a machine: a group, or a service of NetBIOS.
    shared: bool,
    name: Vec<u8>,
    /// The first label of each, in small letters.
    own: Vec<Vec<u8>>,
}

impl Said {
    const fn of(sender: IpAddr, own_alone: bool) -> Self {
        Self {
            sender,
            own_alone,
            is_answer: false,
            registers: false,
            inside: false,
            shared: false,
            name: Vec::new(),
            own: Vec::new(),
        }
    }
}

impl Tree for Said {
    fn wants(&self, key: &str) -> bool {
        matches!(
            key,
            "type" | "opcode" | "rcode" | "answers" | "rrname" | "suffix" | "group" | "rdata"
        )
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        match key {
            "type" if !self.inside => self.is_answer = value == b"response",
            "opcode" if !self.inside => {
                self.registers = !self.is_answer && matches!(value, b"registration" | b"refresh");
            }
            "rrname" if self.inside => {
                let label = value.split(|byte| *byte == b'.').next().unwrap_or_default();
                let label = label.get(..NAME_BYTES_MAX).unwrap_or(label);
                self.name = label.to_ascii_lowercase();
            }
            // A workstation and a server; others are of domains and browsers (RFC 1001, section 14).
            "suffix" if self.inside => self.shared |= !matches!(value, b"00" | b"20"),
            "rdata" if self.inside && !self.shared => {
                let text = std::str::from_utf8(value).ok();
                let address: Option<IpAddr> = text.and_then(|text| text.parse().ok());
                if (self.own_alone && address.is_some() || address == Some(self.sender))
                    && self.own.len() < EXAMPLES_MAX
                {
                    self.own.push(std::mem::take(&mut self.name));
                }
            }
            _ => {}
        }
    }

    fn int(&mut self, key: &str, value: u64) {
        // That there is no such name claims nothing.
        self.is_answer &= key != "rcode" || value == 0;
    }

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, key: &str, value: bool) {
        self.shared |= key == "group" && value;
    }

    fn object(&mut self, _: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.shared = false;
        fill(self);
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        if key == "answers" {
            self.inside = true;
            fill(self);
            self.inside = false;
        }
    }
}
