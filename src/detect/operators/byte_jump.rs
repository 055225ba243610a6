//! `byte_jump`: moves the cursor by a number in the buffer.

use super::arguments::{signed, unsigned};
use super::extraction::{Extraction, operand, split, unknown};
use crate::detect::buffer::{Check, Number, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static BYTE_JUMP: Operator = Operator {
    name: "byte_jump",
    aliases: &[],
    help: "Reads a number from the buffer and moves by it to where the next relative test begins.",
    syntax: "byte_jump:<bytes>,<offset>[,relative][,multiplier <n>][,big|little]\
             [,string,hex|dec|oct][,dce][,align][,from_beginning|from_end][,post_offset <n>]\
             [,bitmask <mask>]",
    examples: &[
        Example {
            rule: "byte_jump:1,0; content:\"b\"; within:1;",
            payload: b"\x02xxb",
            alerts: true,
        },
        Example {
            rule: "byte_jump:1,0; content:\"b\"; within:1;",
            payload: b"\x01xxb",
            alerts: false,
        },
        Example {
            rule: "content:\"a\"; byte_jump:1,0,relative,multiplier 2; content:\"b\"; within:1;",
            payload: b"a\x01xxb",
            alerts: true,
        },
        Example {
            rule: "byte_jump:0,0,from_end,post_offset -2; content:\"b\"; within:1;",
            payload: b"aaaba",
            alerts: true,
        },
        Example { rule: "byte_jump:1,0;", payload: b"\x09xxb", alerts: false },
    ],
    compile,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Here,
    Beginning,
    End,
}

#[derive(Debug)]
struct ByteJump {
    extraction: Extraction,
    multiplier: u64,
    align: bool,
    from: From,
    after: Number,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = argument.unwrap_or_default();
    let mut parts = argument.split(',');
    let width = operand("byte_jump", argument, parts.next(), builder)?;
    let offset = operand("byte_jump", argument, parts.next(), builder)?;
    let mut jump = ByteJump {
        extraction: Extraction::new(width, offset),
        multiplier: 1,
        align: false,
        from: From::Here,
        after: Number::Fixed(0),
    };
    for option in parts {
        jump.option(argument, option, builder)?;
    }
    jump.extraction.validate("byte_jump", 0)?;
    builder.push(Step::Check(Box::new(jump)))
}

impl ByteJump {
    fn option(&mut self, argument: &str, option: &str, builder: &Builder) -> Result<(), Problem> {
        let (name, value) = split(option);
        match name {
            "multiplier" => match unsigned(value).filter(|n| (1..=65_535).contains(n)) {
                Some(multiplier) => self.multiplier = multiplier,
                None => return Err(unknown("byte_jump", argument, option)),
            },
            "align" if value.is_empty() => self.align = true,
            "from_beginning" if self.from == From::Here => self.from = From::Beginning,
            "from_end" if self.from == From::Here => self.from = From::End,
            "post_offset" => {
                self.after = match signed(value) {
                    Some(after) => Number::Fixed(after),
                    None => operand("byte_jump", argument, Some(value), builder)?,
                }
            }
            _ if self.extraction.option(option.trim()) => {}
            _ => return Err(unknown("byte_jump", argument, option)),
        }
        Ok(())
    }
}

impl Check for ByteJump {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let (value, end) = self.extraction.read(scope, cursor)?;
        let mut value = self.extraction.masked(value).wrapping_mul(self.multiplier);
        if self.align {
            value = value.checked_next_multiple_of(4)?;
        }
        let start = match self.from {
            From::Here => end,
            From::Beginning => 0,
            From::End => scope.buffer.len(),
        };
        let place = i64::try_from(start)
            .ok()?
            .checked_add(value.cast_signed())?
            .checked_add(scope.value(self.after))?;
        usize::try_from(place).ok().filter(|place| *place < scope.buffer.len())
    }

    fn relative(&self) -> bool {
        self.extraction.depends() || matches!(self.after, Number::Variable(_))
    }

    fn follows_cursor(&self) -> bool {
        self.extraction.relative
    }

    fn moves(&self) -> bool {
        true
    }
}
