//! Services of CIP: requests and responses of the message router (CIP Networks Library, volume 1,
//! chapter 2-4 and appendix C).

use crate::reader::Reader;

/// Services read of a packet of many.
const MAX_SERVICES: u16 = 128;

/// Attributes read of a request for many.
const MAX_ATTRIBUTES: u16 = 256;

/// Segments read of a path.
const MAX_SEGMENTS: usize = 32;

/// Set in the code of a response.
const RESPONSE: u8 = 0x80;

/// Services whose data is read (appendix A).
pub mod code {
    /// Some attributes are asked for.
    pub const GET_ATTRIBUTE_LIST: u8 = 3;
    /// Some attributes are set.
    pub const SET_ATTRIBUTE_LIST: u8 = 4;
    /// Many services at once.
    pub const MULTIPLE: u8 = 0x0a;
    /// Of the connection manager: a service for a device further on (chapter 3-5.5.4).
    pub const UNCONNECTED_SEND: u8 = 0x52;
}

/// The class of the connection manager.
const CONNECTION_MANAGER: u32 = 6;

/// What a segment of a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A class of objects.
    Class,
    /// An object of it.
    Instance,
    /// An attribute of that.
    Attribute,
}

/// A logical segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its first byte.
    pub kind: u8,
    /// The number.
    pub value: u32,
}

impl Segment {
    /// What it names (appendix C, 1.4.2).
    pub const fn target(self) -> Option<Target> {
        match self.kind >> 2 {
            8 => Some(Target::Class),
            9 => Some(Target::Instance),
            12 => Some(Target::Attribute),
            _ => None,
        }
    }
}

/// A service that is asked or answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Which, without the bit of a response.
    pub code: u8,
    /// Whether it is answered here.
    pub response: bool,
    /// What it is asked of.
    pub path: Vec<Segment>,
    /// Attributes that it names in its data.
    pub attributes: Vec<u16>,
    /// Result of a response.
    pub status: u8,
    /// More of the result.
    pub extended: Vec<u8>,
    /// The services within.
    pub multiple: Vec<Service>,
}

impl Service {
    /// Reads a service; `None` when it is cut.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::read_level(bytes, true, true)
    }

    /// Reads a service; whether it may hold many, and whether one that is sent on: each once, so that few
    /// bytes do not stand for ever more services.
    fn read_level(bytes: &[u8], many: bool, sent_on: bool) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let mut service =
            Self { code: first & !RESPONSE, response: first & RESPONSE != 0, ..Self::default() };
        if service.response {
            reader.skip(1)?;
            service.status = reader.u8()?;
            let words = usize::from(reader.u8()?);
            service.extended = reader.take(2 * words)?.to_vec();
        } else {
            let words = usize::from(reader.u8()?);
            service.path = path(reader.sub(2 * words)?);
            service.read_attributes(&mut reader)?;
        }
        // A response that says why there is nothing else holds nothing else.
        if service.code == code::MULTIPLE && many && !reader.is_empty() {
            service.read_multiple(reader.rest(), sent_on)?;
        }
        let sends_on = service.code == code::UNCONNECTED_SEND
            && service.targets(Target::Class).eq([CONNECTION_MANAGER]);
        // Priority and time-out, then the message with its length.
        if sends_on
            && sent_on
            && reader.skip(2).is_some()
            && let Some(length) = reader.u16_le()
            && let Some(inner) = reader.take(length.into())
        {
            service.multiple.extend(Self::read_level(inner, many, false));
        }
        Some(service)
    }

    fn read_attributes(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let most = match self.code {
            code::GET_ATTRIBUTE_LIST => MAX_ATTRIBUTES,
            // How long a value is depends on the class: only the first is sure.
            code::SET_ATTRIBUTE_LIST => 1,
            _ => return Some(()),
        };
        let count = reader.u16_le()?;
        for _ in 0..count.min(most) {
            self.attributes.push(reader.u16_le()?);
        }
        Some(())
    }

    /// A count, then where each begins, from the count on.
    fn read_multiple(&mut self, bytes: &[u8], sent_on: bool) -> Option<()> {
        let mut reader = Reader::new(bytes);
        let count = reader.u16_le()?;
        for _ in 0..count.min(MAX_SERVICES) {
            let offset = usize::from(reader.u16_le()?);
            if let Some(inner) = bytes.get(offset..).filter(|inner| !inner.is_empty()) {
                self.multiple.push(Self::read_level(inner, false, sent_on)?);
            }
        }
        Some(())
    }

    /// Calls `each` with the service and those within.
    pub fn each<'a>(&'a self, each: &mut dyn FnMut(&'a Self)) {
        each(self);
        self.multiple.iter().for_each(|inner| inner.each(each));
    }

    /// The values of the path's segments for one kind of target.
    pub fn targets(&self, target: Target) -> impl Iterator<Item = u32> {
        self.path.iter().filter(move |s| s.target() == Some(target)).map(|s| s.value)
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.path.capacity() * size_of::<Segment>()
            + 2 * self.attributes.capacity()
            + self.extended.capacity()
            + self.multiple.iter().map(Self::memory).sum::<usize>()
    }
}

/// The logical segments of a path, up to one of another kind.
fn path(mut reader: Reader<'_>) -> Vec<Segment> {
    let mut segments = Vec::new();
    while segments.len() < MAX_SEGMENTS
        && let Some(segment) = segment(&mut reader)
    {
        segments.push(segment);
    }
    segments
}

fn segment(reader: &mut Reader<'_>) -> Option<Segment> {
    let kind = reader.u8()?;
    if !(0x20..0x40).contains(&kind) {
        return None;
    }
    let value = match kind & 3 {
        0 => reader.u8()?.into(),
        1 => {
            reader.skip(1)?;
            reader.u16_le()?.into()
        }
        2 => {
            reader.skip(1)?;
            reader.u32_le()?
        }
        _ => return None,
    };
    Some(Segment { kind, value })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_sent_on_is_read() {
        let within = |inner: &[u8]| {
            let length = [u8::try_from(inner.len()).unwrap(), 0];
            [b"\x52\x02\x20\x06\x24\x01\x03\xf0", &length[..], inner, b"\x01\0\x01\0"].concat()
        };
        let codes = |bytes: &[u8]| {
            let mut codes = Vec::new();
            Service::read(bytes).unwrap().each(&mut |service| codes.push(service.code));
            codes
        };
        let stop = b"\x07\x02\x20\x64\x24\x01";
        assert_eq!(codes(&within(stop)), [0x52, 7]);
        let many = b"\x0a\x02\x20\x02\x24\x01\x01\0\x04\0\x07\x02\x20\x64\x24\x01";
        assert_eq!(codes(&within(many)), [0x52, 0x0a, 7]);
        let sent_on = within(stop);
        let packed = [&b"\x0a\x02\x20\x02\x24\x01\x01\0\x04\0"[..], &sent_on].concat();
        assert_eq!(codes(&packed), [0x0a, 0x52, 7]);
        // No deeper.
        assert_eq!(codes(&within(&within(stop))), [0x52, 0x52]);
        // The same code is another service of another class.
        assert_eq!(codes(b"\x52\x02\x20\x6b\x24\x01\x01\0\0\0\0\0"), [0x52]);
    }

    #[test]
    fn paths_and_attributes_are_read() {
        let service = Service::read(b"\x03\x03\x20\x8b\x25\0\x34\x12\x02\0\x05\0\x06\0").unwrap();
        assert_eq!(service.targets(Target::Class).collect::<Vec<_>>(), [0x8b]);
        assert_eq!(service.targets(Target::Instance).collect::<Vec<_>>(), [0x1234]);
        assert_eq!(service.attributes, [5, 6]);
        assert_eq!(Service::read(b"\x03\x03\x20\x8b"), None);
    }

    #[test]
    fn services_within_are_read_on_one_level() {
        let inner = b"\x0a\x02\x20\x02\x24\x01\x01\0\x04\0\x4c\0";
        let outer = [&b"\x0a\x02\x20\x02\x24\x01\x02\0\x06\0\x12\0"[..], inner].concat();
        let service = Service::read(&outer).unwrap();
        assert_eq!(service.multiple.len(), 1, "the second begins behind the end");
        assert!(service.multiple.iter().all(|inner| inner.multiple.is_empty()));
        let mut many = b"\x8a\0\0\0\xff\xff".to_vec();
        many.extend([0; 0x2_0000]);
        assert!(Service::read(&many).unwrap().memory() < 64 * 1024);
    }
}
