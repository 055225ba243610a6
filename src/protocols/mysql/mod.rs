//! The protocol of MySQL and MariaDB up to the point where somebody has logged on, or was refused
//! ("Client/Server Protocol", Connection Phase, of MySQL's internals manual).

mod login;
mod parser;
mod samples;

pub use login::Login;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "mysql",
    help: "MySQL and MariaDB: the server's version, who logs on and how it ends.",
    eve: "mysql",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu"],
    carriers: &[Carrier::Tcp],
    ports: &[3306, 3307],
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::MysqlParser::default()) },
    rows: field::rows::<Login>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED: Event =
    Event { name: "malformed_message", help: "A message that cannot be read." };
static TOO_LONG: Event = Event {
    name: "message_too_long",
    help: "A message of more than 16 KiB before the log-in ends.",
};
static EVENTS: &[&Event] = &[&MALFORMED, &TOO_LONG];

/// The server greets: a length below 256, number 0, protocol 10, and a version. What answers it has number
/// 1, and no more than 64 KiB.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    const HEAD: usize = 6;
    if way == Direction::ToServer {
        return match bytes {
            [_, _, 0, 1, ..] => Probe::Yes,
            [] | [_] | [_, _] | [_, _, 0] => Probe::NeedMore,
            _ => Probe::No,
        };
    }
    let Some(head) = bytes.first_chunk::<HEAD>() else {
        let head = bytes.iter().skip(1).zip([0, 0, 0]).all(|(is, must)| *is == must);
        let known = |kind: &u8| matches!(*kind, parser::GREETING | parser::ERROR);
        let fits = head && bytes.get(4).is_none_or(known);
        return if fits { Probe::NeedMore } else { Probe::No };
    };
    match head {
        [30..=255, 0, 0, 0, parser::GREETING, b'1'..=b'9'] => Probe::Yes,
        // Some are refused before they say who they are: too many connections, a host that is blocked.
        [_, 0, 0, 0, parser::ERROR, _] => Probe::Yes,
        _ => Probe::No,
    }
}
