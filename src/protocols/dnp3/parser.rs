//! Streams of both directions to messages: frames, then segments, then messages.

use super::events;
use super::link::{self, Flaw, HEADER_BYTES, Header};
use super::message::{MAX_MESSAGE_BYTES, Message, function};
use super::objects::End;
use crate::field::{Describe, Event};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Messages whose last segment has not come, and requests without an answer, before it is called
/// a flood: what the reference engine has by default.
const MAX_OPEN: usize = 32;

/// Flags and number of a segment's first byte (IEEE 1815, 8.2.1).
const FINAL: u8 = 0x80;
const FIRST: u8 = 0x40;
const SEQUENCE: u8 = 0x3f;

/// Parses one flow.
pub struct Dnp3 {
    messages: Transactions<Message>,
    /// The beginning of a frame that was cut: 0 to the server, 1 to the client.
    pending: [Vec<u8>; 2],
    /// After lost bytes, until a chunk begins with a frame.
    lost: [bool; 2],
    /// Requests since the last response.
    unanswered: usize,
    /// Bytes of the messages' data and objects that are live, about.
    held: usize,
    stopped: bool,
}

impl Default for Dnp3 {
    fn default() -> Self {
        Self {
            messages: Transactions::new(MAX_OPEN),
            pending: Default::default(),
            lost: [false; 2],
            unanswered: 0,
            held: 0,
            stopped: false,
        }
    }
}

impl Parser for Dnp3 {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            _ if self.stopped => {}
            Chunk::Data(bytes) => self.data(direction, bytes, signals),
            Chunk::Gap(_) => {
                direction.of_mut(&mut self.pending).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            Chunk::End => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let message = self.messages.take(id)?;
        self.held = self.held.saturating_sub(message.memory());
        Some(message)
    }

    fn memory(&self) -> usize {
        let pending: usize = self.pending.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.messages.memory() + pending + self.held
    }
}

impl Dnp3 {
    fn data(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let lost = way.of_mut(&mut self.lost);
        if *lost {
            if bytes.first_chunk().is_none_or(|header| Header::read(header).is_err()) {
                return;
            }
            *lost = false;
        }
        let mut pending = std::mem::take(way.of_mut(&mut self.pending));
        pending.extend_from_slice(bytes);
        let mut rest = &*pending;
        while let Some(head) = rest.first_chunk::<HEADER_BYTES>() {
            let header = match Header::read(head) {
                Ok(header) => header,
                Err(flaw) => return self.stop(way, flaw, signals),
            };
            let Some((frame, after)) = rest.split_at_checked(header.frame_bytes()) else { break };
            rest = after;
            if header.carries_data() {
                let behind = frame.get(HEADER_BYTES..).unwrap_or_default();
                self.frame(way, header, behind, signals);
            }
        }
        let left = rest.len();
        pending.drain(..pending.len() - left);
        *way.of_mut(&mut self.pending) = pending;
    }

    /// What is not a frame has no end that could be found.
    fn stop(&mut self, way: Direction, flaw: Flaw, signals: &mut Vec<Signal>) {
        let event = match flaw {
            Flaw::Start => None,
            Flaw::Checksum => Some(&events::BAD_LINK_CRC),
            Flaw::Length => Some(&events::LEN_TOO_SMALL),
        };
        if let Some(event) = event {
            signals.push(Signal::Event { transaction: None, side: way.side(), event });
        }
        self.stopped = true;
        signals.push(Signal::Stop);
    }

    fn frame(&mut self, way: Direction, header: Header, behind: &[u8], signals: &mut Vec<Signal>) {
        let alone = |event| Signal::Event { transaction: None, side: way.side(), event };
        // Transport, control, function; a response has two octets of indications too.
        let least = if way == Direction::ToServer { 3 } else { 5 };
        if header.data_bytes() < least {
            signals.push(alone(&events::LEN_TOO_SMALL));
            return;
        }
        let Some(data) = link::data(behind) else {
            signals.push(alone(&events::BAD_TRANSPORT_CRC));
            return;
        };
        let Some((transport, segment)) = data.split_first() else { return };
        if transport & FIRST != 0 {
            self.first(way, header, *transport, segment, signals);
        } else if let Some(id) = self.continued(way, header, *transport) {
            self.add(way, id, *transport, segment, signals);
        }
    }

    /// The first segment of a message.
    fn first(
        &mut self,
        way: Direction,
        link: Header,
        transport: u8,
        segment: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let from_server = way == Direction::ToClient;
        let code = segment.get(1).copied().unwrap_or_default();
        if !from_server && code == function::CONFIRM {
            return;
        }
        let new = Message { from_server, link, ..Message::default() };
        let id = self.messages.open(new, way.side(), &events::FLOODED, signals);
        if from_server {
            self.unanswered = 0;
        } else if function::is_answered(code) {
            self.unanswered = self.unanswered.saturating_add(1);
            // Told once, until an answer comes.
            if self.unanswered == MAX_OPEN + 1 {
                let event = &events::FLOODED;
                signals.push(Signal::Event { transaction: Some(id), side: way.side(), event });
            }
        }
        self.add(way, id, transport, segment, signals);
    }

    /// The message that a later segment belongs to.
    fn continued(&self, way: Direction, header: Header, transport: u8) -> Option<u64> {
        let from_server = way == Direction::ToClient;
        let belongs = |message: &Message| {
            message.from_server == from_server
                && message.link.source == header.source
                && message.link.destination == header.destination
                && (message.sequence + 1) & SEQUENCE == transport & SEQUENCE
        };
        self.messages.iter_open().find(|(_, message)| belongs(message)).map(|(id, _)| id)
    }

    fn add(
        &mut self,
        way: Direction,
        id: u64,
        transport: u8,
        segment: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let Some(message) = self.messages.get_mut(id) else { return };
        let before = message.memory();
        message.sequence = transport & SEQUENCE;
        let mut event: Option<&'static Event> = None;
        let too_long = message.data.len() + segment.len() > MAX_MESSAGE_BYTES;
        if too_long {
            event = Some(&events::TOO_LONG_REASSEMBLY);
        } else {
            message.data.extend_from_slice(segment);
        }
        let whole = transport & FINAL != 0;
        if whole && !too_long {
            message.finish();
            event = match message.objects.end {
                End::Whole | End::Cut => None,
                End::Unknown => Some(&events::UNKNOWN_OBJECT),
                End::Objects => Some(&events::TOO_MANY_OBJECTS),
                End::Points => Some(&events::TOO_MANY_POINTS),
            };
        }
        self.held = (self.held + message.memory()).saturating_sub(before);
        let side = way.side();
        if let Some(event) = event {
            signals.push(Signal::Event { transaction: Some(id), side, event });
        }
        if whole || too_long {
            Signal::all_ready(id, side, signals);
            self.messages.close(id, signals);
        }
    }
}
