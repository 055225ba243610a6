//! A file that is read or written in pieces, each with its place: what SMB and NFS carry.

use std::collections::BTreeMap;

use crate::field::Side;
use crate::file::{File as Carried, Wants};

/// Bytes of pieces that came before what precedes them, per file.
const AHEAD_BYTES: usize = 262_144;
/// Such pieces, per file.
const AHEAD_PIECES: usize = 128;

/// A file on its way. Pieces that come too early wait, up to a limit; those that come again are
/// passed over.
#[derive(Default)]
pub struct Transfer {
    /// What is known of it.
    pub file: Carried,
    /// The place up to which all of it was seen.
    next: u64,
    /// The place of the next byte of the piece that is coming.
    at: u64,
    ahead: BTreeMap<u64, Vec<u8>>,
    waiting: usize,
}

impl Transfer {
    /// A file of which nothing was seen.
    pub fn open(name: &[u8], side: Side, wants: Wants) -> Self {
        Self { file: Carried::open(name, side, wants), ..Self::default() }
    }

    /// A piece begins at this place; true when what was seen already reaches beyond it.
    pub fn piece(&mut self, at: u64) -> bool {
        self.at = at;
        at < self.next
    }

    /// The next bytes of the piece.
    pub fn add(&mut self, bytes: &[u8]) {
        if self.at == self.next {
            self.file.add(bytes);
            self.next = self.next.saturating_add(bytes.len() as u64);
            self.at = self.next;
            self.catch_up();
            return;
        }
        if self.at > self.next && !bytes.is_empty() {
            self.keep(bytes);
        }
        self.at = self.at.saturating_add(bytes.len() as u64);
    }

    /// So many of the piece were lost.
    pub fn lose(&mut self, bytes: u64) {
        if self.at == self.next {
            self.file.lose(bytes);
            self.next = self.next.saturating_add(bytes);
        }
        self.at = self.at.saturating_add(bytes);
        self.catch_up();
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        let ahead = self.ahead.len().saturating_mul(size_of::<(u64, Vec<u8>)>() * 2);
        self.file.memory() + self.waiting + ahead
    }

    /// Keeps what came too early; bytes of one piece are one entry, however it was cut.
    fn keep(&mut self, bytes: &[u8]) {
        if self.waiting.saturating_add(bytes.len()) > AHEAD_BYTES {
            return;
        }
        let at = self.at;
        let before = self.ahead.range_mut(..at).next_back();
        if let Some((start, piece)) = before
            && start.saturating_add(piece.len() as u64) == at
        {
            piece.extend_from_slice(bytes);
        } else if self.ahead.len() < AHEAD_PIECES && !self.ahead.contains_key(&at) {
            self.ahead.insert(at, bytes.to_vec());
        } else {
            return;
        }
        self.waiting = self.waiting.saturating_add(bytes.len());
    }

    fn catch_up(&mut self) {
        while let Some(piece) = self.ahead.remove(&self.next) {
            self.waiting = self.waiting.saturating_sub(piece.len());
            self.file.add(&piece);
            self.next = self.next.saturating_add(piece.len() as u64);
            if self.at < self.next {
                self.at = self.next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_in_order_and_repetitions_passed_over() {
        let mut transfer = Transfer::open(b"x", Side::Request, Wants::NOTHING);
        assert!(!transfer.piece(4));
        transfer.add(b"e");
        transfer.add(b"f");
        assert!(!transfer.piece(0));
        transfer.add(b"abcd");
        assert_eq!((transfer.file.data(), transfer.file.size()), (&b"abcdef"[..], 6));
        assert!(transfer.piece(2));
        transfer.add(b"XX");
        transfer.piece(6);
        transfer.add(b"g");
        assert_eq!(transfer.file.data(), b"abcdefg");
        transfer.piece(1_000);
        (0..1_000).for_each(|_| transfer.add(&[0; 1_000]));
        assert!(transfer.memory() < 2 * AHEAD_BYTES);
    }
}
