//! Streams of both directions to transactions.

use super::fields::Transaction;
use super::message::{Message, flaw};
use super::{events, looks_like};
use crate::field::{Describe, Event, Side};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Requests of a flow that wait for an answer, as Suricata has it by default.
const MAX_OPEN: usize = 500;
/// Bytes of a frame before what its length counts.
const HEADER: usize = 6;
/// What the length of a frame may be: unit and function, to the longest message.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=254;

/// Parses one flow.
pub struct Modbus {
    transactions: Transactions<Transaction>,
    /// The beginning of a frame that was cut: 0 to the server, 1 to the client.
    pending: [Vec<u8>; 2],
    /// After lost bytes, until a chunk begins with a frame.
    lost: [bool; 2],
    ended: [bool; 2],
    stopped: bool,
}

impl Default for Modbus {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            pending: Default::default(),
            lost: [false; 2],
            ended: [false; 2],
            stopped: false,
        }
    }
}

impl Parser for Modbus {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => self.data(direction, bytes, signals),
            Chunk::Gap(_) => {
                direction.of_mut(&mut self.pending).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if direction == Direction::ToClient || self.ended == [true; 2] {
                    self.close_all(signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.transactions.take(id).map(|transaction| transaction as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        // A message holds at most the longest frame.
        let data = self.transactions.len().saturating_mul(2 * LENGTHS.end());
        let pending: usize = self.pending.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.transactions.memory() + pending + data
    }
}

impl Modbus {
    fn data(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let lost = way.of_mut(&mut self.lost);
        if *lost {
            if !looks_like(bytes) {
                return;
            }
            *lost = false;
        }
        let pending = std::mem::take(way.of_mut(&mut self.pending));
        let joined;
        let mut rest = if pending.is_empty() {
            bytes
        } else {
            joined = [&*pending, bytes].concat();
            &joined
        };
        while let Some([_, _, _, _, high, low]) = rest.first_chunk::<HEADER>() {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if !LENGTHS.contains(&length) {
                let (side, event) = (way.side(), &events::INVALID_LENGTH);
                signals.push(Signal::Event { transaction: None, side, event });
                self.stopped = true;
                self.close_all(signals);
                signals.push(Signal::Stop);
                return;
            }
            let Some((frame, after)) = rest.split_at_checked(HEADER + length) else { break };
            rest = after;
            if let Some(message) = Message::parse(way, frame) {
                match way {
                    Direction::ToServer => self.request(message, signals),
                    Direction::ToClient => self.response(message, signals),
                }
            }
        }
        *way.of_mut(&mut self.pending) = rest.to_vec();
    }

    fn open(&mut self, new: Transaction, side: Side, signals: &mut Vec<Signal>) -> u64 {
        let id = self.transactions.next_id();
        self.transactions.open(Transaction { id, ..new }, side, &events::FLOODED, signals)
    }

    fn request(&mut self, message: Message, signals: &mut Vec<Signal>) {
        let flaws = message.flaws;
        let new = Transaction { request: Some(message), ..Transaction::default() };
        let id = self.open(new, Side::Request, signals);
        raise(id, Side::Request, flaws, signals);
        Signal::all_ready(id, Side::Request, signals);
    }

    fn response(&mut self, mut message: Message, signals: &mut Vec<Signal>) {
        let asked = |transaction: &Transaction| {
            transaction.request.as_ref().is_some_and(|request| message.answers(request))
        };
        let found = self.transactions.iter_open().find(|(_, transaction)| asked(transaction));
        let id = match found.map(|(id, _)| id) {
            Some(id) => id,
            None => {
                let id = self.open(Transaction::default(), Side::Response, signals);
                event(id, Side::Response, &events::UNSOLICITED, signals);
                id
            }
        };
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        if let Some(request) = &transaction.request {
            message.compare(request);
        }
        let wrong = flaw::VALUE | flaw::LENGTH;
        if message.access() != 0 && message.flaws & wrong != 0 {
            event(id, Side::Response, &events::VALUE_MISMATCH, signals);
        } else {
            raise(id, Side::Response, message.flaws, signals);
        }
        transaction.response = Some(message);
        Signal::all_ready(id, Side::Response, signals);
        self.transactions.close(id, signals);
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        while let Some(id) = self.transactions.oldest_open() {
            self.transactions.close(id, signals);
        }
    }
}

fn event(id: u64, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: Some(id), side, event });
}

fn raise(id: u64, side: Side, flaws: u8, signals: &mut Vec<Signal>) {
    let named = [
        (flaw::FUNCTION, &events::INVALID_FUNCTION),
        (flaw::VALUE, &events::INVALID_VALUE),
        (flaw::LENGTH, &events::INVALID_LENGTH),
        (flaw::EXCEPTION, &events::INVALID_EXCEPTION),
        (flaw::PROTOCOL, &events::INVALID_PROTOCOL),
    ];
    for (_, what) in named.iter().filter(|(bit, _)| flaws & bit != 0) {
        event(id, side, what, signals);
    }
}
