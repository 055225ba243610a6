//! Protocols that are told last: those whose content is not read, and those that only a port tells.
//!
//! So a rule for one protocol is not tried on another, and `app_proto` says what a flow carries.
//! Signatures after the protocols' own specifications, named beside each.

use super::{Carrier, Probe};
use crate::net::Direction;

/// A protocol that is told last.
pub struct Recognised {
    /// As rules and EVE name it. One of [`super::PROTOCOLS`] is read, unless it is the client's port
    /// alone that tells it.
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
pub static RECOGNISED: &[Recognised] =
    &[anywhere("stratum", Carrier::Tcp, stratum), ports("telnet", Carrier::Tcp, &[23], telnet)];

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

/// RFC 854 has no beginning of its own: on its port anything is it.
const fn telnet(_: Direction, bytes: &[u8]) -> Probe {
    if bytes.len() >= 2 { Probe::Yes } else { Probe::NeedMore }
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
