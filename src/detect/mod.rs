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
mod catalog;
mod compile;
mod evaluate;
mod group;
mod inspect;
mod item;
mod patterns;
mod plan;
mod ruleset;
mod state;
mod threshold;

pub use catalog::Catalog;
pub use diagnostic::{Diagnostic, LoadSummary};
pub use inspect::Inspector;
pub use item::{FlowView, Item, Ready};
pub use ruleset::{Ruleset, load};
pub use threshold::Thresholds;
pub use variables::Variables;
