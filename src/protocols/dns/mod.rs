//! DNS over UDP and TCP (RFC 1035, RFC 7766): each message is a transaction of its own.

mod describe;
mod fields;
mod message;
mod name;
mod parser;
mod samples;

pub use message::{Message, Section};

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

/// A header that fits what follows (RFC 1035, 4.1.1): a question is at least five bytes, counted
/// here as two, so that a cut message is still seen as what it is.
fn probe(way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    let mut reader = crate::reader::Reader::new(bytes);
    let length = match carrier {
        Carrier::Udp => bytes.len(),
        Carrier::Tcp => match reader.u16() {
            Some(length) => length.into(),
            None => return Probe::NeedMore,
        },
    };
    if length < message::HEADER_BYTES {
        return Probe::No;
    }
    let (Some(_), Some(flags)) = (reader.u16(), reader.u16()) else { return Probe::NeedMore };
    let Some(questions) = reader.u16() else { return Probe::NeedMore };
    let mut records = usize::from(questions);
    for _ in 0..3 {
        let Some(count) = reader.u16() else { return Probe::NeedMore };
        records += usize::from(count);
    }
    let assigned = (flags >> 11 & 0xf) < 7;
    if way == Direction::ToServer && flags & 0x8000 == 0 && questions == 0 {
        return Probe::No;
    }
    if assigned && 2 * records + message::HEADER_BYTES <= length { Probe::Yes } else { Probe::No }
}
