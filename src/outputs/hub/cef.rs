//! CEF (ArcSight Common Event Format, version 0): one line for each event, for the SIEM that reads
//! nothing else.

use serde_json::Value;

use super::Format;
use super::cleared::{Cleared, Party};
use super::identity::Identity;
use super::syslog::{LINE_BYTES_MAX, host, one_line, pairs};
use crate::record::Level;
use crate::time::Timestamp;

/// Bytes of the name at most (the format's own bound).
const NAME_BYTES_MAX: usize = 512;
/// Bytes of the message at most.
const MESSAGE_BYTES_MAX: usize = 640;

/// Makes lines of CEF in the name of one sensor.
pub struct Cef {
    host: String,
}

impl Cef {
    /// In the name of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self { host: host(identity) }
    }
}

/// A name and a value in CEF's own words; addresses of IPv6 have keys with labels.
fn ends<'a>(key: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    match key {
        "src" if value.contains(':') => vec![("c6a2", value), ("c6a2Label", "Source IPv6")],
        "dst" if value.contains(':') => vec![("c6a3", value), ("c6a3Label", "Destination IPv6")],
        "src" | "dst" | "spt" | "dpt" | "proto" | "app" => vec![(key, value)],
        "domain" => vec![("dhost", value)],
        _ => Vec::new(),
    }
}

impl Format for Cef {
    fn name(&self) -> &'static str {
        "cef"
    }

    fn preamble(&self) -> Vec<Value> {
        Vec::new()
    }

    fn objects(&self, of: &Cleared) -> Vec<Value> {
        let severity = match of.level {
            Level::Info => 1,
            Level::Low => 3,
            Level::Medium => 5,
            Level::High => 8,
            Level::Critical => 10,
        };
        let [gid, sid, _] = of.number;
        let name = one_line(&of.title, NAME_BYTES_MAX).replace('\\', "\\\\").replace('|', "\\|");
        let mut line = format!(
            "CEF:0|Rivellino|rivellino|{}|{gid}:{sid}|{name}|{severity}|",
            env!("CARGO_PKG_VERSION")
        );
        let mut add = |key: &str, value: &str, most: usize| {
            let value = one_line(value, most).replace('\\', "\\\\").replace('=', "\\=");
            let space = if line.ends_with('|') { "" } else { " " };
            let more = format!("{space}{key}={value}");
            if line.len() + more.len() <= LINE_BYTES_MAX {
                line.push_str(&more);
            }
        };
        add("rt", &(of.at.nanos() / 1_000_000).to_string(), 32);
        add("start", &(of.began.nanos() / 1_000_000).to_string(), 32);
        add("dvchost", &self.host, 128);
        add("cnt", "1", 1);
        for (key, value) in pairs(of).iter().flat_map(|(key, value)| ends(key, value)) {
            add(key, value, 256);
        }
        let texts = pairs(of);
        let find =
            |wanted: &str| texts.iter().find(|(key, _)| *key == wanted).map(|(_, value)| value);
        let inside = |party: &Option<Party>| matches!(party, Some(Party::Internal { .. }));
        for (number, key) in
            ["detector", "technique", "acn", "tlp", "srcHost", "dstHost"].into_iter().enumerate()
        {
            let is_told = match key {
                "srcHost" => inside(&of.source),
                "dstHost" => inside(&of.destination),
                _ => true,
            };
            if let Some(value) = find(key).filter(|_| is_told) {
                add(&format!("cs{}", number + 1), value, 160);
                add(&format!("cs{}Label", number + 1), key, 16);
            }
        }
        if let Some([score, _]) = of.score {
            add("cfp1", &score.to_string(), 32);
            add("cfp1Label", "score", 16);
        }
        add("msg", &of.explanation, MESSAGE_BYTES_MAX);
        vec![Value::String(line)]
    }

    /// Each line for itself.
    fn batch(&self, objects: Vec<Value>, _: Timestamp) -> Vec<Value> {
        objects
    }
}
