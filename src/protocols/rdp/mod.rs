//! RDP, the beginning of a session (MS-RDPBCGR, section 1.3.1.1): requests and answers in clear,
//! up to where TLS or the protocol's own encryption takes over.

mod client;
mod message;
mod names;
mod parser;
mod samples;

pub use client::Client;
pub use message::Message;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field;
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "rdp",
    help: "RDP: how a session begins, what the client says of itself.",
    eve: "rdp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[3389],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::RdpParser::default()) },
    rows: field::rows::<Message>,
    events: &[],
    samples: samples::SAMPLES,
};

/// TPKT (RFC 1006) with a connection request or confirm of X.224 (section 2.2.1.1): a cookie, or a
/// negotiation request or answer, tells it from others that begin so.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    let head: &[u8] = &[3, 0];
    if !bytes.starts_with(head) {
        return if head.starts_with(bytes) { Probe::NeedMore } else { Probe::No };
    }
    let code = if way == Direction::ToServer { 0xe0 } else { 0xd0 };
    match (bytes.get(4), bytes.get(5), bytes.get(11)) {
        (Some(length), Some(kind), _) if *kind != code || *length < 6 => Probe::No,
        (Some(6), ..) => Probe::No,
        (.., Some(b'C' | 1..=3)) => Probe::Yes,
        (.., Some(_)) => Probe::No,
        _ => Probe::NeedMore,
    }
}
