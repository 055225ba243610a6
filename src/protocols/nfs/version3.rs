//! Versions 2 and 3: one procedure a call (RFC 1094, RFC 1813).

use super::events;
use super::state::{Pending, Piece, State, cut};
use super::transaction::{Detail, Transaction, procedure};
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::rpc::{Call, Reply, content, opaque};
use crate::reader::Reader;

/// Bytes of a handle in version 2, and the most in version 3.
const HANDLE_BYTES: [usize; 2] = [32, 64];
/// Bytes of the attributes of a file in version 2, and in version 3.
const ATTRIBUTE_BYTES: [usize; 2] = [68, 84];
/// Names that are taken from one list of a directory.
const ENTRIES_MAX: usize = 256;
/// How a piece is written that is at once on the disk: the file is whole with it.
const FILE_SYNC: u32 = 2;

/// A handle.
pub fn handle<'a>(version: u32, reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let [fixed, most] = HANDLE_BYTES;
    match version {
        2 => reader.take(fixed),
        _ => opaque(reader).filter(|handle| handle.len() <= most),
    }
}

/// What a call to write holds: its handle, place, whether it is the last, and as much of the
/// content as came of all of it.
struct Write<'a> {
    handle: &'a [u8],
    offset: u64,
    last: bool,
    content: (u64, &'a [u8]),
}

impl<'a> Write<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let handle = handle(3, &mut reader)?;
        let offset = reader.u64()?;
        reader.skip(4)?;
        let last = reader.u32()? == FILE_SYNC;
        Some(Self { handle, offset, last, content: content(&mut reader)? })
    }
}

/// What the reply to a call to read holds.
struct ReadAnswer<'a> {
    status: u32,
    /// Size of the file, where it is told.
    size: Option<u64>,
    last: bool,
    content: (u64, &'a [u8]),
}

impl<'a> ReadAnswer<'a> {
    fn read(version: u32, bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let [attributes2, attributes3] = ATTRIBUTE_BYTES;
        let status = reader.u32()?;
        let mut answer = Self { status, size: None, last: true, content: (0, &[]) };
        if status != 0 {
            return Some(answer);
        }
        if version == 2 {
            let mut attributes = reader.sub(attributes2)?;
            attributes.skip(20)?;
            answer.size = attributes.u32().map(u64::from);
        } else {
            if reader.u32()? == 1 {
                reader.skip(attributes3)?;
            }
            reader.skip(4)?;
            answer.last = reader.u32()? != 0;
        }
        answer.content = content(&mut reader)?;
        Some(answer)
    }
}

impl State {
    /// The beginning of a call that writes, or all of it: the exchange, and how much of the
    /// content is to come. `None` when it is not enough, or another call.
    pub fn write3(&mut self, call: &Call<'_>, signals: &mut Vec<Signal>) -> Option<(u64, u64)> {
        let write = Write::read(call.body)?;
        let (length, data) = write.content;
        let piece = Piece {
            call: call.id,
            of: (call.version, call.procedure),
            caller: &call.caller,
            handle: write.handle,
            offset: write.offset,
            data,
            last: write.last,
        };
        let id = self.piece(Direction::ToServer, &piece, signals);
        let (version, procedure) = piece.of;
        self.calls.insert(call.id, Pending { version, procedure, ..Pending::default() });
        Some((id, length.saturating_sub(data.len() as u64)))
    }

    /// The same of a reply that carries what was read. The exchange is `None` when there is none.
    pub fn read3(
        &mut self,
        reply: &Reply<'_>,
        call: &Pending,
        signals: &mut Vec<Signal>,
    ) -> Option<(Option<u64>, u64)> {
        let answer = ReadAnswer::read(call.version, reply.body)?;
        if answer.status != 0 {
            let open = self.transfer(&call.handle, Direction::ToClient);
            if let Some(transaction) = open.and_then(|id| self.transactions.get_mut(id)) {
                (transaction.denied, transaction.status) = (reply.state, answer.status);
            }
            open.into_iter().for_each(|id| self.close(id, signals));
            return Some((None, 0));
        }
        let (length, data) = answer.content;
        let end = call.offset.saturating_add(length);
        let piece = Piece {
            call: reply.id,
            of: (call.version, call.procedure),
            caller: &call.caller,
            handle: &call.handle,
            offset: call.offset,
            data,
            last: answer.size.map_or(answer.last, |size| size <= end),
        };
        let id = self.piece(Direction::ToClient, &piece, signals);
        Some((Some(id), length.saturating_sub(data.len() as u64)))
    }

    /// A whole call.
    pub fn call3(&mut self, call: &Call<'_>, signals: &mut Vec<Signal>) {
        let mut reader = Reader::new(call.body);
        let mut pending = Pending {
            version: call.version,
            procedure: call.procedure,
            caller: call.caller.clone(),
            ..Pending::default()
        };
        let is_written = call.version == 3 && call.procedure == procedure::WRITE;
        if is_written {
            match self.write3(call, signals) {
                Some((id, _)) => self.piece_ended(id, signals),
                None => self.raise(Direction::ToServer, &events::MALFORMED, signals),
            }
            return;
        }
        let detail = if call.procedure == procedure::NULL {
            Some(Detail::Plain)
        } else {
            self.arguments(&mut reader, &mut pending)
        };
        let detail = detail.unwrap_or_else(|| {
            self.raise(Direction::ToServer, &events::MALFORMED, signals);
            Detail::Plain
        });
        if call.procedure == procedure::READ {
            let piece = Piece {
                call: call.id,
                of: (call.version, call.procedure),
                caller: &pending.caller,
                handle: &pending.handle,
                offset: pending.offset,
                data: &[],
                last: false,
            };
            self.transfer_of(Direction::ToClient, &piece, signals);
        } else {
            if call.procedure == procedure::COMMIT {
                self.end_transfer(&pending.handle, call.id, signals);
            }
            let new = Transaction {
                call: call.id,
                version: call.version,
                procedure: call.procedure,
                name: pending.name.clone(),
                // The handle of the directory is not the one of what is looked for.
                handle: match call.procedure {
                    procedure::LOOKUP if call.version == 3 => Vec::new(),
                    _ => pending.handle.clone(),
                },
                caller: pending.caller.clone(),
                detail,
                ..Transaction::default()
            };
            self.open(new, signals);
        }
        self.calls.insert(call.id, pending);
    }

    /// Arguments: a handle, and names in the directory that it is of.
    fn arguments(&self, reader: &mut Reader<'_>, pending: &mut Pending) -> Option<Detail> {
        use procedure::{CREATE, LOOKUP, MKDIR, MKNOD, READ, REMOVE, RENAME, RMDIR, SYMLINK};
        pending.handle = handle(pending.version, reader)?.to_vec();
        // Version 2 has no ACCESS: its numbers are others from there on, but for what matters.
        match pending.procedure {
            READ => {
                pending.name = self.name_of(&pending.handle);
                pending.offset = match pending.version {
                    2 => reader.u32()?.into(),
                    _ => reader.u64()?,
                };
            }
            LOOKUP => pending.name = cut(opaque(reader)?),
            _ if pending.version == 2 => {}
            CREATE | MKDIR | SYMLINK | MKNOD | REMOVE | RMDIR | RENAME => {
                pending.name = cut(opaque(reader)?);
                if pending.procedure == RENAME {
                    handle(pending.version, reader)?;
                    return Some(Detail::Rename(cut(opaque(reader)?)));
                }
            }
            _ => pending.name = self.name_of(&pending.handle),
        }
        Some(Detail::Plain)
    }

    /// A whole reply.
    pub fn reply3(&mut self, reply: &Reply<'_>, call: &Pending, signals: &mut Vec<Signal>) {
        let way = Direction::ToClient;
        if call.procedure == procedure::READ && reply.state == 0 && reply.outcome == 0 {
            match self.read3(reply, call, signals) {
                Some((Some(id), _)) => self.piece_ended(id, signals),
                Some((None, _)) => {}
                None => self.raise(way, &events::MALFORMED, signals),
            }
            return;
        }
        let mut reader = Reader::new(reply.body);
        let status = reader.u32().unwrap_or_default();
        let mut named = Vec::new();
        if status == 0 && reply.state == 0 && call.version == 3 {
            let found = match call.procedure {
                procedure::LOOKUP => handle(3, &mut reader),
                procedure::CREATE | procedure::MKDIR => match reader.u32() {
                    Some(1) => handle(3, &mut reader),
                    Some(_) => Some(&[][..]),
                    None => None,
                },
                procedure::READDIRPLUS => self.list(&mut reader).map(|()| &[][..]),
                _ => Some(&[][..]),
            };
            match found {
                Some(found) => named = found.to_vec(),
                None => self.raise(way, &events::MALFORMED, signals),
            }
            self.name(&named, &call.name);
        }
        self.answered(reply.id, reply.state, status, &named, signals);
    }

    /// What a directory holds: names with their handles (RFC 1813, 3.3.17).
    fn list(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let [_, attributes] = ATTRIBUTE_BYTES;
        let optional = |reader: &mut Reader<'_>| match reader.u32()? {
            0 => Some(()),
            _ => reader.skip(attributes),
        };
        optional(reader)?;
        reader.skip(8)?;
        for _ in 0..ENTRIES_MAX {
            if reader.u32()? == 0 {
                break;
            }
            reader.skip(8)?;
            let name = opaque(reader)?;
            reader.skip(8)?;
            optional(reader)?;
            if reader.u32()? != 0 {
                let handle = handle(3, reader)?;
                self.name(handle, name);
            }
        }
        Some(())
    }
}
