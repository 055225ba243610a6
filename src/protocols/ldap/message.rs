//! One message: its number and its operation (RFC 4511, chapter 4). Filters and controls are
//! passed over.

use super::is_operation;
use crate::protocols::formats::ber::{Element, context, number, octets, universal};
use crate::reader::Reader;

/// Elements of a list that are kept.
const LIST_MAX: usize = 1024;

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Its number, which pairs request and responses.
    pub id: i64,
    /// The number of the operation's tag.
    pub code: u8,
    /// What the operation holds.
    pub body: Body,
}

/// A name and its values.
#[derive(Debug, Default)]
pub struct Attribute {
    /// Type of the attribute.
    pub name: Vec<u8>,
    /// Values.
    pub values: Vec<Vec<u8>>,
}

/// How an operation ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// As a number.
    pub code: u32,
    /// The nearest name that exists.
    pub matched_dn: Vec<u8>,
    /// In words.
    pub message: Vec<u8>,
}

/// What each operation holds.
#[derive(Debug)]
pub enum Body {
    /// Who asks: version, name, mechanism and credentials of SASL.
    Bind {
        /// Version of LDAP.
        version: u64,
        /// Name.
        name: Vec<u8>,
        /// SASL.
        sasl: Option<(Vec<u8>, Option<Vec<u8>>)>,
    },
    /// What is asked.
    Search(Box<Search>),
    /// Changes of an entry: kind, attribute.
    Modify(Vec<u8>, Vec<(u64, Attribute)>),
    /// A new entry, or one that was found.
    Entry(Vec<u8>, Vec<Attribute>),
    /// An entry is deleted.
    Delete(Vec<u8>),
    /// An entry is renamed.
    Rename {
        /// Its name.
        entry: Vec<u8>,
        /// Its new name.
        new: Vec<u8>,
        /// Whether the old one goes.
        delete_old: bool,
        /// Where it goes.
        superior: Option<Vec<u8>>,
    },
    /// Whether an entry has a value: entry, attribute, value.
    Compare(Vec<u8>, Vec<u8>, Vec<u8>),
    /// An operation of an extension, or a partial answer: name, value.
    Extended(Option<Vec<u8>>, Option<Vec<u8>>),
    /// The end of an operation: outcome, name and value of an extension or credentials.
    Result(Outcome, Option<Vec<u8>>, Option<Vec<u8>>),
    /// Another request is given up.
    Abandon(i64),
    /// Nothing that is kept.
    None,
}

/// What is asked of the directory.
#[derive(Debug, Default)]
pub struct Search {
    /// Where.
    pub base: Vec<u8>,
    /// How deep.
    pub scope: u64,
    /// Whether aliases are followed.
    pub deref: u64,
    /// Entries.
    pub size_limit: u64,
    /// Seconds.
    pub time_limit: u64,
    /// Without values.
    pub types_only: bool,
    /// Attributes wanted.
    pub attributes: Vec<Vec<u8>>,
}

fn text(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    octets(reader).map(<[u8]>::to_vec)
}

fn unsigned(reader: &mut Reader<'_>) -> Option<u64> {
    number(reader).and_then(|number| u64::try_from(number).ok())
}

fn boolean(reader: &mut Reader<'_>) -> Option<bool> {
    let element = universal(reader, universal::BOOLEAN)?;
    Some(element.content.first().is_some_and(|byte| *byte != 0))
}

impl Message {
    /// Reads the content of the outer sequence; `None` when it is no message.
    pub fn read(content: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let id = number(&mut reader)?;
        let operation = Element::read(&mut reader).ok().filter(is_operation)?;
        let code = u8::try_from(operation.number).ok()?;
        super::codes::operation(code.into())?;
        Some(Self { id, code, body: Body::read(code, &operation)? })
    }

    /// Whether it is the last answer to its request.
    pub const fn ends(&self) -> bool {
        matches!(self.code, 1 | 5 | 7 | 9 | 11 | 13 | 15 | 24)
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let attributes = |all: &[Attribute]| -> usize { all.iter().map(Attribute::memory).sum() };
        let given = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::capacity);
        match &self.body {
            Body::Bind { name, sasl, .. } => {
                let sasl = sasl.as_ref().map_or(0, |(name, data)| name.capacity() + given(data));
                name.capacity() + sasl
            }
            Body::Search(search) => {
                let wanted = search.attributes.iter().map(|name| name.capacity() + 24);
                size_of::<Search>() + search.base.capacity() + wanted.sum::<usize>()
            }
            Body::Modify(name, changes) => {
                let changes = changes.iter().map(|(_, attribute)| attribute.memory());
                name.capacity() + changes.sum::<usize>()
            }
            Body::Entry(name, all) => name.capacity() + attributes(all),
            Body::Delete(name) => name.capacity(),
            Body::Rename { entry, new, superior, .. } => {
                entry.capacity() + new.capacity() + given(superior)
            }
            Body::Compare(a, b, c) => a.capacity() + b.capacity() + c.capacity(),
            Body::Extended(name, value) => given(name) + given(value),
            Body::Result(outcome, name, value) => {
                outcome.matched_dn.capacity()
                    + outcome.message.capacity()
                    + given(name)
                    + given(value)
            }
            Body::Abandon(_) | Body::None => 0,
        }
    }
}

impl Attribute {
    /// `type` and a set of values.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut inside = universal(reader, universal::SEQUENCE)?.inside();
        let name = text(&mut inside)?;
        let mut set = universal(&mut inside, universal::SET)?.inside();
        Some(Self { name, values: texts(&mut set)? })
    }

    fn memory(&self) -> usize {
        let values = self.values.iter().map(|value| value.capacity() + 24);
        size_of::<Self>() + self.name.capacity() + values.sum::<usize>()
    }
}

/// Octet strings to the end.
fn texts(reader: &mut Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    while !reader.is_empty() && all.len() < LIST_MAX {
        all.push(text(reader)?);
    }
    Some(all)
}

fn attributes(reader: &mut Reader<'_>) -> Option<Vec<Attribute>> {
    let mut list = universal(reader, universal::SEQUENCE)?.inside();
    let mut all = Vec::new();
    while !list.is_empty() && all.len() < LIST_MAX {
        all.push(Attribute::read(&mut list)?);
    }
    Some(all)
}

impl Outcome {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let code = u32::try_from(number(reader)?).ok()?;
        Some(Self { code, matched_dn: text(reader)?, message: text(reader)? })
    }
}

impl Body {
    fn read(code: u8, operation: &Element<'_>) -> Option<Self> {
        let reader = &mut operation.inside();
        Some(match code {
            0 => Self::bind(reader)?,
            3 => Self::Search(Box::new(Search::read(reader)?)),
            4 | 8 => Self::Entry(text(reader)?, attributes(reader)?),
            6 => Self::modify(reader)?,
            10 => Self::Delete(operation.content.to_vec()),
            12 => Self::Rename {
                entry: text(reader)?,
                new: text(reader)?,
                delete_old: boolean(reader)?,
                superior: context(reader, 0).map(|e| e.content.to_vec()),
            },
            14 => {
                let entry = text(reader)?;
                let mut pair = universal(reader, universal::SEQUENCE)?.inside();
                Self::Compare(entry, text(&mut pair)?, text(&mut pair)?)
            }
            16 => Self::Abandon(operation.integer()?),
            23 | 25 => {
                let part = |number, reader: &mut Reader<'_>| {
                    context(reader, number).map(|element| element.content.to_vec())
                };
                Self::Extended(part(0, reader), part(1, reader))
            }
            1 | 5 | 7 | 9 | 11 | 13 | 15 | 24 => Self::result(code, reader)?,
            _ => Self::None,
        })
    }

    fn bind(reader: &mut Reader<'_>) -> Option<Self> {
        let version = unsigned(reader)?;
        let name = text(reader)?;
        let choice = Element::read(reader).ok()?;
        let sasl = if choice.is_context(3) {
            let mut inside = choice.inside();
            Some((text(&mut inside)?, text(&mut inside)))
        } else {
            None
        };
        Some(Self::Bind { version, name, sasl })
    }

    fn modify(reader: &mut Reader<'_>) -> Option<Self> {
        let object = text(reader)?;
        let mut list = universal(reader, universal::SEQUENCE)?.inside();
        let mut changes = Vec::new();
        while !list.is_empty() && changes.len() < LIST_MAX {
            let mut change = universal(&mut list, universal::SEQUENCE)?.inside();
            changes.push((unsigned(&mut change)?, Attribute::read(&mut change)?));
        }
        Some(Self::Modify(object, changes))
    }

    /// A result may have referrals, and what its operation adds.
    fn result(code: u8, reader: &mut Reader<'_>) -> Option<Self> {
        let outcome = Outcome::read(reader)?;
        let (mut name, mut value) = (None, None);
        while let Ok(element) = Element::read(reader) {
            let content = || Some(element.content.to_vec());
            match (code, element.number) {
                (1, 7) | (24, 11) => value = content(),
                (24, 10) => name = content(),
                _ => {}
            }
        }
        Some(Self::Result(outcome, name, value))
    }
}

impl Search {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let base = text(reader)?;
        let (scope, deref) = (unsigned(reader)?, unsigned(reader)?);
        let (size_limit, time_limit) = (unsigned(reader)?, unsigned(reader)?);
        let types_only = boolean(reader)?;
        Element::read(reader).ok()?;
        let mut list = universal(reader, universal::SEQUENCE)?.inside();
        let attributes = texts(&mut list)?;
        Some(Self { base, scope, deref, size_limit, time_limit, types_only, attributes })
    }
}
