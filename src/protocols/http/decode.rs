//! Content codings undone, what is wrong with them as events of this protocol.

use super::events;
use crate::field::Event;
use crate::protocols::formats::coding::{self, Flaw};

/// A chain of decoders.
pub struct Decoder(coding::Decoder);

impl Decoder {
    /// For the value of Content-Encoding; `None` when nothing is to be undone.
    pub fn new(value: &[u8], note: &mut dyn FnMut(&'static Event)) -> Option<Self> {
        coding::Decoder::new(value, &mut |flaw| note(event(flaw))).map(Self)
    }

    /// Undoes the codings of the next bytes of the body; what comes out goes to `sink`.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]),
        note: &mut dyn FnMut(&'static Event),
    ) {
        self.0.feed(bytes, sink, &mut |flaw| note(event(flaw)));
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.0.memory()
    }
}

const fn event(flaw: Flaw) -> &'static Event {
    match flaw {
        Flaw::Name => &events::ABNORMAL_CONTENT_ENCODING,
        Flaw::Layers => &events::TOO_MANY_ENCODINGS,
        Flaw::Failed => &events::DECOMPRESSION_FAILED,
        Flaw::Bomb => &events::COMPRESSION_BOMB,
        Flaw::Limit => &events::COMPRESSION_BOMB_LIMIT,
    }
}
