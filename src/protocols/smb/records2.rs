//! Messages of SMB 2 and 3 (MS-SMB2, 2.2).

use super::records1::Created;
use crate::reader::Reader;

/// A message: its header, and its body.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Command.
    pub command: u16,
    /// Status of a response.
    pub status: u32,
    flags: u32,
    /// Whether another message follows in the same record.
    pub chained: bool,
    /// Pairs a request with its response.
    pub message: u64,
    /// Tree; 0 in an asynchronous response.
    pub tree: u32,
    /// Session.
    pub session: u64,
    /// What follows the header.
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message and gives what follows it in its record.
    pub fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != *b"\xfeSMB" {
            return None;
        }
        let header = u32::from(reader.u16_le()?);
        reader.skip(2)?;
        let (status, command) = (reader.u32_le()?, reader.u16_le()?);
        reader.skip(2)?;
        let (flags, next, message) = (reader.u32_le()?, reader.u32_le()?, reader.u64_le()?);
        let tree = if flags & 3 == 3 {
            reader.skip(8)?;
            0
        } else {
            reader.skip(4)?;
            reader.u32_le()?
        };
        let session = reader.u64_le()?;
        reader.skip(16)?;
        let chained = next > header;
        let data = match next.checked_sub(header).filter(|_| chained) {
            Some(length) => reader.take(usize::try_from(length).ok()?)?,
            None => reader.take(reader.left())?,
        };
        let read = Self { command, status, flags, chained, message, tree, session, data };
        Some((read, reader.rest()))
    }

    /// Whether it is a server's.
    pub const fn is_response(&self) -> bool {
        self.flags & 1 != 0
    }

    fn body(&self) -> Reader<'a> {
        Reader::new(self.data)
    }

    /// Dialects and GUID of a client.
    pub fn negotiate(&self) -> Option<(Vec<u16>, [u8; 16])> {
        let mut reader = self.body();
        reader.skip(2)?;
        let count = reader.u16_le()?;
        reader.skip(2 + 2 + 4)?;
        let guid = reader.array()?;
        reader.skip(8)?;
        let mut dialects = Vec::new();
        for _ in 0..count {
            dialects.push(reader.u16_le()?);
        }
        Some((dialects, guid))
    }

    /// Dialect and GUID of a server, the longest read and the longest write; zeros when it
    /// refuses.
    pub fn negotiated(&self) -> Option<(u16, Vec<u8>, u32, u32)> {
        let mut reader = self.body();
        reader.skip(4)?;
        if self.status != 0 {
            return Some((0, Vec::new(), 0, 0));
        }
        let dialect = reader.u16_le()?;
        reader.skip(2)?;
        let guid = reader.take(16)?.to_vec();
        reader.skip(4 + 4)?;
        Some((dialect, guid, reader.u32_le()?, reader.u32_le()?))
    }

    /// The security blob of a session setup.
    pub fn session_setup(&self) -> Option<&'a [u8]> {
        let mut reader = self.body();
        reader.skip(24)?;
        Some(reader.rest())
    }

    /// The path of a tree connect, without zero bytes.
    pub fn tree_connect(&self) -> Option<Vec<u8>> {
        let mut reader = self.body();
        reader.skip(6)?;
        let length = usize::from(reader.u16_le()?);
        let bytes = reader.rest();
        let bytes = bytes.get(..length).unwrap_or(bytes);
        Some(bytes.iter().copied().filter(|byte| *byte != 0).collect())
    }

    /// The kind of share of the answer to a tree connect.
    pub fn tree_connected(&self) -> Option<u8> {
        let mut reader = self.body();
        reader.skip(2)?;
        let kind = reader.u8()?;
        reader.skip(12)?;
        Some(kind)
    }

    /// Disposition, options and name of a file to open.
    pub fn create(&self) -> Option<(u32, u32, &'a [u8])> {
        let mut reader = self.body();
        reader.skip(36)?;
        let (disposition, options) = (reader.u32_le()?, reader.u32_le()?);
        reader.skip(2)?;
        let length = usize::from(reader.u16_le()?);
        reader.skip(8)?;
        Some((disposition, options, reader.take(length)?))
    }

    /// A file that was opened.
    pub fn created(&self) -> Option<Created> {
        let mut reader = self.body();
        reader.skip(8)?;
        let times = [reader.u64_le()?, reader.u64_le()?, reader.u64_le()?, reader.u64_le()?];
        reader.skip(8)?;
        let size = reader.u64_le()?;
        reader.skip(8)?;
        let handle = reader.take(16)?.to_vec();
        reader.skip(8)?;
        Some(Created { handle, times, size })
    }

    /// The file that is closed.
    pub fn close(&self) -> Option<&'a [u8]> {
        let mut reader = self.body();
        reader.skip(8)?;
        reader.take(16)
    }

    /// File, place and length of what is to be read.
    pub fn read_request(&self) -> Option<(&'a [u8], u64, u32)> {
        let mut reader = self.body();
        reader.skip(4)?;
        let (length, offset) = (reader.u32_le()?, reader.u64_le()?);
        let handle = reader.take(16)?;
        reader.skip(16)?;
        Some((handle, offset, length))
    }

    /// The length of what was read, and as much of it as came.
    pub fn read_answer(&self) -> Option<(u32, &'a [u8])> {
        let mut reader = self.body();
        reader.skip(4)?;
        let length = reader.u32_le()?;
        reader.skip(8)?;
        Some((length, up_to(reader.rest(), length)))
    }

    /// File, place and length of what is written, and as much of it as came.
    pub fn write(&self) -> Option<(&'a [u8], u64, u32, &'a [u8])> {
        let mut reader = self.body();
        reader.skip(4)?;
        let (length, offset) = (reader.u32_le()?, reader.u64_le()?);
        let handle = reader.take(16)?;
        reader.skip(16)?;
        Some((handle, offset, length, up_to(reader.rest(), length)))
    }

    /// Function, file and input of a control.
    pub fn ioctl(&self) -> Option<(u32, &'a [u8], &'a [u8])> {
        let mut reader = self.body();
        reader.skip(4)?;
        let function = reader.u32_le()?;
        let handle = reader.take(16)?;
        reader.skip(4)?;
        let length = usize::try_from(reader.u32_le()?).ok()?;
        reader.skip(4 + 4 + 4 + 12)?;
        Some((function, handle, reader.take(length)?))
    }

    /// Function, file and output of the answer to a control.
    pub fn ioctl_answer(&self) -> Option<(u32, &'a [u8], &'a [u8])> {
        let mut reader = self.body();
        reader.skip(4)?;
        let function = reader.u32_le()?;
        let handle = reader.take(16)?;
        reader.skip(4)?;
        let input = usize::try_from(reader.u32_le()?).ok()?;
        reader.skip(4)?;
        let output = usize::try_from(reader.u32_le()?).ok()?;
        reader.skip(8)?;
        reader.skip(input)?;
        Some((function, handle, reader.take(output)?))
    }

    /// Information that is set of a file.
    pub fn set_info(&self) -> Option<SetInfo<'a>> {
        let mut reader = self.body();
        reader.skip(2)?;
        let (class, level) = (reader.u8()?, reader.u8()?);
        let size = usize::try_from(reader.u32_le()?).ok()?;
        reader.skip(8)?;
        let handle = reader.take(16)?;
        let mut data = reader.sub(size)?;
        let change = match (class, level) {
            (1, 10) => {
                data.skip(16)?;
                let length = usize::try_from(data.u32_le()?).ok()?;
                let name = data.take(length)?;
                Change::Name(name.iter().copied().filter(|byte| *byte != 0).collect())
            }
            (1, 13) => Change::Delete(data.u8()? & 1 != 0),
            _ => Change::Other,
        };
        Some(SetInfo { class, level, handle, change })
    }
}

/// Information that is set of a file (MS-FSCC, 2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetInfo<'a> {
    /// Class of the information.
    pub class: u8,
    /// Level of the information.
    pub level: u8,
    /// The file.
    pub handle: &'a [u8],
    /// What changes.
    pub change: Change,
}

/// What changes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its name.
    Name(Vec<u8>),
    /// Whether it is deleted when it is closed.
    Delete(bool),
    /// Something else.
    Other,
}

fn up_to(bytes: &[u8], length: u32) -> &[u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    bytes.get(..length).unwrap_or(bytes)
}
