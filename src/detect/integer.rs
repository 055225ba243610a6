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
}
