//! Streams of both directions, or datagrams, to calls and replies.

use super::state::State;
use super::transaction::{Detail, procedure};
use super::units::Units;
use super::{PROGRAM, events, probe_stream};
use crate::field::Describe;
use crate::file::{File, Wants};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::partial::{Partial, Rest};
use crate::protocols::formats::rpc::{Call, MARK_BYTES, Mark, Reply};
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal};
use crate::reader::Reader;

/// Bytes of the longest message that is waited for: one of content in version 4, with what stands
/// around it. Longer ones are passed over unless they carry content of version 2 or 3.
const MESSAGE_BYTES: usize = 1_114_112;
/// Bytes of a message from which on the content in it is taken as it comes.
const CONTENT_FROM: usize = 512;

/// Parses one flow.
pub struct Nfs {
    state: State,
    partial: [Partial; 2],
    rest: [Rest; 2],
    /// The next fragment continues a message that was passed over.
    continued: [bool; 2],
    /// After lost bytes, until a message begins.
    lost: [bool; 2],
    ended: [bool; 2],
}

impl Nfs {
    pub fn new() -> Self {
        Self {
            state: State::new(),
            partial: Default::default(),
            rest: Default::default(),
            continued: [false; 2],
            lost: [false; 2],
            ended: [false; 2],
        }
    }
}

impl Parser for Nfs {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.state.wants = moment.files;
        match chunk {
            Chunk::Data(bytes) if moment.carrier == Carrier::Udp => {
                self.message(direction, &Units::bare(bytes), signals);
            }
            Chunk::Data(bytes) => {
                let mut partial = std::mem::take(direction.of_mut(&mut self.partial));
                partial.feed(bytes, |bytes| self.unit(direction, bytes, signals));
                *direction.of_mut(&mut self.partial) = partial;
            }
            Chunk::Gap(length) => self.gap(direction, length, signals),
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if self.ended == [true; 2] {
                    self.state.quiet = moment.carrier == Carrier::Udp;
                    self.state.close_all(|_| true, signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.state.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let taken = self.state.transactions.take(id);
        taken.map(|transaction| transaction as Box<dyn Describe>)
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&File> {
        match &self.state.transactions.get(transaction)?.detail {
            Detail::File(file) if index == 0 => Some(&file.transfer.file),
            _ => None,
        }
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut File> {
        match &mut self.state.transactions.get_live_mut(transaction)?.detail {
            Detail::File(file) if index == 0 => Some(&mut file.transfer.file),
            _ => None,
        }
    }

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Partial::memory).sum();
        size_of::<Self>() + self.state.memory() + partial
    }
}

impl Nfs {
    fn gap(&mut self, way: Direction, length: u64, signals: &mut Vec<Signal>) {
        let rest = way.of_mut(&mut self.rest);
        let (taken, content) = rest.pass(length);
        let whole = rest.content == 0;
        if let Some(id) = rest.file.filter(|_| content > 0) {
            if let Some(file) = self.state.file(id) {
                file.transfer.lose(content);
            }
            if whole {
                self.state.piece_ended(id, signals);
            }
        }
        if taken == length {
            return;
        }
        way.of_mut(&mut self.partial).clear();
        *way.of_mut(&mut self.lost) = true;
        if way == Direction::ToClient {
            // Their replies may be what was lost.
            let waits = |t: &super::Transaction| !matches!(t.detail, Detail::File(_));
            self.state.close_all(waits, signals);
        }
    }

    /// Takes a message, or what can be taken of it, and gives how many bytes that was.
    fn unit(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        if way.of_mut(&mut self.rest).left > 0 {
            return self.go_on(way, bytes, signals);
        }
        if *way.of_mut(&mut self.lost) {
            match probe_stream(way, bytes) {
                Probe::Yes => *way.of_mut(&mut self.lost) = false,
                Probe::No => return 1,
                Probe::NeedMore => return 0,
            }
        }
        let mut reader = Reader::new(bytes);
        let Some(mark) = Mark::read(&mut reader) else { return 0 };
        let left = mark.length as u64;
        // Messages in several fragments are rare, and are told by their first alone.
        if *way.of_mut(&mut self.continued) || mark.length == 0 {
            *way.of_mut(&mut self.continued) = !mark.last;
            *way.of_mut(&mut self.rest) = Rest { left, ..Rest::default() };
            return MARK_BYTES;
        }
        if let Some(message) = reader.take(mark.length) {
            *way.of_mut(&mut self.continued) = !mark.last;
            let wire = bytes.get(..MARK_BYTES + message.len()).unwrap_or_default();
            self.message(way, &Units::marked(wire), signals);
            return MARK_BYTES + mark.length;
        }
        // A frame is looked at as a whole.
        let whole = self.state.wants.frames && mark.length <= MESSAGE_BYTES;
        if whole || mark.length < CONTENT_FROM || bytes.len() < CONTENT_FROM {
            return 0;
        }
        let came = reader.rest();
        let begun = match way {
            Direction::ToServer => self.begin_write(came, signals),
            Direction::ToClient => self.begin_read(came, signals),
        };
        let taken = match begun {
            Some((file, content)) => {
                let left = mark.length.saturating_sub(came.len()) as u64;
                *way.of_mut(&mut self.rest) = Rest { left, file, content: content.min(left) };
                let whole = way.of_mut(&mut self.rest).content == 0;
                if let Some(id) = file.filter(|_| whole) {
                    self.state.piece_ended(id, signals);
                }
                bytes.len()
            }
            None if mark.length <= MESSAGE_BYTES => return 0,
            None => {
                *way.of_mut(&mut self.rest) = Rest { left, ..Rest::default() };
                MARK_BYTES
            }
        };
        *way.of_mut(&mut self.continued) = !mark.last;
        taken
    }

    /// Bytes of a message that is not waited for.
    fn go_on(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        let rest = way.of_mut(&mut self.rest);
        let (taken, content) = rest.pass(bytes.len() as u64);
        let (file, whole) = (rest.file.filter(|_| content > 0), rest.content == 0);
        let content = bytes.get(..usize::try_from(content).unwrap_or(0)).unwrap_or_default();
        if let Some(id) = file {
            if let Some(file) = self.state.file(id) {
                file.transfer.add(content);
            }
            if whole {
                self.state.piece_ended(id, signals);
            }
        }
        usize::try_from(taken).unwrap_or(bytes.len())
    }

    /// A call that writes and is not whole: where the content goes, and how much is to come.
    fn begin_write(
        &mut self,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<(Option<u64>, u64)> {
        let call = Call::read(bytes)?;
        let writes = (call.program, call.version, call.procedure) == (PROGRAM, 3, procedure::WRITE);
        if !writes {
            return None;
        }
        let (id, content) = self.state.write3(&call, signals)?;
        Some((Some(id), content))
    }

    /// The same of a reply with what was read.
    fn begin_read(
        &mut self,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<(Option<u64>, u64)> {
        let reply = Reply::read(bytes).filter(|reply| reply.state == 0 && reply.outcome == 0)?;
        let call = self.state.calls.get(&reply.id)?;
        if call.version > 3 || call.procedure != procedure::READ {
            return None;
        }
        let call = call.clone();
        let begun = self.state.read3(&reply, &call, signals)?;
        self.state.calls.remove(&reply.id);
        Some(begun)
    }

    /// A whole message.
    fn message(&mut self, way: Direction, units: &Units<'_>, signals: &mut Vec<Signal>) {
        let bytes = units.message();
        // Whether a longer one comes whole depends on how it is cut.
        let frames = self.state.wants.frames && bytes.len() <= MESSAGE_BYTES;
        let wants = Wants { frames, ..self.state.wants };
        // A server may call too: whom it asks to give a file back is of no interest.
        if kind(bytes) != Some(way.side() as u32) {
            return;
        }
        match way {
            Direction::ToServer => match Call::read(bytes) {
                // Programs that go beside it over the same connection (lists of access) have the
                // same versions, and begin with a handle too.
                Some(call) => {
                    units.of_call(&call, wants, signals);
                    match call.version {
                        2 | 3 => self.state.call3(&call, signals),
                        4 => self.state.call4(&call, signals),
                        _ => {}
                    }
                }
                None => self.state.raise(way, &events::MALFORMED, signals),
            },
            Direction::ToClient => {
                let Some(reply) = Reply::read(bytes) else {
                    return self.state.raise(way, &events::MALFORMED, signals);
                };
                let Some(call) = self.state.calls.remove(&reply.id) else { return };
                units.of_reply(&reply, call.version, wants, signals);
                match call.version {
                    2 | 3 => self.state.reply3(&reply, &call, signals),
                    _ => self.state.reply4(&reply, &call, signals),
                }
            }
        }
    }
}

/// Whether a message is a call (0) or a reply (1).
fn kind(bytes: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(bytes);
    reader.skip(4)?;
    reader.u32()
}
