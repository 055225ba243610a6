//! `config`: what is logged of what matches.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "config:logging disable, type tx|flow, scope tx|flow;";

/// See [`Operator`].
pub static CONFIG: Operator = Operator {
    name: "config",
    aliases: &[],
    help: "In a rule of the action `config`: the transaction that matches is not logged. Only \
           `scope tx` has an effect; tracking of a flow goes on.",
    syntax: SYNTAX,
    examples: &[Example {
        rule: r#"content:"x"; config:logging disable, type tx, scope tx;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let (mut logging, mut scope) = (false, false);
        for (span, item) in items(text) {
            let (key, value) = item.split_once(' ').unwrap_or((item, ""));
            match (key, value.trim()) {
                ("logging", "disable") => logging = true,
                ("tracking", "disable") => {}
                ("type", "tx" | "flow") => {}
                ("scope", of @ ("tx" | "flow")) => scope = of == "tx",
                _ => {
                    return Err(Problem::spanned(
                        "R229",
                        span,
                        format!("`{item}` means nothing here"),
                    )
                    .hint(format!("write `{SYNTAX}`")));
                }
            }
        }
        builder.rule.mutes |= logging && scope;
        Ok(())
    },
};
