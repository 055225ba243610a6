//! DHCPv6 (RFC 8415): each message is a transaction of its own, as clients speak to a group and servers
//! answer from addresses of their own.

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
    name: "dhcpv6",
    help: "Addresses of IPv6 and name servers that are handed out to machines, UDP ports 546 and 547.",
    eve: "dhcpv6",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[546, 547],
    // Three bytes of header prove too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(Datagrams::new(read, &FLOODED)),
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED_OPTIONS: Event =
    Event { name: "malformed_options", help: "The options end within one, or there are too many." };
static FLOODED: Event = Event { name: "flooded", help: "More messages wait than are kept." };

static EVENTS: &[&Event] = &[&MALFORMED_OPTIONS, &FLOODED];

/// A type that is assigned, and options that end where the datagram does.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let sound = Message::read(bytes).is_some_and(|message| message.is_whole);
    if sound { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Message> {
    match Message::read(bytes) {
        None => Read::Nothing,
        Some(message) => {
            let flaw = (!message.is_whole).then_some(&MALFORMED_OPTIONS);
            Read::Message(message, flaw.into_iter().collect())
        }
    }
}
