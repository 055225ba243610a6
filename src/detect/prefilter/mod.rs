//! Which rules may match: searches for many patterns at once. Pure data structures, which know
//! patterns and numbers, not rules.

pub mod grams;
pub mod names;
pub mod rarity;
pub mod scan;

mod table;
mod walk;
