//! A body: the kept part of its content, and its true length.

use super::decode::Decoder;
use crate::field::Event;

/// Bytes of a body that are kept for inspection, each way: Suricata's default.
pub const MAX_KEPT: usize = 102_400;

/// A body, content codings undone.
#[derive(Default)]
pub struct Body {
    kept: Vec<u8>,
    /// Bytes on the wire, with the framing of chunks.
    length: u64,
    decoder: Option<Box<Decoder>>,
    gap: bool,
    /// No more is kept, whatever comes.
    sealed: bool,
}

impl Body {
    /// Undoes these codings from now on.
    pub fn decode(&mut self, decoder: Option<Decoder>) {
        self.decoder = decoder.map(Box::new);
    }

    /// Adds content. `true` when this filled the kept part.
    pub fn add(&mut self, bytes: &[u8], note: &mut dyn FnMut(&'static Event)) -> bool {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.sealed || bytes.is_empty() {
            return false;
        }
        let kept = &mut self.kept;
        let mut keep = |bytes: &[u8]| {
            let room = MAX_KEPT.saturating_sub(kept.len());
            kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        };
        match &mut self.decoder {
            Some(decoder) => decoder.feed(bytes, &mut keep, note),
            None => keep(bytes),
        }
        let full = self.kept.len() >= MAX_KEPT;
        if full {
            self.finish();
        }
        full
    }

    /// Counts bytes that frame the content.
    pub fn count(&mut self, bytes: usize) {
        self.length = self.length.saturating_add(bytes as u64);
    }

    /// Counts lost bytes; what comes after them is not decoded, as no coding survives a hole.
    pub fn lose(&mut self, bytes: u64) {
        self.length = self.length.saturating_add(bytes);
        self.gap |= bytes > 0;
        if self.decoder.is_some() {
            self.sealed = true;
            self.decoder = None;
        }
    }

    /// Nothing more will be kept. `false` when that was so already.
    pub fn finish(&mut self) -> bool {
        self.decoder = None;
        !std::mem::replace(&mut self.sealed, true)
    }

    /// The kept content; `None` for a body without any.
    pub fn kept(&self) -> Option<&[u8]> {
        (!self.kept.is_empty()).then_some(&*self.kept)
    }

    /// Bytes on the wire, lost ones included.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether part of it was lost.
    pub const fn has_gap(&self) -> bool {
        self.gap
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.kept.capacity() + self.decoder.as_ref().map_or(0, |decoder| decoder.memory())
    }
}
