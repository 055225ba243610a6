//! HTTP/2 in clear: streams of requests and responses (RFC 9113), their fields (RFC 7541).

mod doh;
mod eve;
mod events;
mod fields;
mod frame;
mod hpack;
mod huffman;
pub mod names;
mod parser;
mod samples;
mod stream;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field;
use crate::net::Direction;

pub use parser::Http2;
pub use stream::Stream;

/// HTTP/2.
pub static PROTOCOL: Protocol = Protocol {
    name: "http2",
    help: "Web requests and responses, HTTP/2 in clear (RFC 9113).",
    eve: "http",
    // What it writes is described with the older versions: one object for all.
    schema: "",
    files: true,
    frames: &["hdr", "data", "pdu"],
    carriers: &[Carrier::Tcp],
    ports: &[80],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(Http2::default()) },
    rows: field::rows::<Stream>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The client's beginning; a server begins with settings, of which there are some.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    if way == Direction::ToServer {
        let wanted = frame::MAGIC.get(..16).unwrap_or_default();
        return match bytes.iter().zip(wanted).all(|(have, want)| have == want) {
            true if bytes.len() >= wanted.len() => Probe::Yes,
            true => Probe::NeedMore,
            false => Probe::No,
        };
    }
    /// Settings of a server that are believed: ten of six bytes.
    const LONGEST: u8 = 60;
    let fits = |at: usize, byte: u8| match at {
        2 => byte != 0 && byte <= LONGEST && byte.is_multiple_of(6),
        3 => byte == names::frame::SETTINGS,
        // Length, flags and stream, and the high byte of the first identifier.
        0..=9 => byte == 0,
        _ => (1..=9).contains(&byte),
    };
    match bytes.iter().take(11).enumerate().all(|(at, byte)| fits(at, *byte)) {
        true if bytes.len() >= 11 => Probe::Yes,
        true => Probe::NeedMore,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests;
