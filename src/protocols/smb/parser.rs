//! Streams of both directions to messages.

use super::smb2::Target;
use super::state::State;
use super::transaction::Detail;
use super::{events, magic_at, names, records1, records2};
use crate::field::Describe;
use crate::file::File;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::partial::{Partial, Rest};
use crate::protocols::{Moment, Parser, Probe, Signal, frame};
use crate::reader::Reader;

/// Bytes of the longest record that is waited for; longer ones are passed over unless they carry
/// content of a file.
const RECORD_BYTES: usize = 1_048_576;
/// Bytes of a record from which on the content in it is taken as it comes.
const CONTENT_FROM: usize = 512;
/// Bytes before a record: kind and length (RFC 1002, 4.3.1; MS-SMB2, 2.1).
const FRAME_BYTES: usize = 4;

/// Parses one flow.
pub struct Smb {
    state: State,
    partial: [Partial; 2],
    rest: [Rest; 2],
    /// After lost bytes, until a message begins.
    lost: [bool; 2],
    ended: [bool; 2],
    stopped: bool,
}

impl Smb {
    pub fn new() -> Self {
        Self {
            state: State::new(),
            partial: Default::default(),
            rest: Default::default(),
            lost: [false; 2],
            ended: [false; 2],
            stopped: false,
        }
    }
}

impl Parser for Smb {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.state.wants = moment.files;
        match chunk {
            _ if self.stopped => {}
            Chunk::Data(bytes) => {
                let mut partial = std::mem::take(direction.of_mut(&mut self.partial));
                partial.feed(bytes, |bytes| self.unit(direction, bytes, signals));
                if !self.stopped {
                    *direction.of_mut(&mut self.partial) = partial;
                }
            }
            Chunk::Gap(length) => self.gap(direction, length, signals),
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if self.ended == [true; 2] {
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

    fn is_endless(&self) -> bool {
        true
    }

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Partial::memory).sum();
        size_of::<Self>() + self.state.memory() + partial
    }
}

impl Smb {
    fn gap(&mut self, way: Direction, length: u64, signals: &mut Vec<Signal>) {
        let rest = way.of_mut(&mut self.rest);
        let (taken, content) = rest.pass(length);
        let file = rest.file.filter(|_| content > 0);
        if let Some(file) = file.and_then(|id| self.state.file(id)) {
            file.transfer.lose(content);
        }
        if taken == length {
            return;
        }
        way.of_mut(&mut self.partial).clear();
        *way.of_mut(&mut self.lost) = true;
        if way == Direction::ToClient {
            // Their answers may be what was lost.
            let waits = |t: &super::Transaction| !matches!(t.detail, Detail::File(_));
            self.state.close_all(waits, signals);
        }
    }

    /// Takes a record, or what can be taken of it, and gives how many bytes that was.
    fn unit(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        if self.stopped {
            return bytes.len();
        }
        let rest = way.of_mut(&mut self.rest);
        if rest.left > 0 {
            let (taken, content) = rest.pass(bytes.len() as u64);
            let content = bytes.get(..usize::try_from(content).unwrap_or(0)).unwrap_or_default();
            if let Some(file) = rest.file.and_then(|id| self.state.file(id)) {
                file.transfer.add(content);
            }
            return usize::try_from(taken).unwrap_or(bytes.len());
        }
        if *way.of_mut(&mut self.lost) {
            let Some(skipped) = self.find(way, bytes) else { return 0 };
            if skipped > 0 {
                return skipped;
            }
        }
        let mut reader = Reader::new(bytes);
        let (Some(kind), Some(length)) = (reader.u8(), reader.u24()) else { return 0 };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if kind != 0 {
            if !(0x81..=0x85).contains(&kind) {
                *way.of_mut(&mut self.lost) = true;
                return 1;
            }
            *way.of_mut(&mut self.rest) = Rest { left: length as u64, ..Rest::default() };
            return FRAME_BYTES;
        }
        if let Some(record) = reader.take(length) {
            let header = bytes.get(..FRAME_BYTES).unwrap_or_default();
            let pdu = bytes.get(..FRAME_BYTES + length).unwrap_or_default();
            for (name, bytes) in [("nbss.pdu", pdu), ("nbss.hdr", header), ("nbss.data", record)] {
                frame::tell(self.state.wants, name, way.side(), bytes, signals);
            }
            self.record(way, record, signals);
            return if self.stopped { bytes.len() } else { FRAME_BYTES + length };
        }
        let came = reader.rest();
        // A frame is looked at as a whole.
        let whole = self.state.wants.frames && length <= RECORD_BYTES;
        if whole || length < CONTENT_FROM || bytes.len() < CONTENT_FROM {
            return 0;
        }
        let begun = match came {
            [0xff, ..] => self.begin1(way, came, signals),
            _ => self.begin2(way, came, signals),
        };
        let Some((target, content)) = begun else {
            if length <= RECORD_BYTES {
                return 0;
            }
            *way.of_mut(&mut self.rest) = Rest { left: length as u64, ..Rest::default() };
            return FRAME_BYTES;
        };
        let file = match target {
            Target::File(id) => Some(id),
            Target::Nowhere => None,
        };
        let left = length.saturating_sub(came.len()) as u64;
        *way.of_mut(&mut self.rest) = Rest { left, file, content: content.min(left) };
        bytes.len()
    }

    /// After lost bytes: how many to pass over until a message begins; `None` while that is open.
    fn find(&mut self, way: Direction, bytes: &[u8]) -> Option<usize> {
        let last = bytes.len().checked_sub(2 * FRAME_BYTES)?;
        for at in 0..=last {
            if bytes.get(at) == Some(&0) && magic_at(bytes, at + FRAME_BYTES) == Probe::Yes {
                *way.of_mut(&mut self.lost) = false;
                return Some(at);
            }
        }
        Some(last + 1)
    }

    /// Content of a message of SMB 1 that is not whole: where it goes, and how much is to come.
    fn begin1(
        &mut self,
        way: Direction,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<(Target, u64)> {
        use names::command1::{READ_ANDX, WRITE_ANDX};
        let message = records1::Message::read(bytes)?;
        let block = message.block(records1::HEADER_BYTES);
        if message.is_response() != (way == Direction::ToClient) || self.state.waits1(&message) {
            return None;
        }
        let at = records1::HEADER_BYTES;
        match (way, message.command) {
            (Direction::ToServer, WRITE_ANDX) => {
                let content = block.write_andx()?;
                let left = u64::from(content.length).saturating_sub(content.data.len() as u64);
                Some((self.state.write1(&message, WRITE_ANDX, at, signals), left))
            }
            (Direction::ToClient, READ_ANDX) if message.status == names::status::SUCCESS => {
                let (length, data) = block.read_answer()?;
                let left = u64::from(length).saturating_sub(data.len() as u64);
                Some((self.state.read1(&message, at, signals), left))
            }
            _ => None,
        }
    }

    /// The same of SMB 2.
    fn begin2(
        &mut self,
        way: Direction,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<(Target, u64)> {
        use names::command2::{READ, WRITE};
        use names::status::{BUFFER_OVERFLOW, SUCCESS};
        let (message, _) = records2::Message::read(bytes)?;
        if message.is_response() != (way == Direction::ToClient) {
            return None;
        }
        let (length, data) = match (way, message.command) {
            (Direction::ToServer, WRITE) => {
                message.write().map(|(_, _, length, data)| (length, data))?
            }
            (Direction::ToClient, READ) if matches!(message.status, SUCCESS | BUFFER_OVERFLOW) => {
                message.read_answer()?
            }
            _ => return None,
        };
        if self.state.waits2(&message, data) {
            return None;
        }
        let left = u64::from(length).saturating_sub(data.len() as u64);
        let target = match way {
            Direction::ToServer => self.state.write2(&message, signals),
            Direction::ToClient => self.state.read2(&message, signals),
        };
        Some((target, left))
    }

    /// A whole record.
    fn record(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let to_client = way == Direction::ToClient;
        if !matches!(bytes, [0xfe, ..]) {
            self.tell(way, bytes, signals);
        }
        match bytes {
            [0xff, b'S', b'M', b'B', ..] => match records1::Message::read(bytes) {
                Some(message) if message.is_response() != to_client => self.misled(way, signals),
                Some(message) if to_client => self.state.response1(&message, signals),
                Some(message) => self.state.request1(&message, signals),
                None => self.stop(way, signals),
            },
            [0xfe, b'S', b'M', b'B', ..] => {
                let mut left = bytes;
                while !left.is_empty() {
                    let Some((message, rest)) = records2::Message::read(left) else {
                        return self.stop(way, signals);
                    };
                    self.tell(
                        way,
                        left.get(..left.len() - rest.len()).unwrap_or_default(),
                        signals,
                    );
                    left = rest;
                    if message.is_response() != to_client {
                        self.misled(way, signals);
                    } else if to_client {
                        self.state.response2(&message, signals);
                    } else {
                        self.state.request2(&message, signals);
                    }
                }
            }
            // Encrypted: nothing is told of it.
            [0xfd, b'S', b'M', b'B', ..] => {}
            _ if to_client && bytes.len() < FRAME_BYTES => {}
            _ => self.stop(way, signals),
        }
    }

    /// Tells of a message as it stands on the wire.
    fn tell(&self, way: Direction, pdu: &[u8], signals: &mut Vec<Signal>) {
        let (names, header) = match pdu {
            [0xff, b'S', b'M', b'B', ..] => (["smb1.pdu", "smb1.hdr", "smb1.data"], 32),
            [0xfe, b'S', b'M', b'B', ..] => (["smb2.pdu", "smb2.hdr", "smb2.data"], 64),
            [0xfd, b'S', b'M', b'B', ..] => (["smb3.pdu", "smb3.hdr", "smb3.data"], 52),
            _ => return,
        };
        let (header, data) = pdu.split_at_checked(header).unwrap_or((pdu, &[]));
        for (name, bytes) in names.into_iter().zip([pdu, header, data]) {
            frame::tell(self.state.wants, name, way.side(), bytes, signals);
        }
    }

    fn misled(&self, way: Direction, signals: &mut Vec<Signal>) {
        let event = match way {
            Direction::ToServer => &events::RESPONSE_TO_SERVER,
            Direction::ToClient => &events::REQUEST_TO_CLIENT,
        };
        signals.push(Signal::Event { transaction: None, side: way.side(), event });
    }

    /// What comes cannot be understood any more.
    fn stop(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        self.state.raise(way, &events::MALFORMED, signals);
        self.stopped = true;
        self.state.close_all(|_| true, signals);
        signals.push(Signal::Stop);
    }
}
