//! A chain of tests over one buffer.
//!
//! A chain is evaluated as Suricata does: from left to right, a relative test counting from where
//! the last match ended. When a test fails, the nearest earlier test that can match elsewhere, and
//! on which what follows depends, is asked for its next match.

mod content;
mod notes;
#[cfg(test)]
mod tests;

use super::captured::{CAPTURES_MAX, Capture, Texts};
use super::integer::IntegerTest;
use crate::record::SetQuery;

pub use content::{Content, Fast, Literal, Number};
pub use notes::{Begun, CAPTURE_WORK, Found, Note, Notes};

/// Attempts at single tests over one buffer, as Suricata's `inspection-recursion-limit`.
pub const MAX_ATTEMPTS: u32 = 3_000;

/// Work of one rule on one packet, in units of roughly a nanosecond: what the attempts over all
/// buffers together may cost.
pub const MAX_WORK: u32 = 2_000_000;

/// Variables of `byte_extract` and `byte_math` in one rule.
pub const MAX_VARIABLES: usize = 32;

/// Tests on one buffer in one rule: the depth of the evaluation's recursion.
pub const MAX_STEPS: usize = 128;

/// One test of a chain.
pub enum Step {
    /// A literal.
    Content(Box<Content>),
    /// What may match at several places but is no literal: `pcre`.
    Search(Box<dyn Search>),
    /// The size of the buffer.
    Size(IntegerTest),
    /// What holds or not, once: `byte_test`, `isdataat`, `byte_jump`.
    Check(Box<dyn Check>),
    /// Decodes what is at the cursor, and tests the result: `base64_decode` and the tests behind
    /// `base64_data`.
    Decode(Box<dyn Decode>, Vec<Step>),
}

/// A test that may match at several places: evaluation asks again when what follows fails.
pub trait Search: Send + Sync {
    /// The first match at or after `from`, given where the previous test ended; `None` when there
    /// is none.
    fn find(&self, scope: &mut Scope<'_>, cursor: usize, from: Option<usize>) -> Option<Match>;

    /// Whether it is placed relative to the end of the previous match.
    fn relative(&self) -> bool;

    /// Whether it must not be found.
    fn negated(&self) -> bool;

    /// Keeps what its groups hold in the match that was noted: all of its chain holds.
    fn capture(&self, _scope: &mut Scope<'_>) {}
}

/// A test that holds or not.
pub trait Check: Send + Sync {
    /// Where the cursor stands afterwards (`cursor` itself for a test that does not move it);
    /// `None` when the test fails.
    fn check(&self, scope: &mut Scope<'_>, cursor: usize) -> Option<usize>;

    /// Whether it depends on the cursor or on a variable.
    fn relative(&self) -> bool;

    /// Whether it depends on the cursor.
    fn follows_cursor(&self) -> bool;

    /// Whether it moves the cursor.
    fn moves(&self) -> bool {
        false
    }
}

/// A decoder in the middle of a chain.
pub trait Decode: Send + Sync {
    /// The decoded bytes; `None` fails the chain.
    fn decode(&self, buffer: &[u8], cursor: usize) -> Option<Vec<u8>>;

    /// Whether it depends on the cursor.
    fn relative(&self) -> bool;
}

/// What a chain is evaluated over.
pub struct Scope<'a> {
    /// The bytes.
    pub buffer: &'a [u8],
    /// What outlives the buffer.
    pub scratch: &'a mut Scratch,
    /// Attempts left before the chain is given up and counted.
    attempts: u32,
    /// Whether nothing but contents with fixed numbers depends on earlier matches.
    plain: bool,
}

impl Scope<'_> {
    /// Takes `units` (about a nanosecond each) from what the rule may cost.
    pub fn spend(&mut self, units: usize) {
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.scratch.spent = self.scratch.spent.saturating_add(units);
    }

    /// What the rule may still cost, in units of [`MAX_WORK`].
    pub fn left(&self) -> usize {
        MAX_WORK.saturating_sub(self.scratch.spent) as usize
    }

    /// Takes `units` from what may go into groups; whether there were so many.
    pub fn spend_on_groups(&mut self, units: usize) -> bool {
        let spent =
            u32::try_from(units).ok().and_then(|units| self.scratch.groups.checked_add(units));
        let spent = spent.filter(|spent| *spent <= CAPTURE_WORK);
        self.scratch.groups = spent.unwrap_or(self.scratch.groups);
        spent.is_some()
    }

    /// Notes that a test could not be brought to its end: the chain counts as given up unless it
    /// matches all the same.
    pub fn give_up(&mut self) {
        self.scratch.cut = true;
    }

    /// The value of a number that may be a variable.
    pub fn value(&self, number: Number) -> i64 {
        match number {
            Number::Fixed(value) => value,
            Number::Variable(index) => {
                let value = self.scratch.variables.get(index).copied().unwrap_or(0);
                i64::try_from(value).unwrap_or(i64::MAX)
            }
        }
    }

    /// The same as an unsigned number of 64 bits.
    pub fn unsigned(&self, number: Number) -> u64 {
        match number {
            Number::Fixed(value) => value.cast_unsigned(),
            Number::Variable(index) => self.scratch.variables.get(index).copied().unwrap_or(0),
        }
    }

    /// Sets a variable.
    pub fn set(&mut self, index: usize, value: u64) {
        if let Some(slot) = self.scratch.variables.get_mut(index) {
            *slot = value;
        }
    }

    /// Whether attempts or work are used up: no further test is begun.
    pub fn exhausted(&self) -> bool {
        self.attempts == 0 || self.scratch.spent >= MAX_WORK
    }
}

/// What evaluation keeps between buffers: one for each worker.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Values of the variables of the rule at hand; they last from one of its buffers to the next.
    pub variables: [u64; MAX_VARIABLES],
    /// How many chains were given up because they cost too much.
    pub exhausted: u64,
    /// How many texts of matches could not be captured or kept.
    pub refusals: u64,
    /// What the rule at hand asks of sets that rules change.
    pub queries: Vec<SetQuery>,
    /// What expressions of the rule at hand captured.
    pub captured: Vec<Capture>,
    /// How many texts could not be captured, as that costs too much.
    pub refused: u64,
    /// Where expressions of the chain at hand were found whose groups are kept.
    pub notes: Notes,
    /// Texts that rules keep with the packet at hand.
    pub texts: Texts,
    /// How often the tests of buffers were reached: all that comes before them held.
    pub evaluated: u64,
    /// Work of the rule at hand on the packet at hand, in units of [`MAX_WORK`].
    spent: u32,
    /// The same that went into groups, of [`CAPTURE_WORK`].
    groups: u32,
    /// Whether a test of the chain at hand was given up.
    cut: bool,
}

/// What one match can ask of sets that rules change; further questions are not asked.
pub const MAX_QUERIES: usize = 16;

impl Scratch {
    /// Another rule, or another packet: it has all of [`MAX_WORK`] before it.
    pub fn begin(&mut self) {
        self.spent = 0;
        self.groups = 0;
    }

    /// What the match at hand asks and captures is of no use, or was used.
    pub fn forget(&mut self) {
        self.queries.clear();
        self.captured.clear();
        self.refused = 0;
    }

    /// Notes what a match captures.
    pub fn capture(&mut self, capture: Capture) {
        if self.captured.len() < CAPTURES_MAX {
            self.captured.push(capture);
        } else {
            self.refused += 1;
        }
    }

    /// Notes what a match asks of a set.
    pub fn ask(&mut self, query: SetQuery) {
        if self.queries.len() < MAX_QUERIES && !self.queries.contains(&query) {
            self.queries.push(query);
        }
    }
}

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where the next relative test begins.
    pub end: usize,
    /// Where to ask again; `None` when there can be no other match.
    pub again: Option<usize>,
}

/// How the rest of a chain went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Matched,
    /// Another match of an earlier test may still help.
    Failed,
    /// Nothing can help.
    Hopeless,
}

impl Step {
    /// The literal of a positive `content`, for the prefilter.
    pub fn literal(&self) -> Option<&Literal> {
        self.content().filter(|content| !content.negated).map(|content| &content.literal)
    }

    /// The `content` that it is.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Content(content) => Some(content),
            _ => None,
        }
    }

    /// Whether it depends on where the tests before it matched.
    pub fn relative(&self) -> bool {
        match self {
            Self::Content(content) => content.relative() || content.uses_variables(),
            Self::Search(search) => search.relative(),
            Self::Size(_) => false,
            Self::Check(check) => check.relative(),
            Self::Decode(decode, _) => decode.relative(),
        }
    }

    /// Whether it is written behind another test and counts from where that ended. A content or a
    /// search says so only later, or goes where its flags say.
    pub(super) fn follows_cursor(&self) -> bool {
        match self {
            Self::Check(check) => check.follows_cursor(),
            Self::Decode(decode, _) => decode.relative(),
            Self::Content(_) | Self::Search(_) | Self::Size(_) => false,
        }
    }

    /// Whether a relative test behind it counts from it.
    fn moves(&self) -> bool {
        match self {
            Self::Content(content) => !content.negated,
            Self::Search(search) => !search.negated(),
            Self::Check(check) => check.moves(),
            Self::Size(_) | Self::Decode(..) => false,
        }
    }
}

/// Whether all tests hold for `buffer`. What it costs adds to what the rule has cost since
/// [`Scratch::begin`].
pub fn matches(steps: &[Step], buffer: &[u8], scratch: &mut Scratch) -> bool {
    let plain = plain(steps);
    scratch.cut = false;
    scratch.notes.clear();
    let mut scope = Scope { buffer, scratch, attempts: MAX_ATTEMPTS, plain };
    let matched = run(steps, &mut scope, 0) == Verdict::Matched;
    if !matched && (scope.exhausted() || scope.scratch.cut) {
        scope.scratch.exhausted += 1;
    }
    if matched && !scope.scratch.notes.is_empty() {
        notes::resolve(steps, &mut scope);
    }
    matched
}

/// Runs `steps` with the last match ended at `cursor`. Recursion is as deep as there are steps.
fn run(steps: &[Step], scope: &mut Scope<'_>, mut cursor: usize) -> Verdict {
    let mut rest = steps;
    while let Some((step, later)) = rest.split_first() {
        scope.attempts = scope.attempts.saturating_sub(1);
        if scope.exhausted() {
            return Verdict::Hopeless;
        }
        let next = match step {
            Step::Content(content) if content.negated => {
                content.find(scope, cursor, None).is_none().then_some(cursor)
            }
            Step::Content(content) => {
                let found = content.find(scope, cursor, None);
                match found {
                    Some(first) if asks_again(later) => {
                        let again = |scope: &mut Scope<'_>, from| content.find(scope, cursor, from);
                        return retry(later, scope, first, again);
                    }
                    found => found.map(|found| found.end),
                }
            }
            Step::Search(search) if search.negated() => {
                search.find(scope, cursor, None).is_none().then_some(cursor)
            }
            Step::Search(search) => match search.find(scope, cursor, None) {
                Some(first) if asks_again(later) => {
                    let again = |scope: &mut Scope<'_>, from| search.find(scope, cursor, from);
                    return retry(later, scope, first, again);
                }
                found => found.map(|found| found.end),
            },
            Step::Size(test) => test
                .matches(u64::try_from(scope.buffer.len()).unwrap_or(u64::MAX))
                .then_some(cursor),
            Step::Check(check) => check.check(scope, cursor),
            Step::Decode(decode, inner) => run_decoded(step, decode.as_ref(), inner, scope, cursor),
        };
        match next {
            Some(next) => cursor = next,
            None if step.relative() && !nowhere(step, scope) => return Verdict::Failed,
            None => return Verdict::Hopeless,
        }
        rest = later;
    }
    Verdict::Matched
}

/// Tries the rest of the chain behind `first` and, while that fails, behind each later match.
fn retry(
    later: &[Step],
    scope: &mut Scope<'_>,
    first: Match,
    again: impl Fn(&mut Scope<'_>, Option<usize>) -> Option<Match>,
) -> Verdict {
    let mut found = first;
    loop {
        match run(later, scope, found.end) {
            Verdict::Failed => {}
            verdict => return verdict,
        }
        scope.attempts = scope.attempts.saturating_sub(1);
        if scope.exhausted() {
            return Verdict::Hopeless;
        }
        let next = found.again.and_then(|from| again(scope, Some(from)));
        let Some(next) = next else { return Verdict::Failed };
        found = next;
    }
}

/// Whether all that depends on earlier matches are contents with fixed numbers.
fn plain(steps: &[Step]) -> bool {
    steps.iter().all(|step| match step {
        Step::Content(content) => !content.uses_variables(),
        other => !other.relative(),
    })
}

/// Whether the failed `step` was a search up to the end of the buffer in a plain chain: then a
/// later match of an earlier test leaves it less to search, and an earlier one was tried before.
fn nowhere(step: &Step, scope: &Scope<'_>) -> bool {
    scope.plain && step.content().is_some_and(|content| !content.negated && content.open_ended())
}

/// Whether a test in `later` counts from the match before them, so that another match of it may
/// change the outcome.
fn asks_again(later: &[Step]) -> bool {
    for step in later {
        if step.relative() {
            return true;
        }
        if step.moves() {
            return false;
        }
    }
    false
}

/// A chain of its own over decoded bytes. What it costs counts as the buffer's.
fn run_decoded(
    step: &Step,
    decode: &dyn Decode,
    inner: &[Step],
    scope: &mut Scope<'_>,
    cursor: usize,
) -> Option<usize> {
    let decoded = decode.decode(scope.buffer, cursor)?;
    scope.spend(decoded.len() * 2);
    let mut within = Scope {
        buffer: &decoded,
        scratch: scope.scratch,
        attempts: scope.attempts,
        plain: plain(inner),
    };
    let verdict = run(inner, &mut within, 0);
    scope.attempts = within.attempts;
    if verdict == Verdict::Matched && !scope.scratch.notes.is_empty() {
        scope.scratch.notes.keep(step, decoded);
    }
    (verdict == Verdict::Matched).then_some(cursor)
}
