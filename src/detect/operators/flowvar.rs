//! `flowvar`, `pktvar`: what texts hold that expressions have captured.

use super::content::bytes;
use crate::detect::captured::{Keeper, TextTest};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::required;

const FLOW_SYNTAX: &str = "flowvar:NAME,\"TEXT\";";
const PACKET_SYNTAX: &str = "pktvar:NAME,\"TEXT\";";

/// `flowvar`.
pub static FLOWVAR: Operator = Operator {
    name: "flowvar",
    aliases: &[],
    help: "A text that a `pcre` captured from the conversation (`flow:NAME`) is there and holds \
           this one.",
    syntax: FLOW_SYNTAX,
    examples: &[
        Example {
            rule: r#"pcre:"/user (\w+)/, flow:user"; flowvar:user,"root";"#,
            payload: b"user root",
            alerts: false,
        },
        Example { rule: r#"flowvar:user,"|00|";"#, payload: b"user root", alerts: false },
    ],
    compile: |argument, builder| compile(Keeper::Flow, FLOW_SYNTAX, argument, builder),
};

/// `pktvar`.
pub static PKTVAR: Operator = Operator {
    name: "pktvar",
    aliases: &[],
    help: "A text that a `pcre` captured from this packet (`pkt:NAME`), in a rule before, is there \
           and holds this one.",
    syntax: PACKET_SYNTAX,
    examples: &[Example {
        rule: r#"content:"user"; pktvar:user,"root";"#,
        payload: b"user root",
        alerts: false,
    }],
    compile: |argument, builder| compile(Keeper::Packet, PACKET_SYNTAX, argument, builder),
};

fn compile(
    keeper: Keeper,
    syntax: &str,
    argument: Option<&str>,
    builder: &mut Builder,
) -> Result<(), Problem> {
    let text = required(argument, syntax)?;
    let wrong = |part: &str, message: String| {
        Problem::whole("R226", message).at(text, part).hint(format!("write `{syntax}`"))
    };
    let (name, value) = text.split_once(',').unwrap_or((text, ""));
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(wrong(name, format!("`{name}` is no name of a text")));
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    if inner.is_empty() {
        return Err(wrong(text, "the text to look for is missing".to_owned()));
    }
    let needle = bytes(inner).map_err(|(message, part)| wrong(part, message))?;
    builder.rule.texts.push(TextTest::new(keeper, name, &needle));
    Ok(())
}
