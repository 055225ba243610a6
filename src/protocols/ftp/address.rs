//! Ends of connections for data, as commands and replies write them.

use std::net::{IpAddr, Ipv4Addr};

/// What PORT says: `h1,h2,h3,h4,p1,p2` (RFC 959, section 4.1.2).
pub fn port(text: &[u8]) -> Option<(IpAddr, u16)> {
    let mut numbers = [0_u8; 6];
    let text = text.trim_ascii();
    let mut parts = text.split(|byte| *byte == b',');
    for number in &mut numbers {
        *number = decimal(parts.next()?.trim_ascii())?.try_into().ok()?;
    }
    let [a, b, c, d, high, low] = numbers;
    let port = u16::from_be_bytes([high, low]);
    (port != 0).then_some((Ipv4Addr::new(a, b, c, d).into(), port))
}

/// What the reply to PASV says: the same, somewhere in its text, mostly in brackets.
pub fn passive(text: &[u8]) -> Option<u16> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let tail = text.get(start..)?;
    let part_of = |byte: &u8| byte.is_ascii_digit() || *byte == b',';
    let end = tail.iter().position(|byte| !part_of(byte)).unwrap_or(tail.len());
    port(tail.get(..end)?).map(|(_, port)| port)
}

/// What EPRT says: `|1|192.0.2.1|6275|`, with any delimiter (RFC 2428, section 2).
pub fn extended_port(text: &[u8]) -> Option<(IpAddr, u16)> {
    let text = text.trim_ascii();
    let mut parts = text.split(|byte| Some(byte) == text.first()).skip(1);
    let (_family, address, port) = (parts.next()?, parts.next()?, parts.next()?);
    let address = std::str::from_utf8(address).ok()?.parse().ok()?;
    let port = decimal(port)?;
    (port != 0).then_some((address, port))
}

/// What the reply to EPSV says: `(|||6446|)` somewhere in its text (RFC 2428, section 3).
pub fn extended_passive(text: &[u8]) -> Option<u16> {
    let bracket = text.iter().position(|byte| *byte == b'(')?;
    let inside = text.get(bracket.checked_add(1)?..)?;
    let delimiter = inside.first().filter(|byte| !byte.is_ascii_digit())?;
    let port = inside.split(|byte| byte == delimiter).nth(3)?;
    decimal(port).filter(|port| *port != 0)
}

fn decimal(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ports_are_read() {
        let host: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(port(b"192,0,2,1,24,131\r"), Some((host, 6275)));
        assert_eq!(passive(b"Entering Passive Mode (192,0,2,1,24,131)."), Some(6275));
        assert_eq!(passive(b"Entering Passive Mode 192,0,2,1,24,131"), Some(6275));
        assert_eq!(extended_port(b"|1|192.0.2.1|6275|"), Some((host, 6275)));
        let host: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(extended_port(b"!2!2001:db8::1!6275!"), Some((host, 6275)));
        assert_eq!(extended_passive(b"Entering (|||6446|)"), Some(6446));
    }

    #[test]
    fn what_is_no_port_is_none() {
        for text in [&b""[..], b"1,2,3,4,5", b"1,2,3,4,0,0", b"1,2,3,400,5,6", b"1,2,3,4,5,x"] {
            assert_eq!(port(text), None, "{text:?}");
        }
        for text in [&b""[..], b"|", b"|1|192.0.2.1|0|", b"|1|host|21|", b"|1|192.0.2.1|70000|"] {
            assert_eq!(extended_port(text), None, "{text:?}");
        }
        for text in [&b""[..], b"(", b"(|||)", b"(|||0|)", b"(1116446)", b"|||6446|"] {
            assert_eq!(extended_passive(text), None, "{text:?}");
        }
        assert_eq!(passive(b"no numbers"), None);
    }
}
