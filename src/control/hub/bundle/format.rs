//! A bundle of rules: one file, a head of lines, the rule files one behind the other.
//!
//! ```text
//! rivellino-rules 1
//! signature <128 hexadecimal digits>
//! version <number>                      rises with every bundle
//! requires <major.minor.patch>          the oldest program that understands the rules
//! file <name> <bytes>                   one line a file
//!
//! <the bytes of the files, in that order>
//! ```
//!
//! The signature (Ed25519, RFC 8032) is over the first line with its end, and all that follows the
//! line of the signature: so a signature of something else is never one of a bundle. Nothing behind
//! it is looked at before it holds.

use std::collections::BTreeSet;
use std::fmt::Write;

use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use crate::outputs::hub::policy::rules::KEY_BYTES;
use crate::outputs::json::hex_of;

/// Bytes of a bundle at most.
pub(super) const BYTES_MAX: usize = 64 << 20;
/// Files in a bundle at most.
const FILES_MAX: usize = 64;
/// Bytes of a file's name at most.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of the head behind the signature at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a signature of Ed25519.
const SIGNATURE_BYTES: usize = 64;

const FIRST_LINE: &[u8] = b"rivellino-rules 1\n";
const SIGNATURE: &[u8] = b"signature ";

/// A program's version: major, minor, patch.
pub(super) type Engine = [u32; 3];

/// What a bundle says and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) version: u64,
    /// The oldest program that understands it.
    pub(super) requires: Engine,
    /// Names, each plain and only once, and contents.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// Why bytes are no bundle that may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    #[error("it is no bundle of rules: the first line is not \"rivellino-rules 1\"")]
    NoBundle,
    #[error("it has more than {} MiB", BYTES_MAX >> 20)]
    TooLong,
    #[error("its signature is of none of the keys that the policy trusts, or it was changed")]
    Untrusted,
    #[error("its head is not as it has to be: {0}")]
    Head(&'static str),
    #[error("it is empty")]
    Empty,
}

impl Bundle {
    /// Reads bytes that one of the keys has signed.
    ///
    /// # Errors
    /// Why they are none.
    pub(super) fn read(bytes: &[u8], keys: &[[u8; KEY_BYTES]]) -> Result<Self, Unsound> {
        if bytes.len() > BYTES_MAX {
            return Err(Unsound::TooLong);
        }
        let rest = bytes.strip_prefix(FIRST_LINE).ok_or(Unsound::NoBundle)?;
        let rest = rest.strip_prefix(SIGNATURE).ok_or(Unsound::Untrusted)?;
        let (digits, rest) =
            rest.split_at_checked(2 * SIGNATURE_BYTES).ok_or(Unsound::Untrusted)?;
        let signature = unhex(digits).ok_or(Unsound::Untrusted)?;
        let body = rest.strip_prefix(b"\n").ok_or(Unsound::Untrusted)?;
        let message = [FIRST_LINE, body].concat();
        let holds = |key: &[u8; KEY_BYTES]| {
            UnparsedPublicKey::new(&ED25519, key).verify(&message, &signature).is_ok()
        };
        if !keys.iter().any(holds) {
            return Err(Unsound::Untrusted);
        }
        body_of(body)
    }

    /// The bytes of it, signed.
    pub(super) fn signed(&self, key: &Ed25519KeyPair) -> Vec<u8> {
        let [major, minor, patch] = self.requires;
        let mut head = format!("version {}\nrequires {major}.{minor}.{patch}\n", self.version);
        for (name, content) in &self.files {
            // Writing to a String does not fail.
            let _ = writeln!(head, "file {name} {}", content.len());
        }
        head.push('\n');
        let mut body = head.into_bytes();
        self.files.iter().for_each(|(_, content)| body.extend_from_slice(content));
        let signature = key.sign(&[FIRST_LINE, &body].concat());
        [FIRST_LINE, SIGNATURE, &hex_of(signature.as_ref()), b"\n", &body].concat()
    }
}

fn body_of(body: &[u8]) -> Result<Bundle, Unsound> {
    let wrong = Unsound::Head;
    let end = body.windows(2).take(HEAD_BYTES_MAX).position(|pair| pair == b"\n\n");
    let end = end.ok_or(wrong("no empty line ends it"))?;
    let (head, contents) = body.split_at_checked(end + 2).ok_or(wrong("no end"))?;
    let head = std::str::from_utf8(head).map_err(|_| wrong("no text"))?;
    let mut lines = head.trim_end().lines();
    let mut value = |key| lines.next().and_then(|line| line.strip_prefix(key));
    let version = value("version ").and_then(|text| text.parse().ok());
    let version = version.filter(|version| *version > 0).ok_or(wrong("no version"))?;
    let requires = value("requires ").and_then(engine).ok_or(wrong("no requires"))?;
    let (mut files, mut names, mut rest) = (Vec::new(), BTreeSet::new(), contents);
    for line in lines {
        let (name, bytes) = line
            .strip_prefix("file ")
            .and_then(|line| line.split_once(' '))
            .ok_or(wrong("a line that is no file"))?;
        if !is_name(name) || !names.insert(name) || files.len() >= FILES_MAX {
            return Err(wrong("a name that is not plain, comes twice, or is one too many"));
        }
        let bytes = bytes.parse().map_err(|_| wrong("no number of bytes"))?;
        let (content, after) = rest.split_at_checked(bytes).ok_or(wrong("files are missing"))?;
        files.push((name.to_owned(), content.to_vec()));
        rest = after;
    }
    if !rest.is_empty() {
        return Err(wrong("more bytes than files"));
    }
    let is_rules = |(name, content): &(String, Vec<u8>)| {
        name.ends_with(".rules") && !content.trim_ascii().is_empty()
    };
    if !files.iter().any(is_rules) {
        return Err(Unsound::Empty);
    }
    Ok(Bundle { version, requires, files })
}

/// Whether a file in a bundle may be called so: no path, nothing hidden.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

/// A program's version as people write it.
pub(super) fn engine(text: &str) -> Option<Engine> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let engine = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(engine)
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}
