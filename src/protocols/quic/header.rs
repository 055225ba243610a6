//! Headers of packets: long ones of QUIC (RFC 9000, section 17; RFC 9369, section 3.2) and those of
//! Google's QUIC before it (versions Q039 to Q046).

use crate::reader::Reader;

/// Version 2 (RFC 9369), which numbers the types of packets anew.
pub const V2: u32 = 0x6b33_43cf;
/// The last version of Google's own headers.
const Q046: u32 = 0x5130_3436;

/// What a packet is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It carries the hellos.
    Initial,
    /// Data before the handshake has ended.
    ZeroRtt,
    /// The rest of the handshake, encrypted.
    Handshake,
    /// The server wants another Initial.
    Retry,
    /// The server names the versions that it speaks.
    VersionNegotiation,
    /// Data.
    Short,
}

/// A header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// What the packet is for.
    pub kind: Kind,
    /// Version; 0 where none is named.
    pub version: u32,
    /// Whether it is a long header.
    pub long: bool,
    /// Connection identifier of whom it is sent to.
    pub destination: &'a [u8],
    /// Bytes of the header itself.
    pub bytes: usize,
    /// Bytes that follow it and belong to the packet.
    pub payload: usize,
}

/// Google's versions whose long headers pack both lengths of identifiers into one byte.
pub const fn is_google(version: u32) -> bool {
    matches!(version, 0x5130_3433..=Q046)
}

/// A number of one to eight bytes (RFC 9000, section 16).
pub fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let rest = reader.take(more)?;
    Some(rest.iter().fold(u64::from(first & 0x3f), |sum, byte| sum << 8 | u64::from(*byte)))
}

impl<'a> Header<'a> {
    /// Reads the header that the bytes begin with.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let mut header = if first & 0x80 != 0 {
            Self::long(first, &mut reader)?
        } else if first & 0x40 != 0 {
            Self::of(Kind::Short)
        } else {
            Self::google_public(first, &mut reader)?
        };
        header.bytes = reader.position();
        // Only an Initial says where it ends; everything else takes the rest of the datagram.
        let left = reader.left();
        header.payload = if header.payload == usize::MAX { left } else { header.payload };
        (header.payload <= left && u16::try_from(header.payload).is_ok()).then_some(header)
    }

    fn of(kind: Kind) -> Self {
        let (version, long, destination) = (0, false, &[][..]);
        Self { kind, version, long, destination, bytes: 0, payload: usize::MAX }
    }

    fn long(first: u8, reader: &mut Reader<'a>) -> Option<Self> {
        let version = reader.u32()?;
        let google = is_google(version);
        let kind = kind(first, version)?;
        let destination = if google {
            let lengths = reader.u8()?;
            // Lengths of 0, or of 4 to 18 bytes, in four bits each.
            let length = |bits: u8| if bits == 0 { 0 } else { usize::from(bits) + 3 };
            let destination = reader.take(length(lengths >> 4))?;
            reader.skip(length(lengths & 0x0f))?;
            destination
        } else {
            let length = reader.u8()?;
            let destination = reader.take(length.into())?;
            let length = reader.u8()?;
            reader.skip(length.into())?;
            destination
        };
        let mut payload = usize::MAX;
        if kind == Kind::Initial && google {
            // Number of the packet, hash that authenticates it.
            reader.skip(4 + 12)?;
        } else if kind == Kind::Initial {
            let token = number(reader)?;
            reader.skip(usize::try_from(token).ok()?)?;
            payload = usize::from(u16::try_from(number(reader)?).ok()?);
        }
        Some(Self { version, long: true, destination, payload, ..Self::of(kind) })
    }

    /// The public header of Google's versions up to Q043.
    fn google_public(first: u8, reader: &mut Reader<'a>) -> Option<Self> {
        let (identified, versioned) = (first & 0x08 != 0, first & 0x01 != 0);
        let destination = reader.take(if identified { 8 } else { 0 })?;
        if first & 0x04 != 0 && !identified {
            reader.skip(32)?;
        }
        let version = if versioned { reader.u32()? } else { 0 };
        reader.skip(1 + usize::from(first >> 4 & 3))?;
        if identified {
            reader.skip(12)?;
        }
        let kind = if versioned { Kind::Initial } else { Kind::Short };
        Some(Self { version, destination, ..Self::of(kind) })
    }
}

fn kind(first: u8, version: u32) -> Option<Kind> {
    let bits = first >> 4 & 3;
    Some(match version {
        0 => Kind::VersionNegotiation,
        version if is_google(version) && version != Q046 => match first & 0x7f {
            0x7f => Kind::Initial,
            0x7e => Kind::Retry,
            0x7d => Kind::Handshake,
            0x7c => Kind::ZeroRtt,
            _ => return None,
        },
        // Version 2 begins to count one later.
        version => match if version == V2 { bits.wrapping_sub(1) & 3 } else { bits } {
            0 => Kind::Initial,
            1 => Kind::ZeroRtt,
            2 => Kind::Handshake,
            _ => Kind::Retry,
        },
    })
}
