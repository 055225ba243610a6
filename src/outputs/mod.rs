//! Records to somewhere: files, metrics, the terminal.

pub mod eve;
pub mod filestore;
pub mod hub;
pub mod json;
pub mod metrics;
pub mod notices;
pub mod summary;

use crate::record::Record;
use crate::time::Timestamp;

/// Takes records, in order, on its own terms. It runs at the merge, never on the packet path.
pub trait Output: Send {
    /// Takes one record.
    fn record(&mut self, record: &Record);

    /// A round is over: the place to flush, rotate or retry. `live` asks for what is there to be
    /// shown soon.
    fn round(&mut self, now: Timestamp, live: bool);

    /// Nothing more will come: flush and close. Problems are told once, in words.
    fn finish(&mut self, now: Timestamp) -> Vec<String>;
}
