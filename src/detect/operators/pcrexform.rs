//! `pcrexform`: a transform to what a regular expression captures.

use pcre2::bytes::RegexBuilder;

use super::attempts::{DEPTH_LIMIT, MATCH_LIMIT};
use super::transform::add;
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static PCREXFORM: Operator = Operator {
    name: "pcrexform",
    aliases: &[],
    help: "Transforms the buffer: to what the first group of the expression captures; leaves it as \
           it is when the expression is not found.",
    syntax: "pcrexform:\"<expression>\"",
    examples: &[Example {
        rule: "pcrexform:\"id=([a-z]+)\"; content:\"abc\"; bsize:3;",
        payload: b"x?id=abc&y",
        alerts: true,
    }],
    compile,
};

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let text = argument.unwrap_or_default().trim();
    let Some(text) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(Problem::whole("R200", "a text in double quotes is expected here"));
    };
    let pattern = format!("(*LIMIT_MATCH={MATCH_LIMIT})(*LIMIT_DEPTH={DEPTH_LIMIT})(*LF){text}");
    let regex = RegexBuilder::new()
        .utf(false)
        .ucp(false)
        .jit_if_available(true)
        .build(&pattern)
        .map_err(|error| Problem::whole("R142", format!("the expression is wrong: {error}")))?;
    if regex.captures_len() != 2 {
        return Err(Problem::whole("R146", "the expression needs one group, no more")
            .hint("put parentheses around what the tests shall see; `(?:...)` captures nothing"));
    }
    add("pcrexform", argument, builder, move |input, output| {
        let captures = regex.captures(input).ok().flatten();
        match captures.as_ref().and_then(|captures| captures.get(1)) {
            Some(group) => {
                output.extend_from_slice(group.as_bytes());
                true
            }
            None => false,
        }
    })
}
