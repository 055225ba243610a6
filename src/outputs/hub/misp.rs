//! MISP: events as files (core format, version 2.4/2.5) that MISP reads with "Add event from JSON"
//! or as a feed.
//!
//! A conversation is an object `network-connection` (template version 7): the external end by its
//! address, the internal one as a pseudonym in the comment. What belongs to the attacker and can be
//! looked for is marked `to_ids`.

use serde_json::{Value, json};

use super::Format;
use super::cleared::{Cleared, Infrastructure, Party};
use super::identity::Identity;
use super::stix::id;
use super::time::millis;
use crate::record::Level;
use crate::time::Timestamp;

/// The template of `network-connection`.
const CONNECTION: (&str, &str) = ("af16764b-f8e5-4603-9de1-de34d272f80b", "7");

/// Makes events of MISP in the name of one sensor.
pub struct Misp {
    identity: Identity,
}

impl Misp {
    /// In the name of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self { identity: identity.clone() }
    }

    /// A UUID for what `name` says, the same in every run.
    fn uuid(&self, kind: &str, name: &str) -> String {
        uuid(&format!("misp-{kind}"), &format!("{}|{name}", self.identity))
    }

    fn connection(&self, of: &Cleared) -> Value {
        let (template, version) = CONNECTION;
        let mut attributes = Vec::new();
        let mut add = |relation: &str, kind: &str, value: String| {
            attributes.push(json!({
                "uuid": self.uuid(relation, &of.key),
                "object_relation": relation,
                "type": kind,
                "category": if kind == "ip-src" || kind == "ip-dst" { "Network activity" } else { "Other" },
                "value": value,
                "to_ids": false,
                "disable_correlation": kind != "ip-src" && kind != "ip-dst",
            }));
        };
        for (party, address_is, port_is) in
            [(&of.source, "ip-src", "src-port"), (&of.destination, "ip-dst", "dst-port")]
        {
            let port = match party {
                Some(Party::External { address, port }) => {
                    add(address_is, address_is, address.to_string());
                    *port
                }
                Some(Party::Internal { port, .. }) => *port,
                None => None,
            };
            if let Some(port) = port {
                add(port_is, "port", port.to_string());
            }
        }
        add("first-packet-seen", "datetime", millis(of.began));
        add("last-packet-seen", "datetime", millis(of.at));
        if let Some(transport) = &of.transport {
            add("layer4-protocol", "text", transport.to_ascii_uppercase());
        }
        if let Some(application) = &of.application {
            add("layer7-protocol", "text", application.to_ascii_uppercase());
        }
        if let Some(counters) = of.counters {
            let [there, back] = counters.packets;
            add("src-packets-count", "counter", there.to_string());
            add("dst-packets-count", "counter", back.to_string());
        }
        json!({
            "uuid": self.uuid("network-connection", &of.key),
            "name": "network-connection",
            "meta-category": "network",
            "template_uuid": template,
            "template_version": version,
            "comment": format!("{}{}", of.title, inside(of)),
            "Attribute": attributes,
        })
    }

    fn attribute(&self, of: &Cleared, kind: &str, category: &str, value: &str, ids: bool) -> Value {
        let mut tags: Vec<Value> = of.acn.iter().map(|tag| json!({ "name": tag })).collect();
        tags.extend(of.techniques.iter().map(|technique| json!({ "name": technique })));
        json!({
            "uuid": self.uuid(kind, &format!("{}|{value}", of.key)),
            "type": kind,
            "category": category,
            "value": value,
            "to_ids": ids,
            "comment": of.title,
            "first_seen": millis(of.began),
            "last_seen": millis(of.at),
            "Tag": tags,
        })
    }
}

/// The internal ends, as far as they may be told.
fn inside(of: &Cleared) -> String {
    let ends = [&of.source, &of.destination].into_iter().flatten();
    let ends = ends.filter_map(|party| match party {
        Party::Internal { role, pseudonym, .. } => {
            Some(format!("; interno: {} {pseudonym}", role.name()))
        }
        Party::External { .. } => None,
    });
    ends.collect()
}

fn uuid(kind: &str, name: &str) -> String {
    let id = id::object(kind, name);
    id.get(kind.len() + 2..).unwrap_or_default().to_owned()
}

impl Format for Misp {
    fn name(&self) -> &'static str {
        "misp"
    }

    fn preamble(&self) -> Vec<Value> {
        Vec::new()
    }

    fn objects(&self, of: &Cleared) -> Vec<Value> {
        let mut objects = vec![json!({ "level": of.level.name(), "tlp": of.tlp.name() })];
        if of.incident.is_none() {
            objects.push(self.connection(of));
        }
        for what in &of.infrastructure {
            let (kind, value) = match what {
                Infrastructure::Address(address) => ("ip-src", address.to_string()),
                Infrastructure::Domain(domain) => ("domain", domain.clone()),
            };
            objects.push(self.attribute(of, kind, "Network activity", &value, true));
        }
        for address in of.incident.iter().flat_map(|incident| &incident.sources) {
            let value = address.to_string();
            objects.push(self.attribute(of, "ip-src", "Network activity", &value, false));
        }
        let text = if of.explanation.is_empty() { &of.title } else { &of.explanation };
        objects.push(self.attribute(of, "comment", "Other", text, false));
        objects
    }

    /// One event of MISP.
    fn batch(&self, objects: Vec<Value>, now: Timestamp) -> Vec<Value> {
        let (mut inner, mut attributes) = (Vec::new(), Vec::new());
        let (mut level, mut tlp, mut all) = (Level::Info, String::from("clear"), String::new());
        for object in objects {
            if let Some(name) = object.get("level").and_then(Value::as_str) {
                level = level.max(super::seen::level_of_name(name).unwrap_or(Level::Info));
                let mark = object.get("tlp").and_then(Value::as_str).unwrap_or_default();
                tlp = strictest(&tlp, mark);
                continue;
            }
            all.push_str(object.get("uuid").and_then(Value::as_str).unwrap_or_default());
            let is_object = object.get("template_uuid").is_some();
            if is_object { inner.push(object) } else { attributes.push(object) }
        }
        let [year, month, day, ..] = now.civil();
        let threat = match level {
            Level::Critical | Level::High => "1",
            Level::Medium => "2",
            Level::Low => "3",
            Level::Info => "4",
        };
        let event = json!({
            "uuid": self.uuid("event", &all),
            "info": format!("Rivellino: comune {}", self.identity.istat()),
            "date": format!("{year:04}-{month:02}-{day:02}"),
            "threat_level_id": threat,
            "analysis": "0",
            "distribution": "1",
            "published": false,
            "Orgc": {
                "name": format!("comune {}", self.identity.istat()),
                "uuid": uuid("misp-org", &self.identity.commune_uri()),
            },
            "Tag": [{ "name": format!("tlp:{tlp}") }, { "name": "PAP:AMBER" }],
            "Object": inner,
            "Attribute": attributes,
        });
        vec![json!({ "Event": event })]
    }
}

/// The stricter of two marks.
fn strictest(a: &str, b: &str) -> String {
    let place = |mark: &str| super::policy::Tlp::ALL.iter().position(|tlp| tlp.name() == mark);
    (if place(a) >= place(b) { a } else { b }).to_owned()
}
