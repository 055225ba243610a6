//! PostgreSQL, protocol version 3 (PostgreSQL documentation, part VII, "Frontend/Backend
//! Protocol"). Passwords are never shown.

mod fields;
mod frames;
mod message;
mod parser;
mod samples;

use super::{Carrier, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

pub use message::Transaction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "pgsql",
    help: "Queries to a PostgreSQL database, and what became of them.",
    eve: "pgsql",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[5432],
    // A typed message is a letter and a length: too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Pgsql::default()),
    rows: field::rows::<Transaction>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

macro_rules! events {
    ($($id:ident $name:literal $help:literal)*) => {
        $(static $id: Event = Event { name: concat!("pgsql.", $name), help: $help };)*
        static EVENTS: &[&Event] = &[$(&$id),*];
    };
}

events! {
    INVALID_LENGTH "invalid_length" "The length of a message is less than it can be."
    MALFORMED_REQUEST "malformed_request" "The client sent a message that does not exist."
    MALFORMED_RESPONSE "malformed_response" "The server sent a message that does not exist."
    TOO_MANY_TRANSACTIONS "too_many_transactions" "More requests wait for an answer than the limit."
}

/// Longest first message: what the server takes at most.
const MAX_STARTUP_BYTES: u32 = 10_000;

/// Longest first message of a session that was not seen from its beginning.
const MAX_FIRST_BYTES: u32 = 1 << 20;

fn probe(way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let number = |bytes: Option<&[u8; 4]>| bytes.map(|bytes| u32::from_be_bytes(*bytes));
    match (way, bytes) {
        (_, []) => Probe::NeedMore,
        // The answer to a request for encryption is a letter alone.
        (Direction::ToClient, [b'N' | b'S']) => Probe::Yes,
        (Direction::ToServer, [0, ..]) => {
            // What it asks for may be unknown: the parser tells.
            match number(bytes.first_chunk()) {
                Some(length) if !(8..=MAX_STARTUP_BYTES).contains(&length) => Probe::No,
                Some(_) if bytes.len() >= 8 => Probe::Yes,
                _ => Probe::NeedMore,
            }
        }
        (_, [kind, rest @ ..]) => {
            let known = match way {
                Direction::ToServer => matches!(kind, b'Q' | b'p' | b'X' | b'P'),
                Direction::ToClient => matches!(kind, b'R' | b'E' | b'T' | b'C' | b'Z'),
            };
            match number(rest.first_chunk()) {
                _ if !known => Probe::No,
                Some(length) if (4..=MAX_FIRST_BYTES).contains(&length) => Probe::Yes,
                Some(_) => Probe::No,
                None => Probe::NeedMore,
            }
        }
    }
}
