//! Signatures: the language of Suricata 8, compiled once, evaluated in two steps.

mod addresses;
pub mod buffer;
pub mod captured;
mod catalog;
pub mod changes;
pub mod classification;
mod compile;
pub mod datasets;
pub mod diagnostic;
pub mod ends;
mod evaluate;
pub mod events;
pub mod explain;
pub mod files;
mod gather;
mod group;
pub mod header_bytes;
mod inspect;
pub mod integer;
mod item;
mod judge;
pub mod limits;
mod lists;
pub mod operator;
pub mod operators;
mod patterns;
pub mod places;
mod plan;
pub mod prefilter;
pub mod profile;
mod refused;
pub mod reputation;
pub mod rule;
mod ruleset;
pub mod shared;
mod state;
pub mod syntax;
mod tags;
mod threshold;
pub mod variables;

pub use catalog::Catalog;
pub use diagnostic::{Diagnostic, LoadSummary};
pub use inspect::Inspector;
pub use item::{EARLIER_MAX, FlowView, FrameView, Item, Ready};
pub use ruleset::{Ruleset, fuzz_rules, load};
pub use shared::Shared;
pub use tags::{KeptPackets, Tags};
pub use threshold::Thresholds;
pub use variables::Variables;

#[cfg(test)]
mod tests;
