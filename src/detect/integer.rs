//! One syntax for all numbers: `5`, `<10`, `>=3`, `1-9`, `!5`, `&0x80`, names.

/// A test of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerTest {
    /// Equal.
    Equal(u64),
    /// Not equal.
    NotEqual(u64),
    /// Less.
    Less(u64),
    /// Less or equal.
    LessEqual(u64),
    /// Greater.
    Greater(u64),
    /// Greater or equal.
    GreaterEqual(u64),
    /// Strictly between: Suricata's `1<>9` and `1-9` leave both ends out.
    Between(u64, u64),
    /// Outside of the range.
    NotBetween(u64, u64),
    /// `value & mask` equals the second number, or not.
    Mask(u64, u64, bool),
    /// One of these, or none of them.
    Among([u16; AMONG_MAX], bool),
}

/// Values that may be listed in one test.
pub const AMONG_MAX: usize = 6;

impl IntegerTest {
    /// Whether `value` passes.
    pub fn matches(self, value: u64) -> bool {
        match self {
            Self::Equal(other) => value == other,
            Self::NotEqual(other) => value != other,
            Self::Less(other) => value < other,
            Self::LessEqual(other) => value <= other,
            Self::Greater(other) => value > other,
            Self::GreaterEqual(other) => value >= other,
            Self::Between(low, high) => value > low && value < high,
            Self::NotBetween(low, high) => value <= low || value >= high,
            Self::Mask(mask, other, equal) => (value & mask == other) == equal,
            Self::Among(values, within) => {
                let [a, b, c, d, e, f] = values;
                let is = |other: u16| value == u64::from(other);
                (is(a) || is(b) || is(c) || is(d) || is(e) || is(f)) == within
            }
        }
    }
}
