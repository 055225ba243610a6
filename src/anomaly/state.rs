//! What detectors have learned, as bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stats::distinct::{mix, mix_address};
use crate::net::Endpoint;
use crate::record::Context;

/// Version of what is saved: raised when a detector's state changes its shape.
pub const VERSION: u32 = 10;

/// Saved bytes are none that this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("saved state is damaged or of another version")]
pub struct Damaged;

/// What tells a conversation from all others, those of earlier runs too: flows are numbered anew
/// in each run, and what is remembered of one must not be taken for another's.
pub fn conversation(context: &Context) -> Option<u64> {
    let end = |end: Option<Endpoint>| {
        end.map_or(0, |end| mix(mix_address(end.addr) ^ u64::from(end.port)))
    };
    Some(mix(context.flow_id? ^ end(context.source)) ^ end(context.destination))
}

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
