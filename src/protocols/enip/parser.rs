//! Streams and datagrams to transactions.

use super::fields::Transaction;
use super::message::{self, Message};
use super::{INVALID_PDU, TOO_MANY_TRANSACTIONS};
use crate::field::{Describe, Side};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::frame;
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Signal};

/// Requests of a flow that wait for an answer: what the reference engine has by default.
const MAX_OPEN: usize = 1_024;

/// Parses one flow.
pub struct Enip {
    transactions: Transactions<Transaction>,
    /// The beginning of a message that was cut: 0 to the server, 1 to the client.
    pending: [Vec<u8>; 2],
    /// After lost bytes, until a chunk begins with a message.
    lost: [bool; 2],
    ended: [bool; 2],
    /// Bytes that the live transactions hold, about.
    held: usize,
    wants: Wants,
}

impl Default for Enip {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            pending: Default::default(),
            lost: [false; 2],
            ended: [false; 2],
            held: 0,
            wants: Wants::NOTHING,
        }
    }
}

impl Parser for Enip {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.wants = moment.files;
        match (chunk, moment.carrier) {
            (Chunk::Data(bytes), Carrier::Udp) => self.message(direction, bytes, signals),
            (Chunk::Data(bytes), Carrier::Tcp) => self.stream(direction, bytes, signals),
            (Chunk::Gap(_), _) => {
                direction.of_mut(&mut self.pending).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            (Chunk::End, _) => {
                *direction.of_mut(&mut self.ended) = true;
                if direction == Direction::ToClient || self.ended == [true; 2] {
                    while let Some(id) = self.transactions.oldest_open() {
                        self.transactions.close(id, signals);
                    }
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let taken = self.transactions.take(id)?;
        self.held = self.held.saturating_sub(taken.memory());
        Some(taken)
    }

    fn memory(&self) -> usize {
        let pending: usize = self.pending.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.transactions.memory() + pending + self.held
    }
}

impl Enip {
    fn stream(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let lost = way.of_mut(&mut self.lost);
        if *lost {
            if message::looks_like(bytes) != Some(true) {
                return;
            }
            *lost = false;
        }
        let mut pending = std::mem::take(way.of_mut(&mut self.pending));
        pending.extend_from_slice(bytes);
        let mut rest = &*pending;
        while let Some((message, after)) =
            message::size(rest).and_then(|size| rest.split_at_checked(size))
        {
            self.message(way, message, signals);
            rest = after;
        }
        let left = rest.len();
        pending.drain(..pending.len() - left);
        *way.of_mut(&mut self.pending) = pending;
    }

    fn message(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let side = way.side();
        let (header, data) = bytes.split_at_checked(message::HEADER_BYTES).unwrap_or((bytes, &[]));
        for (name, bytes) in [("pdu", bytes), ("hdr", header), ("data", data)] {
            frame::tell(self.wants, name, side, bytes, signals);
        }
        let Some(message) = Message::read(bytes) else {
            signals.push(Signal::Event { transaction: None, side, event: &INVALID_PDU });
            return;
        };
        let invalid = message.invalid;
        self.held += message.memory();
        let id = match way {
            Direction::ToServer => {
                let new = Transaction { request: Some(message), response: None };
                self.transactions.open(new, side, &TOO_MANY_TRANSACTIONS, signals)
            }
            Direction::ToClient => self.answer(message, signals),
        };
        if invalid {
            signals.push(Signal::Event { transaction: Some(id), side, event: &INVALID_PDU });
        }
        Signal::all_ready(id, side, signals);
        if way == Direction::ToClient {
            self.transactions.close(id, signals);
        }
    }

    /// Finds the request that is answered. Those before it will not be answered any more.
    fn answer(&mut self, message: Message, signals: &mut Vec<Signal>) -> u64 {
        let asked = |transaction: &Transaction| {
            transaction.request.as_ref().is_some_and(|request| message.answers(request))
        };
        let found = self.transactions.iter_open().find(|(_, open)| asked(open)).map(|(id, _)| id);
        let Some(id) = found else {
            let new = Transaction { request: None, response: Some(message) };
            return self.transactions.open(new, Side::Response, &TOO_MANY_TRANSACTIONS, signals);
        };
        while let Some(earlier) = self.transactions.oldest_open().filter(|oldest| *oldest < id) {
            self.transactions.close(earlier, signals);
        }
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.response = Some(message);
        }
        id
    }
}
