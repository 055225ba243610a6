//! Internal addresses in any notation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address that `is_internal` holds for is in a text in small letters.
pub(super) fn is_in(text: &str, is_internal: &dyn Fn(IpAddr) -> bool) -> bool {
    // Names of reversed addresses have no reason to leave, whatever address it is.
    if ["in-addr.arpa", "ip6.arpa", "ipv6-literal"].iter().any(|word| text.contains(word)) {
        return true;
    }
    let bytes = text.as_bytes();
    let v4 = |bits: u32| is_internal(IpAddr::V4(Ipv4Addr::from_bits(bits)));
    quads(bytes, &v4)
        || numbers(bytes, &v4)
        || hexadecimal(bytes, is_internal)
        || pairs(bytes, &v4)
        || v6(text, is_internal)
        || nibbles(bytes, is_internal)
}

/// Whether a run begins at `at`: what stands before is none of its bytes.
fn begins(bytes: &[u8], at: usize, is_part: fn(&u8) -> bool) -> bool {
    bytes.get(at).is_some_and(is_part)
        && !at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(is_part)
}

fn run(bytes: &[u8], at: usize, is_part: fn(&u8) -> bool) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// `192.168.10.20` with dots, dashes or underscores between; octal and hexadecimal parts too; and
/// the other way round where names of hosts are made so, or where zeros fill each part up.
fn quads(bytes: &[u8], is_internal: &dyn Fn(u32) -> bool) -> bool {
    (0..bytes.len()).filter(|at| begins(bytes, *at, u8::is_ascii_alphanumeric)).any(|at| {
        let (mut position, mut parts, mut sign) = (at, Vec::with_capacity(4), None);
        let mut is_padded = false;
        loop {
            let word = run(bytes, position, u8::is_ascii_alphanumeric);
            let Some(part) = part(word) else { break };
            parts.push(part);
            is_padded |= word.len() > 1 && word.starts_with(b"0");
            position += word.len();
            if parts.len() == 4 {
                break;
            }
            let next = bytes.get(position).copied();
            if !matches!(next, Some(b'.' | b'-' | b'_')) || sign.is_some_and(|s| Some(s) != next) {
                break;
            }
            sign = next;
            position += 1;
        }
        let [Some(a), Some(b), Some(c), Some(d)] = [0, 1, 2, 3].map(|n| parts.get(n).copied())
        else {
            return false;
        };
        // Each part may be decimal or octal.
        let (decimal, octal) = ([a, b, c, d].map(|p| p.0), [a, b, c, d].map(|p| p.1));
        let in_a_name = sign != Some(b'.')
            || bytes.get(position) == Some(&b'.')
                && bytes.get(position + 1).is_some_and(u8::is_ascii_alphabetic);
        [decimal, octal].into_iter().any(|parts| {
            let Some(bits) = join(parts) else { return false };
            is_internal(bits) || (in_a_name || is_padded) && is_internal(bits.swap_bytes())
        })
    })
}

/// A part of a dotted address: its value as decimal, and as octal when it begins with zero.
fn part(word: &[u8]) -> Option<(Option<u8>, Option<u8>)> {
    let text = std::str::from_utf8(word).ok()?;
    if let Some(hex) = text.strip_prefix("0x") {
        let value = u8::from_str_radix(hex, 16).ok()?;
        return Some((Some(value), Some(value)));
    }
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimal = text.parse::<u8>().ok();
    let octal = if text.starts_with('0') { u8::from_str_radix(text, 8).ok() } else { decimal };
    Some((decimal, octal))
}

fn join(parts: [Option<u8>; 4]) -> Option<u32> {
    let [Some(a), Some(b), Some(c), Some(d)] = parts else { return None };
    Some(u32::from_be_bytes([a, b, c, d]))
}

/// `3232238100`.
fn numbers(bytes: &[u8], is_internal: &dyn Fn(u32) -> bool) -> bool {
    (0..bytes.len()).filter(|at| begins(bytes, *at, u8::is_ascii_digit)).any(|at| {
        let digits = run(bytes, at, u8::is_ascii_digit);
        let value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u32>().ok());
        (8..=10).contains(&digits.len()) && value.is_some_and(is_internal)
    })
}

/// `c0a80a14`, `0xc0a80a14`, 32 digits of an IPv6 address; either order of bytes.
fn hexadecimal(bytes: &[u8], is_internal: &dyn Fn(IpAddr) -> bool) -> bool {
    (0..bytes.len()).filter(|at| begins(bytes, *at, u8::is_ascii_hexdigit)).any(|at| {
        let mut digits = run(bytes, at, u8::is_ascii_hexdigit);
        let after_sign = at.checked_sub(2).and_then(|from| bytes.get(from..at)) == Some(b"0x")
            || at.checked_sub(1).and_then(|from| bytes.get(from)) == Some(&b'x');
        // Letters beside it make it part of a word, unless it says that it is a number.
        let beside = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric)
        };
        if !after_sign && (beside(at.checked_sub(1)) || beside(Some(at + digits.len()))) {
            return false;
        }
        if digits.len() > 8 && digits.len() < 32 && after_sign {
            digits = digits.get(..8).unwrap_or_default();
        }
        let Ok(text) = std::str::from_utf8(digits) else { return false };
        match text.len() {
            8 => u32::from_str_radix(text, 16).is_ok_and(|bits| {
                let internal = |bits| is_internal(IpAddr::V4(Ipv4Addr::from_bits(bits)));
                internal(bits) || internal(bits.swap_bytes())
            }),
            32 => u128::from_str_radix(text, 16)
                .is_ok_and(|bits| is_internal(IpAddr::V6(Ipv6Addr::from_bits(bits)))),
            _ => false,
        }
    })
}

/// `c0 a8 0a 14`, `c0:a8:0a:14`: any four pairs in a row.
fn pairs(bytes: &[u8], is_internal: &dyn Fn(u32) -> bool) -> bool {
    bytes.windows(11).enumerate().any(|(at, window)| {
        if !begins(bytes, at, u8::is_ascii_alphanumeric) {
            return false;
        }
        let [a, b, s, c, d, t, e, f, u, g, h] = *window else { return false };
        let same = s == t && t == u && matches!(s, b' ' | b':' | b'-' | b'.' | b',');
        let ends = !bytes.get(at + 11).is_some_and(u8::is_ascii_alphanumeric);
        let digits = [a, b, c, d, e, f, g, h];
        // Only digits and no colon are numbers or a date; clocks have no four parts.
        let has_letter = digits.iter().any(u8::is_ascii_alphabetic) || s == b':';
        let text = std::str::from_utf8(&digits).unwrap_or_default();
        let bits = u32::from_str_radix(text, 16);
        same && ends && has_letter && bits.is_ok_and(is_internal)
    })
}

/// IPv6 with colons, in any run of groups: what stands before may look like one more group.
fn v6(text: &str, is_internal: &dyn Fn(IpAddr) -> bool) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    text.split(|c| !is_part(c)).filter(|word| word.matches(':').count() >= 2).any(|word| {
        let word = word.trim_end_matches('.');
        let edges: Vec<usize> = (0..=word.len())
            .filter(|at| {
                let side =
                    |at: Option<usize>| at.and_then(|at| word.as_bytes().get(at)) == Some(&b':');
                *at == 0 || *at == word.len() || side(Some(*at)) || side(at.checked_sub(1))
            })
            .take(64)
            .collect();
        edges.iter().enumerate().any(|(number, from)| {
            edges.iter().skip(number + 1).any(|to| {
                let candidate = word.get(*from..*to).unwrap_or_default();
                candidate.len() <= 45
                    && candidate.parse::<Ipv6Addr>().is_ok_and(|address| {
                        // `::` and `::1` are found in any text with two colons.
                        address.to_bits() > 0xffff && is_internal(IpAddr::V6(address))
                            || address.is_loopback() && candidate == word
                    })
            })
        })
    })
}

/// 32 digits one by one with dots between, in either order.
fn nibbles(bytes: &[u8], is_internal: &dyn Fn(IpAddr) -> bool) -> bool {
    bytes.windows(63).any(|window| {
        let mut bits = 0_u128;
        let mut reversed = 0_u128;
        let sound = window.iter().enumerate().all(|(at, byte)| {
            if at % 2 == 1 {
                return *byte == b'.';
            }
            let Some(digit) = char::from(*byte).to_digit(16) else { return false };
            bits = bits << 4 | u128::from(digit);
            reversed |= u128::from(digit) << (at / 2 * 4);
            true
        });
        sound
            && [bits, reversed]
                .iter()
                .any(|bits| is_internal(IpAddr::V6(Ipv6Addr::from_bits(*bits))))
    })
}
