//! What an expression's groups are called, and what becomes of what they hold.

use std::sync::Arc;

use pcre2::bytes::Regex;

use super::attempts::Attempts;
use crate::detect::buffer::Scope;
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
    /// Of the names behind the flags, or of those that groups have; `None` when nothing is kept.
    pub(super) fn new(list: &str, regex: &Regex) -> Result<Option<Self>, Problem> {
        let groups = regex.captures_len().saturating_sub(1);
        let mut kept = Vec::new();
        for (group, item) in (1..).zip(list.split(',').skip(1)) {
            let (keeper, name) = named(item.trim(), ':').ok_or_else(|| {
                Problem::whole("R147", format!("`{}` names nothing to keep", item.trim()))
                    .hint("write `flow:NAME`, `pkt:NAME` or `alert:NAME`")
            })?;
            if group > groups.min(NAMES_MAX) {
                let message = format!("{group} names for {} groups", groups.min(NAMES_MAX));
                return Err(Problem::whole("R147", message)
                    .hint("put parentheses around what each name shall hold, 16 at most"));
            }
            kept.push(Kept { keeper, name: Name::Fixed(name.into()), group });
        }
        if kept.is_empty() {
            let names = regex.capture_names().iter().enumerate();
            let names = names.filter_map(|(group, name)| Some((group, name.as_deref()?)));
            kept.extend(names.take(NAMES_MAX).filter_map(|(group, name)| {
                let (keeper, name) = named(name, '_')?;
                Some(Kept { keeper, name: Name::Fixed(name.into()), group })
            }));
        }
        join_pairs(&mut kept);
        Ok((!kept.is_empty()).then_some(Self(kept)))
    }

    /// Whether something goes there.
    pub(super) fn keeps(&self, keeper: Keeper) -> bool {
        self.0.iter().any(|kept| kept.keeper == keeper)
    }

    /// Notes what the groups hold in the match from `first` to `end`.
    pub(super) fn take(
        &self,
        scope: &mut Scope<'_>,
        attempts: &Attempts,
        subject: &[u8],
        (first, end): (usize, usize),
    ) {
        let of = std::ptr::from_ref(self) as usize;
        scope.scratch.captured.retain(|capture| capture.of != of);
        let Some(groups) = attempts.groups(scope, subject, first, end) else {
            // The rule matches all the same.
            scope.scratch.exhausted += 1;
            return;
        };
        let held = |group: usize| groups.get(group).and_then(|(from, to)| subject.get(from..to));
        for kept in &self.0 {
            let name = match &kept.name {
                Name::Fixed(name) => Some(Arc::clone(name)),
                Name::Group(group) => held(*group).map(|bytes| {
                    let bytes = bytes.get(..NAME_BYTES_MAX).unwrap_or(bytes);
                    String::from_utf8_lossy(bytes).as_ref().into()
                }),
            };
            // A group that had no part in the match holds nothing.
            let Some((name, value)) = name.zip(held(kept.group)) else { continue };
            let text = captured::text(name, value);
            scope.scratch.capture(Capture { of, keeper: kept.keeper, text });
        }
    }
}

/// `flow:name` or `flow_name` in its parts.
fn named(text: &str, sign: char) -> Option<(Keeper, &str)> {
    let (word, name) = text.split_once(sign)?;
    let (_, keeper) = KEEPERS.iter().find(|(known, _)| *known == word.trim())?;
    let name = name.trim();
    (!name.is_empty()).then_some((*keeper, name))
}

/// `key` and `value`, one behind the other, are one text whose name is captured too.
fn join_pairs(kept: &mut Vec<Kept>) {
    let is = |kept: &Kept, word: &str| matches!(&kept.name, Name::Fixed(name) if **name == *word);
    let mut joined: Vec<Kept> = Vec::with_capacity(kept.len());
    for next in kept.drain(..) {
        match joined.last_mut() {
            Some(key) if key.keeper == next.keeper && is(key, "key") && is(&next, "value") => {
                key.name = Name::Group(key.group);
                key.group = next.group;
            }
            _ => joined.push(next),
        }
    }
    *kept = joined;
}
