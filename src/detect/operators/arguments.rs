//! What the arguments of several operators have in common.

use std::ops::RangeInclusive;

use crate::detect::buffer::Number;
use crate::detect::operator::{Builder, Problem};

/// A number within `range`, or the name of a variable that was set before.
pub(super) fn number(
    keyword: &str,
    argument: Option<&str>,
    builder: &Builder,
    range: RangeInclusive<i64>,
) -> Result<Number, Problem> {
    let text = argument.unwrap_or_default().trim();
    if text.is_empty() {
        return Err(Problem::whole("R105", format!("`{keyword}` needs a number")));
    }
    if let Some(value) = signed(text) {
        if range.contains(&value) {
            return Ok(Number::Fixed(value));
        }
        let (low, high) = range.into_inner();
        let message = format!("{value} is not within {low} to {high}");
        return Err(Problem::whole("R106", message).at(argument.unwrap_or_default(), text));
    }
    match builder.variable(text) {
        Some(index) => Ok(Number::Variable(index)),
        None => {
            Err(Problem::whole("R107", format!("`{text}` is no number, and no variable so far"))
                .hint("variables are set by `byte_extract` or `byte_math` earlier in the rule")
                .at(argument.unwrap_or_default(), text))
        }
    }
}

/// A number with an optional sign, decimal or hexadecimal (`0x`).
pub(super) fn signed(text: &str) -> Option<i64> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let value = i64::try_from(unsigned(digits)?).ok()?;
    Some(if negative { -value } else { value })
}

/// A number, decimal or hexadecimal (`0x`).
pub(super) fn unsigned(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

/// Refuses an argument where there must be none.
pub(super) fn none(keyword: &str, argument: Option<&str>) -> Result<(), Problem> {
    match argument.map(str::trim) {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::whole("R108", format!("`{keyword}` takes no argument"))
            .hint(format!("write `{keyword};`"))),
    }
}
