//! What is shown of a certificate (RFC 5280). Reading one costs microseconds: the leaf alone, once.

use sha1::{Digest, Sha1};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::protocols::formats::digits;

/// Alternative names kept.
const MAX_NAMES: usize = 256;

/// A leaf certificate.
#[derive(Debug, Default)]
pub struct Certificate {
    /// `C=US, O=..., CN=...`, in the order of the certificate.
    pub subject: String,
    /// The same of who signed it.
    pub issuer: String,
    /// Bytes in upper-case hex, colons between, as they stand in the certificate.
    pub serial: String,
    /// SHA-1 of the DER in lower-case hex, colons between.
    pub fingerprint: String,
    /// Seconds since the Unix epoch; may be before it.
    pub not_before: i64,
    /// Seconds since the Unix epoch.
    pub not_after: i64,
    /// Alternative names.
    pub names: Vec<String>,
}

impl Certificate {
    /// Reads a certificate. `None` when it is not one.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map(|extension| &extension.value.general_names);
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            serial: colons(parsed.raw_serial(), true),
            fingerprint: colons(&Sha1::digest(der), false),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            names: names.into_iter().flatten().take(MAX_NAMES).map(alternative).collect(),
        })
    }
}

fn alternative(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            (*text).to_owned()
        }
        GeneralName::IPAddress(bytes) => {
            match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                (Ok(v4), _) => std::net::Ipv4Addr::from(v4).to_string(),
                (_, Ok(v6)) => std::net::Ipv6Addr::from(v6).to_string(),
                _ => colons(bytes, false),
            }
        }
        other => other.to_string(),
    }
}

fn colons(bytes: &[u8], upper: bool) -> String {
    if upper { digits::hex_upper(bytes, ":") } else { digits::hex(bytes, ":") }
}
