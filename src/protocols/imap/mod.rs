//! IMAP (RFC 9051, RFC 3501): tagged commands and what the server says to them, up to TLS; mails
//! that are stored and fetched are read as those of SMTP are.
//!
//! No password is kept: of LOGIN (RFC 9051, 6.2.3) and AUTHENTICATE (6.2.2) stay the user, the
//! mechanism, and whether something secret was readable on the way. A mail that is fetched in parts
//! (`BODY[]<0.4096>`) is read up to the end of its first part; headers and single parts that are
//! fetched are counted over, not read.

mod commands;
mod fields;
mod login;
mod mail;
mod parser;
mod samples;
mod transaction;
mod wire;

pub use mail::Mail;
pub use transaction::{Status, Transaction};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "imap",
    help: "IMAP: commands of a mailbox, their responses, and mails both ways, until TLS takes over.",
    eve: "imap",
    schema: include_str!("schema.json"),
    files: true,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[143],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::ImapParser::default()) },
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
    INVALID_REQUEST "invalid_request" "A line of the client without a tag or without a command.";
    UNKNOWN_COMMAND "unknown_command" "A command that the protocol does not have.";
    INVALID_RESPONSE "invalid_response" "A tagged line of the server that is not OK, NO or BAD.";
    UNMATCHED "unmatched_response" "A response to a command that was not sent.";
    INVALID_LITERAL "invalid_literal" "A literal of more than 4,294,967,295 bytes is announced.";
    LONG_REQUEST "request_too_long" "A command line of more than 8192 bytes.";
    LONG_RESPONSE "response_too_long" "A line of the server of more than 8192 bytes.";
    BEHIND_STARTTLS "command_behind_starttls"
        "A command in the clear behind STARTTLS, before it was answered.";
    UNTERMINATED "unterminated_string" "A quoted string of LOGIN or AUTHENTICATE that does not end.";
    FLOODED "too_many_transactions" "More commands wait for a response than the limit.";
}

/// The server's greeting (RFC 9051, 7.1), or a client's first command.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    if way == Direction::ToServer {
        return commands::probe(bytes);
    }
    let mut best = Probe::No;
    for greeting in [&b"* OK "[..], b"* PREAUTH "] {
        let both = bytes.len().min(greeting.len());
        let same = bytes.iter().zip(greeting).all(|(a, b)| a.eq_ignore_ascii_case(b));
        match same {
            true if both == greeting.len() => return Probe::Yes,
            true => best = Probe::NeedMore,
            false => {}
        }
    }
    best
}

#[cfg(test)]
mod tests;
