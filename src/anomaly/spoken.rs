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
        record.transaction.describe(self);
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.wanted = &[];
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

    fn inside(&mut self, key: &str, fill: &mut dyn FnMut(&mut dyn Tree)) {
        let length = self.path.len();
        if !key.is_empty() {
            self.path.push_str(key);
            self.path.push('.');
        }
        let path = self.path.as_str();
        // What nobody asked for need not be walked through.
        if self.wanted.iter().any(|wanted| wanted.starts_with(path)) {
            fill(self);
        }
        self.path.truncate(length);
    }
}

/// Whether a word in small letters is in a text, in letters of any size.
pub fn contains(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return true };
    // Few places begin alike; only there it is compared.
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| {
        let after = text.get(at + 1..).and_then(|after| after.get(..rest.len()));
        after.is_some_and(|after| after.eq_ignore_ascii_case(rest))
    })
}

impl Tree for Spoken {
    fn text(&mut self, key: &str, value: &[u8]) {
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
        let place = self.wanted.iter().position(is_it);
        if let Some(slot @ None) = place.and_then(|place| self.places.get_mut(place)) {
            let value = value.get(..VALUE_BYTES_MAX).unwrap_or(value);
            let start = self.text.len();
            self.text.extend_from_slice(value);
            *slot = Some(start..self.text.len());
        }
    }

    fn int(&mut self, key: &str, value: u64) {
        if self.wanted.iter().any(|wanted| wanted.ends_with(key)) {
            self.text(key, value.to_string().as_bytes());
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
    use super::contains;

    #[test]
    fn a_word_is_found_wherever_it_stands_and_however_it_is_written() {
        for text in ["pass=", "?PASS=x", "pppass=", "a=1&Pass=", "passpass=y"] {
            assert!(contains(text.as_bytes(), b"pass="), "{text}");
        }
        for text in ["", "pass", "=pass", "passe=", "p"] {
            assert!(!contains(text.as_bytes(), b"pass="), "{text}");
        }
        assert!(contains(b"x", b""));
    }
}
