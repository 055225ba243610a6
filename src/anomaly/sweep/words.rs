//! What a sweep's finding says, in numbers and in words.

use super::KIND;
use super::row::Verdict;
use crate::anomaly::words::{count, from_home, host, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::record::{Context, Level};

/// How it was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Arp,
    /// By ARP, by a gateway.
    Gateway,
    Ping,
    Names,
    /// By datagrams to a port.
    Udp(u16),
}

/// The finding.
pub(super) fn found(
    shape: Shape,
    context: &Context,
    [a, b, c]: [u8; 3],
    verdict: &Verdict,
    site: &Site,
    known: &Known,
) -> Found {
    let source = host(context.source, known);
    let network = format!("{a}.{b}.{c}.0/24");
    let home = from_home(context, site) || matches!(shape, Shape::Arp | Shape::Gateway);
    let gateway = shape == Shape::Gateway;
    let (sid, way) = match shape {
        Shape::Arp => (1, "ARP".to_owned()),
        Shape::Gateway => (2, "ARP".to_owned()),
        Shape::Ping => (3, "ping".to_owned()),
        Shape::Names => (4, "reverse DNS".to_owned()),
        Shape::Udp(port) => (5, format!("UDP port {port}")),
    };
    let technique = match (shape, home) {
        (Shape::Names, false) => "T1590.002",
        (_, true) => "T1018",
        _ => "T1595.001",
    };
    let title = if gateway {
        format!("Gateway {source} looks for many absent hosts of {network}")
    } else {
        format!("Sweep of {network} by {source} ({way})")
    };
    Judgement {
        kind: &KIND,
        sid,
        title,
        context: *context,
        level: if gateway { Level::Low } else { Level::Medium },
        score: verdict.absent as f64,
        threshold: verdict.limit as f64,
        confidence: confidence(verdict, gateway),
        numbers: vec![
            ("addresses_asked", Node::Int(verdict.asked)),
            ("addresses_absent", Node::Int(verdict.absent)),
            ("seconds", Node::Float(verdict.took.as_secs_f64())),
            ("network", Node::Text(network.clone().into_bytes())),
        ],
        baseline: vec![("addresses_absent_max", Node::Int(verdict.limit.saturating_sub(1)))],
        evidence: context.flow_id.into_iter().collect(),
        technique,
        acn: &["acn:active-scanning=\"network-scanning\""],
        took: verdict.took,
        seen: seen(shape, &source, &network, verdict),
        normal: Said::new(
            "Di norma una macchina cerca solo quelle che le servono, e le trova.",
            "Normally a host looks only for those it needs, and finds them.",
        ),
        why: Said::new(
            format!("{} indirizzi su {} senza risposta", verdict.absent, verdict.asked),
            format!("{} of {} addresses gave no answer", verdict.absent, verdict.asked),
        ),
        meaning: meaning(gateway, home),
        advice: advice(gateway, home, &source),
    }
    .found()
    .among([1, verdict.asked])
}

fn seen(shape: Shape, source: &str, network: &str, verdict: &Verdict) -> Said {
    let many = count(verdict.asked, ["indirizzo", "indirizzi"], ["address", "different addresses"]);
    let (took, absent) = (span(verdict.took), verdict.absent);
    let (it, en) = match shape {
        Shape::Arp | Shape::Gateway => (
            "ha chiesto in rete (ARP) chi ha".to_owned(),
            "asked on the wire (ARP) who has".to_owned(),
        ),
        Shape::Ping => ("ha fatto ping a".to_owned(), "pinged".to_owned()),
        Shape::Names => (
            "ha chiesto al server dei nomi, uno dopo l'altro, come si chiamano".to_owned(),
            "asked the name server, one after the other, for the names of".to_owned(),
        ),
        Shape::Udp(port) => (
            format!("ha mandato pacchetti alla porta UDP {port} di"),
            format!("sent packets to UDP port {port} of"),
        ),
    };
    let tail = match shape {
        Shape::Names => Said::new(".", "."),
        _ => Said::new(
            format!("; di {absent} non si è avuta risposta."),
            format!("; {absent} gave no answer."),
        ),
    };
    Said::new(
        format!("{source} {it} {} della rete {network} in {}{}", many.it, took.it, tail.it),
        format!("{source} {en} {} of the network {network} in {}{}", many.en, took.en, tail.en),
    )
}

fn meaning(gateway: bool, home: bool) -> Said {
    if gateway {
        return Said::new(
            "È il router della rete: cerca macchine per conto di chi gli manda pacchetti. Qualcuno \
             dall'altra parte, per esempio su Internet, sta forse provando tutti gli indirizzi.",
            "It is the network's router: it looks for hosts on behalf of whoever sends it packets. \
             Someone behind it, on the Internet for instance, may be trying all addresses.",
        );
    }
    if home {
        Said::new(
            "Chi è già dentro la rete cerca così le altre macchine da attaccare; può anche essere \
             uno strumento di inventario.",
            "This is how someone who is already in the network looks for other machines to attack; \
             it may also be an inventory tool.",
        )
    } else {
        Said::new(
            "Così dall'esterno si cerca quali macchine esistono: di solito è il primo passo.",
            "This is how someone outside finds out which hosts exist: usually the first step.",
        )
    }
}

fn advice(gateway: bool, home: bool, source: &str) -> Said {
    if gateway {
        return Said::new(
            "nulla di urgente; guardare se il router inoltra verso l'interno traffico che il \
             firewall dovrebbe fermare.",
            "nothing urgent; see whether the router forwards traffic inside that the firewall \
             should stop.",
        );
    }
    if home {
        Said::new(
            format!(
                "chiedere chi usa {source} e se ha avviato uno strumento di inventario; se nessuno \
                 lo ha fatto, scollegarla dalla rete e avvisare il referente per la sicurezza."
            ),
            format!(
                "ask who uses {source} and whether an inventory tool was started; if nobody did, \
                 disconnect it from the network and tell the security contact."
            ),
        )
    } else {
        Said::new(
            format!("bloccare {source} sul firewall se non è un fornitore autorizzato."),
            format!("block {source} on the firewall unless it is an authorised supplier."),
        )
    }
}

/// Surer the more there are beyond the limit; of a gateway it is only a guess who asks.
fn confidence(verdict: &Verdict, gateway: bool) -> f64 {
    let share = verdict.absent as f64 / (verdict.asked + 1) as f64;
    if gateway { share * 0.5 } else { share }
}
