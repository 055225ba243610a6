//! Techniques of ATT&CK as attack patterns, and the phases of its kill chains.

use serde_json::{Value, json};

use super::{ALWAYS, id, marking_id};
use crate::outputs::hub::cleared::Cleared;
use crate::outputs::hub::policy::Tlp;

/// The phase of a technique in the kill chain of enterprises, `mitre-attack`.
const PHASES: &[(&str, &str)] = &[
    ("T1003", "credential-access"),
    ("T1021", "lateral-movement"),
    ("T1041", "exfiltration"),
    ("T1046", "discovery"),
    ("T1048", "exfiltration"),
    ("T1059", "execution"),
    ("T1071", "command-and-control"),
    ("T1090", "command-and-control"),
    ("T1095", "command-and-control"),
    ("T1105", "command-and-control"),
    ("T1110", "credential-access"),
    ("T1133", "initial-access"),
    ("T1190", "initial-access"),
    ("T1210", "lateral-movement"),
    ("T1485", "impact"),
    ("T1486", "impact"),
    ("T1496", "impact"),
    ("T1498", "impact"),
    ("T1499", "impact"),
    ("T1505", "persistence"),
    ("T1557", "credential-access"),
    ("T1567", "exfiltration"),
    ("T1568", "command-and-control"),
    ("T1570", "lateral-movement"),
    ("T1571", "command-and-control"),
    ("T1572", "command-and-control"),
    ("T1573", "command-and-control"),
    ("T1595", "reconnaissance"),
];
/// The same of plants, `mitre-ics-attack`.
const INDUSTRIAL_PHASES: &[(&str, &str)] = &[
    ("T0801", "collection"),
    ("T0814", "inhibit-response-function"),
    ("T0816", "inhibit-response-function"),
    ("T0821", "execution"),
    ("T0836", "impair-process-control"),
    ("T0846", "discovery"),
    ("T0855", "impair-process-control"),
    ("T0858", "execution"),
    ("T0861", "collection"),
    ("T0883", "initial-access"),
    ("T0886", "initial-access"),
    ("T0888", "discovery"),
];

/// The attack pattern of what was seen: its first technique, else the rule's classification or the
/// detector. The same bytes everywhere.
pub(super) fn pattern(of: &Cleared) -> Value {
    let technique = of.techniques.first();
    let name = match technique {
        Some(technique) => technique.clone(),
        None if of.category.is_empty() => of.detector.clone(),
        None => of.category.clone(),
    };
    let mut pattern = json!({
        "type": "attack-pattern",
        "spec_version": "2.1",
        "id": id::object("attack-pattern", &name),
        "created": ALWAYS,
        "modified": ALWAYS,
        "name": name,
        "object_marking_refs": [marking_id(Tlp::Clear)],
    });
    if let (Some(technique), Some(object)) = (technique, pattern.as_object_mut()) {
        object.insert("external_references".to_owned(), json!([reference(technique)]));
        let phases = phases(of);
        if !phases.is_empty() {
            object.insert("kill_chain_phases".to_owned(), json!(phases));
        }
    }
    pattern
}

/// Where a technique is described: an external reference of STIX (2.1, 2.5).
pub fn reference(technique: &str) -> Value {
    let url = format!("https://attack.mitre.org/techniques/{}/", technique.replace('.', "/"));
    json!({ "source_name": "mitre-attack", "external_id": technique, "url": url })
}

/// The phases of the first technique; none when it is not among those that sensors see.
pub(super) fn phases(of: &Cleared) -> Vec<Value> {
    let Some(technique) = of.techniques.first() else { return Vec::new() };
    let found = [("mitre-attack", PHASES), ("mitre-ics-attack", INDUSTRIAL_PHASES)]
        .into_iter()
        .flat_map(|(chain, list)| list.iter().map(move |(known, phase)| (chain, known, phase)))
        .filter(|(_, known, _)| technique.starts_with(*known));
    found
        .map(|(chain, _, phase)| json!({ "kill_chain_name": chain, "phase_name": phase }))
        .collect()
}
