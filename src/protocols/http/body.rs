//! A body: the kept part of its content, its true length, and the files that it carries.

use super::decode::Decoder;
use super::multipart::Multipart;
use crate::field::{Event, Side};
use crate::file::{File as Carried, KEPT_BYTES, Wants};

/// A body, content codings undone. What is kept of it is kept once: as the file that it is, when
/// it is one.
pub struct Body {
    file: Carried,
    /// It is a file: what comes after the kept part counts, and is hashed when that is wanted.
    is_file: bool,
    /// The files in it (multipart/form-data).
    parts: Option<Box<Multipart>>,
    /// Bytes on the wire, with the framing of chunks.
    length: u64,
    decoder: Option<Box<Decoder>>,
    /// No more is taken, whatever comes.
    sealed: bool,
    /// That it is final was told.
    told: bool,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            file: Carried::open(b"", Side::Either, Wants::NOTHING),
            is_file: false,
            parts: None,
            length: 0,
            decoder: None,
            sealed: false,
            told: false,
        }
    }
}

impl Body {
    /// Undoes these codings from now on.
    pub fn decode(&mut self, decoder: Option<Decoder>) {
        self.decoder = decoder.map(Box::new);
    }

    /// It is this file. Before its first byte.
    pub fn is_file(&mut self, file: Carried) {
        self.file = file;
        self.is_file = true;
    }

    /// It carries files. Before its first byte.
    pub fn has_parts(&mut self, parts: Multipart) {
        self.parts = Some(Box::new(parts));
    }

    /// Adds content. `true` when this filled the kept part.
    pub fn add(&mut self, bytes: &[u8], note: &mut dyn FnMut(&'static Event)) -> bool {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.sealed || bytes.is_empty() {
            return false;
        }
        let (file, parts) = (&mut self.file, &mut self.parts);
        let mut keep = |bytes: &[u8]| {
            file.add(bytes);
            parts.iter_mut().for_each(|parts| parts.add(bytes));
        };
        match &mut self.decoder {
            Some(decoder) => decoder.feed(bytes, &mut keep, note),
            None => keep(bytes),
        }
        let full = self.file.data().len() >= KEPT_BYTES;
        if full && !self.is_file && self.parts.is_none() {
            self.seal();
        }
        full && !std::mem::replace(&mut self.told, true)
    }

    /// Counts bytes that frame the content.
    pub fn count(&mut self, bytes: usize) {
        self.length = self.length.saturating_add(bytes as u64);
    }

    /// Counts lost bytes; what comes after them is not decoded, as no coding survives a hole.
    pub fn lose(&mut self, bytes: u64) {
        self.length = self.length.saturating_add(bytes);
        self.file.lose(bytes);
        self.parts.iter_mut().for_each(|parts| parts.lose(bytes));
        if self.decoder.is_some() {
            self.seal();
        }
    }

    fn seal(&mut self) {
        self.sealed = true;
        self.decoder = None;
    }

    /// Nothing more will come; `whole` when all of it did. `false` when it was told already that
    /// what is kept is final.
    pub fn finish(&mut self, whole: bool) -> bool {
        self.seal();
        for file in
            std::iter::once(&mut self.file).chain(self.parts.iter_mut().flat_map(|p| p.files_mut()))
        {
            if whole {
                file.close();
            } else {
                file.truncate();
            }
        }
        !std::mem::replace(&mut self.told, true)
    }

    /// Its files: itself, or those in it.
    pub fn files(&self) -> &[Carried] {
        match &self.parts {
            Some(parts) => parts.files(),
            None if self.is_file && self.file.size() > 0 => std::slice::from_ref(&self.file),
            None => &[],
        }
    }

    /// The same, to mark them.
    pub fn files_mut(&mut self) -> &mut [Carried] {
        match &mut self.parts {
            Some(parts) => parts.files_mut(),
            None if self.is_file && self.file.size() > 0 => std::slice::from_mut(&mut self.file),
            None => &mut [],
        }
    }

    /// The kept content; `None` for a body without any.
    pub fn kept(&self) -> Option<&[u8]> {
        let kept = self.file.data();
        (!kept.is_empty()).then_some(kept)
    }

    /// Bytes on the wire, lost ones included.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether part of it was lost.
    #[cfg(test)]
    pub const fn has_gap(&self) -> bool {
        self.file.has_gap()
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.file.memory()
            + self.decoder.as_ref().map_or(0, |decoder| decoder.memory())
            + self.parts.as_ref().map_or(0, |parts| parts.memory())
    }
}
