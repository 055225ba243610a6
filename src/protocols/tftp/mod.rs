//! TFTP (RFC 1350): requests for files. The data goes between other ports.

mod request;

pub use request::Request;

use super::{Carrier, Parser, Probe, Protocol, Sample};
use crate::field;
use crate::net::Direction::{self, ToClient, ToServer};

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "tftp",
    help: "TFTP: requests to read and to write files.",
    eve: "tftp",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[69],
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(request::TftpParser::default()) },
    rows: field::rows::<Request>,
    events: &[],
    samples: SAMPLES,
};

/// An operation that exists (section 5).
const fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    match bytes {
        [0, 1..=5, _, _, ..] => Probe::Yes,
        [] | [0] => Probe::NeedMore,
        _ => Probe::No,
    }
}

static SAMPLES: &[Sample] = &[
    Sample {
        name: "a file is read, another written",
        turns: &[
            (ToServer, b"\0\x01rfc1350.txt\0octet\0"),
            (ToClient, b"\0\x03\0\x01data"),
            (ToServer, b"\0\x04\0\x01"),
            (ToServer, b"\0\x02notes.txt\0NetASCII\0"),
        ],
    },
    Sample {
        name: "broken: no mode, no end, no name",
        turns: &[
            (ToServer, b"\0\x01a\0octet\0"),
            (ToServer, b"\0\x01a"),
            (ToServer, b"\0\x01\0octet\0"),
            (ToServer, b"\0\x01a\0other\0"),
        ],
    },
];
