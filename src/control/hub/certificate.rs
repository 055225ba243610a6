//! What a certificate says, as far as the exchange looks at it.

use std::path::Path;

use anyhow::Context;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::serve::tls::certificates;
use crate::outputs::hub::policy::Tls;
use crate::time::Timestamp;

/// Bytes of a name at most.
const URI_BYTES_MAX: usize = 256;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Its only URI: who has it. None when there is none or several: two names would be two
    /// identities.
    pub(super) uri: Option<String>,
    /// The public key as in the certificate, with its algorithm, DER.
    pub(super) key: Vec<u8>,
    /// From when and until when it holds.
    pub(super) valid: [Timestamp; 2],
    /// It may sign others.
    pub(super) is_authority: bool,
    /// It may be shown by who begins a connection.
    pub(super) is_for_clients: bool,
}

impl Said {
    /// Reads a certificate; `None` when it is none.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(certificate).ok()?;
        let at = |time: x509_parser::time::ASN1Time| {
            Timestamp::new(u64::try_from(time.timestamp()).unwrap_or(0), 0)
        };
        let usage = read.extended_key_usage().ok()?;
        Some(Self {
            uri: uri(certificate),
            key: read.public_key().raw.to_vec(),
            valid: [at(read.validity().not_before), at(read.validity().not_after)],
            is_authority: read.is_ca(),
            is_for_clients: usage.is_none_or(|usage| usage.value.client_auth || usage.value.any),
        })
    }

    /// When a new one should be asked for: two thirds of the time are over.
    pub(super) fn renewal(&self) -> Timestamp {
        let [from, until] = self.valid.map(Timestamp::seconds);
        Timestamp::new(from + until.saturating_sub(from) * 2 / 3, 0)
    }
}

/// The name in a certificate: its only URI.
pub(super) fn uri(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let uri = uris.next().filter(|uri| uri.len() <= URI_BYTES_MAX)?;
    // Two names would be two identities.
    uris.next().is_none().then(|| uri.to_owned())
}

/// The first certificate of a file, the site's own, and those behind it.
pub(super) fn read(path: &Path) -> anyhow::Result<(Said, Vec<CertificateDer<'static>>)> {
    let chain = certificates(path)?;
    let said = chain.first().and_then(Said::of);
    let said =
        said.with_context(|| format!("{}: its first certificate cannot be read", path.display()))?;
    Ok((said, chain))
}

/// What the certificate of the site says, if there is one that can be read.
pub(super) fn own(tls: &Tls) -> Option<Said> {
    read(tls.certificate.as_deref()?).ok().map(|(said, _)| said)
}
