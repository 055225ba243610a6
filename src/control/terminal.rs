//! Standard output, which may be a pipe that the reader has closed.

use std::io::{self, IsTerminal, Write};

/// Writes to standard output. A closed pipe ends the writing, not the program.
pub struct Terminal {
    out: io::StdoutLock<'static>,
    closed: bool,
    /// The byte that was written last.
    last: u8,
}

/// The bytes with a question mark for each control character, if there is one: texts of rules and of the
/// wire must not give orders to a terminal. Beside those of ASCII these are U+0080 to U+009F (ISO 6429,
/// C1), whose two bytes may come in two writes; `last` was written before.
fn without_orders(bytes: &[u8], last: u8) -> Option<Vec<u8>> {
    let before = std::iter::once(&last).chain(bytes);
    let is_order = |(before, byte): (&u8, &u8)| {
        let c1 = *before == 0xc2 && (0x80..=0x9f).contains(byte);
        c1 || byte.is_ascii_control() && !b"\n\t".contains(byte)
    };
    let orders = || before.clone().zip(bytes).map(is_order);
    let plain = || bytes.iter().zip(orders()).map(|(byte, order)| if order { b'?' } else { *byte });
    orders().any(|order| order).then(|| plain().collect())
}

impl Terminal {
    /// Takes standard output.
    pub fn stdout() -> Self {
        Self { out: io::stdout().lock(), closed: false, last: 0 }
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
        let result = match without_orders(bytes, self.last) {
            Some(plain) if self.is_terminal() => self.out.write(&plain),
            _ => self.out.write(bytes),
        };
        let written = self.tolerate(result, bytes.len())?;
        self.last =
            written.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(self.last);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.out.flush();
        self.tolerate(result, ())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_text_gives_no_orders() {
        assert_eq!(without_orders("caffè\t1\n".as_bytes(), 0), None);
        assert_eq!(without_orders(b"a\x1b[31m\x7f", 0).unwrap(), b"a?[31m?");
        assert_eq!(without_orders("a\u{9b}31m".as_bytes(), 0).unwrap(), b"a\xc2?31m");
        assert_eq!(without_orders(b"\x9b31m", 0xc2).unwrap(), b"?31m");
    }
}
