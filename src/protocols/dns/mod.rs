//! DNS over UDP and TCP (RFC 1035, RFC 7766): each message is a transaction of its own.

mod answered;
mod parser;
mod samples;

use super::formats::dns::{Message, events, fits, whole};
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
    frames: &["pdu"],
    carriers: &[Carrier::Udp, Carrier::Tcp],
    ports: &[53],
    // Twelve bytes of header prove too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::DnsParser::new()) },
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static EVENTS: &[&Event] = &[
    &events::MALFORMED,
    &events::NOT_REQUEST,
    &events::NOT_RESPONSE,
    &events::Z_FLAG,
    &events::INVALID_OPCODE,
    &events::NAME_TOO_LONG,
    &events::INFINITE_LOOP,
    &events::TOO_MANY_LABELS,
    &events::INVALID_ADDITIONALS,
    &events::INVALID_AUTHORITIES,
    &events::FLOODED,
    &ANSWERS_DIFFER,
    &IDENTIFIER_GUESSED,
];

static IDENTIFIER_GUESSED: Event = Event {
    name: "identifier_guessed",
    help: "A question over UDP got many answers with identifiers that it did not have: somebody who does not \
           see it wants to answer in the server's place. Of this sensor, not of Suricata.",
};

static ANSWERS_DIFFER: Event = Event {
    name: "answers_differ",
    help: "A question was asked once and answered twice over UDP, with nothing in common: somebody may have \
           answered in the server's place. Of this sensor, not of Suricata.",
};

/// A header that fits what follows.
fn probe(way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    let from_client = way == Direction::ToServer;
    let (length, message) = match (carrier, bytes) {
        (Carrier::Udp, message) if whole(message, from_client) => return Probe::Yes,
        (Carrier::Udp, _) => return Probe::No,
        (Carrier::Tcp, [high, low, message @ ..]) => {
            (u16::from_be_bytes([*high, *low]).into(), message)
        }
        (Carrier::Tcp, _) => return Probe::NeedMore,
    };
    match fits(message, length, from_client) {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No,
        None => Probe::NeedMore,
    }
}
