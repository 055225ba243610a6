//! One message: its envelope, and what it asks or tells.

use std::net::Ipv4Addr;

use crate::protocols::formats::ber::{self, Element, universal};
use crate::reader::Reader;

/// Object names kept of one message.
const MAX_VARIABLES: usize = 1_024;

/// Numbers of an object name (RFC 2578, 3.5).
const MAX_NAME_PARTS: usize = 128;

/// The user-based security model (RFC 3411, 5).
const USER_MODEL: i64 = 3;

/// The bit of the flags that says that the data is encrypted (RFC 3412, 6.4).
const ENCRYPTED: u8 = 2;

/// What a message asks or tells: numbers of [`Pdu::kind`].
pub mod kind {
    /// Trap of version 1.
    pub const TRAP_V1: u32 = 4;

    /// Names in the order of the numbers, as EVE and rules have them.
    pub const NAMES: &[(&str, u64)] = &[
        ("get_request", 0),
        ("get_next_request", 1),
        ("response", 2),
        ("set_request", 3),
        ("trap_v1", 4),
        ("get_bulk_request", 5),
        ("inform_request", 6),
        ("trap_v2", 7),
        ("report", 8),
    ];
}

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// 1, 2 (for 2c) or 3.
    pub version: u32,
    /// The community, of versions 1 and 2c.
    pub community: Option<Vec<u8>>,
    /// The user's name, of version 3.
    pub user: Option<Vec<u8>>,
    /// Whether what it asks or tells is encrypted.
    pub encrypted: bool,
    /// Whether it is protected in another way than by a user's key.
    pub unknown_security: bool,
    /// What it asks or tells, when it can be read.
    pub pdu: Option<Pdu>,
}

/// What a message asks or tells.
#[derive(Clone, Debug, Default)]
pub struct Pdu {
    /// Number of [`kind`].
    pub kind: u32,
    /// What a trap of version 1 tells.
    pub trap: Option<Trap>,
    /// Names of the objects, numbers with dots between.
    pub variables: Vec<String>,
}

/// What a trap of version 1 tells (RFC 1157, 4.1.6).
#[derive(Clone, Debug)]
pub struct Trap {
    /// Kind of device.
    pub enterprise: String,
    /// Who it is about.
    pub address: Ipv4Addr,
    /// Kind of trap, 0 to 6.
    pub generic: u8,
}

/// The version of what looks like a message: a sequence of three elements that begins with 0 or
/// 1, or of four that begins with 3.
pub fn version(bytes: &[u8]) -> Option<u32> {
    let sequence = ber::universal(&mut Reader::new(bytes), universal::SEQUENCE)?;
    let mut inside = sequence.inside();
    let number = ber::number(&mut inside)?;
    let mut elements = 1;
    while Element::read(&mut inside).is_ok() {
        elements += 1;
    }
    match (number, elements) {
        (0, 3) => Some(1),
        (1, 3) => Some(2),
        (3, 4) => Some(3),
        _ => None,
    }
}

impl Message {
    /// Reads a message; `None` when it is none or broken.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let version = version(bytes)?;
        let sequence = ber::universal(&mut Reader::new(bytes), universal::SEQUENCE)?;
        let mut inside = sequence.inside();
        ber::number(&mut inside)?;
        let mut message = Self { version, ..Self::default() };
        if version == 3 {
            message.read_secured(&mut inside)?;
        } else {
            message.community = Some(ber::octets(&mut inside)?.to_vec());
            message.pdu = Some(Pdu::read(&mut inside)?);
        }
        Some(message)
    }

    /// RFC 3412, 6: header, security parameters, data.
    fn read_secured(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let mut head = ber::universal(reader, universal::SEQUENCE)?.inside();
        let (_id, _most) = (unsigned(&mut head)?, unsigned(&mut head)?);
        let flags = ber::octets(&mut head)?.first().copied()?;
        let model = ber::number(&mut head)?;
        let parameters = ber::octets(reader)?;
        if model == USER_MODEL {
            self.user = Some(user(parameters)?.to_vec());
        } else {
            self.unknown_security = true;
        }
        self.encrypted = flags & ENCRYPTED != 0;
        if self.encrypted {
            ber::octets(reader)?;
        } else {
            let mut scoped = ber::universal(reader, universal::SEQUENCE)?.inside();
            let (_engine, _context) = (ber::octets(&mut scoped)?, ber::octets(&mut scoped)?);
            self.pdu = Some(Pdu::read(&mut scoped)?);
        }
        Some(())
    }
}

/// A number that cannot be negative and has at most 32 bits, as the reference engine reads all
/// that stand before the data; some devices send them without the zero that keeps the sign off,
/// and their messages are broken.
fn unsigned(reader: &mut Reader<'_>) -> Option<u32> {
    u32::try_from(ber::number(reader)?).ok()
}

/// The user's name (RFC 3414, 2.4).
fn user(parameters: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(parameters);
    let mut inside = ber::universal(&mut reader, universal::SEQUENCE)?.inside();
    ber::octets(&mut inside)?;
    let (_boots, _time) = (unsigned(&mut inside)?, unsigned(&mut inside)?);
    ber::octets(&mut inside)
}

impl Pdu {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let element = Element::read(reader).ok()?;
        if !element.is_context(element.number) {
            return None;
        }
        let mut pdu = Self { kind: element.number, ..Self::default() };
        let mut inside = element.inside();
        if pdu.kind == kind::TRAP_V1 {
            let enterprise = ber::universal(&mut inside, universal::OBJECT_IDENTIFIER)?;
            let address = Element::read(&mut inside).ok()?;
            let generic = ber::number(&mut inside)?;
            let _specific = ber::number(&mut inside)?;
            let _time = Element::read(&mut inside).ok()?;
            pdu.trap = Some(Trap {
                enterprise: name(enterprise.content)?,
                address: <[u8; 4]>::try_from(address.content).ok()?.into(),
                generic: u8::try_from(generic).ok()?,
            });
        } else {
            // The identifier may be negative (RFC 3416, 3), and some send it without a sign.
            let identifiers = i64::from(i32::MIN)..=i64::from(u32::MAX);
            ber::number(&mut inside).filter(|id| identifiers.contains(id))?;
            // Two numbers: error and its index, or how much is asked for.
            for _ in 0..2 {
                unsigned(&mut inside)?;
            }
        }
        pdu.read_variables(&mut inside)?;
        Some(pdu)
    }

    fn read_variables(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let mut list = ber::universal(reader, universal::SEQUENCE)?.inside();
        while self.variables.len() < MAX_VARIABLES && !list.is_empty() {
            let mut pair = ber::universal(&mut list, universal::SEQUENCE)?.inside();
            let oid = ber::universal(&mut pair, universal::OBJECT_IDENTIFIER)?;
            self.variables.push(name(oid.content)?);
        }
        Some(())
    }
}

/// An object identifier as text (X.690, 8.19), numbers with dots between. `None` when it ends
/// within a number or one is wider than 32 bits; cut after 128 numbers.
fn name(content: &[u8]) -> Option<String> {
    let mut text = String::new();
    let (mut number, mut parts, mut whole) = (0_u32, 0, true);
    for byte in content {
        if number >> 25 != 0 {
            return None;
        }
        number = number << 7 | u32::from(byte & 0x7f);
        whole = byte & 0x80 == 0;
        if whole {
            if parts == 0 {
                // The first two numbers share one (8.19.4).
                let root = (number / 40).min(2);
                text = format!("{root}.{}", number - root * 40);
            } else if parts < MAX_NAME_PARTS {
                text.push('.');
                text.push_str(&number.to_string());
            }
            parts += 1;
            number = 0;
        }
    }
    whole.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_names_are_text() {
        assert_eq!(name(b"\x2b\x06\x01\x02\x01\x01\x05\0").as_deref(), Some("1.3.6.1.2.1.1.5.0"));
        assert_eq!(name(b"\x88\x37\x8b\x3a").as_deref(), Some("2.999.1466"));
        assert_eq!(name(b"\x2b\x86"), None, "cut within a number");
        assert_eq!(name(b"\x2b\xff\xff\xff\xff\xff\x7f"), None, "too wide");
        assert!(name(&[1; 5_000]).is_some_and(|text| text.len() < 300));
    }

    #[test]
    fn numbers_without_a_sign_are_not_negative() {
        let message = |boots: &[u8]| {
            let mut bytes =
                b"\x30\x3d\x02\x01\x03\x30\x10\x02\x04\x20\x7b\x2f\x72\x02\x02\x40\x00\x04\
                \x01\x04\x02\x01\x03\x04\x10\x30\x0e\x04\x00\x02\x01"
                    .to_vec();
            bytes.extend(boots);
            bytes.extend(
                b"\x02\x01\x2a\x04\x00\x04\x00\x04\x00\x30\x14\x04\x00\x04\x00\xa0\x0e\x02\x04\
                  \x20\x7b\x2f\x72\x02\x01\x00\x02\x01\x00\x30\x00",
            );
            Message::read(&bytes).map(|message| message.version)
        };
        assert_eq!(message(b"\x2a"), Some(3));
        assert_eq!(message(b"\xdd"), None);
    }

    #[test]
    fn an_identifier_may_be_negative() {
        let message = |id: &[u8; 4]| {
            let mut bytes = b"\x30\x27\x02\x01\x00\x04\x041234\xa0\x1c\x02\x04".to_vec();
            bytes.extend(id);
            bytes.extend(
                b"\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0",
            );
            Message::read(&bytes).and_then(|message| message.community)
        };
        assert_eq!(message(b"\xff\xff\xff\xff").as_deref(), Some(&b"1234"[..]));
        assert_eq!(message(b"\x7f\0\0\x01").as_deref(), Some(&b"1234"[..]));
    }

    #[test]
    fn a_version_needs_the_right_number_of_elements() {
        assert_eq!(version(b"\x30\x09\x02\x01\x00\x04\x00\xa0\x00\x05\x00"), None);
        assert_eq!(version(b"\x30\x07\x02\x01\x01\x04\x00\xa0\x00"), Some(2));
        assert_eq!(version(b"\x30\x07\x02\x01\x02\x04\x00\xa0\x00"), None);
        assert_eq!(version(b"\x30\x80\x02\x01\x01\x04\x00\xa0\x00"), None);
    }
}
