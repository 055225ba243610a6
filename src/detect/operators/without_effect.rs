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

/// `tls_store`.
pub static TLS_STORE: Operator = Operator {
    name: "tls_store",
    aliases: &["tls.store"],
    help: "Asks to keep the certificate in a file. Without effect.",
    syntax: "tls_store;",
    examples: &[Example { rule: r#"content:"x"; tls_store;"#, payload: b"x", alerts: true }],
    compile: |argument, _| bare(argument),
};
