//! The keywords that do something: one file each, one list.

mod arguments;
mod byte_extract;
mod byte_jump;
mod byte_math;
mod byte_test;
mod content;
mod extraction;
mod fast_pattern;
mod isdataat;
mod nocase;
mod pcre;
mod position;
mod rawbytes;

use super::operator::Operator;

/// Every operator. Their order has no meaning; names and aliases are unique.
pub static OPERATORS: &[&Operator] = &[
    &byte_extract::BYTE_EXTRACT,
    &byte_jump::BYTE_JUMP,
    &byte_math::BYTE_MATH,
    &byte_test::BYTE_TEST,
    &content::CONTENT,
    &fast_pattern::FAST_PATTERN,
    &isdataat::ISDATAAT,
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
