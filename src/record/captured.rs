//! Texts that expressions of rules took out of traffic.

use std::ops::Deref;
use std::sync::Arc;

/// A text that an expression captured, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedText {
    /// Its name.
    pub name: Arc<str>,
    /// The text, as it was in traffic.
    pub value: Arc<[u8]>,
}

impl NamedText {
    /// Bytes of name and text.
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len()
    }
}

/// Texts, no two of one name: one list for all who hold it, until somebody changes theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(Option<Arc<Vec<NamedText>>>);

impl Texts {
    /// Puts a text among them, in place of one of its name.
    pub fn put(&mut self, text: NamedText) {
        let texts = Arc::make_mut(self.0.get_or_insert_default());
        match texts.iter_mut().find(|known| known.name == text.name) {
            Some(known) => *known = text,
            None => texts.push(text),
        }
    }

    /// None is left.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether both are one list, not two alike.
    pub fn shares(&self, other: &Self) -> bool {
        let [own, other] = [self, other].map(|texts| texts.0.as_ref().map(Arc::as_ptr));
        own == other
    }
}

impl Deref for Texts {
    type Target = [NamedText];

    fn deref(&self) -> &[NamedText] {
        self.0.as_ref().map_or(&[], |texts| texts.as_slice())
    }
}

/// Texts that expressions captured, as they stood at a match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Kept with the flow (`flowvar`).
    pub flow: Texts,
    /// Kept with the packet (`pktvar`).
    pub packet: Texts,
    /// For this alert alone.
    pub alert: Texts,
}
