//! Units of the connection-oriented protocol: header, bind, the answer to it, request.

use std::borrow::Cow;

use crate::protocols::formats::digits;
use crate::reader::Reader;

/// Bytes of the header that all units share.
pub const HEADER_BYTES: usize = 16;

/// The header of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Minor version; the major one is 5.
    pub minor: u8,
    /// See [`super::kind`].
    pub kind: u8,
    /// Bits: 1 first fragment, 2 last fragment.
    pub flags: u8,
    /// Whether numbers are little-endian.
    pub little: bool,
    /// Bytes of the whole unit, header included.
    pub length: u16,
    /// Pairs a call with what it returns.
    pub call: u32,
}

/// An interface that a client binds to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Number by which calls refer to it.
    pub context: u16,
    /// The call that bound it.
    pub call: u32,
    /// Its identifier, in the order in which it is written.
    pub uuid: [u8; 16],
    /// Major version.
    pub version: u16,
    /// Minor version.
    pub minor: u16,
    /// Whether it was bound in a first fragment.
    pub first_fragment: bool,
    /// What the server said, once it did: 0 when it accepts.
    pub outcome: Option<Outcome>,
}

/// A server's answer for one interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// 0 when accepted.
    pub result: u16,
    /// Why not.
    pub reason: u16,
}

/// The interfaces of a bind or of a change of context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bind {
    /// In the order in which the server answers: at most 255.
    pub interfaces: Vec<Interface>,
}

/// The beginning of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The interface, by its context number.
    pub context: u16,
    /// The operation of the interface.
    pub operation: u16,
    /// The arguments, marshalled.
    pub stub: &'a [u8],
}

impl Header {
    /// Reads a header; `None` when it is cut or of another version.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (major, minor, kind, flags) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?);
        let representation = reader.array::<4>()?;
        let little = representation.first().is_some_and(|byte| byte & 0x10 != 0);
        let length = u16_of(reader, little)?;
        reader.u16()?;
        let call = if little { reader.u32_le()? } else { reader.u32()? };
        (major == 5).then_some(Self { minor, kind, flags, little, length, call })
    }

    /// Whether it is the first fragment.
    pub const fn is_first(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether it is the last fragment.
    pub const fn is_last(&self) -> bool {
        self.flags & 2 != 0
    }

    /// The body of a request or a response as far as its length goes, without what authenticates.
    pub fn body<'a>(&self, after_header: &'a [u8]) -> &'a [u8] {
        let length = usize::from(self.length).saturating_sub(HEADER_BYTES);
        after_header.get(..length).unwrap_or(after_header)
    }
}

impl Bind {
    /// Reads what follows the header of a bind.
    pub fn read(header: &Header, mut reader: Reader<'_>) -> Option<Self> {
        reader.skip(8)?;
        let count = reader.u8()?;
        reader.skip(3)?;
        let mut bind = Self::default();
        for _ in 0..count {
            let context = u16_of(&mut reader, header.little)?;
            let syntaxes = reader.u8()?;
            reader.skip(1)?;
            let mut uuid = reader.array::<16>()?;
            if header.little {
                uuid = swapped(uuid);
            }
            let (first, second) =
                (u16_of(&mut reader, header.little)?, u16_of(&mut reader, header.little)?);
            let (version, minor) = if header.little { (first, second) } else { (second, first) };
            reader.skip(usize::from(syntaxes).max(1) * 20)?;
            let (call, first_fragment) = (header.call, header.is_first());
            bind.interfaces.push(Interface {
                context,
                call,
                uuid,
                version,
                minor,
                first_fragment,
                outcome: None,
            });
        }
        Some(bind)
    }
}

/// Reads what follows the header of the answer to a bind.
pub fn bind_outcomes(header: &Header, mut reader: Reader<'_>) -> Option<Vec<Outcome>> {
    reader.skip(8)?;
    let length = u16_of(&mut reader, header.little)?;
    reader.skip(length.into())?;
    // The list begins at a multiple of four bytes.
    reader.skip((4 - (usize::from(length) + 2) % 4) % 4)?;
    let count = reader.u8()?;
    reader.skip(3)?;
    let mut outcomes = Vec::new();
    for _ in 0..count {
        let (result, reason) =
            (u16_of(&mut reader, header.little)?, u16_of(&mut reader, header.little)?);
        reader.skip(20)?;
        outcomes.push(Outcome { result, reason });
    }
    Some(outcomes)
}

impl<'a> Request<'a> {
    /// Reads what follows the header of a request.
    pub fn read(header: &Header, after_header: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(header.body(after_header));
        reader.skip(4)?;
        let (context, operation) =
            (u16_of(&mut reader, header.little)?, u16_of(&mut reader, header.little)?);
        Some(Self { context, operation, stub: reader.rest() })
    }
}

/// The name of a kind of unit, as EVE writes it.
pub fn name(kind: u8) -> Cow<'static, str> {
    const NAMES: [&str; 21] = [
        "REQUEST",
        "PING",
        "RESPONSE",
        "FAULT",
        "WORKING",
        "NOCALL",
        "REJECT",
        "ACK",
        "CL_CANCEL",
        "FACK",
        "CANCEL_ACK",
        "BIND",
        "BINDACK",
        "BINDNAK",
        "ALTER_CONTEXT",
        "ALTER_CONTEXT_RESP",
        "AUTH3",
        "SHUTDOWN",
        "CO_CANCEL",
        "ORPHANED",
        "RTS",
    ];
    match NAMES.get(usize::from(kind)) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(kind.to_string()),
    }
}

/// A UUID as text: `12345678-1234-abcd-ef00-0123456789ab`.
pub fn uuid(bytes: &[u8; 16]) -> String {
    let mut text = digits::hex(bytes, "");
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

/// A UUID in the order in which it is written, from little-endian bytes, where its first three
/// parts are numbers; and back.
pub const fn swapped(uuid: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = uuid;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

fn u16_of(reader: &mut Reader<'_>, little: bool) -> Option<u16> {
    if little { reader.u16_le() } else { reader.u16() }
}
