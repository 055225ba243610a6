//! What a finding of calls home says.

use super::calls::Rhythm;
use super::signs::Sign;
use super::{KIND, Limits, Pair};
use crate::anomaly::words::{amount, count, host, number, percent, span};
use crate::anomaly::{Found, Judgement, Known, Said};
use crate::field::Node;
use crate::record::{Level, Record};

/// What all findings need to know.
pub(super) struct About<'a> {
    pub(super) record: &'a Record,
    pub(super) known: &'a Known,
    pub(super) level: Level,
    pub(super) rhythm: &'a Rhythm,
    /// Of the signs, summed.
    pub(super) weight: f64,
    pub(super) limits: Limits,
}

/// The finding.
pub(super) fn found(pair: &Pair, signs: &[Sign], about: &About<'_>) -> Found {
    let (context, rhythm) = (&about.record.context, about.rhythm);
    let (source, peer) =
        (host(context.source, about.known), host(context.destination, about.known));
    let loud = about.level > Level::Low;
    let port = context.destination.map_or(0, |end| end.port);
    let (sid, title) = if loud {
        (1, format!("Calls home of {source} to {peer}"))
    } else {
        (2, format!("Regular calls of {source} to {peer}"))
    };
    // A rhythm that has just passed is less sure than clockwork with many signs.
    let sure = 0.5 + 0.25 * rhythm.time + 0.04 * about.weight.clamp(0.0, 5.0);
    Judgement {
        kind: &KIND,
        sid,
        title,
        context: *context,
        level: about.level,
        score: if loud { about.weight } else { rhythm.time },
        threshold: if loud { about.limits.signs } else { about.limits.habit_rhythm },
        confidence: if loud { sure } else { 0.5 * rhythm.time },
        numbers: vec![
            ("calls", Node::Int(pair.calls.count.into())),
            ("failed", Node::Int(pair.calls.failed.into())),
            ("pause_seconds", Node::Float(rhythm.pause)),
            ("rhythm", Node::Float(rhythm.time)),
            ("size_score", Node::Float(rhythm.size)),
            ("question_bytes", Node::Float(rhythm.bytes[0])),
            ("answer_bytes", Node::Float(rhythm.bytes[1])),
            ("signs", Node::Float(about.weight)),
            ("port", Node::Int(port.into())),
        ],
        baseline: vec![
            ("rhythm_max", Node::Float(about.limits.rhythm)),
            ("signs_max", Node::Float(about.limits.signs)),
        ],
        evidence: pair.calls.evidence(),
        technique: match pair.speech.name() {
            "" => "T1571",
            "HTTP" => "T1071.001",
            _ => "T1573",
        },
        acn: if loud {
            &["acn:malicious-code=\"bot\"", "acn:impact=\"system-compromise\""]
        } else {
            &[]
        },
        took: pair.calls.span(),
        seen: seen(pair, about, &source, &peer, port),
        normal: Said::new(
            "Le persone navigano a intervalli irregolari; a intervalli regolari chiamano i \
             programmi, di solito siti noti che usano anche altre macchine.",
            "People browse at irregular times; it is programs that call regularly, mostly well \
             known sites that other machines use too.",
        ),
        why: why(signs, rhythm),
        meaning: meaning(loud),
        advice: advice(loud, &source, &peer),
    }
    .found()
}

fn seen(pair: &Pair, about: &About<'_>, source: &str, peer: &str, port: u16) -> Said {
    let rhythm = about.rhythm;
    let calls = count(pair.calls.count.into(), ["volta", "volte"], ["time", "times"]);
    let (took, pause) = (span(pair.calls.span()), number(rhythm.pause));
    let [up, down] = rhythm.bytes.map(|bytes| amount(bytes.max(0.0).round() as u64));
    let with = match pair.speech.name() {
        "" => Said::new(format!("porta {port}"), format!("port {port}")),
        name => Said::new(format!("{name}, porta {port}"), format!("{name}, port {port}")),
    };
    let failed = match pair.calls.failed {
        0 => Said::default(),
        some => {
            let share = percent(f64::from(some) / f64::from(pair.calls.count.max(1)));
            Said::new(
                format!(" Chiamate rimaste senza risposta: {}.", share.it),
                format!(" {} of the calls got no answer.", share.en),
            )
        }
    };
    Said::new(
        format!(
            "{source} ha chiamato {peer} ({}) {} in {}, una ogni {} secondi circa; di solito manda \
             {} e ne riceve {}.{}",
            with.it, calls.it, took.it, pause.it, up.it, down.it, failed.it
        ),
        format!(
            "{source} called {peer} ({}) {} in {}, once every {} seconds or so; usually it sends \
             {} and receives {}.{}",
            with.en, calls.en, took.en, pause.en, up.en, down.en, failed.en
        ),
    )
}

/// The signs, those that speak for harm first.
fn why(signs: &[Sign], rhythm: &Rhythm) -> Said {
    let of = |pick: fn(&Sign) -> &'static str, wanted: fn(f64) -> bool| {
        let picked = signs.iter().filter(|sign| wanted(sign.weight)).map(pick);
        picked.collect::<Vec<_>>().join("; ")
    };
    let join = |rhythm: String, more: String, but: String, word: &str| {
        let more = if more.is_empty() { rhythm } else { format!("{rhythm}; {more}") };
        if but.is_empty() { more } else { format!("{more}; {word} {but}") }
    };
    let score = percent(rhythm.time);
    Said::new(
        join(
            format!("regolarità delle pause {}", score.it),
            of(|sign| sign.it, |weight| weight > 0.0),
            of(|sign| sign.it, |weight| weight < 0.0),
            "ma",
        ),
        join(
            format!("regularity of the pauses {}", score.en),
            of(|sign| sign.en, |weight| weight > 0.0),
            of(|sign| sign.en, |weight| weight < 0.0),
            "but",
        ),
    )
}

fn meaning(loud: bool) -> Said {
    if loud {
        Said::new(
            "Così un programma malevolo chiede ordini a chi lo comanda; più di rado è un programma \
             legittimo che nessuno ha segnalato.",
            "This is how malware asks its master for orders; more rarely it is a legitimate \
             program that nobody has told about.",
        )
    } else {
        Said::new(
            "È quasi sempre un programma legittimo che controlla licenze, aggiornamenti o il \
             proprio stato.",
            "It is nearly always a legitimate program that checks licences, updates or its own \
             state.",
        )
    }
}

fn advice(loud: bool, source: &str, peer: &str) -> Said {
    if loud {
        Said::new(
            format!(
                "cercare su {source} quale programma si collega a {peer}; se non è noto, staccare \
                 la macchina dalla rete senza spegnerla, bloccare {peer} sul firewall e cercare \
                 altre macchine che lo chiamano."
            ),
            format!(
                "look on {source} which program connects to {peer}; if it is not known, take the \
                 machine off the network without switching it off, block {peer} on the firewall \
                 and look for other machines that call it."
            ),
        )
    } else {
        Said::new(
            format!(
                "nulla di urgente; quando c'è tempo, chiedere a chi usa {source} di quale \
                 programma si tratta."
            ),
            format!(
                "nothing urgent; when there is time, ask who uses {source} which program it is."
            ),
        )
    }
}
