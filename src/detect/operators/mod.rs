//! The keywords that do something: one file each, one list.

use super::operator::Operator;

/// Every operator. Their order has no meaning; names and aliases are unique.
pub static OPERATORS: &[&Operator] = &[];

/// The operator that a rule names by `keyword`, alias or not.
pub fn operator(keyword: &str) -> Option<&'static Operator> {
    OPERATORS
        .iter()
        .copied()
        .find(|operator| operator.name == keyword || operator.aliases.contains(&keyword))
}
