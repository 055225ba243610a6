//! Streams of both directions to messages, and messages to exchanges: what is asked and what
//! answers it.

use super::events;
use super::message::{Body, Malformed, Message, length};
use crate::field::{Describe, Event, Side};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal, frame};
use crate::reader::Reader;

/// Exchanges that wait for an answer: Suricata's default.
const MAX_OPEN: usize = 1024;
/// Bytes of exchanges that wait for an answer.
const MAX_OPEN_BYTES: usize = 4 << 20;
/// Messages of one exchange.
const MAX_MESSAGES: usize = 100;
/// Bytes of a message that is read: Suricata's default.
const MESSAGE_BYTES: usize = 1 << 20;
/// Stands for the number of CONNECT, which has none: numbers have 16 bits.
const CONNECT_ID: u32 = u32::MAX;

/// A message and those that answer it.
#[derive(Debug)]
pub struct Exchange {
    /// In order.
    pub messages: Vec<Message>,
    /// Version of the protocol on the connection: 3, 4 or 5.
    pub version: u8,
    /// The number that answers refer to.
    id: Option<u32>,
    side: Side,
    bytes: usize,
}

/// Parses one flow.
pub struct Mqtt {
    exchanges: Transactions<Exchange>,
    /// A message whose end has not come, each way.
    partial: [Vec<u8>; 2],
    /// Bytes of a long message that are passed over.
    skip: [usize; 2],
    version: u8,
    connected: bool,
    open_bytes: usize,
    wants: Wants,
    ended: [bool; 2],
    stopped: bool,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            exchanges: Transactions::new(MAX_OPEN),
            partial: Default::default(),
            skip: [0; 2],
            version: 0,
            connected: false,
            open_bytes: 0,
            wants: Wants::NOTHING,
            ended: [false; 2],
            stopped: false,
        }
    }
}

impl Parser for Mqtt {
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
        match chunk {
            Chunk::Data(bytes) => {
                if self.data(direction, bytes, signals) == Err(Malformed) {
                    let exchange = self.exchange(None, None, direction.side());
                    let id = self.open(exchange, signals);
                    event(id, direction.side(), &events::MALFORMED, signals);
                    self.close(id, signals);
                    self.stop(signals);
                }
            }
            // Where the next message begins cannot be known.
            Chunk::Gap(_) => self.stop(signals),
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

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.exchanges.memory() + self.open_bytes + partial
    }
}

impl Mqtt {
    fn data(
        &mut self,
        way: Direction,
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Result<(), Malformed> {
        let mut held = std::mem::take(way.of_mut(&mut self.partial));
        held.extend_from_slice(bytes);
        let mut reader = Reader::new(&held);
        while !reader.is_empty() {
            let skip = way.of_mut(&mut self.skip);
            let passed = reader.left().min(*skip);
            *skip -= passed;
            let mut ahead = reader;
            if ahead.skip(passed).is_none() {
                break;
            }
            reader = ahead;
            let unit = ahead.rest();
            let Some(first) = ahead.u8() else { break };
            let Some(size) = length(&mut ahead)? else { break };
            let head = unit.len() - ahead.left();
            if size > MESSAGE_BYTES {
                self.tell(way, unit.get(..head).unwrap_or_default(), head, signals);
                *way.of_mut(&mut self.skip) = size;
                reader = ahead;
                self.message(way, Message { first, body: Body::Truncated(size as u64) }, signals);
                continue;
            }
            let Some(body) = ahead.take(size) else { break };
            self.tell(way, unit.get(..head + size).unwrap_or_default(), head, signals);
            reader = ahead;
            let message = Message::read(first, body, self.version)?;
            self.message(way, message, signals);
        }
        let taken = reader.position();
        held.drain(..taken);
        *way.of_mut(&mut self.partial) = held;
        Ok(())
    }

    /// Tells of a message as it stands on the wire.
    fn tell(&self, way: Direction, pdu: &[u8], head: usize, signals: &mut Vec<Signal>) {
        let (header, data) = pdu.split_at_checked(head).unwrap_or((pdu, &[]));
        for (name, bytes) in [("pdu", pdu), ("header", header), ("data", data)] {
            frame::tell(self.wants, name, way.side(), bytes, signals);
        }
    }

    fn message(&mut self, way: Direction, message: Message, signals: &mut Vec<Signal>) {
        let side = way.side();
        let (kind, qos) = (message.kind(), message.qos());
        let mut wrong: [Option<&'static Event>; 2] = [None; 2];
        let mut id = None;
        match &message.body {
            Body::Connect(connect) => {
                self.version = connect.version;
                wrong = [self.connected.then_some(&events::DOUBLE_CONNECT), None];
                id = Some(CONNECT_ID);
            }
            Body::ConnectAck { .. } => {
                let found = self.answer(CONNECT_ID, message, true, signals);
                self.connected |= found.is_none();
                let missing = &events::MISSING_CONNECT;
                return self.unasked(found, side, missing, false, signals);
            }
            Body::Ack { id, .. } => {
                let found = self.answer((*id).into(), message, matches!(kind, 4 | 7), signals);
                return self.unasked(found, side, &events::MISSING_PUBLISH, true, signals);
            }
            Body::Codes { id, .. } => {
                let found = self.answer((*id).into(), message, true, signals);
                let (suback, unsuback) = (&events::MISSING_SUBSCRIBE, &events::MISSING_UNSUBSCRIBE);
                let missing = if kind == 9 { suback } else { unsuback };
                return self.unasked(found, side, missing, true, signals);
            }
            Body::Publish { id: number, .. } => {
                id = number.map(u32::from).filter(|_| qos != 0);
                wrong = self.asks(qos);
            }
            Body::Subscribe { id: number, .. } | Body::Unsubscribe { id: number, .. } => {
                id = Some(u32::from(*number)).filter(|_| qos != 0);
                wrong = self.asks(qos);
            }
            Body::None if kind == 0 => wrong = [Some(&events::UNASSIGNED), None],
            Body::Truncated(_) => {}
            Body::Reason { .. } | Body::None => wrong = [self.unintroduced(), None],
        }
        let waits = id.is_some() || wrong.iter().flatten().any(|e| e.name == "invalid_qos_level");
        let exchange = self.exchange(Some(message), id, side);
        let transaction = self.open(exchange, signals);
        wrong.into_iter().flatten().for_each(|what| event(transaction, side, what, signals));
        if !waits {
            self.close(transaction, signals);
        }
    }

    /// What is wrong with a message that wants an answer.
    fn asks(&self, qos: u8) -> [Option<&'static Event>; 2] {
        [(qos == 3).then_some(&events::INVALID_QOS), self.unintroduced()]
    }

    fn unintroduced(&self) -> Option<&'static Event> {
        (!self.connected).then_some(&events::UNINTRODUCED)
    }

    fn exchange(&self, message: Option<Message>, id: Option<u32>, side: Side) -> Exchange {
        let bytes = message.as_ref().map_or(0, Message::memory);
        let messages = message.into_iter().collect();
        Exchange { messages, version: self.version, id, side, bytes }
    }

    /// Adds an answer to what it answers; gives it back when there is nothing.
    fn answer(
        &mut self,
        id: u32,
        message: Message,
        last: bool,
        signals: &mut Vec<Signal>,
    ) -> Option<Message> {
        let asked = self.exchanges.iter_open().find(|(_, exchange)| exchange.id == Some(id));
        let Some((transaction, _)) = asked else { return Some(message) };
        let exchange = self.exchanges.get_mut(transaction)?;
        if exchange.messages.len() < MAX_MESSAGES {
            let bytes = message.memory();
            exchange.bytes += bytes;
            self.open_bytes += bytes;
            exchange.messages.push(message);
        } else {
            event(transaction, exchange.side, &events::TOO_MANY_MESSAGES, signals);
            self.close(transaction, signals);
        }
        if last {
            self.close(transaction, signals);
        }
        None
    }

    /// An answer to nothing, when `message` is one.
    fn unasked(
        &mut self,
        message: Option<Message>,
        side: Side,
        missing: &'static Event,
        introduced: bool,
        signals: &mut Vec<Signal>,
    ) {
        if message.is_none() {
            return;
        }
        let exchange = self.exchange(message, None, side);
        let transaction = self.open(exchange, signals);
        event(transaction, side, missing, signals);
        if let Some(unintroduced) = self.unintroduced().filter(|_| introduced) {
            event(transaction, side, unintroduced, signals);
        }
        self.close(transaction, signals);
    }

    fn open(&mut self, exchange: Exchange, signals: &mut Vec<Signal>) -> u64 {
        self.open_bytes += exchange.bytes;
        while self.exchanges.count_open() >= MAX_OPEN || self.open_bytes > MAX_OPEN_BYTES {
            let Some(oldest) = self.exchanges.oldest_open() else { break };
            event(oldest, Side::Request, &events::TOO_MANY_TRANSACTIONS, signals);
            self.close(oldest, signals);
        }
        self.exchanges.open(exchange, Side::Request, &events::TOO_MANY_TRANSACTIONS, signals)
    }

    fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(exchange) = self.exchanges.get_mut(id) else { return };
        let side = exchange.side;
        self.open_bytes = self.open_bytes.saturating_sub(exchange.bytes);
        Signal::all_ready(id, side, signals);
        self.exchanges.close(id, signals);
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        while let Some(id) = self.exchanges.oldest_open() {
            self.close(id, signals);
        }
    }

    fn stop(&mut self, signals: &mut Vec<Signal>) {
        self.close_all(signals);
        self.stopped = true;
        signals.push(Signal::Stop);
    }
}

fn event(id: u64, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: Some(id), side, event });
}
