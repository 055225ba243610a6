//! Reading a number from the buffer: what `byte_test`, `byte_jump`, `byte_extract` and
//! `byte_math` have in common.

use super::arguments::{signed, unsigned};
use crate::detect::buffer::{Number, Scope};
use crate::detect::operator::{Builder, Problem};

/// Bytes of a number in binary.
const MAX_BINARY: i64 = 8;

/// Digits of a number in text: 64 bits in octal, and a sign.
const MAX_DIGITS: i64 = 23;

/// Bytes looked at for a number in text without a width.
const MAX_TEXT: usize = 64;

/// A number in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extraction {
    /// Bytes or digits.
    pub(super) width: Number,
    /// First byte, from the start or from the cursor.
    pub(super) offset: Number,
    /// From the cursor.
    pub(super) relative: bool,
    little: bool,
    /// Of digits; `None` for binary.
    base: Option<u32>,
    /// Applied to the number, which is then shifted right by the mask's trailing zeros.
    pub(super) mask: Option<u64>,
}

impl Extraction {
    /// One without options.
    pub(super) const fn new(width: Number, offset: Number) -> Self {
        Self { width, offset, relative: false, little: false, base: None, mask: None }
    }

    /// Takes `option` if it is one that says how a number is read: `relative`, `big`, `little`,
    /// `endian <order>`, `string`, `hex`, `dec`, `oct`, `string <base>`, `dce`, `bitmask <mask>`.
    pub(super) fn option(&mut self, option: &str) -> bool {
        let (name, value) = split(option);
        match (name, value) {
            ("relative", "") => self.relative = true,
            ("big", "") | ("endian", "big") => self.little = false,
            // DCE carries its own byte order; nearly all that speak it are little-endian.
            ("little" | "dce", "") | ("endian", "little" | "dce") => self.little = true,
            ("string", "") => self.base = self.base.or(Some(10)),
            ("hex", "") | ("string", "hex") => self.base = Some(16),
            ("dec", "") | ("string", "dec") => self.base = Some(10),
            ("oct", "") | ("string", "oct") => self.base = Some(8),
            ("bitmask", mask) => match unsigned(mask).filter(|mask| *mask != 0) {
                Some(mask) => self.mask = Some(mask),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Whether the width fits what is read; `least` is the smallest width.
    pub(super) fn validate(&self, keyword: &str, least: i64) -> Result<(), Problem> {
        let (least, most) = match self.base {
            // No width: as many digits as there are.
            Some(_) => (0, MAX_DIGITS),
            None => (least, MAX_BINARY),
        };
        match self.width {
            Number::Fixed(width) if !(least..=most).contains(&width) => {
                let message =
                    format!("`{keyword}` of {width} bytes: {least} to {most} can be read");
                Err(Problem::whole("R151", message))
            }
            _ => Ok(()),
        }
    }

    /// Whether it depends on the cursor or on a variable.
    pub(super) const fn depends(&self) -> bool {
        self.relative
            || matches!(self.width, Number::Variable(_))
            || matches!(self.offset, Number::Variable(_))
    }

    /// The number, before the mask, and where it ends; `None` when it is not all there.
    pub(super) fn read(&self, scope: &Scope<'_>, cursor: usize) -> Option<(u64, usize)> {
        let base = if self.relative { i64::try_from(cursor).ok()? } else { 0 };
        let start = usize::try_from(base.checked_add(scope.value(self.offset))?).ok()?;
        let width = usize::try_from(scope.value(self.width)).ok()?;
        let bytes = match (self.base, width) {
            (Some(_), 0) => {
                let rest = scope.buffer.get(start..)?;
                rest.get(..MAX_TEXT).unwrap_or(rest)
            }
            _ => scope.buffer.get(start..start.checked_add(width)?)?,
        };
        match self.base {
            Some(base) => {
                let (value, read) = text(bytes, base)?;
                Some((value, start + read))
            }
            None if width > 8 => None,
            None => {
                let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
                let value = if self.little {
                    bytes.iter().rev().fold(0, push)
                } else {
                    bytes.iter().fold(0, push)
                };
                Some((value, start + width))
            }
        }
    }

    /// The number under the mask.
    pub(super) fn masked(&self, value: u64) -> u64 {
        self.mask.map_or(value, |mask| (value & mask) >> mask.trailing_zeros())
    }
}

/// A number in digits, as `strtoull` reads it: white space, a sign, `0x` before hexadecimal,
/// digits, and anything behind them. Also how many bytes were read.
fn text(bytes: &[u8], base: u32) -> Option<(u64, usize)> {
    let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let mut rest = bytes.get(blank..)?;
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', behind @ ..] = rest {
        rest = behind;
    }
    if let [b'0', b'x' | b'X', behind @ ..] = rest
        && base == 16
        && behind.first().is_some_and(u8::is_ascii_hexdigit)
    {
        rest = behind;
    }
    let digits = rest.iter().map_while(|byte| char::from(*byte).to_digit(base));
    let count = digits.clone().count();
    if count == 0 {
        return None;
    }
    let add = |value: u64, digit| value.checked_mul(u64::from(base))?.checked_add(u64::from(digit));
    let value = digits.into_iter().try_fold(0, add)?;
    let value = if negative { value.wrapping_neg() } else { value };
    Some((value, bytes.len() - rest.len() + count))
}

/// Splits `name value` at the first white space.
pub(super) fn split(option: &str) -> (&str, &str) {
    let option = option.trim();
    option
        .split_once(char::is_whitespace)
        .map_or((option, ""), |(name, value)| (name, value.trim()))
}

/// A number or the name of a variable that was set before; `part` is of `argument`.
pub(super) fn operand(
    keyword: &str,
    argument: &str,
    part: Option<&str>,
    builder: &Builder,
) -> Result<Number, Problem> {
    let Some(part) = part.map(str::trim).filter(|part| !part.is_empty()) else {
        return Err(Problem::whole("R150", format!("`{keyword}` needs more than `{argument}`")));
    };
    if let Some(value) = signed(part) {
        return Ok(Number::Fixed(value));
    }
    if let Some(value) = unsigned(part) {
        // Beyond the signed range: only comparisons take it, and they read it back unsigned.
        return Ok(Number::Fixed(value.cast_signed()));
    }
    match builder.variable(part) {
        Some(index) => Ok(Number::Variable(index)),
        None => {
            Err(Problem::whole("R107", format!("`{part}` is no number, and no variable so far"))
                .hint("variables are set by `byte_extract` or `byte_math` earlier in the rule")
                .at(argument, part))
        }
    }
}

/// An option that `keyword` does not know.
pub(super) fn unknown(keyword: &str, argument: &str, option: &str) -> Problem {
    Problem::whole("R152", format!("`{keyword}` has no option `{}`", option.trim()))
        .at(argument, option.trim())
}
