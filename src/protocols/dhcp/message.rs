//! One message: the fixed part and the options (RFC 2131, RFC 2132).

use crate::reader::Reader;

/// Bytes of the fixed part with the magic cookie.
pub const HEADER_BYTES: usize = 240;

/// Options kept of a message: each is two bytes at least on the wire, and a message that fills
/// more than this is none that a client sends.
const MAX_OPTIONS: usize = 256;

/// Bytes of the field for the client's hardware address.
const HARDWARE_BYTES: usize = 16;

/// Option codes that are read (RFC 2132).
pub mod code {
    #![allow(missing_docs, reason = "the names are those of the RFC")]
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const DNS_SERVERS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const PARAMETERS: u8 = 55;
    pub const RENEWAL_TIME: u8 = 58;
    pub const REBINDING_TIME: u8 = 59;
    pub const VENDOR_CLASS: u8 = 60;
    pub const CLIENT_ID: u8 = 61;
    pub const PAD: u8 = 0;
    pub const END: u8 = 255;
}

/// How the options ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the option that says so.
    Told,
    /// The message ended before.
    Truncated,
    /// An option has a length that it cannot have; nothing after it was read.
    Malformed,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// 1 from a client, 2 from a server.
    pub operation: u8,
    /// Number that pairs requests and replies.
    pub id: u32,
    /// The client's address, when it has one.
    pub client_address: [u8; 4],
    /// The address that the client is given.
    pub your_address: [u8; 4],
    /// The next server to start from.
    pub server_address: [u8; 4],
    /// The relay on the way.
    pub relay_address: [u8; 4],
    /// The client's hardware address.
    pub hardware: Vec<u8>,
    /// Code and content of each option, in order.
    pub options: Vec<(u8, Vec<u8>)>,
    /// How the options ended.
    pub end: End,
}

impl Message {
    /// Reads a message; `None` when the fixed part is not all there.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let operation = reader.u8()?;
        reader.skip(1)?;
        let hardware_length = usize::from(reader.u8()?).min(HARDWARE_BYTES);
        reader.skip(1)?;
        let id = reader.u32()?;
        reader.skip(4)?;
        let client_address = reader.array()?;
        let your_address = reader.array()?;
        let server_address = reader.array()?;
        let relay_address = reader.array()?;
        let hardware = reader.take(HARDWARE_BYTES)?.get(..hardware_length)?.to_vec();
        reader.skip(64 + 128 + 4)?;
        let mut message = Self {
            operation,
            id,
            client_address,
            your_address,
            server_address,
            relay_address,
            hardware,
            options: Vec::new(),
            end: End::Told,
        };
        message.end = message.read_options(&mut reader);
        Some(message)
    }

    fn read_options(&mut self, reader: &mut Reader<'_>) -> End {
        while let Some(code) = reader.u8() {
            match code {
                code::END => return End::Told,
                code::PAD => continue,
                _ => {}
            }
            let Some(length) = reader.u8() else { return End::Truncated };
            let Some(content) = reader.take(length.into()) else { return End::Truncated };
            let least = match code {
                code::LEASE_TIME | code::RENEWAL_TIME | code::REBINDING_TIME => 4,
                code::CLIENT_ID => 2,
                _ => 0,
            };
            if content.len() < least || self.options.len() >= MAX_OPTIONS {
                return End::Malformed;
            }
            self.options.push((code, content.to_vec()));
        }
        End::Truncated
    }

    /// The content of the first option with a code.
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(known, _)| *known == code).map(|(_, content)| &**content)
    }

    /// A time in seconds.
    pub fn seconds(&self, code: u8) -> Option<u32> {
        Reader::new(self.option(code)?).u32()
    }

    /// The message type (RFC 2132, 9.6).
    pub fn kind(&self) -> Option<u8> {
        self.option(code::MESSAGE_TYPE)?.first().copied()
    }
}
