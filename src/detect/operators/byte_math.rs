//! `byte_math`: keeps the result of a calculation with a number of the buffer.

use super::byte_extract::define;
use super::extraction::{Extraction, operand, split, unknown};
use crate::detect::buffer::{Check, Number, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};

/// See [`Operator`].
pub static BYTE_MATH: Operator = Operator {
    name: "byte_math",
    aliases: &[],
    help: "Reads a number from the buffer, calculates with it, and keeps the result in a variable.",
    syntax: "byte_math:bytes <n>, offset <n>, oper +|-|*|/|<<|>>, rvalue <n>|<variable>, \
             result <variable>[, relative][, endian big|little][, string hex|dec|oct][, dce]\
             [, bitmask <mask>]",
    examples: &[
        Example {
            rule: "byte_math:bytes 1, offset 0, oper +, rvalue 2, result n; \
                   byte_test:1,=,n,1;",
            payload: b"\x03\x05",
            alerts: true,
        },
        Example {
            rule: "byte_math:bytes 1, offset 0, oper /, rvalue 2, result n; \
                   byte_test:1,=,n,1;",
            payload: b"\x08\x05",
            alerts: false,
        },
        Example {
            rule: "byte_math:bytes 2, offset 0, oper *, rvalue 2, result n, string dec; \
                   byte_test:1,=,n,2;",
            payload: b"12\x18",
            alerts: true,
        },
    ],
    compile,
};

#[derive(Clone, Copy, Debug)]
enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    ShiftLeft,
    ShiftRight,
}

#[derive(Debug)]
struct ByteMath {
    extraction: Extraction,
    calculation: Calculation,
    by: Number,
    variable: usize,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = argument.unwrap_or_default();
    let mut extraction = Extraction::new(Number::Fixed(0), Number::Fixed(0));
    let (mut width, mut offset, mut calculation, mut by, mut result) =
        (None, None, None, None, None);
    for option in argument.split(',') {
        let (name, value) = split(option);
        match name {
            "bytes" => width = Some(operand("byte_math", argument, Some(value), builder)?),
            "offset" => offset = Some(operand("byte_math", argument, Some(value), builder)?),
            "rvalue" => by = Some(operand("byte_math", argument, Some(value), builder)?),
            "oper" => calculation = Some(oper(argument, option, value)?),
            "result" => result = Some(value),
            _ if extraction.option(option.trim()) => {}
            _ => return Err(unknown("byte_math", argument, option)),
        }
    }
    let (Some(width), Some(offset), Some(calculation), Some(by), Some(result)) =
        (width, offset, calculation, by, result)
    else {
        return Err(Problem::whole(
            "R155",
            "`byte_math` needs bytes, offset, oper, rvalue, result",
        ));
    };
    (extraction.width, extraction.offset) = (width, offset);
    extraction.validate("byte_math", 1)?;
    let variable = define(result, argument, builder)?;
    builder.push(Step::Check(Box::new(ByteMath { extraction, calculation, by, variable })))
}

fn oper(argument: &str, option: &str, value: &str) -> Result<Calculation, Problem> {
    Ok(match value {
        "+" => Calculation::Add,
        "-" => Calculation::Subtract,
        "*" => Calculation::Multiply,
        "/" => Calculation::Divide,
        "<<" => Calculation::ShiftLeft,
        ">>" => Calculation::ShiftRight,
        _ => return Err(unknown("byte_math", argument, option)),
    })
}

impl Check for ByteMath {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let (value, end) = self.extraction.read(scope, cursor)?;
        let by = scope.unsigned(self.by);
        let shift = u32::try_from(by).unwrap_or(u32::MAX);
        let result = match self.calculation {
            Calculation::Add => value.wrapping_add(by),
            Calculation::Subtract => value.wrapping_sub(by),
            Calculation::Multiply => value.wrapping_mul(by),
            Calculation::Divide => value.checked_div(by)?,
            Calculation::ShiftLeft => value.checked_shl(shift).unwrap_or(0),
            Calculation::ShiftRight => value.checked_shr(shift).unwrap_or(0),
        };
        // The mask applies to the result, not to what was read.
        scope.set(self.variable, self.extraction.masked(result));
        Some(end)
    }

    fn relative(&self) -> bool {
        self.extraction.depends() || matches!(self.by, Number::Variable(_))
    }

    fn follows_cursor(&self) -> bool {
        self.extraction.relative
    }

    fn moves(&self) -> bool {
        true
    }
}
