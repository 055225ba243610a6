//! What a finding of guessed passwords says.

use super::{KIND, Pair, netlogon};
use crate::anomaly::attempts::{Attempt, Result as Outcome, Service};
use crate::anomaly::words::{count, from_home, host, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::Timestamp;

/// What all findings need to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) site: &'a Site,
    pub(super) known: &'a Known,
    pub(super) attempt: Attempt,
    pub(super) full: f64,
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
    let span = span(took);
    let (seen, shorts) = (pair.accounts.count(), about.attempt.result == Outcome::Short);
    let accounts = count(seen, ["account diverso", "account diversi"], ["account", "accounts"]);
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
        threshold: about.full,
        confidence,
        numbers: vec![
            ("failures", Node::Int(pair.failures)),
            ("accounts", Node::Int(seen)),
            ("port", Node::Int(port.into())),
            ("service", Node::Text(name.as_bytes().to_vec())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("failures_max", Node::Float(about.full))],
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
        normal: Said::new(
            format!("Chi sbaglia a digitare ne fa pochi; la soglia è {:.0}.", about.full),
            format!("Who mistypes makes a few; the threshold is {:.0}.", about.full),
        ),
        why: why(shorts),
        meaning: shape.tail,
        advice: shape.advice,
    }
    .found()
}

fn why(shorts: bool) -> Said {
    if shorts {
        Said::new(
            "giudicato dalla forma di connessioni troppo brevi per lavorarci",
            "judged by the shape of connections too short to work in",
        )
    } else {
        Said::new("il server stesso ha risposto di no", "the server itself said no")
    }
}
