//! The distributed hash table of BitTorrent (BEP 5): each message is a transaction of its own.

mod bencode;
mod message;
mod parser;
mod samples;

pub use message::Message;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "bittorrent-dht",
    help: "The distributed hash table of BitTorrent: who asks whom for what.",
    eve: "bittorrent_dht",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[6881],
    anywhere: true,
    by_client: false,
    probe: |_: Direction, _: Carrier, bytes: &[u8]| begins(bytes),
    parser: || -> Box<dyn Parser> { Box::new(parser::DhtParser::new()) },
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED: Event = Event {
    name: "bittorrent-dht.malformed_packet",
    help: "A message that cannot be read, or lacks what its kind needs.",
};

static FLOODED: Event =
    Event { name: "bittorrent-dht.flooded", help: "More messages wait than are kept." };

static EVENTS: &[&Event] = &[&MALFORMED, &FLOODED];

/// A dictionary whose first key is the arguments, the response, the sender's address or the error.
fn begins(bytes: &[u8]) -> Probe {
    let all: [&[u8]; 5] = [b"d1:ad2:id20:", b"d1:rd2:id20:", b"d2:ip6:", b"d2:ip18:", b"d1:eli"];
    let fits = |wanted: &&&[u8]| bytes.iter().zip(wanted.iter()).all(|(have, want)| have == want);
    match all.iter().filter(fits).map(|wanted| wanted.len()).min() {
        Some(length) if bytes.len() >= length => Probe::Yes,
        Some(_) => Probe::NeedMore,
        None => Probe::No,
    }
}
