//! Where expressions whose groups are kept were found. While a chain is tried, only places are noted;
//! into the groups is looked once all of the chain holds, as long as its bytes are there.

use super::{Scope, Step, plain};

/// Work of one rule on one packet that may go into groups, in units of [`super::MAX_WORK`] and
/// beside it: a rule matches or not whatever it captures.
pub const CAPTURE_WORK: u32 = 1_000_000;

/// Where a match began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Here.
    Here(usize),
    /// Where a search that began here came to.
    From(usize),
}

/// A match of an expression, in bytes of what it was searched in. `\K` may put `first` behind where
/// it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it began.
    pub begun: Begun,
    /// The first byte that it tells.
    pub first: usize,
    /// The byte behind the last.
    pub end: usize,
}

/// A match whose groups may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Which expression: its address.
    pub of: usize,
    /// Where in the buffer the bytes that were searched begin.
    pub base: usize,
    /// The match.
    pub found: Found,
}

/// The notes of one chain.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    found: Vec<Note>,
    /// Decoded bytes by the address of their step, for the notes of the chains over them.
    decoded: Vec<(usize, Vec<u8>)>,
}

impl Notes {
    /// Another chain.
    pub fn clear(&mut self) {
        self.found.clear();
        self.decoded.clear();
    }

    /// Whether nothing is noted.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Notes a match; of one expression the last counts.
    pub fn put(&mut self, note: Note) {
        match self.found.iter_mut().find(|known| known.of == note.of) {
            Some(known) => *known = note,
            None => self.found.push(note),
        }
    }

    /// The match of an expression.
    pub fn take(&mut self, of: usize) -> Option<Note> {
        let at = self.found.iter().position(|note| note.of == of)?;
        Some(self.found.swap_remove(at))
    }

    /// Keeps decoded bytes that notes may be about.
    pub(super) fn keep(&mut self, step: &Step, bytes: Vec<u8>) {
        let step = std::ptr::from_ref(step) as usize;
        self.decoded.retain(|(known, _)| *known != step);
        self.decoded.push((step, bytes));
    }

    fn take_decoded(&mut self, step: &Step) -> Option<Vec<u8>> {
        let step = std::ptr::from_ref(step) as usize;
        let at = self.decoded.iter().position(|(known, _)| *known == step)?;
        Some(self.decoded.swap_remove(at).1)
    }
}

/// Looks into the groups of a chain that holds.
pub(super) fn resolve(steps: &[Step], scope: &mut Scope<'_>) {
    for step in steps {
        match step {
            Step::Search(search) if !search.negated() => search.capture(scope),
            Step::Decode(_, inner) => {
                let Some(bytes) = scope.scratch.notes.take_decoded(step) else { continue };
                let attempts = scope.attempts;
                let scratch = &mut *scope.scratch;
                let plain = plain(inner);
                resolve(inner, &mut Scope { buffer: &bytes, scratch, attempts, plain });
            }
            _ => {}
        }
    }
}
