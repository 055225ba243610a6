//! `flowbits`, `noalert`, `alert`: marks on a conversation, and rules that only leave marks.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{BitCommand, FlowBit};
use crate::detect::syntax::{bare, required};

const SYNTAX: &str = "flowbits:set|unset|toggle|isset|isnotset,NAME[|NAME]...;";

/// What a word of `flowbits`, `xbits` and `hostbits` does.
pub(super) fn command(word: &str) -> Result<BitCommand, Problem> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "set" => BitCommand::Set,
        "unset" => BitCommand::Unset,
        "toggle" => BitCommand::Toggle,
        "isset" => BitCommand::IsSet,
        "isnotset" => BitCommand::IsNotSet,
        _ => {
            let message = format!("`{word}` is not something to do with a bit");
            return Err(Problem::spanned("R212", 0..word.len(), message)
                .hint("one of set, unset, toggle, isset, isnotset, noalert"));
        }
    })
}

/// `flowbits`.
pub static FLOWBITS: Operator = Operator {
    name: "flowbits",
    aliases: &[],
    help: "Sets or asks marks that stay with the conversation. Of several names to ask, one is \
           enough; `noalert` makes the rule silent.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; flowbits:set,seen;"#, payload: b"x", alerts: true },
        Example {
            rule: r#"content:"x"; flowbits:isset,other|seen;"#,
            payload: b"x",
            alerts: false,
        },
        Example { rule: r#"content:"x"; flowbits:isnotset,seen;"#, payload: b"x", alerts: true },
        Example {
            rule: r#"content:"x"; flowbits:set,seen; flowbits:noalert;"#,
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        if text.eq_ignore_ascii_case("noalert") {
            builder.rule.silent = true;
            return Ok(());
        }
        let (word, list) = text.split_once(',').unwrap_or((text, ""));
        let command = command(word.trim_ascii())?;
        let names: Vec<String> = list.split('|').map(|name| name.trim_ascii().to_owned()).collect();
        let place = word.len().min(text.len().saturating_sub(1))..text.len();
        if names.iter().any(|name| name.is_empty() || name.contains(char::is_whitespace)) {
            return Err(Problem::spanned("R213", place, "a bit needs a name without blanks")
                .hint(format!("write `{SYNTAX}`")));
        }
        let asks = matches!(command, BitCommand::IsSet | BitCommand::IsNotSet);
        if names.len() > 1 && !asks {
            return Err(Problem::spanned(
                "R213",
                place,
                "only isset and isnotset take several names",
            )
            .hint("write one `flowbits` for each name"));
        }
        builder.rule.flowbits.push(FlowBit { command, names });
        Ok(())
    },
};

/// `noalert`.
pub static NOALERT: Operator = Operator {
    name: "noalert",
    aliases: &[],
    help: "The rule makes no alert; what it sets (`flowbits`) is set.",
    syntax: "noalert;",
    examples: &[Example { rule: r#"content:"x"; noalert;"#, payload: b"x", alerts: false }],
    compile: |argument, builder| {
        bare(argument)?;
        builder.rule.silent = true;
        Ok(())
    },
};

/// `alert`.
pub static ALERT: Operator = Operator {
    name: "alert",
    aliases: &[],
    help: "The rule makes alerts, even if its action is `pass`.",
    syntax: "alert;",
    examples: &[Example { rule: r#"content:"x"; alert;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        bare(argument)?;
        builder.rule.silent = false;
        builder.rule.outspoken = true;
        Ok(())
    },
};
