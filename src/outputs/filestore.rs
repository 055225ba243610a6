//! Files that rules want stored, named by their SHA-256: `DIR/ab/ab12...` as Suricata's file store
//! of version 2 has it. Certificates that rules want kept are there too, as chains in PEM (RFC 7468):
//! `DIR/certs/FINGERPRINT-HASH.pem`, by the SHA-1 that records of TLS have as `fingerprint`, and by the
//! SHA-256 of the chain, as the first can be forged. No name ever comes from the wire.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Output;
use super::json::hex_of;
use crate::record::{Body, Record};
use crate::time::Timestamp;

/// Where certificates are, within the folder.
const CERTIFICATES: &str = "certs";

/// Where files are stored, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder, made if need be.
    pub folder: PathBuf,
    /// Bytes kept of one file; of a longer one its beginning is stored.
    pub file_bytes: u32,
    /// Files in the folder, those of earlier runs included; further ones are not stored.
    pub files: u64,
    /// Bytes of all of them together.
    pub bytes: u64,
}

/// Counters of the store, shared with the metrics page.
#[derive(Debug, Default)]
pub struct FileStoreStats {
    /// Files written.
    pub written: AtomicU64,
    /// Files that were there already.
    pub known: AtomicU64,
    /// Files not written because a limit was reached.
    pub shed: AtomicU64,
    /// Files that could not be written.
    pub errors: AtomicU64,
}

/// Writes files into a folder.
pub struct FileStore {
    options: Options,
    files: u64,
    bytes: u64,
    stats: Arc<FileStoreStats>,
}

impl FileStore {
    /// Opens or makes the folder, and counts what is in it.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(options: Options) -> std::io::Result<Self> {
        std::fs::create_dir_all(&options.folder)?;
        let (mut files, mut bytes) = (0, 0);
        for folder in std::fs::read_dir(&options.folder)? {
            let folder = folder?.path();
            let ours = |name: &OsStr| name.len() == 2 || name == CERTIFICATES;
            let ours = folder.file_name().is_some_and(ours);
            for entry in ours.then(|| std::fs::read_dir(&folder)).into_iter().flatten().flatten() {
                let data = entry?.metadata()?;
                if data.is_file() {
                    files += 1;
                    bytes += data.len();
                }
            }
        }
        Ok(Self { options, files, bytes, stats: Arc::default() })
    }

    /// The counters, to be read while it works.
    pub fn stats(&self) -> Arc<FileStoreStats> {
        Arc::clone(&self.stats)
    }

    fn store(&mut self, content: &[u8]) {
        // Of what is stored: of a file that was cut or has a hole its own hash says nothing.
        let name = name_of(&Sha256::digest(content));
        let folder = self.options.folder.join(name.get(..2).unwrap_or_default());
        self.put(&folder, &name, content);
    }

    fn store_chain(&mut self, chain: &[Box<[u8]>]) {
        let Some(leaf) = chain.first() else { return };
        let pem: String = chain.iter().map(|der| pem(der)).collect();
        let hash = name_of(&Sha256::digest(&pem));
        let name = format!("{}-{hash}.pem", name_of(&Sha1::digest(leaf)));
        let folder = self.options.folder.join(CERTIFICATES);
        self.put(&folder, &name, pem.as_bytes());
    }

    fn put(&mut self, folder: &Path, name: &str, content: &[u8]) {
        let path = folder.join(name);
        let size = content.len() as u64;
        // What is shorter was cut off by something else.
        if std::fs::symlink_metadata(&path).is_ok_and(|data| data.is_file() && data.len() == size) {
            self.stats.known.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.files >= self.options.files || self.bytes.saturating_add(size) > self.options.bytes
        {
            self.stats.shed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match write(folder, &path, content) {
            Ok(()) => {
                self.files += 1;
                self.bytes += size;
                self.stats.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                if self.stats.errors.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!(file = %path.display(), %error, "file store: cannot write");
                }
            }
        }
    }
}

fn name_of(hash: &[u8]) -> String {
    String::from_utf8_lossy(&hex_of(hash)).into_owned()
}

/// A certificate in text, 64 characters a line.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: String = lines.flat_map(|line| [line, "\n".into()]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}

/// Under another name first: whoever sees the file sees all of it. That name is made anew, so that no
/// link is followed.
fn write(folder: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("part");
    std::fs::remove_file(&unfinished).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut file = std::fs::File::create_new(&unfinished)?;
    let written = file.write_all(content).and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

impl Output for FileStore {
    fn record(&mut self, record: &Record) {
        match &record.body {
            Body::File(file) => {
                let content = file.content.as_deref().filter(|content| !content.is_empty());
                content.into_iter().for_each(|content| self.store(content));
            }
            Body::Transaction(of) if of.keeps_certificates => {
                self.store_chain(of.transaction.certificates());
            }
            _ => {}
        }
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        let (shed, errors) = (&self.stats.shed, &self.stats.errors);
        let shed = shed.load(Ordering::Relaxed);
        if shed > 0 {
            tracing::warn!(files = shed, "file store: not stored, as a limit was reached");
        }
        let folder = self.options.folder.display();
        match errors.load(Ordering::Relaxed) {
            0 => Vec::new(),
            errors => vec![format!("{folder}: {errors} files could not be stored")],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn store(folder: &Path, files: u64, bytes: u64) -> FileStore {
        let folder = folder.to_path_buf();
        FileStore::open(Options { folder, file_bytes: 1 << 20, files, bytes }).unwrap()
    }

    #[test]
    fn a_file_is_named_by_its_hash_and_stored_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = store(dir.path(), 10, 1000);
        files.store(b"abc");
        files.store(b"abc");
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(std::fs::read(dir.path().join("ba").join(hash)).unwrap(), b"abc");
        assert_eq!(files.stats.written.load(Ordering::Relaxed), 1);
        assert_eq!(files.stats.known.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_is_in_the_way_is_not_taken_for_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let name = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let (folder, outside) = (dir.path().join("ba"), dir.path().join("outside"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(name), b"").unwrap();
        std::fs::write(&outside, b"another's").unwrap();
        std::os::unix::fs::symlink(&outside, folder.join(name).with_extension("part")).unwrap();
        let mut files = store(dir.path(), 10, 1000);
        files.store(b"abc");
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), b"abc");
        assert_eq!(std::fs::read(outside).unwrap(), b"another's");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }

    #[test]
    fn limits_hold_over_runs() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), 2, 1000).store(b"one");
        let mut files = store(dir.path(), 2, 1000);
        files.store(b"two");
        files.store(b"three");
        assert_eq!(files.stats.shed.load(Ordering::Relaxed), 1);
        let mut full = store(dir.path(), 10, 7);
        full.store(b"four");
        assert_eq!(full.stats.shed.load(Ordering::Relaxed), 1);
    }
}
