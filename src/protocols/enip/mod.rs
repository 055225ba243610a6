//! EtherNet/IP with CIP (ODVA, CIP Networks Library, volumes 1 and 2): what controllers and
//! devices of factories say, over TCP and UDP.

mod cip;
mod fields;
mod message;
mod names;
mod parser;
mod samples;

use super::{Carrier, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

pub use fields::{Transaction, request_key, request_mask};

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "enip",
    help: "Reads and commands of industrial devices, EtherNet/IP with CIP.",
    eve: "enip",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu", "hdr", "data"],
    carriers: &[Carrier::Tcp, Carrier::Udp],
    ports: &[44_818],
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Enip::default()),
    rows: field::rows::<Transaction>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static TOO_MANY_TRANSACTIONS: Event = Event {
    name: "too_many_transactions",
    help: "More requests wait for an answer than the limit.",
};
static INVALID_PDU: Event =
    Event { name: "invalid_pdu", help: "The data of a message does not fit its command." };

static EVENTS: &[&Event] = &[&TOO_MANY_TRANSACTIONS, &INVALID_PDU];

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    match message::looks_like(bytes) {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No,
        None => Probe::NeedMore,
    }
}
