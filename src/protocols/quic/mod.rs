//! QUIC up to its hellos: Initial packets, which are opened as anybody can (RFC 9000, RFC 9001, RFC
//! 9369), and the handshake of Google's versions before it. Each packet is a transaction.

mod frames;
mod google;
mod header;
mod keys;
mod packet;
mod parser;
mod samples;

pub use packet::Packet;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "quic",
    help: "QUIC: versions, hellos and fingerprints; nothing of what is encrypted after them.",
    eve: "quic",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[443, 80],
    // Its headers prove too little to look for them on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::QuicParser::new()) },
    rows: field::rows::<Packet>,
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
    FAILED_DECRYPT "failed_decrypt" "An Initial packet that its keys do not open.";
    ERROR_ON_DATA "error_on_data" "Frames that cannot be read.";
    TOO_LONG "crypto_frag_too_long" "A handshake longer than is put together.";
    FLOODED "flooded" "More packets wait than are kept.";
}

/// A datagram that begins with a header of any version.
fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    match header::Header::read(bytes) {
        Some(_) => Probe::Yes,
        None => Probe::No,
    }
}
