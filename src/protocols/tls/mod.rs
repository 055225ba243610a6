//! TLS and SSL up to the point where everything is encrypted (RFC 5246, RFC 8446, RFC 6101).

mod certificate;
mod connection;
mod describe;
mod fields;
mod parser;
mod samples;

pub use connection::Connection;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field::{self, Event};
use crate::net::Direction;

/// The protocol's entry in the list.
pub static PROTOCOL: Protocol = Protocol {
    name: "tls",
    help: "TLS and SSL: hellos, certificates and fingerprints; nothing of what is encrypted.",
    eve: "tls",
    schema: include_str!("schema.json"),
    files: false,
    frames: &["pdu", "hdr", "data", "alert", "heartbeat", "ssl2.hdr", "ssl2.pdu"],
    carriers: &[Carrier::Tcp],
    ports: &[443],
    anywhere: true,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::TlsParser::new()) },
    rows: field::rows::<Connection>,
    events: EVENTS,
    samples: samples::SAMPLES,
};

macro_rules! events {
    ($($id:ident $name:literal $help:literal;)*) => {
        $(static $id: Event = Event { name: $name, help: $help };)*
        static EVENTS: &[&Event] = &[$(&$id),*];
    };
}

events! {
    INVALID_RECORD_TYPE "invalid_record_type" "A record of a type that does not exist.";
    INVALID_RECORD_VERSION "invalid_record_version" "A record of a version that does not exist.";
    INVALID_RECORD "invalid_ssl_record" "A record of a length that cannot be.";
    INVALID_SSLV2 "invalid_sslv2_header" "A message of SSLv2 that cannot be read.";
    INVALID_HANDSHAKE "invalid_handshake_message" "A handshake message that cannot be read.";
    HANDSHAKE_LENGTH "handshake_invalid_length" "A handshake message longer than is kept.";
    INVALID_CERTIFICATE "invalid_certificate" "A chain of certificates that cannot be read.";
    CERTIFICATE_DER "certificate_invalid_der" "A certificate that is not valid DER.";
    INVALID_ALERT "invalid_alert_message" "An alert shorter than two bytes.";
    ALERTED "error_message_encountered" "An alert of level fatal.";
    INVALID_SNI_TYPE "invalid_sni_type" "A server name of a type that does not exist.";
    INVALID_SNI_LENGTH "invalid_sni_length" "A server name whose lengths contradict each other.";
    MULTIPLE_SNI "multiple_sni_extensions" "More than one server name extension.";
    HEARTBEAT "heartbeat_message" "A heartbeat message in clear.";
    INVALID_HEARTBEAT "invalid_heartbeat_message" "A heartbeat message that cannot be read.";
    OVERFLOW_HEARTBEAT "overflow_heartbeat_message"
        "A heartbeat request that claims more bytes than it has (Heartbleed).";
    FLOODED "flooded" "More connections on one flow than are kept.";
}

/// A record header, or a hello of SSLv2. A client begins with a handshake; a server may also
/// begin with an alert or, picked up late, with data.
fn probe(way: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    let client = way == Direction::ToServer;
    match *bytes {
        [] => Probe::NeedMore,
        [parser::HANDSHAKE] | [parser::HANDSHAKE, 3] => Probe::NeedMore,
        [parser::HANDSHAKE, 3, minor, ..] if minor <= 4 => Probe::Yes,
        [parser::ALERT | parser::DATA] | [parser::ALERT | parser::DATA, 3] if !client => {
            Probe::NeedMore
        }
        [parser::ALERT | parser::DATA, 3, minor, ..] if !client && minor <= 4 => Probe::Yes,
        // SSLv2: a length of two bytes with the top bit set, then type and version.
        [length, _, 1, 0, 2, ..] | [length, _, 1, 3, 0..=3, ..] if client && length & 0x80 != 0 => {
            Probe::Yes
        }
        [length] | [length, _] | [length, _, 1] | [length, _, 1, 0 | 3]
            if client && length & 0x80 != 0 =>
        {
            Probe::NeedMore
        }
        _ => Probe::No,
    }
}
