//! Bencoding (BEP 3): numbers, strings, lists and dictionaries.

use crate::reader::Reader;

/// How deep a value may be nested, as the reference engine has it.
const MAX_DEPTH: usize = 3;
/// Digits of a length or a number that are read.
const MAX_DIGITS: usize = 20;

/// The digits up to `end`, which is taken too.
fn digits(reader: &mut Reader<'_>, end: u8) -> Option<u64> {
    let mut number = 0_u64;
    for count in 0..=MAX_DIGITS {
        match reader.u8()? {
            byte @ b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
            }
            byte if byte == end && count > 0 => return Some(number),
            _ => return None,
        }
    }
    None
}

/// What the next value begins with.
pub fn peek(reader: &Reader<'_>) -> Option<u8> {
    reader.rest().first().copied()
}

/// A string.
pub fn bytes<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = digits(reader, b':')?;
    reader.take(usize::try_from(length).ok()?)
}

/// A number that is not negative.
pub fn number(reader: &mut Reader<'_>) -> Option<u64> {
    if reader.u8()? != b'i' {
        return None;
    }
    digits(reader, b'e')
}

/// Passes over a value that is `depth` deep already.
pub fn skip(reader: &mut Reader<'_>, mut depth: usize) -> Option<()> {
    let outside = depth;
    loop {
        match peek(reader)? {
            b'd' | b'l' => {
                reader.skip(1)?;
                depth += 1;
                if depth > MAX_DEPTH {
                    return None;
                }
            }
            b'e' if depth > outside => {
                reader.skip(1)?;
                depth -= 1;
            }
            b'i' => {
                reader.skip(1)?;
                if peek(reader) == Some(b'-') {
                    reader.skip(1)?;
                }
                digits(reader, b'e')?;
            }
            _ => {
                bytes(reader)?;
            }
        }
        if depth == outside {
            return Some(());
        }
    }
}

/// A dictionary: each key, and the reader at its value, which `each` takes. Keys must rise.
pub fn dictionary<'a>(
    reader: &mut Reader<'a>,
    each: &mut dyn FnMut(&'a [u8], &mut Reader<'a>) -> Option<()>,
) -> Option<()> {
    if reader.u8()? != b'd' {
        return None;
    }
    let mut before: Option<&[u8]> = None;
    while peek(reader)? != b'e' {
        let key = bytes(reader)?;
        if before.is_some_and(|before| before >= key) {
            return None;
        }
        before = Some(key);
        each(key, reader)?;
    }
    reader.skip(1)
}

/// A list: the reader at each member, which `each` takes.
pub fn list<'a>(
    reader: &mut Reader<'a>,
    each: &mut dyn FnMut(&mut Reader<'a>) -> Option<()>,
) -> Option<()> {
    if reader.u8()? != b'l' {
        return None;
    }
    while peek(reader)? != b'e' {
        each(reader)?;
    }
    reader.skip(1)
}
