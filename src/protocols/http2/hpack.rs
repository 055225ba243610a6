//! Compressed fields of HTTP/2 (RFC 7541).

use std::collections::VecDeque;

use super::huffman;
use crate::reader::Reader;

/// Largest dynamic table, bytes as the standard counts them: Suricata's limit.
const MAX_TABLE_BYTES: usize = 65_536;
/// Size of the dynamic table that both sides begin with.
const DEFAULT_TABLE_BYTES: usize = 4_096;
/// What an entry counts beside its name and value.
const ENTRY_BYTES: usize = 32;
/// Bytes that one block may come to: a reference of one byte may stand for thousands.
const MAX_BLOCK_BYTES: usize = 65_536;
/// Bytes that are copied for one block at most, what is not kept among them: a name of the table may be
/// referred to by each two bytes.
const MAX_WORK_BYTES: usize = 8 * MAX_BLOCK_BYTES;
/// Fields that one block may come to.
const MAX_BLOCK_FIELDS: usize = 1_024;

/// What a block says.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    /// A field.
    Field(Field),
    /// The dynamic table gets this size.
    Update(u64),
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Name.
    pub name: Vec<u8>,
    /// Value.
    pub value: Vec<u8>,
}

/// Name and value.
type Entry<'a> = (&'a [u8], &'a [u8]);

/// Why a block is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It cannot be read.
    Invalid,
    /// A number in it is too large.
    Overflow,
    /// It comes to more than is kept.
    TooLong,
}

/// The dynamic table of one direction.
#[derive(Debug)]
pub struct Table {
    /// The newest first.
    entries: VecDeque<Field>,
    bytes: usize,
    limit: usize,
    /// A block was lost: what it put in is not known, nor what was there before it.
    astray: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0, limit: DEFAULT_TABLE_BYTES, astray: false }
    }
}

impl Table {
    /// Reads a whole block; each thing it says goes to `sink`. What is more than is kept is read all
    /// the same, for what it puts into the table.
    pub fn read(&mut self, block: &[u8], sink: &mut dyn FnMut(Item)) -> Result<(), Flaw> {
        let mut reader = Reader::new(block);
        let (mut room, mut fields, mut work) = (Some(MAX_BLOCK_BYTES), 0, 0);
        while !reader.is_empty() {
            let Some(item) = self.item(&mut reader, room.is_some())? else { continue };
            if let Item::Field(field) = &item {
                let size = field.name.len() + field.value.len();
                fields += 1;
                work += size;
                if work > MAX_WORK_BYTES {
                    self.lose();
                    return Err(Flaw::TooLong);
                }
                room = room.and_then(|room| room.checked_sub(size));
                room = room.filter(|_| fields <= MAX_BLOCK_FIELDS);
            }
            if room.is_some() {
                sink(item);
            }
        }
        room.map(|_| ()).ok_or(Flaw::TooLong)
    }

    /// A block was lost: only what comes into the table from now on is known.
    pub fn lose(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.astray = true;
    }

    /// Bytes held, about.
    pub const fn memory(&self) -> usize {
        self.bytes
    }

    /// Section 6. `None` for a field of which something is not known, and for a reference when
    /// nothing is `wanted`.
    fn item(&mut self, reader: &mut Reader<'_>, wanted: bool) -> Result<Option<Item>, Flaw> {
        let first = reader.u8().ok_or(Flaw::Invalid)?;
        if first & 0x80 != 0 {
            let field = self.entry(integer(first, 7, reader)?)?;
            return Ok(field.filter(|_| wanted).map(|(name, value)| {
                Item::Field(Field { name: name.to_vec(), value: value.to_vec() })
            }));
        }
        if first & 0xe0 == 0x20 {
            let size = integer(first, 5, reader)?;
            self.limit = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_TABLE_BYTES);
            self.evict(0);
            return Ok(Some(Item::Update(size)));
        }
        let indexed = first & 0x40 != 0;
        let index = integer(first, if indexed { 6 } else { 4 }, reader)?;
        let name = match index {
            0 => Some(string(reader)?),
            index => self.entry(index)?.map(|(name, _)| name.to_vec()),
        };
        let known = name.is_some();
        let field = Field { name: name.unwrap_or_default(), value: string(reader)? };
        if indexed {
            self.insert(field.clone());
        }
        Ok(known.then_some(Item::Field(field)))
    }

    /// Name and value of an entry; `None` when it is not known.
    fn entry(&self, index: u64) -> Result<Option<Entry<'_>>, Flaw> {
        let index = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
        let index = index.ok_or(Flaw::Invalid)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok(Some((name.as_bytes(), value.as_bytes())));
        }
        match self.entries.get(index - STATIC.len()) {
            Some(field) if field.name.is_empty() => Ok(None),
            Some(field) => Ok(Some((&field.name, &field.value))),
            None if self.astray => Ok(None),
            None => Err(Flaw::Invalid),
        }
    }

    fn insert(&mut self, field: Field) {
        let size = field.name.len() + field.value.len() + ENTRY_BYTES;
        self.evict(size);
        if size <= self.limit {
            self.bytes += size;
            self.entries.push_front(field);
        }
    }

    /// Drops the oldest until there is room for `size` bytes.
    fn evict(&mut self, size: usize) {
        while self.bytes + size > self.limit {
            let Some(oldest) = self.entries.pop_back() else { return };
            let size = oldest.name.len() + oldest.value.len() + ENTRY_BYTES;
            self.bytes = self.bytes.saturating_sub(size);
        }
    }
}

/// Section 5.1: the low bits of the first byte, and more bytes when these are all ones.
fn integer(first: u8, bits: u8, reader: &mut Reader<'_>) -> Result<u64, Flaw> {
    let mask = u8::MAX >> (8 - bits);
    let mut number = u64::from(first & mask);
    if first & mask != mask {
        return Ok(number);
    }
    for shift in (0..35).step_by(7) {
        let byte = reader.u8().ok_or(Flaw::Invalid)?;
        number += u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if number > u64::from(u32::MAX) { Err(Flaw::Overflow) } else { Ok(number) };
        }
    }
    Err(Flaw::Overflow)
}

/// Section 5.2.
fn string(reader: &mut Reader<'_>) -> Result<Vec<u8>, Flaw> {
    let first = reader.u8().ok_or(Flaw::Invalid)?;
    let length = usize::try_from(integer(first, 7, reader)?).map_err(|_| Flaw::Overflow)?;
    let bytes = reader.take(length).ok_or(Flaw::Invalid)?;
    if first & 0x80 == 0 {
        return Ok(bytes.to_vec());
    }
    huffman::decode(bytes).ok_or(Flaw::Invalid)
}

/// Appendix A.
static STATIC: &[(&str, &str)] = &[
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(table: &mut Table, block: &[u8]) -> Vec<String> {
        let mut items = Vec::new();
        let result = table.read(block, &mut |item| match item {
            Item::Field(field) => items.push(format!(
                "{}: {}",
                String::from_utf8_lossy(&field.name),
                String::from_utf8_lossy(&field.value)
            )),
            Item::Update(size) => items.push(size.to_string()),
        });
        if let Err(flaw) = result {
            items.push(format!("{flaw:?}"));
        }
        items
    }

    #[test]
    fn requests_are_those_of_the_standard() {
        // RFC 7541, appendix C.3.
        let mut table = Table::default();
        let first = b"\x82\x86\x84\x41\x0fwww.example.com";
        let wanted = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
        assert_eq!(read(&mut table, first), wanted);
        assert_eq!(table.bytes, 57);
        let second = b"\x82\x86\x84\xbe\x58\x08no-cache";
        assert_eq!(read(&mut table, second).last().unwrap(), "cache-control: no-cache");
        let third = b"\x82\x87\x85\xbf\x40\x0acustom-key\x0ccustom-value";
        assert_eq!(read(&mut table, third).last().unwrap(), "custom-key: custom-value");
        assert_eq!(table.bytes, 164);
        assert_eq!(read(&mut table, b"\x20\xbe"), ["0", "Invalid"], "an empty table");
    }

    #[test]
    fn what_is_too_much_is_put_into_the_table_all_the_same() {
        let mut table = Table::default();
        let mut block = b"\x82".repeat(MAX_BLOCK_FIELDS + 5);
        block.extend_from_slice(b"\x40\x01a\x01b");
        assert_eq!(read(&mut table, &block).len(), MAX_BLOCK_FIELDS + 1);
        assert_eq!(read(&mut table, b"\xbe"), ["a: b"]);
    }

    #[test]
    fn what_costs_too_much_is_lost() {
        let mut table = Table::default();
        read(&mut table, b"\x3f\xe1\xff\x03");
        let name = [&b"\x40\x7f\x81\xff\x01"[..], &vec![b'n'; 32_768], b"\x00"].concat();
        assert_eq!(read(&mut table, &name).len(), 1);
        let block = b"\x7e\x00".repeat(30_000);
        let start = std::time::Instant::now();
        assert_eq!(read(&mut table, &block).last().unwrap(), "TooLong");
        assert!(table.astray && table.bytes == 0, "given up");
        assert!(start.elapsed().as_secs() < 2);
    }

    #[test]
    fn after_a_loss_only_what_came_since_is_known() {
        let mut table = Table::default();
        read(&mut table, b"\x40\x01a\x01b");
        table.lose();
        assert_eq!(read(&mut table, b"\xbe\x82\x7e\x01v"), [":method: GET"]);
        assert_eq!(read(&mut table, b"\x40\x01c\x01d"), ["c: d"]);
        // The newest, then one of which the name is not known, then one from before.
        assert_eq!(read(&mut table, b"\xbe\xbf\xc0"), ["c: d"]);
        assert_eq!(read(&mut table, b"\x80"), ["Invalid"]);
    }

    #[test]
    fn a_bomb_stays_small() {
        let mut table = Table::default();
        let mut block = b"\x40\x01a\x7f\x81\x1e".to_vec();
        block.resize(block.len() + 3968, b'x');
        block.resize(block.len() + 60_000, 0xbe);
        let items = read(&mut table, &block);
        assert_eq!(items.last().unwrap(), "TooLong");
        assert!(items.len() < 20);
        assert_eq!(read(&mut table, b"\xff\xff\xff\xff\xff\xff\xff"), ["Overflow"]);
    }
}
