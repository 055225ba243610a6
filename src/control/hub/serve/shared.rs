//! Objects without an author: the same at every sensor, so that their identifiers say what they are.
//! Nobody may put something else in their place, in his own name or in nobody's.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::admit::{Refused, text};
use super::config::network;
use crate::outputs::hub::policy::Tlp;
use crate::outputs::hub::privacy::names;
use crate::outputs::hub::privacy::site::Site;
use crate::outputs::hub::stix::{ALWAYS, id, marking, marking_id, reference};
use crate::outputs::hub::time;

/// Observables.
const OBSERVABLES: &[&str] = &[
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];
/// What else is the same everywhere.
const SHARED: &[&str] =
    &["attack-pattern", "extension-definition", "indicator", "marking-definition", "relationship"];
/// Names of protocols of one conversation at most.
const PROTOCOLS_MAX: usize = 8;
/// Bytes of the name of a protocol or a phase at most.
const WORD_BYTES_MAX: usize = 64;
/// Marks and phases of one object at most.
const LIST_MAX: usize = 16;

/// Whether objects of this kind have no author.
pub(super) fn has_no_author(kind: &str) -> bool {
    OBSERVABLES.contains(&kind) || SHARED.contains(&kind)
}

/// Looks at an object of such a kind, which a sensor sent.
///
/// # Errors
/// When its identifier is not made of what it says, when it says more than its kind does, or when it
/// tells of the inside of a site.
pub(super) fn check(object: &Value) -> Result<(), Refused> {
    let kind = text(object, "type");
    if OBSERVABLES.contains(&kind) {
        return observable(object, kind);
    }
    if kind == "marking-definition" {
        let known = Tlp::ALL.into_iter().find(|tlp| marking_id(*tlp) == text(object, "id"));
        return sound(known.ok_or(Refused::Author).map(|tlp| *object == marking(tlp))?);
    }
    let (of, own): (String, &[Property]) = match kind {
        "attack-pattern" => (text(object, "name").to_owned(), PATTERN),
        "relationship" => {
            let [from, how, to] = ["source_ref", "relationship_type", "target_ref"]
                .map(|property| text(object, property));
            if !matches!(how, "indicates" | "related-to") {
                return Err(Refused::Author);
            }
            (format!("{from}|{how}|{to}"), RELATIONSHIP)
        }
        "indicator" => (indicator(object).ok_or(Refused::Content)?, INDICATOR),
        _ => return Err(Refused::Author),
    };
    has_only(object, &[COMMON, own])?;
    sound(text(object, "id") == id::object(kind, &of))
}

fn sound(is: bool) -> Result<(), Refused> {
    if is { Ok(()) } else { Err(Refused::Content) }
}

/// The name of a property, and whether its value is sound in this object.
type Property = (&'static str, fn(&Value, &Value) -> bool);

/// What every object may have.
const COMMON: &[Property] = &[
    ("type", |_, _| true),
    ("id", |_, _| true),
    ("spec_version", |_, value| value == "2.1"),
    ("created", |_, value| value == ALWAYS),
    // Of indicators alone there are several versions: one a day.
    ("modified", |object, value| match text(object, "type") {
        "indicator" => is_day(value),
        _ => value == ALWAYS,
    }),
    ("object_marking_refs", |_, value| {
        is_list(value, |mark| Tlp::ALL.into_iter().any(|tlp| mark == marking_id(tlp)))
    }),
];
const PATTERN: &[Property] = &[
    ("name", |_, value| value.is_string()),
    ("external_references", |object, value| *value == json!([reference(text(object, "name"))])),
    ("kill_chain_phases", |_, value| is_list(value, is_phase)),
];
const RELATIONSHIP: &[Property] = &[
    ("relationship_type", |_, value| value.is_string()),
    ("source_ref", |_, value| value.is_string()),
    ("target_ref", |_, value| value.is_string()),
];
const INDICATOR: &[Property] = &[
    ("name", |_, value| value.is_string()),
    ("pattern", |_, value| value.is_string()),
    ("indicator_types", |_, value| is_list(value, is_word)),
    ("pattern_type", |_, value| value == "stix"),
    ("pattern_version", |_, value| value == "2.1"),
    ("valid_from", |_, value| is_time(value)),
    ("valid_until", |_, value| is_time(value)),
    ("confidence", |_, value| value.as_u64().is_some_and(|sure| sure <= 100)),
    ("kill_chain_phases", |_, value| is_list(value, is_phase)),
];
/// What every observable may have.
const OBSERVABLE: &[Property] =
    &[("type", |_, _| true), ("id", |_, _| true), ("spec_version", |_, value| value == "2.1")];
const VALUE: &[Property] = &[("value", |_, value| value.is_string())];
const SYSTEM: &[Property] =
    &[("number", |_, value| value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()))];
/// What makes the identifier of a conversation (STIX 2.1, 6.12).
const TRAFFIC: &[Property] = &[
    ("src_ref", |_, value| is_address(value)),
    ("dst_ref", |_, value| is_address(value)),
    ("src_port", |_, value| is_port(value)),
    ("dst_port", |_, value| is_port(value)),
    ("start", |_, value| is_time(value)),
    ("end", |_, value| is_time(value)),
    ("protocols", |_, value| {
        is_list(value, is_word) && value.as_array().is_some_and(|of| of.len() <= PROTOCOLS_MAX)
    }),
];
/// What else is told of one.
const COUNTS: &[Property] = &[
    ("is_active", |_, value| value.is_boolean()),
    ("src_packets", |_, value| value.is_u64()),
    ("dst_packets", |_, value| value.is_u64()),
    ("src_byte_count", |_, value| value.is_u64()),
    ("dst_byte_count", |_, value| value.is_u64()),
];

fn has_only(object: &Value, properties: &[&[Property]]) -> Result<(), Refused> {
    let mut own = object.as_object().into_iter().flatten();
    sound(own.all(|(key, value)| {
        let known = properties.iter().copied().flatten().find(|(name, _)| name == key);
        known.is_some_and(|(_, is_sound)| is_sound(object, value))
    }))
}

fn is_list(value: &Value, is_item: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.len() <= LIST_MAX && list.iter().all(is_item))
}

fn is_word(value: &Value) -> bool {
    let word = value.as_str().unwrap_or_default();
    (1..=WORD_BYTES_MAX).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_phase(value: &Value) -> bool {
    const KEYS: [&str; 2] = ["kill_chain_name", "phase_name"];
    value.as_object().is_some_and(|phase| {
        phase.iter().all(|(key, value)| KEYS.contains(&key.as_str()) && is_word(value))
    })
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| time::parse(text).is_some())
}

fn is_day(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    time::parse(text).is_some_and(|at| time::millis(time::day(at)) == text)
}

fn is_port(value: &Value) -> bool {
    value.as_u64().is_some_and(|port| u16::try_from(port).is_ok())
}

fn is_address(value: &Value) -> bool {
    let id = value.as_str().unwrap_or_default();
    id.len() == "ipv4-addr--".len() + 36
        && (id.starts_with("ipv4-addr--") || id.starts_with("ipv6-addr--"))
}

/// An observable: what sensors send of them.
fn observable(object: &Value, kind: &str) -> Result<(), Refused> {
    let contributing: &[Property] = match kind {
        "ipv4-addr" | "ipv6-addr" => {
            is_outside(text(object, "value"), kind == "ipv4-addr")?;
            VALUE
        }
        "domain-name" => {
            is_public(text(object, "value"))?;
            VALUE
        }
        "autonomous-system" => SYSTEM,
        "network-traffic" => TRAFFIC,
        // The others could only hold what has to stay at the site.
        _ => return Err(Refused::Private),
    };
    let more = if kind == "network-traffic" { COUNTS } else { &[] };
    has_only(object, &[OBSERVABLE, contributing, more])?;
    let made_of: Map<String, Value> = contributing
        .iter()
        .filter_map(|(name, _)| Some(((*name).to_owned(), object.get(name)?.clone())))
        .collect();
    sound(text(object, "id") == id::observable(kind, &Value::Object(made_of)))
}

/// One address of the world, written as everybody writes it.
fn is_outside(value: &str, is_v4: bool) -> Result<(), Refused> {
    let (address, _) = network(value.trim()).ok_or(Refused::Content)?;
    if Site::default().is_internal(address) {
        return Err(Refused::Private);
    }
    sound(address.is_ipv4() == is_v4 && address.to_string() == value)
}

/// A name of the public DNS, written as everybody writes it.
fn is_public(value: &str) -> Result<(), Refused> {
    if names::registered(value.trim(), &[]).is_none() {
        return Err(Refused::Private);
    }
    sound(value == value.trim().trim_end_matches('.').to_ascii_lowercase())
}

/// What makes an indicator what it is: who judged, and the value that its name and pattern say.
fn indicator(object: &Value) -> Option<String> {
    let (value, by) = text(object, "name").strip_suffix(')')?.rsplit_once(" (")?;
    let kind = match network(value) {
        Some((IpAddr::V4(_), _)) => "ipv4-addr",
        Some((IpAddr::V6(_), _)) => "ipv6-addr",
        None => "domain-name",
    };
    let pattern = text(object, "pattern");
    let mut said = ["=", "ISSUBSET"].into_iter();
    let is_its = said.any(|is| pattern == format!("[{kind}:value {is} '{value}']"));
    is_its.then(|| format!("{by}|{value}"))
}
