//! Sets of values that rules fill (`dataset` with `state` or `save`), on disk: a folder (`--data-dir`)
//! with a file for each, written whole when a run ends and at a reload. A file is one value a line,
//! sorted, as `load` reads it.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, process};

use super::rules::Loaded;
use crate::detect::changes::SetChanges;
use crate::detect::datasets::{ReadKept, Set};

/// A file of more bytes is none that this program writes.
const FILE_MAX: u64 = 256 << 20;

/// Sets by name.
pub type Sets = HashMap<String, Arc<Set>>;

/// The sets of the rules in force, what rules have changed in them, and where they are kept.
pub(super) struct Kept {
    folder: Option<PathBuf>,
    sets: Mutex<Arc<Sets>>,
    changes: Arc<Mutex<SetChanges>>,
}

impl Kept {
    /// Of these rules, if there are any. Without a folder nothing is written.
    pub(super) fn new(
        folder: Option<&Path>,
        loaded: Option<&Loaded>,
        changes: Arc<Mutex<SetChanges>>,
    ) -> Self {
        let sets = loaded.map(|loaded| Arc::clone(&loaded.sets)).unwrap_or_default();
        Self { folder: folder.map(Path::to_owned), sets: Mutex::new(sets), changes }
    }

    /// Says, once for a run, that what rules ask to be kept is not, when there is no folder for it.
    pub(super) fn warn_of_none(&self) {
        let sets = self.sets();
        let kept = sets.values().filter(|set| set.is_kept());
        let mut names: Vec<&str> = kept.map(|set| set.name.as_str()).collect();
        names.sort_unstable();
        if let (None, Some(first)) = (&self.folder, names.first()) {
            let count = names.len();
            tracing::warn!(
                "{count} sets of values with `state` or `save` ({first}, ...) begin empty and are \
                 not kept: name a folder for them with --data-dir"
            );
        }
    }

    /// The sets in force.
    pub(super) fn sets(&self) -> Arc<Sets> {
        Arc::clone(&self.sets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes other sets for those in force; what has no place among them is written for the last
    /// time, and forgotten.
    pub(super) fn replace(&self, sets: &Arc<Sets>) -> Vec<String> {
        let before = self.sets();
        let files: HashSet<&str> = sets.values().filter_map(|set| set.file()).collect();
        let goes = |set: &&Arc<Set>| set.file().is_some_and(|file| !files.contains(file));
        let problems = self.write_those(before.values().filter(goes));
        *self.sets.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(sets);
        let numbers = sets.values().map(|set| set.number).collect();
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).retain(&numbers);
        problems
    }

    /// Writes all that are to be kept; says of which that could not be.
    pub(super) fn write(&self) -> Vec<String> {
        self.write_those(self.sets().values())
    }

    fn write_those<'a>(&self, sets: impl Iterator<Item = &'a Arc<Set>>) -> Vec<String> {
        let Some(folder) = &self.folder else { return Vec::new() };
        let mut sets: Vec<(&str, &Arc<Set>)> =
            sets.filter_map(|set| Some((set.file()?, set))).collect();
        sets.sort_unstable_by_key(|(file, _)| *file);
        let mut problems = Vec::new();
        for (file, set) in sets {
            let path = folder.join(file);
            // The merge waits for a copy at most, not for the disk.
            let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            let changed = changes.of(set.number);
            drop(changes);
            let text = set.text(&changed);
            if let Err(why) = replace_file(&path, set, &text) {
                let (path, name) = (path.display(), &set.name);
                problems.push(format!("{path}: the set `{name}` is not kept: {why}"));
            }
        }
        let dropped = self.changes.lock().unwrap_or_else(PoisonError::into_inner).dropped();
        if dropped > 0 {
            tracing::warn!("{dropped} changes of sets were not made: there was no room");
        }
        problems
    }
}

/// Reads what is kept in a folder.
pub(super) fn reader(folder: &Path) -> Arc<ReadKept> {
    let folder = folder.to_owned();
    Arc::new(move |file: &str| {
        let path = folder.join(file);
        read(&path).map_err(|error| format!("{}: {error}", path.display()))
    })
}

/// The content of a file, if it is there.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let about = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        about => about?,
    };
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if about.len() > FILE_MAX {
        let size = about.len();
        return Err(io::Error::other(format!("{size} bytes are more than {FILE_MAX}")));
    }
    fs::read(path).map(Some)
}

/// Puts a text in place of a file: whole or not at all, and only over what is such a set, as rules
/// of others name the file.
fn replace_file(path: &Path, set: &Set, text: &[u8]) -> io::Result<()> {
    match read(path)? {
        Some(now) if now == text => return Ok(()),
        Some(now) => set.reads(&now).map_err(|why| {
            io::Error::other(format!("{why}: what is there is no such set, and stays"))
        })?,
        None => {}
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)?;
    // Hidden, as no set is, and of this process: no two write the same.
    let mut fresh = std::ffi::OsString::from(".");
    fresh.push(path.file_name().unwrap_or_default());
    fresh.push(format!(".{}.new", process::id()));
    let fresh = folder.join(fresh);
    let written = write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // What is half written helps nobody; what else is wrong was told by the first error.
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::rules::load_texts;
    use super::*;
    use crate::detect::Variables;
    use crate::record::{BitCommand, SetQuery};

    fn loaded(folder: &Path, options: &[&str], before: Arc<Sets>) -> Loaded {
        let rule = |(sid, options): (usize, &&str)| {
            format!(
                "alert dns any any -> any any (dns.query; dataset:{options}; sid:{};)\n",
                sid + 1
            )
        };
        let rules: String = options.iter().enumerate().map(rule).collect();
        let mut variables = Variables::default();
        variables.companions.kept = Some(reader(folder));
        variables.companions.before = before;
        load_texts(&[("a.rules".into(), rules)], &mut variables)
    }

    fn kept(folder: &Path, options: &[&str]) -> Kept {
        let loaded = loaded(folder, options, Arc::default());
        assert_eq!(loaded.summary.failed, 0, "{:?}", loaded.diagnostics);
        Kept::new(Some(folder), Some(&loaded), Arc::default())
    }

    impl Kept {
        fn put(&self, name: &str, value: &str, on: bool) {
            let sets = self.sets();
            let (set, value) = (&sets[name], value.as_bytes().to_vec());
            let (number, room, loaded) = (set.number, set.room(), set.loaded(&value).is_some());
            let command = BitCommand::Set;
            let query = SetQuery { set: number, command, value, loaded, room };
            assert!(self.changes.lock().unwrap().make(&query, on));
        }
    }

    fn told(folder: &Path, file: &str) -> String {
        fs::read_to_string(folder.join(file)).unwrap()
    }

    const STATE: &str = "set,seen,type string,state seen.lst";

    #[test]
    fn what_rules_put_in_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = kept(&path, &[STATE, "set,s,type string,save deep/er/s.lst"]);
        for value in ["b", "abc", "\u{ff}"] {
            first.put("seen", value, true);
        }
        assert_eq!(first.write(), [""; 0]);
        assert_eq!(told(&path, "seen.lst"), "YWJj\nYg==\nw78=\n");
        assert_eq!(told(&path, "deep/er/s.lst"), "");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(path.join("seen.lst")).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let second = kept(&path, &[STATE]);
        second.put("seen", "b", false);
        second.put("seen", "z", true);
        assert_eq!(second.write(), [""; 0]);
        assert_eq!(told(&path, "seen.lst"), "YWJj\neg==\nw78=\n");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn a_reload_keeps_what_stays_and_writes_what_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let kept = kept(path, &["set,goes,type string,state goes.lst", STATE]);
        kept.put("goes", "a", true);
        kept.put("seen", "b", true);
        let next = loaded(path, &["isset,new,type string,state new.lst", STATE], kept.sets());
        assert_eq!(kept.replace(&next.sets), [""; 0]);
        assert_eq!(told(path, "goes.lst"), "YQ==\n");
        assert!(!path.join("seen.lst").exists() && !path.join("new.lst").exists());
        let seen = kept.sets()["seen"].number;
        assert_eq!(kept.changes.lock().unwrap().of(seen).len(), 1, "under the same number");
        assert_eq!(kept.write(), [""; 0]);
        assert_eq!(told(path, "seen.lst"), "Yg==\n");
        assert!(!path.join("new.lst").exists(), "nobody fills it");
        // A set that comes again begins with what was written.
        let again = loaded(path, &["set,goes,type string,state goes.lst"], kept.sets());
        kept.replace(&again.sets);
        assert!(kept.sets()["goes"].loaded(b"a").is_some());
    }

    #[test]
    fn what_is_no_such_set_is_told_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("seen.lst"), "YWJj\n!\n").unwrap();
        let refused = loaded(path, &[STATE], Arc::default());
        let told_of = refused.diagnostics[0].to_string();
        assert!(told_of.contains("R232") && told_of.contains("a.rules:1"), "{told_of}");
        assert!(told_of.contains("seen.lst: line 2") && told_of.contains("mend"), "{told_of}");
        assert!(refused.sets.is_empty());
        // `save` does not look at what is there until it writes.
        let saved = kept(path, &["set,seen,type string,save seen.lst"]);
        saved.put("seen", "b", true);
        let problems = saved.write();
        assert!(problems[0].contains("seen.lst") && problems[0].contains("line 2"), "{problems:?}");
        assert_eq!(told(path, "seen.lst"), "YWJj\n!\n");
        fs::remove_file(path.join("seen.lst")).unwrap();
        fs::create_dir(path.join("seen.lst")).unwrap();
        assert_eq!(loaded(path, &[STATE], Arc::default()).summary.failed, 1);
        assert_eq!(saved.write().len(), 1);
    }

    #[test]
    fn files_elsewhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (option, code) in [
            ("set,s,type string,state ../s", "R233"),
            ("set,s,type string,save /tmp/s", "R233"),
            ("set,s,type string,state a/../../s", "R233"),
            ("set,s,type string,state .s", "R233"),
            ("set,s,type string,load s,state s", "R230"),
            ("set,s,type string,save s,state s", "R230"),
            ("isset,s,type string,save s,load s,format json,value_key k", "R230"),
        ] {
            let refused = loaded(folder.path(), &[option], Arc::default());
            let told: Vec<_> = refused.diagnostics.iter().map(ToString::to_string).collect();
            assert!(told.len() == 1 && told[0].contains(code), "{option}: {told:?}");
        }
    }
}
