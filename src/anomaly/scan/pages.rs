//! Which page of a web server a visitor asked for, and whether it was there.
//!
//! What is not counted: names that a program makes up for what it was given (the `._` of a Macintosh, the
//! tiles of a map, which differ in numbers alone), and visitors of whom a proxy speaks: they are many.

use crate::anomaly::spoken::Word;
use crate::anomaly::stats::distinct::{mix, mix_bytes};
use crate::anomaly::{FieldRef, Site};
use crate::record::TransactionRecord;

/// Bytes of a path that are looked at.
const PATH_BYTES_MAX: usize = 1024;
/// Before the address of a visitor, in what a proxy sends.
static FORWARDED: Word = Word::new(b"\nx-forwarded-for:");

/// Reads requests and their answers.
pub(super) struct Pages {
    status: FieldRef,
    method: FieldRef,
    header: FieldRef,
    uri: FieldRef,
}

impl Pages {
    pub(super) fn new(site: &Site) -> Self {
        Self {
            status: site.field("http", "http.stat_code"),
            method: site.field("http", "http.method"),
            header: site.field("http", "http.header"),
            uri: site.field("http", "http.uri"),
        }
    }

    /// Whether what was asked for is not there, or not for anybody; nothing of an answer that tells
    /// neither: credentials that are asked for, errors of the server.
    pub(super) fn is_missing(&self, of: &TransactionRecord) -> Option<bool> {
        self.status.bytes(of, |code| match code {
            b"403" | b"404" | b"410" => Some(true),
            [b'2' | b'3', ..] => Some(false),
            _ => None,
        })?
    }

    /// A hash of the path, whatever numbers are parts of it; nothing of what does not count.
    pub(super) fn page(&self, of: &TransactionRecord) -> Option<u64> {
        let asks = self.method.bytes(of, |method| matches!(method, b"GET" | b"HEAD"));
        if asks == Some(false) || self.header.bytes(of, |all| FORWARDED.is_in(all)) == Some(true) {
            return None;
        }
        self.uri.bytes(of, |uri| {
            let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
            let path = path.get(..PATH_BYTES_MAX).unwrap_or(path);
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            // Parts that are a number are all the same.
            let is_number = |part: &[u8]| {
                let plain = part.split(|byte| *byte == b'.').next().unwrap_or_default();
                !plain.is_empty() && plain.iter().all(u8::is_ascii_digit)
            };
            let parts = path.split(|byte| *byte == b'/');
            let plain = parts.fold(0, |sum, part| {
                let hash = if is_number(part) { 1 } else { mix_bytes(part) };
                mix(sum ^ hash)
            });
            (!name.starts_with(b"._")).then_some(plain)
        })?
    }
}
