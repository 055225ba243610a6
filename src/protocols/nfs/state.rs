//! What is remembered of a connection while it lasts: all of it bounded.

use super::events;
use super::transaction::{Detail, FileTransfer, Transaction};
use crate::field::{Event, Side};
use crate::file::Wants;
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::recent::Recent;
use crate::protocols::formats::rpc::Caller;
use crate::protocols::formats::transfer::Transfer;
use crate::protocols::transactions::Transactions;

/// Exchanges that wait for their end, as Suricata has it by default.
const MAX_OPEN: usize = 1024;
/// Entries of each of the maps below; the oldest is forgotten.
const MAX_ENTRIES: usize = 1024;
/// Bytes of a name that are remembered.
const NAME_BYTES: usize = 1024;

/// A call that waits for its reply.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// Version of the protocol.
    pub version: u32,
    /// Procedure.
    pub procedure: u32,
    /// What it is about.
    pub name: Vec<u8>,
    /// The handle of that.
    pub handle: Vec<u8>,
    /// The place in a file that is read.
    pub offset: u64,
    /// Who calls.
    pub caller: Caller,
}

/// A piece of a file.
pub struct Piece<'a> {
    /// The call that carries or asked for it.
    pub call: u32,
    /// Version and procedure of that.
    pub of: (u32, u32),
    /// Who called.
    pub caller: &'a Caller,
    /// The file.
    pub handle: &'a [u8],
    /// Its place in the file.
    pub offset: u64,
    /// As much of it as came.
    pub data: &'a [u8],
    /// Whether the file ends with it.
    pub last: bool,
}

/// The state of a connection.
pub struct State {
    /// Exchanges.
    pub transactions: Transactions<Transaction>,
    /// What is to be learned of files.
    pub wants: Wants,
    /// Names of files, by handle.
    pub names: Recent<Vec<u8>, Vec<u8>>,
    /// Calls that wait for their replies.
    pub calls: Recent<u32, Pending>,
    /// What ends is not told of: datagrams that nobody answered, as Suricata has it.
    pub quiet: bool,
    /// Exchanges that were given a number.
    numbered: u64,
}

impl State {
    /// Of a new connection.
    pub const fn new() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            wants: Wants::NOTHING,
            names: Recent::new(MAX_ENTRIES),
            calls: Recent::new(MAX_ENTRIES),
            quiet: false,
            numbered: 0,
        }
    }

    /// Remembers the name of a file.
    pub fn name(&mut self, handle: &[u8], name: &[u8]) {
        if !name.is_empty() && !handle.is_empty() {
            self.names.insert(handle.to_vec(), cut(name));
        }
    }

    /// The name of a file, empty when it is not known.
    pub fn name_of(&self, handle: &[u8]) -> Vec<u8> {
        self.names.get(&handle.to_vec()).cloned().unwrap_or_default()
    }

    /// A new exchange whose call was seen.
    pub fn open(&mut self, new: Transaction, signals: &mut Vec<Signal>) -> u64 {
        self.numbered += 1;
        let new = Transaction { id: self.numbered, ..new };
        let id = self.transactions.open(new, Side::Request, &events::TOO_MANY, signals);
        Signal::all_ready(id, Side::Request, signals);
        id
    }

    /// The transfer of a file that goes on this way.
    pub fn transfer(&self, handle: &[u8], way: Direction) -> Option<u64> {
        let mut open = self.transactions.iter_open();
        let goes_on = |t: &Transaction| {
            matches!(&t.detail, Detail::File(file)
                if file.side == way.side() && file.last.is_none() && t.handle == handle)
        };
        open.find(|(_, t)| goes_on(t)).map(|(id, _)| id)
    }

    /// The file of a transfer.
    pub fn file(&mut self, id: u64) -> Option<&mut FileTransfer> {
        match &mut self.transactions.get_mut(id)?.detail {
            Detail::File(file) => Some(file),
            _ => None,
        }
    }

    /// The transfer that this piece is of, begun when there is none.
    pub fn transfer_of(
        &mut self,
        way: Direction,
        piece: &Piece<'_>,
        signals: &mut Vec<Signal>,
    ) -> u64 {
        if let Some(id) = self.transfer(piece.handle, way) {
            return id;
        }
        let name = self.name_of(piece.handle);
        let file = FileTransfer {
            side: way.side(),
            transfer: Transfer::open(&name, way.side(), self.wants),
            chunks: 0,
            last: None,
            told: false,
        };
        let (version, procedure) = piece.of;
        let new = Transaction {
            call: piece.call,
            version,
            procedure,
            name,
            handle: piece.handle.to_vec(),
            caller: piece.caller.clone(),
            detail: Detail::File(Box::new(file)),
            ..Transaction::default()
        };
        self.open(new, signals)
    }

    /// A piece goes this way: its first bytes. The number of the exchange, for the rest of it.
    pub fn piece(&mut self, way: Direction, piece: &Piece<'_>, signals: &mut Vec<Signal>) -> u64 {
        let id = self.transfer_of(way, piece, signals);
        if let Some(file) = self.file(id) {
            file.chunks = file.chunks.saturating_add(1);
            file.transfer.piece(piece.offset);
            file.transfer.add(piece.data);
            if piece.last {
                file.last = Some(piece.call);
            }
        }
        id
    }

    /// A piece is whole: with the last one the file ends.
    pub fn piece_ended(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(file) = self.file(id) else { return };
        if file.last.is_none() {
            return;
        }
        let side = file.side;
        self.tell(id, signals);
        // What is written is answered yet.
        if side == Side::Response {
            self.close(id, signals);
        }
    }

    /// What was written is to be kept, or the file closed: it ends with this call.
    pub fn end_transfer(&mut self, handle: &[u8], call: u32, signals: &mut Vec<Signal>) {
        let Some(id) = self.transfer(handle, Direction::ToServer) else { return };
        if let Some(file) = self.file(id) {
            file.chunks = file.chunks.saturating_add(1);
            file.last = Some(call);
        }
        self.piece_ended(id, signals);
    }

    /// A call was answered: exchanges that end with it are over.
    pub fn answered(
        &mut self,
        call: u32,
        denied: u32,
        status: u32,
        handle: &[u8],
        signals: &mut Vec<Signal>,
    ) {
        let ends = |t: &Transaction| match &t.detail {
            Detail::File(file) => file.side == Side::Request && file.last == Some(call),
            _ => t.call == call,
        };
        for id in self.transactions.open_where(ends) {
            if let Some(transaction) = self.transactions.get_mut(id) {
                (transaction.denied, transaction.status) = (denied, status);
                if transaction.handle.is_empty() {
                    transaction.handle = handle.to_vec();
                }
            }
            self.close(id, signals);
        }
    }

    /// An event of the latest exchange, where there is one.
    pub fn raise(&self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        let transaction = self.transactions.newest_open();
        signals.push(Signal::Event { transaction, side: way.side(), event });
    }

    /// Nothing will be added to an exchange, whole or not.
    pub fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        self.tell(id, signals);
        let quiet = self.quiet;
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.quiet = quiet;
            Signal::all_ready(id, Side::Response, signals);
        }
        self.transactions.close(id, signals);
    }

    /// Tells the end of a file, once.
    fn tell(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(file) = self.file(id) else { return };
        if std::mem::replace(&mut file.told, true) {
            return;
        }
        match file.last {
            Some(_) => file.transfer.file.close(),
            None => file.transfer.file.truncate(),
        }
        signals.push(Signal::File { transaction: id, side: file.side, index: 0 });
    }

    /// Closes every exchange that `which` holds for.
    pub fn close_all(&mut self, which: impl Fn(&Transaction) -> bool, signals: &mut Vec<Signal>) {
        self.transactions.open_where(which).into_iter().for_each(|id| self.close(id, signals));
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let open: usize = self.transactions.iter_open().map(|(_, t)| t.memory()).sum();
        let call = |_: &u32, call: &Pending| {
            call.name.capacity() + call.handle.capacity() + call.caller.memory()
        };
        self.transactions.memory()
            + open
            + self.names.memory(|handle, name| handle.capacity() + name.capacity())
            + self.calls.memory(call)
    }
}

/// As much of a name as is remembered.
pub fn cut(name: &[u8]) -> Vec<u8> {
    name.get(..NAME_BYTES).unwrap_or(name).to_vec()
}
