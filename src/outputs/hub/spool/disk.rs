//! A folder of files, as far as the spool needs one. A trait, so that tests can refuse.

use std::fs;
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A folder of files.
pub trait Disk: Send {
    /// The names of all files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A whole file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Writes at a place, which is the file's end as far as it counts, and waits until it is on the
    /// disk. Makes the file if need be.
    ///
    /// # Errors
    /// When not all of it could be written; some of it may be there.
    fn append(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file off.
    ///
    /// # Errors
    /// When that is not possible.
    fn truncate(&mut self, name: &str, bytes: u64) -> io::Result<()>;

    /// Puts a file in place of another: there is the old one or the new one, never half of it.
    ///
    /// # Errors
    /// When the new one could not be written; then the old one is there.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// A real folder.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if need be; only its owner may look into it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { path: path.to_owned() })
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_all()
    }
}

/// How files are opened: what is made can be read by its owner alone, wherever it is copied to.
fn own() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn append(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        let mut file = own().create(true).truncate(false).open(path)?;
        file.seek(io::SeekFrom::Start(at))?;
        file.write_all(bytes)?;
        file.sync_data()?;
        if at == 0 { self.sync() } else { Ok(()) }
    }

    fn truncate(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        let file = own().open(self.path.join(name))?;
        file.set_len(bytes)?;
        file.sync_data()
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fresh = self.path.join(format!("{name}.new"));
        let mut file = own().create(true).truncate(true).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, self.path.join(name))?;
        self.sync()
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A real folder that is only looked at, while another process may work in it.
pub struct Looked {
    path: PathBuf,
}

impl Looked {
    /// Whether or not it is there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    fn refused() -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, "it is only looked at")
    }
}

impl Disk for Looked {
    fn list(&self) -> io::Result<Vec<String>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        Folder { path: self.path.clone() }.list()
    }

    /// What was let go since it was listed is empty.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        match fs::read(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    fn append(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        Err(Self::refused())
    }

    fn truncate(&mut self, _: &str, _: u64) -> io::Result<()> {
        Err(Self::refused())
    }

    fn replace(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(Self::refused())
    }

    /// What is left over is for the one who works in it.
    fn remove(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
}
