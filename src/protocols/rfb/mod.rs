//! RFB, the protocol of VNC (RFC 6143), up to the point where the screen is shared.

mod parser;
mod samples;
mod session;

pub use session::{PixelFormat, Screen, Session};

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "rfb",
    help: "RFB (VNC): versions, authentication, and the screen that is shared.",
    eve: "rfb",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu"],
    carriers: &[Carrier::Tcp],
    ports: &[5900],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::RfbParser::default()) },
    rows: field::rows::<Session>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static UNIMPLEMENTED: Event = Event {
    name: "unimplemented_security_type",
    help: "A way of authentication of which no more is known.",
};
static UNKNOWN_RESULT: Event =
    Event { name: "unknown_security_result", help: "A result of authentication that cannot be." };
static MALFORMED: Event =
    Event { name: "malformed_message", help: "A message that cannot be read." };
static CONFUSED: Event =
    Event { name: "confused_state", help: "One side spoke when it was the other's turn." };
static EVENTS: &[&Event] = &[&UNIMPLEMENTED, &UNKNOWN_RESULT, &MALFORMED, &CONFUSED];

/// Both sides begin with a version (section 7.1.1).
fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    const START: &[u8] = b"RFB 00";
    if bytes.starts_with(START) {
        Probe::Yes
    } else if START.starts_with(bytes) {
        Probe::NeedMore
    } else {
        Probe::No
    }
}
