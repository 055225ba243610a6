//! What a finding of amplified answers says.

use super::{Answers, KIND, Limits, Reflected, Unasked};
use crate::anomaly::crowd::{Crowd, SOURCES_MAX};
use crate::anomaly::reflectors::service;
use crate::anomaly::words::{amount, count, host, number, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::Timestamp;

/// What findings need to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) site: &'a Site,
    pub(super) known: &'a Known,
    pub(super) limits: &'a Limits,
}

const ACN: &[&str] = &["acn:availability=\"ddos\"", "acn:impact=\"availability\""];
const ACN_OURS: &[&str] =
    &["acn:availability=\"ddos\"", "acn:vulnerability=\"unwanted-exposed-services\""];

fn level(level: f64, excess: f64, grave: f64) -> Level {
    if level >= excess * grave { Level::High } else { Level::Medium }
}

/// The surer the more has piled up.
fn confidence(level: f64, excess: f64) -> f64 {
    1.0 - 0.3 * (excess / level.max(excess)).sqrt()
}

/// The finding of a host that gets answers it did not ask for.
pub(super) fn victim(unasked: &Unasked, answers: Answers, about: &About<'_>) -> Found {
    let none = Crowd::default();
    let crowd = unasked.crowd.as_deref().unwrap_or(&none);
    let (tally, excess) = (&unasked.tally, about.limits.excess(answers));
    let (sum, took) = (tally.sum.at(about.at, 0.0), about.at.since(tally.begun));
    let name = match answers {
        Answers::Handshakes => "TCP",
        _ => service(unasked.port()).map_or("UDP", |(name, _)| name),
    };
    let victim = host(about.context.destination, about.known);
    let servers = crowd.sources();
    let (packets, bytes) = (tally.packets, tally.bytes);
    let per_second = packets as f64 / took.as_secs_f64().max(1.0);
    Judgement {
        kind: &KIND,
        sid: if answers == Answers::Handshakes { 2 } else { 1 },
        title: format!("Flood of reflected {name} answers to {victim}"),
        // One server is as good as the other: all are misused.
        context: Context { source: about.context.source.filter(|_| servers < 2), ..*about.context },
        level: level(sum, excess, about.limits.grave),
        score: sum,
        threshold: excess,
        confidence: confidence(sum, excess),
        numbers: vec![
            ("answers", Node::Int(packets)),
            ("bytes", Node::Int(bytes)),
            ("answers_per_second", Node::Float(per_second)),
            ("servers", Node::Int(servers)),
            ("payload", Node::Int(unasked.length())),
            ("services", services(unasked)),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("answers_per_second_max", Node::Float(about.limits.answer_rate))],
        evidence: crowd.evidence(),
        technique: "T1498.002",
        acn: ACN,
        took,
        seen: seen(&victim, name, unasked, servers, about),
        normal: Said::new(
            "Di norma una risposta arriva solo a chi ha fatto una domanda.",
            "Normally an answer comes only to who asked a question.",
        ),
        why: why(sum / excess),
        meaning: Said::new(
            "Qualcuno interroga server di altri fingendosi questa macchina, perché le risposte, \
             molto più grandi delle domande, ne riempiano la linea: è un attacco DDoS per \
             riflessione. I server che rispondono sono usati a loro insaputa.",
            "Somebody asks servers of others in this host's name, so that the answers, much \
             larger than the questions, fill its line: a DDoS attack by reflection. The servers \
             that answer are misused and do not know it.",
        ),
        advice: advice(&victim, name),
    }
    .found()
}

fn services(unasked: &Unasked) -> Node {
    Node::List(unasked.services.iter().map(|(port, _)| Node::Int((*port).into())).collect())
}

fn seen(victim: &str, name: &str, unasked: &Unasked, servers: u64, about: &About<'_>) -> Said {
    let tally = &unasked.tally;
    let answers = count(
        tally.packets,
        ["risposta mai richiesta", "risposte mai richieste"],
        ["answer nobody asked for", "answers nobody asked for"],
    );
    let from = if servers > SOURCES_MAX {
        Said::new(
            format!("più di {SOURCES_MAX} server"),
            format!("more than {SOURCES_MAX} servers"),
        )
    } else {
        count(servers, ["server", "server diversi"], ["server", "different servers"])
    };
    let (span, bytes) = (span(about.at.since(tally.begun)), amount(tally.bytes));
    Said::new(
        format!(
            "{victim} ha ricevuto {} ({name}, {}) da {} in {}.",
            answers.it, bytes.it, from.it, span.it
        ),
        format!(
            "{victim} got {} ({name}, {}) from {} in {}.",
            answers.en, bytes.en, from.en, span.en
        ),
    )
}

fn advice(victim: &str, name: &str) -> Said {
    Said::new(
        format!(
            "verificare se la linea e {victim} funzionano ancora; chiamare il fornitore di \
             connettività e chiedere di filtrare a monte le risposte {name} dirette a {victim}; \
             bloccare i singoli server non serve; annotare l'ora di inizio."
        ),
        format!(
            "check whether the line and {victim} still work; call the Internet provider and ask \
             for filtering upstream of {name} answers to {victim}; blocking the servers one by \
             one does not help; note when it began."
        ),
    )
}

fn why(times: f64) -> Said {
    let times = number(times);
    Said::new(
        format!("rapporto fra eccesso e soglia: {}", times.it),
        format!("excess to threshold: {}", times.en),
    )
}

/// The finding of a server that is misused.
pub(super) fn reflector(pair: &Reflected, sum: f64, about: &About<'_>) -> Found {
    let (limits, tally, took) = (about.limits, &pair.tally, about.at.since(pair.tally.begun));
    let port = about.context.destination.map_or(0, |end| end.port);
    let name = service(port).map_or("UDP", |(name, _)| name);
    let server = host(about.context.destination, about.known);
    let client = host(about.context.source, about.known);
    let [asked, answered] = pair.payload;
    let ratio = answered as f64 / asked.max(1) as f64;
    let (grave, excess) = (limits.grave, limits.reflected_excess);
    let exposed = about.context.destination.is_some_and(|end| about.site.is_home(end.addr));
    let (got, sent, times, span) = (amount(asked), amount(answered), number(ratio), span(took));
    Judgement {
        kind: &KIND,
        sid: 3,
        title: format!("{name} server {server} misused to flood {client}"),
        // Who does it to whom: here the server sends.
        context: Context {
            source: about.context.destination,
            destination: about.context.source,
            ..*about.context
        },
        level: level(sum, excess, grave),
        score: ratio,
        threshold: limits.ratio,
        confidence: confidence(sum, excess),
        numbers: vec![
            ("bytes_asked", Node::Int(asked)),
            ("bytes_answered", Node::Int(answered)),
            ("answers", Node::Int(tally.packets)),
            ("port", Node::Int(port.into())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("ratio_max", Node::Float(limits.ratio)),
            ("bytes_per_second_max", Node::Float(limits.reflected_rate)),
        ],
        evidence: pair.evidence.clone(),
        technique: "T1498.002",
        acn: if exposed { ACN_OURS } else { ACN },
        took,
        seen: Said::new(
            format!(
                "{server} ({name}, porta {port}) ha inviato a {client} {} in risposta a {} di \
                 domande ({} volte tanto) in {}.",
                sent.it, got.it, times.it, span.it
            ),
            format!(
                "{server} ({name}, port {port}) sent {client} {} in answer to {} of questions ({} \
                 times as much) in {}.",
                sent.en, got.en, times.en, span.en
            ),
        ),
        normal: Said::new(
            format!("Di norma le risposte sono al massimo {:.0} volte le domande.", limits.ratio),
            format!("Normally answers are at most {:.0} times the questions.", limits.ratio),
        ),
        why: why(sum / excess),
        meaning: misused(&server, &client),
        advice: close_port(&server, port),
    }
    .found()
}

fn misused(server: &str, client: &str) -> Said {
    Said::new(
        format!(
            "Qualcuno fa domande con il mittente falso {client} perché {server} lo \
             sommerga di risposte: viene usato per attaccare altri."
        ),
        format!(
            "Somebody asks questions with the false sender {client}, so that {server} \
             buries it under answers: it is misused to attack others."
        ),
    )
}

fn close_port(server: &str, port: u16) -> Said {
    Said::new(
        format!(
            "sul firewall chiudere la porta UDP {port} di {server} verso Internet; se il \
             servizio serve a chi sta fuori, limitarlo a indirizzi noti o alla frequenza \
             delle risposte."
        ),
        format!(
            "on the firewall close UDP port {port} of {server} to the Internet; if those \
             outside need the service, limit it to known addresses, or the rate of answers."
        ),
    )
}
