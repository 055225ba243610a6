//! Quotes, escapes and negation of option values.

use std::borrow::Cow;
use std::ops::Range;

use crate::detect::operator::Problem;

/// Splits a leading `!` off: whether it was there, the rest, and where in `value` the rest begins.
pub fn negation(value: &str) -> (bool, &str, usize) {
    match value.strip_prefix('!') {
        Some(rest) => {
            let trimmed = rest.trim_ascii_start();
            (true, trimmed, value.len() - trimmed.len())
        }
        None => (false, value, 0),
    }
}

/// The argument of a keyword that needs one.
///
/// # Errors
/// Without an argument; `syntax` is shown.
pub fn required<'a>(argument: Option<&'a str>, syntax: &str) -> Result<&'a str, Problem> {
    match argument {
        Some(argument) if !argument.is_empty() => Ok(argument),
        _ => Err(Problem::spanned("R202", 0..0, "an argument is missing")
            .hint(format!("write `{syntax}`"))),
    }
}

/// Makes sure that a keyword that takes no argument has none.
///
/// # Errors
/// With an argument.
pub fn bare(argument: Option<&str>) -> Result<(), Problem> {
    match argument {
        None => Ok(()),
        Some(_) => Err(Problem::spanned("R203", 0..0, "this keyword takes no argument")),
    }
}

/// The items of an argument, parted by commas, blanks around them taken away, with their places.
pub fn items(argument: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut next = 0;
    argument.split(',').map(move |item| {
        let text = item.trim_ascii_start();
        let start = next + (item.len() - text.len());
        next += item.len() + 1;
        let text = text.trim_ascii_end();
        (start..start + text.len().max(1), text)
    })
}

/// The text within the quotes of `value`, `\"`, `\;`, `\:` and `\\` undone.
///
/// # Errors
/// When the quotes are not there or not closed, or a lone backslash or quote is within.
pub fn quoted(value: &str) -> Result<Cow<'_, str>, Problem> {
    let all = 0..value.len().max(1);
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return Err(Problem::spanned("R200", all, "a text in double quotes is expected here"));
    };
    if !inner.contains(['\\', '"']) {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | ';' | ':' | '\\'))) => out.push(escaped),
                other => {
                    // Anything else keeps its backslash, as the reference engine does.
                    out.push('\\');
                    out.extend(other.map(|(_, character)| character));
                }
            },
            '"' => {
                let place = at + 1..at + 2;
                return Err(Problem::spanned("R201", place, "a quote within quotes")
                    .hint("write `\\\"`, or `;` behind it where the text ends there"));
            }
            _ => out.push(character),
        }
    }
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(quoted(r#""a\;b \"c\" \\d""#).unwrap(), r#"a;b "c" \d"#);
        assert_eq!(quoted(r#""plain""#).unwrap(), "plain");
        assert_eq!(quoted("bare").unwrap_err().code, "R200");
        assert_eq!(quoted("\"").unwrap_err().code, "R200");
        assert_eq!(quoted(r#""a"b""#).unwrap_err().span, 2..3);
        assert_eq!(negation("! \"x\""), (true, "\"x\"", 2));
    }
}
