//! IDMEFv2 (draft-lehmann-idmefv2-08): one message for each event.

use serde_json::{Map, Value, json};

use super::Format;
use super::cleared::{Cleared, Infrastructure, Party};
use super::identity::Identity;
use super::stix::id;
use super::time::millis;
use crate::record::Level;

/// The version of the draft, as messages name it.
const VERSION: &str = "2.D.V08";

/// Categories by technique (the draft's, section 5.2).
const CATEGORIES: &[(&str, &str)] = &[
    ("T1595", "Recon.Network"),
    ("T1046", "Recon.Network"),
    ("T1018", "Recon.Network"),
    ("T0846", "Recon.Network"),
    ("T1110", "Access.Unauthorized"),
    ("T1133", "Access.Unauthorized"),
    ("T1190", "Access.Unauthorized"),
    ("T1021", "Access.Unauthorized"),
    ("T1498", "Availability.DDoS"),
    ("T1499", "Availability.DoS"),
    ("T1486", "Malware.Ransomware"),
    ("T1496", "Malware.Cryptominer"),
    ("T1071", "Malware.Backdoor"),
    ("T1568", "Malware.Backdoor"),
];

/// Makes messages of IDMEFv2 in the name of one sensor.
pub struct Idmef {
    identity: Identity,
}

impl Idmef {
    /// In the name of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self { identity: identity.clone() }
    }

    fn uuid(&self, name: &str) -> String {
        let id = id::object("idmef", &format!("{}|{name}", self.identity));
        id.strip_prefix("idmef--").unwrap_or_default().to_owned()
    }

    /// One end; an internal one without address, with its pseudonym as a note.
    fn end(&self, of: &Cleared, party: Option<&Party>, which: &str) -> Option<Value> {
        let mut end = Map::new();
        end.insert("ID".to_owned(), json!(self.uuid(&format!("{which}|{}", of.key))));
        let port = match party? {
            Party::External { address, port } => {
                end.insert("IP".to_owned(), json!(address.to_string()));
                port
            }
            Party::Internal { role, pseudonym, port } => {
                end.insert("Note".to_owned(), json!(format!("{} {pseudonym}", role.name())));
                port
            }
        };
        if let Some(port) = port {
            end.insert("Port".to_owned(), json!([port]));
        }
        if which == "source" {
            let protocols = [&of.transport, &of.application].into_iter().flatten();
            let protocols: Vec<String> = protocols.map(|name| name.replace('_', "-")).collect();
            if !protocols.is_empty() {
                end.insert("Protocol".to_owned(), json!(protocols));
            }
        }
        Some(Value::Object(end))
    }
}

const fn priority(level: Level) -> &'static str {
    match level {
        Level::Info => "Info",
        Level::Low => "Low",
        Level::Medium => "Medium",
        Level::High | Level::Critical => "High",
    }
}

impl Format for Idmef {
    fn name(&self) -> &'static str {
        "idmef"
    }

    fn preamble(&self) -> Vec<Value> {
        Vec::new()
    }

    fn objects(&self, of: &Cleared) -> Vec<Value> {
        let known = CATEGORIES
            .iter()
            .find(|(technique, _)| of.techniques.iter().any(|own| own.starts_with(technique)));
        let category = known.map_or("Other.Undetermined", |(_, category)| category);
        let is_rule = of.detector == "signature";
        let mut message = json!({
            "Version": VERSION,
            "ID": self.uuid(&of.key),
            "CreateTime": millis(of.at),
            "StartTime": millis(of.began),
            "Type": ["Cyber"],
            "Category": [category],
            "Cause": "Malicious",
            "Status": [match &of.incident {
                None => "Event",
                Some(incident) if incident.is_closed => "Closed",
                Some(_) => "Incident",
            }],
            "Priority": priority(of.level),
            "Confidence": f64::from(of.confidence) / 100.0,
            "Description": of.title,
            "EntityName": format!("comune {}", self.identity.istat()),
            // Not `Administration.Local`: to the guard it is a name of a site.
            "EntitySector": ["Administration.Other"],
            "Analyzer": {
                "Name": self.identity.uri(),
                "Model": concat!("Rivellino ", env!("CARGO_PKG_VERSION")),
                "Category": ["NET.NIDS"],
                "Data": ["Network"],
                "Method": [if is_rule { "Signature" } else { "Behavioral" }],
            },
        });
        let source = self.end(of, of.source.as_ref(), "source");
        let target = self.end(of, of.destination.as_ref(), "target");
        let many = of.incident.iter().flat_map(|incident| &incident.sources);
        let many = many.map(|address| {
            let id = self.uuid(&format!("{address}|{}", of.key));
            json!({ "ID": id, "IP": address.to_string() })
        });
        let sources: Vec<Value> = source.into_iter().chain(many).collect();
        let targets: Vec<Value> = target.into_iter().collect();
        let names = of.infrastructure.iter().filter_map(|what| match what {
            Infrastructure::Domain(domain) => Some(domain.as_str()),
            Infrastructure::Address(_) => None,
        });
        let names: Vec<&str> = names.collect();
        let alternative: Vec<&String> = of.techniques.iter().chain(&of.acn).collect();
        let mut add = |key: &str, value: Value| {
            if let Some(object) = message.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        if !of.explanation.is_empty() || !names.is_empty() {
            add("Note", json!(format!("{} {}", of.explanation, names.join(" ")).trim()));
        }
        for (key, list) in [("Source", sources), ("Target", targets)] {
            if !list.is_empty() {
                add(key, Value::Array(list));
            }
        }
        if !alternative.is_empty() {
            add("AltCategory", json!(alternative));
        }
        vec![message]
    }

    /// Each message for itself.
    fn batch(&self, objects: Vec<Value>, _: crate::time::Timestamp) -> Vec<Value> {
        objects
    }
}
