//! DHCP (RFC 2131): each message is a transaction of its own.

mod fields;
mod message;
mod samples;

use super::datagrams::{Datagrams, Read};
use super::{Carrier, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

pub use message::Message;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "dhcp",
    help: "Addresses that are handed out to machines, UDP ports 67 and 68.",
    eve: "dhcp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[67, 68],
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(Datagrams::new(read, &FLOODED)),
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static TRUNCATED_OPTIONS: Event =
    Event { name: "truncated_options", help: "The options end before their end is told." };
static MALFORMED_OPTIONS: Event =
    Event { name: "malformed_options", help: "An option has a length that it cannot have." };
static FLOODED: Event = Event { name: "flooded", help: "More messages wait than are kept." };

static EVENTS: &[&Event] = &[&TRUNCATED_OPTIONS, &MALFORMED_OPTIONS, &FLOODED];

/// A datagram as long as the fixed part (RFC 2131, figure 1): BOOTP, without the magic cookie,
/// has the same.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if bytes.len() >= message::HEADER_BYTES { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Message> {
    match Message::read(bytes) {
        None => Read::Nothing,
        Some(message) => {
            let events = match message.end {
                message::End::Told => Vec::new(),
                message::End::Truncated => vec![&TRUNCATED_OPTIONS],
                message::End::Malformed => vec![&MALFORMED_OPTIONS],
            };
            Read::Message(message, events)
        }
    }
}
