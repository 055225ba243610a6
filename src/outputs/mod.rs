//! Records to somewhere: files, metrics, the terminal. One list.

use crate::record::Record;

/// Takes records, in order, on its own terms. Never blocks the packet path: it runs at the merge.
pub trait Output: Send {
    /// Takes one record.
    fn record(&mut self, record: &Record);

    /// A round is over: the place to flush, rotate or retry.
    fn round(&mut self, now: crate::time::Timestamp);

    /// Nothing more will come: flush and close. Problems are told once, in words.
    fn finish(&mut self) -> Vec<String>;
}
