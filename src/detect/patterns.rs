//! Fast patterns of a group of rules: which of them are in some bytes.

use super::buffer::Literal;
use super::prefilter::rarity::best_window;
use super::prefilter::scan::{Pattern, Scanner};

/// Bytes of a literal that the prefilter looks at: enough to be telling, few enough that the seam
/// of two pieces of a stream is cheap to look at twice.
pub const PATTERN_BYTES: usize = 8;

/// A rule and the literal it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    bytes: Vec<u8>,
    nocase: bool,
    rule: u32,
}

impl Entry {
    /// The telling part of a literal.
    pub fn new(literal: &Literal, rule: u32) -> Self {
        let (start, end) = best_window(&literal.bytes, PATTERN_BYTES, literal.nocase);
        let part = literal.bytes.get(start..end).unwrap_or_default();
        Self { bytes: part.to_vec(), nocase: literal.nocase, rule }
    }
}

/// Literals of many rules, looked for at once.
pub struct Patterns {
    /// What finds them; hits are reported by the rule's number.
    pub scanner: Scanner,
    longest: usize,
}

impl Patterns {
    /// Of these.
    pub fn new(entries: &[Entry]) -> Self {
        let mut patterns: Vec<Pattern<'_>> = Vec::with_capacity(entries.len());
        for Entry { bytes, nocase, rule } in entries {
            patterns.push(Pattern { bytes, nocase: *nocase, id: *rule });
        }
        let longest = entries.iter().map(|entry| entry.bytes.len()).max().unwrap_or(0);
        Self { scanner: Scanner::build(&patterns), longest }
    }

    /// Bytes before new ones that must be looked at again to see what lies across the seam.
    pub fn overlap(&self) -> usize {
        self.longest.saturating_sub(1)
    }
}
