//! What leaves says nothing of people and hosts of the site.
//!
//! [`clear`] takes an event apart and puts together what may leave: internal hosts become
//! pseudonyms, names the domain that was registered, explanations lose what they quote. What is
//! left passes a [`guard`] that looks for what must not be there; a hit blocks the whole envelope.

pub mod guard;
pub mod names;
pub mod pseudonym;
pub mod site;
pub mod wording;

use std::net::IpAddr;

use serde_json::Value;

use super::cleared::{Cleared, Draft, Feature, Infrastructure, Party, Role, Withheld};
use super::policy::{Policy, Tlp};
use super::seen::{End, Incident, REPORTED, Seen};
use crate::record::Level;
use crate::time::Timestamp;
use pseudonym::Keys;
use site::Site;
use wording::{Author, Wording};

/// Application protocols of industrial devices.
const INDUSTRIAL: &[&str] = &["modbus", "dnp3", "enip"];
/// What alerts of rules have in place of a detector's name.
const SIGNATURE: &str = "signature";
/// Features told of one event.
pub const FEATURES_MAX: usize = 32;
/// Numbers told of one feature that is a list.
pub const LIST_MAX: usize = 16;
/// Detectors whose external end is a centre of command. Not exfiltration and long connections:
/// those go to clouds and suppliers that others use rightly.
const OUTBOUND: &[&str] = &["beacon", "covert-tunnel", "mining"];
/// Detectors that judge what a host of the site does.
pub const OF_OURS: &[&str] = &["beacon", "exfiltration", "lateral", "long-connection"];

/// What may leave of `seen`, or why nothing may.
///
/// # Errors
/// What the policy says against it.
pub fn clear(
    seen: &Seen,
    policy: &Policy,
    site: &Site,
    keys: &Keys,
    now: Timestamp,
) -> Result<Cleared, Withheld> {
    let tlp = allowed(seen, policy, now)?;
    if is_unplaced(seen, site) {
        return Err(Withheld::Unplaced);
    }
    let is_signature = seen.detector == SIGNATURE;
    let infrastructure = infrastructure(seen, site);
    let told = told(seen, site);
    let domains: Vec<String> = infrastructure
        .iter()
        .filter_map(|of| match of {
            Infrastructure::Domain(domain) => Some(domain.clone()),
            Infrastructure::Address(_) => None,
        })
        .collect();
    let wording = Wording {
        site,
        pseudonym: &|address| keys.pseudonym(address, now),
        told: &told,
        domains: &domains,
        words: &seen.words,
        author: if is_signature { Author::Rule } else { Author::Detector },
    };
    let party = |end: Option<End>, serves| party(seen, end?, serves, site, keys, now);
    let [title, category, explanation] =
        [&seen.title, &seen.category, &seen.explanation].map(|text| wording.rewrite(text));
    Ok(Cleared {
        at: seen.at,
        began: seen.began,
        detector: seen.detector.clone(),
        number: seen.number,
        level: seen.level,
        confidence: seen.confidence,
        title,
        category,
        explanation,
        techniques: seen.techniques.clone(),
        acn: seen.acn.clone(),
        score: seen.score.map(|pair| pair.map(coarse_float)),
        features: features(seen),
        source: party(seen.source, false),
        destination: party(seen.destination, true),
        transport: seen.transport.clone(),
        application: seen.application.clone(),
        counters: seen.counters,
        reported: seen.reported.clone(),
        infrastructure,
        tlp,
        incident: seen.incident.as_ref().map(|incident| draft(incident, site)),
        key: key(seen, &told),
    })
}

/// Whether it judges what a host of the site did, and nobody can say which that is: an incident without
/// any host of the site, a finding between two strangers.
fn is_unplaced(seen: &Seen, site: &Site) -> bool {
    if let Some(incident) = &seen.incident {
        let mut ends = incident.ends.iter().flatten();
        return !ends.any(|address| site.is_internal(*address));
    }
    let ends = seen.source.zip(seen.destination);
    let strange = ends.is_some_and(|(source, destination)| {
        [source, destination].iter().all(|end| !site.is_internal(end.address))
    });
    strange && OF_OURS.contains(&seen.detector.as_str())
}

/// How far `seen` may travel, if the policy lets it leave at all.
fn allowed(seen: &Seen, policy: &Policy, now: Timestamp) -> Result<Tlp, Withheld> {
    let [year, month, day, ..] = now.civil();
    if !policy.holds_on([year, month, day]) {
        return Err(Withheld::Expired);
    }
    let (is_allowed, against) = match &seen.incident {
        Some(_) => (policy.incidents, Withheld::Incident),
        None if seen.detector == SIGNATURE => (policy.signatures, Withheld::Signature),
        None => (policy.allows(&seen.detector), Withheld::Detector),
    };
    if !is_allowed {
        return Err(against);
    }
    if seen.level < policy.level {
        return Err(Withheld::Level);
    }
    let tlp = mark(seen);
    if tlp > policy.ceiling { Err(Withheld::Mark) } else { Ok(tlp) }
}

/// Internal addresses that `seen` holds anywhere, for the guard; at most as many as its words.
pub fn internal(seen: &Seen, site: &Site) -> Vec<IpAddr> {
    let ends = [seen.source, seen.destination].into_iter().flatten().map(|end| end.address);
    let many = seen.incident.iter().flat_map(|incident| incident.ends.iter().flatten().copied());
    let words = seen.words.iter().filter_map(|word| word.parse().ok());
    let texts = [&seen.title, &seen.explanation].into_iter().flat_map(|text| {
        let tokens = text.split(|c: char| !c.is_ascii_hexdigit() && !matches!(c, '.' | ':'));
        tokens.filter_map(|token| token.trim_matches(['.', ':']).parse().ok())
    });
    let mut found: Vec<IpAddr> = ends
        .chain(many)
        .chain(words)
        .chain(texts)
        .filter(|address| site.is_internal(*address))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// External ends of `seen`: the addresses that may be told.
pub fn told(seen: &Seen, site: &Site) -> Vec<IpAddr> {
    let ends = [seen.source, seen.destination].into_iter().flatten().map(|end| end.address);
    let many = seen.incident.iter().flat_map(|incident| incident.ends.iter().flatten().copied());
    ends.chain(many).filter(|address| site.is_external(*address)).collect()
}

fn draft(incident: &Incident, site: &Site) -> Draft {
    let [sources, _] = &incident.ends;
    Draft {
        is_closed: incident.is_closed,
        first: incident.first,
        sources: sources.iter().copied().filter(|address| site.may_be_attacker(*address)).collect(),
        totals: incident.totals.map(coarse),
    }
}

/// Plants are told to fewer.
fn mark(seen: &Seen) -> Tlp {
    let spoken = seen.application.as_deref().is_some_and(|name| INDUSTRIAL.contains(&name));
    let technique = seen.techniques.iter().any(|technique| technique.starts_with("T0"));
    if spoken || technique { Tlp::AmberStrict } else { Tlp::Amber }
}

fn party(
    seen: &Seen,
    end: End,
    is_server: bool,
    site: &Site,
    keys: &Keys,
    now: Timestamp,
) -> Option<Party> {
    if site.is_external(end.address) {
        return Some(Party::External { address: end.address, port: end.port });
    }
    if !site.is_internal(end.address) {
        return None;
    }
    let industrial = mark(seen) == Tlp::AmberStrict;
    let role = match (is_server, industrial) {
        (true, true) => Role::Plc,
        (true, false) => Role::Server,
        (false, _) => Role::Client,
    };
    let pseudonym = keys.pseudonym(end.address, now);
    Some(Party::Internal { role, pseudonym, port: end.port.filter(|_| is_server) })
}

/// What is the attacker's: of grave events alone, and never what everybody uses.
fn infrastructure(seen: &Seen, site: &Site) -> Vec<Infrastructure> {
    // What others report is theirs: told again by whoever sees it, it would never come to an end.
    if seen.level < Level::Medium || seen.detector == REPORTED {
        return Vec::new();
    }
    let is_ours = |end: Option<End>| end.is_some_and(|end| site.is_internal(end.address));
    let mut found = Vec::new();
    let outbound = OUTBOUND.contains(&seen.detector.as_str());
    let mut candidates: Vec<IpAddr> = match seen.attacker {
        Some(attacker) => vec![attacker],
        None if outbound => seen.destination.map(|end| end.address).into_iter().collect(),
        None => seen.source.map(|end| end.address).into_iter().collect(),
    };
    // What our own host spoke to is told only when a rule says that it is grave.
    let spoken = seen.attacker.is_none() && is_ours(seen.source) && seen.detector == "signature";
    if spoken && seen.level >= Level::High {
        candidates.extend(seen.destination.map(|end| end.address));
    }
    // The server of a question to DNS did nothing.
    if seen.asked_dns {
        candidates.retain(|address| seen.destination.is_none_or(|end| end.address != *address));
    }
    found.extend(
        candidates
            .into_iter()
            .filter(|address| site.may_be_attacker(*address))
            .map(Infrastructure::Address),
    );
    // Names that our hosts asked for; those that others asked of our servers are our own.
    if is_ours(seen.source) || outbound {
        let domains = seen.names.iter().filter_map(|name| names::registered(name, &site.names));
        found.extend(
            domains.filter(|domain| !names::is_essential(domain)).map(Infrastructure::Domain),
        );
    }
    found.sort();
    found.dedup();
    found
}

/// Numbers alone, made coarse: a large one could be an address in other clothes.
fn features(seen: &Seen) -> Vec<(String, Feature)> {
    let mut features = Vec::new();
    for (name, value) in &seen.features {
        let is_plain = (3..=40).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let feature = match value {
            Value::Bool(truth) => Some(Feature::Bool(*truth)),
            Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(int), _) => Some(Feature::Int(coarse(int))),
                (None, Some(float)) => Some(Feature::Float(coarse_float(float))),
                _ => None,
            },
            Value::Array(list) => {
                let ints: Option<Vec<u64>> =
                    list.iter().take(LIST_MAX).map(|item| item.as_u64().map(coarse)).collect();
                ints.filter(|ints| !ints.is_empty()).map(Feature::List)
            }
            _ => None,
        };
        if let Some(feature) = feature.filter(|_| is_plain) {
            features.push((name.clone(), feature));
        }
    }
    features.sort_by(|a, b| a.0.cmp(&b.0));
    features.dedup_by(|a, b| a.0 == b.0);
    features.truncate(FEATURES_MAX);
    features
}

/// Three digits of what is above a hundred thousand.
fn coarse(value: u64) -> u64 {
    let mut unit = 1;
    while value / unit >= 1000 {
        unit *= 10;
    }
    if value < 100_000 { value } else { value / unit * unit }
}

/// Four digits.
fn coarse_float(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { 0.0 }
}

/// What makes an event this one: its number, its time, its flows and its external ends. Internal
/// addresses are not in it: what is made of it could be tried out.
fn key(seen: &Seen, told: &[IpAddr]) -> String {
    if let Some(incident) = &seen.incident {
        // All its records are versions of one object.
        return format!("incident|{}", incident.first.nanos());
    }
    let number = seen.number.map(|part| part.to_string()).join(":");
    let flows: Vec<String> = seen.flows.iter().map(u64::to_string).collect();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    format!("{number}|{}|{}|{}", seen.at.nanos(), flows.join(","), told.join(","))
}

#[cfg(test)]
mod tests;
