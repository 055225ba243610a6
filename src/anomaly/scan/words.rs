//! What a scan's finding says, in numbers and in words.

use super::group::{Group, Victim};
use super::{KIND, Limits, level};
use crate::anomaly::words::{count, from_home, host, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::net::ip_protocol_name;
use crate::record::{Context, Level};
use crate::time::{Duration, Timestamp};

/// The shapes of a scan by one source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Many ports of one host.
    Vertical,
    /// Many hosts.
    Horizontal,
    /// Many pages of one web server.
    Pages,
}

/// What all findings need to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) limits: &'a Limits,
    pub(super) site: &'a Site,
    pub(super) known: &'a Known,
}

impl Shape {
    const fn sid(self) -> u32 {
        match self {
            Self::Vertical => 1,
            Self::Horizontal => 2,
            // 3 is shared out among many.
            Self::Pages => 4,
        }
    }
}

pub(super) const ACN: &[&str] = &["acn:active-scanning=\"network-scanning\""];

/// The finding of a scan by one source.
pub(super) fn found(shape: Shape, group: &Group, about: &About<'_>) -> Found {
    let words = Words::new(about);
    let (failed, tried) = (group.failed(), group.tried());
    let took = about.at.since(group.first());
    let (title, seen) = seen(shape, &words, group, took);
    let (peers, high) =
        (shape == Shape::Horizontal && group.seeks_peers(), about.limits.targets_high);
    Judgement {
        kind: &KIND,
        sid: shape.sid(),
        title,
        context: *about.context,
        level: match shape {
            _ if peers => Level::Low,
            // A proxy of ours may stand for many.
            Shape::Pages => Level::Medium,
            _ => level(failed, high, words.from_home),
        },
        score: group.ratio(),
        threshold: about.limits.decision_ratio,
        confidence: confidence(failed, tried),
        numbers: vec![
            ("targets_tried", Node::Int(tried)),
            ("targets_failed", Node::Int(failed)),
            ("seconds", Node::Float(took.as_secs_f64())),
            ("ports", Node::List(group.ports().iter().map(|p| Node::Int((*p).into())).collect())),
        ],
        baseline: vec![
            ("targets_failed_max", Node::Int(about.limits.targets_min.saturating_sub(1))),
            ("success_share", Node::Float(0.8)),
        ],
        evidence: group.evidence().to_vec(),
        technique: if shape == Shape::Pages { "T1595.003" } else { words.technique() },
        acn: ACN,
        took,
        seen,
        normal: normal(shape),
        why: match shape {
            Shape::Pages => pages_why(failed, tried),
            _ => why(failed, tried),
        },
        meaning: match shape {
            Shape::Pages => pages_meaning(),
            _ if peers => peers_meaning(),
            _ => words.meaning(),
        },
        advice: if shape == Shape::Pages { words.pages_advice() } else { words.advice() },
    }
    .found()
    .among([1, if shape == Shape::Horizontal { tried } else { 1 }])
}

/// Title, and what was seen.
fn seen(shape: Shape, words: &Words, group: &Group, took: Duration) -> (String, Said) {
    let (failed, tried) = (group.failed(), group.tried());
    let ports: Vec<String> = group.ports().iter().map(u16::to_string).collect();
    let (ports, span) = (ports.join(", "), span(took));
    let ports = match ports.as_str() {
        "" => Said::default(),
        ports => Said::new(format!(" (prime porte: {ports})"), format!(" (first ports: {ports})")),
    };
    let came = outcome(failed, group.abandoned());
    let (tail_it, tail_en) =
        (format!("{}{}.", came.it, ports.it), format!("{}{}.", came.en, ports.en));
    let Words { source, target, carrier, .. } = words;
    match shape {
        Shape::Vertical => {
            let tried =
                count(tried, ["porta diversa", "porte diverse"], ["port", "different ports"]);
            let seen = Said::new(
                format!("{source} ha provato {} di {target} in {}; {tail_it}", tried.it, span.it),
                format!("{source} tried {} of {target} in {}; {tail_en}", tried.en, span.en),
            );
            (format!("Vertical {carrier} scan of {target} by {source}"), seen)
        }
        Shape::Horizontal => {
            let tried =
                count(tried, ["macchina diversa", "macchine diverse"], ["host", "different hosts"]);
            let seen = Said::new(
                format!("{source} ha cercato {} in {}; {tail_it}", tried.it, span.it),
                format!("{source} tried to reach {} in {}; {tail_en}", tried.en, span.en),
            );
            (format!("Horizontal {carrier} scan by {source}"), seen)
        }
        Shape::Pages => {
            let tried =
                count(tried, ["pagina diversa", "pagine diverse"], ["page", "different pages"]);
            let missing = count(
                failed,
                ["non esiste o non è accessibile", "non esistono o non sono accessibili"],
                ["is not there, or forbidden", "are not there, or forbidden"],
            );
            let seen = Said::new(
                format!(
                    "{source} ha chiesto a {target} {} in {}; {}.",
                    tried.it, span.it, missing.it
                ),
                format!("{source} asked {target} for {} in {}; {}.", tried.en, span.en, missing.en),
            );
            (format!("Web scan of {target} by {source}"), seen)
        }
    }
}

/// How the contacts that count as failed ended.
fn outcome(failed: u64, abandoned: u64) -> Said {
    let plain = failed.saturating_sub(abandoned);
    let without = count(
        plain,
        ["tentativo è rimasto", "tentativi sono rimasti"],
        ["attempt was", "attempts were"],
    );
    let refused = if plain == 1 { "è stato rifiutato" } else { "sono stati rifiutati" };
    let accepted = count(
        abandoned,
        [
            "ha accettato il collegamento, subito interrotto",
            "hanno accettato il collegamento, subito interrotto",
        ],
        [
            "accepted the connection, which was broken off at once",
            "accepted the connection, which was broken off at once",
        ],
    );
    let without = Said::new(
        format!("{} senza risposta o {refused}", without.it),
        format!("{} refused or got no answer", without.en),
    );
    match (plain, abandoned) {
        (_, 0) => without,
        (0, _) => accepted,
        _ => Said::new(
            format!("{}, {}", without.it, accepted.it),
            format!("{}, {}", without.en, accepted.en),
        ),
    }
}

/// The finding of a scan shared out among many sources.
pub(super) fn found_shared(victim: &Victim, about: &About<'_>) -> Found {
    let words = Words::new(about);
    let limits = about.limits;
    let (sources, ports) = (victim.sources(), victim.ports());
    let (failed, tried) = (victim.failed, victim.tried);
    let took = victim.first.map_or(Duration::default(), |first| about.at.since(first));
    let span = span(took);
    let Words { target, carrier, .. } = &words;
    Judgement {
        kind: &KIND,
        sid: 3,
        title: format!("Distributed {carrier} scan of {target}"),
        context: *about.context,
        level: level(ports, limits.targets_high, false),
        score: ports as f64,
        threshold: limits.shared_ports_min as f64,
        confidence: confidence(failed, tried),
        numbers: vec![
            ("sources", Node::Int(sources)),
            ("ports", Node::Int(ports)),
            ("contacts_failed", Node::Int(failed)),
            ("contacts_tried", Node::Int(tried)),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("sources_max", Node::Int(limits.sources_min.saturating_sub(1))),
            ("ports_max", Node::Int(limits.shared_ports_min.saturating_sub(1))),
        ],
        evidence: victim.evidence.clone(),
        technique: words.technique(),
        acn: ACN,
        took,
        seen: Said::new(
            format!(
                "{sources} indirizzi diversi hanno provato insieme {ports} porte di {target} in \
                 {}; {failed} tentativi su {tried} sono falliti.",
                span.it
            ),
            format!(
                "{sources} different addresses together tried {ports} ports of {target} in {}; \
                 {failed} of {tried} attempts failed.",
                span.en
            ),
        ),
        normal: Said::new(
            "Di norma chi chiama un servizio sa su quale porta risponde.",
            "Normally who calls a service knows on which port it answers.",
        ),
        why: why(failed, tried),
        meaning: Said::new(
            "Qualcuno cerca punti d'ingresso da molte macchine: ciascuna prova poco, per non farsi \
             notare.",
            "Someone looks for ways in from many machines: each tries little, so as not to be \
             noticed.",
        ),
        advice: Said::new(
            format!(
                "verificare sul firewall che {target} esponga solo i servizi necessari e che siano \
                 aggiornati."
            ),
            format!(
                "check on the firewall that {target} exposes only the services it must, and that \
                 they are up to date."
            ),
        ),
    }
    .found()
    .among([sources, 1])
}

/// The parts of a sentence that depend on who and whom.
struct Words {
    source: String,
    target: String,
    carrier: String,
    from_home: bool,
}

impl Words {
    fn new(about: &About<'_>) -> Self {
        let context = about.context;
        let number = context.protocol;
        Self {
            source: host(context.source, about.known),
            target: host(context.destination, about.known),
            carrier: ip_protocol_name(number).map_or_else(|| number.to_string(), str::to_owned),
            from_home: from_home(context, about.site),
        }
    }

    /// From inside it is discovery by someone who is in, from outside it is reconnaissance.
    fn technique(&self) -> &'static str {
        if self.from_home { "T1046" } else { "T1595.001" }
    }

    fn meaning(&self) -> Said {
        if self.from_home {
            Said::new(
                "È una macchina della rete interna: può essere infetta, oppure essere uno \
                 strumento di inventario.",
                "It is a machine of the internal network: it may be infected, or be an inventory \
                 tool.",
            )
        } else {
            Said::new(
                "Così si cercano servizi da attaccare: di solito è il primo passo.",
                "This is how services to attack are looked for: usually the first step.",
            )
        }
    }

    fn pages_advice(&self) -> Said {
        let Self { source, target, .. } = self;
        Said::new(
            format!(
                "guardare nel registro del server web di {target} quali pagine {source} ha trovato, \
                 e togliere quelle che non servono; se non è un motore di ricerca noto, bloccarlo \
                 sul firewall."
            ),
            format!(
                "look in the log of the web server of {target} which pages {source} found, and \
                 remove those that are not needed; if it is no known search engine, block it on \
                 the firewall."
            ),
        )
    }

    fn advice(&self) -> Said {
        let source = &self.source;
        if self.from_home {
            Said::new(
                format!(
                    "chiedere chi usa {source}; se nessuno ha avviato una scansione, scollegarla \
                     dalla rete e avvisare il referente per la sicurezza."
                ),
                format!(
                    "ask who uses {source}; if nobody started a scan, disconnect it from the \
                     network and tell the security contact."
                ),
            )
        } else {
            Said::new(
                format!(
                    "se {source} non è un fornitore autorizzato, bloccarlo sul firewall e \
                     verificare che le porte che hanno risposto siano necessarie."
                ),
                format!(
                    "if {source} is not an authorised supplier, block it on the firewall and check \
                     that the ports which answered are needed."
                ),
            )
        }
    }
}

fn normal(shape: Shape) -> Said {
    if shape == Shape::Pages {
        return Said::new(
            "Di norma chi visita un sito trova quasi tutte le pagine che chiede.",
            "Normally who visits a site finds almost all pages that are asked for.",
        );
    }
    Said::new(
        "Di norma quasi tutti i primi contatti di una macchina riescono.",
        "Normally almost all first contacts of a host succeed.",
    )
}

fn pages_why(failed: u64, tried: u64) -> Said {
    Said::new(
        format!("{failed} su {tried} pagine non c'erano"),
        format!("{failed} of {tried} pages were not there"),
    )
}

fn pages_meaning() -> Said {
    Said::new(
        "Un programma prova un elenco di nomi in cerca di pagine dimenticate, copie di riserva e \
         pannelli di amministrazione; più di rado è un motore di ricerca, o un sito con molti \
         collegamenti rotti.",
        "A program goes through a list of names in search of forgotten pages, backup copies and \
         consoles of administrators; more rarely it is a search engine, or a site with many broken \
         links.",
    )
}

fn peers_meaning() -> Said {
    Said::new(
        "Ogni macchina è stata cercata su una porta diversa: di solito è un programma di scambio \
         file (BitTorrent) che cerca altri utenti, non un attacco.",
        "Each host was tried on another port: usually that is a file-sharing program (BitTorrent) \
         looking for its peers, not an attack.",
    )
}

fn why(failed: u64, tried: u64) -> Said {
    Said::new(
        format!("falliti {failed} su {tried} primi contatti"),
        format!("{failed} of {tried} first contacts failed"),
    )
}

/// Share of failures, drawn towards one half while there are few contacts (Laplace's rule of
/// succession).
fn confidence(failed: u64, tried: u64) -> f64 {
    (failed as f64 + 1.0) / (tried as f64 + 2.0)
}
