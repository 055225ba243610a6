//! Signatures: the language of Suricata 8, compiled once, evaluated in two steps.

pub mod buffer;
pub mod classification;
pub mod diagnostic;
pub mod events;
pub mod integer;
pub mod operator;
pub mod operators;
pub mod prefilter;
pub mod rule;
pub mod syntax;
pub mod variables;
