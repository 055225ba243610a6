//! LDAP: questions to directories and their answers, over streams and datagrams (RFC 4511).

mod codes;
mod describe;
mod fields;
mod message;
mod parser;
mod samples;

use crate::field::{Event, rows};
use crate::net::Direction;
use crate::protocols::formats::ber::{Class, Element, Flaw, size, universal};
use crate::protocols::{Carrier, Probe, Protocol};
use crate::reader::Reader;

use parser::Exchange;

/// LDAP.
pub static PROTOCOL: Protocol = Protocol {
    name: "ldap",
    help: "Questions to directories of users and machines, and their answers.",
    eve: "ldap",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu"],
    carriers: &[Carrier::Tcp, Carrier::Udp],
    ports: &[389, 3268],
    // Other protocols begin with a sequence and a number too.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Ldap::default()),
    rows: rows::<Exchange>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

macro_rules! events {
    ($($id:ident $name:literal $help:literal)*) => {
        $(pub(super) static $id: Event = Event { name: $name, help: $help };)*
        static EVENTS: &[&Event] = &[$(&$id),*];
    };
}

events! {
    TOO_MANY_TRANSACTIONS "too_many_transactions" "More requests wait for an answer than the limit."
    TOO_MANY_RESPONSES "too_many_responses" "More responses to one request than are kept."
    INVALID_DATA "invalid_data" "A message that cannot be read."
    REQUEST_NOT_FOUND "request_not_found" "A response that no request asked for."
}

/// Bytes in which a number of at most four bytes ends, behind the longest header.
const ENOUGH_BYTES: usize = 16;

/// A sequence that holds a number and an operation (RFC 4511, 4.1.1).
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    match bytes.first() {
        None => return Probe::NeedMore,
        Some(0x30) => {}
        Some(_) => return Probe::No,
    }
    let whole = match size(bytes) {
        Ok(whole) => whole,
        Err(Flaw::Short) => return Probe::NeedMore,
        Err(Flaw::Malformed) => return Probe::No,
    };
    let mut inside = Reader::new(bytes.get(header_bytes(bytes)..).unwrap_or_default());
    match Element::read(&mut inside) {
        Ok(id) if id.is(universal::INTEGER) && id.content.len() <= 4 => match inside.u8() {
            Some(tag) => operation(tag),
            None if bytes.len() < whole => Probe::NeedMore,
            None => Probe::No,
        },
        Err(Flaw::Short) if bytes.len() < whole.min(ENOUGH_BYTES) => Probe::NeedMore,
        _ => Probe::No,
    }
}

/// Bytes of tag and length at the start.
fn header_bytes(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(long) if *long > 0x80 => 2 + usize::from(long & 0x7f),
        _ => 2,
    }
}

fn operation(tag: u8) -> Probe {
    let application = tag >> 6 == 1;
    if application && codes::operation((tag & 0x1f).into()).is_some() {
        Probe::Yes
    } else {
        Probe::No
    }
}

/// Whether an element is an operation.
fn is_operation(element: &Element<'_>) -> bool {
    element.class == Class::Application
}

#[cfg(test)]
mod tests;
