//! SMB 1, 2 and 3: shares of files and named pipes (MS-CIFS, MS-SMB, MS-SMB2).

mod content;
mod describe;
mod names;
mod parser;
mod pipe;
mod records1;
mod records2;
mod samples;
mod smb1;
mod smb2;
mod state;
mod transaction;

use crate::field::rows;
use crate::net::Direction;
use crate::protocols::{Carrier, Probe, Protocol};

pub use transaction::Transaction;

/// The units of a record, and of the messages in it.
const FRAMES: &[&str] = &[
    "nbss.pdu",
    "nbss.hdr",
    "nbss.data",
    "smb1.pdu",
    "smb1.hdr",
    "smb1.data",
    "smb2.pdu",
    "smb2.hdr",
    "smb2.data",
    "smb3.pdu",
    "smb3.hdr",
    "smb3.data",
];

/// SMB.
pub static PROTOCOL: Protocol = Protocol {
    name: "smb",
    help: "Shares of files and pipes of Windows machines, and the procedures called over them.",
    eve: "smb",
    schema: include_str!("schema.json"),
    files: true,
    frames: FRAMES,
    carriers: &[Carrier::Tcp],
    ports: &[445, 139],
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(parser::Smb::new()),
    rows: rows::<Transaction>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The violations that rules can name.
pub mod events {
    use crate::field::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: concat!("smb.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        MALFORMED "malformed_data" "A message cannot be read."
        MALFORMED_DIALECTS "negotiate_malformed_dialects"
            "A dialect without a name, or one that was not offered."
        FILE_OVERLAP "file_overlap" "A piece of a file was sent a second time."
        RESPONSE_TO_SERVER "response_to_server" "The client sent a response."
        REQUEST_TO_CLIENT "request_to_client" "The server sent a request."
        READ_REQUEST_TOO_LARGE "read_request_too_large" "More is to be read than was agreed on."
        READ_RESPONSE_TOO_LARGE "read_response_too_large" "More was read than was agreed on."
        WRITE_REQUEST_TOO_LARGE "write_request_too_large" "More is written than was agreed on."
        TOO_MANY "too_many_transactions" "More exchanges wait for their end than are kept."
    }
}

/// Kinds of the messages that may come before the first of SMB (RFC 1002, 4.3.1).
const BEFORE: std::ops::RangeInclusive<u8> = 0x81..=0x85;

/// A message of SMB behind four bytes of frame, or behind one short message of NetBIOS.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    match bytes {
        [] => Probe::NeedMore,
        [0, ..] => magic_at(bytes, 4),
        [kind, rest @ ..] if BEFORE.contains(kind) => match rest {
            [0, 0, length, after @ ..] => match after.get(usize::from(*length)..) {
                Some([0, ..]) => magic_at(after, usize::from(*length) + 4),
                Some([]) | None => Probe::NeedMore,
                Some(_) => Probe::No,
            },
            [] | [0] | [0, 0] => Probe::NeedMore,
            _ => Probe::No,
        },
        _ => Probe::No,
    }
}

/// Whether a message of any version begins at this place.
fn magic_at(bytes: &[u8], at: usize) -> Probe {
    match bytes.get(at..) {
        None | Some([]) => Probe::NeedMore,
        Some([0xfd..=0xff, rest @ ..]) => {
            let rest = rest.get(..3).unwrap_or(rest);
            match b"SMB".starts_with(rest) {
                false => Probe::No,
                true if rest.len() == 3 => Probe::Yes,
                true => Probe::NeedMore,
            }
        }
        Some(_) => Probe::No,
    }
}
