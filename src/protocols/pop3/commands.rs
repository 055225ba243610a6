//! The commands, how many arguments each takes, and which responses have several lines.

use std::ops::RangeInclusive;

use crate::protocols::Probe;

/// A command of the protocol.
pub struct Known {
    /// Its name, in upper case.
    pub name: &'static str,
    /// How many arguments it takes.
    pub arguments: RangeInclusive<usize>,
    /// With so many arguments, or fewer, a good response goes on up to a line with a dot.
    lines_up_to: Option<usize>,
}

const fn known(name: &'static str, arguments: RangeInclusive<usize>) -> Known {
    Known { name, arguments, lines_up_to: None }
}

const fn lines(name: &'static str, arguments: RangeInclusive<usize>, lines_up_to: usize) -> Known {
    Known { name, arguments, lines_up_to: Some(lines_up_to) }
}

/// RFC 1939, chapters 5 to 7; RFC 2449; RFC 2595; RFC 5034; RFC 6856.
const COMMANDS: &[Known] = &[
    known("APOP", 2..=2),
    known("AUTH", 0..=2),
    lines("CAPA", 0..=0, 0),
    known("DELE", 1..=1),
    lines("LANG", 0..=1, 0),
    lines("LIST", 0..=1, 0),
    known("NOOP", 0..=0),
    known("PASS", 1..=usize::MAX),
    known("QUIT", 0..=0),
    lines("RETR", 1..=1, 1),
    known("RSET", 0..=0),
    known("STAT", 0..=0),
    known("STLS", 0..=0),
    lines("TOP", 2..=2, 2),
    lines("UIDL", 0..=1, 0),
    known("USER", 1..=1),
    known("UTF8", 0..=0),
];

impl Known {
    /// Whether a good response to it, with so many arguments, has several lines.
    pub fn has_lines(&self, arguments: usize) -> bool {
        self.lines_up_to.is_some_and(|most| arguments <= most)
    }
}

/// A command by its name in any case.
pub fn find(name: &[u8]) -> Option<&'static Known> {
    COMMANDS.iter().find(|known| known.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Commands that no other protocol begins with.
const FIRST: &[&[u8]] = &[b"CAPA\r\n", b"APOP ", b"STLS\r\n"];

/// Whether a client's first bytes are a command.
pub fn probe(bytes: &[u8]) -> Probe {
    let mut best = Probe::No;
    for first in FIRST {
        let both = bytes.len().min(first.len());
        let same = bytes.iter().zip(*first).all(|(a, b)| a.eq_ignore_ascii_case(b));
        match same {
            true if both == first.len() => return Probe::Yes,
            true => best = Probe::NeedMore,
            false => {}
        }
    }
    best
}
