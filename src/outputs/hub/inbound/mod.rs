//! What comes in: indicators of others, kept on disk as they came, and, of these, those that pass
//! the [`gate`] as they are looked for.
//!
//! ```text
//! TAXII ─► Store (what came) ─► pattern ─► gate ─► record::Indicator ─► the detector's set
//! ```
//!
//! The store keeps what came and the gate is asked each time a set is made: when the site's
//! networks or its list of what is right change, what is in force changes with them.

pub mod gate;
pub mod pattern;
mod reader;
pub mod store;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::seen::text;
use super::time;
use crate::record::Indicator;
use crate::time::{Duration, Timestamp};
use gate::{Gate, Refused};
pub use reader::objects;

/// Days for which an indicator holds at most, from when its author last said it.
pub const VALID_DAYS_MAX: u64 = 90;
/// Seconds by which the clock of an author may be ahead.
const AHEAD_SECONDS_MAX: u64 = 86_400;
/// How sure an author has to be, percent.
pub const CONFIDENCE_LEAST: u8 = 50;
/// Indicators kept of one collection or file at most.
pub const KEPT_MAX: usize = 200_000;
/// Bytes of a name or identifier kept.
const TEXT_BYTES_MAX: usize = 200;
/// Patterns that are not understood which are remembered, to be shown.
pub const UNSUPPORTED_SHOWN: usize = 20;

/// An indicator as it came, as far as it matters here: valid STIX again when it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Held {
    /// `indicator`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its identifier.
    pub id: String,
    /// Its version.
    pub modified: String,
    /// Who made it; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub created_by_ref: String,
    /// What its author calls it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The language of the pattern.
    pub pattern_type: String,
    /// The pattern.
    pub pattern: String,
    /// From when it holds.
    pub valid_from: String,
    /// Up to when; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub valid_until: String,
    /// How sure its author is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Its author took it back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

impl Held {
    /// Reads an object of STIX.
    ///
    /// # Errors
    /// When it is an indicator and not sound; `None` when it is none.
    pub fn read(object: &Value) -> Result<Option<Self>, Refused> {
        if text(object, "type") != "indicator" {
            return Ok(None);
        }
        let id = text(object, "id");
        let is_id = id.strip_prefix("indicator--").is_some_and(|rest| {
            rest.len() == 36 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        });
        let modified = text(object, "modified");
        if !is_id || time::parse(modified).is_none() {
            return Err(Refused::Malformed);
        }
        let pattern = text(object, "pattern");
        let confidence = object.get("confidence").and_then(Value::as_u64);
        Ok(Some(Self {
            kind: "indicator".to_owned(),
            id: id.to_owned(),
            modified: cut(modified),
            created_by_ref: cut(text(object, "created_by_ref")),
            name: cut(text(object, "name")),
            pattern_type: cut(text(object, "pattern_type")),
            // What is too long is not understood: it is kept as such, not cut into something else.
            pattern: if pattern.len() > pattern::PATTERN_BYTES_MAX {
                String::new()
            } else {
                pattern.to_owned()
            },
            valid_from: cut(text(object, "valid_from")),
            valid_until: cut(text(object, "valid_until")),
            confidence: confidence.map(|of| u8::try_from(of.min(100)).unwrap_or(100)),
            revoked: object.get("revoked").and_then(Value::as_bool).unwrap_or_default(),
        }))
    }

    /// Whether its author claims to say it only tomorrow: then nothing it says of time holds.
    fn is_ahead(&self, now: Timestamp) -> bool {
        let said = time::parse(&self.modified).unwrap_or_default();
        said > now.after(Duration::from_secs(AHEAD_SECONDS_MAX))
    }

    /// When its author last said it. What is yet to come does not move it on.
    fn said(&self, now: Option<Timestamp>) -> Timestamp {
        let of = |text: &str| time::parse(text).unwrap_or_default();
        let from = of(&self.valid_from);
        let is_past = now.is_none_or(|now| from <= now);
        let said = of(&self.modified);
        if is_past { said.max(from) } else { said }
    }

    /// From when and up to when it holds: never longer than [`VALID_DAYS_MAX`] from when it was
    /// said.
    fn valid(&self, now: Option<Timestamp>) -> Option<[Timestamp; 2]> {
        let from = time::parse(&self.valid_from)?;
        let until = time::parse(&self.valid_until)?;
        let most = self.said(now).after(Duration::from_secs(VALID_DAYS_MAX * 86_400));
        Some([from, until.min(most)])
    }

    /// Whether nothing of it will ever be looked for again: its end, or that of what was taken
    /// back, is over.
    fn is_over(&self, now: Timestamp) -> bool {
        let most = self.said(Some(now)).after(Duration::from_secs(VALID_DAYS_MAX * 86_400));
        let until = self.valid(Some(now)).map_or(most, |[_, until]| until);
        if self.revoked { most < now } else { until < now }
    }
}

/// Characters that people see, at most so many bytes.
fn cut(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_control() && !is_format(*c)) {
        if out.len() + c.len_utf8() > TEXT_BYTES_MAX {
            break;
        }
        out.push(c);
    }
    out
}

/// Characters that are not seen and change how others are read: in a name they would make it look
/// like another (Unicode, category Cf, and separators of lines).
const fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What became of what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Indicators that are looked for.
    pub in_force: u64,
    /// Those that are not, in the order of [`Refused::ALL`].
    pub refused: [u64; Refused::ALL.len()],
    /// The first patterns that are not understood: identifier and what of it.
    pub unsupported: Vec<(String, String)>,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.in_force += other.in_force;
        self.refused.iter_mut().zip(other.refused).for_each(|(sum, more)| *sum += more);
        self.unsupported.extend(other.unsupported.iter().cloned());
        self.unsupported.truncate(UNSUPPORTED_SHOWN);
    }

    /// Counts one that is not looked for.
    pub fn refuse(&mut self, why: Refused) {
        let at = Refused::ALL.iter().position(|one| *one == why);
        if let Some(count) = at.and_then(|at| self.refused.get_mut(at)) {
            *count += 1;
        }
    }

    /// In words: `12 in force; not: 3 private, 1 expired`.
    pub fn text(&self) -> String {
        let refused: Vec<String> = Refused::ALL
            .iter()
            .zip(self.refused)
            .filter(|(_, count)| *count > 0)
            .map(|(why, count)| format!("{count} {}", why.name()))
            .collect();
        if refused.is_empty() {
            return format!("{} in force", self.in_force);
        }
        format!("{} in force; not: {}", self.in_force, refused.join(", "))
    }
}

/// The indicators of one source that are looked for, and what became of the others. Without `now`
/// their end is not looked at: for what is replayed.
pub fn admit<'a>(
    held: impl Iterator<Item = (&'a Held, &'a str)>,
    source: &str,
    gate: &Gate,
    now: Option<Timestamp>,
) -> (Vec<Indicator>, Counts) {
    let source: Arc<str> = source.into();
    let mut authors = std::collections::BTreeMap::<&str, Arc<str>>::new();
    let (mut found, mut counts) = (Vec::new(), Counts::default());
    for (of, author) in held {
        match one(of, gate, now, &mut counts) {
            Ok((valid, confidence, alternatives)) => {
                counts.in_force += 1;
                let author = authors.entry(author).or_insert_with(|| author.into());
                found.push(Indicator {
                    id: of.id.clone(),
                    name: of.name.clone(),
                    source: Arc::clone(&source),
                    author: Arc::clone(author),
                    confidence,
                    valid,
                    alternatives,
                });
            }
            Err(why) => counts.refuse(why),
        }
    }
    (found, counts)
}

type Admitted = ([Timestamp; 2], u8, Vec<Vec<crate::record::Observable>>);

fn one(
    of: &Held,
    gate: &Gate,
    now: Option<Timestamp>,
    counts: &mut Counts,
) -> Result<Admitted, Refused> {
    if of.revoked {
        return Err(Refused::Revoked);
    }
    let valid = of.valid(now).ok_or(Refused::Endless)?;
    if now.is_some_and(|now| of.is_ahead(now)) {
        return Err(Refused::Endless);
    }
    if now.is_some_and(|now| valid[1] < now) {
        return Err(Refused::Expired);
    }
    let confidence = of.confidence.filter(|sure| *sure >= CONFIDENCE_LEAST);
    let confidence = confidence.ok_or(Refused::Confidence)?;
    let parsed = match of.pattern_type.as_str() {
        "stix" => pattern::parse(&of.pattern).map_err(|why| why.0),
        other => Err(format!("the language {other}")),
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(why) => {
            if counts.unsupported.len() < UNSUPPORTED_SHOWN {
                counts.unsupported.push((of.id.clone(), why));
            }
            return Err(Refused::Unsupported);
        }
    };
    // Of several alternatives those that pass are looked for; of one all parts have to pass.
    let mut why = Refused::Malformed;
    let mut alternatives = parsed;
    alternatives.retain(|terms| match terms.iter().try_for_each(|term| gate.check(term)) {
        Ok(()) => true,
        Err(refused) => {
            why = refused;
            false
        }
    });
    if alternatives.is_empty() { Err(why) } else { Ok((valid, confidence, alternatives)) }
}

#[cfg(test)]
mod tests;
