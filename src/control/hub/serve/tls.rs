//! TLS with certificates on both sides, and the name in the other's.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::config::Tls;
use crate::outputs::hub::policy;

/// Bytes of a file of certificates at most.
const PEM_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What takes connections: nobody comes in without a certificate of the right root.
pub(super) fn acceptor(files: &Tls) -> anyhow::Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for root in certificates(&files.clients)? {
        let shown = files.clients.display();
        roots.add(root).with_context(|| format!("{shown}: a root that cannot be used"))?;
    }
    let mut verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    if let Some(path) = &files.revoked {
        let text = read(path)?;
        let lists = CertificateRevocationListDer::pem_slice_iter(&text);
        let lists = lists.collect::<Result<Vec<_>, _>>();
        let lists = lists.with_context(|| format!("{}: no PEM of a CRL", path.display()))?;
        verifier = verifier.with_crls(lists).allow_unknown_revocation_status();
    }
    let verifier = verifier.build().context("tls.clients and tls.revoked do not fit")?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .with_context(|| format!("{}: no private key", files.key.display()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&files.certificate)?, key)
        .context("tls.certificate and tls.key do not fit")?;
    // Each connection shows its certificate: a session that is taken up again would let in one that
    // ran out, or was taken back, in the meantime.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What speaks to a server of these roots, with a certificate of one's own if there is one.
pub(in super::super) fn client(files: &policy::Tls) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let authority = files.authority.as_ref();
    let authority = authority.context("tls.authority is missing in the policy")?;
    let mut roots = RootCertStore::empty();
    for root in certificates(authority)? {
        let shown = authority.display();
        roots.add(root).with_context(|| format!("{shown}: a root that cannot be used"))?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(&read(key)?)
                .with_context(|| format!("{}: no private key", key.display()))?;
            builder.with_client_auth_cert(certificates(certificate)?, key)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    if size > PEM_BYTES_MAX {
        bail!("{shown}: {size} bytes; at most {PEM_BYTES_MAX} are read");
    }
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}

/// The certificates in a file, PEM; one at least.
pub(in super::super) fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.with_context(|| format!("{}: no PEM", path.display()))?;
    if found.is_empty() {
        bail!("{}: no certificate in it", path.display());
    }
    Ok(found)
}
