//! `rawbytes`: without effect, as in Suricata.

use crate::detect::operator::{Example, Operator};

/// See [`Operator`].
pub static RAWBYTES: Operator = Operator {
    name: "rawbytes",
    aliases: &[],
    help: "Accepted behind a content and without effect: the payload is never rewritten.",
    syntax: "rawbytes",
    examples: &[Example { rule: "content:\"abc\"; rawbytes;", payload: b"abc", alerts: true }],
    compile: |argument, builder| {
        super::arguments::none("rawbytes", argument)?;
        builder.content("rawbytes").map(|_| ())
    },
};
