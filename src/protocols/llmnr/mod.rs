//! LLMNR, link-local multicast name resolution (RFC 4795): machines ask their neighbours for names that
//! no server knows. Each datagram is a transaction of its own, as an answer comes to the machine that
//! asked and not to the group.

mod fields;
mod samples;

use super::datagrams::{Datagrams, Read};
use super::formats::dns::{Message, events, multicast, whole};
use super::{Carrier, Probe, Protocol};
use crate::field;
use crate::net::Direction;

use fields::Resolution;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "llmnr",
    help: "Names that machines ask their neighbours for, UDP port 5355.",
    eve: "llmnr",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[5355],
    // The header is that of DNS: the port alone tells them apart.
    anywhere: false,
    by_client: true,
    probe,
    parser: || Box::new(Datagrams::new(read, &events::FLOODED)),
    rows: field::rows::<Resolution>,
    events: multicast::EVENTS,
    samples: samples::SAMPLES,
};

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if whole(bytes, false) { Probe::Yes } else { Probe::No }
}

fn read(_way: Direction, bytes: &[u8]) -> Read<Resolution> {
    match Message::read(bytes) {
        None => Read::Broken(&events::MALFORMED),
        Some(message) => {
            let events = events::of(&message).collect();
            Read::Message(Resolution(message), events)
        }
    }
}
