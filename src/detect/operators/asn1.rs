//! `asn1`: signs of attacks on decoders of ASN.1, looked for in the payload.

use super::extraction::split;
use crate::detect::buffer::{Check, Scope, Step};
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::{items, required};
use crate::protocols::formats::ber::{Element, universal};
use crate::reader::Reader;

const SYNTAX: &str = "asn1:[bitstring_overflow][,double_overflow][,oversize_length N]\
                      [,absolute_offset N|,relative_offset N];";

/// Elements looked at, within each other and behind each other.
const MAX_ELEMENTS: usize = 256;

/// How deep elements are followed.
const MAX_DEPTH: usize = 32;

/// Octets of a REAL in digits beyond which decoders have broken.
const MAX_DIGITS: usize = 256;

/// Number of the tag of a REAL (X.680, table 1).
const REAL: u32 = 9;

/// See [`Operator`].
pub static ASN1: Operator = Operator {
    name: "asn1",
    aliases: &[],
    help: "What stands in the payload is ASN.1 with an element longer than it should be: any over \
           a length, a bit string with more unused bits than it has, a number of too many digits.",
    syntax: SYNTAX,
    examples: &[
        Example {
            rule: "asn1:bitstring_overflow, absolute_offset 1;",
            payload: b"x\x03\x02\x11\x00",
            alerts: true,
        },
        Example { rule: "asn1:oversize_length 3;", payload: b"\x04\x04abcd", alerts: true },
        Example { rule: "asn1:oversize_length 4;", payload: b"\x04\x04abcd", alerts: false },
    ],
    compile,
};

#[derive(Debug, Default)]
struct Asn1 {
    bits: bool,
    double: bool,
    longest: Option<usize>,
    offset: i64,
    relative: bool,
}

fn compile(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let text = required(argument, SYNTAX)?;
    let mut test = Asn1::default();
    for (span, item) in items(text) {
        let wrong = || {
            Problem::spanned("R185", span.clone(), format!("`{item}` means nothing here"))
                .hint(format!("write `{SYNTAX}`"))
        };
        let (key, value) = split(item);
        match key {
            "bitstring_overflow" => test.bits = true,
            "double_overflow" => test.double = true,
            "oversize_length" => test.longest = Some(value.parse().map_err(|_| wrong())?),
            "absolute_offset" => test.offset = value.parse().map_err(|_| wrong())?,
            "relative_offset" => {
                test.offset = value.parse().map_err(|_| wrong())?;
                test.relative = true;
            }
            _ => return Err(wrong()),
        }
    }
    builder.push(Step::Check(Box::new(test)))
}

impl Asn1 {
    fn flawed(&self, element: &Element<'_>) -> bool {
        let content = element.content;
        let unused = content.first().copied().unwrap_or(0);
        let bits = || content.len().saturating_sub(1).saturating_mul(8);
        // A REAL that is not binary is written in digits (X.690, 8.5).
        let digits = unused & 0x80 == 0 && content.len() > MAX_DIGITS;
        let primitive = !element.constructed;
        self.longest.is_some_and(|longest| content.len() > longest)
            || self.bits
                && primitive
                && element.is(universal::BIT_STRING)
                && usize::from(unused) > bits()
            || self.double && primitive && element.is(REAL) && digits
    }

    fn search(&self, reader: &mut Reader<'_>, depth: usize, left: &mut usize) -> bool {
        while *left > 0 {
            *left -= 1;
            let Ok(element) = Element::read(reader) else { return false };
            let within = element.constructed && depth < MAX_DEPTH;
            if self.flawed(&element)
                || within && self.search(&mut element.inside(), depth + 1, left)
            {
                return true;
            }
        }
        false
    }
}

impl Check for Asn1 {
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize> {
        let base = if self.relative { i64::try_from(cursor).ok()? } else { 0 };
        let start = usize::try_from(base.checked_add(self.offset)?).ok()?;
        let bytes = scope.buffer.get(start..)?;
        let mut left = MAX_ELEMENTS;
        let found = self.search(&mut Reader::new(bytes), 0, &mut left);
        scope.spend((MAX_ELEMENTS - left) * 20);
        found.then_some(cursor)
    }

    fn relative(&self) -> bool {
        self.relative
    }

    fn follows_cursor(&self) -> bool {
        self.relative
    }
}
