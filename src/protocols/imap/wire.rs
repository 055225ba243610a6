//! A direction cut into lines, with the literals within them (RFC 9051, 4.3; RFC 7888).

/// Bytes of a line that are kept, without its literals (RFC 7162, section 4).
pub const LINE_BYTES: usize = 8192;
/// Literals of a line that are kept, and bytes of each.
const LITERALS_MAX: usize = 16;
const LITERAL_BYTES: usize = 1024;
/// Bytes at the end of a line that tell whether a literal follows.
const TAIL_BYTES: usize = 32;
/// Bytes that a literal may announce (RFC 3501, section 9: a number has 32 bits).
const ANNOUNCED_MAX: u64 = u32::MAX as u64;
/// Arguments of a command that are told apart.
const ARGUMENTS_MAX: usize = 16;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A literal was announced; [`Wire::text`] is the line up to it.
    Begins,
    /// Bytes of it.
    Data(&'a [u8]),
    /// It is over.
    Ends,
    /// The line is over.
    Line(Line),
}

/// A line without its end. Literals stand in it as they were announced: `{5}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its text, or the first of it.
    pub text: Vec<u8>,
    /// Whether it was longer than is kept.
    pub truncated: bool,
    /// Whether it ends with the announcement of a literal that is too long to be one.
    pub flawed: bool,
    /// Where in the text each literal was announced, and its first bytes.
    literals: Vec<(usize, Vec<u8>)>,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Wire {
    line: Line,
    tail: Vec<u8>,
    /// Bytes of a literal that are still to come.
    left: Option<u64>,
    /// The other side must agree first, and nothing of the literal has come.
    waits: bool,
    /// Bytes were lost: nothing is read before the next line begins.
    lost: bool,
}

impl Wire {
    /// The next piece, taken off the front of `rest`; `None` once all of it is used up.
    pub fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Piece<'a>> {
        if let Some(left) = self.left {
            return self.literal(left, rest);
        }
        let end = memchr::memchr(b'\n', rest);
        let (part, after) = match end {
            Some(end) => rest.split_at_checked(end.saturating_add(1))?,
            None => (*rest, &[][..]),
        };
        *rest = after;
        if self.lost {
            self.lost = end.is_none();
            return if self.lost { None } else { self.next(rest) };
        }
        self.add(part.strip_suffix(b"\n").unwrap_or(part));
        end?;
        Some(self.end())
    }

    fn literal<'a>(&mut self, left: u64, rest: &mut &'a [u8]) -> Option<Piece<'a>> {
        if left == 0 {
            self.left = None;
            return Some(Piece::Ends);
        }
        if rest.is_empty() {
            return None;
        }
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let (data, after) = rest.split_at_checked(take)?;
        *rest = after;
        self.left = Some(left.saturating_sub(data.len() as u64));
        self.waits = false;
        if let Some((_, kept)) = self.line.literals.last_mut() {
            let room = LITERAL_BYTES.saturating_sub(kept.len());
            kept.extend_from_slice(data.get(..room).unwrap_or(data));
        }
        Some(Piece::Data(data))
    }

    fn add(&mut self, part: &[u8]) {
        // A CR may stand before the end: there is room for it.
        let room = (LINE_BYTES + 1).saturating_sub(self.line.text.len());
        self.line.truncated |= part.len() > room;
        self.line.text.extend_from_slice(part.get(..room).unwrap_or(part));
        let last = part.get(part.len().saturating_sub(TAIL_BYTES)..).unwrap_or(part);
        self.tail.extend_from_slice(last);
        let over = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..over);
    }

    fn end(&mut self) -> Piece<'static> {
        let tail = std::mem::take(&mut self.tail);
        let tail = tail.strip_suffix(b"\r").unwrap_or(&tail);
        let line = &mut self.line;
        if !line.truncated && line.text.last() == Some(&b'\r') {
            line.text.pop();
        }
        line.truncated |= line.text.len() > LINE_BYTES;
        line.text.truncate(LINE_BYTES);
        match announced(tail) {
            Some((size, waits)) if size <= ANNOUNCED_MAX => {
                self.left = Some(size);
                self.waits = waits;
                if line.literals.len() < LITERALS_MAX {
                    line.literals.push((line.text.len(), Vec::new()));
                }
                Piece::Begins
            }
            flawed => {
                line.flawed = flawed.is_some();
                Piece::Line(std::mem::take(line))
            }
        }
    }

    /// The line so far.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// The line so far, when it waits for the other side to agree to a literal: it does not, and
    /// the line ends there.
    pub fn refused(&mut self) -> Option<Line> {
        if !std::mem::take(&mut self.waits) {
            return None;
        }
        self.left = None;
        Some(std::mem::take(&mut self.line))
    }

    /// So many bytes were lost; whether a literal goes on behind them.
    pub fn lose(&mut self, bytes: u64) -> bool {
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
        self.waits = false;
        if self.left.is_none() {
            *self = Self { lost: true, ..Self::default() };
        }
        self.left.is_some()
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let literals: usize = self.line.literals.iter().map(|(_, kept)| kept.capacity()).sum();
        self.line.text.capacity() + self.tail.capacity() + literals
    }
}

/// The size of the literal that the end of a line announces, and whether the other side must agree
/// first; one that no number holds is of `u64::MAX` bytes.
fn announced(tail: &[u8]) -> Option<(u64, bool)> {
    let inner = tail.strip_suffix(b"}")?;
    let at = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = inner.get(at.saturating_add(1)..)?;
    let (digits, waits) = match digits.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (digits, true),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    Some((size.unwrap_or(u64::MAX), waits))
}

impl Line {
    /// The first words at blanks: the tag, the command, what follows.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
    }

    /// Whether a quoted string in it does not end.
    pub fn is_open(&self) -> bool {
        let mut within = false;
        let mut bytes = self.text.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => within = !within,
                b'\\' if within => drop(bytes.next()),
                _ => {}
            }
        }
        within
    }

    /// What follows the tag and the command: atoms, strings without quotes, literals by their
    /// first bytes (RFC 9051, chapter 4).
    pub fn arguments(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut at = 0_usize;
        while found.len() < ARGUMENTS_MAX + 2 {
            let rest = self.text.get(at..).unwrap_or_default();
            let Some(skip) = rest.iter().position(|byte| *byte != b' ') else { break };
            at = at.saturating_add(skip);
            let rest = rest.get(skip..).unwrap_or_default();
            let (argument, length) = match rest.strip_prefix(b"\"") {
                Some(quoted) => unquoted(quoted),
                None => {
                    let length = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
                    let length = length.min(self.to_literal(at)).max(1);
                    (rest.get(..length).unwrap_or_default().to_vec(), length)
                }
            };
            at = at.saturating_add(length);
            let literal = self.literals.iter().find(|(place, _)| *place == at);
            found.push(literal.map_or(argument, |(_, kept)| kept.clone()));
        }
        found.drain(..found.len().min(2));
        found
    }

    /// Bytes from a place in the text to the end of the next announcement.
    fn to_literal(&self, at: usize) -> usize {
        let next = self.literals.iter().map(|(place, _)| *place).find(|place| *place > at);
        next.map_or(usize::MAX, |place| place.saturating_sub(at))
    }
}

/// A quoted string behind its first quote, and its length with both quotes.
fn unquoted(text: &[u8]) -> (Vec<u8>, usize) {
    let mut found = Vec::new();
    let mut bytes = text.iter();
    let mut length = 1_usize;
    while let Some(byte) = bytes.next() {
        length = length.saturating_add(1);
        match byte {
            b'"' => break,
            b'\\' => {
                length = length.saturating_add(1);
                found.extend(bytes.next());
            }
            byte => found.push(*byte),
        }
    }
    (found, length)
}
