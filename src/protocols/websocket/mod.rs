//! WebSocket: frames both ways after an upgrade of HTTP (RFC 6455), with compressed messages
//! (RFC 7692).

mod fields;
mod frame;
mod parser;
mod samples;

use crate::field::{Event, rows};
use crate::protocols::{Carrier, Probe, Protocol};

use frame::Frame;

/// WebSocket.
pub static PROTOCOL: Protocol = Protocol {
    name: "websocket",
    help: "Messages both ways within a connection that began as HTTP.",
    eve: "websocket",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["header", "pdu", "data"],
    carriers: &[Carrier::Tcp],
    // Where its connections begin, as HTTP.
    ports: &[80],
    anywhere: false,
    by_client: false,
    // Two bytes of header prove nothing: it is what HTTP says that follows.
    probe: |_, _, _| Probe::No,
    parser: || Box::new(parser::WebSocket::default()),
    rows: rows::<Frame>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static SKIPPED: Event = Event {
    name: "skip_end_of_payload",
    help: "A frame is longer than is read: the rest of it is passed over.",
};
static LIMIT: Event = Event {
    name: "reassembly_limit_reached",
    help: "A message, put together or decompressed, is longer than is kept.",
};
static EVENTS: &[&Event] = &[&SKIPPED, &LIMIT];

#[cfg(test)]
mod tests;
