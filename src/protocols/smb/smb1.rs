//! What requests and responses of SMB 1 do.

use super::content::Piece;
use super::events;
use super::names::{command1, status};
use super::pipe::Over;
use super::records1::{Content, HEADER_BYTES, Message};
use super::smb2::Target;
use super::state::{Dialect, Key, Kind, Share, State};
use super::transaction::{Create, Detail, Negotiate, Session, Status, Transaction, Tree};
use crate::net::Direction::{ToClient, ToServer};
use crate::protocols::Signal;
use crate::protocols::formats::spnego::Logon;

/// Commands that may be chained in one message.
const CHAIN_MAX: usize = 16;
/// Dialects of a client that are kept.
const DIALECTS_MAX: usize = 64;

const fn key(message: &Message<'_>, kind: Kind) -> Key {
    let tree = match kind {
        Kind::Tree => 0,
        _ => message.tree as u32,
    };
    Key { kind, session: message.user as u64, tree, message: message.multiplex as u64 }
}

/// Commands whose response is told of with what they do, not as exchanges of their own.
const fn is_quiet(command: u8) -> bool {
    matches!(
        command,
        command1::READ_ANDX | command1::WRITE_ANDX | command1::TRANS | command1::TRANS2
    )
}

const fn is_chain(command: u8) -> bool {
    matches!(
        command,
        command1::LOCKING_ANDX
            | command1::OPEN_ANDX
            | command1::READ_ANDX
            | command1::SESSION_SETUP
            | command1::LOGOFF
            | command1::TREE_CONNECT
            | command1::NT_CREATE
            | command1::WRITE_ANDX
    )
}

fn said(message: &Message<'_>) -> Status {
    if message.is_dos_error() {
        Status::Dos((message.status & 0xff) as u8, (message.status >> 16) as u16)
    } else {
        Status::Nt(message.status)
    }
}

fn new(command: u8, key: Key, detail: Detail) -> Transaction {
    Transaction { version: 1, command: command.into(), key, detail, ..Transaction::default() }
}

/// Commands of a message with their places.
fn chain(message: &Message<'_>) -> impl Iterator<Item = (u8, usize)> {
    let next = |(command, at): &(u8, usize)| {
        if is_chain(*command) { message.chained(*at) } else { None }
    };
    std::iter::successors(Some((message.command, HEADER_BYTES)), next).take(CHAIN_MAX)
}

impl State {
    /// A client's message.
    pub fn request1(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        for (command, at) in chain(message) {
            let read = self.command1(message, command, at, signals);
            let missed = matches!(
                command,
                command1::NT_CANCEL | command1::TRANS2_SECONDARY | command1::LOCKING_ANDX
            );
            if read == Some(true) || (is_quiet(command) && read.is_some()) {
                continue;
            }
            if is_quiet(command) {
                self.raise(ToServer, &events::MALFORMED, signals);
                continue;
            }
            let id = self.asked1(new(command, key(message, Kind::Command), Detail::Plain), signals);
            if read.is_none() {
                self.malformed(id, ToServer, signals);
            }
            if missed {
                self.done(id, ToClient, signals);
            }
        }
    }

    /// An exchange whose request is whole.
    fn asked1(&mut self, new: Transaction, signals: &mut Vec<Signal>) -> u64 {
        let id = self.open(new, signals);
        self.done(id, ToServer, signals);
        id
    }

    /// One command of a client: whether an exchange stands for it; `None` when it is broken.
    fn command1(
        &mut self,
        message: &Message<'_>,
        command: u8,
        at: usize,
        signals: &mut Vec<Signal>,
    ) -> Option<bool> {
        let block = message.block(at);
        let detail = match command {
            command1::NEGOTIATE => return self.negotiate1(message, signals),
            command1::SESSION_SETUP => {
                let Some((blob, rest)) = block.session_setup() else { return Some(true) };
                let [system, software] = block.texts(rest);
                let (logon, request) = (Logon::read(blob), Some([system, software]));
                let session = Session { logon, request, response: None };
                let key = Key { tree: 0, ..key(message, Kind::Header) };
                self.asked1(new(message.command, key, Detail::Session(session)), signals);
                return Some(true);
            }
            command1::TREE_CONNECT => return self.tree_connect1(message, at, signals),
            command1::TREE_DISCONNECT => {
                self.shares.remove(&(message.user.into(), message.tree.into()));
                return Some(false);
            }
            command1::NT_CREATE => {
                let create = block.create()?;
                let (delete, directory) = (create.options & 0x1000 != 0, create.options & 1 != 0);
                let (name, disposition) = (create.name, create.disposition);
                let created = Default::default();
                Detail::Create(Create { name, disposition, delete, directory, created })
            }
            command1::RENAME => {
                let (from, to) = block.rename()?;
                Detail::Rename { from, to, handle: Vec::new() }
            }
            command1::READ_ANDX => {
                let (fid, offset) = block.read_request()?;
                let place = (message.file_key(fid), offset);
                self.reads.insert((message.user.into(), message.multiplex.into()), place);
                return Some(false);
            }
            command1::WRITE_ANDX | command1::WRITE | command1::WRITE_AND_CLOSE => {
                self.write1(message, command, at, signals);
                return Some(true);
            }
            command1::CLOSE => {
                let handle = message.file_key(block.close()?);
                let exchange = (message.user.into(), message.multiplex.into());
                self.handles.insert(exchange, handle.clone());
                self.close_transfer(&handle, ToServer, None, signals);
                return Some(false);
            }
            command1::TRANS => {
                self.transaction1(message, at, signals);
                return Some(true);
            }
            command1::TRANS2 => match self.transaction2(message, at)? {
                Some(detail) => detail,
                None => return Some(false),
            },
            _ => return Some(false),
        };
        self.asked1(new(command, key(message, Kind::Command), detail), signals);
        Some(true)
    }

    fn tree_connect1(
        &mut self,
        message: &Message<'_>,
        at: usize,
        signals: &mut Vec<Signal>,
    ) -> Option<bool> {
        let (path, service) = message.block(at).tree_connect()?;
        let path = if path.len() > 1 { path.get(1..)?.to_vec() } else { path };
        let detail = Detail::Tree(Tree { path, asked: Some(service), ..Tree::default() });
        self.asked1(new(command1::TREE_CONNECT, key(message, Kind::Tree), detail), signals);
        Some(true)
    }

    fn negotiate1(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Option<bool> {
        let offered = message.block(HEADER_BYTES).dialects()?;
        let open = |t: &Transaction| t.version == 1 && matches!(t.detail, Detail::Negotiate(_));
        if self.find(open).is_some() {
            return Some(true);
        }
        let broken = offered.iter().any(|dialect| dialect.len() < 2);
        let named = offered.iter().filter_map(|dialect| dialect.get(1..));
        let dialects = named.take(DIALECTS_MAX).map(<[u8]>::to_vec).collect();
        let detail = Detail::Negotiate(Negotiate { dialects, ..Negotiate::default() });
        let id = self.asked1(new(message.command, Key::default(), detail), signals);
        if broken {
            let (side, event) = (ToServer.side(), &events::MALFORMED_DIALECTS);
            signals.push(Signal::Event { transaction: Some(id), side, event });
        }
        Some(true)
    }

    /// Content that a client writes. Where the rest of it goes.
    pub fn write1(
        &mut self,
        message: &Message<'_>,
        command: u8,
        at: usize,
        signals: &mut Vec<Signal>,
    ) -> Target {
        let block = message.block(at);
        let content = match command {
            command1::WRITE_ANDX => block.write_andx(),
            command1::WRITE => block.write(),
            _ => block.write_and_close(),
        };
        let mut target = Target::Nowhere;
        match content {
            Some(content) => {
                let handle = message.file_key(content.fid);
                target = self.written1(message, command, &content, &handle, signals);
                if command == command1::WRITE_AND_CLOSE {
                    self.close_transfer(&handle, ToServer, None, signals);
                }
            }
            None => self.raise(ToServer, &events::MALFORMED, signals),
        }
        if !is_quiet(message.command) {
            let key = key(message, Kind::Command);
            self.asked1(new(message.command, key, Detail::Plain), signals);
        }
        target
    }

    fn written1(
        &mut self,
        message: &Message<'_>,
        command: u8,
        content: &Content<'_>,
        handle: &[u8],
        signals: &mut Vec<Signal>,
    ) -> Target {
        if !self.transfers(handle, ToServer) && self.is_pipe1(message) {
            self.write_pipe(&over(message, command), content.data, signals);
            return Target::Nowhere;
        }
        let piece = Piece {
            of: (1, command1::WRITE_ANDX.into()),
            session: message.user.into(),
            tree: message.tree.into(),
            handle,
            unnamed: b"<unknown>",
            offset: content.offset,
            data: content.data,
        };
        Target::File(self.piece(ToServer, &piece, signals))
    }

    fn is_pipe1(&self, message: &Message<'_>) -> bool {
        let share = self.shares.get(&(message.user.into(), message.tree.into()));
        share.is_some_and(|share| share.is_pipe)
    }

    /// Whether content of this message, which is not whole yet, has to be waited for: pipes are
    /// read whole, and so are chains.
    pub fn waits1(&self, message: &Message<'_>) -> bool {
        self.is_pipe1(message) || message.chained(HEADER_BYTES).is_some()
    }

    fn transaction1(&mut self, message: &Message<'_>, at: usize, signals: &mut Vec<Signal>) {
        match message.block(at).transaction() {
            Some(Some(pipe)) => {
                let exchange = (message.user.into(), message.multiplex.into());
                self.handles.insert(exchange, pipe.fid.to_vec());
                if self.is_procedure_pipe(&message.file_key(pipe.fid)) {
                    self.write_pipe(&over(message, message.command), pipe.data, signals);
                }
            }
            Some(None) => {}
            None => {
                let key = key(message, Kind::Command);
                let id = self.asked1(new(message.command, key, Detail::Plain), signals);
                self.malformed(id, ToServer, signals);
            }
        }
    }

    /// What a transaction of the second kind does, when it is told of.
    fn transaction2(&mut self, message: &Message<'_>, at: usize) -> Option<Option<Detail>> {
        const DISPOSITION: u16 = 1013;
        const RENAME: u16 = 1010;
        let inner = message.block(at).transaction2()?;
        let (name, handle, level) = match inner.command {
            6 => {
                let (path, level) = inner.path()?;
                (path, Vec::new(), level)
            }
            8 => {
                let (fid, level) = inner.file()?;
                let name = self.names.get(&message.file_key(fid)).cloned();
                (name.unwrap_or_else(|| b"<unknown>".to_vec()), fid.to_vec(), level)
            }
            _ => return Some(None),
        };
        Some(match level {
            DISPOSITION => {
                let (command, delete) = (inner.command, inner.disposition()?);
                Some(Detail::SetInfo { name, handle, command, level, delete })
            }
            RENAME => Some(Detail::Rename { from: name, to: inner.new_name()?, handle }),
            _ => None,
        })
    }

    /// A server's message.
    pub fn response1(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        for (command, at) in chain(message) {
            let handled = self.answer1(message, command, at, signals);
            if handled == Some(true) {
                continue;
            }
            let found = match command {
                // The user is gone by then.
                command1::LOGOFF => {
                    let latest = self.transactions.iter_open().next_back();
                    latest
                        .filter(|(_, t)| (t.version, t.command) == (1, command.into()))
                        .map(|(id, _)| id)
                }
                command1::READ_ANDX | command1::WRITE_ANDX | command1::TRANS => None,
                _ => self.find_command(1, command.into(), &key(message, Kind::Command)),
            };
            let Some(id) = found else { continue };
            if handled.is_none() {
                self.malformed(id, ToClient, signals);
            }
            self.answered(id, said(message), signals);
        }
    }

    /// One answer of a server: whether its exchange is dealt with; `None` when it is broken.
    fn answer1(
        &mut self,
        message: &Message<'_>,
        command: u8,
        at: usize,
        signals: &mut Vec<Signal>,
    ) -> Option<bool> {
        let block = message.block(at);
        match command {
            command1::NEGOTIATE => {
                let (chosen, server) = block.negotiated()?;
                Some(self.negotiated1(message, chosen, server, signals))
            }
            command1::SESSION_SETUP => {
                self.session1(message, at, signals);
                Some(true)
            }
            command1::TREE_CONNECT => {
                let asked = key(message, Kind::Tree);
                let id = self.find(|t| t.key.pairs(&asked) && matches!(t.detail, Detail::Tree(_)));
                if message.status != status::SUCCESS {
                    id.into_iter().for_each(|id| self.answered(id, said(message), signals));
                    return Some(true);
                }
                let service = block.tree_connected()?;
                let Some(id) = id else { return Some(false) };
                self.tree1(message, id, service, signals);
                Some(true)
            }
            command1::TREE_DISCONNECT => {
                self.shares.remove(&(message.user.into(), message.tree.into()));
                Some(false)
            }
            command1::NT_CREATE if message.status == status::SUCCESS => {
                let created = block.created()?;
                let key = key(message, Kind::Command);
                if let Some(id) = self.find_command(1, command.into(), &key) {
                    self.created(id, created, Status::Nt(message.status), signals);
                }
                Some(true)
            }
            command1::READ_ANDX => {
                self.read1(message, at, signals);
                Some(true)
            }
            command1::CLOSE => {
                let exchange = (message.user.into(), message.multiplex.into());
                if let Some(handle) = self.handles.remove(&exchange) {
                    self.close_transfer(&handle, ToClient, None, signals);
                }
                Some(false)
            }
            command1::TRANS => {
                self.transacted1(message, at, signals);
                Some(true)
            }
            _ => Some(false),
        }
    }

    fn negotiated1(
        &mut self,
        message: &Message<'_>,
        chosen: u16,
        guid: &[u8],
        signals: &mut Vec<Signal>,
    ) -> bool {
        let open = |t: &Transaction| t.version == 1 && matches!(t.detail, Detail::Negotiate(_));
        let Some(id) = self.find(open) else { return false };
        let mut dialect = None;
        if let Some(transaction) = self.transactions.get_mut(id)
            && let Detail::Negotiate(negotiate) = &mut transaction.detail
        {
            negotiate.server = guid.to_vec();
            dialect = negotiate.dialects.get(usize::from(chosen)).cloned();
        }
        match dialect {
            Some(name) => self.dialect = Dialect::Named(name.into()),
            None => {
                let (side, event) = (ToClient.side(), &events::MALFORMED_DIALECTS);
                signals.push(Signal::Event { transaction: Some(id), side, event });
            }
        }
        self.answered(id, said(message), signals);
        true
    }

    fn session1(&mut self, message: &Message<'_>, at: usize, signals: &mut Vec<Signal>) {
        let own = Key { tree: 0, ..key(message, Kind::Header) };
        let unnumbered = Key { session: 0, ..own };
        let of =
            |key: &Key| self.find(|t| t.key.pairs(key) && matches!(t.detail, Detail::Session(_)));
        let found = of(&own).filter(|_| message.user != 0).or_else(|| of(&unnumbered));
        let Some(id) = found else { return };
        let block = message.block(at);
        let answer = block.session_answer();
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.key = key(message, Kind::Header);
            if let Detail::Session(session) = &mut transaction.detail {
                session.response = answer.map(|rest| block.texts(rest));
            }
        }
        if answer.is_none() {
            self.malformed(id, ToClient, signals);
        }
        self.answered(id, said(message), signals);
    }

    fn tree1(
        &mut self,
        message: &Message<'_>,
        id: u64,
        service: Vec<u8>,
        signals: &mut Vec<Signal>,
    ) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        transaction.key = key(message, Kind::Header);
        if let Detail::Tree(tree) = &mut transaction.detail {
            tree.is_pipe = service == b"IPC";
            tree.given = Some(service);
            let share = Share { path: tree.path.clone(), is_pipe: tree.is_pipe };
            self.shares.insert((message.user.into(), message.tree.into()), share);
        }
        self.answered(id, said(message), signals);
    }

    /// Content that a server gives. Where the rest of it goes.
    pub fn read1(&mut self, message: &Message<'_>, at: usize, signals: &mut Vec<Signal>) -> Target {
        if message.status != status::SUCCESS {
            return Target::Nowhere;
        }
        let Some((_, data)) = message.block(at).read_answer() else {
            self.raise(ToClient, &events::MALFORMED, signals);
            return Target::Nowhere;
        };
        let asked = self.reads.remove(&(message.user.into(), message.multiplex.into()));
        let Some((handle, offset)) = asked else { return Target::Nowhere };
        if self.is_pipe1(message) {
            let fid = handle.get(..2).unwrap_or_default();
            self.read_pipe(&over(message, command1::READ_ANDX), fid, data, signals);
            return Target::Nowhere;
        }
        let piece = Piece {
            of: (1, command1::READ_ANDX.into()),
            session: message.user.into(),
            tree: message.tree.into(),
            handle: &handle,
            unnamed: b"",
            offset,
            data,
        };
        Target::File(self.piece(ToClient, &piece, signals))
    }

    fn transacted1(&mut self, message: &Message<'_>, at: usize, signals: &mut Vec<Signal>) {
        let key = key(message, Kind::Command);
        let Some(data) = message.block(at).transacted() else {
            let id = match self.find_command(1, message.command.into(), &key) {
                Some(id) => id,
                None => self.asked1(new(message.command, key, Detail::Plain), signals),
            };
            self.malformed(id, ToClient, signals);
            return self.answered(id, said(message), signals);
        };
        let exchange = (message.user.into(), message.multiplex.into());
        let fid = self.handles.remove(&exchange).unwrap_or_default();
        let mut handle = fid.clone();
        handle.extend_from_slice(&u32::from(message.user).to_be_bytes());
        if self.is_procedure_pipe(&handle) {
            self.read_pipe(&over(message, message.command), &fid, data, signals);
        }
        if let Some(id) = self.find_command(1, message.command.into(), &key) {
            self.answered(id, said(message), signals);
        }
    }
}

fn over(message: &Message<'_>, command: u8) -> Over {
    let key = key(message, Kind::Header);
    Over { version: 1, command: command.into(), key, status: message.status }
}
