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
        // Texts of rules and of the wire must not give orders to a terminal.
        let is_order = |byte: &u8| byte.is_ascii_control() && !b"\n\t".contains(byte);
        let result = if self.is_terminal() && bytes.iter().any(is_order) {
            let plain: Vec<u8> =
                bytes.iter().map(|byte| if is_order(byte) { b'?' } else { *byte }).collect();
            self.out.write(&plain)
        } else {
            self.out.write(bytes)
        };
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
