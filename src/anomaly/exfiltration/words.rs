//! What a finding of data that leaves says.

use super::KIND;
use super::thief::{Handover, Way};
use super::volume::{Upload, Usual};
use crate::anomaly::words::{amount, host, number, printable, span};
use crate::anomaly::{Found, Judgement, Known, Said};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::Timestamp;

/// What all findings need to know.
pub(super) struct About<'a> {
    /// Source is who sends.
    pub(super) context: Context,
    pub(super) at: Timestamp,
    pub(super) known: &'a Known,
    pub(super) level: Level,
    /// What makes a finding: bytes, or one handover.
    pub(super) least: f64,
}

impl About<'_> {
    fn ends(&self) -> (String, String) {
        (host(self.context.source, self.known), host(self.context.destination, self.known))
    }
}

const ACN: &[&str] = &["acn:impact=\"data-exfiltration\""];

/// The finding of an upload.
pub(super) fn upload(upload: &Upload, usual: &Usual, about: &About<'_>) -> Found {
    let (source, peer) = about.ends();
    let took = upload.last.since(upload.first);
    let [up, down] = upload.bytes;
    let port = about.context.destination.map_or(0, |end| end.port);
    let confidence = match about.level {
        Level::High => 0.85,
        Level::Medium => 0.7,
        _ => 0.4,
    };
    Judgement {
        kind: &KIND,
        sid: 1,
        title: format!("Large upload of {source} to {peer}"),
        context: about.context,
        level: about.level,
        score: up as f64,
        threshold: about.least,
        confidence,
        numbers: vec![
            ("bytes_out", Node::Int(up)),
            ("bytes_in", Node::Int(down)),
            ("bytes_by_night", Node::Int(upload.by_night)),
            ("deviations", Node::Float(usual.z.unwrap_or(0.0))),
            ("port", Node::Int(port.into())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("bytes_out_max", Node::Float(about.least)),
            ("days_before", Node::Int(usual.days.into())),
            ("bytes_in_a_day_max", Node::Int(usual.most)),
        ],
        evidence: upload.evidence.clone(),
        technique: "T1048",
        acn: if about.level > Level::Low { ACN } else { &[] },
        took,
        seen: seen(upload, usual, about),
        normal: normal(usual, about.least),
        why: why(upload, usual, about.level),
        meaning: if about.level > Level::Low {
            Said::new(
                "Possono essere dati dell'ente che qualcuno sta portando via, anche prima di un \
                 ricatto; oppure un invio voluto che nessuno ha segnalato.",
                "It may be the office's data that somebody is taking away, perhaps before \
                 blackmail; or something sent on purpose that nobody has told about.",
            )
        } else {
            Said::new(
                "A giudicare dal nome è una copia o un servizio in uso negli uffici.",
                "By its name it is a copy or a service that offices use.",
            )
        },
        advice: Said::new(
            format!(
                "chiedere a chi usa {source} se l'invio a {peer} è voluto; se non lo è, bloccare \
                 {peer} sul firewall, staccare {source} dalla rete senza spegnerla e stabilire \
                 quali dati sono usciti (possono essere dati personali: avvisare il DPO)."
            ),
            format!(
                "ask who uses {source} whether sending to {peer} is meant; if it is not, block \
                 {peer} on the firewall, take {source} off the network without switching it off \
                 and find out which data left (it may be personal data: tell the data protection \
                 officer)."
            ),
        ),
    }
    .found()
}

fn seen(upload: &Upload, usual: &Usual, about: &About<'_>) -> Said {
    let (source, peer) = about.ends();
    let [up, down] = upload.bytes.map(amount);
    let took = span(upload.last.since(upload.first));
    let store = if usual.is_store {
        Said::new(
            format!(" {source} è un server su cui altre macchine tengono i loro dati."),
            format!(" {source} is a server on which other machines keep their data."),
        )
    } else {
        Said::default()
    };
    Said::new(
        format!(
            "{source} ha mandato {} a {peer} in {}, ricevendone {}.{}",
            up.it, took.it, down.it, store.it
        ),
        format!(
            "{source} sent {} to {peer} in {} and received {}.{}",
            up.en, took.en, down.en, store.en
        ),
    )
}

fn normal(usual: &Usual, least: f64) -> Said {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an amount")]
    let least = amount(least as u64);
    if usual.days == 0 {
        return Said::new(
            format!(
                "A quella destinazione non erano mai stati mandati molti dati; la soglia è {}.",
                least.it
            ),
            format!("Never before was much sent to that place; the threshold is {}.", least.en),
        );
    }
    let most = amount(usual.most);
    Said::new(
        format!("Nei giorni scorsi lì sono andati al massimo {} al giorno.", most.it),
        format!("On earlier days at most {} a day went there.", most.en),
    )
}

fn why(upload: &Upload, usual: &Usual, level: Level) -> Said {
    let mut why = if level <= Level::Low {
        Said::new(
            "il nome della destinazione è rassicurante",
            "the name of the place is reassuring",
        )
    } else if usual.days == 0 {
        Said::new("la destinazione è nuova", "the place is new")
    } else {
        Said::new("è molto più del solito", "it is far more than usual")
    };
    if upload.by_night > upload.bytes[0] / 2 {
        why.it += "; è accaduto di notte";
        why.en += "; it happened at night";
    }
    if let Some(z) = usual.z.filter(|z| *z >= 3.5) {
        let z = number(z);
        why.it += &format!("; la macchina manda di solito molto meno ({} deviazioni)", z.it);
        why.en += &format!("; the machine usually sends far less ({} deviations)", z.en);
    }
    why
}

/// The finding of something handed over.
pub(super) fn handover(of: &Handover, about: &About<'_>) -> Found {
    let (source, peer) = about.ends();
    let thief = of.lookup.is_some() || of.way == (Way::Ftp { loot: true });
    let title = match of.way {
        Way::Mail => format!("Mail handed over by {source} after a look-up of its address"),
        Way::Ftp { .. } => format!("File stored outside by FTP from {source} at {peer}"),
        Way::Robot => format!("Messages of a robot from {source} to Telegram"),
        Way::Form => format!("Form sent by {source} after a look-up of its address"),
    };
    let confidence = match about.level {
        Level::High => 0.9,
        Level::Medium => 0.7,
        _ => 0.4,
    };
    let took = of.lookup.as_ref().map(|(then, _)| about.at.since(*then));
    let service = of.lookup.as_ref().map_or("", |(_, name)| name.as_str());
    Judgement {
        kind: &KIND,
        sid: if thief { 2 } else { 3 },
        title,
        context: about.context,
        level: about.level,
        score: 1.0,
        threshold: about.least,
        confidence,
        numbers: vec![
            ("handed_over", Node::Text(of.what.iter().take(200).copied().collect())),
            ("lookup", Node::Text(service.as_bytes().to_vec())),
            ("seconds", Node::Float(took.unwrap_or_default().as_secs_f64())),
        ],
        baseline: vec![("handovers_max", Node::Int(0))],
        evidence: about.context.flow_id.into_iter().collect(),
        technique: match of.way {
            Way::Robot => "T1567",
            Way::Form => "T1041",
            _ => "T1048.003",
        },
        acn: if thief && about.level > Level::Low { ACN } else { &[] },
        took: took.unwrap_or_default(),
        seen: handed(of, &source, &peer),
        normal: Said::new(
            "Di norma i computer di un ufficio non chiedono con quale indirizzo pubblico escono, e \
             consegnano la posta soltanto al server dell'ente.",
            "Normally an office's computers do not ask under which public address they are seen, \
             and hand their mail to the office's server alone.",
        ),
        why: thief_why(of),
        meaning: if thief {
            Said::new(
                "Così i programmi che rubano password (Agent Tesla, Snake Keylogger e simili) \
                 spediscono ciò che hanno trovato sul computer.",
                "This is how programs that steal passwords (Agent Tesla, Snake Keylogger and the \
                 like) send away what they have found on a computer.",
            )
        } else {
            Said::new(
                "Può essere un lavoro voluto; ma per questa via escono anche dati rubati.",
                "It may be meant; but stolen data leaves by this way too.",
            )
        },
        advice: thief_advice(thief, &source, &peer),
    }
    .found()
}

fn handed(of: &Handover, source: &str, peer: &str) -> Said {
    let what = printable(&String::from_utf8_lossy(&of.what));
    let did = match of.way {
        Way::Mail => Said::new(
            format!("ha consegnato al server {peer} una mail del mittente {what}"),
            format!("handed the server {peer} a mail of the sender {what}"),
        ),
        Way::Ftp { .. } => Said::new(
            format!("ha caricato con FTP il file {what} sul server {peer}"),
            format!("stored the file {what} by FTP on the server {peer}"),
        ),
        Way::Robot => Said::new(
            format!("si è collegato a {what}, l'ingresso per i programmi automatici di Telegram"),
            format!("connected to {what}, the door of Telegram for robots"),
        ),
        Way::Form => Said::new(
            format!("ha inviato dati alla pagina {what} del server {peer}"),
            format!("sent data to the page {what} of the server {peer}"),
        ),
    };
    match &of.lookup {
        Some((_, service)) => {
            let service = printable(service);
            Said::new(
                format!(
                    "{source} ha chiesto a {service} il proprio indirizzo pubblico, poi {}.",
                    did.it
                ),
                format!("{source} asked {service} for its public address, then {}.", did.en),
            )
        }
        None => Said::new(format!("{source} {}.", did.it), format!("{source} {}.", did.en)),
    }
}

fn thief_why(of: &Handover) -> Said {
    match (of.way, &of.lookup, of.used) {
        (Way::Ftp { loot: true }, ..) => Said::new(
            "il nome del file è quello che usano i programmi che rubano password",
            "the file is named as stealers of passwords do",
        ),
        (_, Some(_), true) => Said::new(
            "la stessa macchina lo aveva già fatto senza chiedere l'indirizzo",
            "the same machine had done so before without a look-up",
        ),
        (_, Some(_), false) => Said::new(
            "le due azioni si seguono a breve distanza e la macchina non l'aveva mai fatto prima",
            "the two follow each other closely, and the machine had not done so before",
        ),
        (_, None, _) => Said::new("si conosce soltanto questa azione", "only this is known"),
    }
}

fn thief_advice(thief: bool, source: &str, peer: &str) -> Said {
    if thief {
        Said::new(
            format!(
                "staccare {source} dalla rete, cambiare da un'altra macchina tutte le password \
                 usate su di essa (posta, SPID, banche, gestionali), bloccare {peer} sul firewall \
                 e controllare la macchina."
            ),
            format!(
                "take {source} off the network, change from another machine all passwords that \
                 were used on it (mail, SPID, banks, office programs), block {peer} on the \
                 firewall and check the machine."
            ),
        )
    } else {
        Said::new(
            format!(
                "chiedere a chi usa {source} se è voluto; FTP manda anche la password in chiaro."
            ),
            format!(
                "ask who uses {source} whether it is meant; FTP sends even the password in clear."
            ),
        )
    }
}
