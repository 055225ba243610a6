//! Texts that expressions of rules took out of traffic.

use std::sync::Arc;

/// A text that an expression captured, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedText {
    /// Its name.
    pub name: Arc<str>,
    /// The text, as it was in traffic.
    pub value: Box<[u8]>,
}

/// Texts that expressions captured, as they stood at a match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Kept with the flow (`flowvar`).
    pub flow: Vec<NamedText>,
    /// Kept with the packet (`pktvar`).
    pub packet: Vec<NamedText>,
    /// For this alert alone.
    pub alert: Vec<NamedText>,
}
