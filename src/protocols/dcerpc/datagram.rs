//! The connectionless protocol: one unit in each datagram (C706, 12.5).

use crate::protocols::formats::dcerpc::kind;
use crate::reader::Reader;

/// Bytes of the header.
const HEADER_BYTES: usize = 80;

/// The header of a datagram, as far as it is used, and its body.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Kind of unit.
    pub kind: u8,
    /// Whether it is the only fragment or the last.
    pub last: bool,
    /// The interface that is called, in the order in which it is written.
    pub interface: [u8; 16],
    /// Version of the interface.
    pub version: u16,
    /// The activity that calls, in the order in which it is written.
    pub activity: [u8; 16],
    /// Number of the call within the activity.
    pub sequence: u32,
    /// The operation that is called.
    pub operation: u16,
    /// Arguments or results.
    pub body: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a datagram; `None` when it is not one of version 4.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (version, kind, flags, more_flags) =
            (reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?);
        let [numbers, floats, reserved] = reader.array::<3>()?;
        let possible = version == 4
            && kind <= kind::LAST
            && more_flags & 0xfc == 0
            && numbers & 0xee == 0
            && floats <= 3
            && reserved == 0;
        if !possible {
            return None;
        }
        let little = numbers & 0x10 != 0;
        reader.skip(1 + 16)?;
        let interface = identifier(&mut reader, little)?;
        let activity = identifier(&mut reader, little)?;
        reader.skip(4)?;
        let number = |reader: &mut Reader<'a>| if little { reader.u32_le() } else { reader.u32() };
        let half = |reader: &mut Reader<'a>| if little { reader.u16_le() } else { reader.u16() };
        let version = (number(&mut reader)? & 0xffff) as u16;
        let sequence = number(&mut reader)?;
        let operation = half(&mut reader)?;
        reader.skip(4)?;
        let length = usize::from(half(&mut reader)?);
        reader.skip(HEADER_BYTES.saturating_sub(reader.position()))?;
        let body = reader.take(length)?;
        // Bit 2: a fragment; bit 1: the last one.
        let last = flags & 4 == 0 || flags & 2 != 0;
        Some(Self { kind, last, interface, version, activity, sequence, operation, body })
    }
}

fn identifier(reader: &mut Reader<'_>, little: bool) -> Option<[u8; 16]> {
    let bytes = reader.array()?;
    Some(if little { crate::protocols::formats::dcerpc::swapped(bytes) } else { bytes })
}
