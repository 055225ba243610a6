//! Modbus/TCP: requests and responses of industrial controllers (Modbus Messaging on TCP/IP
//! Implementation Guide V1.0b; Modbus Application Protocol Specification V1.1b3).

pub mod codes;
mod fields;
mod message;
mod parser;
mod samples;

use crate::field::{Node, rows};
use crate::net::{Chunk, Direction};
use crate::protocols::{Carrier, Moment, Parser, Probe, Protocol, Signal};
use crate::time::Timestamp;

pub use fields::Transaction;
pub use message::{Message, Range, Write, flaw};
pub use parser::Modbus;
pub use samples::SAMPLES;

/// Modbus/TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "modbus",
    help: "Reads and writes of industrial controllers, Modbus/TCP.",
    eve: "modbus",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp],
    ports: &[502],
    // Its header proves too little to look for it on every port.
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(Modbus::default()),
    rows: rows::<Transaction>,
    events: events::EVENTS,
    samples: SAMPLES,
};

/// The violations that rules can name.
pub mod events {
    use crate::field::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: concat!("modbus.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        UNSOLICITED "unsolicited_response" "A response that no request asked for."
        INVALID_FUNCTION "invalid_function_code" "A request with a function code that cannot be."
        INVALID_LENGTH "invalid_length" "A length that does not fit the function."
        INVALID_VALUE "invalid_value" "A value that the function does not allow."
        INVALID_EXCEPTION "invalid_exception_code" "An exception that the function does not allow."
        VALUE_MISMATCH "value_mismatch" "A response whose values or sizes do not fit its request."
        FLOODED "flooded" "More requests wait for an answer than the limit."
        INVALID_PROTOCOL "invalid_protocol_id" "The protocol in the header is not Modbus."
    }
}

/// Whether these bytes begin with a header and a function code that can be.
fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, 0, 0, 0, 2..=254, _, function, ..] if *function != 0)
}

fn probe(_way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    if looks_like(bytes) {
        Probe::Yes
    } else if bytes.len() >= 8 || bytes.iter().skip(2).take(3).any(|byte| *byte != 0) {
        Probe::No
    } else {
        Probe::NeedMore
    }
}

/// Parses arbitrary bytes: each frame's direction is the lowest bit of a byte before it, its
/// length the next byte.
pub fn fuzz_modbus(mut data: &[u8]) {
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 502,
        files: crate::file::Wants::NOTHING,
    };
    let mut modbus = Modbus::default();
    let mut signals = Vec::new();
    while let [way, length, rest @ ..] = data {
        let way = if way & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let (part, after) = rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
        modbus.parse(way, Chunk::Data(part), &moment, &mut signals);
        data = after;
    }
    modbus.parse(Direction::ToClient, Chunk::End, &moment, &mut signals);
    let known = rows::<Transaction>().len();
    for signal in signals {
        if let Signal::Done { transaction } = signal
            && let Some(done) = modbus.take(transaction)
        {
            (0..known).for_each(|row| done.read(row, &mut |_| {}));
            drop(Node::of(&*done));
        }
    }
}

#[cfg(test)]
mod tests;
