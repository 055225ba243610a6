//! `http2.settings`, `ike.chosen_sa_attribute`: a number by the name of what has it.

use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{NumberTest, Which};
use crate::detect::syntax::required;
use crate::protocols::http2::names::SETTINGS;
use crate::protocols::ike::names::ATTRIBUTES;

/// See [`Operator`].
pub static HTTP2_SETTINGS: Operator = Operator {
    name: "http2.settings",
    aliases: &["http2_settings"],
    help: "A setting of HTTP/2 is sent, with a value that passes the test when there is one.",
    syntax: SETTINGS_SYNTAX,
    examples: &[Example {
        rule: "http2.settings:SETTINGS_HEADER_TABLE_SIZE>1000;",
        payload: b"x",
        alerts: false,
    }],
    compile: |argument, builder| {
        compile("http2.setting", SETTINGS, SETTINGS_SYNTAX, argument, builder)
    },
};

/// See [`Operator`].
pub static CHOSEN_SA_ATTRIBUTE: Operator = Operator {
    name: "ike.chosen_sa_attribute",
    aliases: &[],
    help: "The transform that a server of IKE chose has an attribute of this value.",
    syntax: ATTRIBUTE_SYNTAX,
    examples: &[Example {
        rule: "ike.chosen_sa_attribute:alg_enc=7;",
        payload: b"x",
        alerts: false,
    }],
    compile: |argument, builder| {
        compile("ike.sa_attribute", ATTRIBUTES, ATTRIBUTE_SYNTAX, argument, builder)
    },
};

const SETTINGS_SYNTAX: &str = "http2.settings:NAME[TEST OF A NUMBER]";
const ATTRIBUTE_SYNTAX: &str = "ike.chosen_sa_attribute:NAME=NUMBER";

/// The field holds number and value of a name as one number: so the test moves to where the values
/// of one name are.
fn compile(
    field: &'static str,
    names: &[(&str, u64)],
    syntax: &str,
    argument: Option<&str>,
    builder: &mut Builder,
) -> Result<(), Problem> {
    let text = required(argument, syntax)?;
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, value) = text.split_at_checked(end).unwrap_or((text, ""));
    let known = names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, number)) = known else {
        let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let problem = Problem::whole("R010", format!("`{name}` is not known here"));
        return Err(problem.at(text, name).hint(format!("known are {}", names.join(", "))));
    };
    let base = number << 32;
    let (before, after) = (base - 1, base + (1 << 32));
    let value = value.trim_ascii();
    let test = if value.is_empty() {
        IntegerTest::Between(before, after)
    } else {
        match IntegerTest::parse(value, 32, &[])? {
            IntegerTest::Equal(value) => IntegerTest::Equal(base + value),
            IntegerTest::Less(value) => IntegerTest::Between(before, base + value),
            IntegerTest::LessEqual(value) => IntegerTest::Between(before, base + value + 1),
            IntegerTest::Greater(value) => IntegerTest::Between(base + value, after),
            IntegerTest::GreaterEqual(value) => IntegerTest::Between(base + value - 1, after),
            IntegerTest::Between(low, high) => IntegerTest::Between(base + low, base + high),
            IntegerTest::Mask(mask, value, true) => {
                IntegerTest::Mask(u64::from(u32::MAX) << 32 | mask, base + value, true)
            }
            IntegerTest::NotEqual(_)
            | IntegerTest::NotBetween(..)
            | IntegerTest::Among(..)
            | IntegerTest::Mask(..) => {
                let problem = Problem::whole("R101", "a value cannot be excluded here");
                return Err(problem.hint("write what the value may be"));
            }
        }
    };
    builder.rule.numbers.push(NumberTest { field, test, others: Vec::new(), which: Which::Any });
    Ok(())
}
