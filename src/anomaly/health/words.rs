//! What a finding of the sensor's health says.

use super::KIND;
use crate::anomaly::homes::{FAMILIES, PART_SHARE, STRANGE_SHARE};
use crate::anomaly::words::{count, percent, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::Duration;

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Dropped,
    Gaps,
    OneSided,
    Silence,
    Clock,
    Networks,
}

impl Trouble {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
}

/// What is filled in.
struct Shape {
    trouble: Trouble,
    title: String,
    level: Level,
    score: f64,
    threshold: f64,
    confidence: f64,
    numbers: Vec<(&'static str, Node)>,
    took: Duration,
    seen: Said,
    normal: Said,
    why: Said,
    meaning: Said,
    advice: Said,
}

fn told(shape: Shape) -> Found {
    Judgement {
        kind: &KIND,
        sid: shape.trouble as u32 + 1,
        title: shape.title,
        context: Context::default(),
        level: shape.level,
        score: shape.score,
        threshold: shape.threshold,
        confidence: shape.confidence,
        numbers: shape.numbers,
        baseline: vec![("limit", Node::Float(shape.threshold))],
        evidence: Vec::new(),
        technique: "",
        acn: &[],
        took: shape.took,
        seen: shape.seen,
        normal: shape.normal,
        why: shape.why,
        meaning: shape.meaning,
        advice: shape.advice,
    }
    .found()
}

/// A share that is too large: so many of so many.
pub(super) fn share(
    trouble: Trouble,
    (bad, of): (u64, u64),
    limit: f64,
    took: Duration,
    level: Level,
) -> Found {
    let part = bad as f64 / of.max(1) as f64;
    let (title, seen, meaning, advice) = match trouble {
        Trouble::Dropped => dropped(bad, of, part, took),
        Trouble::Gaps => gaps(bad, of, part, took),
        _ => one_sided(bad, of, part, took),
    };
    let most = percent(limit);
    told(Shape {
        trouble,
        title,
        level,
        score: part,
        threshold: limit,
        // Of few connections one host that misbehaves may make up many.
        confidence: if level > Level::Low { 0.95 } else { 0.8 },
        numbers: vec![("bad", Node::Int(bad)), ("all", Node::Int(of))],
        took,
        seen,
        normal: Said::new(
            format!("Di norma la quota resta sotto {}.", most.it),
            format!("Normally the share stays below {}.", most.en),
        ),
        why: Said::new(format!("contati {bad} su {of}"), format!("{bad} of {of} counted")),
        meaning,
        advice,
    })
}

type Parts = (String, Said, Said, Said);

fn dropped(bad: u64, of: u64, part: f64, took: Duration) -> Parts {
    let (lost, part, span) = (
        count(bad, ["pacchetto perso", "pacchetti persi"], ["packet lost", "packets lost"]),
        percent(part),
        span(took),
    );
    (
        format!("The sensor loses packets: {} of all", part.en),
        Said::new(
            format!(
                "Il sensore ha perso pacchetti: {} su {of} ({}) in {}.",
                lost.it, part.it, span.it
            ),
            format!("The sensor lost packets: {} of {of} ({}) in {}.", lost.en, part.en, span.en),
        ),
        Said::new(
            "Il traffico arriva più in fretta di quanto venga esaminato: parte degli attacchi può \
             sfuggire.",
            "Traffic comes faster than it is examined: some attacks may be missed.",
        ),
        Said::new(
            "verificare il carico della macchina e che non vi girino altri programmi; aumentare \
             i thread o la memoria di cattura; togliere dalla porta SPAN le VLAN che non servono.",
            "check the load of the machine, and that nothing else runs on it; give it more \
             threads or memory for capture; take VLANs that are not needed off the SPAN port.",
        ),
    )
}

fn gaps(bad: u64, of: u64, part: f64, took: Duration) -> Parts {
    let (lost, part, span) = (
        count(bad, ["connessione", "connessioni"], ["connection", "connections"]),
        percent(part),
        span(took),
    );
    (
        format!("Bytes are missing in {} of the connections", part.en),
        Said::new(
            format!("In {} su {of} ({}) mancano dei dati, in {}.", lost.it, part.it, span.it),
            format!("In {} of {of} ({}) bytes are missing, within {}.", lost.en, part.en, span.en),
        ),
        Said::new(
            "I pacchetti passano in rete ma non arrivano al sensore: di solito la porta SPAN \
             riceve più di quanto possa trasmettere, e lo switch scarta il resto.",
            "Packets go over the network but do not reach the sensor: usually the SPAN port gets \
             more than it can send, and the switch drops the rest.",
        ),
        Said::new(
            "sullo switch guardare i contatori di scarto della porta SPAN; copiarvi meno porte o \
             VLAN, oppure usare una porta più veloce; controllare il cavo.",
            "on the switch look at the drop counters of the SPAN port; mirror fewer ports or \
             VLANs to it, or use a faster port; check the cable.",
        ),
    )
}

fn one_sided(bad: u64, of: u64, part: f64, took: Duration) -> Parts {
    let (half, part, span) = (
        count(bad, ["connessione", "connessioni"], ["connection", "connections"]),
        percent(part),
        span(took),
    );
    (
        format!("Only one direction is seen of {} of the connections", part.en),
        Said::new(
            format!(
                "Di {} su {of} ({}) si vede una sola direzione, in {}.",
                half.it, part.it, span.it
            ),
            format!(
                "Of {} of {of} ({}) only one direction is seen, within {}.",
                half.en, part.en, span.en
            ),
        ),
        Said::new(
            "Il sensore sente una sola metà dei dialoghi: molte regole e molti rilevatori non \
             possono funzionare.",
            "The sensor hears one half of the conversations: many rules and detectors cannot \
             work.",
        ),
        Said::new(
            "sullo switch verificare che la porta SPAN copi entrambe le direzioni (both, non \
             solo rx o tx); con due linee o due router, copiarli entrambi; con un TAP, collegare \
             entrambe le uscite.",
            "on the switch check that the SPAN port mirrors both directions (both, not rx or tx \
             alone); with two lines or routers mirror both; with a TAP connect both outputs.",
        ),
    )
}

/// Nothing came for so long.
pub(super) fn silence(silent: Duration, limit: Duration, level: Level) -> Found {
    let (long, most) = (span(silent), span(limit));
    told(Shape {
        trouble: Trouble::Silence,
        title: format!("The link is silent for {}", long.en),
        level,
        score: silent.as_secs_f64(),
        threshold: limit.as_secs_f64(),
        confidence: if level > Level::Low { 0.95 } else { 0.7 },
        numbers: vec![("seconds", Node::Float(silent.as_secs_f64()))],
        took: silent,
        seen: Said::new(
            format!("Il sensore non riceve traffico da {}.", long.it),
            format!("The sensor has got no traffic for {}.", long.en),
        ),
        normal: Said::new(
            format!("Prima il traffico era continuo; si tollerano {}.", most.it),
            format!("Before, traffic was steady; {} are tolerated.", most.en),
        ),
        why: Said::new(
            "anche di notte una rete manda qualche pacchetto",
            "even at night a network sends some packets",
        ),
        meaning: Said::new(
            "La copia del traffico è interrotta, oppure la rete stessa è ferma. Finché dura, il \
             sensore è cieco.",
            "The copy of the traffic is interrupted, or the network itself is down. As long as it \
             lasts the sensor is blind.",
        ),
        advice: Said::new(
            "controllare cavo e spia della porta SPAN; sullo switch verificare che la sessione di \
             mirroring sia ancora configurata (si perde spesso con un riavvio); verificare che \
             gli utenti navighino.",
            "check cable and light of the SPAN port; on the switch make sure that the mirror \
             session is still configured (it is often lost in a restart); check that users can \
             still work.",
        ),
    })
}

/// Packets are stamped so much earlier than others before them.
pub(super) fn clock(earlier: Duration, limit: Duration) -> Found {
    let (back, most) = (span(earlier), span(limit));
    told(Shape {
        trouble: Trouble::Clock,
        title: format!("The clock went back by {}", back.en),
        level: Level::Low,
        score: earlier.as_secs_f64(),
        threshold: limit.as_secs_f64(),
        confidence: 0.9,
        numbers: vec![("seconds", Node::Float(earlier.as_secs_f64()))],
        took: Duration::default(),
        seen: Said::new(
            format!("L'ora dei pacchetti è tornata indietro di {}.", back.it),
            format!("The time of the packets went back by {}.", back.en),
        ),
        normal: Said::new(
            format!("Di norma l'ora va avanti; si tollerano {}.", most.it),
            format!("Normally time goes forward; {} are tolerated.", most.en),
        ),
        why: Said::new("lo mostrano molti pacchetti di seguito", "many packets in a row show it"),
        meaning: Said::new(
            "L'orologio del sensore è stato spostato, oppure il file di cattura non è in ordine: \
             gli orari dei giudizi possono essere sbagliati.",
            "The sensor's clock was set, or the capture file is not in order: the times of \
             findings may be wrong.",
        ),
        advice: Said::new(
            "verificare che il sensore sia sincronizzato con un server NTP e che fuso orario e \
             data siano giusti.",
            "make sure that the sensor is synchronised with an NTP server, and that time zone \
             and date are right.",
        ),
    })
}

/// What it means that the home networks of a version of IP are not the site's.
fn untold(family: &str) -> Said {
    Said::new(
        format!(
            "Il sensore non sa quali indirizzi {family} sono dell'ente. Intanto prende per suo chi \
                 inizia una conversazione: così può sbagliare su chi attacca e chi subisce."
        ),
        format!(
            "The sensor does not know which addresses of {family} are the site's. Meanwhile it takes \
                 whoever begins a conversation for one of its hosts, and may be wrong about who attacks \
                 whom."
        ),
    )
}

/// So many conversations over a version of IP have an end in the home networks, and so many have none: all
/// but all of them, or a part.
pub(super) fn networks(family: &str, [with, without]: [u64; 2], partly: bool) -> Found {
    let all = with.saturating_add(without);
    let share = without as f64 / all.max(1) as f64;
    let example = if family == FAMILIES[0] { "203.0.113.0/24" } else { "2001:db8:1::/48" };
    let many =
        count(without, ["conversazione", "conversazioni"], ["conversation", "conversations"]);
    told(Shape {
        trouble: Trouble::Networks,
        title: if partly {
            format!("Some networks of {family} that are seen here are not among the home networks")
        } else {
            format!("The home networks of {family} are not those of this site")
        },
        level: if partly { Level::Info } else { Level::Low },
        score: share,
        threshold: if partly { PART_SHARE } else { STRANGE_SHARE },
        confidence: 0.9,
        numbers: vec![("with", Node::Int(with)), ("without", Node::Int(without))],
        took: Duration::default(),
        seen: Said::new(
            format!(
                "{} {family} su {all} non hanno alcun capo nelle reti di casa (HOME_NET).",
                many.it
            ),
            format!(
                "{} over {family} of {all} have no end in the home networks (HOME_NET).",
                many.en
            ),
        ),
        normal: Said::new(
            "Di norma quasi ogni conversazione che passa dal sensore ha un capo nelle reti di casa.",
            "Normally nearly every conversation that passes the sensor has an end in the home \
             networks.",
        ),
        why: Said::new(format!("solo {with} ne hanno uno"), format!("only {with} have one")),
        meaning: if partly {
            Said::new(
                "O mancano delle reti dell'ente, e di chi vi abita non si dice se manda fuori dati o chiama \
                 regolarmente qualcuno; o il sensore vede passare anche traffico di altri.",
                "Either networks of the site are missing, and of their hosts it is not told whether they carry \
                 data out or regularly call somebody; or the sensor sees traffic of others pass.",
            )
        } else {
            untold(family)
        },
        advice: Said::new(
            format!(
                "scrivere le reti dell'ente in rivellino.toml, tutte e di entrambe le versioni (home-net = \
                 [\"192.168.0.0/16\", \"{example}\"]), o indicarle con --home-net."
            ),
            format!(
                "write the networks of the site into rivellino.toml, all of them and of both versions \
                 (home-net = [\"192.168.0.0/16\", \"{example}\"]), or give them with --home-net."
            ),
        ),
    })
}
