//! `requires`: what an engine must have for the rule to make sense.

use crate::detect::diagnostic::SKIPPED;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{items, required};
use crate::protocols::PROTOCOLS;

const SYNTAX: &str = "requires:feature NAME|keyword NAME|version OP NUMBER [...];";

/// The version of the language that is spoken here.
const LANGUAGE: [u32; 3] = [8, 0, 6];

/// Features that rules ask for by name and that are always there.
static FEATURES: &[&str] = &["ja3", "ja4"];

/// `requires`.
pub static REQUIRES: Operator = Operator {
    name: "requires",
    aliases: &[],
    help: "The rule is skipped, without an error, where the feature, the keyword or the version \
           of the language (8.0.6) is not there.",
    syntax: SYNTAX,
    examples: &[Example {
        rule: r#"requires:version >= 7.0.4 < 8 | >= 8.0.3; content:"x";"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, _| {
        let text = required(argument, SYNTAX)?;
        match unmet(text)? {
            None => Ok(()),
            Some(what) => {
                let message = format!("the rule asks for `{what}`, which is not here: skipped");
                Err(Problem::spanned(SKIPPED, 0..text.len(), message))
            }
        }
    },
};

/// The first requirement that is not met, if any. Asked before a rule's other options: they may
/// be what is required.
///
/// # Errors
/// When a version cannot be read.
pub fn unmet(text: &str) -> Result<Option<&str>, Problem> {
    for (span, item) in items(text) {
        let word_ends = |c: char| !c.is_ascii_alphabetic();
        let (what, value) =
            item.split_at_checked(item.find(word_ends).unwrap_or(item.len())).unwrap_or((item, ""));
        let value = value.trim_ascii();
        let met = match what {
            "feature" => FEATURES.contains(&value),
            "keyword" => is_keyword(value),
            "version" => version(value).ok_or_else(|| {
                Problem::spanned("R222", span, format!("`{value}` compares no version"))
                    .hint("write `version >= 8.0.3`, joined by blanks (and) or `|` (or)")
            })?,
            _ => false,
        };
        if !met {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn is_keyword(name: &str) -> bool {
    super::operator(name).is_some()
        || PROTOCOLS.iter().any(|protocol| {
            (protocol.rows)().iter().any(|row| row.name == name || row.aliases.contains(&name))
        })
}

/// `>= 7.0.4 < 8 | >= 8.0.3`; `None` when it cannot be read.
fn version(text: &str) -> Option<bool> {
    let mut any = false;
    for alternative in text.split('|') {
        let mut all = true;
        let mut words = alternative.split_ascii_whitespace().peekable();
        words.peek()?;
        while let Some(word) = words.next() {
            let digits = word.trim_start_matches(['<', '>', '=']);
            let comparison = word.get(..word.len() - digits.len())?;
            let digits = if digits.is_empty() { words.next()? } else { digits };
            let mut wanted = [0; 3];
            let mut numbers = digits.split('.');
            for (slot, number) in wanted.iter_mut().zip(&mut numbers) {
                *slot = number.parse().ok()?;
            }
            if numbers.next().is_some() {
                return None;
            }
            all &= match comparison {
                ">=" => LANGUAGE >= wanted,
                ">" => LANGUAGE > wanted,
                "<=" => LANGUAGE <= wanted,
                "<" => LANGUAGE < wanted,
                _ => return None,
            };
        }
        any |= all;
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn requirements_are_weighed() {
        for met in [
            "version >= 8.0.5",
            "version>=7 <9",
            "feature ja3, version < 8 | >= 8.0.3",
            "keyword requires",
        ] {
            assert_eq!(unmet(met).unwrap(), None, "{met}");
        }
        assert_eq!(unmet("version >= 8, version >= 9").unwrap(), Some("version >= 9"));
        assert_eq!(unmet("keyword no.such").unwrap(), Some("keyword no.such"));
        assert_eq!(unmet("moon full").unwrap(), Some("moon full"));
        for wrong in
            ["version", "version 8 9", "version >= 8.0.0.1", "version >= x", "version >= 8 |"]
        {
            assert_eq!(unmet(wrong).unwrap_err().code, "R222", "{wrong}");
        }
    }
}
