//! Units of NFS as they stand on the wire, for rules that name one (`frame`): those of ONC RPC (RFC 5531)
//! and what they carry.

use super::MARK_BYTES;
use crate::field::Side;
use crate::file::Wants;
use crate::protocols::Signal;
use crate::protocols::formats::rpc::{Call, Reply};
use crate::protocols::frame::tell;
use crate::reader::Reader;

/// Their names.
pub const NAMES: &[&str] = &[
    "rpc.pdu",
    "rpc.hdr",
    "rpc.creds",
    "rpc.data",
    "nfs.pdu",
    "nfs.status",
    "nfs4.pdu",
    "nfs4.hdr",
    "nfs4.ops",
    "nfs4.status",
];

/// Bytes of a call before its credential.
const CALL_HEAD: usize = 24;
/// Bytes of a status.
const STATUS: usize = 4;

/// A message with its record mark, where it has one: `mark` is [`MARK_BYTES`] or 0.
pub struct Units<'a> {
    wire: &'a [u8],
    mark: usize,
}

impl<'a> Units<'a> {
    /// Of a stream: a mark and the message behind it.
    pub const fn marked(wire: &'a [u8]) -> Self {
        Self { wire, mark: MARK_BYTES }
    }

    /// Of a datagram.
    pub const fn bare(wire: &'a [u8]) -> Self {
        Self { wire, mark: 0 }
    }

    /// The message.
    pub fn message(&self) -> &'a [u8] {
        self.wire.get(self.mark..).unwrap_or_default()
    }

    fn part(&self, from: usize, to: usize) -> &'a [u8] {
        self.wire.get(from..to).unwrap_or_default()
    }

    /// Tells of a call's.
    pub fn of_call(&self, call: &Call<'_>, wants: Wants, out: &mut Vec<Signal>) {
        let side = Side::Request;
        tell(wants, "rpc.pdu", side, self.wire, out);
        let head = self.mark + CALL_HEAD;
        tell(wants, "rpc.hdr", side, self.part(0, head), out);
        // Flavour and length, then what it says.
        let mut reader = Reader::new(self.part(head, self.wire.len()));
        let length = reader.skip(4).and_then(|()| reader.u32()).unwrap_or(0);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        tell(
            wants,
            "rpc.creds",
            side,
            self.part(head, head.saturating_add(8).saturating_add(length)),
            out,
        );
        tell(wants, "rpc.data", side, call.body, out);
        if call.version != 4 {
            return tell(wants, "nfs.pdu", side, call.body, out);
        }
        tell(wants, "nfs4.pdu", side, call.body, out);
        // A tag and the minor version, then the operations (RFC 7530, section 16.2).
        let mut reader = Reader::new(call.body);
        if tag(&mut reader).and_then(|()| reader.skip(4)).is_some() {
            let (head, rest) = call.body.split_at_checked(reader.position()).unwrap_or_default();
            tell(wants, "nfs4.hdr", side, head, out);
            tell(wants, "nfs4.ops", side, rest, out);
        }
    }

    /// Tells of a reply's to a call of that version.
    pub fn of_reply(&self, reply: &Reply<'_>, version: u32, wants: Wants, out: &mut Vec<Signal>) {
        let side = Side::Response;
        tell(wants, "rpc.pdu", side, self.wire, out);
        let head = self.wire.len().saturating_sub(reply.body.len());
        tell(wants, "rpc.hdr", side, self.part(0, head), out);
        tell(wants, "rpc.data", side, reply.body, out);
        let status = reply.body.get(..STATUS).unwrap_or_default();
        if version != 4 {
            tell(wants, "nfs.pdu", side, reply.body, out);
            return tell(wants, "nfs.status", side, status, out);
        }
        tell(wants, "nfs4.pdu", side, reply.body, out);
        tell(wants, "nfs4.status", side, status, out);
        let mut reader = Reader::new(reply.body);
        if reader.skip(STATUS).and_then(|()| tag(&mut reader)).is_some() {
            let (head, rest) = reply.body.split_at_checked(reader.position()).unwrap_or_default();
            tell(wants, "nfs4.hdr", side, head, out);
            tell(wants, "nfs4.ops", side, rest, out);
        }
    }
}

/// Passes a text with its length and its filling (RFC 4506, section 4.11).
fn tag(reader: &mut Reader<'_>) -> Option<()> {
    let length = usize::try_from(reader.u32()?).ok()?;
    reader.skip(length.checked_next_multiple_of(4)?)
}
