//! Texts that expressions take out of traffic: kept with the flow (`flowvar`) or the packet
//! (`pktvar`), or shown with the alert alone.

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;

use crate::record::NamedText;

/// Texts that one flow keeps, and one packet; further ones are not kept.
pub const TEXTS_MAX: usize = 32;

/// Bytes of one text; a longer one is cut.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// Bytes of a name that is captured itself; a longer one is cut.
pub const NAME_BYTES_MAX: usize = 128;

/// Texts that one match of one rule captures; further ones are not.
pub const CAPTURES_MAX: usize = 64;

/// Where a text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// With the flow, until it ends: `flow:`.
    Flow,
    /// For the rules behind it on the same packet: `pkt:`.
    Packet,
    /// Nowhere but in the alert: `alert:`.
    Alert,
}

/// A text as an expression captured it.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Which expression: its address.
    pub of: usize,
    /// Where it goes.
    pub keeper: Keeper,
    /// Name and value.
    pub text: NamedText,
}

/// What `flowvar` and `pktvar` ask: whether the text of that name holds some bytes.
#[derive(Clone)]
pub struct TextTest {
    /// Where it is kept.
    pub keeper: Keeper,
    /// Its name.
    pub name: Arc<str>,
    finder: Finder<'static>,
}

impl TextTest {
    /// A test that the text of that name holds `needle`.
    pub fn new(keeper: Keeper, name: &str, needle: &[u8]) -> Self {
        Self { keeper, name: name.into(), finder: Finder::new(needle).into_owned() }
    }

    /// Whether it is among `texts` and holds what it must.
    pub fn holds(&self, texts: &[NamedText]) -> bool {
        let known = texts.iter().find(|text| text.name == self.name);
        known.is_some_and(|text| self.finder.find(&text.value).is_some())
    }
}

impl fmt::Debug for TextTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:?}", self.keeper, self.name, self.finder.needle())
    }
}

/// A text cut to what is kept of it.
pub fn text(name: Arc<str>, value: &[u8]) -> NamedText {
    let value = value.get(..TEXT_BYTES_MAX).unwrap_or(value);
    NamedText { name, value: value.into() }
}

/// Puts a text among others, in place of one of its name; whether there was room for it.
pub fn keep(texts: &mut Vec<NamedText>, text: &NamedText) -> bool {
    let room = texts.len() < TEXTS_MAX;
    match texts.iter_mut().find(|known| known.name == text.name) {
        Some(known) => known.value.clone_from(&text.value),
        None if room => texts.push(text.clone()),
        None => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_and_there_are_not_too_many() {
        let mut texts = Vec::new();
        for number in 0..TEXTS_MAX {
            assert!(keep(&mut texts, &text(format!("n{number}").as_str().into(), b"x")));
        }
        assert!(!keep(&mut texts, &text("more".into(), b"x")));
        assert!(keep(&mut texts, &text("n3".into(), &[b'y'; TEXT_BYTES_MAX + 1])));
        let third = texts.get(3).map(|text| text.value.len());
        assert_eq!((texts.len(), third), (TEXTS_MAX, Some(TEXT_BYTES_MAX)));
        assert!(TextTest::new(Keeper::Flow, "n3", b"yyy").holds(&texts));
        assert!(!TextTest::new(Keeper::Flow, "n4", b"y").holds(&texts));
        assert!(!TextTest::new(Keeper::Flow, "other", b"x").holds(&texts));
    }
}
