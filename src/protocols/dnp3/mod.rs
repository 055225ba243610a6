//! DNP3 over TCP (IEEE 1815): what masters and outstations of power and water plants say. Each
//! message of the application layer is a transaction of its own.

mod fields;
mod layouts;
mod link;
mod message;
mod objects;
mod parser;
mod samples;

use super::{Carrier, Probe, Protocol};
use crate::field;
use crate::net::Direction;

pub use message::{INDICATIONS, Message, function};

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "dnp3",
    help: "Reads and commands of outstations in power and water plants, DNP3 over TCP.",
    eve: "dnp3",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[20_000],
    // Two bytes and a checksum over ten prove enough, wherever they are.
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(parser::Dnp3::default()),
    rows: field::rows::<Message>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The violations that rules can name.
pub mod events {
    use crate::field::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: concat!("dnp3.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        FLOODED "flooded" "More requests wait for an answer than the limit."
        LEN_TOO_SMALL "len_too_small" "A frame is too short for what it says to carry."
        BAD_LINK_CRC "bad_link_crc" "The checksum of a frame's header is wrong."
        BAD_TRANSPORT_CRC "bad_transport_crc" "A checksum of a frame's data is wrong."
        UNKNOWN_OBJECT "unknown_object" "An object whose layout is not known, or that is cut."
        TOO_MANY_POINTS "too_many_points" "A message holds more points than are read."
        TOO_MANY_OBJECTS "too_many_objects" "A message holds more objects than are read."
        TOO_LONG_REASSEMBLY "too_long_reassembly" "A message is longer than its parts can number."
    }
}

/// A whole header of the link layer with the right checksum.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    match bytes {
        [] | [0x05] => Probe::NeedMore,
        [0x05, 0x64, rest @ ..] if rest.first().is_none_or(|length| *length >= link::LEAST) => {
            match bytes.first_chunk() {
                Some(header) if link::Header::read(header).is_ok() => Probe::Yes,
                Some(_) => Probe::No,
                None => Probe::NeedMore,
            }
        }
        _ => Probe::No,
    }
}
