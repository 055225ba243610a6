//! Keywords that steer an inline engine, or its tuning: read, without effect here.

use crate::detect::operator::{Example, Operator};
use crate::detect::syntax::{bare, integer, required};

/// `prefilter`.
pub static PREFILTER: Operator = Operator {
    name: "prefilter",
    aliases: &[],
    help: "Asks to look for this keyword first. Without effect: what is looked for first is \
           chosen here by cost.",
    syntax: "prefilter;",
    examples: &[Example { rule: r#"dsize:1; prefilter;"#, payload: b"x", alerts: true }],
    compile: |argument, _| bare(argument),
};

/// `bypass`.
pub static BYPASS: Operator = Operator {
    name: "bypass",
    aliases: &[],
    help: "Asks not to look at the rest of the flow. Without effect: everything is looked at.",
    syntax: "bypass;",
    examples: &[Example { rule: r#"content:"x"; bypass;"#, payload: b"x", alerts: true }],
    compile: |argument, _| bare(argument),
};

/// `replace`.
pub static REPLACE: Operator = Operator {
    name: "replace",
    aliases: &[],
    help: "Asks an inline engine to write other bytes over the content before it. Without effect: \
           a passive sensor changes nothing.",
    syntax: "replace:\"BYTES\";",
    examples: &[Example { rule: r#"content:"x"; replace:"y";"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        required(argument, "replace:\"BYTES\";")?;
        builder.content("replace").map(|_| ())
    },
};

/// `nfq_set_mark`.
pub static NFQ_SET_MARK: Operator = Operator {
    name: "nfq_set_mark",
    aliases: &[],
    help: "Asks a firewall queue to mark the packet. Without effect.",
    syntax: "nfq_set_mark:VALUE/MASK;",
    examples: &[Example {
        rule: r#"content:"x"; nfq_set_mark:0x1/0xff;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, _| {
        let text = required(argument, "nfq_set_mark:VALUE/MASK;")?;
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        integer(value, 32).and_then(|_| integer(mask, 32)).map(|_| ())
    },
};
