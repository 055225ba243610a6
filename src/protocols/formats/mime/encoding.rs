//! The two encodings of bodies: base64 and quoted-printable (RFC 2045, 6.7 and 6.8).

use crate::reader::base64_digit;

/// Base64, line after line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Base64 {
    bits: u32,
    /// Characters in `bits`, at most three.
    count: u8,
}

impl Base64 {
    /// Decodes a line onto `out`; false when it holds a character that base64 does not have, where
    /// decoding of the line stops.
    pub fn decode(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        for byte in line {
            let six = match base64_digit(*byte) {
                Some(six) => six,
                None if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => continue,
                None if *byte == b'=' => {
                    out.extend(self.finish());
                    continue;
                }
                None => {
                    *self = Self::default();
                    return false;
                }
            };
            self.bits = self.bits << 6 | u32::from(six);
            self.count += 1;
            if self.count == 4 {
                let [_, a, b, c] = self.bits.to_be_bytes();
                out.extend([a, b, c]);
                *self = Self::default();
            }
        }
        true
    }

    /// The whole bytes of a group that was not completed.
    pub fn finish(&mut self) -> Vec<u8> {
        let Self { bits, count } = std::mem::take(self);
        match count {
            2 => vec![(bits >> 4 & 0xff) as u8],
            3 => vec![(bits >> 10 & 0xff) as u8, (bits >> 2 & 0xff) as u8],
            _ => Vec::new(),
        }
    }
}

/// Decodes a line onto `out`, with its end unless `=` says that the line goes on; false when an
/// escape is wrong, which is left out.
pub fn quoted_printable(line: &[u8], ending: &[u8], out: &mut Vec<u8>) -> bool {
    let mut right = true;
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'=' {
            out.push(*byte);
            continue;
        }
        match after {
            [] => return right,
            [high, low, after @ ..] => {
                rest = after;
                match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => out.push(high << 4 | low),
                    _ => right = false,
                }
            }
            [_] => {
                right = false;
                break;
            }
        }
    }
    out.extend_from_slice(ending);
    right
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
