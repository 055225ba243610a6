//! `byte_test`: compares a number in the buffer.

use super::extraction::{Extraction, operand, unknown};
use crate::detect::buffer::{Check, Number, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static BYTE_TEST: Operator = Operator {
    name: "byte_test",
    aliases: &[],
    help: "Reads a number from the buffer and compares it.",
    syntax: "byte_test:<bytes>,[!]<|>|=|<=|>=|&|^,<value>,<offset>[,relative][,big|little]\
             [,string,hex|dec|oct][,dce][,bitmask <mask>]",
    examples: &[
        Example { rule: "byte_test:2,=,0x0102,1;", payload: b"\0\x01\x02", alerts: true },
        Example { rule: "byte_test:2,=,0x0102,1,little;", payload: b"\0\x01\x02", alerts: false },
        Example { rule: "byte_test:2,!=,0x0102,1;", payload: b"\0\x01\x02", alerts: false },
        Example { rule: "byte_test:4,>,1336,1,string,dec;", payload: b"x1337", alerts: true },
        Example {
            rule: "content:\"a\"; byte_test:1,>,4,0,relative;",
            payload: b"a\x03a\x05",
            alerts: true,
        },
        Example { rule: "byte_test:1,=,5,0,bitmask 0xf0;", payload: b"\x5a", alerts: true },
        Example { rule: "byte_test:1,&,0x80,0;", payload: b"\x7f", alerts: false },
        Example { rule: "byte_test:4,>,0,1;", payload: b"\x01\x01", alerts: false },
    ],
    compile,
};

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    And,
    Or,
}

#[derive(Debug)]
struct ByteTest {
    extraction: Extraction,
    comparison: Comparison,
    negated: bool,
    value: Number,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = argument.unwrap_or_default();
    let mut parts = argument.split(',');
    let width = operand("byte_test", argument, parts.next(), builder)?;
    let (comparison, negated) = comparison(argument, parts.next().unwrap_or_default())?;
    let value = operand("byte_test", argument, parts.next(), builder)?;
    let offset = operand("byte_test", argument, parts.next(), builder)?;
    let mut extraction = Extraction::new(width, offset);
    for option in parts {
        if !extraction.option(option.trim()) {
            return Err(unknown("byte_test", argument, option));
        }
    }
    extraction.validate("byte_test", 1)?;
    builder.push(Step::Check(Box::new(ByteTest { extraction, comparison, negated, value })))
}

fn comparison(argument: &str, part: &str) -> Result<(Comparison, bool), Problem> {
    let text = part.trim();
    let (text, negated) = match text.strip_prefix('!') {
        Some(rest) => (rest.trim(), true),
        None => (text, false),
    };
    let comparison = match text {
        "<" => Comparison::Less,
        "<=" => Comparison::LessEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterEqual,
        "=" => Comparison::Equal,
        "" if negated => Comparison::Equal,
        "&" => Comparison::And,
        "^" => Comparison::Or,
        _ => {
            let message = format!("`{}` compares nothing", part.trim());
            return Err(Problem::whole("R153", message)
                .hint("one of < > = <= >= & ^, with ! before it for the contrary")
                .at(argument, part.trim()));
        }
    };
    Ok((comparison, negated))
}

impl Check for ByteTest {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let (value, _) = self.extraction.read(scope, cursor)?;
        let value = self.extraction.masked(value);
        let other = scope.unsigned(self.value);
        let holds = match self.comparison {
            Comparison::Less => value < other,
            Comparison::LessEqual => value <= other,
            Comparison::Greater => value > other,
            Comparison::GreaterEqual => value >= other,
            Comparison::Equal => value == other,
            Comparison::And => value & other != 0,
            Comparison::Or => value ^ other != 0,
        };
        (holds != self.negated).then_some(cursor)
    }

    fn relative(&self) -> bool {
        self.extraction.depends() || matches!(self.value, Number::Variable(_))
    }

    fn follows_cursor(&self) -> bool {
        self.extraction.relative
    }
}
