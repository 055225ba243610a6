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

/// An output as the manual and the configuration know it.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
}

/// Every output.
pub static OUTPUTS: &[Kind] = &[
    Kind { name: "eve", help: "EVE JSON, one object a line, in DIR/eve.json." },
    Kind { name: "summary", help: "What was found, as a table and in DIR/summary.json." },
    Kind {
        name: "filestore",
        help: "Files that rules want stored, by their SHA-256, in --file-store.",
    },
    Kind {
        name: "notices",
        help: "Incidents that somebody is to be told of, in the log of watch.",
    },
    Kind {
        name: "exchange",
        help: "What may leave of alerts, findings and incidents, to the hub that --policy names.",
    },
    Kind { name: "metrics", help: "Prometheus metrics, on GET /metrics." },
];
