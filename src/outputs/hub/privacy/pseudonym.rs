//! Pseudonyms of internal hosts: the same host can be followed for a week, never from one site to
//! another, and not at all once the key is gone.
//!
//! A pseudonym is HMAC-SHA-256 of the address under a key that is made at the site, never leaves it
//! and lives eight days: a plain hash of an address could be turned back by trying all of them.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::time::Timestamp;

/// Name of the scheme, told with each pseudonym.
pub const SCHEME: &str = "hmac-sha256-96/week";
/// What every pseudonym begins with.
pub const PREFIX: &str = "host-";
/// Days that a key lives from the beginning of its week.
pub const KEY_DAYS: u64 = 8;
/// The file's name in the folder of the exchange.
pub const FILE: &str = "pseudonym.key";

const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;
/// The first Monday after the epoch: weeks begin on Mondays, UTC.
const MONDAY: u64 = 4 * DAY;
const KEY_BYTES: usize = 32;
const HEAD: &str = "rivellino pseudonym keys 1";

/// A key and its week.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    week: u64,
    bytes: [u8; KEY_BYTES],
}

/// The keys in force: this week's, and last week's until its eight days are over.
pub struct Keys {
    kept: Vec<Key>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the keys themselves.
        f.debug_struct("Keys").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

fn week(now: Timestamp) -> u64 {
    now.seconds().saturating_sub(MONDAY) / WEEK
}

impl Keys {
    /// A key for now that is kept nowhere.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn passing(now: Timestamp) -> io::Result<Self> {
        Ok(Self { kept: vec![Key { week: week(now), bytes: random()? }] })
    }

    /// A key that is known: for tests.
    pub fn fixed(now: Timestamp, bytes: [u8; KEY_BYTES]) -> Self {
        Self { kept: vec![Key { week: week(now), bytes }] }
    }

    /// The keys in `folder`: makes this week's if there is none, destroys those that are too old.
    ///
    /// # Errors
    /// When the file cannot be read or written, or others than its owner may read it.
    pub fn open(folder: &Path, now: Timestamp) -> io::Result<Self> {
        let path = folder.join(FILE);
        let mut keys = Self { kept: read(&path)? };
        let before = keys.kept.clone();
        keys.turn(now)?;
        if keys.kept != before {
            keys.write(&path)?;
        }
        Ok(keys)
    }

    /// The keys in `folder` as they are, if there is one for this week: nothing is written.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn look(folder: &Path, now: Timestamp) -> io::Result<Option<Self>> {
        let keys = Self { kept: read(&folder.join(FILE))? };
        Ok(keys.current(now).is_some().then_some(keys))
    }

    /// Whether this week has no key yet, or one is too old.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.current(now).is_none() || self.kept.iter().any(|key| is_old(key, now))
    }

    fn turn(&mut self, now: Timestamp) -> io::Result<()> {
        self.kept.retain(|key| !is_old(key, now));
        if self.current(now).is_none() {
            self.kept.push(Key { week: week(now), bytes: random()? });
        }
        Ok(())
    }

    fn current(&self, now: Timestamp) -> Option<&Key> {
        self.kept.iter().find(|key| key.week == week(now))
    }

    /// The pseudonym of `address` now: `host-` and 96 bits in base 32, in groups of five. Without a
    /// key for this week, `host-unknown`.
    pub fn pseudonym(&self, address: IpAddr, now: Timestamp) -> String {
        let Some(key) = self.current(now) else { return format!("{PREFIX}unknown") };
        // Keys of any length are taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.bytes) else {
            return format!("{PREFIX}unknown");
        };
        mac.update(&key.week.to_be_bytes());
        match address.to_canonical() {
            IpAddr::V4(v4) => mac.update(&v4.octets()),
            IpAddr::V6(v6) => mac.update(&v6.octets()),
        }
        let digest = mac.finalize().into_bytes();
        let mut text = String::with_capacity(PREFIX.len() + 23);
        text.push_str(PREFIX);
        for (number, letter) in base32(digest.get(..12).unwrap_or_default()).enumerate() {
            if number > 0 && number % 5 == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }

    /// Writes the keys anew; the old file's bytes are overwritten before they are let go.
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = format!("{HEAD}\n");
        for key in &self.kept {
            let hex = crate::outputs::json::hex_of(&key.bytes);
            // Writing to a String does not fail.
            let _ = writeln!(text, "{} {}", key.week, String::from_utf8_lossy(&hex));
        }
        let fresh: PathBuf = path.with_extension("new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Ok(data) = fs::metadata(path) {
            let mut old = fs::OpenOptions::new().write(true).open(path)?;
            old.write_all(&vec![b'0'; usize::try_from(data.len()).unwrap_or_default()])?;
            old.sync_all()?;
        }
        fs::rename(&fresh, path)
    }
}

fn is_old(key: &Key, now: Timestamp) -> bool {
    let began = key.week.saturating_mul(WEEK).saturating_add(MONDAY);
    // A key of the future was made under a wrong clock.
    now.seconds() >= began.saturating_add(KEY_DAYS * DAY) || now.seconds() + WEEK < began
}

/// The keys of a file; none when there is no file or it holds something else (a power cut while it
/// was overwritten): then a new one is made and hosts get new pseudonyms.
fn read(path: &Path) -> io::Result<Vec<Key>> {
    let data = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    if data.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        let what = format!("{path} can be read by others: run chmod 600 {path}");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return Ok(Vec::new());
    }
    Ok(lines.take(2).filter_map(key).collect())
}

fn key(line: &str) -> Option<Key> {
    let (week, hex) = line.split_once(' ')?;
    let mut bytes = [0; KEY_BYTES];
    if hex.len() != 2 * KEY_BYTES || !hex.is_ascii() {
        return None;
    }
    for (number, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * number..2 * number + 2)?, 16).ok()?;
    }
    Some(Key { week: week.parse().ok()?, bytes })
}

fn random() -> io::Result<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Base 32 of RFC 4648 in small letters, without padding. It has no 0, 1, 8 and 9, so that no
/// pseudonym reads as an address.
fn base32(bytes: &[u8]) -> impl Iterator<Item = char> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = bytes.len() * 8;
    let bytes = bytes.to_vec();
    (0..bits.div_ceil(5)).map(move |group| {
        let value = (0..5).fold(0_usize, |value, bit| {
            let at = group * 5 + bit;
            let byte = bytes.get(at / 8).copied().unwrap_or_default();
            value << 1 | usize::from(byte >> (7 - at % 8) & 1)
        });
        char::from(LETTERS.get(value).copied().unwrap_or(b'a'))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn host(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 10, last])
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        let text = |bytes: &[u8]| base32(bytes).collect::<String>();
        assert_eq!(text(b"foobar"), "mzxw6ytboi");
        assert_eq!(text(b"f"), "my");
    }

    #[test]
    fn one_host_has_one_pseudonym_for_a_week_and_none_for_two_sites() {
        let monday = Timestamp::new(MONDAY + 2900 * WEEK, 0);
        let sunday = Timestamp::new(MONDAY + 2901 * WEEK - 1, 0);
        let keys = Keys::fixed(monday, [7; 32]);
        let name = keys.pseudonym(host(20), monday);
        assert_eq!(name.len(), PREFIX.len() + 20 + 3, "{name}");
        assert_eq!(name, keys.pseudonym(host(20), sunday));
        assert_eq!(name, keys.pseudonym("::ffff:192.168.10.20".parse().unwrap(), sunday));
        assert_ne!(name, keys.pseudonym(host(21), monday));
        assert_ne!(name, Keys::fixed(monday, [8; 32]).pseudonym(host(20), monday));
        let next = Timestamp::new(MONDAY + 2901 * WEEK, 0);
        assert_eq!(keys.pseudonym(host(20), next), "host-unknown");
        assert!(keys.is_stale(next) && !keys.is_stale(sunday));
    }

    #[test]
    fn keys_stay_private_and_are_destroyed_after_eight_days() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let monday = MONDAY + 2900 * WEEK;
        let at = |days: u64| Timestamp::new(monday + days * DAY, 0);
        let first = Keys::open(folder.path(), at(0)).unwrap().pseudonym(host(1), at(0));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Keys::open(folder.path(), at(6)).unwrap().pseudonym(host(1), at(6)), first);
        let old = fs::read_to_string(&path).unwrap();
        let old = old.lines().nth(1).unwrap();
        // On the next Monday there are two, on Tuesday the first is gone.
        assert_eq!(Keys::open(folder.path(), at(7)).unwrap().kept.len(), 2);
        assert!(fs::read_to_string(&path).unwrap().contains(old));
        assert_eq!(Keys::open(folder.path(), at(8)).unwrap().kept.len(), 1);
        assert!(!fs::read_to_string(&path).unwrap().contains(old));
        assert!(!path.with_extension("new").exists());
        // A file that was cut off is replaced; one that others may read is refused.
        fs::write(&path, "0000").unwrap();
        assert_eq!(Keys::open(folder.path(), at(8)).unwrap().kept.len(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::open(folder.path(), at(8)).unwrap_err().to_string().contains("chmod 600"));
    }
}
