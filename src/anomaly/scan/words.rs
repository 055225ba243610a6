//! What a scan's finding says, in numbers and in words.

use super::group::{Group, Victim};
use super::{DECISION_RATIO, Found, KIND, SHARED_PORTS_MIN, SOURCES_MIN, TARGETS_MIN, level};
use crate::field::Node;
use crate::net::{AddressSet, ip_protocol_name};
use crate::record::{Context, Finding};
use crate::time::{Duration, Timestamp};

/// The shapes of a scan by one source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Many ports of one host.
    Vertical,
    /// Many hosts.
    Horizontal,
}

/// The finding of a scan by one source.
pub(super) fn found(
    shape: Shape,
    context: &Context,
    group: &Group,
    at: Timestamp,
    home: &AddressSet,
) -> Found {
    let words = Words::new(context, home);
    let (failed, tried) = (group.failed, group.tried);
    let took = group.first.map_or(Duration::default(), |first| at.since(first));
    let (title, seen_it, seen_en) = seen(shape, &words, group, took);
    let confidence = confidence(failed, tried);
    let normal_it = "Di norma quasi tutti i primi contatti di una macchina riescono.";
    let normal_en = "Normally almost all first contacts of a host succeed.";
    let percent = (confidence * 100.0).round();
    let (may_it, may_en) = words.meaning();
    let (do_it, do_en) = words.advice();
    let finding = Finding {
        detector: KIND.name,
        gid: KIND.gid,
        sid: if shape == Shape::Vertical { 1 } else { 2 },
        title,
        level: level(failed, words.from_home),
        score: group.ratio(),
        threshold: DECISION_RATIO,
        confidence,
        numbers: vec![
            ("targets_tried", Node::Int(tried)),
            ("targets_failed", Node::Int(failed)),
            ("seconds", Node::Float(took.as_secs_f64())),
            ("ports", Node::List(group.ports.iter().map(|p| Node::Int((*p).into())).collect())),
        ],
        baseline: vec![
            ("targets_failed_max", Node::Int(TARGETS_MIN - 1)),
            ("success_share", Node::Float(0.8)),
        ],
        evidence: group.evidence.clone(),
        technique: words.technique(),
        explain_it: format!(
            "{seen_it} {normal_it} Sicurezza del giudizio: {percent} %. {may_it} {do_it}"
        ),
        explain_en: format!("{seen_en} {normal_en} Confidence: {percent} %. {may_en} {do_en}"),
        took,
    };
    Found { context: *context, finding }
}

/// Title, and what was seen in Italian and English.
fn seen(shape: Shape, words: &Words, group: &Group, took: Duration) -> (String, String, String) {
    let (failed, tried, ports) = (group.failed, group.tried, ports(group));
    let (span_it, span_en) = (span_it(took), span_en(took));
    let Words { source, target, carrier, .. } = words;
    match shape {
        Shape::Vertical => (
            format!("Vertical {carrier} scan of {target} by {source}"),
            format!(
                "{source} ha provato {tried} porte diverse di {target} in {span_it}; {failed} \
                 tentativi sono rimasti senza risposta o sono stati rifiutati (prime porte: \
                 {ports})."
            ),
            format!(
                "{source} tried {tried} different ports of {target} in {span_en}; {failed} \
                 attempts were refused or got no answer (first ports: {ports})."
            ),
        ),
        Shape::Horizontal => (
            format!("Horizontal {carrier} scan by {source}"),
            format!(
                "{source} ha cercato {tried} macchine diverse in {span_it}; {failed} tentativi \
                 sono rimasti senza risposta o sono stati rifiutati (prime porte: {ports})."
            ),
            format!(
                "{source} tried to reach {tried} different hosts in {span_en}; {failed} attempts \
                 were refused or got no answer (first ports: {ports})."
            ),
        ),
    }
}

/// The finding of a scan shared out among many sources.
pub(super) fn found_shared(
    context: &Context,
    victim: &Victim,
    at: Timestamp,
    home: &AddressSet,
) -> Found {
    let words = Words::new(context, home);
    let (sources, ports) = (victim.sources(), victim.ports());
    let (failed, tried) = (victim.failed, victim.tried);
    let took = victim.first.map_or(Duration::default(), |first| at.since(first));
    let (span_it, span_en) = (span_it(took), span_en(took));
    let Words { target, carrier, .. } = &words;
    let confidence = confidence(failed, tried);
    let percent = (confidence * 100.0).round();
    let finding = Finding {
        detector: KIND.name,
        gid: KIND.gid,
        sid: 3,
        title: format!("Distributed {carrier} scan of {target}"),
        level: level(ports, false),
        score: ports as f64,
        threshold: SHARED_PORTS_MIN as f64,
        confidence,
        numbers: vec![
            ("sources", Node::Int(sources)),
            ("ports", Node::Int(ports)),
            ("contacts_failed", Node::Int(failed)),
            ("contacts_tried", Node::Int(tried)),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("sources_max", Node::Int(SOURCES_MIN - 1)),
            ("ports_max", Node::Int(SHARED_PORTS_MIN - 1)),
        ],
        evidence: victim.evidence.clone(),
        technique: words.technique(),
        explain_it: format!(
            "{sources} indirizzi diversi hanno provato insieme {ports} porte di {target} in \
             {span_it}; {failed} tentativi su {tried} sono falliti. Ciascuno ne prova poche, per \
             non farsi notare. Sicurezza del giudizio: {percent} %. Qualcuno cerca punti \
             d'ingresso da molte macchine. Che cosa fare ora: verificare sul firewall che \
             {target} esponga solo i servizi necessari e che siano aggiornati."
        ),
        explain_en: format!(
            "{sources} different addresses together tried {ports} ports of {target} in \
             {span_en}; {failed} of {tried} attempts failed. Each tries few, so as not to be \
             noticed. Confidence: {percent} %. Someone looks for ways in from many machines. \
             What to do now: check on the firewall that {target} exposes only the services it \
             must, and that they are up to date."
        ),
        took,
    };
    Found { context: *context, finding }
}

/// The parts of a sentence that depend on who and whom.
struct Words {
    source: String,
    target: String,
    carrier: String,
    from_home: bool,
}

impl Words {
    fn new(context: &Context, home: &AddressSet) -> Self {
        let name = |end: Option<crate::net::Endpoint>| {
            end.map_or_else(|| "?".to_owned(), |end| end.addr.to_string())
        };
        let number = context.protocol;
        Self {
            source: name(context.source),
            target: name(context.destination),
            carrier: ip_protocol_name(number).map_or_else(|| number.to_string(), str::to_owned),
            from_home: context.source.is_some_and(|end| home.contains(end.addr)),
        }
    }

    /// From inside it is discovery by someone who is in, from outside it is reconnaissance.
    fn technique(&self) -> &'static str {
        if self.from_home { "T1046" } else { "T1595.001" }
    }

    fn meaning(&self) -> (&'static str, &'static str) {
        if self.from_home {
            (
                "È una macchina della rete interna: può essere infetta, oppure essere uno \
                 strumento di inventario.",
                "It is a machine of the internal network: it may be infected, or be an inventory \
                 tool.",
            )
        } else {
            (
                "Così si cercano servizi da attaccare: di solito è il primo passo.",
                "This is how services to attack are looked for: usually the first step.",
            )
        }
    }

    fn advice(&self) -> (String, String) {
        let source = &self.source;
        if self.from_home {
            (
                format!(
                    "Che cosa fare ora: chiedere chi usa {source}; se nessuno ha avviato una \
                     scansione, scollegarla dalla rete e avvisare il referente per la sicurezza."
                ),
                format!(
                    "What to do now: ask who uses {source}; if nobody started a scan, disconnect \
                     it from the network and tell the security contact."
                ),
            )
        } else {
            (
                format!(
                    "Che cosa fare ora: se {source} non è un fornitore autorizzato, bloccarlo sul \
                     firewall e verificare che le porte che hanno risposto siano necessarie."
                ),
                format!(
                    "What to do now: if {source} is not an authorised supplier, block it on the \
                     firewall and check that the ports which answered are needed."
                ),
            )
        }
    }
}

/// Share of failures, drawn towards one half while there are few contacts (Laplace's rule of
/// succession).
fn confidence(failed: u64, tried: u64) -> f64 {
    (failed as f64 + 1.0) / (tried as f64 + 2.0)
}

fn ports(group: &Group) -> String {
    let ports: Vec<String> = group.ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}

fn span_it(took: Duration) -> String {
    let (count, one, many) = unit(took, ["secondo", "minuto", "ora"], ["secondi", "minuti", "ore"]);
    format!("{count} {}", if count == 1 { one } else { many })
}

fn span_en(took: Duration) -> String {
    let (count, one, many) =
        unit(took, ["second", "minute", "hour"], ["seconds", "minutes", "hours"]);
    format!("{count} {}", if count == 1 { one } else { many })
}

fn unit(
    took: Duration,
    [second, minute, hour]: [&'static str; 3],
    [seconds, minutes, hours]: [&'static str; 3],
) -> (u64, &'static str, &'static str) {
    match took.as_secs() {
        // Less than a second is still told as one: "0 seconds" reads like a mistake.
        0 => (1, second, seconds),
        s @ 1..120 => (s, second, seconds),
        s @ 120..7200 => (s / 60, minute, minutes),
        s => (s / 3600, hour, hours),
    }
}
