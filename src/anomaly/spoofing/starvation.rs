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
/// With so many times as many machines that take nothing it does not matter of how many makers they are.
const CROWD: u64 = 4;
/// Hardware addresses kept as examples.
const EXAMPLES_MAX: usize = 4;
/// A server of DHCPv6 is there when it was heard within this time.
const SERVED: Duration = Duration::from_secs(86_400);
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
    /// Of them those that took what they were offered: machines that came back after a power cut do.
    finished: Distinct,
    makers: Distinct,
    examples: Vec<String>,
    told: Option<Timestamp>,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Clients {
    /// By segment, and whether they ask for addresses of IPv6.
    segments: Recent<(Vlan, bool), Asking>,
    /// When a server of DHCPv6 was heard last: where there is none, machines ask for ever.
    served: Recent<Vlan, Timestamp>,
}

impl Clients {
    pub(super) const fn new() -> Self {
        Self { segments: Recent::new(SEGMENTS_MAX), served: Recent::new(SEGMENTS_MAX) }
    }

    /// A server of DHCPv6 was heard.
    pub(super) fn serves(&mut self, vlan: Vlan, at: Timestamp) {
        *self.served.touch(&vlan) = at;
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
            let served = self.served.peek(&context.vlan);
            let served = served.is_some_and(|last| at.since(*last) <= SERVED);
            if !served || !asks.read_card() {
                return None;
            }
        }
        let key = (context.vlan, asks.v6);
        if asks.requests
            && let Some(asking) = self.segments.get(&key)
            && asking.clients.contains(mix_bytes(&asks.client))
        {
            asking.finished.insert(mix_bytes(&asks.client));
        }
        if !asks.discovers || asks.is_made_up() {
            return None;
        }
        let asking = self.segments.touch(&key);
        if at.since(asking.since) > SPAN {
            *asking = Asking { since: at, told: asking.told, ..Asking::default() };
        }
        if asking.clients.insert(mix_bytes(&asks.client)) && asking.examples.len() < EXAMPLES_MAX {
            asking.examples.push(String::from_utf8_lossy(&asks.client).into_owned());
        }
        let maker = asks.client.get(..MAKER_BYTES * 3).unwrap_or(&asks.client);
        asking.makers.insert(mix_bytes(maker));
        let (clients, makers) = (asking.clients.count(), asking.makers.count());
        let scattered = makers.saturating_mul(3) >= clients.saturating_mul(2);
        let open = clients.saturating_sub(asking.finished.count());
        let scattered = scattered || open >= clients_min.saturating_mul(CROWD);
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
            let sketches = [&asking.clients, &asking.makers, &asking.finished];
            sketches.into_iter().map(Distinct::memory).sum::<usize>() + examples
        };
        self.served.memory()
            + self.segments.memory()
            + self.segments.iter().map(|(_, asking)| of(asking)).sum::<usize>()
    }
}

fn found(context: &Context, asking: &Asking, least: u64, took: Duration) -> Found {
    let (clients, makers) = (asking.clients.count(), asking.makers.count());
    let examples = asking.examples.join(", ");
    let (lasted, of) =
        (span(took), count(clients, ["macchina", "macchine"], ["machine", "machines"]));
    let by = count(makers, ["produttore", "produttori"], ["maker", "makers"]);
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
                "{} hanno cercato un indirizzo (DHCP) in {}, con schede di {} ({examples} e altre).",
                of.it, lasted.it, by.it
            ),
            format!(
                "{} looked for an address (DHCP) in {}, with network cards of {} ({examples} and others).",
                of.en, lasted.en, by.en
            ),
        ),
        normal: Said::new(
            "Di norma le macchine nuove arrivano poche alla volta, e dopo un'interruzione di corrente \
             tornano quelle note, di pochi produttori.",
            "Normally new machines come a few at a time, and after a power cut the known ones come back, \
             of a few makers.",
        ),
        why: Said::new(
            "tante macchine non si accendono insieme, o prendono poi l'indirizzo: gli indirizzi hardware \
             sembrano inventati",
            "so many machines are not switched on together, or then take their address: the hardware \
             addresses seem to be made up",
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
    /// It takes what it was offered.
    requests: bool,
}

impl Asks {
    /// Of version 6 a client names itself (RFC 8415, 11): mostly by a hardware address, at the end; else
    /// by anything that stays, which says nothing of how many machines there are.
    fn read_card(&mut self) -> bool {
        // 1 and 3: a link-layer address, with and without the time.
        let by_card = self.client.starts_with(b"00:01:") || self.client.starts_with(b"00:03:");
        let card = self.client.last_chunk::<HARDWARE_TEXT>().filter(|_| by_card).copied();
        self.client = card.map_or_else(Vec::new, Vec::from);
        card.is_some()
    }

    /// Whether the address says of itself that no maker gave it (IEEE 802: the second bit of the first
    /// byte): telephones have such ones on a Wi-Fi, each time others.
    fn is_made_up(&self) -> bool {
        matches!(self.client.get(1), Some(b'2' | b'3' | b'6' | b'7' | b'a' | b'b' | b'e' | b'f'))
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
            "dhcp_type" | "type" => {
                self.discovers = matches!(value, b"discover" | b"solicit");
                self.requests = value == b"request";
            }
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
