//! What came from one collection, on disk: one object a line, the last version of each counts.
//!
//! Lines are appended and synchronised before the place in the collection is moved on, so that a
//! process that is killed reads at worst something again. When more than half of the lines are old
//! the file is written anew, beside, and takes the old one's place.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::gate::Refused;
use super::{Held, KEPT_MAX, cut};
use crate::outputs::hub::seen::text;
use crate::outputs::hub::time;
use crate::time::Timestamp;

/// Names of authors that are kept.
const AUTHORS_MAX: usize = 10_000;
/// Bytes of a line that is read; longer ones are passed over.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Lines of a file that are read.
const LINES_MAX: usize = 4 * KEPT_MAX;
/// Old lines below which a file is not written anew.
const OLD_LEAST: usize = 1000;

/// What came.
#[derive(Debug, Default)]
pub struct Store {
    /// Where it is kept; `None` keeps it in memory alone.
    path: Option<PathBuf>,
    held: HashMap<String, Held>,
    /// Names of authors by their identifiers.
    authors: BTreeMap<String, String>,
    /// Lines that wait to be written.
    pending: Vec<u8>,
    /// Lines in the file and among those that wait.
    lines: usize,
    /// What was not taken, in the order of [`Refused::ALL`].
    refused: [u64; Refused::ALL.len()],
    /// It was taken in since the last commit.
    is_changed: bool,
}

impl Store {
    /// Reads what is there. Lines that are damaged are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut store = Self { path: Some(path.to_owned()), ..Self::default() };
        let file = match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(store),
            other => other?,
        };
        let mut reader = io::BufReader::with_capacity(256 * 1024, file);
        let mut line = Vec::new();
        let mut is_whole = true;
        for _ in 0..LINES_MAX {
            line.clear();
            let mut bounded = io::Read::take(&mut reader, LINE_BYTES_MAX);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            is_whole = line.last() == Some(&b'\n');
            if !is_whole && line.len() as u64 == LINE_BYTES_MAX {
                reader.skip_until(b'\n')?;
                continue;
            }
            store.lines += 1;
            if let Ok(object) = serde_json::from_slice::<Value>(&line) {
                store.take(&object);
            }
        }
        store.pending.clear();
        // The half line that a power cut left must not become the beginning of the next.
        if !is_whole {
            store.pending.push(b'\n');
        }
        store.refused = [0; Refused::ALL.len()];
        store.is_changed = false;
        Ok(store)
    }

    /// A store in memory, of these objects.
    pub fn of(objects: &[Value]) -> Self {
        let mut store = Self::default();
        objects.iter().for_each(|object| store.take(object));
        store
    }

    /// Takes an object of the collection: an indicator or the name of an author; others are passed
    /// over.
    pub fn take(&mut self, object: &Value) {
        if text(object, "type") == "identity" {
            self.take_author(object);
            return;
        }
        match Held::read(object) {
            Ok(None) => {}
            Ok(Some(held)) => self.keep(held),
            Err(why) => self.refuse(why),
        }
    }

    fn take_author(&mut self, object: &Value) {
        let (id, name) = (cut(text(object, "id")), cut(text(object, "name")));
        let is_known = self.authors.get(&id) == Some(&name);
        if is_known || name.is_empty() || !id.starts_with("identity--") {
            return;
        }
        if self.authors.len() >= AUTHORS_MAX && !self.authors.contains_key(&id) {
            return;
        }
        self.write(&json!({ "type": "identity", "id": id, "name": name }));
        self.authors.insert(id, name);
        self.is_changed = true;
    }

    fn keep(&mut self, held: Held) {
        if let Some(known) = self.held.get(&held.id) {
            // Only its author says something new of it (STIX 2.1, 3.6), and only the newest counts.
            if known.created_by_ref != held.created_by_ref {
                self.refuse(Refused::Malformed);
                return;
            }
            let of = |held: &Held| time::parse(&held.modified);
            if of(known) >= of(&held) {
                return;
            }
        } else if self.held.len() >= KEPT_MAX {
            self.refuse(Refused::Room);
            return;
        }
        if let Ok(value) = serde_json::to_value(&held) {
            self.write(&value);
        }
        self.held.insert(held.id.clone(), held);
        self.is_changed = true;
    }

    fn write(&mut self, value: &Value) {
        if self.path.is_some() {
            self.pending.extend_from_slice(value.to_string().as_bytes());
            self.pending.push(b'\n');
            self.lines += 1;
        }
    }

    fn refuse(&mut self, why: Refused) {
        let at = Refused::ALL.iter().position(|one| *one == why);
        if let Some(count) = at.and_then(|at| self.refused.get_mut(at)) {
            *count += 1;
        }
    }

    /// Lets go what is over; whether anything was.
    pub fn prune(&mut self, now: Timestamp) -> bool {
        let before = self.held.len();
        self.held.retain(|_, held| !held.is_over(now));
        self.is_changed |= self.held.len() < before;
        self.held.len() < before
    }

    /// Puts what was taken on the disk; whether anything has changed since the last time.
    ///
    /// # Errors
    /// When it cannot be written: it is tried again at the next call.
    pub fn commit(&mut self) -> io::Result<bool> {
        let Some(path) = &self.path else { return Ok(std::mem::take(&mut self.is_changed)) };
        let now = self.held.len() + self.authors.len();
        if self.lines > 2 * now + OLD_LEAST {
            self.rewrite()?;
        } else if !self.pending.is_empty() {
            let mut file =
                fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            let before = file.metadata()?.len();
            if let Err(error) = file.write_all(&self.pending).and_then(|()| file.sync_data()) {
                // Half a line would spoil the one behind it.
                let _ = file.set_len(before);
                return Err(error);
            }
            self.pending.clear();
        }
        Ok(std::mem::take(&mut self.is_changed))
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let fresh = path.with_extension("new");
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        let mut out = io::BufWriter::new(file);
        for (id, name) in &self.authors {
            writeln!(out, "{}", json!({ "type": "identity", "id": id, "name": name }))?;
        }
        for held in self.held.values() {
            serde_json::to_writer(&mut out, held)?;
            out.write_all(b"\n")?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&fresh, path)?;
        self.pending.clear();
        self.lines = self.held.len() + self.authors.len();
        Ok(())
    }

    /// What is held, each with the name of its author, in the order of identifiers.
    pub fn held(&self) -> impl Iterator<Item = (&Held, &str)> {
        let mut held: Vec<&Held> = self.held.values().collect();
        held.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        held.into_iter().map(|held| {
            let author = self.authors.get(&held.created_by_ref).map_or("", String::as_str);
            (held, author)
        })
    }

    /// How many indicators are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What was not taken at all since it was opened, in the order of [`Refused::ALL`].
    pub const fn refused(&self) -> [u64; Refused::ALL.len()] {
        self.refused
    }
}
