//! Base64: `base64_decode` with `base64_data`, and the transform `from_base64`.

use super::arguments::unsigned;
use super::extraction::{split, unknown};
use super::transform::add;
use crate::detect::buffer::{Decode, Step};
use crate::detect::operator::{Builder, Example, Operator, Place, Problem};
use crate::reader::base64_digit;

/// Bytes decoded at most: what one option may cost.
const MAX_ENCODED: usize = 64 << 10;

/// See [`Operator`].
pub static BASE64_DECODE: Operator = Operator {
    name: "base64_decode",
    aliases: &[],
    help: "Decodes base64 in the buffer, for the tests behind `base64_data`.",
    syntax: "base64_decode[:[bytes <n>][, offset <n>][, relative]]",
    examples: &[
        Example {
            rule: "base64_decode:offset 1; base64_data; content:\"test\";",
            payload: b"\0dGVzdA==",
            alerts: true,
        },
        Example {
            rule: "content:\"x \"; base64_decode:relative; base64_data; content:\"TEST\";",
            payload: b"x dGVzdA==",
            alerts: false,
        },
        Example {
            rule: "base64_decode:bytes 4; base64_data; content:\"tes\"; bsize:3;",
            payload: b"dGVzdA==",
            alerts: true,
        },
    ],
    compile: base64_decode,
};

/// See [`Operator`].
pub static BASE64_DATA: Operator = Operator {
    name: "base64_data",
    aliases: &[],
    help: "What follows tests what the `base64_decode` before it has decoded.",
    syntax: "base64_data",
    examples: &[Example {
        rule: "base64_decode; base64_data; content:\"es\"; content:\"t\"; distance:0;",
        payload: b"dGVzdA==",
        alerts: true,
    }],
    compile: base64_data,
};

/// See [`Operator`].
pub static FROM_BASE64: Operator = Operator {
    name: "from_base64",
    aliases: &[],
    help: "Transforms the buffer: decodes base64; leaves it as it is when there is none.",
    syntax: "from_base64[:[bytes <n>][, offset <n>][, mode rfc4648|rfc2045|strict]]",
    examples: &[
        Example { rule: "from_base64; content:\"test\";", payload: b"dGVzdA==", alerts: true },
        Example {
            rule: "from_base64:offset 2, mode rfc2045; content:\"test\";",
            payload: b"xxdGV\r\nzdA==",
            alerts: true,
        },
        Example {
            rule: "from_base64:mode strict; content:\"test\";",
            payload: b"dGVz dA==",
            alerts: false,
        },
    ],
    compile: from_base64,
};

/// What to do about bytes that are not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Decoding ends there.
    Stop,
    /// They are passed over.
    Skip,
    /// Nothing is decoded.
    Refuse,
}

#[derive(Clone, Copy, Debug)]
struct Base64 {
    bytes: usize,
    offset: usize,
    relative: bool,
    mode: Mode,
}

fn options(keyword: &str, argument: Option<&str>) -> Result<Base64, Problem> {
    let argument = argument.unwrap_or_default();
    let mut options = Base64 { bytes: MAX_ENCODED, offset: 0, relative: false, mode: Mode::Stop };
    let transform = keyword == "from_base64";
    for option in argument.split(',').filter(|option| !option.trim().is_empty()) {
        let (name, value) = split(option);
        let number = unsigned(value).and_then(|number| usize::try_from(number).ok());
        match (name, number) {
            ("bytes", Some(bytes @ 1..)) => options.bytes = bytes.min(MAX_ENCODED),
            ("offset", Some(offset @ ..=0xffff)) => options.offset = offset,
            ("relative", None) if !transform && value.is_empty() => options.relative = true,
            ("mode", None) if transform => {
                options.mode = match value.to_ascii_lowercase().as_str() {
                    "rfc4648" => Mode::Stop,
                    "rfc2045" => Mode::Skip,
                    "strict" => Mode::Refuse,
                    _ => return Err(unknown(keyword, argument, option)),
                }
            }
            _ => return Err(unknown(keyword, argument, option)),
        }
    }
    Ok(options)
}

fn base64_decode(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let options = options("base64_decode", argument)?;
    builder.push(Step::Decode(Box::new(options), Vec::new()))
}

fn base64_data(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    super::arguments::none("base64_data", argument)?;
    for (test, chain) in builder.rule.buffers.iter().enumerate().rev() {
        if let Some(step) = chain.steps.iter().rposition(|step| matches!(step, Step::Decode(..))) {
            builder.open = Some(Place { test, decoded: Some(step) });
            builder.moved = false;
            return Ok(());
        }
    }
    Err(Problem::whole("R170", "`base64_data` without a `base64_decode` before it"))
}

fn from_base64(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let options = options("from_base64", argument)?;
    add("from_base64", argument, builder, move |input, output| match options.decode(input, 0) {
        Some(decoded) => {
            *output = decoded;
            true
        }
        None => false,
    })
}

impl Decode for Base64 {
    fn decode(&self, buffer: &[u8], cursor: usize) -> Option<Vec<u8>> {
        let start = self.offset.checked_add(if self.relative { cursor } else { 0 })?;
        let encoded = buffer.get(start..)?;
        let encoded = encoded.get(..self.bytes).unwrap_or(encoded);
        decode(encoded, self.mode).filter(|decoded| !decoded.is_empty())
    }

    fn relative(&self) -> bool {
        self.relative
    }
}

/// The bytes that well-formed base64 stands for.
pub fn strict(encoded: &[u8]) -> Option<Vec<u8>> {
    decode(encoded, Mode::Refuse)
}

/// Base64 of these bytes, padded (RFC 4648, section 4).
pub fn encoded(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for piece in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*piece.get(at).unwrap_or(&0)));
        for digit in 0..4 {
            let value = DIGITS.get(bits >> (18 - 6 * digit) & 63).filter(|_| digit <= piece.len());
            out.push(*value.unwrap_or(&b'='));
        }
    }
}

/// The bytes that `encoded` stands for, padded or not.
fn decode(encoded: &[u8], mode: Mode) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len() / 4 * 3 + 3);
    let (mut bits, mut count, mut digits, mut padding) = (0_u32, 0, 0_usize, 0_usize);
    for byte in encoded {
        let value = match base64_digit(*byte) {
            Some(value) => value,
            None if *byte == b'=' && mode == Mode::Refuse => {
                padding += 1;
                continue;
            }
            None if *byte == b'=' => break,
            None if mode == Mode::Skip => continue,
            None if mode == Mode::Refuse => return None,
            None => break,
        };
        if padding > 0 {
            return None;
        }
        digits += 1;
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    let whole = mode != Mode::Refuse || (digits + padding).is_multiple_of(4) && padding < 3;
    whole.then_some(decoded)
}
