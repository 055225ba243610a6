//! Lines of text out of a stream that is cut anywhere: FTP, POP3, the banner of SSH.

/// Puts lines together. A line ends with LF; a CR before it belongs to the end.
#[derive(Debug)]
pub struct Lines {
    kept: Vec<u8>,
    limit: usize,
    /// The line is longer than is kept: the rest up to its end is passed over.
    long: bool,
}

/// A line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, or the first of them.
    pub bytes: Vec<u8>,
    /// Whether it was longer than is kept.
    pub truncated: bool,
}

impl Lines {
    /// Keeps at most `limit` bytes of a line.
    pub const fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, long: false }
    }

    /// The next whole line, taken off the front of `rest`; `None` once all of it is used up.
    pub fn next(&mut self, rest: &mut &[u8]) -> Option<Line> {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (part, after) = match end {
            Some(end) => rest.split_at_checked(end.saturating_add(1))?,
            None => (*rest, &[][..]),
        };
        *rest = after;
        let content = part.strip_suffix(b"\n").unwrap_or(part);
        // A CR may stand before the end: there is room for it.
        let room = self.limit.saturating_add(1).saturating_sub(self.kept.len());
        self.long |= content.len() > room;
        self.kept.extend_from_slice(content.get(..room).unwrap_or(content));
        end?;
        let mut bytes = std::mem::take(&mut self.kept);
        let mut truncated = std::mem::take(&mut self.long);
        if !truncated && bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        truncated |= bytes.len() > self.limit;
        bytes.truncate(self.limit);
        Some(Line { bytes, truncated })
    }

    /// The beginning of a line whose end has not come.
    pub fn pending(&self) -> &[u8] {
        &self.kept
    }

    /// Forgets the beginning of a line: bytes were lost.
    pub fn clear(&mut self) {
        self.kept = Vec::new();
        self.long = false;
    }

    /// Bytes it points to.
    pub const fn memory(&self) -> usize {
        self.kept.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], size: usize) -> Vec<Line> {
        let mut lines = Lines::new(5);
        let mut found = Vec::new();
        for part in text.chunks(size) {
            let mut rest = part;
            found.extend(std::iter::from_fn(|| lines.next(&mut rest)));
        }
        assert!(lines.memory() < 32);
        found
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = b"one\r\n\ntwo\nfives\r\nsixsix\nvery long\r\r\nrest";
        let whole = lines(text, usize::MAX);
        let shown: Vec<_> = whole.iter().map(|l| (l.bytes.as_slice(), l.truncated)).collect();
        let expected: [(&[u8], bool); 6] = [
            (b"one", false),
            (b"", false),
            (b"two", false),
            (b"fives", false),
            (b"sixsi", true),
            (b"very ", true),
        ];
        assert_eq!(shown, expected);
        for size in 1..text.len() {
            assert_eq!(lines(text, size), whole, "pieces of {size}");
        }
    }
}
