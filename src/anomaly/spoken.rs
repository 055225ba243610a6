//! What a transaction says of itself, by key: for keys that no field has.
//!
//! A reader names the keys it wants, with the objects around them (`request.command`); it gets the
//! first value of each.

use std::ops::Range;

use crate::field::Tree;
use crate::record::TransactionRecord;

/// Bytes of a value kept; longer ones are cut.
const VALUE_BYTES_MAX: usize = 512;
/// Keys that are wanted at once, at most; of more nothing is kept.
const WANTED_MAX: usize = 12;

/// Values of the keys that were asked for.
#[derive(Default)]
pub struct Spoken {
    wanted: &'static [&'static str],
    /// One of them lies so deep that any object may lead to it.
    is_deep: bool,
    /// Of each key where its value lies in `text`.
    places: [Option<Range<usize>>; WANTED_MAX],
    text: Vec<u8>,
    path: String,
}

impl Spoken {
    /// The first values of `wanted` in a transaction.
    pub fn of(record: &TransactionRecord, wanted: &'static [&'static str]) -> Self {
        let mut spoken = Self::default();
        spoken.read(record, wanted);
        spoken
    }

    /// Forgets what was read, and reads the first values of `wanted` in a transaction.
    pub fn read(&mut self, record: &TransactionRecord, wanted: &'static [&'static str]) {
        debug_assert!(wanted.len() <= WANTED_MAX, "{wanted:?}");
        self.clear();
        self.wanted = wanted;
        let dots = |key: &str| key.bytes().filter(|byte| *byte == b'.').count();
        self.is_deep = wanted.iter().any(|key| dots(key) > 1);
        record.transaction.describe(self);
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.path.capacity()
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        (self.wanted, self.is_deep) = (&[], false);
        self.places = Default::default();
        self.text.clear();
    }

    /// The value of a key that was asked for; empty when there is none.
    pub fn get(&self, key: &str) -> &[u8] {
        let place = self.wanted.iter().position(|wanted| *wanted == key);
        place
            .and_then(|place| self.places.get(place)?.clone())
            .and_then(|place| self.text.get(place))
            .unwrap_or_default()
    }

    /// Which of the wanted keys it is that is told here, if it was not told before.
    fn missing(&self, key: &str) -> Option<usize> {
        let path = self.path.as_str();
        // Within a list of plain values the key is that of the list.
        let is_it = |wanted: &&str| match key {
            "" => wanted.len() + 1 == path.len() && path.starts_with(wanted),
            key => {
                wanted.len() == path.len() + key.len()
                    && wanted.ends_with(key)
                    && wanted.starts_with(path)
            }
        };
        let place = self.wanted.iter().position(is_it)?;
        self.places.get(place)?.is_none().then_some(place)
    }

    fn keep(&mut self, place: usize, value: &[u8]) {
        let value = value.get(..VALUE_BYTES_MAX).unwrap_or(value);
        let start = self.text.len();
        self.text.extend_from_slice(value);
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(start..self.text.len());
        }
    }

    fn inside(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        let length = self.path.len();
        if !key.is_empty() {
            self.path.push_str(key);
            self.path.push('.');
        }
        let path = self.path.as_str();
        // What nobody asked for need not be walked through.
        let leads =
            |wanted: &&str| wanted.starts_with(path) || path.strip_suffix('.') == Some(*wanted);
        if self.wanted.iter().any(leads) {
            fill(self);
        }
        self.path.truncate(length);
    }
}

/// A word to look for, in letters of any size.
pub struct Word {
    text: &'static [u8],
    /// Where in it stands the letter that is rarest.
    at: usize,
    rarest: u8,
}

impl Word {
    /// The word, in small letters.
    pub const fn new(text: &'static [u8]) -> Self {
        let (mut at, mut rarest, mut least) = (0, b' ', u8::MAX);
        let (mut rest, mut place) = (text, 0);
        while let [letter, after @ ..] = rest {
            let often = how_often(*letter);
            if often < least {
                (at, rarest, least) = (place, *letter, often);
            }
            (rest, place) = (after, place + 1);
        }
        Self { text, at, rarest }
    }

    /// The word itself.
    pub const fn text(&self) -> &'static [u8] {
        self.text
    }

    /// Whether a text has the word in it.
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.place(text).is_some()
    }

    /// Where in a text the word first stands.
    pub fn place(&self, text: &[u8]) -> Option<usize> {
        if self.text.is_empty() {
            return Some(0);
        }
        // Few places have the rarest letter; only there it is compared.
        let letter = memchr::memchr2_iter(self.rarest, self.rarest.to_ascii_uppercase(), text);
        letter.filter_map(|found| found.checked_sub(self.at)).find_map(|start| {
            let there = text.get(start..start + self.text.len())?;
            there.eq_ignore_ascii_case(self.text).then_some(start)
        })
    }
}

/// How often a letter comes in addresses and headers of web pages, about.
const fn how_often(letter: u8) -> u8 {
    match letter {
        b'z' | b'q' | b'j' => 0,
        b'x' | b'k' | b'_' => 1,
        b'w' | b'v' | b'y' | b'b' => 2,
        b'g' | b'f' | b'u' => 3,
        b'h' | b'l' | b'd' | b'm' | b'p' => 4,
        _ => 5,
    }
}

impl Tree for Spoken {
    fn wants(&self, key: &str) -> bool {
        let starts = |wanted: &str| {
            wanted.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let ends = |wanted: &str| wanted.strip_suffix(key).is_some_and(|rest| rest.ends_with('.'));
        self.is_deep || self.wanted.iter().any(|wanted| starts(wanted) || ends(wanted))
    }

    fn text(&mut self, key: &str, value: &[u8]) {
        if let Some(place) = self.missing(key) {
            self.keep(place, value);
        }
    }

    fn int(&mut self, key: &str, value: u64) {
        if let Some(place) = self.missing(key) {
            self.keep(place, value.to_string().as_bytes());
        }
    }

    fn float(&mut self, _: &str, _: f64) {}

    fn bool(&mut self, _: &str, _: bool) {}

    fn object(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.inside(key, fill);
    }

    fn list(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        self.inside(key, fill);
    }
}

#[cfg(test)]
mod tests {
    use super::{Spoken, Word};
    use crate::field::Tree;

    #[test]
    fn the_first_of_a_list_of_plain_values_is_kept() {
        let mut spoken =
            Spoken { wanted: &["request.args", "request.command"], ..Spoken::default() };
        spoken.object("request", &mut |tree| {
            tree.text("command", b"PASS");
            tree.list("args", &mut |tree| {
                tree.text("", b"one");
                tree.text("", b"two");
            });
        });
        assert_eq!(
            [spoken.get("request.command"), spoken.get("request.args")],
            [b"PASS", &b"one"[..]]
        );
    }

    #[test]
    fn a_word_is_found_wherever_it_stands_and_however_it_is_written() {
        for text in ["pass=", "?PASS=x", "pppass=", "a=1&Pass=", "passpass=y"] {
            assert!(Word::new(b"pass=").is_in(text.as_bytes()), "{text}");
        }
        for text in ["", "pass", "=pass", "passe=", "p", "ass="] {
            assert!(!Word::new(b"pass=").is_in(text.as_bytes()), "{text}");
        }
        let zebra = Word::new(b"ebrez");
        assert!(zebra.is_in(b"zEBREz") && zebra.is_in(b"zebrebreZ") && !zebra.is_in(b"brez"));
        assert!(Word::new(b"").is_in(b"x"));
    }
}
