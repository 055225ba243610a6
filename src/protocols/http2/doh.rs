//! DNS over HTTPS (RFC 8484): a message of DNS as a body, or in the target.

use crate::protocols::formats::dns::{HEADER_BYTES, Message};
use crate::reader::base64_digit;

/// Longest message, bytes: one that fits a datagram.
pub const MAX_BYTES: u64 = 65_535;

/// Whether a content type is that of a message.
pub fn is_message(content_type: &[u8]) -> bool {
    let name = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    name.trim_ascii().eq_ignore_ascii_case(b"application/dns-message")
}

/// A message that is the whole body.
pub fn message(body: &[u8], from_server: bool) -> Option<Box<Message>> {
    if body.len() < HEADER_BYTES {
        return None;
    }
    let mut message = Message::read(body)?;
    message.from_server = from_server;
    Some(Box::new(message))
}

/// A message in the variable `dns` of a target's query (section 4.1).
pub fn in_target(target: &[u8]) -> Option<Box<Message>> {
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    let (_, query) = (parts.next()?, parts.next()?);
    let value = query.split(|byte| *byte == b'&').find_map(|part| part.strip_prefix(b"dns="))?;
    message(&base64url(value)?, false)
}

/// RFC 4648, section 5, with or without padding.
fn base64url(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let value = match byte {
            b'-' => 62,
            b'_' => 63,
            b'+' | b'/' => return None,
            letter => base64_digit(*letter)?,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
        held &= (1 << bits) - 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_read() {
        // RFC 8484, section 4.1.1.
        let target = b"/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";
        let message = in_target(target);
        let name = message.as_ref().and_then(|m| m.questions.first().map(|q| m.text(q.name)));
        assert_eq!(name, Some(&b"www.example.com"[..]));
        assert!(in_target(b"/dns-query?dns=AAA").is_none());
        assert!(in_target(b"/dns-query?dns=%20").is_none());
        assert!(is_message(b"Application/DNS-Message; a=b"));
    }
}
