//! One frame (RFC 6455, 5.2) and how it is logged.

use crate::field::{Describe, Tree};
use crate::reader::Reader;

/// Bytes of a payload that are read: Suricata's default.
pub const PAYLOAD_BYTES: usize = 65_535;

/// The bits of the first byte that rules may name.
pub const FLAGS: &[(&str, u64)] = &[("&fin", 0x80), ("&comp", 0x40)];

/// What a frame is (RFC 6455, 11.8).
pub const OPCODES: &[(&str, u64)] = &[
    ("continuation", 0),
    ("text", 1),
    ("binary", 2),
    ("connection_close", 8),
    ("close", 8),
    ("ping", 9),
    ("pong", 10),
];

/// A frame.
#[derive(Debug, Default, Clone)]
pub struct Frame {
    /// The upper bits of the first byte: the last of its message, compressed.
    pub flags: u8,
    /// What it is.
    pub opcode: u8,
    /// The key that its payload was masked with.
    pub mask: Option<u32>,
    /// Its payload unmasked; of the last frame of a message the payload of all of them,
    /// decompressed.
    pub payload: Vec<u8>,
}

/// The header of a frame, and how many bytes of payload follow.
pub struct Head {
    /// The frame, its payload empty.
    pub frame: Frame,
    /// Bytes of payload.
    pub length: u64,
    /// Bytes of the header.
    pub size: usize,
}

impl Head {
    /// Reads a header; `None` until it is whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (first, second) = (reader.u8()?, reader.u8()?);
        let length = match second & 0x7f {
            126 => u64::from(reader.u16()?),
            127 => reader.u64()?,
            short => u64::from(short),
        };
        let mask = if second & 0x80 == 0 { None } else { Some(reader.u32()?) };
        let (flags, opcode) = (first & 0xf0, first & 0x0f);
        let frame = Frame { flags, opcode, mask, payload: Vec::new() };
        Some(Self { frame, length, size: reader.position() })
    }
}

impl Frame {
    /// Takes the payload off the wire.
    pub fn unmask(&mut self, payload: &[u8]) {
        self.payload = payload.to_vec();
        if let Some(mask) = self.mask {
            let key = mask.to_be_bytes();
            self.payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
    }

    /// Whether it ends its message.
    pub const fn is_last(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// Whether it begins a message that is compressed.
    pub const fn is_compressed(&self) -> bool {
        self.flags & 0x40 != 0
    }

    /// Whether it is of the connection, not of a message.
    pub const fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }
}

impl Describe for Frame {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.bool("fin", self.is_last());
        if let Some(mask) = self.mask {
            tree.int("mask", mask.into());
        }
        let named = OPCODES.iter().find(|(_, code)| *code == u64::from(self.opcode));
        match named {
            Some((name, _)) => tree.text("opcode", name.as_bytes()),
            None => tree.text("opcode", format!("unknown-{}", self.opcode).as_bytes()),
        }
    }
}
