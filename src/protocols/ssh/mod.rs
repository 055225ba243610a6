//! SSH up to the point where everything is encrypted (RFC 4253): identification strings, and the
//! algorithms that both sides offer (HASSH).

mod connection;
mod fields;
mod parser;
mod samples;

pub use connection::{Connection, Speaker};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "ssh",
    help: "SSH: identification strings and fingerprints of both sides; nothing of what is encrypted.",
    eve: "ssh",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["record.pdu", "record.hdr", "record.data"],
    carriers: &[Carrier::Tcp],
    ports: &[22],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::SshParser::default()) },
    rows: field::rows::<Connection>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static INVALID_BANNER: Event =
    Event { name: "invalid_banner", help: "A first line that is no identification string." };
static LONG_BANNER: Event =
    Event { name: "long_banner", help: "An identification string of 256 bytes or more." };
static INVALID_RECORD: Event =
    Event { name: "invalid_record", help: "A packet of a length that cannot be." };
static EVENTS: &[&Event] = &[&INVALID_BANNER, &LONG_BANNER, &INVALID_RECORD];

/// Both sides begin with an identification string (RFC 4253, section 4.2).
fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    const START: &[u8] = b"SSH-";
    if bytes.starts_with(START) {
        Probe::Yes
    } else if START.starts_with(bytes) {
        Probe::NeedMore
    } else {
        Probe::No
    }
}
