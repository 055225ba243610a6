//! What requests and responses of SMB 2 and 3 do.

use super::content::Piece;
use super::events;
use super::names::{self, command2, status};
use super::pipe::{Over, looks_like_call};
use super::records2::{Change, Message};
use super::state::{Dialect, Key, Kind, SUPPOSED, Share, State};
use super::transaction::{Create, Detail, Negotiate, Session, Status, Transaction, Tree};
use crate::net::Direction::{self, ToClient, ToServer};
use crate::protocols::Signal;
use crate::protocols::formats::spnego::Logon;

/// The control that writes to a pipe and reads what it gives.
const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
/// Dialects of a client that are kept.
const DIALECTS_MAX: usize = 64;
/// Bytes of a path that are kept.
const PATH_BYTES: usize = 4096;

/// Where the content of a message goes.
pub enum Target {
    /// Into this exchange's file.
    File(u64),
    /// Nowhere.
    Nowhere,
}

const fn key(message: &Message<'_>, kind: Kind) -> Key {
    let tree = match kind {
        Kind::Tree => 0,
        _ => message.tree,
    };
    Key { kind, session: message.session, tree, message: message.message }
}

/// Commands whose response is told of with what they do, not as exchanges of their own.
const fn is_quiet(command: u16) -> bool {
    matches!(command, command2::READ | command2::WRITE | command2::GET_INFO | command2::SET_INFO)
}

fn new(message: &Message<'_>, kind: Kind, detail: Detail) -> Transaction {
    let key = key(message, kind);
    Transaction { version: 2, command: message.command, key, detail, ..Transaction::default() }
}

impl State {
    /// A client's message.
    pub fn request2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        let read = match message.command {
            command2::NEGOTIATE => self.negotiate2(message, signals),
            command2::SESSION_SETUP => {
                if let Some(blob) = message.session_setup() {
                    let logon = Logon::read(blob);
                    let detail = Detail::Session(Session { logon, ..Session::default() });
                    self.asked2(new(message, Kind::Header, detail), signals);
                }
                Some(true)
            }
            command2::TREE_CONNECT => message.tree_connect().map(|mut path| {
                path.truncate(PATH_BYTES);
                let detail = Detail::Tree(Tree { path, ..Tree::default() });
                self.asked2(new(message, Kind::Tree, detail), signals);
                true
            }),
            command2::TREE_DISCONNECT => {
                self.shares.remove(&(message.session, message.tree));
                Some(false)
            }
            command2::CREATE => message.create().map(|(disposition, options, name)| {
                let name = name.get(..PATH_BYTES).unwrap_or(name).to_vec();
                let (delete, directory) = (options & 0x1000 != 0, options & 1 != 0);
                let create = Create { name, disposition, delete, directory, ..Create::default() };
                self.asked2(new(message, Kind::Command, Detail::Create(create)), signals);
                true
            }),
            command2::READ => message.read_request().map(|(handle, offset, length)| {
                if self.limits.0 != 0 && length > self.limits.0 {
                    self.raise(ToServer, &events::READ_REQUEST_TOO_LARGE, signals);
                } else {
                    let place = (handle.to_vec(), offset);
                    self.reads.insert((message.session, message.message), place);
                }
                false
            }),
            command2::WRITE => {
                self.write2(message, signals);
                Some(true)
            }
            command2::CLOSE => message.close().map(|handle| {
                for way in [ToServer, ToClient] {
                    self.close_transfer(handle, way, Some(status::SUCCESS), signals);
                }
                false
            }),
            command2::IOCTL => {
                self.control2(message, signals);
                Some(true)
            }
            command2::SET_INFO => self.set_info2(message, signals),
            _ => Some(false),
        };
        if read == Some(true) || is_quiet(message.command) {
            if read.is_none() {
                self.raise(ToServer, &events::MALFORMED, signals);
            }
            return;
        }
        let id = self.asked2(new(message, Kind::Command, Detail::Plain), signals);
        if read.is_none() {
            self.malformed(id, ToServer, signals);
        }
    }

    /// An exchange whose request is whole.
    fn asked2(&mut self, new: Transaction, signals: &mut Vec<Signal>) -> u64 {
        let id = self.open(new, signals);
        self.done(id, ToServer, signals);
        id
    }

    pub(super) fn malformed(&self, id: u64, way: Direction, signals: &mut Vec<Signal>) {
        let (side, event) = (way.side(), &events::MALFORMED);
        signals.push(Signal::Event { transaction: Some(id), side, event });
    }

    fn negotiate2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Option<bool> {
        let (dialects, client) = message.negotiate()?;
        let open = |t: &Transaction| t.version == 2 && matches!(t.detail, Detail::Negotiate(_));
        if self.find(open).is_none() {
            let named = |number: &u16| names::dialect(*number).as_bytes().to_vec();
            let dialects = dialects.iter().take(DIALECTS_MAX).map(named).collect();
            let client = Some(client);
            let detail = Detail::Negotiate(Negotiate { dialects, client, ..Negotiate::default() });
            self.asked2(new(message, Kind::None, detail), signals);
        }
        Some(true)
    }

    fn set_info2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Option<bool> {
        let info = message.set_info()?;
        let handle = info.handle.to_vec();
        let known = self.names.get(&handle).cloned();
        let detail = match info.change {
            Change::Name(to) => {
                let from = known.unwrap_or_else(|| b"<unknown>".to_vec());
                Detail::Rename { from, to, handle }
            }
            Change::Delete(delete) => {
                // In a chain the file is the one that the message before opens.
                let before = message.message.checked_sub(1);
                let opened = before.and_then(|before| self.opening(message.session, before));
                let name = known.or(opened).unwrap_or_else(|| b"<unknown>".to_vec());
                let (command, level) = (info.class.into(), info.level.into());
                Detail::SetInfo { name, handle, command, level, delete }
            }
            Change::Other => return Some(false),
        };
        self.asked2(new(message, Kind::Command, detail), signals);
        Some(true)
    }

    /// The name of the file that a message opens.
    fn opening(&self, session: u64, message: u64) -> Option<Vec<u8>> {
        let mut open = self.transactions.iter_open();
        open.find_map(|(_, t)| match &t.detail {
            Detail::Create(create)
                if t.version == 2 && (t.key.session, t.key.message) == (session, message) =>
            {
                Some(create.name.clone())
            }
            _ => None,
        })
    }

    fn control2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        let Some((function, handle, input)) = message.ioctl() else {
            let id = self.asked2(new(message, Kind::Header, Detail::Plain), signals);
            return self.malformed(id, ToServer, signals);
        };
        if function == PIPE_TRANSCEIVE && self.is_procedure_pipe(handle) {
            self.write_pipe(&over(message), input, signals);
        } else {
            self.asked2(new(message, Kind::Header, Detail::Control(function)), signals);
        }
    }

    /// Content that a client writes. Where the rest of it goes.
    pub fn write2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Target {
        let Some((handle, offset, length, data)) = message.write() else {
            self.raise(ToServer, &events::MALFORMED, signals);
            return Target::Nowhere;
        };
        if self.limits.1 != 0 && length > self.limits.1 {
            self.raise(ToServer, &events::WRITE_REQUEST_TOO_LARGE, signals);
            return Target::Nowhere;
        }
        if !self.transfers(handle, ToServer) && self.is_pipe2(message, handle, data) {
            if self.is_procedure_pipe(handle) {
                self.write_pipe(&over(message), data, signals);
            }
            return Target::Nowhere;
        }
        let piece = piece(message, handle, b"", offset, data);
        Target::File(self.piece(ToServer, &piece, signals))
    }

    /// Content that a server gives. Where the rest of it goes.
    pub fn read2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Target {
        let Some((length, data)) = message.read_answer() else {
            self.raise(ToClient, &events::MALFORMED, signals);
            return Target::Nowhere;
        };
        if self.limits.0 != 0 && length > self.limits.0 {
            self.raise(ToClient, &events::READ_RESPONSE_TOO_LARGE, signals);
            return Target::Nowhere;
        }
        let asked = self.reads.remove(&(message.session, message.message));
        let Some((handle, offset)) = asked else { return Target::Nowhere };
        if !self.transfers(&handle, ToClient) && self.is_pipe2(message, &handle, data) {
            if self.is_procedure_pipe(&handle) {
                self.read_pipe(&over(message), &handle, data, signals);
            }
            return Target::Nowhere;
        }
        let piece = piece(message, &handle, b"<unknown>", offset, data);
        Target::File(self.piece(ToClient, &piece, signals))
    }

    /// Whether content is of a pipe. Where the share is not known, content that looks like a
    /// remote procedure call tells.
    fn is_pipe2(&mut self, message: &Message<'_>, handle: &[u8], data: &[u8]) -> bool {
        let tree = (message.session, message.tree);
        if let Some(share) = self.shares.get(&tree)
            && (share.is_pipe || !share.path.is_empty())
        {
            return share.is_pipe;
        }
        if !looks_like_call(data) {
            return false;
        }
        self.shares.insert(tree, Share { path: SUPPOSED.to_vec(), is_pipe: true });
        if !self.is_procedure_pipe(handle) {
            self.name(handle, SUPPOSED);
        }
        true
    }

    /// Whether this message, which is not whole yet, has to be waited for though content of a file
    /// may come as it is: pipes are read whole, and so are chains.
    pub fn waits2(&self, message: &Message<'_>, content: &[u8]) -> bool {
        let pipe = match self.shares.get(&(message.session, message.tree)) {
            Some(share) => share.is_pipe,
            None => looks_like_call(content),
        };
        message.chained || pipe
    }

    /// A server's message.
    pub fn response2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        let said = Status::Nt(message.status);
        let fine = message.status == status::SUCCESS;
        let handled = match message.command {
            command2::NEGOTIATE => self.negotiated2(message, signals),
            command2::SESSION_SETUP => {
                self.session2(message, signals);
                Some(true)
            }
            command2::TREE_CONNECT => self.tree2(message, signals),
            command2::TREE_DISCONNECT => {
                self.shares.remove(&(message.session, message.tree));
                Some(false)
            }
            command2::CREATE if fine => message.created().map(|created| {
                let key = key(message, Kind::Command);
                if let Some(id) = self.find_command(2, message.command, &key) {
                    self.created(id, created, said, signals);
                }
                true
            }),
            command2::READ => {
                self.read_done2(message, signals);
                Some(false)
            }
            command2::IOCTL => {
                self.controlled2(message, signals);
                Some(true)
            }
            _ => Some(false),
        };
        if handled == Some(true) {
            return;
        }
        let key = key(message, Kind::Command);
        let Some(id) = self.find_command(2, message.command, &key) else { return };
        if handled.is_none() {
            self.malformed(id, ToClient, signals);
        }
        self.said2(id, message, signals);
    }

    /// A server said something of an exchange: its last word, unless it is that it works on it.
    fn said2(&mut self, id: u64, message: &Message<'_>, signals: &mut Vec<Signal>) {
        if message.status == status::PENDING {
            if let Some(transaction) = self.transactions.get_mut(id) {
                transaction.status = Some(Status::Nt(message.status));
            }
        } else {
            self.answered(id, Status::Nt(message.status), signals);
        }
    }

    fn negotiated2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Option<bool> {
        let (dialect, server, read, write) = message.negotiated()?;
        self.dialect = match dialect {
            0 => self.dialect.clone(),
            number => Dialect::Numbered(number),
        };
        self.limits = (read, write);
        // A client of SMB 1 may be answered in SMB 2.
        let of = |version| {
            self.find(|t| t.version == version && matches!(t.detail, Detail::Negotiate(_)))
        };
        let Some(id) = of(2).or_else(|| of(1)) else { return Some(false) };
        if let Some(transaction) = self.transactions.get_mut(id)
            && let Detail::Negotiate(negotiate) = &mut transaction.detail
        {
            negotiate.server = server;
        }
        self.answered(id, Status::Nt(message.status), signals);
        Some(true)
    }

    fn session2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        let key = key(message, Kind::Header);
        // The first request of a session has no number yet.
        let unnumbered = Key { session: 0, tree: 0, ..key };
        let of =
            |key: &Key| self.find(|t| t.key.pairs(key) && matches!(t.detail, Detail::Session(_)));
        let found = of(&key).filter(|_| message.session != 0).or_else(|| of(&unnumbered));
        let Some(id) = found else { return };
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.key = key;
        }
        self.answered(id, Status::Nt(message.status), signals);
    }

    fn tree2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) -> Option<bool> {
        let asked = key(message, Kind::Tree);
        let id = self.find(|t| t.key.pairs(&asked) && matches!(t.detail, Detail::Tree(_)));
        let said = Status::Nt(message.status);
        if message.status != status::SUCCESS {
            if let Some(id) = id {
                self.answered(id, said, signals);
            }
            return Some(id.is_some());
        }
        let kind = message.tree_connected()?;
        let Some(id) = id else { return Some(true) };
        let Some(transaction) = self.transactions.get_mut(id) else { return Some(true) };
        transaction.key = key(message, Kind::Header);
        if let Detail::Tree(tree) = &mut transaction.detail {
            (tree.kind, tree.is_pipe) = (kind, kind == 2);
            let share = Share { path: tree.path.clone(), is_pipe: tree.is_pipe };
            self.shares.insert((message.session, message.tree), share);
        }
        self.answered(id, said, signals);
        Some(true)
    }

    fn read_done2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        match message.status {
            status::SUCCESS | status::BUFFER_OVERFLOW => {
                self.read2(message, signals);
            }
            status::END_OF_FILE => {
                let asked = self.reads.remove(&(message.session, message.message));
                if let Some((handle, _)) = asked {
                    self.ended2(&handle, message.status);
                }
            }
            _ => {}
        }
    }

    /// All of a file was read; it may be closed later.
    fn ended2(&mut self, handle: &[u8], said: u32) {
        let found = self.find(|t| {
            matches!(&t.detail, Detail::File(file)
                if file.side == crate::field::Side::Response && file.handle == handle)
        });
        let Some(id) = found else { return };
        if let Some(file) = self.file(id) {
            file.transfer.file.close();
        }
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.status = Some(Status::Nt(said));
        }
    }

    fn controlled2(&mut self, message: &Message<'_>, signals: &mut Vec<Signal>) {
        let answer = message.ioctl_answer();
        if let Some((PIPE_TRANSCEIVE, handle, output)) = answer
            && self.is_procedure_pipe(handle)
        {
            return self.read_pipe(&over(message), &[], output, signals);
        }
        let key = key(message, Kind::Header);
        let Some(id) = self.find_command(2, command2::IOCTL, &key) else { return };
        if answer.is_none() && message.status == status::SUCCESS {
            self.malformed(id, ToClient, signals);
        }
        self.said2(id, message, signals);
    }

    /// A file was opened.
    pub(super) fn created(
        &mut self,
        id: u64,
        created: super::records1::Created,
        said: Status,
        signals: &mut Vec<Signal>,
    ) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let session = u32::try_from(transaction.key.session).unwrap_or(0);
        if let Detail::Create(create) = &mut transaction.detail {
            let name = create.name.clone();
            let mut handle = created.handle.clone();
            if transaction.version == 1 {
                handle.extend_from_slice(&session.to_be_bytes());
            }
            create.created = created;
            self.name(&handle, &name);
        }
        self.answered(id, said, signals);
    }
}

fn over(message: &Message<'_>) -> Over {
    let key = key(message, Kind::Header);
    Over { version: 2, command: message.command, key, status: message.status }
}

fn piece<'a>(
    message: &Message<'_>,
    handle: &'a [u8],
    unnamed: &'static [u8],
    offset: u64,
    data: &'a [u8],
) -> Piece<'a> {
    let (session, tree) = (message.session, message.tree);
    Piece { of: (2, message.command), session, tree, handle, unnamed, offset, data }
}
