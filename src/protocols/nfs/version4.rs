//! Version 4: many operations a call (RFC 7530, RFC 8881). Those are read that come before what
//! matters; at one that is not known reading ends, as its length is not.

use super::events;
use super::state::{Pending, Piece, State, cut};
use super::transaction::Transaction;
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::rpc::{Call, Reply, content, opaque};
use crate::reader::Reader;

/// The procedure that carries operations.
const COMPOUND: u32 = 1;
/// Operations in one call that are looked at.
const OPERATIONS_MAX: u32 = 128;
/// Bytes of the longest handle.
const HANDLE_BYTES: usize = 128;
/// Bytes of what names an open file, and of what tells that a directory changed.
const STATE_BYTES: usize = 16;
const CHANGE_BYTES: usize = 20;

/// Operations (RFC 7530, 16; RFC 8881, 18).
mod operation {
    pub const ACCESS: u32 = 3;
    pub const CLOSE: u32 = 4;
    pub const COMMIT: u32 = 5;
    pub const CREATE: u32 = 6;
    pub const DELEGRETURN: u32 = 8;
    pub const GETATTR: u32 = 9;
    pub const GETFH: u32 = 10;
    pub const LINK: u32 = 11;
    pub const LOOKUP: u32 = 15;
    pub const LOOKUPP: u32 = 16;
    pub const NVERIFY: u32 = 17;
    pub const OPEN: u32 = 18;
    pub const OPEN_CONFIRM: u32 = 20;
    pub const OPEN_DOWNGRADE: u32 = 21;
    pub const PUTFH: u32 = 22;
    pub const PUTPUBFH: u32 = 23;
    pub const PUTROOTFH: u32 = 24;
    pub const READ: u32 = 25;
    pub const READDIR: u32 = 26;
    pub const READLINK: u32 = 27;
    pub const REMOVE: u32 = 28;
    pub const RENAME: u32 = 29;
    pub const RENEW: u32 = 30;
    pub const RESTOREFH: u32 = 31;
    pub const SAVEFH: u32 = 32;
    pub const SECINFO: u32 = 33;
    pub const SETATTR: u32 = 34;
    pub const SETCLIENTID: u32 = 35;
    pub const SETCLIENTID_CONFIRM: u32 = 36;
    pub const VERIFY: u32 = 37;
    pub const WRITE: u32 = 38;
    pub const RELEASE_LOCKOWNER: u32 = 39;
    pub const DESTROY_SESSION: u32 = 44;
    pub const SECINFO_NO_NAME: u32 = 52;
    pub const SEQUENCE: u32 = 53;
    pub const DESTROY_CLIENTID: u32 = 57;
    pub const RECLAIM_COMPLETE: u32 = 58;
}

/// Why reading ended.
enum Stop {
    /// It is not written as it must be.
    Broken,
    /// It is not known.
    Unknown,
}

type Result<T> = std::result::Result<T, Stop>;

fn need<T>(read: Option<T>) -> Result<T> {
    read.ok_or(Stop::Broken)
}

/// A set of attributes, by bits.
fn bitmap(reader: &mut Reader<'_>) -> Option<()> {
    let words = usize::try_from(reader.u32()?).ok()?;
    reader.skip(words.checked_mul(4)?)
}

/// Attributes with their values.
fn attributes(reader: &mut Reader<'_>) -> Option<()> {
    bitmap(reader)?;
    opaque(reader).map(|_| ())
}

fn handle<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    opaque(reader).filter(|handle| handle.len() <= HANDLE_BYTES)
}

/// Content that is all there.
fn whole<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let (length, data) = content(reader)?;
    let missing = length > data.len() as u64;
    // The last fill may be left out.
    let fill = crate::protocols::formats::rpc::padding(data.len()).min(reader.left());
    reader.skip(fill)?;
    (!missing).then_some(data)
}

/// Opens a file (RFC 7530, 16.16): its name, when it is opened by one.
fn open<'a>(reader: &mut Reader<'a>) -> Option<Option<&'a [u8]>> {
    reader.skip(4 + 4 + 4 + 8)?;
    opaque(reader)?;
    if reader.u32()? == 1 {
        match reader.u32()? {
            0 | 1 => attributes(reader)?,
            2 => reader.skip(8)?,
            _ => {
                reader.skip(8)?;
                attributes(reader)?;
            }
        }
    }
    match reader.u32()? {
        0 | 3 => opaque(reader).map(Some),
        1 => reader.skip(4).map(|()| None),
        2 => {
            reader.skip(STATE_BYTES)?;
            opaque(reader).map(Some)
        }
        5 => reader.skip(STATE_BYTES).map(|()| None),
        _ => Some(None),
    }
}

/// Makes something that is not a file (RFC 7530, 16.4): its name.
fn create<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    match reader.u32()? {
        5 => opaque(reader).map(|_| ())?,
        3 | 4 => reader.skip(8)?,
        _ => {}
    }
    let name = opaque(reader)?;
    attributes(reader)?;
    Some(name)
}

/// Passes over the arguments of an operation of which nothing is told.
fn pass(operation: u32, reader: &mut Reader<'_>) -> Result<()> {
    use operation::*;
    need(match operation {
        GETFH | LOOKUPP | PUTPUBFH | PUTROOTFH | READLINK | RESTOREFH | SAVEFH => Some(()),
        ACCESS | SECINFO_NO_NAME | RECLAIM_COMPLETE => reader.skip(4),
        RENEW | DESTROY_CLIENTID => reader.skip(8),
        DELEGRETURN | SETCLIENTID_CONFIRM | DESTROY_SESSION => reader.skip(16),
        OPEN_CONFIRM => reader.skip(STATE_BYTES + 4),
        OPEN_DOWNGRADE => reader.skip(STATE_BYTES + 12),
        SEQUENCE => reader.skip(32),
        GETATTR => bitmap(reader),
        NVERIFY | VERIFY => attributes(reader),
        SETATTR => reader.skip(STATE_BYTES).and_then(|()| attributes(reader)),
        READDIR => reader.skip(24).and_then(|()| bitmap(reader)),
        LINK | SECINFO => opaque(reader).map(|_| ()),
        RENAME => opaque(reader).and_then(|_| opaque(reader)).map(|_| ()),
        RELEASE_LOCKOWNER => reader.skip(8).and_then(|()| opaque(reader)).map(|_| ()),
        SETCLIENTID => (|| {
            reader.skip(8)?;
            opaque(reader)?;
            reader.skip(4)?;
            opaque(reader)?;
            opaque(reader)?;
            reader.skip(4)
        })(),
        _ => return Err(Stop::Unknown),
    })
}

/// Passes over the results of an operation that went well and of which nothing is told.
fn pass_result(operation: u32, reader: &mut Reader<'_>) -> Result<()> {
    use operation::*;
    need(match operation {
        LOOKUP | LOOKUPP | NVERIFY | VERIFY | PUTFH | PUTPUBFH | PUTROOTFH | RENEW | RESTOREFH
        | SAVEFH | DELEGRETURN | SETCLIENTID_CONFIRM | DESTROY_SESSION | DESTROY_CLIENTID
        | RECLAIM_COMPLETE | RELEASE_LOCKOWNER => Some(()),
        ACCESS | COMMIT => reader.skip(8),
        CLOSE | OPEN_CONFIRM | OPEN_DOWNGRADE | WRITE => reader.skip(16),
        LINK | REMOVE => reader.skip(CHANGE_BYTES),
        RENAME => reader.skip(2 * CHANGE_BYTES),
        SEQUENCE => reader.skip(36),
        GETATTR => attributes(reader),
        SETATTR => bitmap(reader),
        CREATE => reader.skip(CHANGE_BYTES).and_then(|()| bitmap(reader)),
        OPEN => opened(reader),
        _ => return Err(Stop::Unknown),
    })
}

/// The results of opening a file.
fn opened(reader: &mut Reader<'_>) -> Option<()> {
    reader.skip(STATE_BYTES + CHANGE_BYTES + 4)?;
    bitmap(reader)?;
    let kind = reader.u32()?;
    match kind {
        1 | 2 => {
            reader.skip(STATE_BYTES + 4)?;
            if kind == 2 {
                reader.skip(12)?;
            }
            reader.skip(12)?;
            opaque(reader).map(|_| ())
        }
        3 => match reader.u32()? {
            1 | 2 => reader.skip(4),
            _ => Some(()),
        },
        _ => Some(()),
    }
}

impl State {
    /// A whole call.
    pub fn call4(&mut self, call: &Call<'_>, signals: &mut Vec<Signal>) {
        let mut pending = Pending {
            version: call.version,
            procedure: call.procedure,
            caller: call.caller.clone(),
            ..Pending::default()
        };
        if call.procedure == COMPOUND {
            let mut reader = Reader::new(call.body);
            let matters = match unwrapped(&mut reader, call.caller.is_wrapped()) {
                Some(mut reader) => self.operations(call, &mut reader, &mut pending, signals),
                None => Err(Stop::Broken),
            };
            match matters {
                Ok(0) | Err(Stop::Unknown) => {}
                Ok(operation) => {
                    let new = Transaction {
                        call: call.id,
                        version: call.version,
                        procedure: operation,
                        name: pending.name.clone(),
                        handle: pending.handle.clone(),
                        caller: call.caller.clone(),
                        ..Transaction::default()
                    };
                    self.open(new, signals);
                }
                Err(Stop::Broken) => {
                    self.raise(Direction::ToServer, &events::MALFORMED, signals);
                }
            }
        }
        self.calls.insert(call.id, pending);
    }

    /// The operations of a call: which one makes it an exchange to tell of, 0 when none does.
    fn operations(
        &mut self,
        call: &Call<'_>,
        reader: &mut Reader<'_>,
        pending: &mut Pending,
        signals: &mut Vec<Signal>,
    ) -> Result<u32> {
        need(opaque(reader))?;
        need(reader.skip(4))?;
        let count = need(reader.u32())?.min(OPERATIONS_MAX);
        let (mut current, mut matters): (&[u8], u32) = (&[], 0);
        for _ in 0..count {
            let operation = need(reader.u32())?;
            match operation {
                operation::PUTFH => current = need(handle(reader))?,
                operation::LOOKUP => pending.name = cut(need(opaque(reader))?),
                operation::OPEN => {
                    if let Some(name) = need(open(reader))? {
                        pending.name = cut(name);
                    }
                }
                operation::READ => {
                    need(reader.skip(STATE_BYTES))?;
                    pending.offset = need(reader.u64())?;
                    need(reader.skip(4))?;
                    pending.handle = current.to_vec();
                }
                operation::WRITE => {
                    need(reader.skip(STATE_BYTES))?;
                    let (offset, stable) = (need(reader.u64())?, need(reader.u32())?);
                    let piece = Piece {
                        call: call.id,
                        of: (call.version, operation::WRITE),
                        caller: &call.caller,
                        handle: current,
                        offset,
                        data: need(whole(reader))?,
                        last: stable == 2,
                    };
                    let id = self.piece(Direction::ToServer, &piece, signals);
                    self.piece_ended(id, signals);
                }
                operation::COMMIT | operation::CLOSE => {
                    let arguments =
                        if operation == operation::CLOSE { 4 + STATE_BYTES } else { 12 };
                    need(reader.skip(arguments))?;
                    self.end_transfer(current, call.id, signals);
                }
                operation::CREATE => {
                    pending.name = cut(need(create(reader))?);
                    pending.handle = current.to_vec();
                    matters = operation;
                }
                operation::REMOVE => {
                    pending.name = cut(need(opaque(reader))?);
                    matters = operation;
                }
                other => match pass(other, reader) {
                    Err(Stop::Unknown) => return Ok(matters),
                    passed => passed?,
                },
            }
        }
        Ok(matters)
    }

    /// A whole reply.
    pub fn reply4(&mut self, reply: &Reply<'_>, call: &Pending, signals: &mut Vec<Signal>) {
        let mut reader = Reader::new(reply.body);
        let mut status = 0;
        if call.procedure == COMPOUND && reply.state == 0 && reply.outcome == 0 {
            let read = match unwrapped(&mut reader, call.caller.is_wrapped()) {
                Some(mut reader) => self.results(reply, &mut reader, call, &mut status, signals),
                None => Err(Stop::Broken),
            };
            if let Err(Stop::Broken) = read {
                self.raise(Direction::ToClient, &events::MALFORMED, signals);
            }
        }
        self.answered(reply.id, reply.state, status, &[], signals);
    }

    fn results(
        &mut self,
        reply: &Reply<'_>,
        reader: &mut Reader<'_>,
        call: &Pending,
        status: &mut u32,
        signals: &mut Vec<Signal>,
    ) -> Result<()> {
        *status = need(reader.u32())?;
        need(opaque(reader))?;
        let count = need(reader.u32())?.min(OPERATIONS_MAX);
        for _ in 0..count {
            let (operation, outcome) = (need(reader.u32())?, need(reader.u32())?);
            // The one that failed is the last.
            if outcome != 0 {
                return Ok(());
            }
            match operation {
                operation::GETFH => {
                    let handle = need(handle(reader))?;
                    self.name(handle, &call.name);
                }
                operation::READ => {
                    let last = need(reader.u32())? != 0;
                    let piece = Piece {
                        call: reply.id,
                        of: (call.version, operation::READ),
                        caller: &call.caller,
                        handle: &call.handle,
                        offset: call.offset,
                        data: need(whole(reader))?,
                        last,
                    };
                    let id = self.piece(Direction::ToClient, &piece, signals);
                    self.piece_ended(id, signals);
                }
                other => pass_result(other, reader)?,
            }
        }
        Ok(())
    }
}

/// What is in the wrapping that shows that nobody changed it (RFC 2203, 5.3.2.2).
fn unwrapped<'a>(reader: &mut Reader<'a>, wrapped: bool) -> Option<Reader<'a>> {
    if !wrapped {
        return Some(*reader);
    }
    let mut inner = Reader::new(opaque(reader)?);
    inner.skip(4)?;
    Some(inner)
}
