//! What an expression's groups are called, and what becomes of what they hold.

use std::sync::Arc;

use pcre2::bytes::{CaptureLocations, Regex};

use crate::detect::buffer::Scratch;
use crate::detect::captured::{self, Capture, Keeper, NAME_BYTES_MAX};
use crate::detect::operator::Problem;

/// Names behind one expression.
const NAMES_MAX: usize = 16;

/// The words that say where a text goes: before `:` in the list, before `_` in a group's name.
const KEEPERS: [(&str, Keeper); 3] =
    [("flow", Keeper::Flow), ("pkt", Keeper::Packet), ("alert", Keeper::Alert)];

/// One group of an expression that is kept.
struct Kept {
    keeper: Keeper,
    name: Name,
    /// The group's number, from 1.
    group: usize,
}

/// How what a group holds is called.
enum Name {
    /// As the rule says.
    Fixed(Arc<str>),
    /// As another group holds it: `pkt:key, pkt:value`.
    Group(usize),
}

/// Groups of an expression that are kept.
pub(super) struct Captures(Vec<Kept>);

impl Captures {
    /// Of the names behind the flags (`list`, a part of `argument`), or of those that groups have;
    /// `None` when nothing is kept.
    pub(super) fn new(list: &str, argument: &str, regex: &Regex) -> Result<Option<Self>, Problem> {
        let wrong =
            |part: &str, message: String| Problem::whole("R147", message).at(argument, part.trim());
        let groups = regex.captures_len().saturating_sub(1).min(NAMES_MAX);
        let mut kept: Vec<Kept> = Vec::new();
        let mut key = None;
        for (group, item) in (1..).zip(list.split(',').skip(1)) {
            let (keeper, name) = named(item.trim(), ':').ok_or_else(|| {
                wrong(item, format!("`{}` names nothing to keep", item.trim()))
                    .hint("write `flow:NAME`, `pkt:NAME` or `alert:NAME`")
            })?;
            if group > groups {
                let message = format!("a name for group {group} of {groups}");
                return Err(wrong(item, message)
                    .hint("put parentheses around what each name shall hold, 16 at most"));
            }
            let of_pair = |word: &str| keeper == Keeper::Packet && name == word;
            let name = match key.take() {
                None if of_pair("key") => {
                    key = Some((group, item));
                    continue;
                }
                Some((key, _)) if of_pair("value") => Name::Group(key),
                None if !of_pair("value") => Name::Fixed(name.into()),
                Some((_, half)) => return Err(half_of_pair(wrong(half, HALF.to_owned()))),
                None => return Err(half_of_pair(wrong(item, HALF.to_owned()))),
            };
            kept.push(Kept { keeper, name, group });
        }
        if let Some((_, half)) = key {
            return Err(half_of_pair(wrong(half, HALF.to_owned())));
        }
        if kept.is_empty() {
            let names = regex.capture_names().iter().enumerate();
            let names = names.filter_map(|(group, name)| Some((group, name.as_deref()?)));
            kept.extend(names.take(NAMES_MAX).filter_map(|(group, name)| {
                let (keeper, name) = named(name, '_')?;
                Some(Kept { keeper, name: Name::Fixed(name.into()), group })
            }));
        }
        Ok((!kept.is_empty()).then_some(Self(kept)))
    }

    /// Whether something goes there.
    pub(super) fn keeps(&self, keeper: Keeper) -> bool {
        self.0.iter().any(|kept| kept.keeper == keeper)
    }

    /// What stands for their expression.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Notes what the groups hold.
    pub(super) fn take(&self, scratch: &mut Scratch, subject: &[u8], groups: &CaptureLocations) {
        let of = self.address();
        scratch.captured.retain(|capture| capture.of != of);
        let held = |group: usize| groups.get(group).and_then(|(from, to)| subject.get(from..to));
        for kept in &self.0 {
            let name = match &kept.name {
                Name::Fixed(name) => Some(Arc::clone(name)),
                Name::Group(group) => held(*group).map(captured_name),
            };
            // A group that had no part in the match holds nothing.
            let Some((name, value)) = name.zip(held(kept.group)) else { continue };
            let text = captured::text(name, value);
            scratch.capture(Capture { of, keeper: kept.keeper, text });
        }
    }
}

const HALF: &str = "`pkt:key` and `pkt:value` stand for a name and its value, both captured";

fn half_of_pair(problem: Problem) -> Problem {
    problem.hint("write `pkt:key, pkt:value`, one behind the other, or choose another name")
}

/// A name out of traffic: as many of its characters as fit.
fn captured_name(bytes: &[u8]) -> Arc<str> {
    // A character more than fits: one that is cut here is not part of the name.
    let bytes = bytes.get(..NAME_BYTES_MAX + 3).unwrap_or(bytes);
    let name = String::from_utf8_lossy(bytes);
    let most = (0..=NAME_BYTES_MAX.min(name.len())).rev();
    most.filter_map(|end| name.get(..end)).next().unwrap_or_default().into()
}

/// `flow:name` or `flow_name` in its parts.
fn named(text: &str, sign: char) -> Option<(Keeper, &str)> {
    let (word, name) = text.split_once(sign)?;
    let (_, keeper) = KEEPERS.iter().find(|(known, _)| *known == word.trim())?;
    let name = name.trim();
    (!name.is_empty()).then_some((*keeper, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_names_are_cut_between_characters() {
        for (bytes, length) in [
            ("n".repeat(NAME_BYTES_MAX + 9).into_bytes(), NAME_BYTES_MAX),
            // Each byte becomes a character of three.
            (vec![0xff; NAME_BYTES_MAX], NAME_BYTES_MAX / 3 * 3),
            (format!("{}é", "n".repeat(NAME_BYTES_MAX - 1)).into_bytes(), NAME_BYTES_MAX - 1),
            (format!("{}é", "n".repeat(NAME_BYTES_MAX - 2)).into_bytes(), NAME_BYTES_MAX),
            (Vec::new(), 0),
        ] {
            assert_eq!(captured_name(&bytes).len(), length, "{}", bytes.escape_ascii());
        }
    }
}
