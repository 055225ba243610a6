//! The keywords that do something: one file each, or one for a few of a kind, and one list.

mod app_layer_protocol;
mod arguments;
mod byte_extract;
mod byte_jump;
mod byte_math;
mod byte_test;
mod content;
mod events;
mod extraction;
mod fast_pattern;
mod flow;
mod flowbits;
mod header_bits;
mod hostbits;
mod isdataat;
mod meta;
mod nocase;
mod pcre;
mod position;
mod rawbytes;
pub mod requires;
mod threshold;
mod uricontent;
mod without_effect;

use super::operator::Operator;

/// Every operator. Their order has no meaning; names and aliases are unique.
pub static OPERATORS: &[&Operator] = &[
    // Tests of bytes.
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
    &uricontent::URICONTENT,
    // What a rule says of itself.
    &meta::MSG,
    &meta::SID,
    &meta::GID,
    &meta::REV,
    &meta::CLASSTYPE,
    &meta::PRIORITY,
    &meta::REFERENCE,
    &meta::METADATA,
    &meta::TARGET,
    &requires::REQUIRES,
    // Conversations.
    &flow::FLOW,
    &flowbits::FLOWBITS,
    &flowbits::NOALERT,
    &flowbits::ALERT,
    &hostbits::XBITS,
    &hostbits::HOSTBITS,
    &app_layer_protocol::APP_LAYER_PROTOCOL,
    &events::DECODE_EVENT,
    &events::STREAM_EVENT,
    &events::APP_LAYER_EVENT,
    // Headers.
    &header_bits::TCP_FLAGS,
    &header_bits::FRAGBITS,
    &header_bits::IPOPTS,
    &header_bits::SAMEIP,
    // How often.
    &threshold::THRESHOLD,
    &threshold::DETECTION_FILTER,
    // Without effect.
    &without_effect::TAG,
    &without_effect::PREFILTER,
    &without_effect::BYPASS,
];

/// The operator that a rule names by `keyword`, alias or not.
pub fn operator(keyword: &str) -> Option<&'static Operator> {
    OPERATORS
        .iter()
        .copied()
        .find(|operator| operator.name == keyword || operator.aliases.contains(&keyword))
}
