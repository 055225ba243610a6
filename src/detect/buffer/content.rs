//! A literal and where it may stand.

use std::sync::OnceLock;

use memchr::{memchr, memchr2, memmem};

use super::{Match, Scope};
use crate::detect::prefilter::rarity;

/// The bytes of a `content`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// The bytes, in lower case when `nocase`.
    pub bytes: Vec<u8>,
    /// Whether ASCII case is ignored.
    pub nocase: bool,
    /// The buffer must begin with it.
    pub at_start: bool,
    /// The buffer must end with it.
    pub at_end: bool,
}

/// A number in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// As written.
    Fixed(i64),
    /// The value of a variable, by its index.
    Variable(usize),
}

/// What `fast_pattern` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fast {
    /// `only`: no other use of the content.
    pub only: bool,
    /// Offset and length of the part that the prefilter shall use.
    pub chop: Option<(usize, usize)>,
}

/// A literal and where it may stand.
pub struct Content {
    /// What to find.
    pub literal: Literal,
    /// Whether it must not be found.
    pub negated: bool,
    /// First place, from the start of the buffer.
    pub offset: Option<Number>,
    /// Size of the part of the buffer from `offset`.
    pub depth: Option<Number>,
    /// First place, from the end of the last match.
    pub distance: Option<Number>,
    /// Size of the part of the buffer from `distance`.
    pub within: Option<Number>,
    /// Chosen by `fast_pattern`.
    pub fast: Option<Fast>,
    needle: Needle,
}

/// How a literal is searched.
enum Needle {
    Byte(u8),
    /// Made when it is first needed: most never are, and thousands of them take much memory.
    Bytes(OnceLock<Box<memmem::Finder<'static>>>),
    /// By the byte that is rarest in traffic, in its two cases, which stands at `at`.
    Folded {
        low: u8,
        high: u8,
        at: usize,
    },
}

/// What a look at one candidate costs beside its bytes, in units of [`super::MAX_WORK`].
const CANDIDATE_COST: usize = 8;

/// What a search costs beside its bytes.
const SEARCH_COST: usize = 16;

impl Content {
    /// A content without modifiers. `bytes` is not empty.
    pub fn new(mut bytes: Vec<u8>, negated: bool) -> Self {
        bytes.shrink_to_fit();
        let literal = Literal { bytes, nocase: false, at_start: false, at_end: false };
        let needle = Needle::of(&literal);
        Self {
            literal,
            negated,
            offset: None,
            depth: None,
            distance: None,
            within: None,
            fast: None,
            needle,
        }
    }

    /// Makes it ignore ASCII case.
    pub fn ignore_case(&mut self) {
        self.literal.bytes.make_ascii_lowercase();
        self.literal.nocase = true;
        self.needle = Needle::of(&self.literal);
    }

    /// Whether it is placed relative to the last match.
    pub const fn relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }

    /// Whether its place depends on a variable.
    pub fn uses_variables(&self) -> bool {
        [self.offset, self.depth, self.distance, self.within]
            .iter()
            .any(|number| matches!(number, Some(Number::Variable(_))))
    }

    /// Whether it is searched up to the end of the buffer.
    pub const fn open_ended(&self) -> bool {
        self.depth.is_none() && self.within.is_none()
    }

    /// The first match at or after `from`, with the last match ended at `cursor`.
    pub fn find(&self, scope: &mut Scope<'_>, cursor: usize, from: Option<usize>) -> Option<Match> {
        let buffer = scope.buffer;
        let length = self.literal.bytes.len();
        let (start, end) = self.window(scope, cursor)?;
        let start = from.map_or(start, |from| start.max(from));
        if self.literal.at_end {
            let last = buffer.len().checked_sub(length)?;
            let fits = end == buffer.len() && start <= last && self.is(buffer.get(last..)?);
            return fits.then_some(Match { end, again: None });
        }
        let window = buffer.get(start..end)?;
        if window.len() <= length {
            scope.spend(SEARCH_COST);
            return self.is(window).then_some(Match { end, again: None });
        }
        let end = start + self.search(window, scope)? + length;
        Some(Match { end, again: Some(end - length + 1) })
    }

    /// Where it may stand: first byte, and the byte after the last one.
    fn window(&self, scope: &Scope<'_>, cursor: usize) -> Option<(usize, usize)> {
        let size = i64::try_from(scope.buffer.len()).ok()?;
        let value = |number: Option<Number>| number.map(|number| scope.value(number));
        let (start, end) = if self.relative() {
            let distance = value(self.distance).unwrap_or(0);
            let start = i64::try_from(cursor).ok()?.saturating_add(distance);
            let end = value(self.within).map_or(size, |within| start.saturating_add(within));
            (start.max(0), end)
        } else {
            let start = value(self.offset).unwrap_or(0).max(0);
            (start, value(self.depth).map_or(size, |depth| start.saturating_add(depth)))
        };
        let end = end.min(size);
        let window = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        (start < end).then_some(window)
    }

    /// Whether `bytes` are the literal.
    fn is(&self, bytes: &[u8]) -> bool {
        if self.literal.nocase {
            bytes.eq_ignore_ascii_case(&self.literal.bytes)
        } else {
            bytes == self.literal.bytes
        }
    }

    /// The first place in `window`, which is longer than the literal.
    fn search(&self, window: &[u8], scope: &mut Scope<'_>) -> Option<usize> {
        match &self.needle {
            Needle::Byte(byte) => {
                let found = memchr(*byte, window);
                scope.spend(SEARCH_COST + found.unwrap_or(window.len()) / 16);
                found
            }
            Needle::Bytes(finder) => {
                let make = || Box::new(memmem::Finder::new(&self.literal.bytes).into_owned());
                let found = finder.get_or_init(make).find(window);
                scope.spend(SEARCH_COST + found.unwrap_or(window.len()) / 4);
                found
            }
            Needle::Folded { low, high, at } => self.search_folded(window, scope, *low, *high, *at),
        }
    }

    fn search_folded(
        &self,
        window: &[u8],
        scope: &mut Scope<'_>,
        low: u8,
        high: u8,
        at: usize,
    ) -> Option<usize> {
        let length = self.literal.bytes.len();
        let last = window.len().checked_sub(length)?;
        // The rare byte of a match stands within these.
        let rare = window.get(at..at + last + 1)?;
        let (mut start, mut candidates) = (0, 0);
        let mut found = None;
        while let Some(skipped) = memchr2(low, high, rare.get(start..)?) {
            start += skipped;
            candidates += 1;
            if self.is(window.get(start..start + length)?) {
                found = Some(start);
                break;
            }
            start += 1;
        }
        let compared = candidates * (CANDIDATE_COST + length / 4);
        scope.spend(SEARCH_COST + found.unwrap_or(last) / 8 + compared);
        found
    }
}

impl Needle {
    fn of(literal: &Literal) -> Self {
        let bytes = literal.bytes.as_slice();
        let letters = bytes.iter().any(u8::is_ascii_alphabetic);
        match bytes {
            [byte] if !letters || !literal.nocase => Self::Byte(*byte),
            _ if letters && literal.nocase => {
                let rarest =
                    bytes.iter().enumerate().max_by_key(|(_, byte)| rarity::of_byte(**byte, true));
                let (at, low) = rarest.map_or((0, 0), |(at, byte)| (at, *byte));
                Self::Folded { low, high: low.to_ascii_uppercase(), at }
            }
            _ => Self::Bytes(OnceLock::new()),
        }
    }
}
