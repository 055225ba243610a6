//! One rule: header words, then options.

use memchr::memchr2;

use super::{Arrow, OptionText, ParsedRule, Spanned};
use crate::detect::diagnostic::nearest;
use crate::detect::operator::Problem;
use crate::detect::rule::{Action, Origin};

/// The actions; `None` for what only a firewall does.
pub(super) static ACTIONS: &[(&str, Option<Action>)] = &[
    ("alert", Some(Action::Alert)),
    ("pass", Some(Action::Pass)),
    ("drop", Some(Action::Drop)),
    ("reject", Some(Action::Reject)),
    ("rejectsrc", Some(Action::Reject)),
    ("rejectdst", Some(Action::Reject)),
    ("rejectboth", Some(Action::Reject)),
    ("config", Some(Action::Config)),
    ("accept", None),
];

/// How many options a rule may have.
const OPTIONS_MAX: usize = 1024;

/// Reads one rule. Spans of problems are in bytes of the file.
pub(super) fn parse_rule(text: Spanned<'_>, origin: Origin) -> Result<ParsedRule<'_>, Problem> {
    let mut words = Words { text: text.text, at: 0, base: text.at };
    let action = parse_action(words.next("the action")?)?;
    let protocol = words.next("the protocol")?;
    let source = words.next("the source addresses")?;
    let source_ports = words.next("the source ports")?;
    let direction = words.next("the direction")?;
    let arrow = parse_arrow(direction)?;
    let destination = words.next("the destination addresses")?;
    let destination_ports = words.next("the destination ports")?;
    let options = parse_options(words)?;
    Ok(ParsedRule {
        origin,
        action,
        protocol,
        source,
        source_ports,
        arrow,
        direction,
        destination,
        destination_ports,
        options,
        text,
    })
}

fn parse_action(word: Spanned<'_>) -> Result<Action, Problem> {
    let names = || ACTIONS.iter().map(|(name, _)| *name);
    match ACTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.text)) {
        Some((_, Some(action))) => Ok(*action),
        Some((name, None)) => Err(Problem::spanned(
            "R901",
            word.span(),
            format!("the action `{name}` steers an inline engine; a passive sensor cannot"),
        )),
        None => {
            let help = match nearest(word.text, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a rule begins with alert, pass, drop or reject".to_owned(),
            };
            let message = format!("`{}` is not an action", word.text);
            Err(Problem::spanned("R001", word.span(), message).hint(help))
        }
    }
}

fn parse_arrow(word: Spanned<'_>) -> Result<Arrow, Problem> {
    match word.text {
        "->" => Ok(Arrow::There),
        "<>" => Ok(Arrow::BothWays),
        "=>" => Ok(Arrow::Transaction),
        other => {
            let problem =
                Problem::spanned("R002", word.span(), format!("`{other}` is not a direction"));
            Err(problem.hint(match other {
                "<-" => "there is no `<-`: swap source and destination and write `->`",
                _ => "write `->` for one way or `<>` for both",
            }))
        }
    }
}

/// The words of a header.
struct Words<'a> {
    text: &'a str,
    /// Next byte of `text`.
    at: usize,
    /// Where `text` begins in the file.
    base: usize,
}

impl<'a> Words<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// The next word; blanks within brackets belong to it.
    fn next(&mut self, what: &str) -> Result<Spanned<'a>, Problem> {
        self.skip_blanks();
        let start = self.at;
        let mut depth = 0usize;
        while let Some(byte) = self.byte() {
            match byte {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                b'(' | b';' => break,
                _ if byte.is_ascii_whitespace() && depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or_default().trim_ascii_end();
        let word = Spanned { text, at: self.base + start };
        if text.is_empty() {
            let place = word.at..word.at + 1;
            return Err(Problem::spanned("R003", place, format!("{what} is missing here")).hint(
                "a rule is: action protocol addresses ports direction addresses ports (options)",
            ));
        }
        if depth > 0 {
            let open = text.find('[').unwrap_or(0) + word.at;
            return Err(Problem::spanned("R004", open..open + 1, "this `[` is never closed"));
        }
        Ok(word)
    }
}

fn parse_options(mut words: Words<'_>) -> Result<Vec<OptionText<'_>>, Problem> {
    words.skip_blanks();
    let open = words.base + words.at;
    if words.byte() != Some(b'(') {
        let message = "the options must begin here, with `(`";
        return Err(Problem::spanned("R005", open..open + 1, message));
    }
    words.at += 1;
    // Rules have about 15 options: one allocation is enough for most.
    let mut options = Vec::with_capacity(16);
    loop {
        words.skip_blanks();
        match words.byte() {
            Some(b')') => break,
            Some(b';') => {
                // An empty option does no harm and is seen in the wild (`;;`).
                words.at += 1;
                continue;
            }
            Some(_) => {}
            None => {
                let message = "the options are never closed";
                return Err(Problem::spanned("R006", open..open + 1, message)
                    .hint("end the rule with `;)`; a rule that goes on ends its line with `\\`"));
            }
        }
        if options.len() == OPTIONS_MAX {
            let place = words.base + words.at;
            let message = format!("a rule has at most {OPTIONS_MAX} options");
            return Err(Problem::spanned("R007", place..place + 1, message));
        }
        options.push(parse_option(&mut words)?);
    }
    words.at += 1;
    words.skip_blanks();
    if words.byte().is_some() {
        let place = words.base + words.at..words.base + words.text.len();
        return Err(Problem::spanned("R008", place, "text after the end of the rule")
            .hint("a `)` within a value is no end, but one after a `;` is"));
    }
    Ok(options)
}

fn parse_option<'a>(words: &mut Words<'a>) -> Result<OptionText<'a>, Problem> {
    let start = words.at;
    let rest = words.text.get(start..).unwrap_or_default();
    let unended = || {
        let place = words.base + start..words.base + words.text.len();
        Problem::spanned("R009", place, "this option does not end with `;`")
            .hint("a rule ends with `;)`")
    };
    let name_length = memchr2(b':', b';', rest.as_bytes()).ok_or_else(unended)?;
    let name_text = rest.get(..name_length).unwrap_or_default().trim_ascii_end();
    let name = Spanned { text: name_text, at: words.base + start };
    let odd = |byte: u8| !(byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if name_text.is_empty() || name_text.bytes().any(odd) {
        let message = format!("`{name_text}` cannot be a keyword");
        return Err(Problem::spanned("R009", name.at..name.at + name_text.len().max(1), message)
            .hint("a `;` within the value before must be written `\\;`"));
    }
    if rest.as_bytes().get(name_length) == Some(&b';') {
        words.at = start + name_length + 1;
        return Ok(OptionText { name, value: None });
    }
    let value_start = name_length + 1;
    let after = rest.get(value_start..).unwrap_or_default();
    let length = value_length(after.as_bytes()).ok_or_else(unended)?;
    let raw = after.get(..length).unwrap_or_default();
    let text = raw.trim_ascii_start();
    let at = words.base + start + value_start + (raw.len() - text.len());
    words.at = start + value_start + length + 1;
    Ok(OptionText { name, value: Some(Spanned { text: text.trim_ascii_end(), at }) })
}

/// Bytes up to the first `;` that no backslash escapes.
fn value_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr2(b';', b'\\', bytes.get(at..)?)?;
        if bytes.get(found) == Some(&b';') {
            return Some(found);
        }
        at = found + 2;
    }
}
