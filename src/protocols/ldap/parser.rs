//! Streams and datagrams to messages, and messages to exchanges: a request and its responses.

use super::message::{Body, Message};
use super::{INVALID_DATA, REQUEST_NOT_FOUND, TOO_MANY_RESPONSES, TOO_MANY_TRANSACTIONS};
use crate::field::{Describe, Event, Side};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::ber::{Element, Flaw, size, universal};
use crate::protocols::frame;
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal};
use crate::reader::Reader;

/// Requests that wait for an answer: Suricata's default.
const MAX_OPEN: usize = 256;
/// Responses to one request that are kept.
const MAX_RESPONSES: usize = 1024;
/// Bytes of the responses to one request that are kept.
const RESPONSE_BYTES: usize = 1 << 20;
/// Bytes of a message.
const MESSAGE_BYTES: usize = 1 << 20;
/// StartTLS (RFC 4511, 4.14.1).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A request and its responses.
#[derive(Debug, Default)]
pub struct Exchange {
    /// What was asked.
    pub request: Option<Message>,
    /// What was answered, in order.
    pub responses: Vec<Message>,
    bytes: usize,
    /// More responses came than are kept.
    cut: bool,
}

/// Parses one flow.
pub struct Ldap {
    exchanges: Transactions<Exchange>,
    /// A message whose end has not come, each way.
    partial: [Vec<u8>; 2],
    /// Bytes were lost: the next chunk must begin a message.
    lost: [bool; 2],
    ended: [bool; 2],
    stopped: bool,
    left_over: usize,
    wants: Wants,
}

impl Default for Ldap {
    fn default() -> Self {
        Self {
            exchanges: Transactions::new(MAX_OPEN),
            partial: Default::default(),
            lost: [false; 2],
            ended: [false; 2],
            stopped: false,
            left_over: 0,
            wants: Wants::NOTHING,
        }
    }
}

impl Parser for Ldap {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped {
            return;
        }
        self.wants = moment.files;
        match chunk {
            Chunk::Data(bytes) if moment.carrier == Carrier::Udp => {
                if self.messages(direction, bytes, signals) != Some(bytes.len()) && !self.stopped {
                    event(None, direction.side(), &INVALID_DATA, signals);
                }
            }
            Chunk::Data(bytes) => self.stream(direction, bytes, signals),
            Chunk::Gap(_) => {
                direction.of_mut(&mut self.partial).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if self.ended == [true; 2] {
                    self.close_all(signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.exchanges.get(id).map(|exchange| exchange as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.exchanges.take(id).map(|exchange| exchange as Box<dyn Describe>)
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Vec::capacity).sum();
        let open: usize = self.exchanges.iter_open().map(|(_, exchange)| exchange.bytes).sum();
        size_of::<Self>() + self.exchanges.memory() + partial + open
    }
}

impl Ldap {
    fn stream(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let lost = way.of_mut(&mut self.lost);
        if *lost {
            if super::probe(way, Carrier::Tcp, bytes) != Probe::Yes {
                return;
            }
            *lost = false;
        }
        let mut held = std::mem::take(way.of_mut(&mut self.partial));
        held.extend_from_slice(bytes);
        match self.messages(way, &held, signals) {
            Some(taken) => {
                held.drain(..taken.min(held.len()));
                self.left_over = held.len();
                *way.of_mut(&mut self.partial) = held;
            }
            // What is signed or sealed after a bind looks so too.
            None => {
                event(None, way.side(), &INVALID_DATA, signals);
                self.close_all(signals);
                self.stopped = true;
                signals.push(Signal::Stop);
            }
        }
    }

    /// Takes every whole message: how many bytes they have. `None` when what follows is none.
    fn messages(
        &mut self,
        way: Direction,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<usize> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() && !self.stopped {
            if reader.rest().first() != Some(&0x30) {
                return None;
            }
            match size(reader.rest()) {
                Ok(size) if size > MESSAGE_BYTES => return None,
                Ok(size) if size > reader.left() => break,
                Err(Flaw::Short) => break,
                Err(Flaw::Malformed) => return None,
                Ok(_) => {}
            }
            let all = reader.rest();
            let outer = Element::read(&mut reader).ok().filter(|e| e.is(universal::SEQUENCE))?;
            let pdu = all.get(..all.len().saturating_sub(reader.left())).unwrap_or_default();
            frame::tell(self.wants, "pdu", way.side(), pdu, signals);
            let message = Message::read(outer.content)?;
            match way {
                Direction::ToServer => self.request(message, signals),
                Direction::ToClient => self.response(message, signals),
            }
        }
        Some(reader.position())
    }

    fn request(&mut self, message: Message, signals: &mut Vec<Signal>) {
        let ends = message.code == 2;
        let bytes = message.memory();
        let exchange = Exchange { request: Some(message), bytes, ..Exchange::default() };
        let side = Side::Request;
        let id = self.exchanges.open(exchange, side, &TOO_MANY_TRANSACTIONS, signals);
        Signal::all_ready(id, side, signals);
        if ends {
            self.exchanges.close(id, signals);
        }
    }

    fn response(&mut self, message: Message, signals: &mut Vec<Signal>) {
        let number = message.id;
        let asked = |exchange: &Exchange| exchange.request.as_ref().map(|r| r.id) == Some(number);
        let found = self.exchanges.iter_open().find(|(_, exchange)| asked(exchange));
        let Some((id, _)) = found else {
            let unasked = message.code != 24;
            let bytes = message.memory();
            let exchange = Exchange { responses: vec![message], bytes, ..Exchange::default() };
            let side = Side::Response;
            let id = self.exchanges.open(exchange, side, &TOO_MANY_TRANSACTIONS, signals);
            if unasked {
                event(Some(id), side, &REQUEST_NOT_FOUND, signals);
            }
            return self.close(id, signals);
        };
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        let ends = message.ends();
        let encrypted = exchange.starts_tls(&message);
        let bytes = message.memory();
        if exchange.responses.len() < MAX_RESPONSES && exchange.bytes + bytes <= RESPONSE_BYTES {
            exchange.bytes += bytes;
            exchange.responses.push(message);
        } else if !std::mem::replace(&mut exchange.cut, true) {
            event(Some(id), Side::Response, &TOO_MANY_RESPONSES, signals);
        }
        if ends {
            self.close(id, signals);
        }
        if encrypted {
            self.close_all(signals);
            self.stopped = true;
            signals.push(Signal::Handover(None));
        }
    }

    fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        Signal::all_ready(id, Side::Response, signals);
        self.exchanges.close(id, signals);
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        while let Some(id) = self.exchanges.oldest_open() {
            self.close(id, signals);
        }
    }
}

impl Exchange {
    /// Whether `response` says that encryption begins.
    fn starts_tls(&self, response: &Message) -> bool {
        let asked = self.request.as_ref().map(|request| &request.body);
        matches!(asked, Some(Body::Extended(Some(name), _)) if name == START_TLS)
            && matches!(&response.body, Body::Result(outcome, ..) if outcome.code == 0)
    }
}

fn event(transaction: Option<u64>, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction, side, event });
}
