//! `isdataat`: whether the buffer goes on.

use super::extraction::operand;
use crate::detect::buffer::{Check, Number, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static ISDATAAT: Operator = Operator {
    name: "isdataat",
    aliases: &[],
    help: "There is a byte at this place of the buffer, or this many behind the last match; with \
           `!` there is none.",
    syntax: "isdataat:[!]<bytes>|<variable>[,relative][,rawbytes]",
    examples: &[
        Example { rule: "isdataat:7;", payload: b"abcdefgh", alerts: true },
        Example { rule: "isdataat:8;", payload: b"abcdefgh", alerts: false },
        Example { rule: "content:\"c\"; isdataat:5,relative;", payload: b"abcdefgh", alerts: true },
        Example {
            rule: "content:\"c\"; isdataat:6,relative;",
            payload: b"abcdefgh",
            alerts: false,
        },
        Example {
            rule: "content:\"h\"; isdataat:!1,relative;",
            payload: b"abcdefgh",
            alerts: true,
        },
    ],
    compile,
};

#[derive(Debug)]
struct IsDataAt {
    place: Number,
    relative: bool,
    negated: bool,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = argument.unwrap_or_default();
    let mut parts = argument.split(',').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let (place, negated) = match first.strip_prefix('!') {
        Some(place) => (place, true),
        None => (first, false),
    };
    let place = operand("isdataat", argument, Some(place), builder)?;
    let mut relative = false;
    for option in parts {
        match option {
            "relative" => relative = true,
            "rawbytes" => {}
            _ => return Err(super::extraction::unknown("isdataat", argument, option)),
        }
    }
    builder.push(Step::Check(Box::new(IsDataAt { place, relative, negated })))
}

impl Check for IsDataAt {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let size = i64::try_from(scope.buffer.len()).ok()?;
        let place = scope.value(self.place);
        // A relative place counts bytes, an absolute one is an index: as Suricata.
        let there = if self.relative {
            i64::try_from(cursor).ok()?.saturating_add(place) <= size
        } else {
            place < size
        };
        (there != self.negated).then_some(cursor)
    }

    fn relative(&self) -> bool {
        self.relative || matches!(self.place, Number::Variable(_))
    }

    fn follows_cursor(&self) -> bool {
        self.relative
    }
}
