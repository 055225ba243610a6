//! MQTT: what sensors publish and who subscribes to it (MQTT 3.1; OASIS MQTT 3.1.1 and 5.0).

mod describe;
mod fields;
mod message;
mod parser;
mod properties;
mod samples;

use crate::field::{Event, rows};
use crate::net::Direction;
use crate::protocols::{Carrier, Probe, Protocol};
use crate::reader::Reader;

use parser::Exchange;

/// MQTT.
pub static PROTOCOL: Protocol = Protocol {
    name: "mqtt",
    help: "Messages of sensors and machines through a broker.",
    eve: "mqtt",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu", "header", "data"],
    carriers: &[Carrier::Tcp],
    ports: &[1883],
    // Two bytes of header prove too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Mqtt::default()),
    rows: rows::<Exchange>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The violations that rules can name.
mod events {
    use super::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: $name, help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        MISSING_CONNECT "missing_connect" "CONNACK without CONNECT."
        MISSING_PUBLISH "missing_publish" "An acknowledgement of a message that was not published."
        MISSING_SUBSCRIBE "missing_subscribe" "SUBACK without SUBSCRIBE."
        MISSING_UNSUBSCRIBE "missing_unsubscribe" "UNSUBACK without UNSUBSCRIBE."
        DOUBLE_CONNECT "double_connect" "CONNECT on a connection that has one."
        UNINTRODUCED "unintroduced_message" "A message before the connection was accepted."
        INVALID_QOS "invalid_qos_level" "A quality of service that does not exist."
        MISSING_ID "missing_msg_id" "A message that wants an answer and has no number."
        UNASSIGNED "unassigned_msg_type" "A type of message that does not exist."
        TOO_MANY_TRANSACTIONS "too_many_transactions" "More messages wait for an answer than the limit."
        TOO_MANY_MESSAGES "too_many_messages" "More messages in one exchange than are kept."
        MALFORMED "malformed_traffic" "A message that cannot be read."
    }
}

/// A first byte that can be, and a length.
fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let mut reader = Reader::new(bytes);
    let Some(first) = reader.u8() else { return Probe::NeedMore };
    if first >> 4 == 0 || first >> 1 & 3 == 3 {
        return Probe::No;
    }
    match message::length(&mut reader) {
        Ok(Some(_)) => Probe::Yes,
        Ok(None) => Probe::NeedMore,
        Err(message::Malformed) => Probe::No,
    }
}

#[cfg(test)]
mod tests;
