//! What detectors have learned, as bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of what is saved: raised when a detector's state changes its shape.
pub const VERSION: u32 = 1;

/// Saved bytes are none that this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("saved state is damaged or of another version")]
pub struct Damaged;

/// State as bytes (postcard, which has a written specification and wastes nothing).
pub fn pack<T: Serialize>(state: &T) -> Vec<u8> {
    // Only a type that cannot be written could fail, and tests save every detector.
    postcard::to_allocvec(state).unwrap_or_default()
}

/// State from bytes: all of them.
///
/// # Errors
/// When they are not of this shape.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Damaged> {
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        _ => Err(Damaged),
    }
}
