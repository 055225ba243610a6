//! SIP: calls and who may be called, over datagrams and streams (RFC 3261), with the session
//! descriptions they carry.

mod fields;
mod message;
mod parser;
mod samples;

use crate::field::{Event, rows};
use crate::net::Direction;
use crate::protocols::{Carrier, Probe, Protocol};

use message::Message;

/// The units of a message.
const FRAMES: &[&str] = &[
    "pdu",
    "request.line",
    "request.headers",
    "request.body",
    "response.line",
    "response.headers",
    "response.body",
];

/// SIP.
pub static PROTOCOL: Protocol = Protocol {
    name: "sip",
    help: "Telephone calls: their set-up and end.",
    eve: "sip",
    schema: include_str!("schema.json"),
    files: false,
    frames: FRAMES,
    carriers: &[Carrier::Udp, Carrier::Tcp],
    ports: &[5060, 5061],
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(parser::Sip::default()),
    rows: rows::<Message>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

static INCOMPLETE: Event =
    Event { name: "incomplete_data", help: "A message whose headers do not end." };
static INVALID: Event =
    Event { name: "invalid_data", help: "Not a message, or one that goes the wrong way." };
static EVENTS: &[&Event] = &[&INCOMPLETE, &INVALID];

/// Methods of RFC 3261 and of those that extend it.
const METHODS: &[&[u8]] = &[
    b"INVITE",
    b"REGISTER",
    b"OPTIONS",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"MESSAGE",
    b"INFO",
    b"PRACK",
    b"REFER",
    b"UPDATE",
    b"PUBLISH",
];
/// Bytes in which the first line must end.
const FIRST_LINE_BYTES: usize = 2048;

/// A status line, or a request line that ends with the version.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let begins = |wanted: &[u8]| bytes.iter().zip(wanted).all(|(a, b)| a == b);
    let version = b"SIP/2.0 ";
    if begins(version) {
        return if bytes.len() >= version.len() { Probe::Yes } else { Probe::NeedMore };
    }
    let known = METHODS
        .iter()
        .any(|method| begins(method) && matches!(bytes.get(method.len()), None | Some(b' ')));
    if !known {
        return Probe::No;
    }
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    match (lines.next(), lines.next()) {
        (Some(line), Some(_)) if line.trim_ascii_end().ends_with(b" SIP/2.0") => Probe::Yes,
        (_, None) if bytes.len() < FIRST_LINE_BYTES => Probe::NeedMore,
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests;
