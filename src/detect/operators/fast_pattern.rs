//! `fast_pattern`: the content that is looked for first.

use crate::detect::buffer::Fast;
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static FAST_PATTERN: Operator = Operator {
    name: "fast_pattern",
    aliases: &[],
    help: "The content before it is the one that is looked for first in all traffic. Changes \
           speed, never results.",
    syntax: "fast_pattern[:only|:<offset>,<length>]",
    examples: &[
        Example {
            rule: "content:\"ab\"; fast_pattern; content:\"cd\";",
            payload: b"cdab",
            alerts: true,
        },
        Example { rule: "content:\"abcd\"; fast_pattern:1,2;", payload: b"abcd", alerts: true },
        Example { rule: "content:\"abcd\"; fast_pattern:1,2;", payload: b"xbcx", alerts: false },
        Example { rule: "content:\"abcd\"; fast_pattern:only;", payload: b"abcd", alerts: true },
    ],
    compile,
};

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let fast = match argument.map(str::trim) {
        None => Fast::default(),
        Some("only") => Fast { only: true, chop: None },
        Some(pair) => {
            let numbers = pair.split_once(',').and_then(|(offset, length)| {
                Some((offset.trim().parse().ok()?, length.trim().parse().ok()?))
            });
            let Some(chop) = numbers else {
                return Err(Problem::whole("R131", "neither `only` nor an offset and a length")
                    .hint("write fast_pattern:<offset>,<length>"));
            };
            Fast { only: false, chop: Some(chop) }
        }
    };
    let taken = builder.rule.fast_pattern.is_some();
    let content = builder.content("fast_pattern")?;
    if taken {
        return Err(Problem::whole("R132", "two `fast_pattern` in one rule"));
    }
    if let Some((offset, length)) = fast.chop {
        let end: usize = offset.saturating_add(length);
        if length == 0 || end > content.literal.bytes.len() {
            let size = content.literal.bytes.len();
            let message = format!("bytes {offset} to {end} of a content of {size}");
            return Err(Problem::whole("R133", message));
        }
    }
    content.fast = Some(fast);
    builder.rule.fast_pattern = builder.last_step();
    Ok(())
}
