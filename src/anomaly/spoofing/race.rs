//! Questions to a name server that somebody else answers first, or wants to.

use std::net::IpAddr;

use super::told::Told;
use super::{KIND, sent};
use crate::anomaly::known::Vlan;
use crate::anomaly::stats::Recent;
use crate::anomaly::words::{count, printable};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::{Node, Tree};
use crate::record::{Context, Level, TransactionRecord};
use crate::time::{Duration, Timestamp};

/// The event of a question that was answered twice, and differently.
const ANSWERS_DIFFER: &str = "answers_differ";
/// The event of a question that got many answers which guess its identifier.
const IDENTIFIER_GUESSED: &str = "identifier_guessed";
/// Name servers remembered.
const SERVERS_MAX: usize = 256;
/// Such questions count together within this time.
const SPAN: Duration = Duration::from_secs(3600);
/// So many are no chance.
const MANY: u64 = 3;
/// After many the next finding comes at so many times as many.
const GROWTH: u64 = 10;
/// Addresses of an answer that are shown.
const SHOWN_MAX: usize = 4;

/// What was seen of a name server.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Raced {
    since: Timestamp,
    questions: u64,
    /// How many there were at the last finding.
    told: u64,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Races {
    servers: Recent<(Vlan, IpAddr, Trick), Raced>,
    told: Told,
    /// The flow whose next message of DNS is the answer that tells.
    waits: Option<(u64, Trick)>,
}

/// How somebody answers in a server's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
enum Trick {
    /// Sooner than the server: the true answer comes too.
    Faster,
    /// Blindly, with many identifiers.
    Guessing,
}

impl Races {
    pub(super) const fn new() -> Self {
        Self { servers: Recent::new(SERVERS_MAX), told: Told::new(), waits: None }
    }

    /// An event: the message that it is of comes next.
    pub(super) fn event(&mut self, name: &str, context: &Context) {
        let trick = match name {
            ANSWERS_DIFFER => Trick::Faster,
            IDENTIFIER_GUESSED => Trick::Guessing,
            _ => return,
        };
        self.waits = context.flow_id.map(|flow| (flow, trick));
    }

    /// A message; the finding when it was the answer that tells, once for a server, and again when there
    /// are many.
    pub(super) fn message(
        &mut self,
        context: &Context,
        transaction: &TransactionRecord,
        at: Timestamp,
    ) -> Option<Found> {
        let (flow, trick) = self.waits.filter(|(flow, _)| context.flow_id == Some(*flow))?;
        self.waits = None;
        let mut answer = Answer::default();
        transaction.transaction.describe(&mut answer);
        let [server, asker] = sent(context, transaction)?;
        let raced = self.servers.touch(&(context.vlan, server.addr, trick));
        if at.since(raced.since) > SPAN {
            *raced = Raced { since: at, ..Raced::default() };
        }
        raced.questions += 1;
        let due = match raced.told {
            0 => 1,
            1 => MANY,
            told => told.saturating_mul(GROWTH),
        };
        if raced.questions < due {
            return None;
        }
        raced.told = raced.questions;
        let (questions, took) = (raced.questions, at.since(raced.since));
        let context = Context { source: Some(server), destination: Some(asker), ..*context };
        self.told.is_due(context.vlan).then(|| {
            let frame = |shown| frame(&context, questions, (&answer, shown), flow, took);
            match trick {
                Trick::Faster => outrun(frame("second_answer"), &context, questions, &answer, flow),
                Trick::Guessing => guessed(frame("answer"), &context, questions, &answer),
            }
            .found()
        })
    }

    pub(super) fn memory(&self) -> usize {
        self.servers.memory() + self.told.memory()
    }
}

/// What findings of both tricks share; `shown` is what the answer's addresses are called.
fn frame(
    context: &Context,
    questions: u64,
    (answer, shown): (&Answer, &'static str),
    flow: u64,
    took: Duration,
) -> Judgement {
    let many = questions >= MANY;
    let name = printable(&answer.name);
    Judgement {
        kind: &KIND,
        sid: 0,
        title: String::new(),
        context: *context,
        level: if many { Level::High } else { Level::Medium },
        score: questions as f64,
        threshold: 1.0,
        confidence: if many { 0.85 } else { 0.6 },
        numbers: vec![
            ("questions", Node::Int(questions)),
            ("name", Node::Text(name.into_bytes())),
            (shown, Node::Text(answer.addresses.join(", ").into_bytes())),
        ],
        baseline: vec![("answers_per_question", Node::Int(1))],
        evidence: vec![flow],
        technique: "T1557",
        acn: &["acn:impact=\"confidentiality\""],
        took,
        seen: Said::default(),
        normal: Said::default(),
        why: Said::default(),
        meaning: Said::default(),
        advice: Said::default(),
    }
}

/// Somebody was faster.
fn outrun(
    frame: Judgement,
    context: &Context,
    questions: u64,
    answer: &Answer,
    flow: u64,
) -> Judgement {
    let (server, asker) = (address(context.source), address(context.destination));
    let name = printable(&answer.name);
    let shown = match answer.addresses.join(", ") {
        none if none.is_empty() => Said::new("non dà indirizzi", "gives no address"),
        shown => Said::new(format!("dice {shown}"), format!("says {shown}")),
    };
    let of = count(questions, ["domanda", "domande"], ["question", "questions"]);
    Judgement {
        sid: 7,
        title: format!("DNS spoofing: somebody answers in place of the name server {server}"),
        seen: Said::new(
            format!(
                "{} al server dei nomi {server}: due risposte diverse a ognuna; l'ultima domanda è di {asker} \
                 su {name}, e la seconda risposta {}.",
                of.it, shown.it
            ),
            format!(
                "{} to the name server {server}: two different answers to each; the last question is that of \
                 {asker} about {name}, and the second answer {}.",
                of.en, shown.en
            ),
        ),
        normal: Said::new(
            "Di norma a una domanda arriva una sola risposta.",
            "Normally a question gets one answer.",
        ),
        why: Said::new(
            "chi risponde al posto del server deve essere più veloce, ma non ferma la risposta vera",
            "who answers in the server's place has to be faster, but does not hold the true answer back",
        ),
        meaning: Said::new(
            "Chi falsifica le risposte porta i PC su siti propri al posto di quelli cercati. Lo stesso fa un \
             filtro della navigazione che risponde da sé.",
            "Who forges answers leads PCs to sites of their own instead of those that are looked for. A \
             filter of web access that answers by itself does the same.",
        ),
        advice: Said::new(
            format!(
                "confrontare le due risposte (record dns del flusso {flow}); se non c'è un filtro che risponde \
                 così, cercare sulla rete locale chi si mette in mezzo e non fidarsi di {name}."
            ),
            format!(
                "compare the two answers (dns records of flow {flow}); unless a filter answers so, look on the \
                 local network for who gets in between, and do not trust {name}."
            ),
        ),
        ..frame
    }
}

/// Somebody sends answers with identifiers by guess.
fn guessed(frame: Judgement, context: &Context, questions: u64, answer: &Answer) -> Judgement {
    let name = printable(&answer.name);
    let (server, asker) = (address(context.source), address(context.destination));
    let of = count(questions, ["domanda", "domande"], ["question", "questions"]);
    Judgement {
        sid: 10,
        title: format!("DNS cache poisoning: answers in the name of {server} guess identifiers"),
        seen: Said::new(
            format!(
                "{} al server dei nomi {server}: a ognuna molte risposte con identificativi sbagliati; \
                 l'ultima è di {asker} su {name}.",
                of.it
            ),
            format!(
                "{} to the name server {server}: many answers with wrong identifiers to each; the last is \
                 that of {asker} about {name}.",
                of.en
            ),
        ),
        normal: Said::new(
            "Di norma a una domanda arriva una sola risposta, con il suo identificativo.",
            "Normally a question gets one answer, with its identifier.",
        ),
        why: Said::new(
            "il server dei nomi conosce l'identificativo, chi lo prova a caso no",
            "the name server knows the identifier, who tries them at random does not",
        ),
        meaning: Said::new(
            "Chi indovina prima della risposta vera fa ricordare al server dei nomi un indirizzo falso, per \
             tutti quelli che lo usano (attacco di Kaminsky).",
            "Who guesses before the true answer comes makes the name server remember a false address, for \
             all that use it (Kaminsky's attack).",
        ),
        advice: Said::new(
            format!(
                "svuotare la cache dei nomi di {asker}; aggiornarlo, far scegliere a caso le porte e attivare \
                 DNSSEC; sul firewall scartare i pacchetti con mittente falso."
            ),
            format!(
                "empty the cache of names of {asker}; update it, let it choose ports at random and turn on \
                 DNSSEC; on the firewall drop packets with made-up senders."
            ),
        ),
        ..frame
    }
}

fn address(end: Option<crate::net::Endpoint>) -> String {
    end.map_or_else(|| "?".to_owned(), |end| end.addr.to_string())
}

/// Takes out of a message the name and the addresses.
#[derive(Default)]
struct Answer {
    name: String,
    addresses: Vec<String>,
    list: Option<bool>,
}

impl Tree for Answer {
    fn wants(&self, key: &str) -> bool {
        matches!(key, "queries" | "answers" | "rrname" | "rdata")
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        match (self.list, key) {
            (Some(false), "rrname") if self.name.is_empty() => {
                self.name = String::from_utf8_lossy(value).into_owned();
            }
            (Some(true), "rdata") if self.addresses.len() < SHOWN_MAX => {
                let text = String::from_utf8_lossy(value).into_owned();
                self.addresses.extend(text.parse::<IpAddr>().is_ok().then_some(text));
            }
            _ => {}
        }
    }

    fn int(&mut self, _: &str, _: u64) {}

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, _: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        fill(self);
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.list = match key {
            "queries" => Some(false),
            "answers" => Some(true),
            _ => return,
        };
        fill(self);
        self.list = None;
    }
}
