//! One message of the encapsulation: header and the meaning of its command's data (CIP Networks
//! Library, volume 2, chapter 2).

use super::cip::Service;
use crate::reader::Reader;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 24;

/// Items read of a message: two or three are sent.
const MAX_ITEMS: u16 = 32;

/// Commands (2-3.2).
pub mod command {
    #![allow(missing_docs, reason = "the names are those of the specification")]
    pub const NOP: u16 = 0;
    /// Of before the specification ("reserved for legacy"): programs of one maker begin with it.
    pub const LEGACY: u16 = 1;
    pub const LIST_SERVICES: u16 = 4;
    pub const LIST_IDENTITY: u16 = 0x63;
    pub const REGISTER_SESSION: u16 = 0x65;
    pub const UNREGISTER_SESSION: u16 = 0x66;
    pub const SEND_RR_DATA: u16 = 0x6f;
    pub const SEND_UNIT_DATA: u16 = 0x70;
}

/// Types of item (2-6).
mod item {
    pub const IDENTITY: u16 = 0x0c;
    pub const CONNECTED_DATA: u16 = 0xb1;
    pub const UNCONNECTED_DATA: u16 = 0xb2;
    pub const SERVICES: u16 = 0x100;
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What is asked or answered.
    pub command: u16,
    /// Number of the session.
    pub session: u32,
    /// Why it failed; 0 when it did not.
    pub status: u32,
    /// What the data holds.
    pub payload: Payload,
    /// The data does not fit the command.
    pub invalid: bool,
}

/// What the data of a message holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Nothing that is read.
    #[default]
    Other,
    /// A session is opened.
    Register {
        /// Version of the encapsulation.
        version: u16,
        /// Options, 0.
        options: u16,
    },
    /// What a device offers.
    Services {
        /// Version of the encapsulation.
        version: u16,
        /// Bits of what it can do.
        capabilities: u16,
        /// Its name.
        name: Vec<u8>,
    },
    /// What a device is.
    Identity(Box<Identity>),
    /// A service of CIP is asked or answered.
    Cip {
        /// Number of the message within its connection, when in one.
        sequence: Option<u16>,
        /// The service.
        service: Box<Service>,
    },
}

/// What a device is (2-4.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Version of the encapsulation.
    pub version: u16,
    /// Maker.
    pub vendor: u16,
    /// Kind of device.
    pub device: u16,
    /// The maker's number for the product.
    pub product: u16,
    /// Revision, major and minor.
    pub revision: [u8; 2],
    /// Bits of its state.
    pub status: u16,
    /// Serial number.
    pub serial: u32,
    /// Its name.
    pub name: Vec<u8>,
    /// State, as a number.
    pub state: u8,
}

/// The length of a whole message, header counted; `None` when the header is not all there.
pub fn size(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, _, low, high, ..] if bytes.len() >= HEADER_BYTES => {
            Some(HEADER_BYTES + usize::from(u16::from_le_bytes([*low, *high])))
        }
        _ => None,
    }
}

/// Whether these bytes begin with a header that can be; `None` when it is not all there.
pub fn looks_like(bytes: &[u8]) -> Option<bool> {
    let mut reader = Reader::new(bytes);
    let (code, length) = (reader.u16_le()?, reader.u16_le()?);
    let is_known = super::names::COMMANDS.iter().any(|(_, known)| *known == u64::from(code));
    if !is_known && code != command::LEGACY {
        return Some(false);
    }
    let (session, status) = (reader.u32_le()?, reader.u32_le()?);
    let context = reader.take(8)?;
    let options = reader.u32_le()?;
    let fits = match code {
        command::NOP => options == 0,
        // So small a number is told from others by all that is zero.
        command::LEGACY => options == 0 && session == 0 && context.iter().all(|byte| *byte == 0),
        command::REGISTER_SESSION => length == 4,
        command::UNREGISTER_SESSION => length == 0 || length == 4,
        _ => true,
    };
    Some(fits && super::names::STATUSES.iter().any(|(_, known)| *known == u64::from(status)))
}

impl Message {
    /// Reads a whole message.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (command, length) = (reader.u16_le()?, reader.u16_le()?);
        let (session, status) = (reader.u32_le()?, reader.u32_le()?);
        reader.skip(8 + 4)?;
        let data = reader.sub(length.into())?;
        let payload = if data.is_empty() { Some(Payload::Other) } else { payload(command, data) };
        let invalid = payload.is_none();
        Some(Self { command, session, status, payload: payload.unwrap_or_default(), invalid })
    }

    /// The service of CIP that it carries.
    pub fn service(&self) -> Option<&Service> {
        match &self.payload {
            Payload::Cip { service, .. } => Some(service),
            _ => None,
        }
    }

    /// What a device says that it is.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.payload {
            Payload::Identity(identity) => Some(identity),
            _ => None,
        }
    }

    /// The version that it names.
    pub fn version(&self) -> Option<u16> {
        match &self.payload {
            Payload::Register { version, .. } | Payload::Services { version, .. } => Some(*version),
            Payload::Identity(identity) => Some(identity.version),
            _ => None,
        }
    }

    /// Whether this response answers that request.
    pub fn answers(&self, request: &Self) -> bool {
        // A session has no number before it is opened.
        let same_session =
            self.session == request.session || self.command == command::REGISTER_SESSION;
        if self.command != request.command || !same_session {
            return false;
        }
        match (&request.payload, &self.payload) {
            (Payload::Cip { sequence: asked, .. }, Payload::Cip { sequence: told, .. }) => {
                asked == told
            }
            (Payload::Cip { .. }, _) | (_, Payload::Cip { .. }) => false,
            _ => true,
        }
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        match &self.payload {
            Payload::Cip { service, .. } => service.memory(),
            Payload::Services { name, .. } => name.capacity(),
            Payload::Identity(identity) => size_of::<Identity>() + identity.name.capacity(),
            Payload::Register { .. } | Payload::Other => 0,
        }
    }
}

fn payload(code: u16, mut data: Reader<'_>) -> Option<Payload> {
    match code {
        command::REGISTER_SESSION => {
            Some(Payload::Register { version: data.u16_le()?, options: data.u16_le()? })
        }
        command::LIST_SERVICES => {
            let mut content = first_item(&mut data, item::SERVICES)?;
            let (version, capabilities) = (content.u16_le()?, content.u16_le()?);
            let name = content.rest().split(|byte| *byte == 0).next().unwrap_or_default();
            Some(Payload::Services { version, capabilities, name: name.to_vec() })
        }
        command::LIST_IDENTITY => {
            let mut content = first_item(&mut data, item::IDENTITY)?;
            Some(Payload::Identity(Box::new(identity(&mut content)?)))
        }
        command::SEND_RR_DATA | command::SEND_UNIT_DATA => cip(&mut data),
        _ => Some(Payload::Other),
    }
}

fn first_item<'a>(data: &mut Reader<'a>, kind: u16) -> Option<Reader<'a>> {
    let count = data.u16_le()?;
    let found = data.u16_le()?;
    let length = data.u16_le()?;
    let content = data.sub(length.into())?;
    (count > 0 && found == kind).then_some(content)
}

fn identity(content: &mut Reader<'_>) -> Option<Identity> {
    let version = content.u16_le()?;
    // Where it is reached, as a socket address.
    content.skip(16)?;
    let (vendor, device, product) = (content.u16_le()?, content.u16_le()?, content.u16_le()?);
    let revision = content.array()?;
    let (status, serial) = (content.u16_le()?, content.u32_le()?);
    let length = content.u8()?;
    let name = content.take(length.into())?.to_vec();
    let state = content.u8()?;
    Some(Identity { version, vendor, device, product, revision, status, serial, name, state })
}

/// Interface, timeout, and items, of which one holds the service.
fn cip(data: &mut Reader<'_>) -> Option<Payload> {
    data.skip(4 + 2)?;
    let count = data.u16_le()?;
    let mut found = Payload::Other;
    for _ in 0..count.min(MAX_ITEMS) {
        let kind = data.u16_le()?;
        let length = data.u16_le()?;
        let mut content = data.sub(length.into())?;
        let sequence = match kind {
            item::CONNECTED_DATA => Some(content.u16_le()?),
            item::UNCONNECTED_DATA => None,
            _ => continue,
        };
        let service = Box::new(Service::read(content.rest())?);
        if found == Payload::Other {
            found = Payload::Cip { sequence, service };
        }
    }
    Some(found)
}
