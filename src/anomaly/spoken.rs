//! What a transaction says of itself, by key: for keys that no field has.
//!
//! A reader names the keys it wants, with the objects around them (`request.command`); it gets the
//! first value of each.

use crate::field::Tree;
use crate::record::TransactionRecord;

/// Bytes of a value kept; longer ones are cut.
const VALUE_BYTES_MAX: usize = 512;

/// Values of the keys that were asked for.
pub struct Spoken<'k> {
    wanted: &'k [&'k str],
    values: Vec<Option<Vec<u8>>>,
    path: String,
}

impl<'k> Spoken<'k> {
    /// The first values of `wanted` in a transaction.
    pub fn of(record: &TransactionRecord, wanted: &'k [&'k str]) -> Self {
        let values = vec![None; wanted.len()];
        let mut spoken = Self { wanted, values, path: String::new() };
        record.transaction.describe(&mut spoken);
        spoken
    }

    /// The value of a key that was asked for; empty when there is none.
    pub fn get(&self, key: &str) -> &[u8] {
        let place = self.wanted.iter().position(|wanted| *wanted == key);
        place
            .and_then(|place| self.values.get(place))
            .and_then(Option::as_deref)
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

impl Tree for Spoken<'_> {
    fn text(&mut self, key: &str, value: &[u8]) {
        let path = self.path.as_str();
        let is_it = |wanted: &&&str| match wanted.strip_prefix(path) {
            Some(rest) => rest == key,
            // Within a list of plain values the key is that of the list.
            None => key.is_empty() && path.strip_suffix('.') == Some(**wanted),
        };
        let place = self.wanted.iter().position(|wanted| is_it(&wanted));
        if let Some(slot) = place.and_then(|place| self.values.get_mut(place))
            && slot.is_none()
        {
            *slot = Some(value.iter().take(VALUE_BYTES_MAX).copied().collect());
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
