//! NFS, versions 2 to 4: files that are shared over a network (RFC 1094, RFC 1813, RFC 7530,
//! RFC 8881), called by ONC RPC.

mod names;
mod parser;
mod samples;
mod state;
mod transaction;
mod units;
mod version3;
mod version4;

use crate::field::rows;
use crate::net::Direction;
use crate::protocols::formats::rpc::{Call, MARK_BYTES, Mark, Reply};
use crate::protocols::{Carrier, Probe, Protocol};
use crate::reader::Reader;

pub use transaction::Transaction;

/// NFS.
pub static PROTOCOL: Protocol = Protocol {
    name: "nfs",
    help: "Files that Unix machines share.",
    eve: "nfs",
    schema: include_str!("schema.json"),
    files: true,
    frames: units::NAMES,
    carriers: &[Carrier::Tcp, Carrier::Udp],
    ports: &[2049],
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Nfs::new()),
    rows: rows::<Transaction>,
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
                pub static $ident: Event = Event { name: concat!("nfs.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        MALFORMED "malformed_data" "A message cannot be read."
        TOO_MANY "too_many_transactions" "More exchanges wait for their end than are kept."
    }
}

/// Number of the program (RFC 1813, 2.1).
const PROGRAM: u32 = 100_003;
/// Bytes of the shortest call and reply.
const CALL_BYTES: usize = 40;
const REPLY_BYTES: usize = 24;
/// Bytes of the shortest datagrams that are recognised: with something in them, as Suricata.
const CALL_DATAGRAM_BYTES: usize = 48;
const REPLY_DATAGRAM_BYTES: usize = 32;
/// Bytes of the longest reply from which a stream is recognised.
const FIRST_REPLY_BYTES: usize = 35_000;

fn probe(way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    if carrier == Carrier::Tcp {
        return probe_stream(way, bytes);
    }
    let fits = match way {
        Direction::ToServer => {
            bytes.len() >= CALL_DATAGRAM_BYTES
                && Call::read(bytes)
                    .is_some_and(|call| (call.program, call.version) == (PROGRAM, 3))
        }
        Direction::ToClient => {
            bytes.len() >= REPLY_DATAGRAM_BYTES
                && Reply::read(bytes).is_some_and(|reply| (reply.state, reply.outcome) == (0, 0))
        }
    };
    if fits { Probe::Yes } else { Probe::No }
}

/// Whether these bytes begin a call of the program, or a reply that could be of it.
fn probe_stream(way: Direction, bytes: &[u8]) -> Probe {
    let begins = |wanted: &[(usize, u32)]| {
        wanted.iter().all(|(at, number)| {
            let came = bytes.get(*at..).unwrap_or_default();
            let number = number.to_be_bytes();
            number.iter().zip(came).all(|(wanted, came)| wanted == came)
        })
    };
    let length = Mark::read(&mut Reader::new(bytes)).map(|mark| mark.length);
    let (fits, need) = match way {
        Direction::ToServer => {
            let version = [3, 4].iter().any(|version| begins(&[(20, *version)]));
            let fits = begins(&[(8, 0), (12, 2), (16, PROGRAM)])
                && version
                && length.is_none_or(|length| length >= CALL_BYTES);
            (fits, MARK_BYTES + 20)
        }
        Direction::ToClient => {
            let fits = begins(&[(8, 1), (12, 0)])
                && length.is_none_or(|length| (REPLY_BYTES..=FIRST_REPLY_BYTES).contains(&length));
            (fits, MARK_BYTES + 12)
        }
    };
    match fits {
        false => Probe::No,
        true if bytes.len() >= need => Probe::Yes,
        true => Probe::NeedMore,
    }
}
