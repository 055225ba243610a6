//! Which page of a web server a visitor asked for, and whether it was there.

use crate::anomaly::stats::distinct::mix_bytes;
use crate::anomaly::{FieldRef, Site};
use crate::record::TransactionRecord;

/// Reads requests and their answers.
pub(super) struct Pages {
    status: FieldRef,
    uri: FieldRef,
}

impl Pages {
    pub(super) fn new(site: &Site) -> Self {
        Self { status: site.field("http", "http.stat_code"), uri: site.field("http", "http.uri") }
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

    /// A hash of the path.
    pub(super) fn page(&self, of: &TransactionRecord) -> Option<u64> {
        let path =
            |uri: &[u8]| mix_bytes(uri.split(|byte| *byte == b'?').next().unwrap_or_default());
        self.uri.bytes(of, path)
    }
}
