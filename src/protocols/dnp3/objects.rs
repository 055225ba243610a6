//! Objects of a message: headers (IEEE 1815, 4.2.2.7) and points.

use super::layouts::{Layout, Part, layout};
use crate::field::Tree;
use crate::reader::Reader;

/// Objects read of a message.
pub const MAX_OBJECTS: usize = 2_048;

/// Points read of a message, all its objects together.
pub const MAX_POINTS: u32 = 16_384;

/// An object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// What it is about.
    pub group: u8,
    /// How its points are laid out.
    pub variation: u8,
    /// What kind of prefix and range it has.
    pub qualifier: u8,
    /// First index, when it has a range.
    pub start: u32,
    /// Last index, when it has a range.
    pub stop: u32,
    /// Number of points.
    pub count: u32,
    /// Where its points begin, bytes from the first object.
    at: u32,
    /// Points that were read.
    read: u32,
}

/// What ended the reading of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// All were read.
    #[default]
    Whole,
    /// A header or its range is cut, or reserved.
    Cut,
    /// A layout that is not known, or points that are cut.
    Unknown,
    /// [`MAX_OBJECTS`] were met.
    Objects,
    /// [`MAX_POINTS`] were met.
    Points,
}

/// The objects of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// In order.
    pub list: Vec<Object>,
    /// What ended them.
    pub end: End,
}

impl Objects {
    /// Reads the objects of a message.
    pub fn read(bytes: &[u8]) -> Self {
        let mut objects = Self::default();
        let mut reader = Reader::new(bytes);
        let mut points = 0;
        while !reader.is_empty() && objects.end == End::Whole {
            if objects.list.len() >= MAX_OBJECTS {
                objects.end = End::Objects;
                break;
            }
            objects.end = objects.next(&mut reader, &mut points);
        }
        objects
    }

    fn next(&mut self, reader: &mut Reader<'_>, points: &mut u32) -> End {
        let head = (reader.u8(), reader.u8(), reader.u8());
        let (Some(group), Some(variation), Some(qualifier)) = head else { return End::Cut };
        let mut object = Object { group, variation, qualifier, ..Object::default() };
        let ranged = object.read_range(reader);
        object.at = u32::try_from(reader.position()).unwrap_or(u32::MAX);
        self.list.push(object);
        if ranged.is_none() {
            return End::Cut;
        }
        if variation == 0 || object.count == 0 {
            return End::Whole;
        }
        let room = MAX_POINTS.saturating_sub(*points);
        let (read, end) = object.each_point(reader, room, &mut |_| {});
        *points = points.saturating_add(read);
        if let Some(last) = self.list.last_mut() {
            last.read = read;
        }
        end
    }
}

/// A point, to be shown.
struct Point<'a> {
    /// What stands before it: an index or a size, by the object's qualifier.
    prefix: u32,
    index: u32,
    /// Its size in bytes, when its prefix tells it.
    size: Option<u32>,
    content: Content<'a>,
}

enum Content<'a> {
    /// A number of packed bits.
    Packed(u8),
    Parts(&'static [Part], Reader<'a>),
    Octets(&'a [u8]),
}

impl Object {
    /// What a point's prefix is: 0 none, 1 to 3 an index, 4 to 6 a size.
    pub const fn prefix_code(&self) -> u8 {
        self.qualifier >> 4 & 7
    }

    /// How its points are counted.
    pub const fn range_code(&self) -> u8 {
        self.qualifier & 0x0f
    }

    /// IEEE 1815, table 4-5.
    fn read_range(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let mut limits = |width: u8| Some((number(reader, width)?, number(reader, width)?));
        let range = match self.range_code() {
            0 | 3 => Some(limits(1)?),
            1 | 4 => Some(limits(2)?),
            2 | 5 => Some(limits(4)?),
            _ => None,
        };
        if let Some((start, stop)) = range {
            (self.start, self.stop) = (start, stop);
            self.count = stop.checked_sub(start).map_or(0, |between| between.saturating_add(1));
            return Some(());
        }
        self.count = match self.range_code() {
            6 => 0,
            7 | 11 => number(reader, 1)?,
            8 => number(reader, 2)?,
            9 => number(reader, 4)?,
            _ => return None,
        };
        Some(())
    }

    /// Reads the points, at most `room`; gives how many there were and what ended them.
    fn each_point<'a>(
        &self,
        reader: &mut Reader<'a>,
        room: u32,
        show: &mut dyn FnMut(Point<'a>),
    ) -> (u32, End) {
        let known = layout(self.group, self.variation);
        if let Some(Layout::Packed(bits)) = known {
            return self.each_bit(reader, room, bits, show);
        }
        for number in 0..self.count {
            if number >= room {
                return (number, End::Points);
            }
            let Some(point) = self.point(reader, known, number) else {
                return (number, End::Unknown);
            };
            show(point);
        }
        (self.count, End::Whole)
    }

    fn each_bit<'a>(
        &self,
        reader: &mut Reader<'a>,
        room: u32,
        bits: u8,
        show: &mut dyn FnMut(Point<'a>),
    ) -> (u32, End) {
        let per_byte = u32::from(8 / bits.max(1)).max(1);
        let mut octet = 0;
        for number in 0..self.count {
            if number >= room {
                return (number, End::Points);
            }
            if number % per_byte == 0 {
                let Some(next) = reader.u8() else { return (number, End::Unknown) };
                octet = next;
            }
            let content = Content::Packed(octet & ((1 << bits) - 1));
            octet >>= bits;
            let index = self.start.saturating_add(number);
            show(Point { prefix: 0, index, size: None, content });
        }
        (self.count, End::Whole)
    }

    fn point<'a>(
        &self,
        reader: &mut Reader<'a>,
        known: Option<Layout>,
        number: u32,
    ) -> Option<Point<'a>> {
        let prefix = match self.prefix_code() {
            0 => 0,
            1 | 4 => self::number(reader, 1)?,
            2 | 5 => self::number(reader, 2)?,
            3 | 6 => self::number(reader, 4)?,
            _ => return None,
        };
        let size = (self.prefix_code() >= 4).then_some(prefix);
        let index = match self.prefix_code() {
            1..=3 => prefix,
            _ => self.start.saturating_add(number),
        };
        let content = match (known, size) {
            // Whatever it is, its end is known.
            (None, Some(size)) => Content::Octets(reader.take(size.try_into().ok()?)?),
            (Some(Layout::Octets), _) => Content::Octets(reader.take(self.variation.into())?),
            (Some(Layout::Parts(parts)), _) => {
                let bytes = parts.iter().map(|part| usize::from(part.bytes())).sum();
                Content::Parts(parts, reader.sub(bytes)?)
            }
            _ => return None,
        };
        Some(Point { prefix, index, size, content })
    }

    /// Writes the object; `body` is what it was read from.
    pub fn describe(&self, body: &[u8], tree: &mut dyn Tree) {
        tree.int("group", self.group.into());
        tree.int("variation", self.variation.into());
        tree.int("qualifier", self.qualifier.into());
        tree.int("prefix_code", self.prefix_code().into());
        tree.int("range_code", self.range_code().into());
        tree.int("start", self.start.into());
        tree.int("stop", self.stop.into());
        tree.int("count", self.count.into());
        if self.read > 0 {
            let points = body.get(self.at as usize..).unwrap_or_default();
            tree.list("points", &mut |tree| {
                let mut reader = Reader::new(points);
                self.each_point(&mut reader, self.read, &mut |point| {
                    tree.object("", &mut |tree| point.describe(tree));
                });
            });
        }
    }
}

impl Point<'_> {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.int("prefix", self.prefix.into());
        tree.int("index", self.index.into());
        if let Some(size) = self.size {
            tree.int("size", size.into());
        }
        match &self.content {
            Content::Packed(state) => tree.int("state", (*state).into()),
            Content::Octets(bytes) => tree.text("data", bytes),
            Content::Parts(parts, reader) => {
                let mut reader = *reader;
                parts.iter().for_each(|part| part.describe(&mut reader, tree));
            }
        }
    }
}

impl Part {
    const fn bytes(self) -> u8 {
        match self {
            Self::Unsigned(_, bytes)
            | Self::Signed(_, bytes)
            | Self::Float(_, bytes)
            | Self::Text(bytes) => bytes,
        }
    }

    fn describe(self, reader: &mut Reader<'_>, tree: &mut dyn Tree) {
        let Some(bytes) = reader.take(self.bytes().into()) else { return };
        let whole = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        match self {
            Self::Unsigned(key, _) => tree.int(key, whole),
            Self::Signed(key, bytes) => {
                // The sign is that of the highest bit that was sent.
                let unused = 64 - 8 * u32::from(bytes.clamp(1, 8));
                let value = (whole << unused).cast_signed() >> unused;
                match u64::try_from(value) {
                    Ok(value) => tree.int(key, value),
                    Err(_) => tree.float(key, value as f64),
                }
            }
            Self::Float(key, 4) => {
                let low = u32::try_from(whole & 0xffff_ffff).unwrap_or_default();
                tree.float(key, f32::from_bits(low).into());
            }
            Self::Float(key, _) => tree.float(key, f64::from_bits(whole)),
            Self::Text(_) => tree.text("data", bytes),
        }
    }
}

/// A number of 1, 2 or 4 bytes, low byte first.
fn number(reader: &mut Reader<'_>, width: u8) -> Option<u32> {
    match width {
        1 => reader.u8().map(u32::from),
        2 => reader.u16_le().map(u32::from),
        _ => reader.u32_le(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_points_are_read() {
        let objects = Objects::read(
            b"\x01\x01\x00\x03\x0c\xff\x03\x3c\x02\x06\x0c\x01\x28\x01\x00\
                                      \x07\x00\x03\x01\x64\0\0\0\0\0\0\0\0",
        );
        assert_eq!(objects.end, End::Whole);
        let shown: Vec<_> = objects.list.iter().map(|o| (o.group, o.count, o.read)).collect();
        assert_eq!(shown, [(1, 10, 10), (60, 0, 0), (12, 1, 1)]);
    }

    #[test]
    fn what_is_too_much_or_unknown_ends_the_reading() {
        let many = [&b"\x01\x01\x01\0\0\xff\xfe"[..], &[0; 8_160]].concat();
        assert_eq!(Objects::read(&many).end, End::Points);
        let many = b"\x3c\x02\x06".repeat(MAX_OBJECTS + 1);
        assert_eq!(Objects::read(&many).end, End::Objects);
        assert_eq!(Objects::read(b"\xfe\x01\x07\x01x").end, End::Unknown);
        assert_eq!(Objects::read(b"\xfe\x01\x5b\x01\x02\0xy").end, End::Whole);
        assert_eq!(Objects::read(b"\x1e\x01\x07\x02\x01\0\0\0\0\x01").end, End::Unknown);
        assert_eq!(Objects::read(b"\x1e\x01\x0f").end, End::Cut);
        assert_eq!(Objects::read(b"\x1e\x01").end, End::Cut);
    }
}
