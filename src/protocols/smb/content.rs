//! Content of files, read or written: pieces at their places, over many messages.

use super::events;
use super::state::{Key, Kind, State};
use super::transaction::{Detail, FileTransfer, Status, Transaction};
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::formats::transfer::Transfer;

/// A piece of a file.
pub struct Piece<'a> {
    /// Version and command that carry it.
    pub of: (u8, u16),
    /// Session and tree.
    pub session: u64,
    /// Tree.
    pub tree: u32,
    /// The file.
    pub handle: &'a [u8],
    /// The name to show when it is not known.
    pub unnamed: &'static [u8],
    /// Its place in the file.
    pub offset: u64,
    /// As much of it as came.
    pub data: &'a [u8],
}

impl State {
    /// The transfer of a file that goes on this way.
    fn transfer(&self, handle: &[u8], way: Direction) -> Option<u64> {
        self.find(|t| {
            matches!(&t.detail, Detail::File(file)
                if file.side == way.side() && file.handle == handle)
        })
    }

    /// Whether content of this file goes this way already.
    pub fn transfers(&self, handle: &[u8], way: Direction) -> bool {
        self.transfer(handle, way).is_some()
    }

    /// A piece goes this way: its first bytes. The number of the exchange, for the rest of it.
    pub fn piece(&mut self, way: Direction, piece: &Piece<'_>, signals: &mut Vec<Signal>) -> u64 {
        let id = match self.transfer(piece.handle, way) {
            Some(id) => id,
            None => self.open_transfer(way, piece, signals),
        };
        if let Some(file) = self.file(id) {
            let again = file.transfer.piece(piece.offset);
            file.transfer.add(piece.data);
            if again {
                self.raise(way, &events::FILE_OVERLAP, signals);
            }
        }
        id
    }

    fn open_transfer(
        &mut self,
        way: Direction,
        piece: &Piece<'_>,
        signals: &mut Vec<Signal>,
    ) -> u64 {
        let name = self.names.get(&piece.handle.to_vec()).cloned();
        let name = name.unwrap_or_else(|| piece.unnamed.to_vec());
        let share = self.shares.get(&(piece.session, piece.tree));
        let share = share.map(|share| share.path.clone()).unwrap_or_default();
        let transfer = Transfer::open(&name, way.side(), self.wants);
        let handle = piece.handle.to_vec();
        let (version, command) = piece.of;
        let key = match version {
            2 => Key { kind: Kind::Header, session: piece.session, tree: piece.tree, message: 0 },
            _ => Key::default(),
        };
        let file = FileTransfer { handle, name, share, side: way.side(), transfer, told: false };
        let detail = Detail::File(Box::new(file));
        self.open(Transaction { version, command, key, detail, ..Transaction::default() }, signals)
    }

    /// The transfer with this number.
    pub fn file(&mut self, id: u64) -> Option<&mut FileTransfer> {
        match &mut self.transactions.get_mut(id)?.detail {
            Detail::File(file) => Some(file),
            _ => None,
        }
    }

    /// The end of a file: what goes this way is whole.
    pub fn close_transfer(
        &mut self,
        handle: &[u8],
        way: Direction,
        status: Option<u32>,
        signals: &mut Vec<Signal>,
    ) {
        let Some(id) = self.transfer(handle, way) else { return };
        if let Some(file) = self.file(id) {
            file.transfer.file.close();
        }
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.status = status.map(Status::Nt);
        }
        self.close(id, signals);
    }
}
