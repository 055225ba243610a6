//! What a text holds behind percent signs, base 64 and hexadecimal.

use super::Hit;

/// Shortest text in base 64 that is looked into: seven characters, `10.0.0.1` has eight.
const BASE64_MIN: usize = 10;
/// Shortest text in hexadecimal that is looked into.
const HEX_MIN: usize = 14;
/// Shortest decoded text that is looked at.
const TEXT_MIN: usize = 7;

/// Calls `look` with every decoded text until it finds something.
pub(super) fn each(text: &str, look: &mut dyn FnMut(&str) -> Result<(), Hit>) -> Result<(), Hit> {
    if text.contains('%') {
        let inner = percent(text);
        if inner != text {
            look(&inner)?;
        }
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for word in text.split(|c| !is_base64(c)).filter(|word| word.len() >= BASE64_MIN) {
        for offset in 0..4 {
            printable(&base64(word.as_bytes().get(offset..).unwrap_or_default()), look)?;
        }
    }
    for word in text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() >= HEX_MIN) {
        for offset in 0..2 {
            printable(&hex(word.as_bytes().get(offset..).unwrap_or_default()), look)?;
        }
    }
    Ok(())
}

/// Looks at each stretch of printable characters.
fn printable(bytes: &[u8], look: &mut dyn FnMut(&str) -> Result<(), Hit>) -> Result<(), Hit> {
    for stretch in bytes.split(|byte| !(b' '..=b'~').contains(byte)) {
        if stretch.len() >= TEXT_MIN
            && let Ok(text) = std::str::from_utf8(stretch)
        {
            look(text)?;
        }
    }
    Ok(())
}

fn percent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) if *byte == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn base64(word: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut held) = (Vec::with_capacity(word.len()), 0_u32, 0_u32);
    for byte in word {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            // The low eight bits of what is above those still held.
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}

fn hex(word: &[u8]) -> Vec<u8> {
    let pair = |pair: &[u8]| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    word.chunks_exact(2).filter_map(pair).collect()
}
