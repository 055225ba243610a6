//! An incident: several findings and alerts that belong together, as a draft that people confirm.

use serde_json::{Value, json};

use super::{ALWAYS, attack, id, kind_of, marking_id};
use crate::outputs::hub::cleared::{Cleared, Draft};
use crate::outputs::hub::time::millis;
use crate::record::Level;

/// The extension that incidents are written with (OASIS, Incident Core Extension).
pub(super) const EXTENSION: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";

/// Kinds of incident by technique, as the extension names them.
const KINDS: &[(&str, &str)] = &[
    ("T1595", "network-scanning"),
    ("T1046", "network-scanning"),
    ("T0846", "network-scanning"),
    ("T1110", "brute-force-attempt"),
    ("T1498", "packet-flood"),
    ("T1499", "denial-of-service"),
    ("T1190", "exploit-attempt"),
    ("T1048", "data-exfiltration"),
    ("T1041", "data-exfiltration"),
    ("T1486", "ransomware"),
    ("T1071", "connection-malware-system"),
    ("T1568", "connection-malware-system"),
];

/// The incident with what it refers to: its attack pattern, and the addresses of those who did it.
/// Each record of it is a newer version of the same object.
pub(super) fn objects(of: &Cleared, draft: &Draft, author: &str) -> Vec<Value> {
    let id = id::object("incident", &format!("{author}|{}", of.key));
    let mut kinds: Vec<&str> = KINDS
        .iter()
        .filter(|(technique, _)| of.techniques.iter().any(|own| own.starts_with(technique)))
        .map(|(_, kind)| *kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let [sources, targets] = draft.totals;
    let counts = format!("{sources} origini, {targets} bersagli");
    let mut extension = json!({
        "extension_type": "property-extension",
        "determination": "suspected",
        "investigation_status": if draft.is_closed { "closed" } else { "new" },
        "criticality": criticality(of.level),
        "detection_methods": ["automated-tool"],
    });
    if let (false, Some(object)) = (kinds.is_empty(), extension.as_object_mut()) {
        object.insert("incident_types".to_owned(), json!(kinds));
    }
    let pattern = attack::pattern(of);
    let mut objects = vec![relationship(&id, "related-to", &pattern, of), pattern];
    for address in &draft.sources {
        let value = json!({ "value": address.to_string() });
        let observable = json!({
            "type": kind_of(*address),
            "spec_version": "2.1",
            "id": super::id::observable(kind_of(*address), &value),
            "value": address.to_string(),
        });
        objects.push(relationship(&id, "related-to", &observable, of));
        objects.push(observable);
    }
    objects.push(json!({
        "type": "incident",
        "spec_version": "2.1",
        "id": id,
        "created_by_ref": author,
        "created": millis(draft.first),
        "modified": millis(of.at),
        "name": of.title,
        "description": counts,
        "confidence": of.confidence,
        "object_marking_refs": [marking_id(of.tlp)],
        "extensions": { EXTENSION: extension },
    }));
    objects
}

fn relationship(from: &str, kind: &str, to: &Value, of: &Cleared) -> Value {
    let to = super::text(to, "id");
    json!({
        "type": "relationship",
        "spec_version": "2.1",
        "id": id::object("relationship", &format!("{from}|{kind}|{to}")),
        "created": ALWAYS,
        "modified": ALWAYS,
        "relationship_type": kind,
        "source_ref": from,
        "target_ref": to,
        "object_marking_refs": [marking_id(of.tlp)],
    })
}

const fn criticality(level: Level) -> u8 {
    match level {
        Level::Info => 10,
        Level::Low => 25,
        Level::Medium => 50,
        Level::High => 75,
        Level::Critical => 95,
    }
}
