//! FTP, its control connection (RFC 959, RFC 2228, RFC 2428): commands, replies, and the
//! connections for data that they agree upon.

mod address;
mod commands;
mod fields;
mod parser;
mod samples;
mod transaction;

pub use transaction::{Reply, Transaction};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "ftp",
    help: "FTP: commands and replies; the connections for data are announced.",
    eve: "ftp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[21],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::FtpParser::default()) },
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
    LONG_COMMAND "request_command_too_long" "A command line longer than is kept.";
    LONG_REPLY "response_command_too_long" "A line of a reply longer than is kept.";
    FILE_BEFORE_PORT "file_before_port"
        "A file is asked for before a port for its data was agreed upon.";
    FILE_WITHOUT_NAME "file_without_name" "A file is asked for without a name.";
    FLOODED "too_many_transactions" "More commands wait for a reply than the limit.";
}

/// A first command, or a greeting that says what it is.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    if way == Direction::ToServer {
        return commands::probe(bytes);
    }
    const GREETING: &[u8] = b"220";
    if !bytes.starts_with(GREETING) {
        return if GREETING.starts_with(bytes) { Probe::NeedMore } else { Probe::No };
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let named = line.windows(3).any(|three| three.eq_ignore_ascii_case(b"ftp"));
    if line.starts_with(b"220 (") || named {
        Probe::Yes
    } else if line.len() == bytes.len() {
        Probe::NeedMore
    } else {
        Probe::No
    }
}

#[cfg(test)]
mod tests;
