//! Parts of Kerberos that its own messages and those that log on with it share (RFC 4120).

use super::ber::{self, Class, Element, universal};
use crate::reader::Reader;

/// Components of a principal's name that are kept.
const COMPONENTS_MAX: usize = 16;
/// Bytes of a component or realm that are kept.
const TEXT_BYTES: usize = 512;

/// Who a message is of or for (RFC 4120, 6.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// Components of the name.
    pub components: Vec<Vec<u8>>,
}

/// The readable part of a ticket (RFC 4120, 5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Realm that gave it.
    pub realm: Vec<u8>,
    /// Service it is for.
    pub service: Principal,
    /// How its hidden part is encrypted.
    pub encryption: i32,
}

impl Principal {
    /// Reads the content of a tag that holds a PrincipalName.
    pub fn read(element: &Element<'_>) -> Option<Self> {
        let mut fields = sequence(&mut element.inside())?;
        ber::context(&mut fields, 0)?;
        let names = ber::context(&mut fields, 1)?;
        let mut names = sequence(&mut names.inside())?;
        let mut components = Vec::new();
        while components.len() < COMPONENTS_MAX
            && let Ok(name) = Element::read(&mut names)
        {
            components.push(text(name.content));
        }
        Some(Self { components })
    }

    /// As it is written: components parted by slashes.
    pub fn text(&self) -> Vec<u8> {
        self.components.join(&b'/')
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        let texts: usize = self.components.iter().map(Vec::capacity).sum();
        texts + self.components.capacity() * size_of::<Vec<u8>>()
    }
}

impl Ticket {
    /// Reads the content of a tag that holds a Ticket.
    pub fn read(element: &Element<'_>) -> Option<Self> {
        let ticket = application(&mut element.inside(), 1)?;
        let mut fields = sequence(&mut ticket.inside())?;
        ber::context(&mut fields, 0)?;
        let realm = realm(&ber::context(&mut fields, 1)?)?;
        let service = Principal::read(&ber::context(&mut fields, 2)?)?;
        let encryption = encryption(&ber::context(&mut fields, 3)?)?;
        Some(Self { realm, service, encryption })
    }

    /// The ticket of the AP-REQ within a GSS-API token (RFC 4121, 4.1).
    pub fn of_token(token: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(token);
        let outer = application(&mut reader, 0)?;
        let mut inside = outer.inside();
        ber::universal(&mut inside, universal::OBJECT_IDENTIFIER)?;
        if inside.u16()? != 0x0100 {
            return None;
        }
        let request = application(&mut inside, 14)?;
        let mut fields = sequence(&mut request.inside())?;
        (0..3).try_for_each(|number| ber::context(&mut fields, number).map(|_| ()))?;
        Self::read(&ber::context(&mut fields, 3)?)
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.realm.capacity() + self.service.memory()
    }
}

/// The realm that a tag holds.
pub fn realm(element: &Element<'_>) -> Option<Vec<u8>> {
    Element::read(&mut element.inside()).ok().map(|inner| text(inner.content))
}

/// How the EncryptedData that a tag holds is encrypted.
pub fn encryption(element: &Element<'_>) -> Option<i32> {
    let mut fields = sequence(&mut element.inside())?;
    number(&ber::context(&mut fields, 0)?)
}

/// The number that a tag holds.
pub fn number(element: &Element<'_>) -> Option<i32> {
    ber::number(&mut element.inside()).and_then(|value| i32::try_from(value).ok())
}

/// The next element when it has this tag of the application class.
pub fn application<'a>(reader: &mut Reader<'a>, number: u32) -> Option<Element<'a>> {
    let element = Element::read(reader).ok()?;
    (element.class == Class::Application && element.number == number).then_some(element)
}

/// What is inside the next element, a SEQUENCE.
pub fn sequence<'a>(reader: &mut Reader<'a>) -> Option<Reader<'a>> {
    ber::universal(reader, universal::SEQUENCE).map(|element| element.inside())
}

fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.get(..TEXT_BYTES).unwrap_or(bytes).to_vec()
}
