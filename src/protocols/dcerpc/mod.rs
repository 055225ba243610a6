//! DCE/RPC over TCP and UDP: calls between Windows machines (C706, chapter 12; MS-RPCE).

mod datagram;
mod parser;
mod samples;
mod transaction;

use crate::field::{Event, rows};
use crate::net::Direction;
use crate::protocols::formats::dcerpc::kind;
use crate::protocols::{Carrier, Probe, Protocol};

pub use transaction::Transaction;

/// DCE/RPC.
pub static PROTOCOL: Protocol = Protocol {
    name: "dcerpc",
    help: "Remote procedure calls, as Windows makes them; those within SMB are of `smb` too.",
    eve: "dcerpc",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp, Carrier::Udp],
    ports: &[135],
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(parser::Dcerpc::new()),
    rows: rows::<Transaction>,
    // The language has none.
    events: &[],
    samples: samples::SAMPLES,
};

/// Calls that wait for an answer were too many: the language has no name for it.
static FLOODED: Event =
    Event { name: "too_many_transactions", help: "More calls wait for an answer than are kept." };

fn probe(way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    match carrier {
        Carrier::Tcp => looks_like_unit(bytes),
        Carrier::Udp => {
            let request = bytes.get(1) == Some(&kind::REQUEST);
            let fits = datagram::Header::read(bytes).is_some();
            if fits && (request || way == Direction::ToClient) { Probe::Yes } else { Probe::No }
        }
    }
}

/// Whether these bytes begin a unit of version 5.0 or 5.1: its kind, its flags and the
/// representation of its data must be possible, and its length hold a header.
fn looks_like_unit(bytes: &[u8]) -> Probe {
    let possible = bytes.iter().take(10).enumerate().all(|(at, byte)| match at {
        0 => *byte == 5,
        1 => *byte <= 1,
        2 => *byte <= kind::LAST,
        4 => byte & 0xee == 0,
        5 => *byte <= 3,
        6 | 7 => *byte == 0,
        _ => true,
    });
    match (possible, bytes.get(4), bytes.get(8), bytes.get(9)) {
        (false, ..) => Probe::No,
        (true, Some(representation), Some(first), Some(second)) => {
            let little = representation & 0x10 != 0;
            let length = if little { [*first, *second] } else { [*second, *first] };
            if u16::from_le_bytes(length) >= 16 { Probe::Yes } else { Probe::No }
        }
        _ => Probe::NeedMore,
    }
}
