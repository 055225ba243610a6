//! Streams and datagrams to calls.

use std::sync::Arc;

use super::transaction::Transaction;
use super::{FLOODED, datagram, looks_like_unit};
use crate::field::{Describe, Side};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::dcerpc::{
    Bind, Call, HEADER_BYTES, Header, INTERFACES_MAX, Interface, Outcome, bind_outcomes, kind,
};
use crate::protocols::formats::partial::Partial;
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal};
use crate::reader::Reader;

/// Calls of a flow that wait for an answer, as Suricata has it by default.
const MAX_OPEN: usize = 1024;

/// Parses one flow.
pub struct Dcerpc {
    transactions: Transactions<Transaction>,
    /// A unit that was cut, at most 65,535 bytes each way.
    partial: [Partial; 2],
    /// After lost bytes, until a unit begins.
    lost: [bool; 2],
    ended: [bool; 2],
    /// What clients bound, oldest first.
    interfaces: Vec<Interface>,
    stopped: bool,
}

impl Dcerpc {
    pub fn new() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            partial: Default::default(),
            lost: [false; 2],
            ended: [false; 2],
            interfaces: Vec::new(),
            stopped: false,
        }
    }
}

impl Parser for Dcerpc {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            Chunk::Data(_) if self.stopped => {}
            Chunk::Data(bytes) if moment.carrier == Carrier::Udp => {
                if let Some(header) = datagram::Header::read(bytes) {
                    self.datagram(&header, signals);
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
        self.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.transactions.take(id).map(|transaction| transaction as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let calls: usize = self.transactions.iter_open().map(|(_, t)| t.call.memory()).sum();
        let partial: usize = self.partial.iter().map(Partial::memory).sum();
        let interfaces = self.interfaces.capacity() * size_of::<Interface>();
        size_of::<Self>() + self.transactions.memory() + calls + partial + interfaces
    }
}

impl Dcerpc {
    fn stream(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let mut partial = std::mem::take(way.of_mut(&mut self.partial));
        partial.feed(bytes, |bytes| self.unit(way, bytes, signals));
        if !self.stopped {
            *way.of_mut(&mut self.partial) = partial;
        }
    }

    /// Reads the unit at the start of `bytes` and gives its length; 0 when it is not whole.
    fn unit(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        if self.stopped {
            return bytes.len();
        }
        if *way.of_mut(&mut self.lost) {
            match looks_like_unit(bytes) {
                Probe::Yes => *way.of_mut(&mut self.lost) = false,
                Probe::No => return 1,
                Probe::NeedMore => return 0,
            }
        }
        let mut reader = Reader::new(bytes);
        if bytes.len() < HEADER_BYTES {
            return 0;
        }
        let header = Header::read(&mut reader)
            .filter(|header| header.minor <= 1 && usize::from(header.length) >= HEADER_BYTES);
        let Some(header) = header else { return self.stop(bytes, signals) };
        let length = usize::from(header.length);
        let Some(unit) = bytes.get(HEADER_BYTES..length) else { return 0 };
        if self.read(way, &header, unit, signals).is_none() {
            return self.stop(bytes, signals);
        }
        length
    }

    /// What comes cannot be understood any more.
    fn stop(&mut self, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        self.stopped = true;
        self.close_all(signals);
        signals.push(Signal::Stop);
        bytes.len()
    }

    fn read(
        &mut self,
        way: Direction,
        header: &Header,
        unit: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Option<()> {
        match header.kind {
            kind::BIND | kind::ALTER_CONTEXT => self.bind(header, unit, signals)?,
            kind::BIND_ACK | kind::ALTER_CONTEXT_RESPONSE => {
                let outcomes = bind_outcomes(header, Reader::new(unit))?;
                self.bound(header, &outcomes, signals);
            }
            kind::REQUEST => {
                let id = match self.find(header.call, |t| {
                    t.call.request.is_none_or(|kind| kind == kind::REQUEST)
                        && t.call.response.is_none_or(|kind| kind == kind::RESPONSE)
                        && !t.request_done
                }) {
                    Some(id) => id,
                    None => self.open(header, Side::Request, signals),
                };
                let transaction = self.transactions.get_mut(id)?;
                transaction.call.request = Some(kind::REQUEST);
                if !transaction.call.add_request(header, unit) {
                    return None;
                }
                let context = transaction.call.context;
                let fits = |interface: &&Interface| interface.context == context;
                transaction.call.interfaces =
                    Arc::new(self.interfaces.iter().filter(fits).copied().collect());
                if header.is_last() {
                    self.done(id, way, signals);
                }
            }
            kind::RESPONSE => {
                let id = match self.find(header.call, |t| {
                    t.call.request.is_none_or(|kind| kind == kind::REQUEST) && !t.response_done
                }) {
                    Some(id) => id,
                    None => self.open(header, Side::Response, signals),
                };
                let transaction = self.transactions.get_mut(id)?;
                transaction.call.response = Some(kind::RESPONSE);
                // Over a stream what rules know as results includes the size, the context and the
                // count of cancels before them.
                if !transaction.call.add_response(header, unit, 0) {
                    return None;
                }
                if header.is_last() {
                    self.done(id, way, signals);
                }
            }
            _ => {}
        }
        Some(())
    }

    fn bind(&mut self, header: &Header, unit: &[u8], signals: &mut Vec<Signal>) -> Option<()> {
        let bind = Bind::read(header, Reader::new(unit))?;
        let id = self.open(header, Side::Request, signals);
        self.interfaces.extend_from_slice(&bind.interfaces);
        let over = self.interfaces.len().saturating_sub(INTERFACES_MAX);
        self.interfaces.drain(..over);
        let transaction = self.transactions.get_mut(id)?;
        transaction.call.request = Some(header.kind);
        transaction.call.arguments.fragments = 1;
        transaction.call.interfaces = Arc::new(bind.interfaces);
        self.done(id, Direction::ToServer, signals);
        Some(())
    }

    fn bound(&mut self, header: &Header, outcomes: &[Outcome], signals: &mut Vec<Signal>) {
        let of_call = self.interfaces.iter_mut().filter(|known| known.call == header.call);
        for (interface, outcome) in of_call.zip(outcomes) {
            interface.outcome = Some(*outcome);
        }
        let asked = match header.kind {
            kind::BIND_ACK => kind::BIND,
            _ => kind::ALTER_CONTEXT,
        };
        let id = match self.find(header.call, |t| t.call.request == Some(asked)) {
            Some(id) => id,
            None => self.open(header, Side::Response, signals),
        };
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let of_call = self.interfaces.iter().filter(|known| known.call == header.call);
        transaction.call.interfaces = Arc::new(of_call.copied().collect());
        transaction.call.response = Some(header.kind);
        transaction.call.results.fragments = 1;
        self.done(id, Direction::ToClient, signals);
    }

    fn datagram(&mut self, header: &datagram::Header<'_>, signals: &mut Vec<Signal>) {
        let (way, side) = match header.kind {
            kind::REQUEST => (Direction::ToServer, Side::Request),
            kind::RESPONSE => (Direction::ToClient, Side::Response),
            _ => return,
        };
        let same = |t: &Transaction| t.datagram == Some((header.activity, header.sequence));
        let found = self.transactions.iter_open().find(|(_, t)| {
            same(t)
                && match way {
                    Direction::ToServer => !t.request_done,
                    Direction::ToClient => !t.response_done,
                }
        });
        let id = match found.map(|(id, _)| id) {
            Some(id) => id,
            None => {
                let datagram = Some((header.activity, header.sequence));
                let new = Transaction { datagram, ..Transaction::default() };
                self.transactions.open(new, side, &FLOODED, signals)
            }
        };
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        if way == Direction::ToServer {
            transaction.call.request = Some(kind::REQUEST);
            transaction.call.operation = header.operation;
            transaction.call.arguments.add(header.body);
            let interface = Interface {
                uuid: header.interface,
                version: header.version,
                first_fragment: true,
                outcome: Some(Outcome::default()),
                ..Interface::default()
            };
            transaction.call.interfaces = Arc::new(vec![interface]);
        } else {
            transaction.call.response = Some(kind::RESPONSE);
            transaction.call.results.add(header.body);
        }
        if header.last {
            self.done(id, way, signals);
        }
    }

    fn find(&self, call: u32, fits: impl Fn(&Transaction) -> bool) -> Option<u64> {
        let mut open = self.transactions.iter_open();
        open.find(|(_, t)| t.call.id == call && fits(t)).map(|(id, _)| id)
    }

    fn open(&mut self, header: &Header, side: Side, signals: &mut Vec<Signal>) -> u64 {
        let call = Call { id: header.call, ..Call::default() };
        let new = Transaction { call, minor: header.minor, ..Transaction::default() };
        self.transactions.open(new, side, &FLOODED, signals)
    }

    /// All of one side was seen.
    fn done(&mut self, id: u64, way: Direction, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        match way {
            Direction::ToServer => transaction.request_done = true,
            Direction::ToClient => transaction.response_done = true,
        }
        let over = transaction.request_done && transaction.response_done;
        Signal::all_ready(id, way.side(), signals);
        if over {
            self.transactions.close(id, signals);
        }
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        while let Some(id) = self.transactions.oldest_open() {
            self.transactions.close(id, signals);
        }
    }
}
