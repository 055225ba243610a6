//! A direction cut into lines, and into pieces of lines that are too long to wait for: messages of
//! mail, in SMTP and in IMAP.

/// Bytes of a line that are waited for; what is longer comes in pieces of this size.
pub const LINE_BYTES: usize = 4096;

/// The line that has not ended yet.
#[derive(Debug, Default)]
pub struct Pieces {
    held: Vec<u8>,
    /// Whether a piece of the line was given already.
    within: bool,
}

/// A line or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// With what ends it.
    pub bytes: Vec<u8>,
    /// Whether the line begins here.
    pub start: bool,
}

impl Piece {
    /// Without what ends it, and what ends it.
    pub fn parts(&self) -> (&[u8], &[u8]) {
        let bytes = self.bytes.as_slice();
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let text =
            if text.len() < bytes.len() { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        bytes.split_at_checked(text.len()).unwrap_or((bytes, &[]))
    }
}

impl Pieces {
    /// The next piece of what was held and `bytes`, which moves on; `None` when more is needed.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Piece> {
        let room = LINE_BYTES.saturating_sub(self.held.len());
        let window = bytes.get(..room).unwrap_or(bytes);
        let end = memchr::memchr(b'\n', window).map(|at| at + 1);
        let (taken, rest) = bytes.split_at_checked(end.unwrap_or(window.len()))?;
        *bytes = rest;
        self.held.extend_from_slice(taken);
        if end.is_none() && self.held.len() < LINE_BYTES {
            return None;
        }
        let start = !std::mem::replace(&mut self.within, end.is_none());
        Some(Piece { bytes: std::mem::take(&mut self.held), start })
    }

    /// What is held of a line whose end will not come.
    pub fn rest(&mut self) -> Option<Piece> {
        let start = !std::mem::take(&mut self.within);
        let bytes = std::mem::take(&mut self.held);
        (!bytes.is_empty()).then_some(Piece { bytes, start })
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.held.capacity()
    }
}
