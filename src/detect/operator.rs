//! What an operator is: a keyword that does something, as opposed to naming a field.

use super::rule::Rule;
use crate::field::Side;

/// What is wrong with an argument, in words; the caller adds file, line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable code: `R012`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The part of the argument that is wrong, in bytes of it.
    pub span: std::ops::Range<usize>,
    /// How to mend it.
    pub help: Option<String>,
}

/// A keyword that does something. One file in `operators/`, one static, one list.
pub struct Operator {
    /// The keyword.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
    /// The grammar of its argument.
    pub syntax: &'static str,
    /// Run as tests: each must compile and give what it says.
    pub examples: &'static [Example],
    /// Adds what the argument says to the rule being built. The argument is raw, as it stands
    /// after the colon: quotes, escapes and a leading `!` included; `None` without a colon.
    pub compile: fn(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem>,
}

/// A rule body and a payload that shows what it does.
pub struct Example {
    /// Options of a rule over the raw payload, or over a packet that carries it.
    pub rule: &'static str,
    /// The payload of one packet to the server.
    pub payload: &'static [u8],
    /// Whether it alerts.
    pub alerts: bool,
}

/// A rule being built.
pub struct Builder {
    /// What is there so far.
    pub rule: Rule,
    /// The current sticky buffer; `None` is the payload.
    pub sticky: Option<&'static str>,
    /// Transforms waiting for the next test, with their names.
    pub transforms: Vec<(&'static str, super::rule::Transform)>,
    /// Names of `byte_extract` variables; the position is their number.
    pub variables: Vec<String>,
    /// Sides that the keywords so far have shown.
    pub sides: Vec<Side>,
}
