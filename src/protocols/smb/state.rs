//! What is remembered of a connection while it lasts: all of it bounded.

use std::sync::Arc;

use super::names;
use super::transaction::{Detail, Transaction};
use crate::field::{Event, Side};
use crate::file::Wants;
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::dcerpc::Interface;
use crate::protocols::formats::recent::Recent;
use crate::protocols::transactions::Transactions;

/// Exchanges that wait for their end, as Suricata has it by default.
pub const MAX_OPEN: usize = 1024;
/// Entries of each of the maps below; the oldest is forgotten.
const MAX_ENTRIES: usize = 1024;
/// Parts of remote procedure calls that wait for their rest.
const MAX_FRAGMENTS: usize = 32;
/// Bytes of a name that are remembered.
const NAME_BYTES: usize = 4096;

/// The name given to a pipe whose opening was not seen and that carries procedure calls.
pub const SUPPOSED: &[u8] = b"suricata::dcerpc";

/// What a key is of: two of different kinds are never the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Pairs nothing.
    #[default]
    None,
    /// A command and its response.
    Command,
    /// A session, a control or a call.
    Header,
    /// A tree that is connected to.
    Tree,
}

/// What pairs a request with its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// What it is of.
    pub kind: Kind,
    /// Session, or user.
    pub session: u64,
    /// Tree; not compared.
    pub tree: u32,
    /// Message, or multiplex.
    pub message: u64,
}

impl Key {
    /// Whether both are of one exchange. An answer may be of no tree.
    pub fn pairs(&self, other: &Self) -> bool {
        (self.kind, self.session, self.message) == (other.kind, other.session, other.message)
    }
}

/// The dialect that both sides agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// None yet.
    #[default]
    Unknown,
    /// Of SMB 1, by its name.
    Named(Arc<[u8]>),
    /// Of SMB 2 or 3.
    Numbered(u16),
}

impl Dialect {
    /// As EVE shows it.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::Unknown => b"unknown".to_vec(),
            Self::Named(name) if std::str::from_utf8(name).is_err() => b"invalid".to_vec(),
            Self::Named(name) => name.to_vec(),
            Self::Numbered(number) => names::dialect(*number).as_bytes().to_vec(),
        }
    }
}

/// A share that is connected to.
#[derive(Clone, Debug)]
pub struct Share {
    /// Its path.
    pub path: Vec<u8>,
    /// Whether it holds pipes.
    pub is_pipe: bool,
}

/// The state of a connection.
pub struct State {
    /// Exchanges.
    pub transactions: Transactions<Transaction>,
    /// What is to be learned of files.
    pub wants: Wants,
    /// Names of open files, by handle.
    pub names: Recent<Vec<u8>, Vec<u8>>,
    /// Shares, by session and tree.
    pub shares: Recent<(u64, u32), Share>,
    /// File and place of what is to be read, by session and message.
    pub reads: Recent<(u64, u64), (Vec<u8>, u64)>,
    /// Files that are closed or pipes that are talked to, by session and message (SMB 1).
    pub handles: Recent<(u64, u64), Vec<u8>>,
    /// The beginnings of what a pipe returns, by session, tree and handle.
    pub fragments: Recent<(u64, u32, Vec<u8>), Vec<u8>>,
    /// Interfaces that were bound last.
    pub interfaces: Arc<Vec<Interface>>,
    /// The dialect that was agreed on.
    pub dialect: Dialect,
    /// The longest read and write that were agreed on; 0 when unknown.
    pub limits: (u32, u32),
}

impl State {
    /// Of a new connection.
    pub fn new() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            wants: Wants::NOTHING,
            names: Recent::new(MAX_ENTRIES),
            shares: Recent::new(MAX_ENTRIES),
            reads: Recent::new(MAX_ENTRIES),
            handles: Recent::new(MAX_ENTRIES),
            fragments: Recent::new(MAX_FRAGMENTS),
            interfaces: Arc::default(),
            dialect: Dialect::Unknown,
            limits: (0, 0),
        }
    }

    /// Remembers the name of an open file, without zero bytes.
    pub fn name(&mut self, handle: &[u8], name: &[u8]) {
        let name = name.iter().copied().filter(|byte| *byte != 0).take(NAME_BYTES).collect();
        self.names.insert(handle.to_vec(), name);
    }

    /// Whether a handle is of a pipe that carries remote procedure calls.
    pub fn is_procedure_pipe(&self, handle: &[u8]) -> bool {
        self.names.get(&handle.to_vec()).is_some_and(|name| names::is_procedure_pipe(name))
    }

    /// A new exchange, with its request complete or not.
    pub fn open(&mut self, new: Transaction, signals: &mut Vec<Signal>) -> u64 {
        let id = self.transactions.next_id().saturating_add(1);
        let new = Transaction { id, dialect: self.dialect.clone(), ..new };
        self.transactions.open(new, Side::Request, &super::events::TOO_MANY, signals)
    }

    /// The first open exchange that fits.
    pub fn find(&self, fits: impl Fn(&Transaction) -> bool) -> Option<u64> {
        self.transactions.iter_open().find(|(_, t)| fits(t)).map(|(id, _)| id)
    }

    /// The first open exchange of this command with this key.
    pub fn find_command(&self, version: u8, command: u16, key: &Key) -> Option<u64> {
        self.find(|t| (t.version, t.command) == (version, command) && t.key.pairs(key))
    }

    /// An event of the latest exchange, where there is one.
    pub fn raise(&self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        let transaction = self.transactions.newest_open();
        signals.push(Signal::Event { transaction, side: way.side(), event });
    }

    /// All of a side of an exchange was seen: rules may look, and it may be over.
    pub fn done(&mut self, id: u64, way: Direction, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let first = match way {
            Direction::ToServer => !std::mem::replace(&mut transaction.request_done, true),
            Direction::ToClient => !std::mem::replace(&mut transaction.response_done, true),
        };
        // What a share is is known when the server has answered.
        let waits = matches!(transaction.detail, Detail::Tree(_));
        let over = transaction.request_done && transaction.response_done;
        let is_file = matches!(transaction.detail, Detail::File(_));
        if first && !is_file && !(waits && way == Direction::ToServer) {
            if waits {
                Signal::all_ready(id, Side::Request, signals);
            }
            Signal::all_ready(id, way.side(), signals);
        }
        if over {
            self.close(id, signals);
        }
    }

    /// Nothing will be added to an exchange, whole or not.
    pub fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        transaction.dialect = self.dialect.clone();
        if let Detail::Negotiate(negotiate) = &mut transaction.detail {
            negotiate.limits = self.limits;
        }
        if matches!(transaction.detail, Detail::Tree(_)) && !transaction.response_done {
            Signal::all_ready(id, Side::Request, signals);
        }
        if let Detail::File(file) = &mut transaction.detail
            && !std::mem::replace(&mut file.told, true)
        {
            file.transfer.file.truncate();
            let side = file.side;
            Signal::all_ready(id, side, signals);
            signals.push(Signal::File { transaction: id, side, index: 0 });
        }
        self.transactions.close(id, signals);
    }

    /// Closes every exchange that `which` holds for.
    pub fn close_all(&mut self, which: impl Fn(&Transaction) -> bool, signals: &mut Vec<Signal>) {
        self.transactions.open_where(which).into_iter().for_each(|id| self.close(id, signals));
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let open: usize = self.transactions.iter_open().map(|(_, t)| t.memory()).sum();
        let bytes = |key: &Vec<u8>, value: &Vec<u8>| key.capacity() + value.capacity();
        self.transactions.memory()
            + open
            + self.names.memory(bytes)
            + self.shares.memory(|_, share| share.path.capacity())
            + self.reads.memory(|_, (handle, _)| handle.capacity())
            + self.handles.memory(|_, handle| handle.capacity())
            + self.fragments.memory(|(_, _, handle), value| bytes(handle, value))
    }
}
