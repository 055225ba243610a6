//! Rules that the centre signs: whose signature counts here, and what a bundle has to show.

use std::path::PathBuf;

use super::page::{Page, Section};
use super::push::is_address;

/// Keys at most: the one in use, the next, and some of neighbours.
pub const KEYS_MAX: usize = 4;
/// Seconds between two looks at most: a week.
const FETCH_SECONDS_MAX: u64 = 7 * 24 * 3600;
/// Bytes of a public key of Ed25519 (RFC 8032, 5.1.5).
pub const KEY_BYTES: usize = 32;

/// What the site asks of a bundle of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Public keys of Ed25519: a bundle needs the signature of one of them.
    pub keys: Vec<[u8; KEY_BYTES]>,
    /// Where bundles are read from, `https://`.
    pub source: Option<String>,
    /// `watch` looks there by itself, so many seconds apart; without it, it does not.
    pub fetch_seconds: Option<u32>,
    /// The capture that new rules are tried on; without one, the program's own.
    pub canary: Option<PathBuf>,
    /// Of a hundred rules so many may fail to load.
    pub failed_percent: u32,
    /// On the canary new rules may give so many times the alerts of the old.
    pub alerts_factor: u32,
}

/// Reads the section `[rules]`; `None` when there is none, or something in it is wrong, which is
/// then told.
pub(super) fn rules(section: &Section<'_>, page: &mut Page<'_>) -> Option<Rules> {
    let known = ["keys", "source", "fetch-seconds", "canary", "failed-percent", "alerts-factor"];
    section.only(&known, page);
    let help = "public keys of Ed25519, [\"64 hexadecimal digits\"]";
    let texts = section.texts("keys", help, KEYS_MAX, page)?;
    let keys: Vec<_> = texts.iter().filter_map(|text| key(text)).collect();
    if keys.len() < texts.len() {
        section.wrong("keys", &format!("no key: write {help}"), page);
    }
    let source = section.optional_text("source", page);
    if let Some(wrong) = source.as_ref().filter(|source| !is_address(source)) {
        section.wrong("source", &format!("{wrong:?}: write https://HOST/PATH"), page);
    }
    let fetch_seconds = section.number_within("fetch-seconds", 0, 0, FETCH_SECONDS_MAX, page);
    if fetch_seconds > 0 && source.is_none() {
        section.wrong("fetch-seconds", "from where? write source, https://HOST/PATH", page);
    }
    let fetch_seconds = u32::try_from(fetch_seconds).ok().filter(|seconds| *seconds > 0);
    let mut within = |name, default, least, most| {
        let value = section.number_within(name, default, least, most, page);
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    let failed_percent = within("failed-percent", 5, 0, 50);
    let alerts_factor = within("alerts-factor", 5, 1, 100);
    let canary = section.optional_text("canary", page).map(PathBuf::from);
    Some(Rules { keys, source, fetch_seconds, canary, failed_percent, alerts_factor })
}

/// A key as people write it: 64 hexadecimal digits.
pub fn key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut key = [0; KEY_BYTES];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    Some(key)
}
