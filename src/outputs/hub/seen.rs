//! What the sensor saw, read back from EVE: alerts and findings, before anything is taken out.
//!
//! The exchange reads EVE and not records, so that what a preview of an `eve.json` shows is what
//! would have left, to the byte, and so that there is one mapping and not two.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::time;
use crate::record::Level;
use crate::time::Timestamp;

/// Texts of one record that are remembered so that its explanation cannot repeat them.
pub const WORDS_MAX: usize = 256;
/// Names of hosts taken from one record.
pub const NAMES_MAX: usize = 4;
/// Techniques and tags taken from one record, each.
pub const TAGS_MAX: usize = 8;
/// Bytes of a text taken from a record; what is longer is cut.
pub const TEXT_BYTES_MAX: usize = 4096;

/// One end of what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its address.
    pub address: IpAddr,
    /// Its port, where there are ports.
    pub port: Option<u16>,
}

/// Packets and bytes to the server and to the client, and when the flow began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Packets each way.
    pub packets: [u64; 2],
    /// Bytes each way.
    pub bytes: [u64; 2],
}

/// One record of `eve.json` that may be worth sharing.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// When it was judged.
    pub at: Timestamp,
    /// When it began.
    pub began: Timestamp,
    /// The detector's name; `signature` for alerts of rules.
    pub detector: String,
    /// Generator, number and revision.
    pub number: [u64; 3],
    /// How grave.
    pub level: Level,
    /// How sure, percent.
    pub confidence: u8,
    /// One line.
    pub title: String,
    /// The rule's classification.
    pub category: String,
    /// The explanation in Italian; empty for alerts of rules.
    pub explanation: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Tags of the `acn` taxonomy.
    pub acn: Vec<String>,
    /// What was judged, and against what.
    pub score: Option<[f64; 2]>,
    /// The numbers behind it, under their names.
    pub features: Vec<(String, Value)>,
    /// Who began.
    pub source: Option<End>,
    /// To whom.
    pub destination: Option<End>,
    /// Which end the rule's `target` leaves as the attacker's.
    pub attacker: Option<IpAddr>,
    /// `tcp`, `udp`, `icmp`.
    pub transport: Option<String>,
    /// The application protocol.
    pub application: Option<String>,
    /// Packets and bytes of the flow.
    pub counters: Option<Counters>,
    /// Names of hosts that were asked for or spoken to.
    pub names: Vec<String>,
    /// Whether the names were asked of DNS.
    pub asked_dns: bool,
    /// The identifier of the indicator of others that was seen here, if that is what it is.
    pub reported: Option<String>,
    /// Every text of the record that comes from the wire.
    pub words: Vec<String>,
    /// Identifiers of the flows that show it.
    pub flows: Vec<u64>,
    /// What makes it an incident, if it is one.
    pub incident: Option<Incident>,
}

/// Several findings and alerts that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Whether nothing more comes.
    pub is_closed: bool,
    /// When its first clue came: the same in all its records.
    pub first: Timestamp,
    /// Who did it, and to whom; at most [`ENDS_MAX`] each.
    pub ends: [Vec<IpAddr>; 2],
    /// How many they are.
    pub totals: [u64; 2],
}

/// Addresses taken from an incident, of each side.
pub const ENDS_MAX: usize = 32;

impl Seen {
    /// Reads one line of `eve.json`. `None` for records of other kinds, and for findings and alerts
    /// of which the site wants to hear no more.
    pub fn read(record: &Value) -> Option<Self> {
        if let Some(incident) = record.get("incident") {
            return Self::read_incident(record, incident);
        }
        let is_quiet = |key| record.get(key).is_some_and(|of| of.get("suppressed").is_some());
        if is_quiet("finding") || is_quiet("alert") {
            return None;
        }
        let alert = record.get("alert").filter(|_| text(record, "event_type") == "alert")?;
        let at = time::parse(text(record, "timestamp"))?;
        let finding = record.get("finding");
        let number = ["gid", "signature_id", "rev"]
            .map(|key| alert.get(key).and_then(Value::as_u64).unwrap_or_default());
        let mut seen = Self {
            at,
            began: at,
            detector: "signature".to_owned(),
            number,
            level: level_of_severity(alert.get("severity").and_then(Value::as_u64)),
            confidence: CONFIDENCE_OF_RULES,
            title: cut(text(alert, "signature")),
            category: cut(text(alert, "category")),
            explanation: String::new(),
            techniques: Vec::new(),
            acn: Vec::new(),
            score: None,
            features: Vec::new(),
            source: end(record, "src_ip", "src_port"),
            destination: end(record, "dest_ip", "dest_port"),
            attacker: alert.get("source").and_then(|source| text(source, "ip").parse().ok()),
            transport: lower(text(record, "proto")),
            application: lower(text(record, "app_proto")).filter(|name| name != "failed"),
            counters: record.get("flow").map(counters),
            names: Vec::new(),
            asked_dns: false,
            reported: None,
            words: Vec::new(),
            flows: record.get("flow_id").and_then(Value::as_u64).into_iter().collect(),
            incident: None,
        };
        // What a server answered is told from the server on: then the other end's port is a client's.
        if text(record, "direction") == "to_client"
            && let Some(client) = &mut seen.destination
        {
            client.port = None;
        }
        if let Some(start) = record.get("flow").and_then(|flow| time::parse(text(flow, "start"))) {
            seen.began = start.min(at);
        }
        let metadata = alert.get("metadata");
        seen.techniques = texts(metadata.and_then(|of| of.get("mitre_technique_id")));
        if let Some(sure) = texts(metadata.and_then(|of| of.get("confidence"))).first() {
            seen.confidence = confidence_of_word(sure);
        }
        match finding {
            Some(finding) => seen.read_finding(finding),
            None => seen.read_application(record),
        }
        seen.techniques.retain(|technique| is_technique(technique));
        Some(seen)
    }

    fn read_incident(record: &Value, incident: &Value) -> Option<Self> {
        let at = time::parse(text(record, "timestamp"))?;
        let first = time::parse(text(incident, "first"))?.min(at);
        let number = |key: &str| incident.get(key).and_then(Value::as_f64);
        let addresses = |key: &str| {
            let list = incident.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|item| item.as_str()?.parse().ok()).take(ENDS_MAX).collect()
        };
        let total = |key: &str| incident.get(key).and_then(Value::as_u64).unwrap_or_default();
        let mut techniques = texts(incident.get("techniques"));
        techniques.retain(|technique| is_technique(technique));
        let mut acn = texts(incident.get("acn"));
        acn.retain(|tag| tag.starts_with("acn:"));
        Some(Self {
            at,
            began: first,
            detector: "incident".to_owned(),
            number: [0; 3],
            level: level_of_name(text(incident, "level"))?,
            // Within 0 to 100 by the clamp.
            confidence: (number("confidence")? * 100.0).round().clamp(0.0, 100.0) as u8,
            title: cut(incident.get("title").map_or("", |of| text(of, "it"))),
            category: String::new(),
            explanation: cut(incident.get("explain").map_or("", |of| text(of, "it"))),
            techniques,
            acn,
            score: number("score").zip(number("threshold")).map(|(a, b)| [a, b]),
            features: Vec::new(),
            source: None,
            destination: None,
            attacker: None,
            transport: None,
            application: None,
            counters: None,
            names: Vec::new(),
            asked_dns: false,
            reported: None,
            words: Vec::new(),
            flows: Vec::new(),
            incident: Some(Incident {
                is_closed: text(incident, "status") == "closed",
                first,
                ends: [addresses("sources"), addresses("targets")],
                totals: [total("sources_total"), total("targets_total")],
            }),
        })
    }

    fn read_finding(&mut self, finding: &Value) {
        self.detector = cut(text(finding, "detector"));
        self.level = level_of_name(text(finding, "level")).unwrap_or(self.level);
        let number = |key: &str| finding.get(key).and_then(Value::as_f64);
        if let Some(sure) = number("confidence") {
            // Within 0 to 100 by the clamp.
            self.confidence = (sure * 100.0).round().clamp(0.0, 100.0) as u8;
        }
        self.score = number("score").zip(number("threshold")).map(|(a, b)| [a, b]);
        if let Some(took) = number("took").filter(|took| *took > 0.0 && *took < 1e9) {
            let nanos = (took * 1e9) as u64;
            self.began = Timestamp::from_nanos(self.at.nanos().saturating_sub(nanos));
        }
        self.techniques = texts(finding.get("technique"));
        self.acn = texts(finding.get("acn"));
        self.acn.retain(|tag| tag.starts_with("acn:"));
        self.explanation = cut(finding.get("explain").map_or("", |of| text(of, "it")));
        let numbers = finding.get("numbers").and_then(Value::as_object);
        if self.detector == REPORTED {
            let id = finding.get("numbers").map(|numbers| text(numbers, "indicator"));
            self.reported = id.filter(|id| is_indicator(id)).map(str::to_owned);
        }
        for (key, value) in numbers.into_iter().flatten() {
            self.features.push((key.clone(), value.clone()));
            if NAMES.contains(&key.as_str()) {
                self.names.extend(texts(Some(value)).into_iter().take(NAMES_MAX));
                self.asked_dns = true;
            }
            if !KEPT_WORDS.contains(&key.as_str()) {
                gather(value, &mut self.words);
            }
        }
        gather(finding.get("baseline").unwrap_or(&Value::Null), &mut self.words);
        let evidence = finding.get("evidence").and_then(Value::as_array);
        self.flows.extend(evidence.into_iter().flatten().filter_map(Value::as_u64));
        self.flows.dedup();
    }

    /// Names, and all texts, of what the application protocol said.
    fn read_application(&mut self, record: &Value) {
        let known = ["alert", "flow", "metadata", "event_type", "timestamp", "proto", "app_proto"];
        let objects = record.as_object().into_iter().flatten();
        for (_, value) in objects.filter(|(key, _)| !known.contains(&key.as_str())) {
            gather(value, &mut self.words);
        }
        let mut names = Vec::new();
        for (object, key) in [("tls", "sni"), ("quic", "sni"), ("http", "hostname")] {
            names.extend(record.get(object).map(|of| text(of, key).to_owned()));
        }
        if let Some(dns) = record.get("dns") {
            self.asked_dns = true;
            let queries = ["queries", "query"].map(|key| dns.get(key).and_then(Value::as_array));
            let queries = queries.into_iter().flatten().flatten();
            names.extend(queries.chain([dns]).map(|query| text(query, "rrname").to_owned()));
        }
        names.retain(|name| !name.is_empty());
        names.dedup();
        names.truncate(NAMES_MAX);
        self.names = names;
    }
}

/// Keys of a finding's numbers that name the host which the finding is about.
const NAMES: &[&str] = &["domain", "name"];
/// Keys whose text is the detector's own word, not the wire's.
const KEPT_WORDS: &[&str] = &["service"];
/// The detector that sees what others report.
pub const REPORTED: &str = "indicator";
/// How sure a rule is that does not say so, percent.
const CONFIDENCE_OF_RULES: u8 = 60;

fn confidence_of_word(word: &str) -> u8 {
    match word.to_ascii_lowercase().as_str() {
        "high" => 80,
        "low" => 30,
        _ => CONFIDENCE_OF_RULES,
    }
}

/// Suricata's severity as a level: 1 is most severe.
const fn level_of_severity(severity: Option<u64>) -> Level {
    match severity {
        Some(1) => Level::High,
        Some(2) => Level::Medium,
        Some(3) => Level::Low,
        _ => Level::Info,
    }
}

/// The level of that name.
pub fn level_of_name(name: &str) -> Option<Level> {
    [Level::Info, Level::Low, Level::Medium, Level::High, Level::Critical]
        .into_iter()
        .find(|level| level.name() == name)
}

/// `T1046`, `T1595.001`.
fn is_technique(text: &str) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit());
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// `indicator--` and a UUID.
fn is_indicator(id: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    id.strip_prefix("indicator--").is_some_and(|id| id.len() == 36 && id.bytes().all(is_digit))
}

pub(in crate::outputs::hub) fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn lower(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!text.is_empty() && text.len() <= 32 && text.bytes().all(plain))
        .then(|| text.to_ascii_lowercase())
}

/// At most [`TEXT_BYTES_MAX`], cut between characters.
fn cut(text: &str) -> String {
    let most = text.len().min(TEXT_BYTES_MAX);
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}

/// One text or a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![cut(text)],
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).take(TAGS_MAX).map(cut).collect()
        }
        _ => Vec::new(),
    }
}

/// Every text within `value`, at most [`WORDS_MAX`] in all.
fn gather(value: &Value, words: &mut Vec<String>) {
    if words.len() >= WORDS_MAX {
        return;
    }
    match value {
        Value::String(text) => words.push(cut(text)),
        Value::Array(list) => list.iter().for_each(|value| gather(value, words)),
        Value::Object(object) => values(object).for_each(|value| gather(value, words)),
        _ => {}
    }
}

fn values(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    object.iter().map(|(_, value)| value)
}

fn end(record: &Value, address: &str, port: &str) -> Option<End> {
    let address = text(record, address).parse().ok()?;
    let port = record.get(port).and_then(Value::as_u64);
    Some(End { address, port: port.and_then(|port| u16::try_from(port).ok()) })
}

fn counters(flow: &Value) -> Counters {
    let count = |key: &str| flow.get(key).and_then(Value::as_u64).unwrap_or_default();
    Counters {
        packets: [count("pkts_toserver"), count("pkts_toclient")],
        bytes: [count("bytes_toserver"), count("bytes_toclient")],
    }
}
