//! Where the lines of a response's head end.
//!
//! Browsers take more than CR LF for the end of a line: LF, LF CR, a CR alone, a line with one
//! blank. Who reads only CR LF can be shown other headers than the browser sees, so responses
//! are read as tolerantly as Suricata's libhtp reads them.

/// A line; all numbers are indices into the bytes it was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// End of its text, line ending excluded.
    pub end: usize,
    /// Start of what follows it.
    pub next: usize,
    /// It was ended by LF CR, which changes what the next ending may be.
    pub crossed: bool,
    /// Nothing is on it: it ends the head.
    pub last: bool,
}

/// The line that starts at `from`, after one that was ended by LF CR when `crossed`; `None` when
/// more bytes may still change where it ends. When no more `will_come`, the rest is a line too.
pub fn line(bytes: &[u8], from: usize, crossed: bool, will_come: bool) -> Option<Line> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'\r', b'\n', rest) else {
            let end = bytes.len();
            return (!will_come && from < end).then_some(Line {
                end,
                next: end,
                crossed: false,
                last: false,
            });
        };
        at = at.saturating_add(found);
        if bytes.get(at) == Some(&b'\n') {
            return fed(bytes, from, at, crossed, will_come);
        }
        match bytes.get(at + 1) {
            None if will_come => return None,
            Some(b'\n') => return returned(bytes, from, at, crossed, will_come),
            // CR CR LF is no empty line, and a CR alone does not end one that has no text.
            Some(b'\r') => {}
            Some(_) if at == from => {}
            _ => return Some(Line { end: at, next: at + 1, crossed: false, last: false }),
        }
        at += 1;
    }
}

/// A line that LF ends, at `at`.
fn fed(bytes: &[u8], from: usize, at: usize, crossed: bool, will_come: bool) -> Option<Line> {
    let empty = at == from;
    let next = at + 1;
    if empty && !crossed {
        return Some(Line { end: at, next, crossed: false, last: true });
    }
    match bytes.get(next) {
        None if will_come => None,
        Some(b'\r') => Some(Line { end: at, next: next + 1, crossed: true, last: false }),
        after => {
            // One blank is taken for an empty line, unless an empty line follows.
            let blank =
                matches!(bytes.get(from..at), Some([b' ' | b'\t'])) && after != Some(&b'\n');
            Some(Line { end: at, next, crossed: false, last: empty || blank })
        }
    }
}

/// A line that CR LF ends, the CR at `at`.
fn returned(bytes: &[u8], from: usize, at: usize, crossed: bool, will_come: bool) -> Option<Line> {
    let empty = at == from;
    let mut next = at + 2;
    if empty && crossed {
        // LF CR, CR LF, CR LF are two ends of lines, not three.
        match bytes.get(next..next + 2).or_else(|| bytes.get(next..)) {
            Some(b"\r\n") => next += 2,
            Some(b"" | b"\r") if will_come => return None,
            _ => {}
        }
    }
    Some(Line { end: at, next, crossed: false, last: empty })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    /// The texts of the lines of a head, joined by `|`, then what follows the head.
    fn read(bytes: &[u8]) -> String {
        let (mut at, mut crossed, mut out) = (0, false, String::new());
        while let Some(found) = line(bytes, at, crossed, true) {
            if found.last {
                return out + "#" + &String::from_utf8_lossy(&bytes[found.next..]);
            }
            out += &String::from_utf8_lossy(&bytes[at..found.end]);
            out += "|";
            (at, crossed) = (found.next, found.crossed);
        }
        out + "..."
    }

    #[test]
    fn ends_of_lines_are_read_as_browsers_do() {
        assert_eq!(read(b"a: 1\r\nb: 2\r\n\r\nbody"), "a: 1|b: 2|#body");
        assert_eq!(read(b"a: 1\nb: 2\n\nbody"), "a: 1|b: 2|#body");
        assert_eq!(read(b"a: 1\rb: 2\r\n\r\nbody"), "a: 1|b: 2|#body");
        assert_eq!(read(b"a: 1\n\rb: 2\n\r\nbody"), "a: 1|b: 2|#body");
        assert_eq!(read(b"a: 1\n\r\r\n\r\nbody"), "a: 1|#body");
        assert_eq!(read(b"a: 1\n\r\r\nbody"), "a: 1|#body");
        assert_eq!(read(b"a: 1\n \nbody"), "a: 1|#body");
        assert_eq!(read(b"a: 1\n\t\n\nbody"), "a: 1|\t|#body");
        assert_eq!(read(b"a: 1\r\n\r\r\nb: 2\r\n\r\nbody"), "a: 1|\r|b: 2|#body");
        assert_eq!(read(b"a: 1\r\n\rb: 2\r\n\r\nbody"), "a: 1|\rb: 2|#body");
    }

    #[test]
    fn what_may_still_change_is_waited_for() {
        for part in [&b"a: 1"[..], b"a: 1\r", b"a: 1\n", b"\r"] {
            assert_eq!(line(part, 0, false, true), None, "{part:?}");
        }
        assert_eq!(line(b"\r\n", 0, true, true), None);
        assert!(line(b"a: 1", 0, false, false).is_some_and(|line| line.end == 4));
        assert_eq!(line(b"", 0, false, false), None);
    }
}
