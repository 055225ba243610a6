//! The name service of NetBIOS over UDP (RFC 1001, RFC 1002): Windows machines ask their neighbours for
//! names. Each datagram is a transaction of its own, as most questions go to all and answers to one.

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
    name: "nbns",
    help: "Names of NetBIOS that machines ask their neighbours for, UDP port 137.",
    eve: "nbns",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[137],
    // The header is that of DNS: the port alone tells them apart.
    anywhere: false,
    by_client: true,
    probe,
    parser: || Box::new(Datagrams::new(read, &FLOODED)),
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED: Event =
    Event { name: "malformed_data", help: "A name, question or answer cannot be read." };
static FLOODED: Event = Event { name: "flooded", help: "More messages wait than are kept." };

static EVENTS: &[&Event] = &[&MALFORMED, &FLOODED];

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let sound = Message::read(bytes).is_some_and(|message| message.is_whole);
    if sound { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Message> {
    match Message::read(bytes) {
        None => Read::Broken(&MALFORMED),
        Some(message) => {
            let flaw = (!message.is_whole).then_some(&MALFORMED);
            Read::Message(message, flaw.into_iter().collect())
        }
    }
}
