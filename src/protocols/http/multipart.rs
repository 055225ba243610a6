//! The files in a request of type multipart/form-data (RFC 7578), as its bytes come.

use memchr::memmem::Finder;

use crate::field::Side;
use crate::file::{FILES_MAX, File as Carried, Wants};
use crate::protocols::formats::parameter::parameter;

/// Longest boundary, bytes, as Suricata has it.
const MAX_BOUNDARY: usize = 255;
/// Longest line of a part's head, bytes.
const MAX_LINE: usize = 4096;

/// A body in parts; those with a file name are files.
pub struct Multipart {
    /// A line ending, two hyphens and the boundary: where a part ends.
    delimiter: Finder<'static>,
    state: State,
    /// A line that was cut, or an end of content that may begin the delimiter.
    pending: Vec<u8>,
    files: Vec<Carried>,
    /// The last of `files` is the part that is being added to.
    open: bool,
    wants: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Lines before the first boundary.
    Preamble,
    /// The rest of the line behind a boundary.
    Boundary,
    /// Header lines of a part.
    Head,
    /// Content; with `true` nothing of it came yet, and the line ending in `pending` is none of it.
    Content(bool),
}

impl Multipart {
    /// For a value of Content-Type with a boundary.
    pub fn new(content_type: &[u8], wants: Wants) -> Option<Self> {
        let boundary = parameter(content_type, "boundary")?;
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return None;
        }
        let delimiter = [b"\r\n--", &*boundary].concat();
        Some(Self {
            delimiter: Finder::new(&delimiter).into_owned(),
            state: State::Preamble,
            pending: Vec::new(),
            files: Vec::new(),
            open: false,
            wants,
        })
    }

    /// Takes the next bytes of the body.
    pub fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Content(_) => self.content(bytes),
                _ => self.line(bytes),
            };
        }
    }

    /// So many bytes are missing: of the part that is open, if one is.
    pub fn lose(&mut self, count: u64) {
        self.flush();
        match self.state {
            State::Content(_) => self.part().into_iter().for_each(|file| file.lose(count)),
            _ => self.state = State::Preamble,
        }
    }

    /// The files so far.
    pub fn files(&self) -> &[Carried] {
        &self.files
    }

    /// The same, to end or to mark them.
    pub fn files_mut(&mut self) -> &mut [Carried] {
        &mut self.files
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        let files: usize = self.files.iter().map(|file| size_of::<Carried>() + file.memory()).sum();
        self.pending.capacity() + self.delimiter.needle().len() + files
    }

    fn part(&mut self) -> Option<&mut Carried> {
        self.files.last_mut().filter(|_| self.open)
    }

    /// Collects a line and acts on it; gives what is left.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let (part, rest) =
            bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
        let room = MAX_LINE.saturating_sub(self.pending.len());
        self.pending.extend_from_slice(part.get(..room).unwrap_or(part));
        if end.is_none() {
            return rest;
        }
        let line = std::mem::take(&mut self.pending);
        let line = line.trim_ascii_end();
        match self.state {
            State::Preamble => {
                let boundary = self.delimiter.needle().get(2..).unwrap_or_default();
                if line.starts_with(boundary) {
                    self.state = State::Head;
                }
            }
            State::Boundary => self.state = State::Head,
            State::Head if line.is_empty() => {
                self.state = State::Content(true);
                self.pending.extend_from_slice(b"\r\n");
            }
            State::Head => self.header(line),
            State::Content(_) => {}
        }
        rest
    }

    /// A part whose head names a file is one.
    fn header(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else { return };
        let (name, value) = line.split_at_checked(colon).unwrap_or((line, b""));
        if self.open || !name.eq_ignore_ascii_case(b"content-disposition") {
            return;
        }
        let Some(name) = parameter(value, "filename").filter(|name| !name.is_empty()) else {
            return;
        };
        if self.files.len() >= FILES_MAX {
            return;
        }
        let name: Vec<u8> = name.iter().copied().filter(|byte| *byte != b'\\').collect();
        self.files.push(Carried::open(&name, Side::Request, self.wants));
        self.open = true;
    }

    /// Takes content up to the delimiter; gives what is left.
    fn content<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let length = self.delimiter.needle().len();
        if !self.pending.is_empty() {
            // The delimiter may have begun in what is pending.
            let held = self.pending.len();
            let head = bytes.get(..length).unwrap_or(bytes);
            self.pending.extend_from_slice(head);
            if let Some(at) = self.delimiter.find(&self.pending) {
                let used = (at + length).saturating_sub(held);
                self.pending.truncate(at);
                self.part_over();
                return bytes.get(used..).unwrap_or_default();
            }
            if head.len() == bytes.len() {
                let keep = self.undecided(&self.pending);
                let rest = self.pending.split_off(self.pending.len() - keep);
                self.flush();
                self.pending = rest;
                return &[];
            }
            self.pending.truncate(held);
            self.flush();
        }
        match self.delimiter.find(bytes) {
            Some(at) => {
                self.give(bytes.get(..at).unwrap_or_default());
                self.part_over();
                bytes.get(at + length..).unwrap_or_default()
            }
            None => {
                let keep = self.undecided(bytes);
                let (sure, rest) = bytes.split_at_checked(bytes.len() - keep).unwrap_or_default();
                self.give(sure);
                self.pending.extend_from_slice(rest);
                &[]
            }
        }
    }

    /// How many bytes at the end of `bytes` may begin the delimiter.
    fn undecided(&self, bytes: &[u8]) -> usize {
        let needle = self.delimiter.needle();
        let most = bytes.len().min(needle.len().saturating_sub(1));
        (1..=most)
            .rev()
            .find(|count| {
                bytes.get(bytes.len() - count..).is_some_and(|end| needle.starts_with(end))
            })
            .unwrap_or(0)
    }

    fn give(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.state = State::Content(false);
            self.part().into_iter().for_each(|file| file.add(bytes));
        }
    }

    /// What is pending turned out to be content.
    fn flush(&mut self) {
        let State::Content(fresh) = self.state else {
            self.pending.clear();
            return;
        };
        let pending = std::mem::take(&mut self.pending);
        let own = if fresh { pending.get(2..).unwrap_or_default() } else { &pending };
        if fresh && pending.len() < 2 {
            self.pending = pending;
            return;
        }
        self.state = State::Content(false);
        self.give(own);
    }

    fn part_over(&mut self) {
        self.flush();
        self.pending.clear();
        self.part().into_iter().for_each(Carried::close);
        self.open = false;
        self.state = State::Boundary;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const BODY: &[u8] =
        b"preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"one.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nab\r\n--X\r\r\n-cd\r\n--XX\r\n\
        Content-Disposition: form-data; filename=\"empty\"\r\n\r\n--XX\r\n\
        Content-Disposition: form-data; filename=two\r\n\r\n\r\n\r\n--XX--\r\n";

    fn files(steps: impl Iterator<Item = usize>) -> Vec<(String, Vec<u8>, bool)> {
        let mut parts =
            Multipart::new(b"multipart/form-data; boundary=XX", Wants::NOTHING).unwrap();
        let mut rest = BODY;
        for step in steps {
            let (part, behind) = rest.split_at(step.min(rest.len()));
            parts.add(part);
            rest = behind;
        }
        parts.add(rest);
        let shown = |file: &Carried| {
            let name = String::from_utf8_lossy(&file.name).into_owned();
            (name, file.data().to_vec(), file.state() == crate::file::State::Closed)
        };
        parts.files().iter().map(shown).collect()
    }

    #[test]
    fn parts_with_names_are_files_however_they_come() {
        let whole = files(std::iter::empty());
        let expected = [("one.txt", &b"ab\r\n--X\r\r\n-cd"[..]), ("empty", b""), ("two", b"\r\n")];
        assert_eq!(whole.len(), expected.len());
        for ((name, data, closed), (wanted, content)) in whole.iter().zip(expected) {
            assert_eq!((name.as_str(), data.as_slice(), *closed), (wanted, content, true));
        }
        assert_eq!(files(std::iter::repeat_n(1, BODY.len())), whole);
        for cut in 1..BODY.len() {
            assert_eq!(files(std::iter::once(cut)), whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_line_or_many_parts_stay_small() {
        let mut parts =
            Multipart::new(b"multipart/form-data; boundary=\"XX\"", Wants::NOTHING).unwrap();
        parts.add(&[b'a'; 100_000]);
        parts.add(b"\n--XX\n");
        for _ in 0..1000 {
            parts.add(b"content-disposition: x; filename=y\n\nz\r\n--XX\n");
        }
        assert_eq!(parts.files().len(), FILES_MAX);
        assert!(parts.memory() < 100_000, "{}", parts.memory());
        assert!(Multipart::new(b"multipart/form-data", Wants::NOTHING).is_none());
    }
}
