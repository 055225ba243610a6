//! `hub enroll`: the sensor's certificate. The key is made here and never leaves; what goes to the
//! centre is a request that says who the sensor is, what comes back is looked at before it is used.
//!
//! ```text
//! sensor.key.next   the key of the next certificate, until that is installed
//! sensor.csr        the request for it, for the centre
//! sensor.pem.next   the certificate, before it has its place: a moment
//! hub-ca.pem.next   the roots of --ca, the same
//! ```

use std::fs::{self, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData, SanType};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use sha2::{Digest, Sha256};

use super::certificate::{self, Said};
use super::place::Place;
use super::serve::tls::certificates;
use crate::control::cli::EnrollOptions;
use crate::control::run::DONE;
use crate::control::terminal::Terminal;
use crate::outputs::hub::identity::Identity;
use crate::outputs::hub::syslog::host;
use crate::outputs::json::hex_of;
use crate::time::Timestamp;

/// What is not in use yet is called so at its end.
const NEXT: &str = ".next";

/// Files of the sensor's certificate.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authority: Option<PathBuf>,
}

impl Files {
    fn of(place: &Place) -> anyhow::Result<Self> {
        let tls = place.policy.tls.clone();
        let (Some(certificate), Some(key)) = (tls.certificate, tls.key) else {
            bail!(
                "the policy does not say where the certificate is to be: write certificate = \
                 \"sensor.pem\", key = \"sensor.key\" and authority = \"hub-ca.pem\" in [tls]"
            );
        };
        Ok(Self { certificate, key, authority: tls.authority })
    }

    fn next_key(&self) -> PathBuf {
        with(&self.key, NEXT)
    }

    /// Takes the folder of the key for this process alone: of two at once each would make a key, and
    /// the centre would sign the other's. The folder of the exchange is with the sensor while it
    /// watches, and a certificate is renewed meanwhile.
    fn alone(&self) -> anyhow::Result<fs::File> {
        let folder = folder_of(&self.key);
        let shown = folder.display();
        let held = fs::File::open(folder).with_context(|| format!("cannot work in {shown}"))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another `hub enroll` works in {shown}"),
            Err(TryLockError::Error(error)) => {
                tracing::warn!("{shown} cannot be locked, two at once would not be seen: {error}");
            }
        }
        Ok(held)
    }
}

/// Asks for a certificate, or installs the one that came.
pub(super) fn enroll(options: &EnrollOptions, out: &mut Terminal) -> anyhow::Result<u8> {
    let place = Place::of(&options.site)?;
    let files = Files::of(&place)?;
    let _alone = files.alone()?;
    match (&options.certificate, &options.ca) {
        (Some(certificate), ca) => {
            install(&place.policy.identity, &files, certificate, ca.as_deref(), out)?;
        }
        (None, Some(_)) => bail!("--ca comes with --certificate, when the centre has signed"),
        (None, None) => {
            let request = options.request.clone();
            let request = request.unwrap_or_else(|| files.certificate.with_extension("csr"));
            ask(&place.policy.identity, &files, &request, out)?;
        }
    }
    Ok(DONE)
}

/// Makes a key if none waits, and the request.
fn ask(
    identity: &Identity,
    files: &Files,
    request: &Path,
    out: &mut Terminal,
) -> anyhow::Result<()> {
    let path = files.next_key();
    let shown = path.display();
    // The same key if it is asked twice: the first request may be on its way.
    let key = if path.exists() {
        pair(&path)?
    } else {
        let key = KeyPair::generate().context("no key can be made")?;
        write(&path, key.serialize_pem().as_bytes(), 0o600)?;
        key
    };
    let text = signing_request(identity, &key)?;
    fs::write(request, text).with_context(|| format!("cannot write {}", request.display()))?;
    let (request, certificate) = (request.display(), files.certificate.display());
    let (uri, print) = (identity.uri(), print(&key.subject_public_key_info()));
    writeln!(out, "sensor       {uri}")?;
    writeln!(out, "private key  {shown} (stays here)")?;
    writeln!(out, "request      {request}")?;
    writeln!(out, "fingerprint  {print}")?;
    writeln!(
        out,
        "\n[it] Invia {request} al centro e conferma per telefono l'impronta qui sopra. La chiave \
         privata resta su questa macchina. Quando arriva il certificato:\n\
         \x20    rivellino hub enroll --certificate FILE [--ca RADICI-DELLO-HUB]\n\
         [en] Send {request} to the centre and confirm the fingerprint above by telephone. The \
         private key stays on this machine. When the certificate comes:\n\
         \x20    rivellino hub enroll --certificate FILE [--ca ROOTS-OF-THE-HUB]\n\
         It is put into {certificate}."
    )?;
    Ok(())
}

/// A request (PKCS #10) in the name of the sensor, PEM.
fn signing_request(identity: &Identity, key: &KeyPair) -> anyhow::Result<String> {
    let mut about = CertificateParams::default();
    about.distinguished_name = DistinguishedName::new();
    about.distinguished_name.push(DnType::CommonName, host(identity));
    about.subject_alt_names = vec![SanType::URI(identity.uri().try_into()?)];
    Ok(about.serialize_request(key)?.pem()?)
}

/// Looks at what came, and puts it into its place.
fn install(
    identity: &Identity,
    files: &Files,
    path: &Path,
    ca: Option<&Path>,
    out: &mut Terminal,
) -> anyhow::Result<()> {
    let shown = path.display();
    let now = Timestamp::wall_clock();
    let (said, chain) = certificate::read(path)?;
    let key = key_of(&said, files).with_context(|| format!("{shown} is refused"))?;
    sound(&said, identity, now).with_context(|| format!("{shown} is refused"))?;
    let roots = ca.map(|ca| roots(ca, now)).transpose()?;
    if roots.is_some() && files.authority.is_none() {
        bail!(
            "the policy does not say where the roots of --ca are to be: write authority in [tls]"
        );
    }
    let known = ca.or(files.authority.as_deref().filter(|path| path.exists()));
    if let Some(known) = known
        && !is_of(&chain, known, now)
    {
        tracing::warn!(
            "{shown} is of another authority than {}: right only if the centre has one for hubs and \
             one for sensors",
            known.display()
        );
    }
    put_in_place(files, &key, &public(path)?, roots.as_deref())?;
    let [_, until] = said.valid;
    writeln!(out, "installed    {}", files.certificate.display())?;
    writeln!(out, "holds until  {}", day(until))?;
    writeln!(out, "renew from   {}", day(said.renewal()))?;
    writeln!(
        out,
        "\n[it] Riavvia la sonda perché lo usi; per rinnovarlo, di nuovo `rivellino hub enroll`.\n\
         [en] Restart the sensor so that it is used; to renew it, `rivellino hub enroll` again."
    )?;
    Ok(())
}

/// Puts key, certificate and roots into their places: what can fail for want of room first, then names
/// alone. The roots are last: with new ones and an old certificate the sensor would reach nobody.
/// Should the power fail in between, the same command again makes it good: the certificate fits the key
/// that is in its place then.
fn put_in_place(
    files: &Files,
    key: &Path,
    certificate: &[u8],
    roots: Option<&[u8]>,
) -> anyhow::Result<()> {
    let next = with(&files.certificate, NEXT);
    write(&next, certificate, 0o644)?;
    let authority = files.authority.as_deref().zip(roots);
    if let Some((authority, text)) = authority {
        write(&with(authority, NEXT), text, 0o644)?;
    }
    if key == files.next_key() {
        rename(key, &files.key)?;
    }
    rename(&next, &files.certificate)?;
    if let Some((authority, _)) = authority {
        rename(&with(authority, NEXT), authority)?;
    }
    Ok(())
}

/// The file of the key that a certificate was made for.
fn key_of(said: &Said, files: &Files) -> anyhow::Result<PathBuf> {
    let candidates = [files.next_key(), files.key.clone()];
    for path in candidates.iter().filter(|path| path.exists()) {
        if pair(path).is_ok_and(|key| key.subject_public_key_info() == said.key) {
            return Ok(path.clone());
        }
    }
    let [next, key] = candidates.each_ref().map(|path| path.display().to_string());
    bail!(
        "it was made for another key than {next} or {key}: has the centre signed the last request? \
         `rivellino hub enroll` writes it again"
    )
}

/// Whether a certificate is what a sensor needs.
fn sound(said: &Said, identity: &Identity, now: Timestamp) -> anyhow::Result<()> {
    let own = identity.uri();
    match &said.uri {
        Some(uri) if *uri == own => {}
        Some(uri) => bail!("it is for {uri}, and the policy says {own}: which is right?"),
        None => bail!("it has not exactly one URI: the centre has to leave {own} in it"),
    }
    let [from, until] = said.valid;
    if now > until {
        bail!("it ended on {}: ask for another", day(until));
    }
    if now < from {
        bail!("it begins on {}: is the clock of this machine right?", day(from));
    }
    if said.is_authority {
        bail!("it may sign others: a sensor's must not (basicConstraints CA:FALSE)");
    }
    if !said.is_for_clients {
        bail!("it is not for clients: extendedKeyUsage needs clientAuth, or has to be left out");
    }
    Ok(())
}

/// The text of a file of roots that hold now.
fn roots(path: &Path, now: Timestamp) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    for root in certificates(path)? {
        let said = Said::of(&root).with_context(|| format!("{shown}: no certificate"))?;
        if !said.is_authority {
            bail!("{shown}: not the certificate of an authority (basicConstraints CA:TRUE)");
        }
        let [from, until] = said.valid;
        if !(from..=until).contains(&now) {
            bail!("{shown}: holds from {} until {}, not today", day(from), day(until));
        }
    }
    public(path)
}

/// The text of a file that all may read: without a key that is nobody else's business.
fn public(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let text = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    if memchr::memmem::find(&text, b"PRIVATE KEY-----").is_some() {
        bail!("{shown} holds a private key too: give the certificate alone");
    }
    Ok(text)
}

/// Whether a certificate, with those behind it, comes from roots in a file.
fn is_of(chain: &[CertificateDer<'_>], roots: &Path, now: Timestamp) -> bool {
    let mut store = RootCertStore::empty();
    let Ok(found) = certificates(roots) else { return false };
    found.into_iter().for_each(|root| drop(store.add(root)));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider).build();
    let (Ok(verifier), Some((own, between))) = (verifier, chain.split_first()) else {
        return false;
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.seconds()));
    verifier.verify_client_cert(own, between, now).is_ok()
}

fn pair(path: &Path) -> anyhow::Result<KeyPair> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    KeyPair::from_pem(&text).with_context(|| format!("{shown}: no private key that can be used"))
}

/// What people compare on the telephone: SHA-256 of the public key, in groups.
fn print(key: &[u8]) -> String {
    let digits = hex_of(&Sha256::digest(key));
    let groups = digits.chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(" ")
}

fn day(at: Timestamp) -> String {
    let [year, month, day, ..] = at.civil();
    format!("{year:04}-{month:02}-{day:02}")
}

/// A path with something more at the end of its name.
fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Writes a new file, and waits until it is on the disk.
fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let shown = path.display();
    let wrong = || format!("cannot write {shown}");
    // Made anew: one that is there might be readable by others.
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(mode).open(path).with_context(wrong)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(wrong)
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot write {}", to.display()))?;
    fs::File::open(folder_of(to))?.sync_all()?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
