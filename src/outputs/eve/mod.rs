//! `eve.json`: records as EVE JSON, one object a line.

mod event;
mod file;
mod incident;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Output;
use crate::record::{Body, Record};
use crate::time::Timestamp;
use file::RotatingFile;

pub use event::write;
pub use file::Rotation;

/// The shape of what is written, a JSON schema, without the objects of protocols.
pub const SCHEMA: &str = include_str!("schema.json");

/// Bytes gathered before they are written to the file.
const BUFFER_BYTES: usize = 256 * 1024;
/// Bytes kept while the file cannot be written; beyond, whole lines are dropped and counted.
const BACKLOG_BYTES: usize = 16 * 1024 * 1024;

/// Counters of the EVE output, shared with the metrics page.
#[derive(Debug, Default)]
pub struct EveStats {
    /// Lines written or waiting to be.
    pub records: AtomicU64,
    /// Failed writes; the bytes are kept and tried again.
    pub write_errors: AtomicU64,
    /// Lines given up because the backlog was full.
    pub dropped: AtomicU64,
}

/// Writes `eve.json`.
pub struct Eve {
    file: RotatingFile,
    buffer: Vec<u8>,
    stats: Arc<EveStats>,
    reopen: Arc<AtomicBool>,
    /// Files so far that are stored.
    stored_files: u64,
}

impl Eve {
    /// Opens or makes the file; what is there is written over, as a replay's output must depend
    /// on its input alone, unless `append` says that it is a sensor's that goes on.
    ///
    /// Setting `reopen` makes the next round close the file and open it anew by its name: what
    /// log rotation by other programs needs.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub fn create(
        path: PathBuf,
        append: bool,
        rotation: Rotation,
        reopen: Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            file: RotatingFile::open(path, append, rotation)?,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            stats: Arc::default(),
            reopen,
            stored_files: 0,
        })
    }

    /// The counters, to be read while it works.
    pub fn stats(&self) -> Arc<EveStats> {
        Arc::clone(&self.stats)
    }

    fn flush(&mut self, now: Timestamp) {
        if let Err(error) = self.file.write(&mut self.buffer, now) {
            self.stats.write_errors.fetch_add(1, Ordering::Relaxed);
            if self.stats.write_errors.load(Ordering::Relaxed) == 1 {
                tracing::warn!(file = %self.file.path().display(), %error, "eve: cannot write; kept and tried again");
            }
        }
    }
}

impl Output for Eve {
    fn record(&mut self, record: &Record) {
        // Of what is malformed only messages are told; of packets and streams rules of events tell.
        if let Body::Anomaly(anomaly) = &record.body
            && anomaly.kind != "applayer"
        {
            return;
        }
        let before = self.buffer.len();
        if before >= BACKLOG_BYTES {
            self.stats.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.stored_files += u64::from(matches!(&record.body, Body::File(file) if file.stored));
        write(record, self.stored_files, &mut self.buffer);
        if self.buffer.len() > before {
            self.stats.records.fetch_add(1, Ordering::Relaxed);
        }
        if before < BUFFER_BYTES && self.buffer.len() >= BUFFER_BYTES {
            self.flush(record.timestamp);
        }
    }

    fn round(&mut self, now: Timestamp, live: bool) {
        if self.reopen.swap(false, Ordering::Relaxed) {
            self.flush(now);
            if let Err(error) = self.file.reopen() {
                self.stats.write_errors.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(file = %self.file.path().display(), %error, "eve: cannot reopen");
            }
        }
        if live || self.buffer.len() >= BUFFER_BYTES {
            self.flush(now);
        }
    }

    fn finish(&mut self, now: Timestamp) -> Vec<String> {
        self.flush(now);
        if self.buffer.is_empty() {
            return Vec::new();
        }
        let lost = self.buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.stats.dropped.fetch_add(lost, Ordering::Relaxed);
        let path = self.file.path().display();
        vec![format!("{path}: {lost} records could not be written; is the disk full?")]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::record::{Anomaly, Context};

    static EVENT: crate::field::Event = crate::field::Event { name: "http.test", help: "A test." };

    fn record(sequence: u64) -> Record {
        Record {
            sequence,
            tie: 0,
            timestamp: Timestamp::new(sequence, 0),
            context: Context {
                flow_id: Some(7),
                source: None,
                destination: None,
                protocol: 6,
                ip_version: 4,
                vlan: [0; crate::net::VLAN_LAYERS_MAX],
                icmp: None,
            },
            body: Body::Anomaly(Box::new(Anomaly {
                kind: "applayer",
                event: &EVENT,
                app_protocol: Some("http"),
            })),
        }
    }

    #[test]
    fn a_full_disk_is_counted_and_told() {
        let rotation = Rotation::default();
        let full = PathBuf::from("/dev/full");
        let mut eve = Eve::create(full, true, rotation, Arc::default()).unwrap();
        eve.record(&record(1));
        eve.round(Timestamp::new(1, 0), true);
        assert_eq!(eve.stats().write_errors.load(Ordering::Relaxed), 1);
        let told = eve.finish(Timestamp::new(2, 0));
        assert_eq!(told.len(), 1);
        assert_eq!(eve.stats().dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_moved_file_is_made_anew_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("eve.json");
        let reopen = Arc::new(AtomicBool::new(false));
        let rotation = Rotation::default();
        let mut eve = Eve::create(path.clone(), true, rotation, Arc::clone(&reopen)).unwrap();
        eve.record(&record(1));
        eve.round(Timestamp::new(1, 0), true);
        std::fs::rename(&path, dir.path().join("old.json")).unwrap();
        reopen.store(true, Ordering::Relaxed);
        eve.round(Timestamp::new(2, 0), true);
        eve.record(&record(2));
        assert!(eve.finish(Timestamp::new(3, 0)).is_empty());
        let lines = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(lines("old.json").lines().count(), 1);
        assert_eq!(lines("eve.json").lines().count(), 1);
    }

    #[test]
    fn rotation_keeps_every_line_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("eve.json");
        let rotation = Rotation { bytes: Some(300), seconds: None };
        let mut eve = Eve::create(path, true, rotation, Arc::default()).unwrap();
        for sequence in 1..=20 {
            eve.record(&record(sequence));
            eve.round(Timestamp::new(sequence, 0), true);
        }
        assert!(eve.finish(Timestamp::new(21, 0)).is_empty());
        let mut lines = 0;
        let mut files = 0;
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            files += 1;
            for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
                lines += 1;
            }
        }
        assert_eq!(lines, 20);
        assert!(files > 5);
    }
}
