//! HTTPS with certificates on both sides, for TAXII.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use crate::outputs::hub::policy::Tls;
use crate::outputs::hub::taxii::{ANSWER_BYTES_MAX, Answer, MEDIA_TYPE, Request, Transport};
use crate::outputs::metrics::push;

/// Seconds that one request may take, from the name's look-up to the last byte.
const REQUEST_SECONDS: u64 = 120;
/// Seconds that a connection may take.
const CONNECT_SECONDS: u64 = 15;
/// Bytes of the tag of a file at most; longer ones are not used.
const TAG_BYTES_MAX: usize = 256;
/// Bytes of a file of certificates at most.
const PEM_BYTES_MAX: u64 = 256 * 1024;

/// A file that was read.
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    /// By what the server knows it again.
    pub(super) tag: Option<String>,
}

/// The connection to one service.
pub(super) struct Client {
    agent: ureq::Agent,
}

impl Client {
    /// With the certificates that the policy names. Without a root of its own nobody is trusted.
    pub(super) fn new(tls: &Tls) -> anyhow::Result<Self> {
        let Some(authority) = &tls.authority else {
            bail!(
                "tls.authority is missing in the policy: the roots of the hub's certificate, PEM"
            );
        };
        let roots = certificates(authority)?;
        let own = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => {
                let (chain, private) = (certificates(certificate)?, private_key(key)?);
                together(&chain, &private).with_context(|| {
                    let (certificate, key) = (certificate.display(), key.display());
                    format!(
                        "{certificate} and {key} do not go together: the key must be the one that \
                         the certificate was made for (is a renewal half done?)"
                    )
                })?;
                Some(ClientCert::new_with_certs(&chain, private))
            }
            (None, None) => None,
            _ => bail!("tls.certificate and tls.key go together: write both in the policy"),
        };
        let mut provider = rustls::crypto::ring::default_provider();
        // TLS 1.3 alone: of older versions there is no suite left that could be agreed on.
        provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        let provider = Arc::new(provider);
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(own)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS)))
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS)))
            .user_agent(concat!("rivellino/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent })
    }

    /// Sends a request of remote-write; the answer's status, and when to ask again.
    pub(super) fn write(&self, url: &str, body: &[u8]) -> Result<(u16, Option<u64>), String> {
        let answer = self
            .agent
            .post(url)
            .header("content-type", push::CONTENT_TYPE)
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", push::VERSION)
            .send(body);
        let answer = answer.map_err(|error| error.to_string())?;
        let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        Ok((answer.status().as_u16(), after.and_then(|value| value.trim().parse().ok())))
    }

    /// Reads a file of at most so many bytes; none when it is still the one of that tag.
    pub(super) fn fetch(
        &self,
        url: &str,
        bytes_max: u64,
        tag: Option<&str>,
    ) -> anyhow::Result<Option<Fetched>> {
        let mut request = self.agent.get(url);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        let mut answer = request.call().with_context(|| format!("cannot read {url}"))?;
        match answer.status().as_u16() {
            200 => {}
            304 if tag.is_some() => return Ok(None),
            status => bail!("{url}: the server answers {status}"),
        }
        let tag = answer.headers().get("etag").and_then(|value| value.to_str().ok());
        let tag = tag.filter(|tag| tag.len() <= TAG_BYTES_MAX).map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(bytes_max).read_to_vec();
        let bytes =
            bytes.with_context(|| format!("{url}: cut off, or more than {bytes_max} bytes"))?;
        Ok(Some(Fetched { bytes, tag }))
    }
}

impl Transport for Client {
    fn call(&mut self, request: &Request) -> Result<Answer, String> {
        let answer = match &request.body {
            None => self.agent.get(&request.url).header("accept", MEDIA_TYPE).call(),
            Some(body) => self
                .agent
                .post(&request.url)
                .header("accept", MEDIA_TYPE)
                .header("content-type", MEDIA_TYPE)
                .send(body.as_slice()),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let header = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(|value| value.trim().to_owned())
        };
        let (status, added_last) = (answer.status().as_u16(), header("x-taxii-date-added-last"));
        // A date in its place means the usual wait.
        let retry_after = header("retry-after").and_then(|value| value.parse().ok());
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX as u64).read_to_vec();
        let body = body.map_err(|error| error.to_string())?;
        Ok(Answer { status, body, retry_after, added_last })
    }

    fn pause(&mut self, seconds: f64) {
        // Backoff gives at most some thousand seconds.
        std::thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    }
}

fn pem(path: &Path) -> anyhow::Result<Vec<PemItem<'static>>> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    if size > PEM_BYTES_MAX {
        bail!("{shown}: {size} bytes; certificates have at most {PEM_BYTES_MAX}");
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let items = ureq::tls::parse_pem(&text).collect::<Result<Vec<_>, _>>();
    items.with_context(|| format!("{shown} is no PEM"))
}

/// Whether the key is that of the first certificate: who speaks TLS takes it for granted.
fn together(chain: &[Certificate<'_>], key: &PrivateKey<'_>) -> anyhow::Result<()> {
    let chain = chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect();
    let key = PrivateKeyDer::try_from(key.der().to_vec()).map_err(anyhow::Error::msg)?;
    CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())?;
    Ok(())
}

fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let found: Vec<_> = pem(path)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        bail!("{}: no certificate in it", path.display());
    }
    Ok(found)
}

fn private_key(path: &Path) -> anyhow::Result<PrivateKey<'static>> {
    let found = pem(path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    found.with_context(|| format!("{}: no private key in it", path.display()))
}
