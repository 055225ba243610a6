//! What is said of a hit.

use super::super::words::{count, host, percent, printable};
use super::super::{Found, Judgement, Known, Said};
use super::wire::Way;
use super::{KIND, Seen};
use crate::field::Node;
use crate::record::{Level, Record};
use crate::time::Duration;

/// From so sure an author on, percent, a machine of ours that turns to it is a matter for now.
const SURE: u8 = 75;
/// Below so sure, percent, nothing is taken in at all.
const FLOOR: u8 = 50;

pub(super) fn found(record: &Record, seen: &Seen<'_>, known: &Known) -> Found {
    let context = record.context;
    let indicator = seen.indicator;
    let (sid, technique) = match seen.way {
        Way::Outbound => (1, "T1071"),
        Way::Inbound => (2, "T1595"),
        Way::Asked => (3, "T1071"),
        Way::Spoken => (4, "T1071"),
    };
    let level = match seen.way {
        // Anybody may knock at a door that is open to all.
        Way::Inbound => Level::Low,
        _ if indicator.confidence >= SURE => Level::High,
        _ => Level::Medium,
    };
    let confidence = f64::from(indicator.confidence) / 100.0;
    let sought = printable(&seen.sought);
    let from = printable(&indicator.source);
    let text = |text: &str| Node::Text(printable(text).into_bytes());
    let mut numbers = vec![
        ("indicator", text(&indicator.id)),
        ("kind", text(seen.kind)),
        ("value", text(&seen.sought)),
        ("observed", text(&seen.observed.text())),
        ("from", text(&indicator.source)),
        ("indicator_confidence", Node::Int(indicator.confidence.into())),
        ("valid_until", text(&day(indicator.valid[1].to_string()))),
        ("conversations", Node::Int(seen.conversations)),
    ];
    for (key, value) in [("author", &*indicator.author), ("called", indicator.name.as_str())] {
        if !value.is_empty() {
            numbers.push((key, text(value)));
        }
    }
    let sure = percent(confidence);
    Judgement {
        kind: &KIND,
        sid,
        title: format!("{} {sought}, reported by {from}", subject(seen.kind)),
        context,
        level,
        score: f64::from(indicator.confidence),
        threshold: f64::from(FLOOR),
        confidence,
        numbers,
        baseline: vec![("confidence_least", Node::Int(FLOOR.into()))],
        evidence: context.flow_id.into_iter().collect(),
        technique,
        acn: &[],
        took: Duration::default(),
        seen: sentence(record, seen, known),
        normal: Said::new(
            "Di norma nessuna macchina dell'ente ha a che fare con ciò che altri segnalano.",
            "Normally no machine of the office has to do with what others report.",
        ),
        why: Said::new(
            format!("chi lo segnala se ne dice sicuro al {}", sure.it),
            format!("whoever reports it is {} sure", sure.en),
        ),
        meaning: meaning(seen.way),
        advice: advice(record, seen, known),
    }
    .found()
}

fn day(time: String) -> String {
    time.get(..10).unwrap_or_default().to_owned()
}

fn subject(kind: &str) -> &'static str {
    match kind {
        "address" => "Address",
        "network" => "Network",
        "domain" => "Name",
        "certificate" => "Certificate",
        _ => "Fingerprint",
    }
}

/// What was seen, and whose word it is.
fn sentence(record: &Record, seen: &Seen<'_>, known: &Known) -> Said {
    let indicator = seen.indicator;
    let (client, server) =
        (host(record.context.source, known), host(record.context.destination, known));
    let what = printable(&seen.observed.text());
    let (it, en) = match seen.way {
        Way::Outbound => (
            format!("{client} si è collegato a {server}"),
            format!("{client} connected to {server}"),
        ),
        Way::Inbound => {
            (format!("{client} si è rivolto a {server}"), format!("{client} turned to {server}"))
        }
        Way::Asked => (
            format!("{client} ha chiesto al DNS di {what}"),
            format!("{client} asked the DNS about {what}"),
        ),
        Way::Spoken if seen.kind == "certificate" => (
            format!("{server} ha mostrato a {client} il certificato {what}"),
            format!("{server} showed {client} the certificate {what}"),
        ),
        Way::Spoken if matches!(seen.kind, "ja3" | "ja4") => (
            format!(
                "{client} ha parlato con {server} come fa un certo programma (impronta {what})"
            ),
            format!("{client} spoke with {server} as a certain program does (fingerprint {what})"),
        ),
        Way::Spoken => (
            format!("{client} ha parlato con {what} ({server})"),
            format!("{client} spoke with {what} ({server})"),
        ),
    };
    let sought = printable(&seen.sought);
    let whose = printable(&indicator.source);
    let (mut by_it, mut by_en) = (whose.clone(), whose);
    if !indicator.author.is_empty() {
        let author = printable(&indicator.author);
        by_it.push_str(&format!(" (autore: {author})"));
        by_en.push_str(&format!(" (author: {author})"));
    }
    if !indicator.name.is_empty() {
        let name = printable(&indicator.name);
        by_it.push_str(&format!(" come \u{ab}{name}\u{bb}"));
        by_en.push_str(&format!(" as \"{name}\""));
    }
    let mut said = Said::new(
        format!("{it}: {sought} è segnalato da {by_it}."),
        format!("{en}: {sought} is reported by {by_en}."),
    );
    if seen.conversations > 1 {
        let times = count(
            seen.conversations,
            ["conversazione", "conversazioni"],
            ["conversation", "conversations"],
        );
        said.it.push_str(&format!(" Sono {} dall'ultimo avviso.", times.it));
        said.en.push_str(&format!(" These are {} since it was last told.", times.en));
    }
    said
}

fn meaning(way: Way) -> Said {
    match way {
        Way::Inbound => Said::new(
            "Di solito è qualcuno che cerca porte aperte in tutta la rete; conta soltanto se qualcosa gli ha risposto.",
            "It usually is somebody who looks for open doors all over the net; it matters only if something answered.",
        ),
        _ => Said::new(
            "Se la segnalazione è giusta, sulla macchina c'è un programma che prende ordini da fuori, o qualcuno ha aperto una pagina pericolosa; se è sbagliata, è un servizio comune finito per errore in un elenco.",
            "If the report is right there is a program on the machine that takes orders from outside, or somebody opened a dangerous page; if it is wrong it is a common service that got on a list by mistake.",
        ),
    }
}

fn advice(record: &Record, seen: &Seen<'_>, known: &Known) -> Said {
    let (client, server) =
        (host(record.context.source, known), host(record.context.destination, known));
    match seen.way {
        Way::Inbound => Said::new(
            format!(
                "guardare se {server} deve essere raggiungibile da fuori e se nei suoi registri c'è un accesso riuscito."
            ),
            format!(
                "see whether {server} has to be reachable from outside, and whether its logs have an access that succeeded."
            ),
        ),
        _ => Said::new(
            format!(
                "scoprire quale programma di {client} lo ha fatto; se nessuno lo sa, staccare la macchina dalla rete e farla controllare. Se è un servizio che si usa davvero, metterlo in indicators.allow di sharing-policy.toml."
            ),
            format!(
                "find out which program of {client} did it; if nobody knows, take the machine off the network and have it examined. If it is a service that is really used, put it into indicators.allow of sharing-policy.toml."
            ),
        ),
    }
}
