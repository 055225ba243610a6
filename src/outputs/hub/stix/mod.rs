//! STIX 2.1: what was seen as sighting, observed-data, indicator, attack-pattern and note.
//!
//! The sighting is what is sent; the rest stands around it. Of the conversation only the external
//! end is told (`network-traffic` with one of `src_ref` and `dst_ref`, as the standard allows); an
//! observable of an internal address is never made, as its identifier alone would give it away.
//! Indicators and attack patterns are the same bytes at every sensor and name no author, so that
//! one that goes round names no town.

mod attack;
pub mod canonical;
mod extension;
pub mod id;
mod incident;
mod observed;

use serde_json::{Value, json};

use super::Format;
use super::cleared::{Cleared, Infrastructure};
use super::identity::Identity;
use super::policy::Tlp;
use super::time::{day, millis, shortest};
use crate::time::{Duration, Timestamp};

pub use attack::reference;
pub use extension::{ID as EXTENSION, SCHEMA as EXTENSION_SCHEMA};

/// When things that are the same everywhere were made, by convention: it must not change.
pub const ALWAYS: &str = "2000-01-01T00:00:00.000Z";
/// Days for which an indicator holds from the day on which it was seen.
const INDICATOR_DAYS: u64 = 30;
/// How sure an indicator is by the word of one sensor alone, percent: the hub raises it.
const INDICATOR_CONFIDENCE: u8 = 50;
/// The extension that TLP 2.0 is written with (OASIS, TLP 2.0 extension).
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// Makes STIX objects in the name of one sensor.
pub struct Stix {
    commune: String,
    sensor: String,
    identity: Identity,
}

impl Stix {
    /// In the name of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self {
            commune: id::object("identity", &identity.commune_uri()),
            sensor: id::object("identity", &identity.uri()),
            identity: identity.clone(),
        }
    }

    /// The sensor's identifier: the author of what it sends.
    pub fn author(&self) -> &str {
        &self.sensor
    }

    /// The definition of our extension with its schema, and who made it: for whoever runs a hub, to
    /// be put there once.
    pub fn definition() -> [Value; 2] {
        let maker = id::object("identity", "rivellino");
        let definition = extension::definition(&maker, ALWAYS);
        let identity = json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": maker,
            "created": ALWAYS,
            "modified": ALWAYS,
            "name": "Rivellino",
            "identity_class": "system",
        });
        [identity, definition]
    }

    fn sighting(&self, of: &Cleared, sighted: &str, observed: Option<&str>) -> Value {
        let at = millis(of.at);
        let mut sighting = json!({
            "type": "sighting",
            "spec_version": "2.1",
            "id": id::object("sighting", &format!("{}|{}", self.sensor, of.key)),
            "created_by_ref": self.sensor,
            "created": at,
            "modified": at,
            "description": of.title,
            "first_seen": millis(of.began),
            "last_seen": at,
            "count": 1,
            "confidence": of.confidence,
            "sighting_of_ref": sighted,
            "where_sighted_refs": [self.commune],
            "object_marking_refs": [marking_id(of.tlp)],
            "extensions": { EXTENSION: extension::of(of) },
        });
        if let (Some(observed), Some(object)) = (observed, sighting.as_object_mut()) {
            object.insert("observed_data_refs".to_owned(), json!([observed]));
        }
        sighting
    }

    fn note(&self, of: &Cleared, about: &Value) -> Value {
        let at = millis(of.at);
        let created = of.incident.as_ref().map_or(of.at, |incident| incident.first);
        json!({
            "type": "note",
            "spec_version": "2.1",
            "id": id::object("note", &format!("{}|{}", self.sensor, of.key)),
            "created_by_ref": self.sensor,
            "created": millis(created),
            "modified": at,
            "lang": "it",
            "abstract": of.title,
            "content": of.explanation,
            "object_refs": [about.get("id")],
            "object_marking_refs": [marking_id(of.tlp)],
        })
    }
}

impl Format for Stix {
    fn name(&self) -> &'static str {
        "stix"
    }

    fn preamble(&self) -> Vec<Value> {
        let office = self.identity.office().map(|office| format!(" ufficio {office}"));
        let name = format!("comune {}{}", self.identity.istat(), office.unwrap_or_default());
        let identity = |id: &str, name: &str, class: &str, by: Option<&str>| {
            let mut identity = json!({
                "type": "identity",
                "spec_version": "2.1",
                "id": id,
                "created": ALWAYS,
                "modified": ALWAYS,
                "name": name,
                "identity_class": class,
            });
            if let (Some(by), Some(object)) = (by, identity.as_object_mut()) {
                object.insert("created_by_ref".to_owned(), json!(by));
            }
            identity
        };
        let mut commune = identity(&self.commune, &name, "organization", None);
        if let Some(object) = commune.as_object_mut() {
            object.insert("sectors".to_owned(), json!(["government-local"]));
        }
        // Without the definition of our extension: its `version` is no time, and one server (medallion
        // 3.0.0) that holds it answers nothing but errors from then on.
        let mut objects: Vec<Value> = Tlp::ALL.into_iter().map(marking).collect();
        objects.push(commune);
        let uri = self.identity.uri();
        objects.push(identity(&self.sensor, &uri, "system", Some(&self.commune)));
        objects
    }

    fn objects(&self, of: &Cleared) -> Vec<Value> {
        if let Some(draft) = &of.incident {
            let mut objects = incident::objects(of, draft, &self.sensor);
            let note = objects.last().map(|incident| self.note(of, incident));
            objects.extend(note.filter(|_| !of.explanation.is_empty()));
            return objects;
        }
        let pattern = attack::pattern(of);
        let pattern_id = text(&pattern, "id");
        let indicators: Vec<Value> =
            of.infrastructure.iter().map(|what| indicator(of, what)).collect();
        let observed = observed::objects(of, &self.sensor);
        let observed_id = observed.last().map(|object| text(object, "id"));
        // One sighting says one thing: of the indicator if there is one (that of others before our
        // own), else of the technique.
        let own = indicators.first().map(|first| text(first, "id"));
        let sighted = of.reported.clone().or(own).unwrap_or_else(|| pattern_id.clone());
        let sighting = self.sighting(of, &sighted, observed_id.as_deref());
        let mut objects = vec![pattern];
        for indicator in indicators {
            let from = text(&indicator, "id");
            objects.push(indicator);
            objects.push(json!({
                "type": "relationship",
                "spec_version": "2.1",
                "id": id::object("relationship", &format!("{from}|indicates|{pattern_id}")),
                "created": ALWAYS,
                "modified": ALWAYS,
                "relationship_type": "indicates",
                "source_ref": from,
                "target_ref": pattern_id,
                "object_marking_refs": [marking_id(of.tlp)],
            }));
        }
        objects.extend(observed);
        if !of.explanation.is_empty() {
            objects.push(self.note(of, &sighting));
        }
        objects.push(sighting);
        objects
    }
}

fn text(object: &Value, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What others may look for. The same bytes at every sensor that sees the same on the same day.
fn indicator(of: &Cleared, what: &Infrastructure) -> Value {
    let (value, kind) = match what {
        Infrastructure::Address(address) => (address.to_string(), kind_of(*address)),
        Infrastructure::Domain(domain) => (domain.clone(), "domain-name"),
    };
    let [gid, sid, _] = of.number;
    let by = match of.detector.as_str() {
        "signature" => format!("signature {gid}:{sid}"),
        detector => detector.to_owned(),
    };
    let from = day(of.at);
    let until = from.after(Duration::from_secs(INDICATOR_DAYS * 86_400));
    let mut indicator = json!({
        "type": "indicator",
        "spec_version": "2.1",
        "id": id::object("indicator", &format!("{by}|{value}")),
        "created": ALWAYS,
        "modified": millis(from),
        "name": format!("{value} ({by})"),
        "indicator_types": ["anomalous-activity"],
        "pattern": format!("[{kind}:value = '{value}']"),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": millis(from),
        "valid_until": millis(until),
        "confidence": INDICATOR_CONFIDENCE,
        "object_marking_refs": [marking_id(of.tlp)],
    });
    let phases = attack::phases(of);
    if let (false, Some(object)) = (phases.is_empty(), indicator.as_object_mut()) {
        object.insert("kill_chain_phases".to_owned(), json!(phases));
    }
    indicator
}

const fn kind_of(address: std::net::IpAddr) -> &'static str {
    match address {
        std::net::IpAddr::V4(_) => "ipv4-addr",
        std::net::IpAddr::V6(_) => "ipv6-addr",
    }
}

/// The identifier of a mark of TLP 2.0. Those built into STIX 2.1 are of TLP 1.0.
pub const fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    }
}

/// The definition of a mark of TLP 2.0: the same bytes everywhere.
pub fn marking(tlp: Tlp) -> Value {
    json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": marking_id(tlp),
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{}", tlp.name().to_ascii_uppercase()),
        "extensions": {
            TLP_EXTENSION: { "extension_type": "property-extension", "tlp_2_0": tlp.name() },
        },
    })
}

/// Times as observables carry them: of an odd microsecond, so that none ends in a zero that had to be
/// taken away. Then all are of one length, and those who compare them as texts (stix2-validator 3.2.0)
/// come to the right order.
fn observable_time(at: Timestamp) -> String {
    let micros = (at.nanos() / 1000) | 1;
    shortest(Timestamp::from_nanos(micros.saturating_mul(1000)))
}

#[cfg(test)]
pub(crate) mod tests;
