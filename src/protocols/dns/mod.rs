//! DNS over UDP and TCP (RFC 1035, RFC 7766): each message is a transaction of its own.

mod parser;
mod samples;

use super::formats::dns::{self as format, Message};
use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "dns",
    help: "Domain names: queries and answers over UDP and TCP port 53.",
    eve: "dns",
    schema: include_str!("schema.json"),
    files: false,
    carriers: &[Carrier::Udp, Carrier::Tcp],
    ports: &[53],
    // Twelve bytes of header prove too little to look for it on every port.
    anywhere: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::DnsParser::new()) },
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

macro_rules! events {
    ($($(#[$doc:meta])* $id:ident $name:literal $help:literal;)*) => {
        $(pub(super) static $id: Event = Event { name: $name, help: $help };)*
        static EVENTS: &[&Event] = &[$(&$id),*];
    };
}

events! {
    MALFORMED "malformed_data" "A message, question or answer cannot be read.";
    NOT_REQUEST "not_request" "The client sent a response.";
    NOT_RESPONSE "not_response" "The server sent a request.";
    Z_FLAG "z_flag_set" "A bit is set that must be zero.";
    INVALID_OPCODE "invalid_opcode" "The operation code is not assigned.";
    NAME_TOO_LONG "name_too_long" "A name is longer than is kept; it was cut.";
    INFINITE_LOOP "infinite_loop" "The pointers of a compressed name lead in a circle.";
    TOO_MANY_LABELS "too_many_labels" "A name has more labels than a name can have.";
    INVALID_ADDITIONALS "invalid_additionals" "The additional records cannot be read.";
    INVALID_AUTHORITIES "invalid_authorities" "The authority records cannot be read.";
    FLOODED "flooded" "More messages wait than are kept.";
}

/// A header that fits what follows.
fn probe(way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    let (length, message) = match (carrier, bytes) {
        (Carrier::Udp, message) => (message.len(), message),
        (Carrier::Tcp, [high, low, message @ ..]) => {
            (u16::from_be_bytes([*high, *low]).into(), message)
        }
        (Carrier::Tcp, _) => return Probe::NeedMore,
    };
    match format::fits(message, length, way == Direction::ToServer) {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No,
        None => Probe::NeedMore,
    }
}
