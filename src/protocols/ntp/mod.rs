//! NTP, versions 3 and 4 (RFC 1305, RFC 5905): each datagram is a transaction of its own. It has
//! no events of its own in EVE, a clock that is set every minute is no news; alerts show it.

mod fields;
mod samples;

use super::datagrams::{Datagrams, Read};
use super::{Carrier, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

pub use fields::Packet;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "ntp",
    help: "Clocks that are set over the network, UDP port 123.",
    eve: "ntp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[123],
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(Datagrams::new(read, &FLOODED)),
    rows: field::rows::<Packet>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED: Event = Event { name: "malformed_data", help: "A datagram cannot be read." };
static FLOODED: Event = Event { name: "flooded", help: "More datagrams wait than are kept." };

static EVENTS: &[&Event] = &[&MALFORMED, &FLOODED];

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if Packet::read(bytes).is_some() { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Packet> {
    match Packet::read(bytes) {
        Some(packet) => Read::Message(packet, Vec::new()),
        None => Read::Broken(&MALFORMED),
    }
}
