//! The keywords that do something: one file each, one list.

mod arguments;
mod content;
mod fast_pattern;
mod nocase;
mod pcre;
mod position;
mod rawbytes;

use super::operator::Operator;

/// Every operator. Their order has no meaning; names and aliases are unique.
pub static OPERATORS: &[&Operator] = &[
    &content::CONTENT,
    &fast_pattern::FAST_PATTERN,
    &nocase::NOCASE,
    &pcre::PCRE,
    &position::DEPTH,
    &position::DISTANCE,
    &position::ENDSWITH,
    &position::OFFSET,
    &position::STARTSWITH,
    &position::WITHIN,
    &rawbytes::RAWBYTES,
];

/// The operator that a rule names by `keyword`, alias or not.
pub fn operator(keyword: &str) -> Option<&'static Operator> {
    OPERATORS
        .iter()
        .copied()
        .find(|operator| operator.name == keyword || operator.aliases.contains(&keyword))
}
