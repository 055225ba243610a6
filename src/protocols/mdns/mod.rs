//! Multicast DNS (RFC 6762): each datagram is a transaction of its own.

mod fields;
mod samples;

use super::datagrams::{Datagrams, Read};
use super::formats::dns::{Message, events, multicast, whole};
use super::{Carrier, Probe, Protocol};
use crate::field;
use crate::net::Direction;

pub use fields::Announcement;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "mdns",
    help: "Names and services that machines announce on their own network, UDP port 5353.",
    eve: "mdns",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[5353],
    // The header is that of DNS: the port alone tells them apart.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(Datagrams::new(read, &events::FLOODED)),
    rows: field::rows::<Announcement>,
    events: multicast::EVENTS,
    samples: samples::SAMPLES,
};

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if whole(bytes, false) { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Announcement> {
    match Message::read(bytes) {
        None => Read::Broken(&events::MALFORMED),
        Some(message) => {
            let events = events::of(&message).collect();
            Read::Message(Announcement(message), events)
        }
    }
}
