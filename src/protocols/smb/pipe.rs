//! Remote procedure calls over pipes.

use std::sync::Arc;

use super::events;
use super::names::{command2, status};
use super::state::{Key, Kind, State};
use super::transaction::{Detail, Status, Transaction};
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::dcerpc::{Bind, Call, HEADER_BYTES, Header, bind_outcomes, kind};
use crate::reader::Reader;

/// Bytes of a unit whose rest has not come.
const FRAGMENT_BYTES: usize = 65_536;

/// What carries a unit.
#[derive(Clone, Copy)]
pub struct Over {
    /// Version of SMB.
    pub version: u8,
    /// Command.
    pub command: u16,
    /// Session, tree and message.
    pub key: Key,
    /// Status of a response.
    pub status: u32,
}

impl Over {
    /// Whether both are of one call. Only a control pairs by its message: what is written and
    /// what is read are exchanges of their own.
    fn pairs(&self, other: &Key) -> bool {
        let by_message = self.version == 2 && self.command == command2::IOCTL;
        self.key.session == other.session && (!by_message || self.key.message == other.message)
    }
}

/// Whether these bytes look like a unit.
pub fn looks_like_call(bytes: &[u8]) -> bool {
    Header::read(&mut Reader::new(bytes))
        .is_some_and(|header| header.minor < 3 && header.length > 0 && header.kind <= kind::LAST)
}

impl State {
    fn call(&self, over: &Over, id: u32) -> Option<u64> {
        self.find(|t| {
            matches!(&t.detail, Detail::Call(call) if call.id == id) && over.pairs(&t.key)
        })
    }

    fn open_call(&mut self, over: &Over, call: Call, signals: &mut Vec<Signal>) -> u64 {
        let (version, command) = (over.version, over.command);
        let key = Key { kind: Kind::Header, ..over.key };
        let detail = Detail::Call(Box::new(call));
        self.open(Transaction { version, command, key, detail, ..Transaction::default() }, signals)
    }

    fn call_mut(&mut self, id: u64) -> Option<&mut Call> {
        match &mut self.transactions.get_mut(id)?.detail {
            Detail::Call(call) => Some(call),
            _ => None,
        }
    }

    /// A client writes a unit to a pipe.
    pub fn write_pipe(&mut self, over: &Over, bytes: &[u8], signals: &mut Vec<Signal>) {
        let way = Direction::ToServer;
        let mut reader = Reader::new(bytes);
        let Some(header) = Header::read(&mut reader) else {
            return self.raise(way, &events::MALFORMED, signals);
        };
        let rest = reader.rest();
        let goes_on = header.kind == kind::REQUEST && !header.is_first();
        let id = match goes_on.then(|| self.call(over, header.call)) {
            Some(Some(id)) => id,
            Some(None) => return,
            None => {
                let interfaces = Arc::clone(&self.interfaces);
                let request = Some(header.kind);
                let call = Call { id: header.call, request, interfaces, ..Call::default() };
                self.open_call(over, call, signals)
            }
        };
        let fine = match header.kind {
            kind::REQUEST => self.call_mut(id).is_some_and(|call| call.add_request(&header, rest)),
            kind::BIND => match Bind::read(&header, reader) {
                Some(bind) => {
                    self.interfaces = Arc::new(bind.interfaces);
                    true
                }
                None => false,
            },
            other => other <= kind::LAST,
        };
        if header.kind == kind::BIND {
            let interfaces = Arc::clone(&self.interfaces);
            if let Some(call) = self.call_mut(id) {
                call.interfaces = interfaces;
            }
        }
        if !fine {
            let transaction = Some(id);
            let (side, event) = (way.side(), &events::MALFORMED);
            signals.push(Signal::Event { transaction, side, event });
        }
        if !fine || header.kind != kind::REQUEST || header.is_last() {
            self.done(id, way, signals);
        }
    }

    /// A server's pipe gives a unit, or a part of one.
    pub fn read_pipe(
        &mut self,
        over: &Over,
        handle: &[u8],
        bytes: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let way = Direction::ToClient;
        if !matches!(over.status, status::SUCCESS | status::BUFFER_OVERFLOW) {
            let key = Key { kind: Kind::Header, ..over.key };
            if let Some(id) = self.find_command(over.version, over.command, &key) {
                self.answered(id, Status::Nt(over.status), signals);
            }
            return;
        }
        let key = (over.key.session, over.key.tree, handle.to_vec());
        let mut unit = self.fragments.remove(&key).unwrap_or_default();
        unit.extend_from_slice(bytes);
        if unit.is_empty() {
            return;
        }
        let mut reader = Reader::new(&unit);
        let Some(header) = Header::read(&mut reader) else {
            return self.raise(way, &events::MALFORMED, signals);
        };
        if over.status == status::BUFFER_OVERFLOW && unit.len() < usize::from(header.length) {
            unit.truncate(FRAGMENT_BYTES);
            self.fragments.insert(key, unit);
            return;
        }
        if header.kind == kind::BIND_ACK {
            return self.bound(over, &header, reader, signals);
        }
        let id = match self.call(over, header.call) {
            Some(id) => id,
            None => {
                let call = Call { id: header.call, ..Call::default() };
                self.open_call(over, call, signals)
            }
        };
        self.returned(id, over, &header, unit.get(HEADER_BYTES..).unwrap_or_default(), signals);
    }

    /// A procedure returned.
    fn returned(
        &mut self,
        id: u64,
        over: &Over,
        header: &Header,
        rest: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let is_response = header.kind == kind::RESPONSE;
        let Some(call) = self.call_mut(id) else { return };
        let fine = match header.kind {
            kind::RESPONSE => call.add_response(header, rest, 8),
            other => other <= kind::LAST,
        };
        if fine || !is_response {
            call.response = Some(header.kind);
        }
        if let Some(transaction) = self.transactions.get_mut(id).filter(|_| fine || !is_response) {
            transaction.status = Some(Status::Nt(over.status));
        }
        if !fine {
            let (side, event) = (Direction::ToClient.side(), &events::MALFORMED);
            signals.push(Signal::Event { transaction: Some(id), side, event });
        }
        if if is_response { fine && header.is_last() } else { true } {
            self.done(id, Direction::ToClient, signals);
        }
    }

    /// The server answers to a bind.
    fn bound(
        &mut self,
        over: &Over,
        header: &Header,
        reader: Reader<'_>,
        signals: &mut Vec<Signal>,
    ) {
        let Some(outcomes) = bind_outcomes(header, reader) else {
            return self.raise(Direction::ToClient, &events::MALFORMED, signals);
        };
        let Some(id) = self.call(over, header.call) else { return };
        let mut interfaces = self.interfaces.to_vec();
        for (interface, outcome) in interfaces.iter_mut().zip(outcomes) {
            interface.outcome = Some(outcome);
        }
        self.interfaces = Arc::new(interfaces);
        let interfaces = Arc::clone(&self.interfaces);
        if let Some(call) = self.call_mut(id) {
            call.interfaces = interfaces;
            call.response = Some(kind::BIND_ACK);
        }
        self.answered(id, Status::Nt(over.status), signals);
    }

    /// The server said what it has to say of an exchange.
    pub fn answered(&mut self, id: u64, status: Status, signals: &mut Vec<Signal>) {
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.status = Some(status);
        }
        self.done(id, Direction::ToClient, signals);
    }
}
