//! Keywords that steer an inline or a storing engine, or its tuning: read, without effect here.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{bare, integer, items, required};

const TAG_SYNTAX: &str = "tag:session|host[,COUNT,packets|bytes|seconds[,src|dst]];";

/// `tag`.
pub static TAG: Operator = Operator {
    name: "tag",
    aliases: &[],
    help: "Asks to keep packets that follow the alert. This sensor stores no packets: the rule \
           alerts as without it.",
    syntax: TAG_SYNTAX,
    examples: &[Example {
        rule: r#"content:"x"; tag:session,5,packets;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, _| {
        let text = required(argument, TAG_SYNTAX)?;
        for ((span, item), at) in items(text).zip(0..) {
            let sound = match at {
                0 => ["session", "host"].contains(&item),
                1 => integer(item, 32).is_ok(),
                2 => ["packets", "bytes", "seconds"].contains(&item),
                3 => ["src", "dst"].contains(&item),
                _ => false,
            };
            if !sound {
                return Err(Problem::spanned("R223", span, format!("`{item}` means nothing here"))
                    .hint(format!("write `{TAG_SYNTAX}`")));
            }
        }
        Ok(())
    },
};

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
