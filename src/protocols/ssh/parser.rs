//! Streams of both directions to what each side says in clear.

use super::connection::Connection;
use super::{INVALID_BANNER, INVALID_RECORD, LONG_BANNER};
use crate::field::{Describe, Event, Stage};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::lines::Lines;
use crate::protocols::frame::{self, Tape};
use crate::protocols::{Moment, Parser, Signal};

/// Bytes of an identification string that are read (RFC 4253, section 4.2: at most 255).
const BANNER: usize = 256;
/// Lines that a server may send before it.
const MAX_LINES_BEFORE: usize = 256;
/// Bytes of a packet before what is skipped: length, padding, message code.
const HEADER: usize = 6;
/// Bytes of an offer of algorithms; a longer one is passed over.
const MAX_OFFER: usize = 65_535;
/// Message codes (RFC 4253, section 12).
const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
/// A flow is one transaction.
const ONLY: u64 = 0;

/// Parses one flow.
#[derive(Default)]
pub struct SshParser {
    connection: Option<Box<Connection>>,
    client: Half,
    server: Half,
    told: bool,
    done: bool,
    wants: Wants,
}

/// How far one direction has come.
struct Half {
    state: State,
    lines: Lines,
    before: usize,
    kept: Vec<u8>,
    ended: bool,
    /// The packet as it stands on the wire, when frames are wanted.
    tape: Option<Box<Tape>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the identification string ended.
    Banner,
    /// At a packet's header, part of which may be kept.
    Header,
    /// In an offer: so many bytes are missing.
    Offer(usize),
    /// In a packet that says nothing: so many bytes are missing.
    Skip(usize),
    /// All that follows is encrypted.
    Sealed,
}

impl Default for Half {
    fn default() -> Self {
        Self {
            state: State::Banner,
            lines: Lines::new(BANNER),
            before: 0,
            kept: Vec::new(),
            ended: false,
            tape: None,
        }
    }
}

impl Parser for SshParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.done {
            return;
        }
        self.wants = moment.files;
        match chunk {
            Chunk::Data(bytes) => self.data(direction, bytes, signals),
            // Where the next packet begins is not known.
            Chunk::Gap(_) => self.finish(Some(Signal::Stop), signals),
            Chunk::End => {
                self.half(direction).ended = true;
                if self.client.ended && self.server.ended {
                    self.finish(None, signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        let connection = self.connection.as_deref().filter(|_| id == ONLY)?;
        Some(connection)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        if id != ONLY {
            return None;
        }
        self.done = true;
        self.connection.take().map(|connection| connection as Box<dyn Describe>)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn memory(&self) -> usize {
        let halves = [&self.client, &self.server];
        let tape = |half: &Half| half.tape.as_ref().map_or(0, |tape| tape.memory());
        let kept: usize =
            halves.iter().map(|h| h.kept.capacity() + h.lines.memory() + tape(h)).sum();
        let connection = self.connection.as_ref().map_or(0, |connection| {
            size_of::<Connection>() + connection.client.memory() + connection.server.memory()
        });
        size_of::<Self>() + kept + connection
    }
}

impl SshParser {
    const fn half(&mut self, way: Direction) -> &mut Half {
        match way {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    fn connection(&mut self) -> &mut Connection {
        self.told = true;
        self.connection.get_or_insert_default()
    }

    fn data(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.done {
            match self.half(way).state {
                State::Banner => self.banner(way, &mut rest, signals),
                State::Header => self.header(way, &mut rest, signals),
                State::Offer(missing) => {
                    let part = front(&mut rest, missing);
                    self.tape(way, part);
                    let half = self.half(way);
                    half.kept.extend_from_slice(part);
                    half.state = State::Offer(missing.saturating_sub(part.len()));
                    if half.state == State::Offer(0) {
                        half.state = State::Header;
                        self.tell(way, signals);
                        let half = self.half(way);
                        let payload = std::mem::take(&mut half.kept);
                        self.connection().speaker(way).offer(way, &payload);
                        ready(way, Stage::Body, signals);
                    }
                }
                State::Skip(missing) => {
                    let part = front(&mut rest, missing);
                    self.tape(way, part);
                    let left = missing.saturating_sub(part.len());
                    self.half(way).state =
                        if left == 0 { State::Header } else { State::Skip(left) };
                    if left == 0 {
                        self.tell(way, signals);
                    }
                }
                State::Sealed => return,
            }
        }
    }

    fn banner(&mut self, way: Direction, rest: &mut &[u8], signals: &mut Vec<Signal>) {
        let Some(line) = self.half(way).lines.next(rest) else { return };
        let long = line.truncated || line.bytes.len() >= BANNER;
        if self.connection().speaker(way).identify(&line.bytes) {
            if long {
                self.event(way, &LONG_BANNER, signals);
            }
            self.half(way).state = State::Header;
            ready(way, Stage::Head, signals);
            return;
        }
        let half = self.half(way);
        half.before = half.before.saturating_add(1);
        let before = half.before;
        // A server may say something before it introduces itself (RFC 4253, section 4.2).
        if before == 1 {
            self.event(way, &INVALID_BANNER, signals);
        }
        if way == Direction::ToServer || before > MAX_LINES_BEFORE {
            self.finish(Some(Signal::Stop), signals);
        }
    }

    fn header(&mut self, way: Direction, rest: &mut &[u8], signals: &mut Vec<Signal>) {
        let missing = HEADER.saturating_sub(self.half(way).kept.len());
        let part = front(rest, missing);
        if missing == HEADER && self.wants.frames {
            self.half(way).tape = Some(Box::default());
        }
        self.tape(way, part);
        let half = self.half(way);
        half.kept.extend_from_slice(part);
        let Some(&[a, b, c, d, _, code]) = half.kept.first_chunk::<HEADER>() else { return };
        half.kept.clear();
        let length = u32::from_be_bytes([a, b, c, d]);
        // It counts the padding's length and the message code.
        let Some(body) = length.checked_sub(2).and_then(|body| usize::try_from(body).ok()) else {
            self.event(way, &INVALID_RECORD, signals);
            self.finish(Some(Signal::Stop), signals);
            return;
        };
        half.state = match code {
            NEWKEYS => State::Sealed,
            KEXINIT if body > 0 && body <= MAX_OFFER => State::Offer(body),
            _ if body == 0 => State::Header,
            _ => State::Skip(body),
        };
        match half.state {
            // Of the last packet in clear the header alone is read: it is not told.
            State::Sealed => half.tape = None,
            State::Header => self.tell(way, signals),
            _ => {}
        }
        if self.client.state == State::Sealed && self.server.state == State::Sealed {
            self.finish(Some(Signal::Sealed), signals);
        }
    }

    /// Keeps the bytes of a packet whose first byte was kept, as long as frames are wanted.
    fn tape(&mut self, way: Direction, bytes: &[u8]) {
        let wanted = self.wants.frames;
        let half = self.half(way);
        match half.tape.as_mut().filter(|_| wanted) {
            Some(tape) => tape.add(bytes),
            None => half.tape = None,
        }
    }

    /// Tells of a packet and its parts; of one that was cut the part that was is told as such.
    fn tell(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let Some(mut tape) = self.half(way).tape.take() else { return };
        let Some((header, data)) = tape.bytes().split_at_checked(HEADER) else { return };
        let (header, data, whole) = (header.to_vec(), data.to_vec(), !tape.is_cut());
        tape.end("record.pdu", way.side(), true, signals);
        frame::tell(self.wants, "record.hdr", way.side(), &header, signals);
        if self.wants.frames {
            frame::tell_part("record.data", way.side(), &data, whole, signals);
        }
    }

    fn event(&mut self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        self.connection();
        signals.push(Signal::Event { transaction: Some(ONLY), side: way.side(), event });
    }

    /// Nothing more will be learned; with what is to be said of the bytes that may still come.
    fn finish(&mut self, last: Option<Signal>, signals: &mut Vec<Signal>) {
        self.done = true;
        self.client.kept = Vec::new();
        self.server.kept = Vec::new();
        (self.client.tape, self.server.tape) = (None, None);
        if self.told {
            signals.push(Signal::Done { transaction: ONLY });
        }
        signals.extend(last);
    }
}

fn ready(way: Direction, stage: Stage, signals: &mut Vec<Signal>) {
    signals.push(Signal::Ready { transaction: ONLY, side: way.side(), stage });
}

/// At most `count` bytes off the front.
fn front<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (part, after) = rest.split_at(count.min(rest.len()));
    *rest = after;
    part
}
