//! A chain of tests over one buffer.

/// One test of a chain. It may match at several places: evaluation asks again when what follows
/// fails, as a relative test may hold only after a later match.
pub trait Step: Send + Sync {
    /// The next match at or after `from`, given where the previous test ended; `None` when there
    /// is none.
    fn attempt(&self, scope: &mut Scope<'_>, previous: usize, from: Option<usize>)
    -> Option<Match>;

    /// Whether it is placed relative to the end of the previous match.
    fn relative(&self) -> bool;

    /// The literal of a positive `content`, for the prefilter.
    fn literal(&self) -> Option<&Literal> {
        None
    }
}

/// What a chain is evaluated over.
pub struct Scope<'a> {
    /// The bytes.
    pub buffer: &'a [u8],
    /// Values of `byte_extract`.
    pub variables: &'a mut [u64],
    /// Attempts left before the chain is given up and counted: bounds the work of one buffer.
    pub budget: u32,
}

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where the next relative test begins.
    pub end: usize,
    /// Where to ask again; `None` when there can be no other match.
    pub again: Option<usize>,
}

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
