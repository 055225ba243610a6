//! `dga`: names made up by a program, asked for until one exists.
//!
//! Malware that makes up its meeting places (domain generation algorithms) asks for many domains
//! that nobody has registered: the server says that they do not exist. So for each client the
//! registered domains are counted that do not exist, within an hour, and how unlike words they are
//! ([`letters`]). A few long made-up names or many of any look are told.
//!
//! What is not counted: single labels (a browser asks for three random ones at its start), names
//! under the same domain (search suffixes add the site's own), services' names, the local network,
//! lists of addresses, domains that exist.

use std::net::IpAddr;

use super::domain::{self, Split};
use super::stats::{Distinct, Recent, letters};
use super::words::{count, host, number, printable, span};
use super::{
    Damaged, Detector, FieldRef, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning,
    state,
};
use crate::field::Node;
use crate::record::{Body, Level, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};

static DOMAINS_MIN: Parameter = Parameter {
    name: "domains-min",
    values: [20.0, 10.0, 6.0],
    unit: "domains",
    help: "Different domains unlike words that did not exist, within the span. Slips counts ten \
           names that do not exist.",
};
static SURPRISE_MIN: Parameter = Parameter {
    name: "surprise-min",
    values: [5.5, 5.2, 5.0],
    unit: "bits",
    help: "Mean surprise of pairs of letters from which a domain is unlike a word: under one word \
           of Italian or English in a hundred passes 5.0, nineteen in twenty random ones pass 5.3.",
};
static ANY_MIN: Parameter = Parameter {
    name: "any-min",
    values: [200.0, 100.0, 50.0],
    unit: "domains",
    help: "Different domains of any look that did not exist, within the span: names made of words.",
};
static SPAN: Parameter =
    Parameter::fixed("span", 3600.0, "seconds", "Domains are counted together for so long.");

/// Clients remembered.
const CLIENTS_MAX: usize = 1024;
/// Letters of a domain without its top-level part from which it is judged.
const LABEL_MIN: usize = 7;
/// Domains kept as examples, and flows as evidence.
const KEPT_MAX: usize = 8;
/// Bytes of an example.
const EXAMPLE_MAX: usize = 64;
/// The next finding comes when the count has grown by this factor.
const GROWTH: u64 = 10;
/// The response code that says that a name does not exist.
const NXDOMAIN: u64 = 3;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "dga",
    gid: 9109,
    help: "Domains made up by a program, most of which do not exist.",
    algorithm: "For each client, different registered domains that do not exist are counted for an \
                hour: those whose mean surprise of pairs of letters, in a model of Italian and \
                English, says that they are no words, and all of them.",
    references: &[
        "S. Yadav et al.: Detecting Algorithmically Generated Malicious Domain Names, IMC 2010",
        "MITRE ATT&CK T1568.002",
    ],
    parameters: &[&DOMAINS_MIN, &SURPRISE_MIN, &ANY_MIN, &SPAN],
    sees: &[Sort::Transaction],
    reads: &["dns"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Dga::new(site, tuning)),
};

/// The detector.
pub struct Dga {
    domains_min: u64,
    surprise_min: f64,
    any_min: u64,
    span: Duration,
    name: FieldRef,
    rcode: FieldRef,
    clients: Recent<IpAddr, Client>,
}

/// Domains of one client that did not exist.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Client {
    start: Timestamp,
    any: Distinct,
    unlike: u64,
    surprise: f64,
    examples: Vec<String>,
    evidence: Vec<u64>,
    told: u64,
}

impl Dga {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            domains_min: tuning.count(&DOMAINS_MIN),
            surprise_min: tuning.get(&SURPRISE_MIN),
            any_min: tuning.count(&ANY_MIN),
            span: tuning.seconds(&SPAN),
            name: site.field("dns", "dns.queries.rrname"),
            rcode: site.field("dns", "dns.rcode"),
            clients: Recent::new(CLIENTS_MAX),
        }
    }

    fn dns(&mut self, record: &Record, dns: &TransactionRecord, known: &Known) -> Option<Found> {
        if self.rcode.int(dns) != Some(NXDOMAIN) {
            return None;
        }
        let client = record.context.source?.addr;
        let (clients, span, least) = (&mut self.clients, self.span, self.surprise_min);
        let flow = record.context.flow_id.unwrap_or_default();
        let counted = self.name.bytes(dns, |name| {
            let Split { sub, domain } = domain::split(name)?;
            if !is_judged(sub, domain) {
                return None;
            }
            let entry = clients.touch(&client);
            if record.timestamp.since(entry.start) > span {
                *entry = Client { start: record.timestamp, ..Client::default() };
            }
            entry.add(domain, flow, least).then(|| entry.clone())
        })??;
        let (unlike, any) = (counted.unlike, counted.any.count());
        let by_look = unlike >= self.domains_min;
        let (amount, least) =
            if by_look { (unlike, self.domains_min) } else { (any, self.any_min) };
        let grown = counted.told == 0 || amount >= counted.told.saturating_mul(GROWTH);
        if amount < least || !grown {
            return None;
        }
        if let Some(entry) = self.clients.get(&client) {
            entry.told = amount;
        }
        Some(found(&counted, by_look, least, record, known))
    }
}

impl Client {
    /// Counts a domain; whether it is new.
    fn add(&mut self, domain: &[u8], flow: u64, surprise_min: f64) -> bool {
        if !self.any.insert(domain::hash(domain)) {
            return false;
        }
        let label = domain.split(|byte| *byte == b'.').next().unwrap_or_default();
        let surprise = letters::surprise(label);
        if label.len() >= LABEL_MIN && surprise >= surprise_min {
            self.unlike += 1;
            self.surprise += surprise;
            if self.examples.len() < KEPT_MAX {
                let example = domain.iter().take(EXAMPLE_MAX);
                self.examples
                    .push(String::from_utf8_lossy(&example.copied().collect::<Vec<_>>()).into());
            }
        }
        if self.evidence.len() < KEPT_MAX && !self.evidence.contains(&flow) {
            self.evidence.push(flow);
        }
        true
    }

    fn memory(&self) -> usize {
        let examples = self.examples.iter().map(|e| e.capacity() + size_of::<String>());
        self.any.memory() + examples.sum::<usize>() + self.evidence.capacity() * 8
    }
}

/// Whether a name that does not exist says something about its domain.
fn is_judged(sub: &[u8], domain: &[u8]) -> bool {
    let ends = |end: &[u8]| domain.len() > end.len() && domain.to_ascii_lowercase().ends_with(end);
    let service =
        |name: &[u8]| name.split(|byte| *byte == b'.').any(|label| label.starts_with(b"_"));
    !(domain.is_empty()
        || service(sub)
        || domain::is_reversed_address(sub)
        || [&b".arpa"[..], b".local", b".lan", b".home", b".internal", b".localdomain", b".corp"]
            .iter()
            .any(|end| ends(end)))
}

impl Detector for Dga {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Body::Transaction(transaction) = &record.body
            && transaction.protocol == "dns"
            && let Some(one) = self.dns(record, transaction, known)
        {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.clients)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.clients = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.clients.memory() + self.clients.iter().map(|(_, c)| c.memory()).sum::<usize>()
    }
}

fn found(client: &Client, by_look: bool, least: u64, record: &Record, known: &Known) -> Found {
    let who = host(record.context.source, known);
    let took = record.timestamp.since(client.start);
    let any = client.any.count();
    let mean = client.surprise / client.unlike.max(1) as f64;
    let amount = if by_look { client.unlike } else { any };
    let names = count(
        amount,
        ["dominio che non esiste", "domini diversi che non esistono"],
        ["domain that does not exist", "different domains that do not exist"],
    );
    let (span, mean_said, examples) =
        (span(took), number(mean), printable(&client.examples.join(", ")));
    Judgement {
        kind: &KIND,
        sid: if by_look { 1 } else { 2 },
        title: format!("Made-up domain names asked for by {who}"),
        context: record.context,
        // Names of any look may come from a broken list or a mail server as well.
        level: if by_look { Level::Medium } else { Level::Low },
        score: amount as f64,
        threshold: least as f64,
        confidence: if by_look { (0.6 + (mean - 5.0) / 10.0).clamp(0.5, 0.9) } else { 0.4 },
        numbers: vec![
            ("domains", Node::Int(any)),
            ("domains_unlike_words", Node::Int(client.unlike)),
            ("surprise", Node::Float(mean)),
            ("seconds", Node::Float(took.as_secs_f64())),
            ("examples", Node::List(client.examples.iter().map(|e| Node::Text(e.clone().into_bytes())).collect())),
        ],
        baseline: vec![("domains_max", Node::Int(least.saturating_sub(1)))],
        evidence: client.evidence.clone(),
        technique: "T1568.002",
        acn: &["acn:malicious-code=\"command-and-control\""],
        took,
        seen: Said::new(
            format!("{who} ha chiesto al DNS {} in {}{}.", names.it, span.it, shown(&examples, "per esempio")),
            format!("{who} asked DNS for {} in {}{}.", names.en, span.en, shown(&examples, "for instance")),
        ),
        normal: Said::new(
            "Di norma una macchina chiede nomi che esistono, fatti di parole.",
            "Normally a machine asks for names that exist, made of words.",
        ),
        why: Said::new(
            format!("i nomi si scostano dalle parole di {} bit per coppia di lettere, le parole stanno sotto 5", mean_said.it),
            format!("the names differ from words by {} bits a pair of letters, words stay under 5", mean_said.en),
        ),
        meaning: Said::new(
            "Un programma malevolo può cercare così il suo centro di comando, inventando nomi finché uno esiste. Se la macchina è il server DNS interno, il programma è su una delle macchine che lo usano.",
            "A malicious program may look for its command centre this way, making up names until one exists. If the machine is the internal DNS server, the program is on one of those that use it.",
        ),
        advice: Said::new(
            format!("controllare {who} con l'antivirus e guardare nei registri del server DNS quale macchina ha chiesto questi nomi; scollegarla se non si trova una spiegazione."),
            format!("check {who} with the antivirus and look in the DNS server's log which machine asked for these names; disconnect it if there is no explanation."),
        ),
    }
    .found()
}

fn shown(examples: &str, word: &str) -> String {
    if examples.is_empty() { String::new() } else { format!(" ({word} {examples})") }
}

#[cfg(test)]
mod tests {
    use super::super::dns_tunnel::tests::{Asked, message, site};
    use super::*;

    const CLIENT: [u8; 4] = [10, 0, 0, 5];

    fn judge(names: impl IntoIterator<Item = (u64, String)>) -> Vec<Found> {
        let mut detector = Dga::new(&site(), &Tuning::default());
        let mut found = Vec::new();
        for (seconds, name) in names {
            let answer = String::new();
            let asked = Asked { name, kind: 1, rcode: NXDOMAIN, answer };
            // Saved and loaded before each: nothing may be lost.
            let bytes = detector.save();
            assert_eq!(detector.load(&bytes), Ok(()));
            detector.record(&message(seconds, CLIENT, asked), &Known::default(), &mut found);
        }
        found
    }

    /// Letters at random, the same in every run.
    fn made_up(number: u64, letters: u64) -> String {
        let letter = |n| {
            (b'a' + (super::super::stats::distinct::mix(number * 64 + n + 1) % 26) as u8) as char
        };
        (0..letters).map(letter).collect()
    }

    #[test]
    fn made_up_domains_are_told_once() {
        let found = judge((0..60).map(|n| (n * 3, format!("{}.com", made_up(n, 14)))));
        assert_eq!(found.len(), 1);
        let first = found.first().map(|f| (f.finding.sid, f.finding.level));
        assert_eq!(first, Some((1, Level::Medium)));
        assert!(found.iter().all(|f| f.finding.explain_it.contains("10 domini diversi")));
        assert!(found.iter().all(|f| f.finding.explain_en.contains("10 different domains")));
    }

    #[test]
    fn many_domains_of_words_are_low() {
        let words = [
            "casa", "acqua", "monte", "house", "water", "river", "sole", "green", "carta", "light",
        ];
        let word = |n: u64| words.get((n % 10) as usize).copied().unwrap_or_default();
        let name = |n: u64| format!("{}{}{}.net", word(n / 100), word(n / 10), word(n));
        let found = judge((0..120).map(|n| (n, name(n))));
        assert_eq!(
            found.iter().map(|f| (f.finding.sid, f.finding.level)).collect::<Vec<_>>(),
            [(2, Level::Low)]
        );
    }

    #[test]
    fn a_browser_a_suffix_services_and_lists_are_left_alone() {
        let own = |n| (n, format!("{}.comune.example.it", made_up(n, 12)));
        assert!(judge((0..300).map(own)).is_empty(), "search suffix");
        assert!(judge((0..300).map(|n| (n, made_up(n, 12)))).is_empty(), "single labels");
        assert!(
            judge((0..300).map(|n| (n, format!("{}.lan", made_up(n, 12))))).is_empty(),
            "local"
        );
        let listed = |n| (n, format!("{}.3.2.1.{}.org", n % 250, made_up(n, 12)));
        assert!(judge((0..300).map(listed)).is_empty(), "lists of addresses");
        let slow = |n| (n * 700, format!("{}.com", made_up(n, 14)));
        assert!(judge((0..300).map(slow)).is_empty(), "a dead link now and then");
    }

    #[test]
    fn a_flood_of_clients_is_bounded() {
        let mut detector = Dga::new(&site(), &Tuning::default());
        for n in 0..60_000u64 {
            let [.., b, c, d] = (n % 5000).to_be_bytes();
            let (name, answer) = (format!("{}.com", made_up(n, 14)), String::new());
            let asked = Asked { name, kind: 1, rcode: NXDOMAIN, answer };
            detector.record(&message(1, [10, b, c, d], asked), &Known::default(), &mut Vec::new());
        }
        assert!(detector.memory() < 2_500_000, "{}", detector.memory());
    }
}
