//! SNMP, versions 1, 2c and 3 (RFC 1157, RFC 3416, RFC 3412): each message is a transaction of
//! its own.

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
    name: "snmp",
    help: "Management of devices, UDP ports 161 and 162.",
    eve: "snmp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[161, 162],
    anywhere: false,
    by_client: false,
    probe,
    parser: || {
        let mut version = None;
        Box::new(Datagrams::new(move |_, bytes: &[u8]| read(&mut version, bytes), &FLOODED))
    },
    rows: field::rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static MALFORMED: Event = Event { name: "malformed_data", help: "A message cannot be read." };
static UNKNOWN_SECURITY_MODEL: Event = Event {
    name: "unknown_security_model",
    help: "A message of version 3 is protected by another model than the one of users.",
};
static VERSION_MISMATCH: Event = Event {
    name: "version_mismatch",
    help: "A message has another version than the first of its flow.",
};
static FLOODED: Event = Event { name: "flooded", help: "More messages wait than are kept." };

static EVENTS: &[&Event] = &[&MALFORMED, &UNKNOWN_SECURITY_MODEL, &VERSION_MISMATCH, &FLOODED];

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if message::version(bytes).is_some() { Probe::Yes } else { Probe::No }
}

/// `known` is the version that the flow began with.
fn read(known: &mut Option<u32>, bytes: &[u8]) -> Read<Message> {
    let Some(message) = Message::read(bytes) else { return Read::Broken(&MALFORMED) };
    let expected = *known.get_or_insert(message.version);
    let mut events = Vec::new();
    if expected != message.version {
        events.push(&VERSION_MISMATCH);
    }
    if message.unknown_security {
        events.push(&UNKNOWN_SECURITY_MODEL);
    }
    Read::Message(message, events)
}
