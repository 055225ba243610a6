//! What was found: counted as it comes, told at the end as a table and as `summary.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Output;
use crate::record::{Body, Level, Record};
use crate::time::Timestamp;

/// Distinct signatures and findings kept by name; beyond, only the totals grow.
const ROWS_MAX: usize = 10_000;
/// Generators of detectors begin here.
const DETECTORS_FROM: u32 = 9100;
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
    /// Of a finding: its words, by language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub explain: BTreeMap<&'static str, String>,
}

/// Counts records as they come.
#[derive(Debug, Default)]
pub struct Summary {
    rows: BTreeMap<(u32, u32), Row>,
    events: BTreeMap<&'static str, u64>,
    not_kept: u64,
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

    /// The table and the explanations, for a terminal.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let rows = self.rows();
        if rows.is_empty() {
            text.push_str("Nothing found.   Nulla di rilevato.\n");
            return text;
        }
        text.push_str("  count  sev         sid  what was found\n");
        for row in &rows {
            let message: String = row.message.chars().take(MESSAGE_CHARS).collect();
            let shown = printable(&message);
            let (count, severity, sid) = (row.count, row.severity, row.signature_id);
            text.push_str(&format!("{count:>7}  {severity:>3}  {sid:>10}  {shown}\n"));
            if let (Some(source), Some(destination)) = (&row.source, &row.destination) {
                let first = &row.first;
                text.push_str(&format!("{:25}{source} -> {destination}, first {first}\n", ""));
            }
        }
        for row in rows.iter().filter(|row| !row.explain.is_empty()) {
            text.push_str(&format!("\n{}\n", printable(&row.message)));
            for (language, words) in &row.explain {
                text.push_str(&format!("  [{language}] {}\n", printable(words)));
            }
        }
        text
    }

    fn count(&mut self, kind: &'static str) {
        *self.events.entry(kind).or_default() += 1;
    }

    fn add(&mut self, key: (u32, u32), record: &Record, fill: impl FnOnce() -> Row) {
        if let Some(row) = self.rows.get_mut(&key) {
            row.count += 1;
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
            severity,
            count: 0,
            first: String::new(),
            source: None,
            destination: None,
            techniques: Vec::new(),
            explain: BTreeMap::new(),
        };
        match &record.body {
            Body::Alert(alert) => {
                self.count("alert");
                let s = &alert.signature;
                self.add((s.gid, s.sid), record, || {
                    let mut row = blank(s.gid, s.sid, &s.message, s.severity);
                    let technique = |(key, value): &(String, String)| {
                        (key == "mitre_technique_id").then(|| value.clone())
                    };
                    row.techniques = s.metadata.iter().filter_map(technique).collect();
                    row
                });
            }
            Body::Finding(finding) => {
                self.count("alert");
                self.add((finding.gid, finding.sid), record, || {
                    let severity = finding.level.severity();
                    let mut row = blank(finding.gid, finding.sid, &finding.title, severity);
                    row.techniques = vec![finding.technique.to_owned()];
                    row.explain.insert("it", finding.explain_it.clone());
                    row.explain.insert("en", finding.explain_en.clone());
                    row
                });
            }
            Body::Flow(_) => self.count("flow"),
            Body::Transaction(of) if of.protocol.is_empty() || !of.transaction.is_logged() => {}
            Body::Transaction(transaction) => self.count(transaction.protocol),
            Body::File(_) => self.count("fileinfo"),
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
