//! What a hub takes: envelopes within bounds, objects of the one who sends them.

use serde_json::Value;

use super::shared;
use crate::outputs::hub::identity::Identity;
use crate::outputs::hub::stix::id;
use crate::outputs::hub::time;

/// Bytes of a request at most: what the service says of itself.
pub(super) const CONTENT_BYTES_MAX: usize = 1024 * 1024;
/// Objects of an envelope at most.
pub(super) const ENVELOPE_OBJECTS_MAX: usize = 2_000;
/// Levels of lists and objects within an object at most.
const DEPTH_MAX: usize = 12;
/// Bytes of a text at most.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Values within an object at most.
const VALUES_MAX: usize = 4_096;
/// Bytes of an identifier at most.
const ID_BYTES_MAX: usize = 128;

/// Why an object is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not by the one whose certificate was shown.
    Author,
    /// It is too large or too deep.
    Bounds,
    /// It has no author, and its identifier is not made of what it says.
    Content,
    /// It tells of the inside of a site.
    Private,
    /// The gate holds it back.
    Gate,
    /// Its versions are no points in time.
    Version,
}

impl Refused {
    pub(super) const ALL: [Self; 6] =
        [Self::Author, Self::Bounds, Self::Content, Self::Private, Self::Gate, Self::Version];

    /// As metrics name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Bounds => "bounds",
            Self::Content => "content",
            Self::Private => "private",
            Self::Gate => "gate",
            Self::Version => "version",
        }
    }

    /// As the status says it.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Author => "created_by_ref is not the identity of the certificate",
            Self::Bounds => "too large, too deep, or too many values",
            Self::Content => {
                "an object without created_by_ref whose identifier is not made of its content"
            }
            Self::Private => "it tells of the inside of a site: it must not leave",
            Self::Gate => "it must never be an indicator",
            Self::Version => "modified or created is no point in time",
        }
    }
}

/// An object that may be kept.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) id: String,
    /// As it is written; empty when it has none.
    pub(super) version: String,
    /// Microseconds; 0 when it has none.
    pub(super) at: u64,
    pub(super) kind: String,
    pub(super) spec: String,
    pub(super) body: Vec<u8>,
    /// The pattern of an indicator.
    pub(super) pattern: Option<String>,
}

/// Whose objects are looked at.
pub(super) enum Author {
    /// A sensor: the identifiers of itself and of its town.
    Sensor {
        /// Of the sensor.
        own: String,
        /// Of its town or office.
        commune: String,
    },
    /// A party that is trusted with what it publishes.
    Party,
}

impl Author {
    pub(super) fn sensor(identity: &Identity) -> Self {
        Self::Sensor {
            own: id::object("identity", &identity.uri()),
            commune: id::object("identity", &identity.commune_uri()),
        }
    }
}

/// The identifier and version of something that is an object at all: `type`, and an identifier that
/// is a UUID of that type.
pub(super) fn named(object: &Value) -> Option<(&str, &str)> {
    let (kind, id) = (text(object, "type"), text(object, "id"));
    let uuid = id.strip_prefix(kind)?.strip_prefix("--")?;
    let kind_is_sound = (3..=64).contains(&kind.len())
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let hexadecimal = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let is_uuid = uuid.len() == 36 && uuid.bytes().enumerate().all(hexadecimal);
    (kind_is_sound && is_uuid && id.len() <= ID_BYTES_MAX).then_some((kind, id))
}

/// Looks at one object, which [`named`] has seen.
pub(super) fn admit(object: &Value, author: &Author) -> Result<Admitted, Refused> {
    let mut values = 0;
    if !is_bounded(object, 0, &mut values) {
        return Err(Refused::Bounds);
    }
    let version = ["modified", "created"].into_iter().find_map(|key| object.get(key));
    let (version, at) = match version {
        None => (String::new(), 0),
        Some(of) => {
            let written = of.as_str().ok_or(Refused::Version)?;
            let at = time::parse(written).ok_or(Refused::Version)?;
            (written.to_owned(), (at.nanos() / 1000).max(1))
        }
    };
    if let Author::Sensor { own, commune } = author {
        of_a_sensor(object, own, commune)?;
    }
    let kind = text(object, "type");
    let pattern = (kind == "indicator").then(|| text(object, "pattern").to_owned());
    Ok(Admitted {
        id: text(object, "id").to_owned(),
        version,
        at,
        kind: kind.to_owned(),
        spec: object.get("spec_version").and_then(Value::as_str).unwrap_or("2.1").to_owned(),
        body: object.to_string().into_bytes(),
        pattern,
    })
}

/// What a sensor sends is its own, or the same at every sensor.
fn of_a_sensor(object: &Value, own: &str, commune: &str) -> Result<(), Refused> {
    let kind = text(object, "type");
    // The observables of an older standard, within: nothing could be said of them.
    if kind == "observed-data" && object.get("objects").is_some() {
        return Err(Refused::Private);
    }
    let by = object.get("created_by_ref");
    if kind == "identity" {
        let id = text(object, "id");
        let is_own = id == own && by.and_then(Value::as_str) == Some(commune);
        let is_commune = id == commune && by.is_none();
        return if is_own || is_commune { Ok(()) } else { Err(Refused::Author) };
    }
    match by {
        None if shared::has_no_author(kind) => shared::check(object),
        Some(by) if by.as_str() == Some(own) && !shared::has_no_author(kind) => Ok(()),
        _ => Err(Refused::Author),
    }
}

fn is_bounded(value: &Value, depth: usize, values: &mut usize) -> bool {
    *values += 1;
    if *values > VALUES_MAX || depth > DEPTH_MAX {
        return false;
    }
    match value {
        Value::String(text) => text.len() <= TEXT_BYTES_MAX,
        Value::Array(list) => list.iter().all(|value| is_bounded(value, depth + 1, values)),
        Value::Object(object) => object
            .iter()
            .all(|(key, value)| key.len() <= ID_BYTES_MAX && is_bounded(value, depth + 1, values)),
        _ => true,
    }
}

pub(super) fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn author() -> (Author, String) {
        let identity = Identity::new(13, 19, "082053", None, 1).unwrap();
        let own = id::object("identity", &identity.uri());
        (Author::sensor(&identity), own)
    }

    fn sighting(by: &str) -> Value {
        json!({
            "type": "sighting", "spec_version": "2.1", "id": id::object("sighting", "x"),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "created_by_ref": by, "sighting_of_ref": id::object("attack-pattern", "T1046"),
        })
    }

    #[test]
    fn what_a_sensor_sends_is_its_own() {
        let (author, own) = author();
        let taken = admit(&sighting(&own), &author).unwrap();
        assert_eq!((taken.kind.as_str(), taken.at), ("sighting", 1_767_225_600_000_000));
        let other = id::object("identity", "urn:rivellino:cosc/1/region/01/comune/001001/sensor/1");
        assert_eq!(admit(&sighting(&other), &author).unwrap_err(), Refused::Author);
        assert!(admit(&sighting(&other), &Author::Party).is_ok());
        let mut nobody = sighting(&own);
        nobody.as_object_mut().unwrap().remove("created_by_ref");
        assert_eq!(admit(&nobody, &author).unwrap_err(), Refused::Author);
        let mut late = sighting(&own);
        late["modified"] = json!("yesterday");
        assert_eq!(admit(&late, &author).unwrap_err(), Refused::Version);
    }

    #[test]
    fn bounds_hold() {
        let (author, own) = author();
        let mut deep = json!(1);
        for _ in 0..20 {
            deep = json!([deep]);
        }
        for value in [deep, json!("x".repeat(20_000)), json!(vec![1; 5_000])] {
            let mut object = sighting(&own);
            object["description"] = value;
            assert_eq!(admit(&object, &author).unwrap_err(), Refused::Bounds);
        }
    }

    #[test]
    fn nobody_takes_the_place_of_what_all_share() {
        let (author, _) = author();
        let pattern = |name: &str, of: &str| json!({ "type": "attack-pattern", "id": id::object("attack-pattern", of), "name": name });
        assert!(admit(&pattern("T1046", "T1046"), &author).is_ok());
        assert_eq!(admit(&pattern("T1110", "T1046"), &author).unwrap_err(), Refused::Content);
        let mut more = pattern("T1046", "T1046");
        more["description"] = json!("of a town");
        assert_eq!(admit(&more, &author).unwrap_err(), Refused::Content);
        let address = |value: &str, of: &str| {
            let id = id::observable("ipv4-addr", &json!({ "value": of }));
            json!({ "type": "ipv4-addr", "id": id, "value": value })
        };
        assert!(admit(&address("203.0.113.6", "203.0.113.6"), &author).is_ok());
        let other = admit(&address("203.0.113.7", "203.0.113.6"), &author);
        assert_eq!(other.unwrap_err(), Refused::Content);
        let inside = admit(&address("10.0.0.1", "10.0.0.1"), &author);
        assert_eq!(inside.unwrap_err(), Refused::Private);
        for (kind, value, why) in [
            ("ipv4-addr", " 10.0.0.1", Refused::Private),
            ("ipv4-addr", "10.0.0.0/24", Refused::Private),
            ("ipv4-addr", "203.0.113.0/24", Refused::Content),
            ("ipv4-addr", "203.0.113.6\t", Refused::Content),
            ("ipv6-addr", "::ffff:192.168.1.1", Refused::Private),
            ("ipv6-addr", "2A00::1", Refused::Content),
            ("domain-name", "srv1.ufficio.local", Refused::Private),
            ("domain-name", "srv1", Refused::Private),
            ("domain-name", "Example.org", Refused::Content),
        ] {
            let id = id::observable(kind, &json!({ "value": value }));
            let object = json!({ "type": kind, "id": id, "value": value });
            assert_eq!(admit(&object, &author).unwrap_err(), why, "{value}");
        }
        let user = json!({ "type": "user-account", "id": id::object("user-account", "x") });
        assert_eq!(admit(&user, &author).unwrap_err(), Refused::Private);
    }

    #[test]
    fn what_all_share_has_no_author() {
        let (author, own) = author();
        let honest = id::observable("ipv4-addr", &json!({ "value": "203.0.113.6" }));
        let indicator = json!({
            "type": "indicator", "id": id::object("indicator", "scan|203.0.113.6"),
            "name": "203.0.113.6 (scan)", "pattern": "[ipv4-addr:value = '203.0.113.6']",
            "modified": "2026-01-02T00:00:00.000Z",
        });
        let made_of = json!({
            "src_ref": honest, "dst_port": 22, "protocols": ["ipv4", "tcp"],
            "start": "2026-01-01T00:00:00.000001Z", "end": "2026-01-01T00:00:01.000001Z",
        });
        let mut traffic = made_of.clone();
        traffic["type"] = json!("network-traffic");
        traffic["id"] = json!(id::observable("network-traffic", &made_of));
        traffic["src_packets"] = json!(7);
        let address = json!({ "type": "ipv4-addr", "id": honest, "value": "203.0.113.6" });
        let marking = crate::outputs::hub::stix::marking(crate::outputs::hub::policy::Tlp::Amber);
        for object in [&indicator, &traffic, &address, &marking] {
            assert!(admit(object, &author).is_ok(), "{object}");
            let mut by = object.clone();
            by["created_by_ref"] = json!(own);
            assert_eq!(admit(&by, &author).unwrap_err(), Refused::Author, "{object}");
            let mut more = object.clone();
            more["x_note"] = json!("of a town");
            assert_eq!(admit(&more, &author).unwrap_err(), Refused::Content, "{object}");
        }
        for (of, key, value) in [
            (&indicator, "modified", json!("2026-01-02T00:00:00.001Z")),
            (&indicator, "pattern", json!("[ipv4-addr:value = '203.0.113.7']")),
            (&traffic, "dst_port", json!(23)),
            (&traffic, "src_packets", json!("10.0.0.1")),
            (&address, "value", json!("203.0.113.7")),
            (&marking, "name", json!("TLP:CLEAR")),
        ] {
            let mut changed = of.clone();
            changed[key] = value;
            assert_eq!(admit(&changed, &author).unwrap_err(), Refused::Content, "{changed}");
        }
        let mut observed = sighting(&own);
        observed["type"] = json!("observed-data");
        observed["id"] = json!(id::object("observed-data", "x"));
        assert!(admit(&observed, &author).is_ok());
        observed["objects"] = json!({ "0": { "type": "ipv4-addr", "value": "10.0.0.1" } });
        assert_eq!(admit(&observed, &author).unwrap_err(), Refused::Private);
    }

    #[test]
    fn all_that_a_sensor_makes_is_taken() {
        use crate::outputs::hub::stix::tests::{INCIDENT, SCAN, exchange};
        let (mut exchange, now) = exchange();
        let author = Author::sensor(&exchange.policy().identity);
        let mut objects = exchange.preamble();
        for line in [SCAN, INCIDENT] {
            objects.extend(exchange.line(line.as_bytes(), now).unwrap().objects);
        }
        for kind in ["indicator", "network-traffic", "incident", "marking-definition"] {
            assert!(objects.iter().any(|object| text(object, "type") == kind), "{kind}");
        }
        for object in &objects {
            assert!(named(object).is_some(), "{object}");
            assert_eq!(admit(object, &author).err(), None, "{object}");
        }
    }

    #[test]
    fn names_are_read_strictly() {
        let (_, own) = author();
        assert!(named(&sighting(&own)).is_some());
        for object in [
            json!({}),
            json!(1),
            json!({ "type": "sighting" }),
            json!({ "type": "sighting", "id": "sighting--1" }),
            json!({ "type": "note", "id": id::object("sighting", "x") }),
            json!({ "type": "a/../b", "id": "a/../b--00000000-0000-0000-0000-000000000000" }),
        ] {
            assert!(named(&object).is_none(), "{object}");
        }
    }
}
