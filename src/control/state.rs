//! What detectors have learned, on disk: a folder (`--state`) that holds one redb file, written
//! whole at the end of an input and every few minutes of a watch, so that a restart forgets
//! nothing. Each entry carries its own checksum: what a disk or a cut-off copy damaged is told and
//! never believed.

use std::cell::Cell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::{fs, panic};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use sha2::{Digest, Sha256};

use crate::anomaly::{Behaviour, state};
use crate::time::Timestamp;

/// The file in the folder.
pub const FILE: &str = "behaviour.redb";
/// Where a damaged file is put by a sensor that has to go on.
pub const ASIDE: &str = "behaviour.redb.aside";
/// The name under which a new file is made.
const NEW: &str = "behaviour.redb.new";
/// A file of more bytes is none that this program writes.
const FILE_MAX: u64 = 1 << 30;
/// Bytes of an entry's checksum: SHA-256, cut.
const CHECK: usize = 16;

/// By detector what it has learned, sealed.
const LEARNED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("learned");
/// Numbers about the file: its version, the packet time (seconds) up to which it holds all.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const VERSION: &str = "version";
const SAVED: &str = "saved";

/// Why there is nothing to be had from the folder.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process has it open.
    #[error(
        "{}: another rivellino uses this state; stop it, or name another folder with --state",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is not what was written.
    #[error(
        "{}: the state is damaged ({why}); put back a copy, or begin anew with `rivellino \
         baseline forget --all --state {}`",
        path.display(), folder(path).display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another version wrote it.
    #[error(
        "{}: the state is of version {found}, this program reads version {}; use the program that \
         wrote it, or begin anew with `rivellino baseline forget --all --state {}`",
        path.display(), state::VERSION, folder(path).display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
    },
    /// It is not there.
    #[error(
        "{}: there is no state; `rivellino baseline learn` or a run with --state makes one",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The disk does not do as asked.
    #[error("{}: {why}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        why: String,
    },
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// An open state.
pub struct Store {
    database: Database,
    path: PathBuf,
}

impl Store {
    /// Opens the state in `folder`; makes both if they are not there.
    ///
    /// # Errors
    /// When it is in use, damaged, of another version, or the disk refuses.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(FILE);
        if path.exists() {
            return Self::existing(folder);
        }
        let disk = |why: String| StateError::Disk { path: path.clone(), why };
        fs::create_dir_all(folder).map_err(|error| disk(error.to_string()))?;
        // Made under another name, so that no half-made file is found when the power fails.
        let new = folder.join(NEW);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(disk(error.to_string()));
            }
            _ => {}
        }
        let database = Database::create(&new).map_err(|error| disk(error.to_string()))?;
        let store = Self { database, path: path.clone() };
        store.put::<&str>(Timestamp::default(), &[])?;
        fs::rename(&new, &path).map_err(|error| disk(error.to_string()))?;
        Ok(store)
    }

    /// Opens the state in `folder`, which must be there.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is none.
    pub fn existing(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(FILE);
        let about = match fs::metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(StateError::Missing { path });
            }
            Err(error) => return Err(StateError::Disk { path, why: error.to_string() }),
        };
        let damaged = |why: String| StateError::Damaged { path: path.clone(), why };
        if about.len() > FILE_MAX {
            return Err(damaged(format!("{} bytes, at most {FILE_MAX} make sense", about.len())));
        }
        // The library trusts lengths and offsets in the file up to a point: what it does not
        // expect may end in a panic, which here means what an error does.
        let opened = quietly(|| {
            let mut database = Database::open(&path)?;
            database.check_integrity()?;
            Ok(database)
        });
        let database = match opened {
            Ok(Ok(database)) => database,
            Ok(Err(redb::DatabaseError::DatabaseAlreadyOpen)) => {
                return Err(StateError::InUse { path });
            }
            Ok(Err(error)) if is_refused(&error) => {
                return Err(StateError::Disk { path, why: error.to_string() });
            }
            Ok(Err(error)) => return Err(damaged(error.to_string())),
            Err(why) => return Err(damaged(why)),
        };
        let store = Self { database, path };
        match store.about(VERSION)? {
            None => Ok(store),
            Some(version) if version == u64::from(state::VERSION) => Ok(store),
            Some(found) => Err(StateError::Version { path: store.path, found }),
        }
    }

    /// Opens the state in `folder`. One that cannot be used is put aside ([`ASIDE`], in place of an
    /// earlier one) and a new one begun: a sensor goes on. With what was wrong, if anything was.
    ///
    /// # Errors
    /// When it is in use, or the disk refuses.
    pub fn open_or_set_aside(folder: &Path) -> Result<(Self, Option<StateError>), StateError> {
        let error = match Self::open(folder) {
            Ok(store) => match store.learned() {
                Ok(_) => return Ok((store, None)),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if matches!(error, StateError::InUse { .. } | StateError::Disk { .. }) {
            return Err(error);
        }
        let (path, aside) = (folder.join(FILE), folder.join(ASIDE));
        fs::rename(&path, aside)
            .map_err(|error| StateError::Disk { path, why: error.to_string() })?;
        Ok((Self::open(folder)?, Some(error)))
    }

    /// By detector what it has learned, in order of names.
    ///
    /// # Errors
    /// When an entry is damaged.
    pub fn learned(&self) -> Result<Vec<(String, Vec<u8>)>, StateError> {
        let read = quietly(|| -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = match transaction.open_table(LEARNED) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut learned = Vec::new();
            for entry in table.iter()? {
                let (name, sealed) = entry?;
                learned.push((name.value().to_owned(), unseal(name.value(), sealed.value())));
            }
            Ok(learned)
        });
        let learned = self.understood(read)?;
        let opened = learned.into_iter().map(|(name, bytes)| match bytes {
            Some(bytes) => Ok((name, bytes)),
            None => Err(self.damaged(format!("the checksum of {name} does not fit"))),
        });
        opened.collect()
    }

    /// Packet time up to which it holds all.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn saved(&self) -> Result<Option<Timestamp>, StateError> {
        let saved = self.about(SAVED)?.filter(|seconds| *seconds > 0);
        Ok(saved.map(|seconds| Timestamp::new(seconds, 0)))
    }

    /// Puts what was learned up to `at` in place of what is there; entries of other detectors stay.
    ///
    /// # Errors
    /// When the disk refuses: what was there before stays.
    pub fn put<N: AsRef<str>>(
        &self,
        at: Timestamp,
        learned: &[(N, Vec<u8>)],
    ) -> Result<(), StateError> {
        let written = (|| -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(LEARNED)?;
                for (name, bytes) in learned {
                    let name = name.as_ref();
                    table.insert(name, seal(name, bytes).as_slice())?;
                }
                let mut about = transaction.open_table(ABOUT)?;
                about.insert(VERSION, u64::from(state::VERSION))?;
                // Older captures that are learned from later do not make it older.
                let before = about.get(SAVED)?.map_or(0, |saved| saved.value());
                about.insert(SAVED, before.max(at.seconds()))?;
            }
            Ok(transaction.commit()?)
        })();
        written.map_err(|error| self.disk(&error))
    }

    /// Forgets what the detectors of these names have learned; gives how many had.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(&self, names: &[String]) -> Result<usize, StateError> {
        let removed = (|| -> Result<usize, redb::Error> {
            let transaction = self.database.begin_write()?;
            let mut removed = 0;
            {
                let mut table = transaction.open_table(LEARNED)?;
                for name in names {
                    removed += usize::from(table.remove(name.as_str())?.is_some());
                }
            }
            transaction.commit()?;
            Ok(removed)
        })();
        removed.map_err(|error| self.disk(&error))
    }

    /// Gives detectors what they had learned.
    ///
    /// # Errors
    /// When an entry is damaged: detectors before it have taken theirs.
    pub fn fill(&self, behaviour: &mut Behaviour) -> Result<(), StateError> {
        for (name, bytes) in self.learned()? {
            // An entry of a detector that is off stays in the file for when it is on again.
            behaviour.load(&name, &bytes).map_err(|why| self.damaged(format!("{name}: {why}")))?;
        }
        Ok(())
    }

    fn about(&self, key: &str) -> Result<Option<u64>, StateError> {
        let read = quietly(|| -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            match transaction.open_table(ABOUT) {
                Ok(table) => Ok(table.get(key)?.map(|value| value.value())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        });
        self.understood(read)
    }

    fn understood<T>(&self, read: Result<Result<T, redb::Error>, String>) -> Result<T, StateError> {
        match read {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.damaged(error.to_string())),
            Err(why) => Err(self.damaged(why)),
        }
    }

    fn damaged(&self, why: String) -> StateError {
        StateError::Damaged { path: self.path.clone(), why }
    }

    fn disk(&self, error: &redb::Error) -> StateError {
        StateError::Disk { path: self.path.clone(), why: error.to_string() }
    }
}

/// Removes the state in `folder`, whatever it is worth, and one that was put aside; whether there
/// was any.
///
/// # Errors
/// When it is in use, or cannot be removed.
pub fn forget_all(folder: &Path) -> Result<bool, StateError> {
    // A sensor would go on writing to a file that nobody sees any more.
    if let Err(error @ StateError::InUse { .. }) = Store::existing(folder) {
        return Err(error);
    }
    let mut was = false;
    for name in [FILE, ASIDE] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Ok(()) => was = true,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StateError::Disk { path, why: error.to_string() }),
        }
    }
    Ok(was)
}

/// Whether it was the system that refused, not the file that is wrong.
fn is_refused(error: &redb::DatabaseError) -> bool {
    use redb::{DatabaseError, StorageError};
    let DatabaseError::Storage(StorageError::Io(error)) = error else { return false };
    !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

/// Runs what may panic on a file that somebody has made; the panic becomes an error.
fn quietly<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    thread_local! {
        static QUIET: Cell<bool> = const { Cell::new(false) };
    }
    // Set once: panics of this thread say nothing while it reads.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                told(info);
            }
        }));
    });
    QUIET.set(true);
    let read = panic::catch_unwind(panic::AssertUnwindSafe(read));
    QUIET.set(false);
    read.map_err(|_| "the file contradicts itself".to_owned())
}

fn checksum(name: &str, bytes: &[u8]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name);
    hash.update(bytes);
    let mut check = [0; CHECK];
    check.iter_mut().zip(hash.finalize()).for_each(|(place, byte)| *place = byte);
    check
}

fn seal(name: &str, bytes: &[u8]) -> Vec<u8> {
    [checksum(name, bytes).as_slice(), bytes].concat()
}

fn unseal(name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (check, bytes) = sealed.split_first_chunk::<CHECK>()?;
    (*check == checksum(name, bytes)).then(|| bytes.to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

    use super::*;

    fn learned() -> Vec<(String, Vec<u8>)> {
        vec![("beacon".to_owned(), vec![7; 5000]), ("scan".to_owned(), b"abc".to_vec())]
    }

    fn made(folder: &Path) {
        Store::open(folder).unwrap().put(Timestamp::new(77, 5), &learned()).unwrap();
    }

    #[test]
    fn gives_back_what_was_put_and_forgets_what_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.learned().unwrap(), learned());
        assert_eq!(store.saved().unwrap(), Some(Timestamp::new(77, 0)));
        let in_use = Store::open(folder.path()).err().unwrap();
        assert!(matches!(in_use, StateError::InUse { .. }), "{in_use}");
        assert!(matches!(forget_all(folder.path()), Err(StateError::InUse { .. })));
        assert_eq!(store.forget(&["scan".to_owned(), "none".to_owned()]).unwrap(), 1);
        assert_eq!(store.learned().unwrap(), learned()[..1]);
        drop(store);
        fs::write(folder.path().join(ASIDE), b"old").unwrap();
        assert!(forget_all(folder.path()).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!forget_all(folder.path()).unwrap());
        let missing = Store::existing(folder.path()).err().unwrap();
        assert!(missing.to_string().contains("there is no state"));
    }

    /// Whatever happens to the file: the truth, what was there before the last write (nothing,
    /// here), or an error; never a panic that reaches anybody, never other bytes.
    #[test]
    fn a_damaged_file_is_refused_or_makes_no_difference() {
        let (good, bad) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        made(good.path());
        let bytes = fs::read(good.path().join(FILE)).unwrap();
        let mut refused = 0;
        let cuts = (0..20).map(|n| bytes[..bytes.len() * n / 20].to_vec());
        let flips = (0..bytes.len()).step_by(bytes.len() / 60).map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            bytes
        });
        for damaged in cuts.chain(flips) {
            fs::write(bad.path().join(FILE), damaged).unwrap();
            match Store::existing(bad.path()).and_then(|store| store.learned()) {
                Ok(read) => assert!(read == learned() || read.is_empty()),
                Err(StateError::Damaged { .. } | StateError::Version { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(refused > 20, "{refused}");
    }

    #[test]
    fn a_sensor_sets_a_damaged_file_aside_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        assert!(Store::open_or_set_aside(folder.path()).unwrap().1.is_none());
        fs::write(folder.path().join(FILE), b"no state at all").unwrap();
        let (store, wrong) = Store::open_or_set_aside(folder.path()).unwrap();
        assert!(wrong.unwrap().to_string().contains("baseline forget --all"));
        assert!(store.learned().unwrap().is_empty());
        assert_eq!(fs::read(folder.path().join(ASIDE)).unwrap(), b"no state at all");
    }

    #[test]
    fn a_version_of_tomorrow_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        {
            let store = Store::open(folder.path()).unwrap();
            let transaction = store.database.begin_write().unwrap();
            transaction.open_table(ABOUT).unwrap().insert(VERSION, 99).unwrap();
            transaction.commit().unwrap();
        }
        let error = Store::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("version 99"), "{error}");
    }
}
