//! Bytes as digits, as identifiers and addresses are shown. Done by hand: both outputs and
//! detectors have transactions describe themselves, and formatting byte by byte took most of the
//! time of it.

use std::net::Ipv4Addr;

/// Two hexadecimal digits for each byte, with `between` between them.
pub fn hex(bytes: &[u8], between: &str) -> String {
    digits(bytes, between, DIGITS)
}

/// The same in capitals.
pub fn hex_upper(bytes: &[u8], between: &str) -> String {
    digits(bytes, between, b"0123456789ABCDEF")
}

/// Adds a number in four hexadecimal digits.
pub fn push_hex(text: &mut String, number: u16) {
    for shift in [12, 8, 4, 0] {
        text.push(digit((number >> shift) as u8, DIGITS));
    }
}

/// Adds a number in decimal.
pub fn push_decimal(text: &mut String, number: u16) {
    let powers = [10_000, 1_000, 100, 10, 1];
    for power in powers.into_iter().filter(|power| number >= *power || *power == 1) {
        text.push(digit((number / power % 10) as u8, DIGITS));
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The digit of the four lowest bits.
fn digit(value: u8, of: &[u8; 16]) -> char {
    of.get(usize::from(value & 15)).map_or('0', |digit| char::from(*digit))
}

fn digits(bytes: &[u8], between: &str, of: &[u8; 16]) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        text.push(digit(byte >> 4, of));
        text.push(digit(*byte, of));
    }
    text
}

/// An address of IPv4: `192.0.2.7`.
pub fn dotted(address: Ipv4Addr) -> String {
    let digit = |value: u8| char::from(b'0' + value % 10);
    let mut text = String::with_capacity(15);
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_formatter() {
        let all: Vec<u8> = (0..=255).collect();
        let each = all.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        assert_eq!(hex(&all, ":"), each.join(":"));
        assert_eq!(hex_upper(&all, ""), each.concat().to_uppercase());
        assert_eq!(hex(&[], ":"), "");
        for number in [0, 7, 10, 105, 999, 1000, 4660, 10_000, 47_000, u16::MAX] {
            let (mut decimal, mut hex) = (String::new(), String::new());
            push_decimal(&mut decimal, number);
            push_hex(&mut hex, number);
            assert_eq!((decimal, hex), (number.to_string(), format!("{number:04x}")));
        }
        for [a, b, c] in all.windows(3).filter_map(|of| <[u8; 3]>::try_from(of).ok()) {
            let address = Ipv4Addr::new(a, 0, b, c);
            assert_eq!(dotted(address), address.to_string());
        }
    }
}
