//! HTTP/0.9 to HTTP/1.1: requests and responses, with bodies decompressed.
//!
//! Broken traffic is read on as servers and browsers would, and named by events.

mod body;
mod decode;
mod eve;
mod events;
mod fields;
mod framing;
mod head;
mod lines;
mod multipart;
mod parser;
mod range;
mod samples;
mod transaction;
mod uri;

use crate::field::{Node, rows};
use crate::net::{Chunk, Direction};
use crate::protocols::{Carrier, Moment, Parser, Probe, Protocol, Signal};
use crate::time::Timestamp;

pub use events::EVENTS;
pub use parser::Http;
pub use samples::SAMPLES;
pub use transaction::Transaction;

/// HTTP/1.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    help: "Web requests and responses, HTTP/0.9 to HTTP/1.1 (RFC 9112).",
    eve: "http",
    schema: include_str!("schema.json"),
    files: true,
    frames: &["request", "response"],
    carriers: &[Carrier::Tcp],
    ports: &[80, 8080, 8000, 3128],
    anywhere: true,
    by_client: false,
    probe,
    parser: || Box::new(Http::default()),
    rows: rows::<Transaction>,
    events: EVENTS,
    samples: SAMPLES,
};

/// Methods that Suricata recognises: RFC 9110, WebDAV (RFC 4918) and its versioning (RFC 3253).
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"OPTIONS",
    b"CONNECT",
    b"DELETE",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"CHECKIN",
    b"UPDATE",
    b"LABEL",
    b"REPORT",
    b"MKWORKSPACE",
    b"MKACTIVITY",
    b"BASELINE-CONTROL",
    b"VERSION-CONTROL",
    b"MERGE",
    b"INVALID",
];

fn is_method(word: &[u8]) -> bool {
    METHODS.contains(&word)
}

/// Whether it begins as browsers want a response to begin: `http`, after whitespace.
fn begins_response(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !head::is_space(*byte) && *byte != 0);
    let word = start.and_then(|at| bytes.get(at..at.saturating_add(4)));
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"http"))
}

/// A known method and a space to the server; `HTTP/0.9`, `HTTP/1.0` or `HTTP/1.1` to the client.
fn probe(way: Direction, _carrier: Carrier, bytes: &[u8]) -> Probe {
    let begins = |word: &[u8]| bytes.iter().zip(word).all(|(have, want)| have == want);
    let mut more = false;
    let mut check = |word: &[u8]| {
        let fits = begins(word);
        more |= fits && bytes.len() < word.len();
        fits && bytes.len() >= word.len()
    };
    let found = match way {
        Direction::ToServer => METHODS.iter().any(|method| {
            let after = bytes.get(method.len());
            check(method) && after.is_none_or(|byte| matches!(byte, b' ' | b'\t'))
        }),
        Direction::ToClient => {
            let versions: [&[u8]; 3] = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9"];
            versions.iter().any(|version| check(version))
        }
    };
    match (found, more) {
        // A method without anything after it may go on as another word.
        (true, _) if way == Direction::ToServer && is_method(bytes) => Probe::NeedMore,
        (true, _) => Probe::Yes,
        (false, true) => Probe::NeedMore,
        (false, false) => Probe::No,
    }
}

/// Parses arbitrary bytes: the lowest bit of the first tells who begins, and each zero byte
/// turns to the other side.
pub fn fuzz_http(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let mut way = if first & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
    let moment = Moment {
        now: Timestamp::default(),
        carrier: Carrier::Tcp,
        server_port: 80,
        files: crate::file::Wants::NOTHING,
    };
    let mut http = Http::default();
    let mut signals = Vec::new();
    for part in rest.split(|byte| *byte == 0) {
        http.parse(way, Chunk::Data(part), &moment, &mut signals);
        way = way.reverse();
    }
    http.parse(way, Chunk::Gap(rest.len() as u64), &moment, &mut signals);
    for way in [Direction::ToServer, Direction::ToClient] {
        http.parse(way, Chunk::End, &moment, &mut signals);
    }
    let known = rows::<Transaction>().len();
    for signal in signals {
        if let Signal::Done { transaction } = signal
            && let Some(done) = http.take(transaction)
        {
            (0..known).for_each(|row| done.read(row, &mut |_| {}));
            drop(Node::of(&*done));
        }
    }
}

#[cfg(test)]
mod tests;
