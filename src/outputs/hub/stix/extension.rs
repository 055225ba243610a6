//! Our own properties of a sighting: the numbers that were judged, and the site's ends without
//! their addresses.

use serde_json::{Map, Value, json};

use crate::outputs::hub::cleared::{Cleared, Feature, Party};
use crate::outputs::hub::privacy::pseudonym::SCHEME;

/// Its identifier.
pub const ID: &str = "extension-definition--b8d556c6-31dd-4e15-95a0-c7dd1304b56e";
/// The shape of its properties, a JSON schema.
pub const SCHEMA: &str = include_str!("extension.schema.json");

/// The object that defines it.
pub(super) fn definition(by: &str, at: &str) -> Value {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": ID,
        "created_by_ref": by,
        "created": at,
        "modified": at,
        "name": "Rivellino sighting",
        "description": "Which detector judged what number against what threshold; the ends within \
                        the site by role and pseudonym.",
        "schema": SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    })
}

/// The properties of one sighting.
pub(super) fn of(of: &Cleared) -> Value {
    let [gid, sid, rev] = of.number;
    let mut out = json!({
        "extension_type": "property-extension",
        "engine": concat!("rivellino ", env!("CARGO_PKG_VERSION")),
        "detector": of.detector,
        "generator": gid,
        "signature_id": sid,
        "revision": rev,
        "level": of.level.name(),
        "pseudonym_scheme": SCHEME,
    });
    let Some(object) = out.as_object_mut() else { return out };
    let mut add = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    if let Some([score, threshold]) = of.score {
        add("score", json!(score));
        add("threshold", json!(threshold));
    }
    if !of.features.is_empty() {
        let features: Map<String, Value> =
            of.features.iter().map(|(name, value)| (name.clone(), feature(value))).collect();
        add("features", Value::Object(features));
    }
    if !of.acn.is_empty() {
        add("acn", json!(of.acn));
    }
    if !of.techniques.is_empty() {
        add("techniques", json!(of.techniques));
    }
    for (key, party) in [("source", &of.source), ("destination", &of.destination)] {
        if let Some(Party::Internal { role, pseudonym, .. }) = party {
            add(key, json!({ "role": role.name(), "pseudonym": pseudonym }));
        }
    }
    out
}

fn feature(feature: &Feature) -> Value {
    match feature {
        Feature::Int(value) => json!(value),
        Feature::Float(value) => json!(value),
        Feature::Bool(value) => json!(value),
        Feature::List(values) => json!(values),
    }
}
