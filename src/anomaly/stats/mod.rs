//! Pure mathematics that detectors share: bounded, on packet time, no allocation per look-up.

pub mod average;
pub mod cusum;
pub mod distinct;
pub mod entropy;
pub mod forest;
mod index;
pub mod letters;
pub mod recent;
pub mod robust;
mod rough;
mod touches;

pub use average::{Average, Seasonal};
pub use cusum::Cusum;
pub use distinct::Distinct;
pub use entropy::Spread;
pub use recent::Recent;
pub use robust::Summary;
pub use rough::Rough;
