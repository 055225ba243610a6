//! What a finding says, in numbers and in words.

use super::talk::{Shape, Talk};
use super::{KIND, Limits};
use crate::anomaly::words::{amount, count, host, percent, printable, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::record::{Level, Record};
use crate::time::Duration;

/// What a finding needs to know.
pub(super) struct About<'a> {
    pub(super) record: &'a Record,
    pub(super) talk: &'a Talk,
    pub(super) limits: &'a Limits,
    pub(super) known: &'a Known,
    pub(super) site: &'a Site,
}

/// The finding.
pub(super) fn found(shape: Shape, about: &About<'_>) -> Found {
    let About { record, talk, limits, known, site } = about;
    let context = record.context;
    let client = host(context.source, known);
    let domain = talk.domain.as_str();
    let server = host(context.destination, known);
    let place = place(domain, &server);
    let took = talk.first.map_or(Duration::default(), |first| record.timestamp.since(first));
    let level = talk.level(limits, from_home(about, site));
    let long = shape == Shape::Names && talk.is_for_length(limits);
    let (score, threshold) = match shape {
        Shape::Names if long => (talk.long_names, limits.long_names_min),
        Shape::Names => (talk.names(), limits.names_min),
        Shape::Answers => (talk.encoded_answers, limits.answers_min),
    };
    let confidence = confidence(score as f64 / threshold.max(1) as f64, talk.carrying_share());
    Judgement {
        kind: &KIND,
        sid: if shape == Shape::Names { 1 } else { 2 },
        title: match shape {
            Shape::Names => format!("DNS tunnel by {client} {}", place.en),
            Shape::Answers => format!("Orders in DNS answers to {client} {}", place.en),
        },
        context,
        level,
        score: score as f64,
        threshold: threshold as f64,
        confidence,
        numbers: numbers(talk, domain, took),
        baseline: vec![
            (
                if long { "long_names_max" } else { "names_max" },
                Node::Int(
                    if long { limits.long_names_min } else { limits.names_min }.saturating_sub(1),
                ),
            ),
            ("encoded_answers_max", Node::Int(limits.answers_min.saturating_sub(1))),
            ("surprise_max", Node::Float(limits.surprise_min)),
        ],
        evidence: talk.evidence.clone(),
        technique: if shape == Shape::Names { "T1048.003" } else { "T1071.004" },
        acn: &["acn:malicious-code=\"command-and-control\""],
        took,
        seen: seen(shape, talk, &client, &place, took),
        normal: Said::new(
            "Di norma i nomi sono parole, e sotto un dominio se ne chiedono pochi.",
            "Normally names are words, and few are asked for under one domain.",
        ),
        why: if long { why_long(talk, limits) } else { why(talk) },
        meaning: meaning(level),
        advice: advice(level, &client, domain, &server),
    }
    .found()
}

/// Where no networks are named as ours, whoever asks is.
fn from_home(about: &About<'_>, site: &Site) -> bool {
    let home = |end: Option<crate::net::Endpoint>| end.is_some_and(|end| site.is_home(end.addr));
    home(about.record.context.source) || !home(about.record.context.destination)
}

fn numbers(talk: &Talk, domain: &str, took: Duration) -> Vec<(&'static str, Node)> {
    vec![
        ("domain", Node::Text(domain.as_bytes().to_vec())),
        ("names", Node::Int(talk.names())),
        ("name_bytes", Node::Int(talk.name_bytes)),
        ("answer_bytes", Node::Int(talk.answer_bytes)),
        ("encoded_answers", Node::Int(talk.encoded_answers)),
        ("text_share", Node::Float(talk.carrying_share())),
        ("seconds", Node::Float(took.as_secs_f64())),
        ("example", Node::Text(talk.example.clone().into_bytes())),
    ]
}

/// Under which domain; names without one are told by the server that was asked.
fn place(domain: &str, server: &str) -> Said {
    if domain.is_empty() {
        return Said::new(
            format!("senza dominio (server: {server})"),
            format!("under no domain (server: {server})"),
        );
    }
    Said::new(format!("sotto il dominio {domain}"), format!("under {domain}"))
}

fn seen(shape: Shape, talk: &Talk, client: &str, place: &Said, took: Duration) -> Said {
    let (up, down) = (amount(talk.name_bytes), amount(talk.answer_bytes));
    let span = span(took);
    let example = printable(&talk.example);
    match shape {
        Shape::Names => {
            let names = count(
                talk.names(),
                ["nome diverso che non è una parola", "nomi diversi che non sono parole"],
                ["different name that is no word", "different names that are no words"],
            );
            Said::new(
                format!(
                    "{client} ha chiesto al DNS {} {} in {}: i nomi \
                     portavano {}, le risposte {} (esempio: {example}).",
                    names.it, place.it, span.it, up.it, down.it
                ),
                format!(
                    "{client} asked DNS for {} {} in {}: the names carried \
                     {}, the answers {} (example: {example}).",
                    names.en, place.en, span.en, up.en, down.en
                ),
            )
        }
        Shape::Answers => {
            let answers = count(
                talk.encoded_answers,
                [
                    "risposta di testo cifrato o codificato",
                    "risposte di testo cifrato o codificato",
                ],
                ["answer of encoded text", "answers of encoded text"],
            );
            Said::new(
                format!(
                    "{client} ha ricevuto dal DNS {} {} in {}, in tutto {}.",
                    answers.it, place.it, span.it, down.it
                ),
                format!(
                    "{client} got {} by DNS {} in {}, {} in all.",
                    answers.en, place.en, span.en, down.en
                ),
            )
        }
    }
}

fn why_long(talk: &Talk, limits: &Limits) -> Said {
    let names =
        count(talk.long_names, ["nome porta", "nomi portano"], ["name carries", "names carry"]);
    let bytes = limits.long_name;
    Said::new(
        format!("{} almeno {bytes} byte ciascuno", names.it),
        format!("{} at least {bytes} bytes each", names.en),
    )
}

fn why(talk: &Talk) -> Said {
    let share = percent(talk.carrying_share());
    Said::new(
        format!("{} delle richieste chiede tipi che portano testo, non indirizzi", share.it),
        format!("{} of the queries ask for types that carry text, not addresses", share.en),
    )
}

fn meaning(level: Level) -> Said {
    if level == Level::Low {
        return Said::new(
            "Qualcuno da fuori prova il nostro server dei nomi, per esempio per sovraccaricarlo.",
            "Someone outside tries our name server, for instance to overload it.",
        );
    }
    Said::new(
        "Un programma può usare il DNS come passaggio nascosto: per ricevere ordini o per portare \
         fuori dati. Può anche essere un servizio di sicurezza che consulta i suoi elenchi così.",
        "A program may use DNS as a hidden way: to get orders or to carry data out. It may also be \
         a security service that looks up its lists this way.",
    )
}

fn advice(level: Level, client: &str, domain: &str, server: &str) -> Said {
    if level == Level::Low {
        return Said::new(
            format!("se si ripete, limitare sul firewall le richieste DNS di {client}."),
            format!("if it goes on, limit the DNS requests of {client} on the firewall."),
        );
    }
    if domain.is_empty() {
        return Said::new(
            format!(
                "bloccare sul firewall le richieste DNS verso {server}, se non è il proprio server \
                 dei nomi; scollegare {client} dalla rete e avvisare il referente per la sicurezza."
            ),
            format!(
                "block DNS requests to {server} on the firewall, unless it is your own name server; \
                 disconnect {client} from the network and tell the security contact."
            ),
        );
    }
    Said::new(
        format!(
            "cercare a chi appartiene il dominio {domain}; se non è del fornitore di un prodotto in \
             uso, bloccarlo sul DNS, scollegare {client} dalla rete (se è il server DNS interno, \
             cercare nei suoi registri quale macchina ha chiesto) e avvisare il referente per la \
             sicurezza."
        ),
        format!(
            "find out who owns the domain {domain}; if it is not the maker of a product in use, \
             block it on the DNS server, disconnect {client} from the network (if that is the \
             internal DNS server, look in its log which machine asked) and tell the security \
             contact."
        ),
    )
}

/// Grows with how far the threshold was passed and with the share of types that carry text.
fn confidence(times: f64, share: f64) -> f64 {
    let far = 1.0 - 0.5 / times.max(1.0);
    (0.6 * far + 0.39 * share.max(0.3)).clamp(0.3, 0.97)
}
