//! JSON, written straight into bytes.
//!
//! Own code rather than a library's: the source is a walk ([`Tree`]), not a value that could be
//! serialised, and text is bytes from the wire that need not be UTF-8. Numbers are written by the
//! crate itoa.

use std::net::IpAddr;

use crate::field::Tree;
use crate::time::Timestamp;

/// Writes one object after another into a buffer that is kept.
pub struct Json<'a> {
    out: &'a mut Vec<u8>,
    /// Whether the next member is the first of its object or list.
    first: bool,
    /// Whether members have no keys.
    list: bool,
}

impl<'a> Json<'a> {
    /// One object, filled by `fill`, then a newline: an EVE line.
    pub fn line(out: &'a mut Vec<u8>, fill: impl FnOnce(&mut Json<'_>)) {
        out.push(b'{');
        fill(&mut Json { out, first: true, list: false });
        out.extend_from_slice(b"}\n");
    }

    fn key(&mut self, key: &str) {
        let between: &[u8] = match (std::mem::take(&mut self.first), self.list) {
            (true, true) => b"",
            (false, true) => b",",
            (true, false) => b"\"",
            (false, false) => b",\"",
        };
        self.out.extend_from_slice(between);
        if !self.list {
            contents(self.out, key.as_bytes());
            self.out.extend_from_slice(b"\":");
        }
    }

    /// Text that is known to need no escape.
    pub fn plain(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }

    /// A point in time, as EVE writes it.
    pub fn time(&mut self, key: &str, at: Timestamp) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(&at.text());
        self.out.push(b'"');
    }

    /// An address; IPv6 in full, eight groups of four digits, as EVE writes it.
    pub fn address(&mut self, key: &str, address: IpAddr) {
        self.key(key);
        self.out.push(b'"');
        match address {
            IpAddr::V4(v4) => {
                for (i, octet) in v4.octets().into_iter().enumerate() {
                    if i > 0 {
                        self.out.push(b'.');
                    }
                    decimal(self.out, octet.into());
                }
            }
            IpAddr::V6(v6) => {
                for (i, [a, b]) in v6.segments().map(u16::to_be_bytes).into_iter().enumerate() {
                    if i > 0 {
                        self.out.push(b':');
                    }
                    self.out.extend_from_slice(&hex(a));
                    self.out.extend_from_slice(&hex(b));
                }
            }
        }
        self.out.push(b'"');
    }
}

impl Tree for Json<'_> {
    fn text(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        quoted(self.out, value);
    }

    fn int(&mut self, key: &str, value: u64) {
        self.key(key);
        decimal(self.out, value);
    }

    fn float(&mut self, key: &str, value: f64) {
        self.key(key);
        let value = if value.is_finite() { value } else { 0.0 };
        // Four places: what a reader can use; more would only show noise of the arithmetic.
        let rounded = (value * 10_000.0).round() / 10_000.0;
        self.out.extend_from_slice(rounded.to_string().as_bytes());
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn object(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.key(key);
        self.out.push(b'{');
        fill(&mut Json { out: self.out, first: true, list: false });
        self.out.push(b'}');
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.key(key);
        self.out.push(b'[');
        fill(&mut Json { out: self.out, first: true, list: true });
        self.out.push(b']');
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two lower-case hexadecimal digits.
pub fn hex(byte: u8) -> [u8; 2] {
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

/// Bytes as hexadecimal digits.
pub fn hex_of(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| hex(*byte)).collect()
}

/// A number in decimal.
pub fn decimal(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Text in quotes.
fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    contents(out, bytes);
    out.push(b'"');
}

/// Text as it stands within quotes: UTF-8 where it is valid, another byte as `\xHH`, control characters
/// escaped.
fn contents(out: &mut Vec<u8>, mut bytes: &[u8]) {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return;
    }
    loop {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                escaped(out, text.as_bytes());
                break;
            }
            Err(error) => {
                let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or_default();
                escaped(out, valid);
                let bad = error.error_len().unwrap_or(rest.len()).min(rest.len());
                let (bad, after) = rest.split_at_checked(bad).unwrap_or_default();
                for byte in bad {
                    out.extend_from_slice(b"\\\\x");
                    out.extend_from_slice(&hex(*byte).map(|digit| digit.to_ascii_uppercase()));
                }
                bytes = after;
            }
        }
    }
}

/// Whether text is ASCII that needs no escape, as nearly all is: eight bytes at a time, the last of
/// them together with some before, and what is shorter as two halves that may overlap.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let holds = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let special = |word: u64| {
        let escaped = holds(word, b'"') | holds(word, b'\\') | holds(word, 0x7f);
        word & HIGH | below(word, 0x20) | escaped != 0
    };
    if let Some(last) = text.last_chunk::<8>() {
        let (words, _) = text.as_chunks::<8>();
        let of = |word: &[u8; 8]| special(u64::from_le_bytes(*word));
        return !of(last) && !words.iter().any(of);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return !special(u64::from(first) | u64::from(last) << 32);
    }
    let plain = |byte: &u8| matches!(byte, 0x20..0x7f) && *byte != b'"' && *byte != b'\\';
    text.iter().all(plain)
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    // What needs no escape is copied in one piece: explanations are long.
    let special = |byte: &u8| matches!(byte, 0..0x20 | 0x7f | b'"' | b'\\');
    let mut rest = text;
    while let Some(at) = rest.iter().position(special) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or_default();
        out.extend_from_slice(plain);
        let Some((byte, after)) = from.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&hex(*byte));
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        Json::line(&mut out, fill);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn bytes_become_text_that_any_reader_takes() {
        let line = written(|json| {
            json.text("a", b"caff\xc3\xa8 \xff\"\\\n\x01");
            json.list("l", &mut |list| {
                list.int("", 0);
                list.int("", u64::MAX);
                list.object("", &mut |object| object.float("f", 0.5));
            });
            json.bool("t", true);
        });
        let wanted = "{\"a\":\"caff\u{e8} \\\\xFF\\\"\\\\\\n\\u0001\",\
                      \"l\":[0,18446744073709551615,{\"f\":0.5}],\"t\":true}\n";
        assert_eq!(line, wanted);
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }

    #[test]
    fn what_needs_no_escape_is_known_wherever_it_stands() {
        assert!(is_plain(b""));
        for byte in 0..=u8::MAX {
            let plain = matches!(byte, 0x20..0x7f) && byte != b'"' && byte != b'\\';
            for (at, length) in (0..19).flat_map(|length| (0..length).map(move |at| (at, length))) {
                let mut text = *b"a~ !#[]z^_`a~ !#[]z";
                text.iter_mut().skip(at).take(1).for_each(|place| *place = byte);
                let text = text.get(..length).unwrap_or_default();
                assert_eq!(is_plain(text), plain, "{byte:#x} at {at} of {length}");
            }
        }
    }

    #[test]
    fn time_and_addresses_read_as_eve_writes_them() {
        let at = Timestamp::new(1_468_449_727, 9_672_999);
        let line = written(|json| {
            json.time("t", at);
            json.address("v4", IpAddr::from([192, 0, 2, 7]));
            json.address("v6", IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
        });
        let v6 = "2001:0db8:0000:0000:0000:0000:0000:0001";
        assert_eq!(line, format!("{{\"t\":\"{at}\",\"v4\":\"192.0.2.7\",\"v6\":\"{v6}\"}}\n"));
    }
}
