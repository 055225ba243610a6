//! Expressions without a linear form, those that look around or back: tried from one place after
//! the other, within what the rule may cost.
//!
//! The backtracking engine limits its steps from each place, not those of a search: over a long
//! buffer a sender can have it come close to the limit from every place. And it does not say how
//! many steps it took, nor how many bytes a step went over: a repetition of a single character is
//! one step. So each place is tried with few steps first, and with more only where those did not
//! suffice; what is counted is the most that an attempt may have taken, and the less is left of
//! what the rule may cost, the fewer bytes an attempt gets to see. Which places
//! are worth it an automaton tells, which knows the expression but for what it does not
//! understand: where that does not match, nothing does.

use pcre2::bytes::{CaptureLocations, Regex};

use crate::detect::buffer::{Begun, Found, Scope};

/// Steps of the matcher from one place of the buffer: as Suricata. Beyond, there is no match.
pub(super) const MATCH_LIMIT: u32 = 3_500;

/// Depth of the matcher's backtracking: as Suricata.
pub(super) const DEPTH_LIMIT: u32 = 1_500;

/// Steps that attempts at one place may take, one after the other, and which part of what the
/// rule may still cost such an attempt may take.
const LIMITS: [(u32, usize); 4] = [(20, 16), (250, 4), (1_200, 2), (MATCH_LIMIT, 2)];

/// Bytes that an attempt may look at, at most and at least: what ends further from where it begins
/// is not found.
const SPAN: (usize, usize) = (128, 16 << 10);

/// What an attempt costs beside its steps, in units of [`crate::detect::buffer::MAX_WORK`].
const ATTEMPT_COST: usize = 200;

/// What a step costs.
const STEP_COST: usize = 20;

/// Bytes behind a match that its last test may have looked at, as far as groups are asked for.
const AHEAD: usize = 64;

/// The error of PCRE2 when the limit of steps is reached (`PCRE2_ERROR_MATCHLIMIT`).
const LIMIT_REACHED: i32 = -47;

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A match.
    At(Found),
    /// There is none.
    Nowhere,
    /// A limit was reached: nobody knows.
    GivenUp,
}

/// An expression in the forms that attempts need.
pub(super) struct Attempts {
    /// Anchored, each with one of [`LIMITS`].
    anchored: Vec<Regex>,
    /// Matches wherever the expression does, and elsewhere.
    loose: Option<regex::bytes::Regex>,
    /// Only the place where a search begins counts.
    once: bool,
    /// A step may go over many bytes again that another went over: there are several repetitions.
    nested: bool,
}

impl Attempts {
    /// `build` gives the anchored form with a limit of steps.
    pub(super) fn new(
        build: impl Fn(u32) -> Option<Regex>,
        loose: Option<regex::bytes::Regex>,
        once: bool,
        nested: bool,
    ) -> Self {
        let anchored = LIMITS.iter().filter_map(|(limit, _)| build(*limit)).collect();
        Self { anchored, loose, once, nested }
    }

    /// The first match at or after `start`.
    pub(super) fn search(&self, scope: &mut Scope<'_>, subject: &[u8], start: usize) -> Outcome {
        if self.once {
            return self.attempt(scope, subject, start);
        }
        let mut at = start;
        while at <= subject.len() {
            if scope.exhausted() {
                return Outcome::GivenUp;
            }
            if let Some(loose) = &self.loose {
                let found = loose.find_at(subject, at);
                let reached = found.map_or(subject.len(), |found| found.end());
                scope.spend(2 * reached.saturating_sub(at));
                let Some(found) = found else { return Outcome::Nowhere };
                at = found.start();
            }
            match self.attempt(scope, subject, at) {
                Outcome::Nowhere => at += 1,
                outcome => return outcome,
            }
        }
        Outcome::Nowhere
    }

    /// The match that begins at `at`.
    fn attempt(&self, scope: &mut Scope<'_>, subject: &[u8], at: usize) -> Outcome {
        for ((limit, share), regex) in LIMITS.iter().zip(&self.anchored) {
            let steps = *limit as usize;
            let mut span = SPAN.1;
            if self.nested {
                span = (scope.left() / share / steps).clamp(SPAN.0, SPAN.1);
            }
            let part = subject.get(..at.saturating_add(span)).unwrap_or(subject);
            let bytes = part.len().saturating_sub(at);
            let read = if self.nested { bytes * steps } else { bytes };
            scope.spend(ATTEMPT_COST + STEP_COST * steps + read);
            match regex.find_at(part, at) {
                Ok(None) => return Outcome::Nowhere,
                // What ends with the part may do so because it was cut.
                Ok(Some(found)) if found.end() == part.len() && part.len() < subject.len() => {
                    return Outcome::Nowhere;
                }
                Ok(Some(found)) => {
                    let (first, end) = (found.start(), found.end());
                    return Outcome::At(Found { begun: Begun::Here(at), first, end });
                }
                Err(error) if error.code() == LIMIT_REACHED && !scope.exhausted() => {}
                Err(_) => return Outcome::GivenUp,
            }
        }
        // An error is a limit that was reached: no match, as in Suricata.
        Outcome::GivenUp
    }

    /// What the groups hold in the match that begins at `at` and ends at `end`; `None` when that costs
    /// too much, or cannot be told.
    pub(super) fn groups(
        &self,
        scope: &mut Scope<'_>,
        subject: &[u8],
        at: usize,
        end: usize,
    ) -> Option<CaptureLocations> {
        let ahead = if self.nested { AHEAD } else { SPAN.1 };
        let part = subject.get(..end.saturating_add(ahead)).unwrap_or(subject);
        let bytes = part.len().saturating_sub(at);
        for ((limit, _), regex) in LIMITS.iter().zip(&self.anchored) {
            let steps = *limit as usize;
            let read = if self.nested { bytes * steps } else { bytes };
            if !scope.spend_on_groups(ATTEMPT_COST + STEP_COST * steps + read) {
                return None;
            }
            let mut groups = regex.capture_locations();
            match regex.captures_read_at(&mut groups, part, at) {
                // Another match may end where the part was cut.
                Ok(Some(found)) => return (found.end() == end).then_some(groups),
                Err(error) if error.code() == LIMIT_REACHED => {}
                Ok(None) | Err(_) => return None,
            }
        }
        None
    }
}
