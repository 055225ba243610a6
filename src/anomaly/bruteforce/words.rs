//! What a finding of guessed passwords says.

use super::crowd::Crowd;
use super::{KIND, Pair, netlogon};
use crate::anomaly::attempts::{Attempt, Result as Outcome, Service};
use crate::anomaly::words::{count, from_home, host, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::{Duration, Timestamp};

/// What all findings need to know.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) site: &'a Site,
    pub(super) known: &'a Known,
    pub(super) attempt: Attempt,
    /// How many fill the bucket, and the seconds in which it runs out.
    pub(super) limit: (f64, f64),
}

const ACN: &[&str] = &["acn:active-scanning=\"credential-scanning\""];
const ACN_IN: &[&str] =
    &["acn:active-scanning=\"credential-scanning\"", "acn:vector=\"valid-accounts\""];

/// The finding of an attack that has not succeeded as far as is known.
pub(super) fn failed(pair: &Pair, about: &About<'_>) -> Found {
    if about.attempt.service == Service::Netlogon {
        return netlogon::tried(pair, about);
    }
    let (source, server) = (host(about.context.source, about.known), server(about));
    let tail = Said::new(
        "Un programma prova password una dopo l'altra finché ne trova una buona; più di rado è un \
         dispositivo con una vecchia password salvata che insiste.",
        "A program tries password after password until one is right; more rarely it is a device \
         that insists with an old saved password.",
    );
    let advice = if from_home(about.context, about.site) {
        Said::new(
            format!(
                "{source} è nella rete interna: chiedere chi la usa e controllarla; verificare \
                 che gli account di {server} abbiano password robuste."
            ),
            format!(
                "{source} is in the internal network: ask who uses it and check it; make sure \
                 that the accounts of {server} have strong passwords."
            ),
        )
    } else {
        Said::new(
            format!(
                "bloccare {source} sul firewall; se {server} non deve essere raggiungibile da \
                 Internet, chiudere la porta; attivare il blocco degli account e il secondo \
                 fattore."
            ),
            format!(
                "block {source} on the firewall; if {server} need not be reached from the \
                 Internet, close the port; turn on account lockout and a second factor."
            ),
        )
    };
    let level = Level::Medium;
    judge(pair, about, Shape { sid: 1, level, title: "Password guessing", tail, advice })
}

/// The finding of a success after failures.
pub(super) fn succeeded(pair: &Pair, about: &About<'_>) -> Found {
    if about.attempt.service == Service::Netlogon {
        return netlogon::succeeded(pair, about);
    }
    let (source, server) = (host(about.context.source, about.known), server(about));
    let level = if pair.told > 0 { Level::High } else { Level::Medium };
    let tail = Said::new(
        "Subito dopo un accesso è riuscito: la password può essere stata indovinata.",
        "Right after that an attempt succeeded: the password may have been guessed.",
    );
    let advice = Said::new(
        format!(
            "chiamare il titolare dell'account; se non è stato lui, cambiare subito la password, \
             chiudere le sessioni aperte e controllare che cosa {source} ha fatto su {server}."
        ),
        format!(
            "call the owner of the account; if it was not them, change the password at once, end \
             open sessions and check what {source} did on {server}."
        ),
    );
    let title = "Success after password guessing";
    judge(pair, about, Shape { sid: 2, level, title, tail, advice })
}

/// The finding of many hosts that each guess a little.
pub(super) fn guessed_by_many(crowd: &Crowd, about: &About<'_>) -> Found {
    let (server, name) = (server(about), about.attempt.service.name());
    let (hosts, took) = (crowd.hosts(), about.at.since(crowd.first));
    let port = about.context.destination.map_or(0, |end| end.port);
    let shorts = about.attempt.result == Outcome::Short;
    let (full, window) = (about.limit.0, span(seconds(about.limit.1)));
    Judgement {
        kind: &KIND,
        sid: 3,
        title: format!("Password guessing ({name}) at {server} by {hosts} hosts"),
        context: *about.context,
        level: Level::Medium,
        score: hosts as f64,
        threshold: full,
        confidence: if shorts { 0.75 } else { 0.9 },
        numbers: vec![
            ("failures", Node::Int(crowd.failures)),
            ("hosts", Node::Int(hosts)),
            ("port", Node::Int(port.into())),
            ("service", Node::Text(name.as_bytes().to_vec())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("hosts_max", Node::Float(full))],
        evidence: crowd.evidence.clone(),
        technique: "T1110.001",
        acn: ACN,
        took,
        seen: seen_of_many(crowd, about),
        normal: Said::new(
            format!(
                "Di norma chi sbaglia da fuori poi riesce; la soglia è {full:.0} macchine in {}.",
                window.it
            ),
            format!(
                "Normally, whoever fails from outside succeeds afterwards; the threshold is \
                 {full:.0} hosts in {}.",
                window.en
            ),
        ),
        why: why(about.attempt.service, shorts),
        meaning: Said::new(
            "Chi dispone di molte macchine fa provare poche password a ciascuna, per non farsi \
             bloccare.",
            "Someone who has many machines lets each try a few passwords, so that none is blocked.",
        ),
        advice: Said::new(
            format!(
                "se {server} non deve essere raggiungibile da tutta Internet, chiudere la porta o \
                 limitarla ai Paesi e agli indirizzi che servono; attivare il secondo fattore."
            ),
            format!(
                "if {server} need not be reached from all of the Internet, close the port or limit \
                 it to the countries and addresses that need it; turn on a second factor."
            ),
        ),
    }
    .found()
    .among([hosts, 1])
}

fn seen_of_many(crowd: &Crowd, about: &About<'_>) -> Said {
    let (server, name) = (server(about), about.attempt.service.name());
    let port = about.context.destination.map_or(0, |end| end.port);
    let from = count(crowd.hosts(), ["macchina esterna", "macchine esterne"], ["host", "hosts"]);
    let span = span(about.at.since(crowd.first));
    Said::new(
        format!(
            "{} hanno fallito l'accesso a {server} ({name}, porta {port}) in {}, e di nessuna si è \
             visto un accesso riuscito.",
            from.it, span.it
        ),
        format!(
            "{} from outside failed to log on at {server} ({name}, port {port}) in {}, and none of \
             them was seen to succeed.",
            from.en, span.en
        ),
    )
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9) as u64)
}

/// What differs between the findings.
struct Shape {
    sid: u32,
    level: Level,
    title: &'static str,
    tail: Said,
    advice: Said,
}

fn server(about: &About<'_>) -> String {
    host(about.context.destination, about.known)
}

fn judge(pair: &Pair, about: &About<'_>, shape: Shape) -> Found {
    let service = about.attempt.service;
    let (source, server) = (host(about.context.source, about.known), server(about));
    let took = about.at.since(pair.first);
    let port = about.context.destination.map_or(0, |end| end.port);
    let tries = count(
        pair.failures,
        ["accesso fallito", "accessi falliti"],
        ["failed attempt to log on", "failed attempts to log on"],
    );
    // Of several in one connection it is not known when each was.
    let span = if took == Duration::default() && pair.failures > 1 {
        Said::new("una sola connessione", "one connection")
    } else {
        span(took)
    };
    let (seen, shorts) = (pair.accounts.count(), about.attempt.result == Outcome::Short);
    let accounts = count(seen, ["account", "account diversi"], ["account", "accounts"]);
    let with = if seen == 0 {
        Said::new("", "")
    } else {
        Said::new(format!(" con {}", accounts.it), format!(" with {}", accounts.en))
    };
    let confidence = if shorts { 0.75 } else { 0.95 };
    let name = service.name();
    Judgement {
        kind: &KIND,
        sid: shape.sid,
        title: format!("{} ({name}) at {server} by {source}", shape.title),
        context: *about.context,
        level: shape.level,
        score: pair.failures as f64,
        threshold: about.limit.0,
        confidence,
        numbers: vec![
            ("failures", Node::Int(pair.failures)),
            ("accounts", Node::Int(seen)),
            ("port", Node::Int(port.into())),
            ("service", Node::Text(name.as_bytes().to_vec())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("failures_max", Node::Float(about.limit.0))],
        evidence: pair.evidence.clone(),
        technique: "T1110.001",
        acn: if shape.sid == 2 { ACN_IN } else { ACN },
        took,
        seen: Said::new(
            format!(
                "{source}: {} a {server} ({name}, porta {port}){} in {}.",
                tries.it, with.it, span.it
            ),
            format!(
                "{source}: {} at {server} ({name}, port {port}){} in {}.",
                tries.en, with.en, span.en
            ),
        ),
        normal: normal(about.limit),
        why: why(about.attempt.service, shorts),
        meaning: shape.tail,
        advice: shape.advice,
    }
    .found()
}

fn normal((full, window): (f64, f64)) -> Said {
    let window = span(seconds(window));
    Said::new(
        format!("Chi sbaglia a digitare ne fa pochi; la soglia è {full:.0} in {}.", window.it),
        format!("Who mistypes makes a few; the threshold is {full:.0} in {}.", window.en),
    )
}

fn why(service: Service, shorts: bool) -> Said {
    if service == Service::Snmp {
        return Said::new(
            "chi gestisce una rete conosce poche parole; a quelle sbagliate non risponde nessuno",
            "who manages a network knows few words; the wrong ones are answered by nobody",
        );
    }
    if shorts {
        Said::new(
            "giudicato dalla forma di connessioni troppo brevi per lavorarci",
            "judged by the shape of connections too short to work in",
        )
    } else {
        Said::new("il server stesso ha risposto di no", "the server itself said no")
    }
}
