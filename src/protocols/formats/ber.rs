//! Basic encoding rules of ASN.1, with definite lengths (ITU-T X.690, clause 8): what LDAP, SNMP
//! and Kerberos are written in.

use crate::reader::Reader;

/// Bytes of a length field after its first: enough for four gigabytes.
const LENGTH_BYTES: usize = 4;
/// Bytes of a tag number after the first: enough for 28 bits.
const TAG_BYTES: usize = 4;

/// The class of a tag (X.690, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Types of ASN.1 itself.
    Universal,
    /// Types of an application.
    Application,
    /// Meaning depends on where it stands.
    Context,
    /// Of an enterprise.
    Private,
}

/// Numbers of universal tags (X.680, table 1).
pub mod universal {
    /// BOOLEAN.
    pub const BOOLEAN: u32 = 1;
    /// INTEGER.
    pub const INTEGER: u32 = 2;
    /// BIT STRING.
    pub const BIT_STRING: u32 = 3;
    /// OCTET STRING.
    pub const OCTET_STRING: u32 = 4;
    /// NULL.
    pub const NULL: u32 = 5;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u32 = 6;
    /// ENUMERATED.
    pub const ENUMERATED: u32 = 10;
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: u32 = 16;
    /// SET and SET OF.
    pub const SET: u32 = 17;
}

/// One element: what its tag says, and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Class of the tag.
    pub class: Class,
    /// Whether the content is made of elements.
    pub constructed: bool,
    /// Number of the tag within its class.
    pub number: u32,
    /// Content octets.
    pub content: &'a [u8],
}

/// Why an element cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The bytes end before it does.
    Short,
    /// An indefinite length, or a tag or length too long to be meant.
    Malformed,
}

/// Tag and length.
struct Head {
    class: Class,
    constructed: bool,
    number: u32,
    length: usize,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Flaw> {
        let first = reader.u8().ok_or(Flaw::Short)?;
        let class = match first >> 6 {
            0 => Class::Universal,
            1 => Class::Application,
            2 => Class::Context,
            _ => Class::Private,
        };
        let mut number = u32::from(first & 0x1f);
        if number == 0x1f {
            number = long_number(reader)?;
        }
        let length = length(reader)?;
        Ok(Self { class, constructed: first & 0x20 != 0, number, length })
    }
}

fn long_number(reader: &mut Reader<'_>) -> Result<u32, Flaw> {
    let mut number = 0;
    for _ in 0..TAG_BYTES {
        let byte = reader.u8().ok_or(Flaw::Short)?;
        number = number << 7 | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Flaw::Malformed)
}

fn length(reader: &mut Reader<'_>) -> Result<usize, Flaw> {
    let first = reader.u8().ok_or(Flaw::Short)?;
    if first < 0x80 {
        return Ok(first.into());
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > LENGTH_BYTES {
        return Err(Flaw::Malformed);
    }
    let bytes = reader.take(count).ok_or(Flaw::Short)?;
    Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

impl<'a> Element<'a> {
    /// Reads one element; the reader does not move when there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Flaw> {
        let mut ahead = *reader;
        let Head { class, constructed, number, length } = Head::read(&mut ahead)?;
        let content = ahead.take(length).ok_or(Flaw::Short)?;
        *reader = ahead;
        Ok(Self { class, constructed, number, content })
    }

    /// Whether it has this universal tag.
    pub fn is(&self, number: u32) -> bool {
        self.class == Class::Universal && self.number == number
    }

    /// Whether it has this tag of its context.
    pub fn is_context(&self, number: u32) -> bool {
        self.class == Class::Context && self.number == number
    }

    /// A reader over its content, for the elements within.
    pub const fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// Its content as a number with a sign, of at most eight octets (X.690, 8.3).
    pub fn integer(&self) -> Option<i64> {
        let [first, rest @ ..] = self.content else { return None };
        if rest.len() > 7 {
            return None;
        }
        let start = i64::from(i8::from_be_bytes([*first]));
        Some(rest.iter().fold(start, |sum, byte| sum << 8 | i64::from(*byte)))
    }
}

/// The next element when it has this universal tag; otherwise nothing is read.
pub fn universal<'a>(reader: &mut Reader<'a>, number: u32) -> Option<Element<'a>> {
    let mut ahead = *reader;
    let element = Element::read(&mut ahead).ok().filter(|element| element.is(number))?;
    *reader = ahead;
    Some(element)
}

/// The next element when it has this tag of its context; otherwise nothing is read.
pub fn context<'a>(reader: &mut Reader<'a>, number: u32) -> Option<Element<'a>> {
    let mut ahead = *reader;
    let element = Element::read(&mut ahead).ok().filter(|element| element.is_context(number))?;
    *reader = ahead;
    Some(element)
}

/// The content of the next element when it is an OCTET STRING.
pub fn octets<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    universal(reader, universal::OCTET_STRING).map(|element| element.content)
}

/// The next element when it is an INTEGER or ENUMERATED, as a number.
pub fn number(reader: &mut Reader<'_>) -> Option<i64> {
    let mut ahead = *reader;
    let is_number = |e: &Element<'_>| e.is(universal::INTEGER) || e.is(universal::ENUMERATED);
    let value = Element::read(&mut ahead).ok().filter(is_number)?.integer()?;
    *reader = ahead;
    Some(value)
}

/// Bytes of the element that begins here, tag and length included, as soon as these have come.
///
/// # Errors
/// [`Flaw::Short`] while they have not.
pub fn size(bytes: &[u8]) -> Result<usize, Flaw> {
    let mut reader = Reader::new(bytes);
    let head = Head::read(&mut reader)?;
    reader.position().checked_add(head.length).ok_or(Flaw::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn tags_and_lengths_of_each_form() {
        let mut reader = Reader::new(b"\x30\x03\x02\x01\x80\x9f\x81\x01\x81\x01x\x04\x05ab");
        let element = Element::read(&mut reader).unwrap();
        assert!(element.is(universal::SEQUENCE) && element.constructed);
        assert_eq!(number(&mut element.inside()), Some(-128));
        let element = Element::read(&mut reader).unwrap();
        assert_eq!((element.number, element.content), (129, &b"x"[..]));
        assert!(element.is_context(129) && !element.is(129));
        assert_eq!(Element::read(&mut reader), Err(Flaw::Short));
        assert_eq!(reader.rest(), b"\x04\x05ab", "a failed read moves nothing");
    }

    #[test]
    fn what_cannot_be_meant_is_told_at_once() {
        assert_eq!(size(b"\x30\x80"), Err(Flaw::Malformed));
        assert_eq!(size(b"\x30\x85\0\0\0\0\x01"), Err(Flaw::Malformed));
        assert_eq!(size(b"\x1f\xff\xff\xff\xff"), Err(Flaw::Malformed));
        assert_eq!(size(b"\x30\x82\x01"), Err(Flaw::Short));
        assert_eq!(size(b"\x30\x82\x01\x00"), Ok(260));
    }

    #[test]
    fn numbers_have_a_sign_and_at_most_eight_octets() {
        let integer = |content| {
            let class = Class::Universal;
            Element { class, constructed: false, number: universal::INTEGER, content }.integer()
        };
        assert_eq!(integer(b"\x00\xff"), Some(255));
        assert_eq!(integer(b"\xff"), Some(-1));
        assert_eq!(integer(b"\x7f\xff\xff\xff\xff\xff\xff\xff"), Some(i64::MAX));
        assert_eq!(integer(b"\x01\0\0\0\0\0\0\0\0"), None);
        assert_eq!(integer(b""), None);
    }
}
