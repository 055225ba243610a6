//! What others say is to be looked for.

use std::net::IpAddr;
use std::sync::Arc;

use crate::time::Timestamp;

/// One thing that can be seen on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Observable {
    /// An address, or a network: the bits of its prefix, those behind it zero.
    Network(IpAddr, u8),
    /// A name of the DNS, in small letters without a dot at the end: it and all below it.
    Name(String),
    /// JA3 of a client: MD5 in lower-case hexadecimal.
    Ja3(String),
    /// JA4 of a client.
    Ja4(String),
    /// SHA-256 of a certificate's DER.
    Certificate([u8; 32]),
}

impl Observable {
    /// Its kind: one of [`Observable::KINDS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Network(IpAddr::V4(_), 32) | Self::Network(IpAddr::V6(_), 128) => "address",
            Self::Network(..) => "network",
            Self::Name(_) => "domain",
            Self::Ja3(_) => "ja3",
            Self::Ja4(_) => "ja4",
            Self::Certificate(_) => "certificate",
        }
    }

    /// Every kind.
    pub const KINDS: [&'static str; 6] =
        ["address", "network", "domain", "ja3", "ja4", "certificate"];

    /// As people write it.
    pub fn text(&self) -> String {
        match self {
            Self::Network(address, _) if self.kind() == "address" => address.to_string(),
            Self::Network(address, prefix) => format!("{address}/{prefix}"),
            Self::Name(text) | Self::Ja3(text) | Self::Ja4(text) => text.clone(),
            Self::Certificate(hash) => hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// Something to look for, and whose word it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Its identifier, the same everywhere.
    pub id: String,
    /// What its author calls it; may be empty.
    pub name: String,
    /// From whom this site has it: the hub's name, or that of a file.
    pub source: Arc<str>,
    /// Who made it, as far as that is told; may be empty.
    pub author: Arc<str>,
    /// How sure its author is, percent.
    pub confidence: u8,
    /// From when and up to when it holds.
    pub valid: [Timestamp; 2],
    /// It is seen when all of one of these are; at most [`ALTERNATIVES_MAX`] of at most
    /// [`TERMS_MAX`].
    pub alternatives: Vec<Vec<Observable>>,
}

/// Alternatives of an indicator at most.
pub const ALTERNATIVES_MAX: usize = 64;
/// Observables of one alternative at most.
pub const TERMS_MAX: usize = 8;
