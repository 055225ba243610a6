//! One known address in all its notations, looked for in the bytes that would leave.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::outputs::hub::stix::id;

/// A notation, and what must not stand beside it if it is to be that address and not a part of
/// something longer.
pub(super) struct Needle {
    text: String,
    joins: fn(char) -> bool,
}

impl Needle {
    fn new(text: impl Into<String>, joins: fn(char) -> bool) -> Self {
        Self { text: text.into(), joins }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        text.match_indices(&self.text).any(|(at, found)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(self.joins) && !after.is_some_and(self.joins)
        })
    }
}

fn digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn hex_digit(c: char) -> bool {
    c.is_ascii_hexdigit()
}

fn hex_or_colon(c: char) -> bool {
    c.is_ascii_hexdigit() || c == ':'
}

fn nothing(_: char) -> bool {
    false
}

/// Every notation of `address`.
pub(super) fn of(address: IpAddr) -> Vec<Needle> {
    match address.to_canonical() {
        IpAddr::V4(v4) => of_v4(v4),
        IpAddr::V6(v6) => of_v6(v6),
    }
}

fn of_v4(address: Ipv4Addr) -> Vec<Needle> {
    let octets = address.octets();
    let joined = |sign: &str, octets: [u8; 4]| octets.map(|octet| octet.to_string()).join(sign);
    let mut reversed = octets;
    reversed.reverse();
    let mut needles = Vec::new();
    for octets in [octets, reversed] {
        for sign in [".", "-", "_"] {
            needles.push(Needle::new(joined(sign, octets), digit));
        }
        for hex in [format!("{:08x}", u32::from_be_bytes(octets)), hex_of(&octets, ":")] {
            needles.push(Needle::new(hex.to_uppercase(), hex_digit));
            needles.push(Needle::new(hex, hex_digit));
        }
        // Shorter numbers are counts and ports.
        let number = u32::from_be_bytes(octets);
        if number >= 10_000_000 {
            needles.push(Needle::new(number.to_string(), digit));
        }
    }
    let id = id::observable("ipv4-addr", &serde_json::json!({ "value": address.to_string() }));
    needles.push(Needle::new(uuid(&id), nothing));
    needles.extend(base64(address.to_string().as_bytes()));
    needles.extend(base64(&octets).into_iter().take(1));
    needles
}

fn of_v6(address: Ipv6Addr) -> Vec<Needle> {
    let octets = address.octets();
    let whole = address.segments().map(|segment| format!("{segment:04x}"));
    let mut nibbles: Vec<String> =
        whole.iter().flat_map(|group| group.chars().map(String::from)).collect();
    let mut needles = vec![
        Needle::new(address.to_string(), hex_or_colon),
        Needle::new(address.to_string().to_uppercase(), hex_or_colon),
        Needle::new(whole.join(":"), hex_or_colon),
        Needle::new(
            address.segments().map(|segment| format!("{segment:x}")).join(":"),
            hex_or_colon,
        ),
        Needle::new(whole.concat(), hex_digit),
        Needle::new(whole.concat().to_uppercase(), hex_digit),
        Needle::new(address.to_bits().to_string(), digit),
        Needle::new(nibbles.join("."), nothing),
    ];
    nibbles.reverse();
    needles.push(Needle::new(nibbles.join("."), nothing));
    let id = id::observable("ipv6-addr", &serde_json::json!({ "value": address.to_string() }));
    needles.push(Needle::new(uuid(&id), nothing));
    needles.extend(base64(address.to_string().as_bytes()));
    needles.extend(base64(&octets));
    needles
}

fn uuid(id: &str) -> &str {
    id.split_once("--").map_or(id, |(_, uuid)| uuid)
}

fn hex_of(octets: &[u8], sign: &str) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(sign)
}

/// The middle of `bytes` in base 64, at each of the three places where it can stand in a longer
/// text: what does not depend on what is before and after.
fn base64(bytes: &[u8]) -> Vec<Needle> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let at = |shift: usize| {
        let bits = bytes.len() * 8;
        // The first group that begins within `bytes`, and as many as are whole.
        let skip = (6 - shift * 8 % 6) % 6;
        let groups = (bits - skip) / 6;
        let letter = |group: usize| {
            let value = (0..6).fold(0_usize, |value, bit| {
                let at = skip + group * 6 + bit;
                let byte = bytes.get(at / 8).copied().unwrap_or_default();
                value << 1 | usize::from(byte >> (7 - at % 8) & 1)
            });
            LETTERS.get(value).copied().map_or('A', char::from)
        };
        (0..groups).map(letter).collect::<String>()
    };
    [0, 1, 2].map(at).into_iter().map(|text| Needle::new(text, nothing)).collect()
}
