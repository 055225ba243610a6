//! `byte_extract`: keeps a number of the buffer for later tests.

use super::arguments::unsigned;
use super::extraction::{Extraction, operand, split, unknown};
use crate::detect::buffer::{Check, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static BYTE_EXTRACT: Operator = Operator {
    name: "byte_extract",
    aliases: &[],
    help: "Reads a number from the buffer into a variable, which later options may name.",
    syntax: "byte_extract:<bytes>,<offset>,<variable>[,relative][,multiplier <n>][,big|little]\
             [,string,hex|dec|oct][,dce][,align 2|4][,bitmask <mask>]",
    examples: &[
        Example {
            rule: "byte_extract:1,0,at; content:\"b\"; offset:at; depth:1;",
            payload: b"\x03aab",
            alerts: true,
        },
        Example {
            rule: "byte_extract:1,0,at; content:\"b\"; offset:at; depth:1;",
            payload: b"\x02aab",
            alerts: false,
        },
        Example {
            rule: "content:\"a\"; byte_extract:1,0,n,relative; byte_test:1,=,n,0,relative;",
            payload: b"a\x01\x02a\x04\x04",
            alerts: true,
        },
        Example {
            rule: "byte_extract:1,0,n; content:\"ab\"; content:\"c\"; distance:n; within:1;",
            payload: b"\x02abxxc",
            alerts: true,
        },
    ],
    compile,
};

#[derive(Debug)]
struct ByteExtract {
    extraction: Extraction,
    multiplier: u64,
    align: u64,
    variable: usize,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = argument.unwrap_or_default();
    let mut parts = argument.split(',');
    let width = operand("byte_extract", argument, parts.next(), builder)?;
    let offset = operand("byte_extract", argument, parts.next(), builder)?;
    let name = parts.next().unwrap_or_default().trim();
    let mut extract = ByteExtract {
        extraction: Extraction::new(width, offset),
        multiplier: 1,
        align: 1,
        variable: 0,
    };
    for option in parts {
        extract.option(argument, option)?;
    }
    extract.extraction.validate("byte_extract", 1)?;
    extract.variable = define(name, argument, builder)?;
    builder.push(Step::Check(Box::new(extract)))
}

/// The number of the variable `name` that an option sets.
pub(super) fn define(name: &str, argument: &str, builder: &mut Builder) -> Result<usize, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(plain)
    {
        return Err(Problem::whole("R154", format!("`{name}` cannot name a variable"))
            .hint("a letter, then letters, digits and `_`")
            .at(argument, name));
    }
    builder.define(name)
}

impl ByteExtract {
    fn option(&mut self, argument: &str, option: &str) -> Result<(), Problem> {
        let (name, value) = split(option);
        let number = unsigned(value);
        match (name, number) {
            ("multiplier", Some(multiplier @ 1..=65_535)) => self.multiplier = multiplier,
            ("align", Some(align @ (2 | 4))) => self.align = align,
            _ if self.extraction.option(option.trim()) => {}
            _ => return Err(unknown("byte_extract", argument, option)),
        }
        Ok(())
    }
}

impl Check for ByteExtract {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let (value, end) = self.extraction.read(scope, cursor)?;
        let value = self.extraction.masked(value).wrapping_mul(self.multiplier);
        let value = value.checked_next_multiple_of(self.align)?;
        scope.set(self.variable, value);
        Some(end)
    }

    fn relative(&self) -> bool {
        self.extraction.depends()
    }

    fn follows_cursor(&self) -> bool {
        self.extraction.relative
    }

    fn moves(&self) -> bool {
        true
    }
}
