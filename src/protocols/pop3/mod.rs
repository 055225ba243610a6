//! POP3 (RFC 1939, RFC 2449, RFC 2595): commands and responses, up to TLS.

mod commands;
mod parser;
mod samples;
mod transaction;

pub use transaction::{Command, Response, Transaction};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "pop3",
    help: "POP3: commands and responses of a mailbox, until TLS takes over.",
    eve: "pop3",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[110],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::Pop3Parser::default()) },
    rows: field::rows::<Transaction>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

macro_rules! events {
    ($($id:ident $name:literal $help:literal;)*) => {
        $(static $id: Event = Event { name: $name, help: $help };)*
        static EVENTS: &[&Event] = &[$(&$id),*];
    };
}

events! {
    UNKNOWN_COMMAND "unknown_command" "A command that the protocol does not have.";
    ARGUMENTS "incorrect_argument_count" "Too few or too many arguments for the command.";
    LONG_REQUEST "request_too_long" "A command line of more than 255 bytes.";
    LONG_RESPONSE "response_too_long" "A status line of more than 512 bytes.";
    FLOODED "too_many_transactions" "More commands wait for a response than the limit.";
}

/// The server's greeting (RFC 1939, section 4).
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    const GREETING: &[u8] = b"+OK ";
    if way == Direction::ToServer {
        return commands::probe(bytes);
    }
    if bytes.starts_with(GREETING) {
        Probe::Yes
    } else if GREETING.starts_with(bytes) {
        Probe::NeedMore
    } else {
        Probe::No
    }
}
