//! A request, and how it is read from a datagram.

use crate::field::{Describe, Event, Field, Fields, Side, Tree};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};
use crate::reader::Reader;

/// How a file may be sent (section 2).
const MODES: &[&str] = &["netascii", "octet", "mail"];

/// A request for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whether it is to be written.
    pub write: bool,
    /// The file's name.
    pub file: Vec<u8>,
    /// How it is sent, in lower case.
    pub mode: &'static str,
}

impl Fields for Request {
    const FIELDS: &'static [Field<Self>] = &[];
}

impl Describe for Request {
    fn describe(&self, tree: &mut dyn Tree) {
        let packet: &[u8] = if self.write { b"write" } else { b"read" };
        tree.text("packet", packet);
        tree.text("file", &self.file);
        tree.text("mode", self.mode.as_bytes());
    }
}

impl Request {
    /// From a datagram; `None` when it is none, or not a whole one.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let write = match reader.u16()? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let mut parts = reader.rest().split(|byte| *byte == 0);
        let (file, mode) = (parts.next()?, parts.next()?);
        // Both are closed by a zero; what follows it are options (RFC 2347).
        parts.next()?;
        let mode = MODES.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(mode))?;
        Some(Self { write, file: file.to_vec(), mode })
    }
}

/// Never raised: each request is complete at once.
static FLOODED: Event = Event { name: "flooded", help: "More requests than the limit." };

/// Parses one flow.
pub struct TftpParser {
    transactions: Transactions<Request>,
    kept: usize,
}

impl Default for TftpParser {
    fn default() -> Self {
        Self { transactions: Transactions::new(1), kept: 0 }
    }
}

impl Parser for TftpParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        let (Direction::ToServer, Chunk::Data(bytes)) = (direction, chunk) else { return };
        let Some(request) = Request::parse(bytes) else { return };
        self.kept = self.kept.saturating_add(request.file.capacity());
        let side = Side::Request;
        let transaction = self.transactions.open(request, side, &FLOODED, signals);
        Signal::all_ready(transaction, side, signals);
        self.transactions.close(transaction, signals);
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|request| request as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let request = self.transactions.take(id)?;
        self.kept = self.kept.saturating_sub(request.file.capacity());
        Some(request)
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.transactions.memory() + self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let read = Request { write: false, file: b"a.txt".to_vec(), mode: "octet" };
        assert_eq!(Request::parse(b"\0\x01a.txt\0OCTET\0"), Some(read.clone()));
        let nameless = Request { file: Vec::new(), ..read };
        assert_eq!(Request::parse(b"\0\x01\0octet\0blksize\x001024\0"), Some(nameless));
        for broken in [&b""[..], b"\0\x01", b"\0\x01a", b"\0\x01a\0b", b"\0\x03a\0octet\0"] {
            assert_eq!(Request::parse(broken), None, "{broken:?}");
        }
    }
}
