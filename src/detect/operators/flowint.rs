//! `flowint`: numbers that stay with the conversation.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{FlowInteger, IntegerCommand, IntegerOperand};
use crate::detect::syntax::{items, required};

const SYNTAX: &str =
    "flowint:NAME,isset|notset; or flowint:NAME,=|+|-|==|!=|<|<=|>|>=,NUMBER|NAME;";

/// The signs, and what they do.
static COMMANDS: &[(&str, IntegerCommand)] = &[
    ("isset", IntegerCommand::IsSet),
    ("notset", IntegerCommand::NotSet),
    ("isnotset", IntegerCommand::NotSet),
    ("=", IntegerCommand::Set),
    ("+", IntegerCommand::Add),
    ("-", IntegerCommand::Subtract),
    ("==", IntegerCommand::Equal),
    ("!=", IntegerCommand::NotEqual),
    ("<", IntegerCommand::Less),
    ("<=", IntegerCommand::LessEqual),
    (">", IntegerCommand::Greater),
    (">=", IntegerCommand::GreaterEqual),
];

/// See [`Operator`].
pub static FLOWINT: Operator = Operator {
    name: "flowint",
    aliases: &[],
    help: "Sets, counts or compares a number that stays with the conversation. A number that was \
           never set compares with nothing; `+` begins it at 0.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; flowint:seen,+,1;"#, payload: b"x", alerts: true },
        Example { rule: r#"content:"x"; flowint:seen,notset;"#, payload: b"x", alerts: true },
        Example { rule: r#"content:"x"; flowint:seen,>,2;"#, payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let wrong = |span, message: String| {
            Problem::spanned("R225", span, message).hint(format!("write `{SYNTAX}`"))
        };
        let mut parts = items(text);
        let (span, name) = parts.next().unwrap_or((0..1, ""));
        if !is_name(name) {
            return Err(wrong(span, format!("`{name}` is no name of a number")));
        }
        let (span, sign) = parts.next().unwrap_or((0..text.len(), ""));
        let Some((_, command)) = COMMANDS.iter().find(|(known, _)| *known == sign) else {
            return Err(wrong(span, format!("`{sign}` is nothing to do with a number")));
        };
        let operand = match (parts.next(), command) {
            (None | Some((_, "")), IntegerCommand::IsSet | IntegerCommand::NotSet) => {
                IntegerOperand::Fixed(0)
            }
            (Some((span, word)), _) => match word.parse::<u32>() {
                Ok(number) => IntegerOperand::Fixed(number),
                Err(_) if is_name(word) => IntegerOperand::Named(word.to_owned()),
                Err(_) => return Err(wrong(span, format!("`{word}` is neither number nor name"))),
            },
            (None, _) => return Err(wrong(0..text.len(), format!("`{sign}` needs a number"))),
        };
        if let Some((span, more)) = parts.next() {
            return Err(wrong(span, format!("`{more}` means nothing here")));
        }
        let (name, command) = (name.to_owned(), *command);
        builder.rule.flowints.push(FlowInteger { name, command, operand });
        Ok(())
    },
};

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte))
}
