//! Texts that expressions take out of traffic: kept with the flow (`flowvar`) or the packet
//! (`pktvar`), or shown with the alert alone.

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;

pub use crate::record::Texts;

use crate::record::NamedText;

/// Texts that one flow keeps, and one packet, and one alert; further ones are not kept.
pub const TEXTS_MAX: usize = 32;

/// Bytes of all texts of one flow, packet or alert, names included; what has no room is not kept.
pub const KEPT_BYTES_MAX: usize = 16 << 10;

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
pub fn keep(texts: &mut Texts, text: &NamedText) -> bool {
    let others = texts.iter().filter(|known| known.name != text.name);
    let (count, bytes) =
        others.fold((1, text.size()), |(count, bytes), known| (count + 1, bytes + known.size()));
    let room = count <= TEXTS_MAX && bytes <= KEPT_BYTES_MAX;
    if room && !texts.contains(text) {
        texts.put(text.clone());
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_and_there_are_not_too_many() {
        let mut texts = Texts::default();
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

    #[test]
    fn the_bytes_of_all_texts_are_limited() {
        let mut texts = Texts::default();
        let long =
            |name: usize| text(format!("{name:04}").as_str().into(), &[b'y'; TEXT_BYTES_MAX]);
        let kept = (0..TEXTS_MAX).filter(|name| keep(&mut texts, &long(*name))).count();
        assert_eq!(kept, KEPT_BYTES_MAX / (TEXT_BYTES_MAX + 4));
        assert!(keep(&mut texts, &long(0)), "in its own place");
        assert!(!keep(&mut texts, &text("n".into(), &[b'z'; TEXT_BYTES_MAX])));
        assert!(keep(&mut texts, &text("n".into(), b"z")));
    }

    #[test]
    fn a_list_is_copied_when_it_changes() {
        let mut texts = Texts::default();
        keep(&mut texts, &text("a".into(), b"x"));
        let held = texts.clone();
        keep(&mut texts, &text("a".into(), b"x"));
        assert!(texts.shares(&held));
        keep(&mut texts, &text("a".into(), b"y"));
        assert!(!texts.shares(&held));
        assert_eq!(held.first().map(|text| &*text.value), Some(&b"x"[..]));
    }
}
