//! `content`: the literal that most rules turn on.

use crate::detect::buffer::{Content, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// Bytes in one content: what may be in a datagram.
const MAX_BYTES: usize = 65_507;

/// See [`Operator`].
pub static CONTENT: Operator = Operator {
    name: "content",
    aliases: &[],
    help: "Finds bytes in the current buffer; with `!` it must not find them.",
    syntax: "content:[!]\"text |00 ff| text\"",
    examples: &[
        Example { rule: "content:\"abc\";", payload: b"xxabcxx", alerts: true },
        Example { rule: "content:\"abc\";", payload: b"xxABCxx", alerts: false },
        Example { rule: "content:\"a|00 0D0a|b\";", payload: b"a\0\r\nb", alerts: true },
        Example { rule: "content:\"a\\\"b\\;c\\\\d\";", payload: b"a\"b;c\\d", alerts: true },
        Example { rule: "content:!\"abc\";", payload: b"abd", alerts: true },
        Example { rule: "content:!\"abc\";", payload: b"abc", alerts: false },
        Example { rule: "content:\"a\"; content:\"b\";", payload: b"ba", alerts: true },
    ],
    compile,
};

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let (text, negated) = quoted("content", argument)?;
    let bytes = bytes(text).map_err(|(message, part)| {
        Problem::whole("R111", message).at(argument.unwrap_or_default(), part)
    })?;
    if bytes.is_empty() {
        return Err(Problem::whole("R112", "a content without bytes"));
    }
    if bytes.len() > MAX_BYTES {
        let message = format!("a content of {} bytes; at most {MAX_BYTES}", bytes.len());
        return Err(Problem::whole("R113", message).hint("split it with `distance:0; within:...;`"));
    }
    builder.push(Step::Content(Box::new(Content::new(bytes, negated))))
}

/// What stands between the quotes of an argument, and whether a `!` stands before them.
pub(super) fn quoted<'a>(
    keyword: &str,
    argument: Option<&'a str>,
) -> Result<(&'a str, bool), Problem> {
    let argument = argument.unwrap_or_default().trim();
    let (rest, negated) = match argument.strip_prefix('!') {
        Some(rest) => (rest.trim_start(), true),
        None => (argument, false),
    };
    let inner = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    // What was read as text with these in place of bytes that are none would never be found.
    if inner.is_some_and(|inner| inner.contains('\u{fffd}')) {
        return Err(Problem::whole(
            "R116",
            "bytes that are not UTF-8, or the character that stands for such",
        )
        .hint("write them as hexadecimal: `|e8|` in a content, `\\xe8` in an expression"));
    }
    match inner {
        Some(inner) => Ok((inner, negated)),
        None if rest.strip_prefix('"').is_some_and(|rest| rest.contains('"')) => {
            Err(Problem::whole("R110", format!("`{keyword}` goes on behind its quotes"))
                .hint("put `;` behind the closing quote"))
        }
        None => Err(Problem::whole("R110", format!("`{keyword}` needs its argument in quotes"))
            .hint(format!("write {keyword}:\"...\""))),
    }
}

/// The bytes that `text` stands for: `|...|` holds hexadecimal, a backslash makes `"`, `;`, `:`
/// and itself plain. An error is a message and the part of `text` that is wrong.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, (String, &str)> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, special)) = split_special(rest) {
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(behind) = special.strip_prefix('|') {
            let Some((hex, after)) = behind.split_once('|') else {
                return Err(("`|` without another that ends the hexadecimal".to_owned(), special));
            };
            hexadecimal(hex, &mut bytes)?;
            rest = after;
        } else {
            let mut behind = special.chars();
            behind.next();
            match behind.next() {
                Some(escaped @ ('"' | ';' | ':' | '\\')) => {
                    bytes.extend(u8::try_from(escaped));
                    rest = behind.as_str();
                }
                _ => {
                    return Err(("`\\` may stand before `\"`, `;`, `:`, `\\`".to_owned(), special));
                }
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// Splits before the next `|` or backslash.
fn split_special(text: &str) -> Option<(&str, &str)> {
    text.find(['|', '\\']).and_then(|at| text.split_at_checked(at))
}

/// Appends the bytes that pairs of hexadecimal digits stand for; white space may stand between.
fn hexadecimal<'a>(hex: &'a str, bytes: &mut Vec<u8>) -> Result<(), (String, &'a str)> {
    let mut high = None;
    for digit in hex.chars().filter(|c| !c.is_ascii_whitespace()) {
        let Some(value) = digit.to_digit(16).and_then(|value| u8::try_from(value).ok()) else {
            return Err((format!("`{digit}` is no hexadecimal digit"), hex));
        };
        match high.take() {
            None => high = Some(value),
            Some(high) => bytes.push(high << 4 | value),
        }
    }
    match high {
        None => Ok(()),
        Some(_) => Err(("an odd number of hexadecimal digits".to_owned(), hex)),
    }
}
