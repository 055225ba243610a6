//! What is said of an incident, in Italian and English: what happened in order, how sure, what to
//! do now.

use std::net::IpAddr;

use super::case::{Case, DETECTORS_FROM, THRESHOLD};
use super::{Stage, headline};
use crate::anomaly::words::{count, host, percent, printable};
use crate::anomaly::{Known, Said, Site};
use crate::net::Endpoint;
use crate::record::{Body, Cause, Context, Incident, Level, Notice, Turn};
use crate::time::Timestamp;

/// Hosts named in a sentence; the rest is told as a number.
pub(super) const HOSTS_NAMED: usize = 3;
/// Steps told in a sentence; the rest is told as a number.
const STEPS_TOLD: usize = 8;

/// What all sentences need to know.
pub(super) struct About<'a> {
    pub(super) now: Timestamp,
    pub(super) known: &'a Known,
    pub(super) site: &'a Site,
}

/// The record of an incident as it stands.
pub(super) fn told(case: &Case, turn: Turn, notice: Notice, about: &About<'_>) -> (Context, Body) {
    let [source, destination] =
        headline::ends(case).map(|address| address.map(|addr| Endpoint { addr, port: 0 }));
    let context = Context {
        flow_id: None,
        source,
        destination,
        protocol: 0,
        ip_version: 0,
        vlan: [0; crate::net::VLAN_LAYERS_MAX],
        icmp: None,
    };
    let (title, explain) = (headline::title(case, about), explain(case, turn, about));
    let incident = Incident {
        id: case.id.clone(),
        turn,
        level: case.level(),
        score: (case.score(about.now) * 10.0).round() / 10.0,
        threshold: THRESHOLD,
        confidence: (case.confidence() * 100.0).round() / 100.0,
        notice,
        title_it: title.it,
        title_en: title.en,
        sources: case.sources.list().to_vec(),
        sources_total: case.sources.total(),
        targets: case.targets.list().to_vec(),
        targets_total: case.targets.total(),
        stages: case.stages.keys().map(|stage| stage.name()).collect(),
        first: case.first,
        last: case.last,
        timeline: case.timeline.clone(),
        timeline_omitted: case.omitted,
        causes: case.causes.clone(),
        causes_omitted: case.causes_omitted,
        evidence: case.evidence.clone(),
        techniques: case.techniques.clone(),
        acn: case.acn.clone(),
        explain_it: explain.it,
        explain_en: explain.en,
    };
    (context, Body::Incident(Box::new(incident)))
}

fn explain(case: &Case, turn: Turn, about: &About<'_>) -> Said {
    let (turn, time, ends) = (turned(case, turn), when(case), ends(case, about));
    let (steps, stages, sure, advice) =
        (steps(case), stages(case), sureness(case), advice(case, about));
    Said::new(
        format!(
            "{}{} {}. In ordine: {}.{} Sicurezza del giudizio: {}. Che cosa fare ora: {}",
            turn.it, time.it, ends.it, steps.it, stages.it, sure.it, advice.it
        ),
        format!(
            "{}{} {}. In order: {}.{} Confidence: {}. What to do now: {}",
            turn.en, time.en, ends.en, steps.en, stages.en, sure.en, advice.en
        ),
    )
}

/// What is new, before the rest.
fn turned(case: &Case, turn: Turn) -> Said {
    let level = level(case.level());
    match turn {
        Turn::Opened | Turn::End => Said::default(),
        Turn::Graver => Said::new(
            format!("L'incidente si è aggravato: ora è di livello {}. ", level.it),
            format!("The incident has become graver: its level is now {}. ", level.en),
        ),
        Turn::Stage => Said::new(
            "L'attacco è passato a una nuova fase. ",
            "The attack has come to a new stage. ",
        ),
        Turn::Spread => Said::new(
            "Una macchina attaccata ora attacca a sua volta. ",
            "A machine that was attacked now attacks others. ",
        ),
        Turn::Quiet => Said::new(
            "Da quattro ore non succede più nulla: l'incidente è chiuso. ",
            "Nothing more has happened for four hours: the incident is closed. ",
        ),
        Turn::Aged => Said::new(
            "L'incidente dura da un giorno: qui si chiude, e se continua se ne apre un altro. ",
            "The incident has lasted for a day: it is closed here, and what goes on opens another. ",
        ),
        Turn::Displaced => Said::new(
            "Ci sono troppi incidenti insieme: questo, fermo da più tempo, non è più seguito. ",
            "There are too many incidents at once: this one, quiet for longest, is no longer followed. ",
        ),
    }
}

/// As people say it.
pub(super) fn level(level: Level) -> Said {
    match level {
        Level::Info => Said::new("informativo", "info"),
        Level::Low => Said::new("basso", "low"),
        Level::Medium => Said::new("medio", "medium"),
        Level::High => Said::new("alto", "high"),
        Level::Critical => Said::new("critico", "critical"),
    }
}

/// A day in both languages; Italian has its article: `il 12/03/2025`, but `l'11/03/2025`.
fn day(at: Timestamp, article: [&str; 2]) -> Said {
    let [year, month, day, ..] = at.civil();
    // Only eight and eleven begin with a vowel.
    let [full, elided] = article;
    let article = if matches!(day, 8 | 11) { elided } else { full };
    Said::new(format!("{article}{day:02}/{month:02}/{year}"), format!("{year}-{month:02}-{day:02}"))
}

fn clock(at: Timestamp) -> String {
    let [.., hour, minute, _, _] = at.civil();
    format!("{hour:02}:{minute:02}")
}

/// Days since the Unix epoch, UTC.
const fn day_number(at: Timestamp) -> u64 {
    at.seconds() / 86_400
}

/// `L'11/03/2025 dalle 10:32 alle 11:05 (UTC)`.
fn when(case: &Case) -> Said {
    let (from, to) = (clock(case.first), clock(case.last));
    if day_number(case.first) != day_number(case.last) {
        let of = |at| day(at, ["del ", "dell'"]);
        let (first, last) = (of(case.first), of(case.last));
        return Said::new(
            format!("Dalle {from} {} alle {to} {} (UTC)", first.it, last.it),
            format!("From {} {from} to {} {to} (UTC)", first.en, last.en),
        );
    }
    let on = day(case.first, ["Il ", "L'"]);
    if from == to {
        return Said::new(
            format!("{} alle {from} (UTC)", on.it),
            format!("On {} at {from} (UTC)", on.en),
        );
    }
    Said::new(
        format!("{} dalle {from} alle {to} (UTC)", on.it),
        format!("On {} from {from} to {to} (UTC)", on.en),
    )
}

/// Who acted on whom.
fn ends(case: &Case, about: &About<'_>) -> Said {
    let who = hosts(case.sources.list(), case.sources.total(), about);
    match (who, targets(case, about)) {
        (Some(who), Some(whom)) => Said::new(
            format!("{} verso {}", who.it, whom.it),
            format!("{} towards {}", who.en, whom.en),
        ),
        (Some(who), None) => who,
        (None, Some(whom)) => Said::new(
            format!("sconosciuti verso {}", whom.it),
            format!("unknown towards {}", whom.en),
        ),
        (None, None) => Said::new("la rete nel suo insieme", "the network as a whole"),
    }
}

/// Those who were attacked; one that attacks too is named among the attackers alone.
fn targets(case: &Case, about: &About<'_>) -> Option<Said> {
    let sources = case.sources.list();
    let only: Vec<IpAddr> =
        case.targets.list().iter().copied().filter(|target| !sources.contains(target)).collect();
    let both = (case.targets.list().len() - only.len()) as u64;
    hosts(&only, case.targets.total().saturating_sub(both), about)
}

pub(super) fn hosts(list: &[IpAddr], total: u64, about: &About<'_>) -> Option<Said> {
    let named = list.iter().take(HOSTS_NAMED).map(|address| name(*address, about));
    let named: Vec<String> = named.collect();
    let text = named.join(", ");
    let more = total.saturating_sub(named.len() as u64);
    if named.is_empty() {
        return None;
    }
    if more == 0 {
        return Some(Said::same(text));
    }
    let more = count(more, ["altra macchina", "altre macchine"], ["other host", "other hosts"]);
    Some(Said::new(format!("{text} e {}", more.it), format!("{text} and {}", more.en)))
}

pub(super) fn name(address: IpAddr, about: &About<'_>) -> String {
    host(Some(Endpoint { addr: address, port: 0 }), about.known)
}

/// `alle 10:32 scansione di porte; ...`, with the day when there are several.
fn steps(case: &Case) -> Said {
    let one_day = day_number(case.first) == day_number(case.last);
    let step = |cause: &Cause| {
        let time = clock(cause.first);
        let on = match one_day {
            true => Said::default(),
            false => {
                let day = day(cause.first, ["il ", "l'"]);
                Said::new(format!("{} ", day.it), format!("on {} ", day.en))
            }
        };
        let (deed, times) =
            (deed(cause), count(cause.count, ["volta", "volte"], ["time", "times"]));
        let times = if cause.count > 1 {
            Said::new(format!(" ({})", times.it), format!(" ({})", times.en))
        } else {
            Said::default()
        };
        Said::new(
            format!("{}alle {time} {}{}", on.it, deed.it, times.it),
            format!("{}at {time} {}{}", on.en, deed.en, times.en),
        )
    };
    let steps: Vec<Said> = case.causes.iter().take(STEPS_TOLD).map(step).collect();
    let join = |pick: fn(&Said) -> &str| steps.iter().map(pick).collect::<Vec<_>>().join("; ");
    let more = case.causes.len().saturating_sub(STEPS_TOLD) as u64;
    let (it, en) = (join(|said| &said.it), join(|said| &said.en));
    if more == 0 {
        return Said::new(it, en);
    }
    let more = count(more, ["altro segnale", "altri segnali"], ["other sign", "other signs"]);
    Said::new(format!("{it}; e {}", more.it), format!("{en}; and {}", more.en))
}

/// What a detector or rule stands for.
pub(super) fn deed(cause: &Cause) -> Said {
    if cause.gid < DETECTORS_FROM {
        let message = printable(&cause.name);
        let message_it = Some(printable(&cause.name_it)).filter(|text| !text.is_empty());
        let message_it = message_it.as_ref().unwrap_or(&message);
        return Said::new(format!("firma «{message_it}»"), format!("signature \"{message}\""));
    }
    let (it, en) = match cause.name.as_str() {
        "scan" => ("scansione di porte", "port scan"),
        "sweep" => ("ricerca a tappeto di macchine", "sweep for hosts"),
        "bruteforce" => ("password provate una dopo l'altra", "password guessing"),
        "spray" => ("stesse password provate su molti account", "password spraying"),
        "flood" => ("inondazione di traffico", "flood of traffic"),
        "amplification" => ("attacco di risposte amplificate", "attack of amplified answers"),
        "beacon" => ("contatti regolari con uno stesso server", "regular calls to one server"),
        "long-connection" => ("connessione insolitamente lunga", "unusually long connection"),
        "exfiltration" => ("uscita di dati", "data carried out"),
        "dns-tunnel" => ("dati nascosti nelle richieste DNS", "data hidden in DNS requests"),
        "dga" => {
            ("ricerca di nomi generati da un programma", "names made up by a program looked up")
        }
        "covert-tunnel" => ("dati nascosti nei messaggi ICMP", "data hidden in ICMP messages"),
        "mining" => ("produzione di criptovaluta", "cryptocurrency mining"),
        "mismatch" => (
            "protocollo fuori dalla sua porta o travestito",
            "protocol off its port or in disguise",
        ),
        "forest" => ("conversazione insolita", "unusual conversation"),
        "lateral" => {
            ("amministrazione a distanza di altre macchine", "remote administration of other hosts")
        }
        "mass-change" => ("modifica di massa di file condivisi", "mass change of shared files"),
        "cleartext" => ("password o dati senza protezione", "passwords or data without protection"),
        "spoofing" => ("indirizzi di rete falsificati", "forged network addresses"),
        "novelty" => ("macchina o comando mai visto prima", "host or command never seen before"),
        "volume" => ("quantità di traffico insolita", "unusual amount of traffic"),
        "indicator" => ("contatto con ciò che altri segnalano", "contact with what others report"),
        "health" => ("il sensore non vede tutto", "the sensor does not see everything"),
        other => (other, other),
    };
    Said::new(it, en)
}

fn stages(case: &Case) -> Said {
    if case.stages.is_empty() {
        return Said::default();
    }
    let said: Vec<Said> = case.stages.keys().map(|stage| stage.words()).collect();
    let join = |pick: fn(&Said) -> &str| said.iter().map(pick).collect::<Vec<_>>().join(", ");
    let head = if said.len() == 1 { "Fase dell'attacco" } else { "Fasi dell'attacco" };
    let head_en = if said.len() == 1 { "Stage of the attack" } else { "Stages of the attack" };
    Said::new(
        format!(" {head}: {}.", join(|said| &said.it)),
        format!(" {head_en}: {}.", join(|said| &said.en)),
    )
}

fn sureness(case: &Case) -> Said {
    let sure = percent(case.confidence());
    let signatures = case.causes.iter().all(|cause| cause.gid < DETECTORS_FROM);
    let voices = case.voices() as u64;
    let why = match voices {
        _ if signatures => Said::new(
            "lo dicono solo firme, che possono scambiare per attacco ciò che gli somiglia",
            "signatures alone say so, which may take for an attack what looks like one",
        ),
        0 | 1 => Said::new("lo dice un solo rivelatore", "one detector says so"),
        _ => Said::new(
            format!("{voices} giudizi diversi concordano"),
            format!("{voices} different judgements agree"),
        ),
    };
    Said::new(format!("{} ({})", sure.it, why.it), format!("{} ({})", sure.en, why.en))
}

/// That of the gravest finding, else by the furthest stage that a clue of medium or more has reached.
fn advice(case: &Case, about: &About<'_>) -> Said {
    let firm = case.stages.iter().filter(|(_, level)| **level >= Level::Medium);
    let furthest = firm.map(|(stage, _)| *stage).next_back();
    let furthest = furthest.or_else(|| case.stages.keys().next_back().copied());
    // The detector knows best, unless something else has come further.
    if let Some(advice) = case.advice.as_ref().filter(|advice| advice.stage >= furthest) {
        let [it, en] = &advice.words;
        return Said::new(it.as_str(), en.as_str());
    }
    let ours = |address: &&IpAddr| about.site.is_home(**address);
    let inside: Vec<IpAddr> = case.sources.list().iter().filter(ours).copied().collect();
    let outside: Vec<IpAddr> =
        case.sources.list().iter().filter(|address| !ours(address)).copied().collect();
    if case.sources.total() + case.targets.total() == 0 {
        return Said::new(
            "seguire il consiglio che accompagna la prima segnalazione.",
            "follow the advice that comes with the first finding.",
        );
    }
    if inside.is_empty() {
        let total = case.sources.total();
        return from_outside(furthest, hosts(&outside, total, about), targets(case, about));
    }
    let total = case.sources.total().saturating_sub(outside.len() as u64);
    let who = hosts(&inside, total, about).unwrap_or_default();
    from_inside(furthest, &who)
}

/// What to do about attackers from outside.
fn from_outside(furthest: Option<Stage>, who: Option<Said>, whom: Option<Said>) -> Said {
    let who = who.unwrap_or_else(|| Said::new("chi attacca", "who attacks"));
    let whom = whom.unwrap_or_else(|| Said::new("le proprie macchine", "your hosts"));
    let block = Said::new(
        format!("bloccare {} sul firewall", who.it),
        format!("block {} on the firewall", who.en),
    );
    let then = match furthest {
        None | Some(Stage::Reconnaissance) => Said::new(
            "se insiste, e chiudere le porte che non devono essere raggiungibili da Internet."
                .to_owned(),
            "if it goes on, and close ports that need not be reached from the Internet.".to_owned(),
        ),
        Some(Stage::CredentialAccess) => Said::new(
            format!(
                "; verificare che nessuno sia entrato in {} e attivare il secondo fattore.",
                whom.it
            ),
            format!("; make sure that nobody got into {} and turn on a second factor.", whom.en),
        ),
        Some(Stage::Impact) => {
            return Said::new(
                "chiedere aiuto al fornitore della connessione: un traffico di questa mole si \
                 ferma solo da lui.",
                "ask the provider of the connection for help: traffic of this size can be stopped \
                 only there.",
            );
        }
        Some(_) => Said::new(
            format!(
                "; controllare {}: aggiornamenti mancanti, programmi e account nuovi; se qualcosa non torna, \
                 scollegare dalla rete senza spegnere.",
                whom.it
            ),
            format!(
                "; check {}: missing updates, new programs and accounts; if something is wrong, \
                 disconnect from the network without switching off.",
                whom.en
            ),
        ),
    };
    let space = |text: &str| if text.starts_with(';') { "" } else { " " };
    Said::new(
        format!("{}{}{}", block.it, space(&then.it), then.it),
        format!("{}{}{}", block.en, space(&then.en), then.en),
    )
}

/// What to do about our own machines that act like attackers.
fn from_inside(furthest: Option<Stage>, who: &Said) -> Said {
    let (it, en) = (&who.it, &who.en);
    match furthest {
        None => Said::new(
            format!("chiedere a chi usa {it} che cosa stava facendo, quando c'è tempo."),
            format!("ask who uses {en} what they were doing, when there is time."),
        ),
        Some(Stage::Reconnaissance) => Said::new(
            format!(
                "chiedere a chi usa {it} se era un controllo voluto (in tal caso scriverlo tra gli scanner \
                 autorizzati); se nessuno ne sa nulla, scollegare dalla rete e controllare."
            ),
            format!(
                "ask who uses {en} whether it was a check on purpose (if so, write it down as an authorised \
                 scanner); if nobody knows of it, take it off the network for a check."
            ),
        ),
        Some(Stage::InitialAccess | Stage::CredentialAccess | Stage::LateralMovement) => Said::new(
            format!(
                "verificare subito con chi usa {it}; se non era un lavoro di amministrazione, scollegare \
                 dalla rete senza spegnere e cambiare le password usate lì."
            ),
            format!(
                "check at once with who uses {en}; unless it was work of administration, disconnect \
                 from the network without switching off and change the passwords used there."
            ),
        ),
        Some(Stage::CommandAndControl | Stage::Exfiltration) => Said::new(
            format!(
                "scollegare {it} dalla rete senza spegnere, cercare programmi sconosciuti e cambiare le password \
                 usate lì; chiedersi quali dati sono usciti."
            ),
            format!(
                "disconnect {en} from the network without switching off, look for unknown programs and \
                 change the passwords used there; ask which data left."
            ),
        ),
        Some(Stage::ProcessControl) => Said::new(
            format!(
                "chiamare chi gestisce l'impianto: il comando di {it} era voluto? Se no, scollegare e controllare \
                 sul posto i valori dei dispositivi."
            ),
            format!(
                "call who runs the plant: was the command of {en} meant? If not, disconnect and check the \
                 devices' values on site."
            ),
        ),
        Some(Stage::Impact) => Said::new(
            format!(
                "scollegare subito {it} dalla rete senza spegnere, verificare che le copie di sicurezza siano \
                 intatte e scollegate, poi avvisare il responsabile."
            ),
            format!(
                "disconnect {en} from the network at once without switching off, make sure that backups are \
                 intact and offline, then tell whoever is in charge."
            ),
        ),
    }
}
