//! Standard output, which may be a pipe that the reader has closed.

use std::io::{self, IsTerminal, Write};

/// Writes to standard output. A closed pipe ends the writing, not the program.
pub struct Terminal {
    out: io::StdoutLock<'static>,
    closed: bool,
}

impl Terminal {
    /// Takes standard output.
    pub fn stdout() -> Self {
        Self { out: io::stdout().lock(), closed: false }
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    fn tolerate<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let result = self.out.write(bytes);
        self.tolerate(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.out.flush();
        self.tolerate(result, ())
    }
}
