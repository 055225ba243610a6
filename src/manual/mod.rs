//! Documentation without code: what comes out, what rules can say, where we differ from others, what
//! leaves for a hub, how one is run.

pub mod centres;
pub mod differences;
pub mod eve;
pub mod exchange;
pub mod operating;
pub mod relaying;
pub mod rules;
