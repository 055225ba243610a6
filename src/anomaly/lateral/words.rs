//! What a finding of movement through the network says.

use super::techniques::{self, Technique};
use super::{Entry, KIND};
use crate::anomaly::words::{count, host, printable};
use crate::anomaly::{Found, Judgement, Known, Said};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::Timestamp;

/// What a finding needs to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) known: &'a Known,
    pub(super) technique: &'static Technique,
    /// What was counted until it was one, and how many it takes; `None` for targets.
    pub(super) judged: Option<(u64, u64)>,
    /// Whether many hosts here do the same.
    pub(super) common: bool,
    /// Whether the source serves the domain itself.
    pub(super) is_controller: bool,
}

fn level(about: &About<'_>) -> Level {
    let level = about.technique.level;
    if about.is_controller && about.technique.sid == techniques::DCSYNC.sid {
        return Level::Info;
    }
    if about.common && level <= Level::Medium { level.min(Level::Low) } else { level }
}

/// The finding.
pub(super) fn found(entry: &Entry, about: &About<'_>) -> Found {
    let technique = about.technique;
    let (source, target) =
        (host(about.context.source, about.known), host(about.context.destination, about.known));
    let targets = entry.targets.count();
    let more = targets.saturating_sub(1);
    let others = count(more, ["altra macchina", "altre macchine"], ["other", "others"]);
    let and = match more {
        0 => Said::new("", ""),
        _ => Said::new(format!(" e {}", others.it), format!(" and {}", others.en)),
    };
    let example = match entry.example.as_str() {
        "" => String::new(),
        example => format!(" ({})", printable(example)),
    };
    let [done_it, done_en] = technique.done;
    let (score, threshold) = about.judged.unwrap_or((targets, 1));
    let counted = counted(about);
    let level = level(about);
    let took = about.at.since(entry.first);
    Judgement {
        kind: &KIND,
        sid: technique.sid,
        title: format!("{}: {source} to {target}", technique.title),
        context: *about.context,
        level,
        score: score as f64,
        threshold: threshold as f64,
        confidence: technique.confidence,
        numbers: numbers(entry, about),
        baseline: vec![("targets_before", Node::Int(0))],
        evidence: entry.evidence.clone(),
        technique: technique.attack,
        acn: &["acn:vector=\"valid-accounts\"", "acn:impact=\"system-compromise\""],
        took,
        seen: Said::new(
            format!("{source} {done_it} {target}{}{example}.{}", and.it, counted.it),
            format!("{source} {done_en} {target}{}{example}.{}", and.en, counted.en),
        ),
        normal: normal(about),
        why: Said::new(
            "l'operazione si legge nel traffico; non si vede chi l'ha voluta",
            "the operation is read from the traffic; who wanted it is not seen",
        ),
        meaning: technique.meaning(),
        advice: advice(level, &source, &target),
    }
    .found()
    .among([1, targets])
}

/// Of what a technique counts before it is one: the key of the number, and what it is called in
/// Italian and English.
fn unit(technique: &Technique) -> (&'static str, [&'static str; 2]) {
    if technique.sid == techniques::ROAST.sid {
        ("services", ["Servizi diversi in un minuto", "Different services in a minute"])
    } else {
        ("new_hosts", ["Macchine nuove in un'ora", "New machines in an hour"])
    }
}

fn numbers(entry: &Entry, about: &About<'_>) -> Vec<(&'static str, Node)> {
    let (key, _) = unit(about.technique);
    let judged = about.judged.map(|(count, _)| (key, Node::Int(count)));
    let all = [
        ("targets", Node::Int(entry.targets.count())),
        ("times", Node::Int(entry.times)),
        ("example", Node::Text(entry.example.as_bytes().to_vec())),
    ];
    judged.into_iter().chain(all).collect()
}

/// The count that was judged, as a sentence.
fn counted(about: &About<'_>) -> Said {
    let Some((count, least)) = about.judged else { return Said::new("", "") };
    let (_, [it, en]) = unit(about.technique);
    Said::new(
        format!(" {it}: {count} (soglia {least})."),
        format!(" {en}: {count} (threshold {least})."),
    )
}

fn normal(about: &About<'_>) -> Said {
    if about.common {
        Said::new(
            "Altre macchine di questa rete fanno lo stesso: qui può essere normale.",
            "Other machines of this network do the same: here it may be normal.",
        )
    } else {
        Said::new(
            "Questa macchina non lo aveva mai fatto da quando il sensore osserva la rete.",
            "This machine had never done so since the sensor watches the network.",
        )
    }
}

fn advice(level: Level, source: &str, target: &str) -> Said {
    if level <= Level::Low {
        return Said::new(
            format!("se {source} è usata da chi amministra la rete non serve fare nulla."),
            format!(
                "if {source} is used by whoever administers the network, nothing need be done."
            ),
        );
    }
    Said::new(
        format!(
            "chiedere a chi amministra la rete se l'ha fatto da {source}; se no, scollegare \
             {source} dalla rete, controllare {target} e cambiare le password degli \
             amministratori."
        ),
        format!(
            "ask whoever administers the network whether they did it from {source}; if not, \
             disconnect {source} from the network, check {target} and change the passwords of \
             the administrators."
        ),
    )
}
