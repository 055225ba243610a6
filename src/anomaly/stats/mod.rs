//! Pure mathematics that detectors share: bounded, on packet time, no allocation per look-up.

pub mod distinct;
pub mod recent;

pub use distinct::Distinct;
pub use recent::Recent;
