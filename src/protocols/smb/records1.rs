//! Messages of SMB 1 (MS-CIFS, 2.2; MS-SMB, 2.2).

use crate::reader::Reader;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 32;

/// A message: its header, and all that follows it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Command.
    pub command: u8,
    /// Status: an NTSTATUS, or class and code of an error of DOS.
    pub status: u32,
    flags: u8,
    flags2: u16,
    /// Tree.
    pub tree: u16,
    /// User, which stands for the session.
    pub user: u16,
    /// Pairs a request with its response.
    pub multiplex: u16,
    /// What follows the header.
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != *b"\xffSMB" {
            return None;
        }
        let (command, status) = (reader.u8()?, reader.u32_le()?);
        let (flags, flags2) = (reader.u8()?, reader.u16_le()?);
        reader.skip(12)?;
        let tree = reader.u16_le()?;
        reader.skip(2)?;
        let (user, multiplex) = (reader.u16_le()?, reader.u16_le()?);
        let data = reader.rest();
        Some(Self { command, status, flags, flags2, tree, user, multiplex, data })
    }

    /// Whether it is a server's.
    pub const fn is_response(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// Whether its status is an error of DOS.
    pub const fn is_dos_error(&self) -> bool {
        self.flags2 & 0x4000 == 0
    }

    const fn is_unicode(&self) -> bool {
        self.flags2 & 0x8000 != 0
    }

    /// The part of a chain of commands that begins at this place of the message.
    pub fn block(&self, offset: usize) -> Block<'a> {
        let bytes = offset.checked_sub(HEADER_BYTES).and_then(|at| self.data.get(at..));
        Block { bytes: bytes.unwrap_or_default(), offset, unicode: self.is_unicode() }
    }

    /// What the chain goes on with: the next command and its place, beyond `offset`.
    pub fn chained(&self, offset: usize) -> Option<(u8, usize)> {
        let mut reader = Reader::new(self.block(offset).bytes);
        reader.skip(1)?;
        let command = reader.u8()?;
        reader.skip(1)?;
        let next = usize::from(reader.u16_le()?);
        let within = next.checked_sub(HEADER_BYTES).is_some_and(|at| at < self.data.len());
        (command != 0xff && next > offset && within).then_some((command, next))
    }

    /// A key for what belongs to a file of the session.
    pub fn file_key(&self, fid: [u8; 2]) -> Vec<u8> {
        let mut key = fid.to_vec();
        key.extend_from_slice(&u32::from(self.user).to_be_bytes());
        key
    }
}

/// Parameters and data of one command.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    offset: usize,
    unicode: bool,
}

/// Content that is written, or that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// The file.
    pub fid: [u8; 2],
    /// Its place in the file.
    pub offset: u64,
    /// Its length, bytes.
    pub length: u32,
    /// As much of it as came.
    pub data: &'a [u8],
}

/// A file that is opened or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Its name.
    pub name: Vec<u8>,
    /// What to do when it exists or not.
    pub disposition: u32,
    /// How it is opened.
    pub options: u32,
}

/// What is told of a file that was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// Its handle.
    pub handle: Vec<u8>,
    /// Made, read, written and changed: 100 ns since 1601.
    pub times: [u64; 4],
    /// Its size, bytes.
    pub size: u64,
}

/// A transaction (SMB_COM_TRANSACTION) with a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipe<'a> {
    /// The pipe.
    pub fid: [u8; 2],
    /// What is written to it.
    pub data: &'a [u8],
}

/// A transaction of the second kind (SMB_COM_TRANSACTION2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction2<'a> {
    /// What it does.
    pub command: u16,
    /// Parameters.
    pub parameters: &'a [u8],
    /// Data.
    pub data: &'a [u8],
}

impl<'a> Block<'a> {
    /// The dialects that a client offers, each behind the byte of its format; empty ones too.
    pub fn dialects(&self) -> Option<Vec<&'a [u8]>> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(3)?;
        let mut dialects: Vec<&[u8]> = reader.rest().split(|byte| *byte == 0).collect();
        dialects.pop();
        (!dialects.is_empty()).then_some(dialects)
    }

    /// The chosen dialect, by its number, and the server's GUID.
    pub fn negotiated(&self) -> Option<(u16, &'a [u8])> {
        let mut reader = Reader::new(self.bytes);
        if reader.u8()? == 0 {
            return Some((0, &[]));
        }
        let dialect = reader.u16_le()?;
        reader.skip(1 + 16 + 4 + 8 + 2 + 1)?;
        let guid = if reader.u16_le()? >= 16 { reader.take(16)? } else { &[] };
        Some((dialect, guid))
    }

    /// The security blob of a session setup, and what follows it.
    pub fn session_setup(&self) -> Option<(&'a [u8], Reader<'a>)> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(15)?;
        let length = usize::from(reader.u16_le()?);
        reader.skip(10)?;
        Some((reader.take(length)?, reader))
    }

    /// What follows the security blob of the answer to a session setup.
    pub fn session_answer(&self) -> Option<Reader<'a>> {
        let mut reader = Reader::new(self.bytes);
        match reader.u8()? {
            0 => reader.skip(2)?,
            3 => reader.skip(6 + 2)?,
            _ => {
                reader.skip(6)?;
                let length = usize::from(reader.u16_le()?);
                reader.skip(2)?;
                reader.skip(length)?;
            }
        }
        Some(reader)
    }

    /// Up to `N` texts that follow one another.
    pub fn texts<const N: usize>(&self, mut reader: Reader<'a>) -> [Vec<u8>; N] {
        if self.unicode && reader.left() > 1 {
            let place = self.bytes.len().saturating_sub(reader.left()) + self.offset;
            reader.skip(place % 2);
        }
        let mut texts = [const { Vec::new() }; N];
        for text in &mut texts {
            match text_of(&mut reader, self.unicode) {
                Some(read) => *text = read,
                None => break,
            }
        }
        texts
    }

    /// Path and service of a tree connect.
    pub fn tree_connect(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(7)?;
        let password = usize::from(reader.u16_le()?);
        reader.skip(2)?;
        reader.skip(password)?;
        if self.unicode {
            reader.skip((11 + password) % 2)?;
        }
        let path = text_of(&mut reader, self.unicode)?;
        Some((path, text_of(&mut reader, false)?))
    }

    /// The service of the answer to a tree connect.
    pub fn tree_connected(&self) -> Option<Vec<u8>> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        reader.skip(4)?;
        if words >= 3 {
            reader.skip(2)?;
        }
        if words == 7 {
            reader.skip(8)?;
        }
        reader.skip(2)?;
        let service = text_of(&mut reader, false)?;
        text_of(&mut reader, false)?;
        Some(service)
    }

    /// A file to open.
    pub fn create(&self) -> Option<Create> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(6)?;
        let length = reader.u16_le()?;
        reader.skip(28)?;
        let (disposition, options) = (reader.u32_le()?, reader.u32_le()?);
        reader.skip(5)?;
        let bytes = reader.u16_le()?;
        let name = match bytes.checked_sub(length) {
            Some(padding) => {
                if self.unicode {
                    reader.skip(usize::from(padding) % 2)?;
                }
                text_of(&mut reader, self.unicode)?
            }
            None => Vec::new(),
        };
        Some(Create { name, disposition, options })
    }

    /// A file that was opened.
    pub fn created(&self) -> Option<Created> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        reader.skip(5)?;
        let handle = reader.take(2)?.to_vec();
        reader.skip(4)?;
        let times = [reader.u64_le()?, reader.u64_le()?, reader.u64_le()?, reader.u64_le()?];
        reader.skip(4)?;
        let size = reader.u64_le()?;
        reader.skip(8 + 2 + 2 + 1)?;
        if words == 42 {
            reader.skip(32)?;
        }
        reader.skip(2)?;
        Some(Created { handle, times, size })
    }

    /// The file that is closed.
    pub fn close(&self) -> Option<[u8; 2]> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1)?;
        reader.array()
    }

    /// What is to be read: the file and the place.
    pub fn read_request(&self) -> Option<([u8; 2], u64)> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        reader.skip(4)?;
        let fid = reader.array()?;
        let low = u64::from(reader.u32_le()?);
        reader.skip(2 + 2 + 4 + 2)?;
        let high = if words == 12 { u64::from(reader.u32_le()?) } else { 0 };
        Some((fid, if words == 12 { high << 32 | low } else { 0 }))
    }

    /// What was read: its length and as much as came.
    pub fn read_answer(&self) -> Option<(u32, &'a [u8])> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1 + 4 + 6)?;
        let low = reader.u16_le()?;
        let offset = reader.u16_le()?;
        let high = reader.u32_le()?;
        reader.skip(6)?;
        let bytes = reader.u16_le()?;
        self.pad(&mut reader, bytes.saturating_sub(low), offset)?;
        let length = (high & 0xffff) << 16 | u32::from(low);
        Some((length, up_to(reader.rest(), length)))
    }

    /// What is written (SMB_COM_WRITE_ANDX).
    pub fn write_andx(&self) -> Option<Content<'a>> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        reader.skip(4)?;
        let fid = reader.array()?;
        let low = u64::from(reader.u32_le()?);
        reader.skip(4 + 2 + 2)?;
        let (length_high, length) = (reader.u16_le()?, reader.u16_le()?);
        let place = reader.u16_le()?;
        let offset = if words == 14 { u64::from(reader.u32_le()?) << 32 | low } else { 0 };
        let bytes = reader.u16_le()?;
        self.pad(&mut reader, bytes.saturating_sub(length), place)?;
        let length = u32::from(length_high) << 16 | u32::from(length);
        Some(Content { fid, offset, length, data: up_to(reader.rest(), length) })
    }

    /// What is written (SMB_COM_WRITE).
    pub fn write(&self) -> Option<Content<'a>> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1)?;
        let fid = reader.array()?;
        reader.skip(2)?;
        let offset = u64::from(reader.u32_le()?);
        reader.skip(2 + 2 + 1)?;
        let length = reader.u16_le()?;
        let data = reader.take(length.into())?;
        Some(Content { fid, offset, length: length.into(), data })
    }

    /// What is written before the file is closed (SMB_COM_WRITE_AND_CLOSE).
    pub fn write_and_close(&self) -> Option<Content<'a>> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1)?;
        let fid = reader.array()?;
        let length = reader.u16_le()?;
        let offset = u64::from(reader.u32_le()?);
        reader.skip(4)?;
        let bytes = reader.u16_le()?;
        reader.skip(bytes.saturating_sub(length).into())?;
        let data = reader.take(length.into())?;
        Some(Content { fid, offset, length: length.into(), data })
    }

    /// Old and new name of a file.
    pub fn rename(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1 + 2 + 2 + 1)?;
        let old = text_of(&mut reader, true)?;
        reader.skip(1 + 1)?;
        Some((old, text_of(&mut reader, true)?))
    }

    /// A transaction: the pipe that it is with, if it is.
    pub fn transaction(&self) -> Option<Option<Pipe<'a>>> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        reader.skip(2 * 4 + 2 + 2 + 4 + 2)?;
        reader.skip(2 + 2)?;
        let length = reader.u16_le()?;
        let place = usize::from(reader.u16_le()?);
        let setup = reader.u8()?;
        reader.skip(1)?;
        if words != 16 || setup != 2 || length == 0 {
            return Some(None);
        }
        reader.skip(2)?;
        let fid = reader.array()?;
        let mut whole = Reader::new(self.bytes);
        whole.skip(place.checked_sub(self.offset)?)?;
        Some(Some(Pipe { fid, data: whole.take(length.into())? }))
    }

    /// The data of the answer to a transaction.
    pub fn transacted(&self) -> Option<&'a [u8]> {
        let mut reader = Reader::new(self.bytes);
        let words = reader.u8()?;
        if words == 0 {
            reader.skip(2)?;
            return Some(&[]);
        }
        reader.skip(2 * 6)?;
        let length = reader.u16_le()?;
        let place = reader.u16_le()?;
        reader.skip(2 + 1 + 1 + 2)?;
        self.pad(&mut reader, 1, place)?;
        reader.take(length.into())
    }

    /// Moves to where content begins: `place`, counted from the start of the message; where that
    /// cannot be, past so many bytes of padding.
    fn pad(&self, reader: &mut Reader<'_>, padding: u16, place: u16) -> Option<()> {
        let here = self.offset + reader.position();
        match usize::from(place).checked_sub(here) {
            Some(distance) => reader.skip(distance),
            None => reader.skip(padding.into()),
        }
    }

    /// A transaction of the second kind.
    pub fn transaction2(&self) -> Option<Transaction2<'a>> {
        let mut reader = Reader::new(self.bytes);
        reader.skip(1 + 2 * 4 + 2 + 2 + 4 + 2)?;
        let parameters = reader.u16_le()?;
        reader.skip(2)?;
        let data = reader.u16_le()?;
        reader.skip(2 + 2)?;
        let command = reader.u16_le()?;
        reader.skip(2 + 3)?;
        let parameters = reader.take(parameters.into())?;
        Some(Transaction2 { command, parameters, data: reader.take(data.into())? })
    }
}

impl Transaction2<'_> {
    /// The path that information is set of (TRANS2_SET_PATH_INFORMATION), and its level.
    pub fn path(&self) -> Option<(Vec<u8>, u16)> {
        let mut reader = Reader::new(self.parameters);
        let level = reader.u16_le()?;
        reader.skip(4)?;
        Some((text_of(&mut reader, true)?, level))
    }

    /// The file that information is set of (TRANS2_SET_FILE_INFORMATION), and its level.
    pub fn file(&self) -> Option<([u8; 2], u16)> {
        let mut reader = Reader::new(self.parameters);
        Some((reader.array()?, reader.u16_le()?))
    }

    /// Whether the file is to be deleted.
    pub fn disposition(&self) -> Option<bool> {
        let mut reader = Reader::new(self.data);
        Some(reader.array::<4>()?.first().is_some_and(|byte| byte & 1 != 0))
    }

    /// The new name of the file, without zero bytes.
    pub fn new_name(&self) -> Option<Vec<u8>> {
        let mut reader = Reader::new(self.data);
        reader.skip(8)?;
        let length = usize::try_from(reader.u32_le()?).ok()?;
        Some(reader.take(length)?.iter().copied().filter(|byte| *byte != 0).collect())
    }
}

fn up_to(bytes: &[u8], length: u32) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.get(..length).unwrap_or(bytes)
}

/// A text that ends with a zero; of UTF-16 the low bytes.
fn text_of(reader: &mut Reader<'_>, unicode: bool) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    if !unicode {
        loop {
            match reader.u8()? {
                0 => return Some(text),
                byte => text.push(byte),
            }
        }
    }
    loop {
        match reader.take(2) {
            Some([0, 0]) => return Some(text),
            Some([low, _]) => text.push(*low),
            _ => return (reader.rest() == [0]).then_some(text),
        }
    }
}
