//! The data of FTP (RFC 959): a file over a connection that a control connection announced.

mod parser;
mod transfer;

pub use transfer::Transfer;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field;
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "ftp-data",
    help: "Files of FTP, over connections that were announced.",
    eve: "ftp_data",
    schema: include_str!("schema.json"),
    files: true,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[],
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::FtpDataParser::default()) },
    rows: field::rows::<Transfer>,
    events: &[],
    // Without its announcement it is nothing.
    samples: &[],
};

/// It has no form of its own: only the announcement tells.
const fn probe(_: Direction, _: Carrier, _: &[u8]) -> Probe {
    Probe::No
}
