//! Messages: ISAKMP with IKE version 1 (RFC 2408, RFC 2409) and IKE version 2 (RFC 7296).

use super::names::{AUTHENTICATION, ENCRYPTION, GROUP, PRF};
use crate::protocols::formats::digits::hex;
use crate::reader::Reader;

/// Transforms kept of one message.
const MAX_TRANSFORMS: usize = 64;
/// Attributes kept of one transform.
const MAX_ATTRIBUTES: usize = 32;
/// Vendor identifiers kept of one message.
const MAX_VENDORS: usize = 64;
/// Types of payloads, and notifications, kept of one message.
const MAX_LISTED: usize = 64;

/// The header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Header {
    /// Identifier that the initiator gave.
    pub initiator: u64,
    /// Identifier that the responder gave; 0 before it did.
    pub responder: u64,
    /// Type of the first payload.
    pub next: u8,
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// Type of the exchange.
    pub exchange: u8,
    /// Flags.
    pub flags: u8,
    /// Number of the message.
    pub message: u32,
    /// Bytes of the whole message.
    pub length: u32,
}

impl Header {
    /// Reads a header.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (initiator, responder) = (reader.u64()?, reader.u64()?);
        let (next, version) = (reader.u8()?, reader.u8()?);
        Some(Self {
            initiator,
            responder,
            next,
            major: version >> 4,
            minor: version & 0x0f,
            exchange: reader.u8()?,
            flags: reader.u8()?,
            message: reader.u32()?,
            length: reader.u32()?,
        })
    }
}

/// An attribute of a transform of version 1, or a transform of version 2 as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its type, in the numbers of version 1.
    pub kind: u16,
    /// Its value, when it is a number of two or four bytes.
    pub number: Option<u32>,
    /// Its value otherwise, in hex.
    pub hex: String,
}

/// A transform: a list of attributes.
pub type Transform = Vec<Attribute>;

/// What the payloads of a message say.
#[derive(Clone, Debug, Default)]
pub struct Payloads {
    /// Types, as EVE lists them.
    pub kinds: Vec<u8>,
    /// Domain of interpretation of a security association.
    pub domain: Option<u32>,
    /// Key exchange data.
    pub key: Vec<u8>,
    /// Nonce.
    pub nonce: Vec<u8>,
    /// Identifiers of vendors, in hex.
    pub vendors: Vec<String>,
    /// Transforms proposed or chosen (version 1), or proposals as transforms (version 2).
    pub transforms: Vec<Transform>,
    /// Whether a security association is in it.
    pub association: bool,
    /// Notifications of version 2.
    pub notifications: Vec<u16>,
    /// What is weak or wrong in the proposals of version 2: bits of [`weak`].
    pub weak: u16,
}

/// What is weak or wrong in a proposal.
pub mod weak {
    #![allow(missing_docs, reason = "the names say it")]
    pub const ENCRYPTION: u16 = 1;
    pub const PRF: u16 = 2;
    pub const GROUP: u16 = 4;
    pub const AUTHENTICATION: u16 = 8;
    pub const NO_GROUP: u16 = 16;
    pub const NO_AUTHENTICATION: u16 = 32;
    pub const INVALID: u16 = 64;
    pub const UNKNOWN: u16 = 128;
    pub const NO_ENCRYPTION: u16 = 256;
}

/// The next payload of a list: the type of the one after it, and its content.
fn next<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = reader.u8()?;
    reader.skip(1)?;
    let length = usize::from(reader.u16()?);
    Some((kind, reader.take(length.checked_sub(4)?)?))
}

impl Payloads {
    fn list(&mut self, kind: u8) {
        if self.kinds.len() < MAX_LISTED && !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    /// Reads the payloads of version 1. `None` when one that is looked into cannot be read.
    pub fn version1(first: u8, content: &[u8]) -> Option<Self> {
        let mut payloads = Self::default();
        let mut reader = Reader::new(content);
        let mut kind = first;
        payloads.list(kind);
        while let Some((after, content)) = next(&mut reader) {
            match kind {
                1 => payloads.association1(content)?,
                4 => payloads.key = content.to_vec(),
                10 => payloads.nonce = content.to_vec(),
                13 if payloads.vendors.len() < MAX_VENDORS => {
                    payloads.vendors.push(hex(content, ""))
                }
                _ => {}
            }
            kind = after;
            payloads.list(kind);
        }
        payloads.kinds.sort_unstable();
        Some(payloads)
    }

    /// RFC 2408, section 3.4: proposals, and transforms within them.
    fn association1(&mut self, content: &[u8]) -> Option<()> {
        let mut reader = Reader::new(content);
        let domain = reader.u32()?;
        self.domain = Some(domain);
        self.association = true;
        if domain != 1 {
            return Some(());
        }
        reader.skip(4)?;
        while let Some((_, proposal)) = next(&mut reader) {
            self.list(2);
            let mut proposal = Reader::new(proposal);
            proposal.skip(2)?;
            let identifier = proposal.u8()?;
            proposal.skip(1 + usize::from(identifier))?;
            while let Some((_, transform)) = next(&mut proposal) {
                self.list(3);
                let mut transform = Reader::new(transform);
                transform.skip(4)?;
                if self.transforms.len() < MAX_TRANSFORMS {
                    self.transforms.push(attributes(&mut transform));
                }
            }
        }
        Some(())
    }

    /// Reads the payloads of version 2, until one is encrypted or cannot be read.
    pub fn version2(first: u8, content: &[u8]) -> Self {
        let mut payloads = Self::default();
        let mut reader = Reader::new(content);
        let mut kind = first;
        while kind != 0 && payloads.kinds.len() < MAX_LISTED {
            let Some((after, content)) = next(&mut reader) else { break };
            // The type of the payload that follows, as the reference engine lists them.
            payloads.kinds.push(after);
            match kind {
                33 => payloads.association2(content),
                41 => {
                    let mut notify = Reader::new(content);
                    if let Some(kind) = notify.skip(2).and_then(|()| notify.u16()) {
                        payloads.notifications.push(kind);
                    }
                }
                46 => break,
                _ => {}
            }
            kind = after;
        }
        payloads
    }

    /// RFC 7296, section 3.3.
    fn association2(&mut self, content: &[u8]) {
        self.association = true;
        let mut reader = Reader::new(content);
        while let Some((_, proposal)) = next(&mut reader) {
            let mut proposal = Reader::new(proposal);
            let head = (|| {
                proposal.skip(1)?;
                let (protocol, identifier) = (proposal.u8()?, proposal.u8()?);
                proposal.skip(1 + usize::from(identifier))?;
                Some(protocol)
            })();
            let Some(protocol) = head else { return };
            let mut transforms = Transform::new();
            while let Some((_, transform)) = next(&mut proposal) {
                let mut transform = Reader::new(transform);
                let kind = transform.u8();
                let id = transform.skip(1).and_then(|()| transform.u16());
                let (Some(kind), Some(id)) = (kind, id) else { break };
                self.judge(kind, id);
                let kind = match kind {
                    1 => ENCRYPTION,
                    2 => PRF,
                    3 => AUTHENTICATION,
                    4 => GROUP,
                    _ => continue,
                };
                if transforms.len() < MAX_ATTRIBUTES {
                    let number = Some(id.into());
                    transforms.push(Attribute { kind, number, hex: String::new() });
                }
            }
            self.judge_all(protocol, &transforms);
            if self.transforms.len() < MAX_TRANSFORMS {
                self.transforms.push(transforms);
            }
        }
    }

    /// RFC 8247 and the reference engine's list of what is weak.
    fn judge(&mut self, kind: u8, id: u16) {
        self.weak |= match (kind, id) {
            (1, 1..=9 | 11) => weak::ENCRYPTION,
            (2, 0) | (4, 0) => weak::INVALID,
            (2, 1 | 2) => weak::PRF,
            (3, 1..=7) => weak::AUTHENTICATION,
            (4, 1 | 2 | 5 | 22) => weak::GROUP,
            (1..=5, _) => 0,
            _ => weak::UNKNOWN,
        };
    }

    fn judge_all(&mut self, protocol: u8, transforms: &Transform) {
        let of = |kind: u16| transforms.iter().filter(move |transform| transform.kind == kind);
        if of(GROUP).next().is_none() {
            self.weak |= weak::NO_GROUP;
        }
        // The protocol AH, which hides nothing.
        if protocol == 2 {
            self.weak |= weak::NO_ENCRYPTION;
        }
        let authenticated = of(AUTHENTICATION).any(|transform| transform.number != Some(0));
        // Ciphers that authenticate themselves.
        let sealed =
            of(ENCRYPTION).any(|transform| matches!(transform.number, Some(14..=20 | 25..=28)));
        if !authenticated && !sealed {
            self.weak |= weak::NO_AUTHENTICATION;
        }
    }
}

/// RFC 2408, section 3.3: a value in the head of the attribute, or behind its length.
fn attributes(reader: &mut Reader<'_>) -> Transform {
    let mut attributes = Vec::new();
    let mut one = || {
        let (head, value) = (reader.u16()?, reader.u16()?);
        let kind = head & 0x7fff;
        if head & 0x8000 != 0 {
            return Some(Attribute { kind, number: Some(value.into()), hex: String::new() });
        }
        if value == 4 {
            return Some(Attribute { kind, number: Some(reader.u32()?), hex: String::new() });
        }
        Some(Attribute { kind, number: None, hex: hex(reader.take(value.into())?, "") })
    };
    while let Some(attribute) = one() {
        if attributes.len() < MAX_ATTRIBUTES {
            attributes.push(attribute);
        }
    }
    attributes
}
