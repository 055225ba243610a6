//! Content-Range (RFC 9110, section 14.4): `bytes START-END/SIZE`.

use super::head::leading_number;

/// Which part of a file a response holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First and last byte; `None` when no part is named (`*`).
    pub bounds: Option<(u64, u64)>,
    /// Bytes of the whole; `None` when that is not known (`*`).
    pub size: Option<u64>,
}

impl Range {
    /// Reads the header's value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let range = value.strip_prefix(b"bytes ")?;
        let mut halves = range.splitn(2, |byte| *byte == b'/');
        let (bounds, size) = (halves.next()?, halves.next()?);
        let mut ends = bounds.splitn(2, |byte| *byte == b'-');
        let start = ends.next().and_then(leading_number);
        let end = ends.next().and_then(leading_number);
        Some(Self { bounds: start.zip(end), size: leading_number(size) })
    }

    /// First byte and size of the whole of a true part: not of all of it, and within it.
    pub fn part(&self) -> Option<(u64, u64)> {
        let ((start, end), size) = self.bounds.zip(self.size)?;
        let all = start == 0 && end.checked_add(1) == Some(size);
        (!all && end > 0 && start <= end && end < size).then_some((start, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_wholes_and_nonsense() {
        let part = |text: &str| Range::parse(text.as_bytes()).and_then(|range| range.part());
        assert_eq!(part("bytes 4-7/100"), Some((4, 100)));
        assert_eq!(part("bytes 0-99/100"), None);
        assert_eq!(part("bytes 7-4/100"), None);
        assert_eq!(part("bytes 4-100/100"), None);
        assert_eq!(part("bytes 4-7/*"), None);
        assert_eq!(part("bytes */100"), None);
        assert_eq!(part("lines 4-7/100"), None);
    }
}
