//! Telnet (RFC 854, RFC 855): commands and options apart from what is typed, and the dialogue of a
//! log-in.
//!
//! Telnet has no messages: who logs on is told from what the server asks (`login:`, `Password:`) and
//! from what it says then. A password is never kept, only that there was one.

mod dialogue;
mod environment;
mod fields;
mod parser;
mod samples;
mod transaction;
mod wire;

pub use transaction::{Login, Transaction};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "telnet",
    help: "Telnet: who logs on and how it ends, terminal and environment, commands and text.",
    eve: "telnet",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu", "ctl", "data"],
    carriers: &[Carrier::Tcp],
    ports: &[23, 2323],
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::TelnetParser::default()) },
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
    UNKNOWN_COMMAND "unknown_command" "A byte behind IAC that is no command.";
    MALFORMED "malformed_subnegotiation"
        "A subnegotiation that is not of its option's form, or a command within one.";
    LONG "subnegotiation_too_long" "A subnegotiation of more than 1024 bytes.";
    UNTERMINATED "unterminated_subnegotiation" "The stream ends within a subnegotiation.";
    USER_IS_OPTION "user_is_option"
        "A user in the environment that begins with a hyphen, which a server may take as an option \
         of its log-in program (CVE-2007-0882).";
    FLOODED "too_many_transactions" "More log-ins at once than the limit.";
}

/// A command of RFC 854 with an option or a subnegotiation. That its port alone says what it is
/// stands in the list of what is recognised.
fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    match bytes {
        [] | [wire::IAC] => Probe::NeedMore,
        [wire::IAC, wire::SB..=wire::DONT, ..] => Probe::Yes,
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests;
