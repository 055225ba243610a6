//! Protocols that are told by name alone: their first bytes are known, their content is not read.
//!
//! So a rule for one protocol is not tried on another, and `app_proto` says what a flow carries.
//! Signatures after the protocols' own specifications, named beside each.

use super::{Carrier, Probe};
use crate::net::Direction;

/// A protocol that is told by name alone.
pub struct Recognised {
    /// As rules and EVE name it.
    pub name: &'static str,
    /// What carries it.
    pub carrier: Carrier,
    /// Where it is looked for when it is not looked for anywhere.
    pub ports: &'static [u16],
    /// Whether it is looked for on every port.
    pub anywhere: bool,
    /// Whether the first bytes of a direction are this protocol's.
    pub probe: fn(Direction, &[u8]) -> Probe,
}

/// Every such protocol, in the order in which they are tried.
pub static RECOGNISED: &[Recognised] = &[
    anywhere("imap", Carrier::Tcp, imap),
    anywhere("stratum", Carrier::Tcp, stratum),
    ports("telnet", Carrier::Tcp, &[23], telnet),
];

const fn anywhere(
    name: &'static str,
    carrier: Carrier,
    probe: fn(Direction, &[u8]) -> Probe,
) -> Recognised {
    Recognised { name, carrier, ports: &[], anywhere: true, probe }
}

const fn ports(
    name: &'static str,
    carrier: Carrier,
    ports: &'static [u16],
    probe: fn(Direction, &[u8]) -> Probe,
) -> Recognised {
    Recognised { name, carrier, ports, anywhere: false, probe }
}

fn server(way: Direction, probe: impl Fn() -> Probe) -> Probe {
    if way == Direction::ToClient { probe() } else { Probe::No }
}

/// One of `all` at the start, without regard to the case of ASCII letters.
fn any_nocase(bytes: &[u8], all: &[&[u8]]) -> Probe {
    let probe = |wanted: &&[u8]| {
        let both = wanted.len().min(bytes.len());
        let same = bytes.iter().zip(wanted.iter()).all(|(a, b)| a.eq_ignore_ascii_case(b));
        match same {
            false => Probe::No,
            true if both == wanted.len() => Probe::Yes,
            true => Probe::NeedMore,
        }
    };
    all.iter().map(probe).fold(Probe::No, better)
}

const fn better(a: Probe, b: Probe) -> Probe {
    match (a, b) {
        (Probe::Yes, _) | (_, Probe::Yes) => Probe::Yes,
        (Probe::NeedMore, _) | (_, Probe::NeedMore) => Probe::NeedMore,
        _ => Probe::No,
    }
}

/// RFC 854 has no beginning of its own: on its port anything is it.
const fn telnet(_: Direction, bytes: &[u8]) -> Probe {
    if bytes.len() >= 2 { Probe::Yes } else { Probe::NeedMore }
}

/// RFC 9051: the server's greeting.
fn imap(way: Direction, bytes: &[u8]) -> Probe {
    server(way, || any_nocase(bytes, &[b"* OK ", b"* PREAUTH "]))
}

/// Bytes within which the first request of a miner names its method.
const STRATUM_BYTES: usize = 512;

/// The protocol of mining pools (<https://en.bitcoin.it/wiki/Stratum_mining_protocol>) and its kin
/// for Monero and Ethereum: the client's first line is an object of JSON that names the method.
fn stratum(way: Direction, bytes: &[u8]) -> Probe {
    if way == Direction::ToClient || !bytes.starts_with(b"{") {
        return if bytes.is_empty() { Probe::NeedMore } else { Probe::No };
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.get(..STRATUM_BYTES).unwrap_or(line);
    let has = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
    let miner = has(b"\"login\"") && has(b"\"pass\"") && has(b"\"params\"");
    let methods: [&[u8]; 4] =
        [b"\"mining.", b"\"eth_submitLogin\"", b"\"eth_getWork\"", b"\"eth_submitWork\""];
    if miner || methods.into_iter().any(has) {
        Probe::Yes
    } else if line.len() == bytes.len() && bytes.len() < STRATUM_BYTES {
        Probe::NeedMore
    } else {
        Probe::No
    }
}
