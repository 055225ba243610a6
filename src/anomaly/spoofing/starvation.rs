//! Machines that nobody has, which ask for addresses until there are none left (DHCP).

use super::KIND;
use crate::anomaly::known::Vlan;
use crate::anomaly::stats::distinct::mix_bytes;
use crate::anomaly::stats::{Distinct, Recent};
use crate::anomaly::words::{count, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::{Node, Tree};
use crate::record::{Context, Level, TransactionRecord};
use crate::time::{Duration, Timestamp};

/// Segments remembered.
const SEGMENTS_MAX: usize = 64;
/// Requests within this time count together: what lasts longer is a day's coming and going.
const SPAN: Duration = Duration::from_secs(300);
/// With so many times as many machines it does not matter of how many makers they are.
const CROWD: u64 = 4;
/// Hardware addresses kept as examples.
const EXAMPLES_MAX: usize = 4;
/// After this time the same is told again.
const AGAIN: Duration = Duration::from_secs(3600);
/// Letters of a hardware address in text.
const HARDWARE_TEXT: usize = "00:00:00:00:00:00".len();
/// Bytes of a hardware address that name its maker.
const MAKER_BYTES: usize = 3;

/// Who asks on a segment.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Asking {
    since: Timestamp,
    clients: Distinct,
    makers: Distinct,
    examples: Vec<String>,
    told: Option<Timestamp>,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Clients {
    segments: Recent<Vlan, Asking>,
}

impl Clients {
    pub(super) const fn new() -> Self {
        Self { segments: Recent::new(SEGMENTS_MAX) }
    }

    /// Takes a message of a client; the finding when so many looked for an address within five minutes, of
    /// nearly as many makers: machines that come back after a power cut are of a few.
    pub(super) fn add(
        &mut self,
        context: &Context,
        transaction: &TransactionRecord,
        at: Timestamp,
        clients_min: u64,
    ) -> Option<Found> {
        let mut asks = Asks { v6: transaction.protocol == "dhcpv6", ..Asks::default() };
        transaction.transaction.describe(&mut asks);
        if asks.v6 {
            asks.read_identity(context);
        }
        if !asks.discovers || asks.is_made_up() {
            return None;
        }
        let asking = self.segments.touch(&context.vlan);
        if at.since(asking.since) > SPAN {
            *asking = Asking { since: at, told: asking.told, ..Asking::default() };
        }
        if asking.clients.insert(mix_bytes(&asks.client)) && asking.examples.len() < EXAMPLES_MAX {
            asking.examples.push(String::from_utf8_lossy(&asks.client).into_owned());
        }
        asking.makers.insert(mix_bytes(asks.maker()));
        let (clients, makers) = (asking.clients.count(), asking.makers.count());
        let scattered = makers.saturating_mul(3) >= clients.saturating_mul(2);
        let scattered = scattered || clients >= clients_min.saturating_mul(CROWD);
        let told = asking.told.is_some_and(|told| at.since(told) < AGAIN);
        if clients < clients_min || !scattered || told {
            return None;
        }
        asking.told = Some(at);
        Some(found(context, asking, clients_min, at.since(asking.since)))
    }

    pub(super) fn memory(&self) -> usize {
        let of = |asking: &Asking| {
            let examples: usize = asking.examples.iter().map(String::capacity).sum();
            asking.clients.memory() + asking.makers.memory() + examples
        };
        self.segments.memory() + self.segments.iter().map(|(_, asking)| of(asking)).sum::<usize>()
    }
}

fn found(context: &Context, asking: &Asking, least: u64, took: Duration) -> Found {
    let (clients, makers) = (asking.clients.count(), asking.makers.count());
    let examples = asking.examples.join(", ");
    let (lasted, of) =
        (span(took), count(clients, ["macchina", "macchine"], ["machine", "machines"]));
    Judgement {
        kind: &KIND,
        sid: 6,
        title: format!("DHCP starvation: {clients} machines ask for addresses"),
        context: Context { source: context.source, destination: None, ..*context },
        level: Level::Medium,
        score: clients as f64,
        threshold: least as f64,
        confidence: 0.7,
        numbers: vec![
            ("clients", Node::Int(clients)),
            ("makers", Node::Int(makers)),
            ("examples", Node::Text(examples.clone().into_bytes())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("clients_max", Node::Int(least.saturating_sub(1)))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1499",
        acn: &["acn:impact=\"availability\""],
        took,
        seen: Said::new(
            format!(
                "{} hanno cercato un indirizzo (DHCP) in {}, con schede di {makers} produttori ({examples} e altre).",
                of.it, lasted.it
            ),
            format!(
                "{} looked for an address (DHCP) in {}, with network cards of {makers} makers ({examples} and others).",
                of.en, lasted.en
            ),
        ),
        normal: Said::new(
            "Di norma le macchine nuove arrivano poche alla volta, e dopo un'interruzione di corrente \
             tornano quelle note, di pochi produttori.",
            "Normally new machines come a few at a time, and after a power cut the known ones come back, \
             of a few makers.",
        ),
        why: Said::new(
            "tante schede di tanti produttori non si accendono insieme: gli indirizzi hardware sono inventati",
            "so many cards of so many makers are not switched on together: the hardware addresses are made up",
        ),
        meaning: Said::new(
            "Chi consuma tutti gli indirizzi lascia senza rete chi arriva dopo, e spesso offre poi un \
             proprio server DHCP.",
            "Who uses up all addresses leaves those who come later without network, and often offers a DHCP \
             server of their own then.",
        ),
        advice: Said::new(
            "vedere sullo switch da quale porta vengono questi indirizzi e chiuderla; limitare gli indirizzi \
             per porta (port security, DHCP snooping).",
            "see on the switch from which port these addresses come and close it; limit the addresses of a \
             port (port security, DHCP snooping).",
        ),
    }
    .found()
}

/// Takes out of a message who looks for an address.
#[derive(Default)]
struct Asks {
    v6: bool,
    discovers: bool,
    client: Vec<u8>,
    /// The client's name is no hardware address.
    nameless: bool,
}

impl Asks {
    /// Of version 6 a client names itself (RFC 8415, 11): mostly by a hardware address, at the end; else
    /// by anything that stays, of which no maker can be read. Without a name its address is one.
    fn read_identity(&mut self, context: &Context) {
        if self.client.is_empty() {
            let source = context.source.map(|end| end.addr.to_string());
            self.client = source.unwrap_or_default().into_bytes();
        }
        // 1 and 3: a link-layer address, with and without the time.
        let by_card = self.client.starts_with(b"00:01:") || self.client.starts_with(b"00:03:");
        match self.client.last_chunk::<HARDWARE_TEXT>().filter(|_| by_card) {
            Some(card) => self.client = card.to_vec(),
            None => self.nameless = true,
        }
    }

    /// The maker of the card, written in hexadecimal, with colons; nothing where that is not known.
    fn maker(&self) -> &[u8] {
        let maker = self.client.get(..MAKER_BYTES * 3).unwrap_or(&self.client);
        if self.nameless { &[] } else { maker }
    }

    /// Whether the address says of itself that no maker gave it (IEEE 802: the second bit of the first
    /// byte): telephones have such ones on a Wi-Fi, each time others.
    fn is_made_up(&self) -> bool {
        !self.nameless
            && matches!(
                self.client.get(1),
                Some(b'2' | b'3' | b'6' | b'7' | b'a' | b'b' | b'e' | b'f')
            )
    }
}

impl Tree for Asks {
    fn wants(&self, key: &str) -> bool {
        match key {
            "dhcp_type" | "client_mac" => !self.v6,
            "type" | "client_id" => self.v6,
            _ => false,
        }
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        match key {
            "dhcp_type" => self.discovers = value == b"discover",
            "type" => self.discovers = value == b"solicit",
            "client_mac" | "client_id" => self.client = value.to_vec(),
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, _: &str, _: &mut dyn FnMut(&mut dyn Tree)) {}

    fn list(&mut self, _: &str, _: &mut dyn FnMut(&mut dyn Tree)) {}
}
