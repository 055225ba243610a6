//! What was found: counted as it comes, told at the end as a table and as `summary.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Output;
use crate::record::{Body, Incident, Level, Notice, Record};
use crate::time::Timestamp;

/// Distinct signatures and findings kept by name; beyond, only the totals grow.
const ROWS_MAX: usize = 10_000;
/// Generators of detectors begin here.
const DETECTORS_FROM: u32 = 9100;
/// Incidents kept by identifier; beyond, they are only counted.
const INCIDENTS_MAX: usize = 1000;
/// Incidents shown in the table.
const INCIDENTS_SHOWN: usize = 20;
/// Findings explained below the table.
const EXPLAINED: usize = 20;
/// Characters of a message shown in the table.
const MESSAGE_CHARS: usize = 76;

/// One signature or detector that spoke.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Generator.
    pub gid: u32,
    /// Signature number.
    pub signature_id: u32,
    /// Message of the signature, or title of the first finding.
    pub message: String,
    /// The same in Italian, of a signature that has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message_it: String,
    /// 1 is most severe.
    pub severity: u8,
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: String,
    /// Who, the first time.
    pub source: Option<String>,
    /// Whom, the first time.
    pub destination: Option<String>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// How many of them the site wants to hear no more of.
    #[serde(skip_serializing_if = "is_zero")]
    pub suppressed: u64,
    /// Of a finding: its words, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub explain: BTreeMap<&'static str, String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An incident as it last stood.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentRow {
    /// Its identifier, as in all its records.
    pub id: String,
    /// How grave, as EVE names it.
    pub level: &'static str,
    #[serde(skip)]
    gravity: Level,
    /// `opened`, `updated` or `closed`.
    pub status: &'static str,
    /// One line, by language.
    pub title: BTreeMap<&'static str, String>,
    /// The first clue.
    pub first: String,
    /// The last clue.
    pub last: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Stages of an attack that were reached.
    pub stages: Vec<&'static str>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Whether somebody was to be told of it.
    pub notified: bool,
    /// What happened, how sure, what to do now, by language.
    pub explain: BTreeMap<&'static str, String>,
}

/// Calls for somebody's attention.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Notifications {
    /// Made.
    pub sent: u64,
    /// Spared, because there were too many in a day.
    pub folded: u64,
}

/// Counts records as they come.
#[derive(Debug, Default)]
pub struct Summary {
    /// By generator, signature and, of findings, title: who did it to whom.
    rows: BTreeMap<(u32, u32, String), Row>,
    events: BTreeMap<&'static str, u64>,
    not_kept: u64,
    incidents: BTreeMap<String, IncidentRow>,
    incidents_not_kept: u64,
    notifications: Notifications,
}

impl Summary {
    /// Events by type, as EVE names them.
    pub fn events(&self) -> &BTreeMap<&'static str, u64> {
        &self.events
    }

    /// What spoke, most severe first, then most often.
    pub fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.values().collect();
        rows.sort_by_key(|row| (row.severity, std::cmp::Reverse(row.count)));
        rows
    }

    /// Findings of detectors above the level low.
    pub fn findings_above_low(&self) -> u64 {
        let loud =
            |row: &&Row| row.gid >= DETECTORS_FROM && row.severity <= Level::Medium.severity();
        self.rows.values().filter(loud).map(|row| row.count).sum()
    }

    /// Alerts that are counted in no row, because there were too many kinds.
    pub fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// Incidents as they last stood, gravest first, then in the order of their first clues.
    pub fn incidents(&self) -> Vec<&IncidentRow> {
        let mut rows: Vec<&IncidentRow> = self.incidents.values().collect();
        rows.sort_by(|one, other| {
            other.gravity.cmp(&one.gravity).then_with(|| one.first.cmp(&other.first))
        });
        rows
    }

    /// Incidents that are in no row, because there were too many.
    pub fn incidents_not_kept(&self) -> u64 {
        self.incidents_not_kept
    }

    /// How often somebody was called, and how often that was spared.
    pub fn notifications(&self) -> Notifications {
        self.notifications
    }

    /// Incidents in words: what they are, when, and what to do.
    fn incidents_table(&self) -> String {
        let mut text = String::new();
        let rows = self.incidents();
        for row in rows.iter().take(INCIDENTS_SHOWN) {
            let title = row.title.get("en").map_or("", String::as_str);
            let (first, last) = (seconds(&row.first), seconds(&row.last));
            text.push_str(&format!(
                "{:8}  {}  {first} - {last}  {}\n",
                row.level,
                row.id,
                printable(title)
            ));
            for (language, words) in &row.explain {
                text.push_str(&format!("  [{language}] {}\n", printable(words)));
            }
        }
        let more = rows.len().saturating_sub(INCIDENTS_SHOWN) as u64 + self.incidents_not_kept;
        if more > 0 {
            text.push_str(&format!("{more} more incidents.   Altri incidenti: {more}.\n"));
        }
        if !text.is_empty() {
            text.insert_str(0, "Incidents   Incidenti\n");
            text.push('\n');
        }
        text
    }

    fn incident(&mut self, incident: &Incident) {
        match incident.notice {
            Notice::Sent => self.notifications.sent += 1,
            Notice::Folded => self.notifications.folded += 1,
            Notice::None => {}
        }
        let known = self.incidents.get(&incident.id);
        if known.is_none() && self.incidents.len() >= INCIDENTS_MAX {
            let opened = incident.turn == crate::record::Turn::Opened;
            self.incidents_not_kept += u64::from(opened);
            return;
        }
        let notified = known.is_some_and(|known| known.notified);
        let both =
            |it: &str, en: &str| BTreeMap::from([("it", it.to_owned()), ("en", en.to_owned())]);
        let row = IncidentRow {
            id: incident.id.clone(),
            level: incident.level.name(),
            gravity: incident.level,
            status: incident.turn.names().0,
            title: both(&incident.title_it, &incident.title_en),
            first: incident.first.to_string(),
            last: incident.last.to_string(),
            confidence: incident.confidence,
            stages: incident.stages.clone(),
            techniques: incident.techniques.clone(),
            notified: notified || incident.notice == Notice::Sent,
            explain: both(&incident.explain_it, &incident.explain_en),
        };
        self.incidents.insert(incident.id.clone(), row);
    }

    /// The incidents, the table and the explanations, for a terminal.
    pub fn table(&self) -> String {
        let mut text = self.incidents_table();
        let rows = self.rows();
        if rows.is_empty() && text.is_empty() {
            text.push_str("Nothing found.   Nulla di rilevato.\n");
            return text;
        }
        text.push_str("  count  sev         sid  what was found\n");
        for row in &rows {
            let message: String = row.message.chars().take(MESSAGE_CHARS).collect();
            let mut shown = printable(&message);
            if row.suppressed > 0 {
                shown.push_str(&format!(" ({} suppressed)", row.suppressed));
            }
            let (count, severity, sid) = (row.count, row.severity, row.signature_id);
            text.push_str(&format!("{count:>7}  {severity:>3}  {sid:>10}  {shown}\n"));
            if !row.message_it.is_empty() {
                let shown: String = row.message_it.chars().take(MESSAGE_CHARS).collect();
                text.push_str(&format!("{:25}[it] {}\n", "", printable(&shown)));
            }
            if let (Some(source), Some(destination)) = (&row.source, &row.destination) {
                let first = &row.first;
                text.push_str(&format!("{:25}{source} -> {destination}, first {first}\n", ""));
            }
        }
        let told = |row: &&&Row| !row.explain.is_empty() && row.suppressed < row.count;
        let more = rows.iter().filter(told).skip(EXPLAINED).count();
        for row in rows.iter().filter(told).take(EXPLAINED) {
            text.push_str(&format!("\n{}\n", printable(&row.message)));
            for (language, words) in &row.explain {
                text.push_str(&format!("  [{language}] {}\n", printable(words)));
            }
        }
        if more > 0 {
            text.push_str(&format!("\n{more} more explained in eve.json.\n"));
        }
        text
    }

    fn count(&mut self, kind: &'static str) {
        *self.events.entry(kind).or_default() += 1;
    }

    fn add(&mut self, key: (u32, u32, String), record: &Record, fill: impl FnOnce() -> Row) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.count += 1;
            // What grows is told by its last words.
            if !row.explain.is_empty() {
                let last = fill();
                (row.explain, row.severity) = (last.explain, row.severity.min(last.severity));
            }
            return;
        }
        if self.rows.len() >= ROWS_MAX {
            self.not_kept += 1;
            return;
        }
        let mut row = fill();
        row.count = 1;
        row.first = record.timestamp.to_string();
        let name = |end: crate::net::Endpoint| match end.port {
            0 => end.addr.to_string(),
            _ => std::net::SocketAddr::new(end.addr, end.port).to_string(),
        };
        row.source = record.context.source.map(name);
        row.destination = record.context.destination.map(name);
        self.rows.insert(key, row);
    }
}

/// A time as EVE writes it, without its fraction.
fn seconds(time: &str) -> &str {
    time.split('.').next().unwrap_or_default()
}

/// Control characters of hostile text must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '.' } else { c }).collect()
}

impl Output for Summary {
    fn record(&mut self, record: &Record) {
        let blank = |gid, sid, message: &str, severity| Row {
            gid,
            signature_id: sid,
            message: message.to_owned(),
            message_it: String::new(),
            severity,
            count: 0,
            first: String::new(),
            source: None,
            destination: None,
            techniques: Vec::new(),
            suppressed: 0,
            explain: BTreeMap::new(),
        };
        match &record.body {
            Body::Alert(alert) => {
                self.count("alert");
                let s = &alert.signature;
                self.add((s.gid, s.sid, String::new()), record, || {
                    let mut row = blank(s.gid, s.sid, &s.message, s.severity);
                    let technique = |(key, value): (&str, &str)| {
                        (key == "mitre_technique_id").then(|| value.to_owned())
                    };
                    row.techniques = s.metadata.iter().filter_map(technique).collect();
                    row.message_it = s.message_it().unwrap_or_default().to_owned();
                    row
                });
            }
            Body::Finding(finding) => {
                self.count("alert");
                self.add((finding.gid, finding.sid, finding.title.clone()), record, || {
                    let severity = finding.level.severity();
                    let mut row = blank(finding.gid, finding.sid, &finding.title, severity);
                    row.techniques = vec![finding.technique.to_owned()];
                    row.explain.insert("it", finding.explain_it.clone());
                    row.explain.insert("en", finding.explain_en.clone());
                    row
                });
                let key = (finding.gid, finding.sid, finding.title.clone());
                let row = self.rows.get_mut(&key);
                if let Some(row) = row.filter(|_| finding.suppressed.is_some()) {
                    row.suppressed += 1;
                }
            }
            Body::Incident(incident) => {
                self.count("incident");
                self.incident(incident);
            }
            Body::Flow(_) => self.count("flow"),
            Body::Transaction(of) if of.protocol.is_empty() || !of.transaction.is_logged() => {}
            Body::Transaction(transaction) => self.count(transaction.protocol),
            Body::File(_) => self.count("fileinfo"),
            Body::Arp(_) => self.count("arp"),
            Body::Packet(_) => self.count("packet"),
            Body::Anomaly(anomaly) if anomaly.kind == "applayer" => self.count("anomaly"),
            _ => {}
        }
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

/// Shared, so that what was counted can be read when the merge has let go of it.
impl Output for std::sync::Arc<std::sync::Mutex<Summary>> {
    fn record(&mut self, record: &Record) {
        self.lock().unwrap_or_else(std::sync::PoisonError::into_inner).record(record);
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}
