//! A file that is rotated by size or time and can be opened anew.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::time::Timestamp;

/// Rotated names tried before one that is taken is written to after all.
const NAMES_MAX: u32 = 10_000;

/// When the file is closed, renamed and begun anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// At this size, bytes.
    pub bytes: Option<u64>,
    /// After this span of packet time, seconds.
    pub seconds: Option<u64>,
}

pub(super) struct RotatingFile {
    path: PathBuf,
    file: Option<File>,
    rotation: Rotation,
    written: u64,
    begun: Option<Timestamp>,
}

impl RotatingFile {
    pub(super) fn open(path: PathBuf, append: bool, rotation: Rotation) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(append).write(true).truncate(!append);
        let file = options.open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { path, file: Some(file), rotation, written, begun: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file and opens what its name stands for now.
    pub(super) fn reopen(&mut self) -> std::io::Result<()> {
        self.file = None;
        let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.written = file.metadata()?.len();
        self.begun = None;
        self.file = Some(file);
        Ok(())
    }

    /// Writes all whole lines of `buffer` and takes out what was written. `now` is packet time.
    pub(super) fn write(&mut self, buffer: &mut Vec<u8>, now: Timestamp) -> std::io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        if self.due(now) {
            self.rotate(now)?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        self.begun.get_or_insert(now);
        let mut done = 0;
        let outcome = loop {
            let rest = buffer.get(done..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match self.file.as_mut().map_or(Ok(0), |file| file.write(rest)) {
                Ok(0) => break Err(std::io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.written += done as u64;
        buffer.drain(..done);
        outcome
    }

    fn due(&self, now: Timestamp) -> bool {
        let full = self.rotation.bytes.is_some_and(|limit| self.written >= limit);
        let old = match (self.rotation.seconds, self.begun) {
            (Some(limit), Some(begun)) => now.since(begun).as_secs() >= limit,
            _ => false,
        };
        self.written > 0 && (full || old)
    }

    /// `eve.json` becomes `eve.json.20160713T224207`, with a number when that is taken.
    fn rotate(&mut self, now: Timestamp) -> std::io::Result<()> {
        let [year, month, day, hour, minute, second, _] = now.civil();
        let stamp = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}");
        let base = format!("{}.{stamp}", self.path.display());
        let taken = |path: &PathBuf| path.exists();
        let numbered = (1..NAMES_MAX).map(|n| PathBuf::from(format!("{base}.{n}")));
        let target = std::iter::once(PathBuf::from(&base)).chain(numbered).find(|p| !taken(p));
        self.file = None;
        std::fs::rename(&self.path, target.unwrap_or_else(|| PathBuf::from(base)))?;
        self.begun = None;
        self.reopen()
    }
}
