//! What is known of one connection: the transaction.

use super::certificate::Certificate;
use crate::protocols::formats::hello::{Client, Server};

/// Bytes kept of a certificate chain.
pub const MAX_CHAIN_BYTES: usize = 64 * 1024;

/// Certificates kept of a chain.
pub const MAX_CHAIN: usize = 32;

/// A connection.
#[derive(Debug, Default)]
pub struct Connection {
    /// The version that counts: the server's choice, before that the client's.
    pub version: u16,
    /// The version that the client asks for; 0 when its hello was not seen.
    pub asked: u16,
    /// The client's hello.
    pub client: Option<Client>,
    /// The server's hello.
    pub server: Option<Server>,
    /// The server's leaf certificate.
    pub certificate: Option<Certificate>,
    /// The server's chain as sent, DER, leaf first.
    pub chain: Vec<Box<[u8]>>,
    /// The session goes on from an earlier one: no certificate was sent.
    pub resumed: bool,
}

impl Connection {
    /// Whether there is anything to log: a hello, a certificate. A refused handshake is logged
    /// too, as it says who asked for what.
    pub fn tells(&self) -> bool {
        self.client.is_some() || self.server.is_some() || self.certificate.is_some()
    }

    /// TLS 1.3, its drafts included.
    pub const fn is_13(&self) -> bool {
        self.version == 0x0304 || matches!(self.version >> 8, 0x7f | 0xfb)
    }

    /// As EVE names the version.
    pub fn version_name(&self) -> String {
        match self.version {
            0x0002 => "SSLv2".into(),
            0x0300 => "SSLv3".into(),
            0x0301 => "TLSv1".into(),
            0x0302 => "TLS 1.1".into(),
            0x0303 => "TLS 1.2".into(),
            0x0304 => "TLS 1.3".into(),
            version if version >> 8 == 0x7f => format!("TLS 1.3 draft-{}", version & 0xff),
            version if version >> 8 == 0xfb => format!("TLS 1.3 draft-{}-fb", version & 0xff),
            _ => "UNDETERMINED".into(),
        }
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        let chain: usize = self.chain.iter().map(|der| der.len()).sum();
        size_of::<Self>() + chain + if self.client.is_some() { 1024 } else { 0 }
    }
}
