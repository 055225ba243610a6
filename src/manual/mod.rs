//! Documentation without code: what comes out, and what rules can say.

pub mod eve;
pub mod rules;
