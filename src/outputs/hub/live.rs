//! What happens, on its way to the exchange while the sensor watches: each alert, finding and
//! incident as a line of EVE, over a channel that never holds up the merge.
//!
//! The line is that of `eve.json`, so that what `hub preview` shows of the file is what leaves. What
//! finds the channel full is lost to the exchange alone, and counted; it is in `eve.json` none the
//! less, and `hub send` takes it from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::outputs::{Output, eve};
use crate::record::{Body, Record};
use crate::time::Timestamp;

/// Lines under way at most.
pub const LINES_MAX: usize = 8192;
/// Bytes of a line at most; longer ones are counted as lost.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of all lines under way at most.
pub const BYTES_MAX: u64 = 32 << 20;

/// Hands records to the exchange.
pub struct Sharing {
    lines: Sender<Vec<u8>>,
    counters: Arc<Counters>,
}

/// What is under way.
#[derive(Debug, Default)]
pub struct Counters {
    /// Lines that were lost on the way: the exchange did not keep up.
    pub lost: AtomicU64,
    /// Bytes on the way.
    bytes: AtomicU64,
}

/// The other end of the way.
pub struct Lines {
    /// The lines; closed when the sensor has come to its end.
    pub lines: Receiver<Vec<u8>>,
    counters: Arc<Counters>,
}

impl Sharing {
    /// Both ends of a way.
    pub fn new() -> (Self, Lines) {
        let (to, lines) = bounded(LINES_MAX);
        let counters = Arc::new(Counters::default());
        let here = Self { lines: to, counters: Arc::clone(&counters) };
        (here, Lines { lines, counters })
    }

    /// The counters, to be read while it works.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }
}

impl Lines {
    /// A line has arrived: its bytes are no longer under way.
    pub fn arrived(&self, line: &[u8]) {
        self.counters.bytes.fetch_sub(line.len() as u64, Ordering::Relaxed);
    }
}

impl Output for Sharing {
    fn record(&mut self, record: &Record) {
        if !matches!(record.body, Body::Alert(_) | Body::Finding(_) | Body::Incident(_)) {
            return;
        }
        let mut line = Vec::with_capacity(2048);
        eve::write(record, 0, &mut line);
        let length = line.len() as u64;
        // Only this side adds: what is read here can only be too much.
        let under_way = self.counters.bytes.load(Ordering::Relaxed);
        let has_room = line.len() <= LINE_BYTES_MAX && under_way + length <= BYTES_MAX;
        if has_room {
            self.counters.bytes.fetch_add(length, Ordering::Relaxed);
            if self.lines.try_send(line).is_ok() {
                return;
            }
            self.counters.bytes.fetch_sub(length, Ordering::Relaxed);
        }
        self.counters.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Alert, Context};

    #[test]
    fn what_finds_no_room_is_counted_and_holds_up_nobody() {
        let (mut sharing, lines) = Sharing::new();
        let record = |body| Record {
            sequence: 1,
            tie: 0,
            timestamp: Timestamp::new(1, 0),
            context: Context::default(),
            body,
        };
        sharing.record(&record(Body::Fragment(7)));
        for _ in 0..LINES_MAX + 7 {
            sharing.record(&record(Body::Alert(Box::default())));
        }
        assert_eq!(lines.lines.len(), LINES_MAX);
        assert_eq!(sharing.counters().lost.load(Ordering::Relaxed), 7);
        let line = lines.lines.try_recv().unwrap_or_default();
        assert!(line.starts_with(b"{\"timestamp\"") && line.ends_with(b"\n"));
        lines.arrived(&line);
        let huge = Alert { flowbits: vec!["x".repeat(LINE_BYTES_MAX)], ..Alert::default() };
        sharing.record(&record(Body::Alert(Box::new(huge))));
        assert_eq!(sharing.counters().lost.load(Ordering::Relaxed), 8);
        while let Ok(line) = lines.lines.try_recv() {
            lines.arrived(&line);
        }
        assert_eq!(sharing.counters.bytes.load(Ordering::Relaxed), 0);
    }
}
