//! Protocols of IP that a host is tried with, one after the other (`nmap -sO`).
//!
//! Two hosts speak two or three besides TCP, UDP and ICMP: tunnels, routing. Who tries many wants to know
//! which the other one knows.

use std::net::IpAddr;

use super::words::About;
use super::{KIND, level};
use crate::anomaly::stats::Recent;
use crate::anomaly::words::{count, from_home, host, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::net::{ip_protocol, is_group};
use crate::time::Timestamp;

/// Pairs remembered.
const PAIRS_MAX: usize = 512;

/// What a host was tried with by another.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Tried {
    /// A bit for each protocol.
    protocols: [u64; 4],
    first: Timestamp,
    last: Timestamp,
    told: bool,
    evidence: Option<u64>,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Protocols {
    pairs: Recent<(IpAddr, IpAddr), Tried>,
}

impl Protocols {
    pub(super) const fn new() -> Self {
        Self { pairs: Recent::new(PAIRS_MAX) }
    }

    /// Takes a packet or contact of the source and target of a context.
    pub(super) fn add(&mut self, about: &About<'_>) -> Option<Found> {
        let (context, least) = (about.context, about.limits.protocols_min);
        if matches!(
            context.protocol,
            ip_protocol::TCP | ip_protocol::UDP | ip_protocol::ICMP | ip_protocol::ICMPV6
        ) {
            return None;
        }
        let key = (context.source?.addr, context.destination?.addr);
        if is_group(key.1) {
            return None;
        }
        let tried = self.pairs.touch(&key);
        if about.at.since(tried.last) > about.limits.memory {
            *tried = Tried { first: about.at, ..Tried::default() };
        }
        tried.last = about.at;
        tried.evidence = tried.evidence.or(context.flow_id);
        let [word, bit] = [context.protocol / 64, context.protocol % 64];
        if let Some(word) = tried.protocols.get_mut(usize::from(word)) {
            *word |= 1 << bit;
        }
        if tried.told || tried.count() < least {
            return None;
        }
        tried.told = true;
        Some(found(tried, about, least))
    }

    pub(super) fn memory(&self) -> usize {
        self.pairs.memory()
    }
}

impl Tried {
    fn count(&self) -> u64 {
        self.protocols.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

fn found(tried: &Tried, about: &About<'_>, least: u64) -> Found {
    let context = about.context;
    let [source, target] = [context.source, context.destination].map(|end| host(end, about.known));
    let from_home = from_home(context, about.site);
    let took = about.at.since(tried.first);
    let (many, lasted) = (
        count(
            tried.count(),
            ["protocollo IP diverso", "protocolli IP diversi"],
            ["IP protocol", "different IP protocols"],
        ),
        span(took),
    );
    Judgement {
        kind: &KIND,
        sid: 5,
        title: format!("IP protocol scan of {target} by {source}"),
        context: *context,
        level: level(tried.count(), about.limits.targets_high, from_home),
        score: tried.count() as f64,
        threshold: least as f64,
        confidence: 0.9,
        numbers: vec![
            ("protocols", Node::Int(tried.count())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("protocols_max", Node::Int(least.saturating_sub(1)))],
        evidence: tried.evidence.into_iter().collect(),
        technique: if from_home { "T1046" } else { "T1595.001" },
        acn: super::words::ACN,
        took,
        seen: Said::new(
            format!("{source} ha provato {} con {target} in {}.", many.it, lasted.it),
            format!("{source} tried {} with {target} in {}.", many.en, lasted.en),
        ),
        normal: Said::new(
            "Di norma due macchine ne usano due o tre oltre a TCP, UDP e ICMP.",
            "Normally two hosts use two or three besides TCP, UDP and ICMP.",
        ),
        why: Said::new("nessun programma ne usa tanti", "no program uses so many"),
        meaning: Said::new(
            "Qualcuno cerca quali protocolli la macchina conosce, di solito per preparare un attacco; può \
             essere anche un controllo autorizzato.",
            "Somebody looks which protocols the machine knows, as a rule to prepare an attack; it may also \
             be an authorised check.",
        ),
        advice: Said::new(
            format!("se il controllo non è autorizzato, bloccare {source} e verificare che cosa ha fatto dopo."),
            format!("if the check is not authorised, block {source} and see what it did afterwards."),
        ),
    }
    .found()
}
