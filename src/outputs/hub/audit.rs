//! The log of everything that left: who got what, when, and a chain of hashes over it.
//!
//! One JSON object a line, one file a month, readable by whoever answers for the site's data. Each
//! line carries the hash of the one before, so that none can be taken out or changed unseen. It
//! holds no content: kinds and counts of objects, and the hash of the bytes that were sent.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::time::millis;
use crate::outputs::json::hex_of;
use crate::time::Timestamp;

/// What the first line of the first file follows.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Bytes of one line at most.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is about to be sent: written before the first byte leaves.
    Offered,
    /// The recipient has it.
    Accepted,
    /// The recipient refused it for good.
    Refused,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// The log.
pub struct Audit {
    folder: PathBuf,
    /// Hash of the last line.
    last: String,
    number: u64,
}

impl Audit {
    /// Opens the log in `folder`. What a power cut left half written is cut off.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut audit = Self { folder: folder.to_owned(), last: BEGINNING.to_owned(), number: 0 };
        if let Some(path) = files(folder)?.last() {
            let content = fs::read(path)?;
            let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if whole < content.len() {
                fs::OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
            }
            let line = content.get(..whole).unwrap_or_default().trim_ascii_end();
            let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            if let Ok(line) = serde_json::from_slice::<Value>(line) {
                audit.last = text(&line, "hash").to_owned();
                audit.number = line.get("number").and_then(Value::as_u64).unwrap_or_default();
            }
        }
        Ok(audit)
    }

    /// Writes one line, and waits until it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be sent.
    pub fn tell(
        &mut self,
        what: What,
        recipient: &str,
        objects: &[Value],
        sent: &[u8],
        now: Timestamp,
    ) -> io::Result<()> {
        let mut kinds = BTreeMap::<&str, u64>::new();
        for object in objects {
            *kinds.entry(text(object, "type")).or_default() += 1;
        }
        self.number += 1;
        let mut line = json!({
            "number": self.number,
            "at": millis(now),
            "what": what.name(),
            "recipient": recipient,
            "objects": kinds,
            "bytes": sent.len(),
            "sha256": sha256(sent),
            "before": self.last,
        });
        let hash = sha256(line.to_string().as_bytes());
        if let Some(object) = line.as_object_mut() {
            object.insert("hash".to_owned(), json!(hash));
        }
        let [year, month, ..] = now.civil();
        let path = self.folder.join(format!("audit-{year:04}-{month:02}.jsonl"));
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        self.last = hash;
        Ok(())
    }

    /// Removes the files of months that are older than so many.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn prune(&self, months: u32, now: Timestamp) -> io::Result<()> {
        let [year, month, ..] = now.civil();
        let oldest = (year * 12 + month - 1).saturating_sub(months);
        let name = format!("audit-{:04}-{:02}.jsonl", oldest / 12, oldest % 12 + 1);
        for path in files(&self.folder)? {
            if path.file_name().is_some_and(|file| file.to_string_lossy().as_ref() < name.as_str())
            {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Follows the chain through all files; the number of lines.
    ///
    /// # Errors
    /// The file and the line at which it breaks.
    pub fn verify(folder: &Path) -> Result<u64, String> {
        let told = |path: &Path, what: &str| format!("{}: {what}", path.display());
        let files = files(folder).map_err(|error| told(folder, &error.to_string()))?;
        let (mut before, mut count) = (None::<String>, 0);
        for path in files {
            let file = fs::File::open(&path).map_err(|error| told(&path, &error.to_string()))?;
            for (number, line) in io::BufReader::new(file).lines().enumerate() {
                let broken = |what: &str| format!("{}:{}: {what}", path.display(), number + 1);
                let line = line.map_err(|error| broken(&error.to_string()))?;
                if line.len() > LINE_BYTES_MAX {
                    return Err(broken("too long for a line of the log"));
                }
                let mut line: Value =
                    serde_json::from_str(&line).map_err(|_| broken("no line of the log"))?;
                let hash = line.as_object_mut().and_then(|object| object.remove("hash"));
                let right = sha256(line.to_string().as_bytes());
                if hash.as_ref().and_then(Value::as_str) != Some(right.as_str()) {
                    return Err(broken("was changed: its hash is another"));
                }
                // The first of the oldest file that is still kept follows one that is gone.
                if before.is_some_and(|before| before != text(&line, "before")) {
                    return Err(broken("does not follow the line before: one is missing"));
                }
                before = Some(right);
                count += 1;
            }
        }
        Ok(count)
    }
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn sha256(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&hex_of(&Sha256::digest(bytes))).into_owned()
}

/// The files of the log, the oldest first.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with("audit-") && name.ends_with(".jsonl")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn at(month: u64) -> Timestamp {
        Timestamp::new(1_767_225_600 + month * 31 * 86_400, 0)
    }

    fn write(folder: &Path, months: std::ops::Range<u64>) {
        for month in months {
            // Opened anew each time: the chain goes on over restarts and months.
            let mut audit = Audit::open(folder).unwrap();
            let object = json!({ "type": "sighting" });
            audit
                .tell(What::Offered, "COSC", std::slice::from_ref(&object), b"x", at(month))
                .unwrap();
            audit.tell(What::Accepted, "COSC", &[object], b"x", at(month)).unwrap();
        }
    }

    #[test]
    fn a_changed_or_missing_line_breaks_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..3);
        assert_eq!(Audit::verify(folder.path()), Ok(6));
        let path = files(folder.path()).unwrap()[1].clone();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (changed, what) in [
            (text.replace("accepted", "refused_"), "was changed"),
            (format!("{}\n", lines[1]), "does not follow"),
            (format!("{}\n", lines[0]), "does not follow"),
            (format!("{}\n{}\n", lines[1], lines[0]), "does not follow"),
            (format!("{text}x\n"), "no line"),
        ] {
            fs::write(&path, changed).unwrap();
            let broken = Audit::verify(folder.path()).unwrap_err();
            assert!(broken.contains(what) && broken.contains("audit-2026-0"), "{broken}");
        }
    }

    #[test]
    fn half_a_line_is_cut_off_and_old_months_go() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..2);
        let last = files(folder.path()).unwrap().pop().unwrap();
        let whole = fs::read(&last).unwrap();
        for cut in 1..60 {
            fs::write(&last, &whole[..whole.len() - cut]).unwrap();
            let mut audit = Audit::open(folder.path()).unwrap();
            audit.tell(What::Refused, "COSC", &[], b"", at(1)).unwrap();
            assert_eq!(Audit::verify(folder.path()), Ok(4), "cut {cut}");
        }
        write(folder.path(), 2..8);
        let audit = Audit::open(folder.path()).unwrap();
        audit.prune(3, at(7)).unwrap();
        assert!(files(folder.path()).unwrap().len() <= 4);
        assert!(Audit::verify(folder.path()).is_ok_and(|count| count >= 6));
    }
}
