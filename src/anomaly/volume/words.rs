//! What a finding of too much traffic says.

use std::net::IpAddr;

use super::{BIN, KIND, Measure, Odd};
use crate::anomaly::words::{amount, count, host, number, span};
use crate::anomaly::{Found, Judgement, Known, Said};
use crate::field::Node;
use crate::net::Endpoint;
use crate::record::{Context, Level};
use crate::time::Duration;

/// Whose traffic it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// All that is seen.
    Site,
    Host(IpAddr),
}

/// The finding.
pub(super) fn found(
    odd: &Odd,
    whose: Whose,
    measure: Measure,
    level: Level,
    threshold: f64,
    known: &Known,
) -> Found {
    let end = match whose {
        Whose::Site => None,
        Whose::Host(addr) => Some(Endpoint { addr, port: 0 }),
    };
    let took = Duration::from_secs(BIN.as_secs() * u64::from(odd.row));
    let times = number(odd.value as f64 / odd.usual.max(1.0));
    let name = end.map_or_else(
        || Said::new("tutta la rete", "the whole network"),
        |end| Said::same(host(Some(end), known)),
    );
    let what = if measure == Measure::Bytes { "bytes" } else { "flows" };
    Judgement {
        kind: &KIND,
        sid: match (whose, measure) {
            (Whose::Site, Measure::Bytes) => 1,
            (Whose::Site, Measure::Flows) => 2,
            (Whose::Host(_), _) => 3,
        },
        title: format!("Unusual volume of {what} of {}", name.en),
        context: Context { source: end, ..Context::default() },
        level,
        score: odd.z,
        threshold,
        confidence: 1.0 - 0.5 * threshold / odd.z.max(threshold),
        numbers: vec![
            ("in_bin", Node::Int(odd.value)),
            ("in_all", Node::Int(odd.total)),
            ("bins", Node::Int(odd.row.into())),
        ],
        baseline: vec![("usual_in_bin", Node::Float(odd.usual))],
        evidence: Vec::new(),
        technique: "",
        acn: &[],
        took,
        seen: seen(&name, odd, measure, took),
        normal: normal(odd, measure),
        why: Said::new(
            format!("{} volte il solito, più volte di seguito", times.it),
            format!("{} times the usual, several times in a row", times.en),
        ),
        meaning: meaning(measure),
        advice: Said::new(
            format!(
                "guardare quali macchine e quali destinazioni fanno più traffico in questo \
                 momento; se è una copia o un aggiornamento previsto non occorre altro, \
                 altrimenti chiedere a chi usa quelle macchine ({}).",
                name.it
            ),
            format!(
                "look which machines and destinations make most of the traffic now; if it is a \
                 backup or an update that was planned nothing need be done, else ask who uses \
                 those machines ({}).",
                name.en
            ),
        ),
    }
    .found()
}

fn quantity(many: u64, measure: Measure) -> Said {
    match measure {
        Measure::Bytes => amount(many),
        Measure::Flows => count(many, ["connessione", "connessioni"], ["flow", "flows"]),
    }
}

fn seen(name: &Said, odd: &Odd, measure: Measure, took: Duration) -> Said {
    let (all, span) = (quantity(odd.total, measure), span(took));
    Said::new(
        format!("Traffico di {} molto sopra il solito: {} in {}.", name.it, all.it, span.it),
        format!("Traffic of {} is far above the usual: {} in {}.", name.en, all.en, span.en),
    )
}

fn normal(odd: &Odd, measure: Measure) -> Said {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let usual = quantity(odd.usual.round() as u64, measure);
    Said::new(
        format!("A quest'ora della settimana in 5 minuti sono circa {}.", usual.it),
        format!("At this hour of the week it is about {} in 5 minutes.", usual.en),
    )
}

fn meaning(measure: Measure) -> Said {
    match measure {
        Measure::Bytes => Said::new(
            "Può essere una copia di dati fuori orario, un aggiornamento, oppure dati portati via \
             o un attacco che riempie la linea.",
            "It may be a copy of data out of hours, an update, or data that are taken away, or \
             an attack that fills the line.",
        ),
        Measure::Flows => Said::new(
            "Può essere un programma che sbaglia e riprova di continuo, una scansione, un virus \
             che si diffonde o un attacco che occupa i server.",
            "It may be a program that fails and tries again and again, a scan, a worm that \
             spreads, or an attack that keeps servers busy.",
        ),
    }
}
