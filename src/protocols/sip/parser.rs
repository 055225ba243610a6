//! Datagrams and streams to messages: each is a transaction of its own.

use super::message::{Message, Wrong, head_end};
use super::{INCOMPLETE, INVALID};
use crate::field::{Describe, Event};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal, frame};

/// Messages open at a time: each is closed as soon as it is read.
const MAX_OPEN: usize = 1;
/// Bytes of a first line and headers on a stream.
const HEAD_BYTES: usize = 65_536;
/// Bytes of a body that are waited for on a stream; of a longer one nothing is read.
const BODY_BYTES: usize = 65_536;

/// Both directions of one flow.
pub struct Sip {
    messages: Transactions<Message>,
    /// A message whose end has not come, to the server and to the client.
    partial: [Vec<u8>; 2],
    /// Bytes of a long body that are still to come.
    skip: [usize; 2],
    /// Bytes were lost: the next chunk must look like a message's start.
    lost: [bool; 2],
    /// The first datagram was a response: who seems the client is the server.
    reversed: Option<bool>,
    wants: Wants,
    stopped: bool,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            messages: Transactions::new(MAX_OPEN),
            partial: Default::default(),
            skip: [0; 2],
            lost: [false; 2],
            reversed: None,
            wants: Wants::NOTHING,
            stopped: false,
        }
    }
}

impl Parser for Sip {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.wants = moment.files;
        if self.stopped {
            return;
        }
        match (chunk, moment.carrier) {
            (Chunk::Data(bytes), Carrier::Udp) => {
                let response = bytes.starts_with(b"SIP/");
                let to_server = direction == Direction::ToServer;
                let reversed = *self.reversed.get_or_insert(response == to_server);
                let way = if reversed { direction.reverse() } else { direction };
                // Empty lines only keep the path open.
                if !bytes.trim_ascii().is_empty() {
                    self.datagram(way, bytes, signals);
                }
            }
            (Chunk::Data(bytes), Carrier::Tcp) => self.stream(direction, bytes, signals),
            (Chunk::Gap(_), _) => {
                *direction.of_mut(&mut self.skip) = 0;
                *direction.of_mut(&mut self.lost) = true;
                direction.of_mut(&mut self.partial).clear();
            }
            (Chunk::End, _) => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.messages.take(id).map(|message| message as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Vec::capacity).sum();
        let open: usize = self.messages.iter_open().map(|(_, message)| message.memory()).sum();
        size_of::<Self>() + self.messages.memory() + partial + open
    }
}

impl Sip {
    fn datagram(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let Some(end) = head_end(bytes) else {
            let begins = super::probe(way, Carrier::Udp, bytes) != Probe::No;
            event(way, if begins { &INCOMPLETE } else { &INVALID }, signals);
            return;
        };
        let (head, body) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        match Message::read(head) {
            Ok(message) => {
                self.tell(way, &message, bytes, end, signals);
                self.message(way, message, body, signals);
            }
            Err(wrong) => event(way, named(wrong), signals),
        }
    }

    fn stream(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let lost = way.of_mut(&mut self.lost);
        if *lost {
            if super::probe(way, Carrier::Tcp, bytes) == Probe::No {
                return;
            }
            *lost = false;
        }
        let mut held = std::mem::take(way.of_mut(&mut self.partial));
        held.extend_from_slice(bytes);
        let mut rest = held.as_slice();
        while !rest.is_empty() && !self.stopped {
            let skip = way.of_mut(&mut self.skip);
            if *skip > 0 {
                let now = rest.len().min(*skip);
                *skip -= now;
                rest = rest.get(now..).unwrap_or_default();
            } else if let [b'\r' | b'\n', after @ ..] = rest {
                rest = after;
            } else {
                match self.whole(way, rest, signals) {
                    Some(taken) => rest = rest.get(taken..).unwrap_or_default(),
                    None => break,
                }
            }
        }
        let left = rest.len();
        held.drain(..held.len() - left);
        *way.of_mut(&mut self.partial) = held;
    }

    /// Takes the message at the start of `bytes`: how many bytes it has, `None` until it is whole.
    fn whole(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> Option<usize> {
        let Some(end) = head_end(bytes) else {
            if bytes.len() > HEAD_BYTES {
                self.give_up(way, Wrong::Incomplete, signals);
            }
            return None;
        };
        let (head, rest) = bytes.split_at_checked(end)?;
        let message = match Message::read(head) {
            Ok(message) => message,
            Err(wrong) => {
                self.give_up(way, wrong, signals);
                return None;
            }
        };
        let length = message.content_length().unwrap_or(0);
        if length > BODY_BYTES {
            *way.of_mut(&mut self.skip) = length;
            self.tell(way, &message, head, end, signals);
            self.message(way, message, &[], signals);
            return Some(end);
        }
        let body = rest.get(..length)?;
        self.tell(way, &message, bytes.get(..end + length)?, end, signals);
        self.message(way, message, body, signals);
        Some(end + length)
    }

    /// Tells of a message as it stands on the wire; its first line and headers have `end` bytes.
    /// One that goes the wrong way has no parts.
    fn tell(
        &self,
        way: Direction,
        message: &Message,
        pdu: &[u8],
        end: usize,
        signals: &mut Vec<Signal>,
    ) {
        if !self.wants.frames {
            return;
        }
        let (head, body) = pdu.split_at_checked(end).unwrap_or((pdu, &[]));
        let first = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
        let (line, headers) = head.split_at_checked(first).unwrap_or((head, &[]));
        // Without the empty line.
        let headers = headers.strip_suffix(b"\n").unwrap_or(headers);
        let headers = headers.strip_suffix(b"\r").unwrap_or(headers);
        let [of_line, of_headers, of_body] = match way {
            Direction::ToServer => ["request.line", "request.headers", "request.body"],
            Direction::ToClient => ["response.line", "response.headers", "response.body"],
        };
        frame::tell(self.wants, "pdu", way.side(), pdu, signals);
        if !message.goes(way) {
            return;
        }
        let units = [(of_line, line), (of_headers, headers), (of_body, body)];
        for (name, bytes) in units {
            frame::tell(self.wants, name, way.side(), bytes, signals);
        }
    }

    /// Where the next message begins cannot be known.
    fn give_up(&mut self, way: Direction, wrong: Wrong, signals: &mut Vec<Signal>) {
        event(way, named(wrong), signals);
        self.stopped = true;
        signals.push(Signal::Stop);
    }

    fn message(
        &mut self,
        way: Direction,
        mut message: Message,
        body: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let side = way.side();
        if !message.goes(way) {
            event(way, &INVALID, signals);
            return;
        }
        message.body(body);
        let transaction = self.messages.open(message, side, &INVALID, signals);
        Signal::all_ready(transaction, side, signals);
        self.messages.close(transaction, signals);
    }
}

const fn named(wrong: Wrong) -> &'static Event {
    match wrong {
        Wrong::Incomplete => &INCOMPLETE,
        Wrong::Invalid => &INVALID,
    }
}

fn event(way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: None, side: way.side(), event });
}
