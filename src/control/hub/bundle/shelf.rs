//! Where rules of the centre stand at the site, and how others come into their place.
//!
//! ```text
//! rules/version-12/      the rule files of a bundle, whole before it has this name
//! rules/current          a link: what watch reads (`-S rules/current`)
//! rules/previous         a link: what was there before, to go back to
//! rules/floor            the highest version that was ever in force
//! ```
//!
//! Each change is one rename, on the disk before the next: whenever the power fails, `current` leads
//! to a whole folder, the old or the new.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use super::format::Bundle;

pub(super) const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const FLOOR: &str = "floor";
const VERSION: &str = "version-";
/// What is not whole yet is called so at its end.
const NEW: &str = ".new";

/// The folder of rules.
pub(super) struct Shelf {
    folder: PathBuf,
    /// Called whenever a change is on the disk: tests cut the power there.
    pub(super) changed: Box<dyn Fn()>,
}

impl Shelf {
    /// Opens the folder, makes it if need be.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
        Ok(Self { folder: folder.to_owned(), changed: Box::new(|| ()) })
    }

    /// The link that leads to the rules in force.
    pub(super) fn current(&self) -> PathBuf {
        self.folder.join(CURRENT)
    }

    /// The version in force, if there is one.
    pub(super) fn version(&self) -> Option<u64> {
        self.led_to(CURRENT)
    }

    /// The version to go back to.
    pub(super) fn last_good(&self) -> Option<u64> {
        self.led_to(PREVIOUS).filter(|version| Some(*version) != self.version())
    }

    /// The highest version that was ever in force: what comes has to be higher.
    pub(super) fn floor(&self) -> u64 {
        let told = fs::read_to_string(self.folder.join(FLOOR)).ok();
        let told = told.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        self.version().unwrap_or(0).max(told)
    }

    /// Whether the files of a bundle are those that are kept under its version; `None` when none are
    /// kept under it any more.
    pub(super) fn is_kept(&self, bundle: &Bundle) -> io::Result<Option<bool>> {
        let folder = self.folder.join(format!("{VERSION}{}", bundle.version));
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if entries.count() != bundle.files.len() {
            return Ok(Some(false));
        }
        for (name, content) in &bundle.files {
            match fs::read(folder.join(name)) {
                Ok(kept) if kept == *content => {}
                Ok(_) => return Ok(Some(false)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(false)),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(true))
    }

    fn led_to(&self, link: &str) -> Option<u64> {
        let target = fs::read_link(self.folder.join(link)).ok()?;
        // A link that leads nowhere is none.
        fs::metadata(self.folder.join(link)).ok()?;
        target.to_str()?.strip_prefix(VERSION)?.parse().ok()
    }

    /// Writes the files of a bundle into a folder that is not in force; gives the folder.
    pub(super) fn stage(&self, bundle: &Bundle) -> io::Result<PathBuf> {
        let folder = self.folder.join(format!("{VERSION}{}{NEW}", bundle.version));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::DirBuilder::new().mode(0o755).create(&folder)?;
        for (name, content) in &bundle.files {
            let mut file = fs::File::create_new(folder.join(name))?;
            file.write_all(content)?;
            file.sync_all()?;
            (self.changed)();
        }
        self.sync(&folder)?;
        Ok(folder)
    }

    /// Lets go of what was staged and is not wanted.
    pub(super) fn drop_staged(&self, staged: &Path) -> io::Result<()> {
        fs::remove_dir_all(staged)
    }

    /// Puts staged files into force under their version. What was in force is kept.
    pub(super) fn put_in_force(&self, staged: &Path, version: u64) -> io::Result<()> {
        let name = format!("{VERSION}{version}");
        let folder = self.folder.join(&name);
        // Left of a change that the power cut: it was never in force, or the floor would refuse it.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::rename(staged, &folder)?;
        self.sync(&self.folder)?;
        let before = self.version();
        if let Some(before) = before {
            self.lead(PREVIOUS, &format!("{VERSION}{before}"))?;
        }
        self.lead(CURRENT, &name)?;
        self.raise_floor(version)?;
        self.clear(&[Some(version), before])
    }

    /// Goes back to what was in force before; gives its version. The floor stays: what was taken
    /// back does not come again under its number.
    pub(super) fn roll_back(&self) -> io::Result<Option<u64>> {
        let Some(good) = self.last_good() else { return Ok(None) };
        self.raise_floor(self.floor())?;
        self.lead(CURRENT, &format!("{VERSION}{good}"))?;
        Ok(Some(good))
    }

    fn raise_floor(&self, version: u64) -> io::Result<()> {
        let fresh = self.folder.join(format!("{FLOOR}{NEW}"));
        let mut file = fs::File::create(&fresh)?;
        file.write_all(format!("{version}\n").as_bytes())?;
        file.sync_all()?;
        (self.changed)();
        fs::rename(&fresh, self.folder.join(FLOOR))?;
        self.sync(&self.folder)
    }

    fn lead(&self, link: &str, target: &str) -> io::Result<()> {
        let fresh = self.folder.join(format!("{link}{NEW}"));
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(target, &fresh)?;
        (self.changed)();
        fs::rename(&fresh, self.folder.join(link))?;
        self.sync(&self.folder)
    }

    /// Removes versions that nothing leads to.
    fn clear(&self, kept: &[Option<u64>]) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(of) = name.to_str().and_then(|name| name.strip_prefix(VERSION)) else {
                continue;
            };
            // What is not whole has no number.
            let is_kept = of.parse().is_ok_and(|version| kept.contains(&Some(version)));
            if !is_kept {
                fs::remove_dir_all(entry.path())?;
                (self.changed)();
            }
        }
        Ok(())
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        fs::File::open(folder)?.sync_all()?;
        (self.changed)();
        Ok(())
    }
}
