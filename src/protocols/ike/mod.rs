//! IKE: the exchange of keys of IPsec, versions 1 (RFC 2409) and 2 (RFC 7296).

mod exchange;
mod message;
pub mod names;
mod parser;
mod samples;

use super::{Carrier, Parser, Probe, Protocol};
use crate::field;
use crate::net::Direction;
use crate::reader::Reader;

pub use exchange::Message;

/// IKE.
pub static PROTOCOL: Protocol = Protocol {
    name: "ike",
    help: "Exchange of keys of IPsec: what is proposed and chosen, as far as it is in clear.",
    eve: "ike",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Udp],
    ports: &[500],
    // Its header proves too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || -> Box<dyn Parser> { Box::new(parser::IkeParser::new()) },
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
                pub static $ident: Event = Event { name: concat!("ike.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        NO_ENCRYPTION "no_encryption" "A proposal of AH, which encrypts nothing."
        WEAK_ENCRYPTION "weak_crypto_enc" "A weak cipher is proposed."
        WEAK_PRF "weak_crypto_prf" "A weak pseudo-random function is proposed."
        WEAK_GROUP "weak_crypto_dh" "A weak Diffie-Hellman group is proposed."
        WEAK_AUTHENTICATION "weak_crypto_auth" "A weak integrity algorithm is proposed."
        NO_GROUP "weak_crypto_no_dh" "A proposal without a Diffie-Hellman group."
        NO_AUTHENTICATION "weak_crypto_no_auth" "A proposal without integrity."
        INVALID_PROPOSAL "invalid_proposal" "A proposal of an algorithm that is none."
        UNKNOWN_PROPOSAL "unknown_proposal" "A proposal of something that is not known."
        MANY_CHOSEN "multiple_server_proposal" "The server chose more than one transform."
        FLOODED "flooded" "More messages wait than are kept."
    }
}

/// A header of version 1, or of version 2.0 with an exchange that exists and the right length.
fn probe(_: Direction, _: Carrier, bytes: &[u8]) -> Probe {
    let Some(header) = message::Header::read(&mut Reader::new(bytes)) else { return Probe::No };
    let length = usize::try_from(header.length);
    let known = match (header.major, header.minor) {
        (1, _) => true,
        (2, 0) => matches!(header.exchange, 34..=37) && length == Ok(bytes.len()),
        _ => false,
    };
    if known { Probe::Yes } else { Probe::No }
}
