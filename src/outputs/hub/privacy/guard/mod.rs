//! The last look at everything that is about to leave: what is found blocks the whole envelope.
//!
//! Two searches. One knows nothing and looks in every text, also behind percent signs, base 64 and
//! hexadecimal, for internal addresses in any notation, hardware addresses, codici fiscali, mail
//! addresses, account numbers (IBAN) and names of hosts within the site. The other knows the
//! internal addresses of the events and looks for each of their notations in the bytes as they
//! would be sent. Texts that were rewritten are looked at as they came too, where odd characters
//! stand in them.

mod addresses;
mod decoded;
mod needles;
mod odd;
mod people;

use std::net::IpAddr;

use serde_json::Value;

use super::names;
use super::pseudonym::PREFIX;
use super::site::Site;

/// How often a text is decoded within a decoded text.
const DEPTH_MAX: u8 = 2;
/// Nesting of objects at most; what is deeper is not looked at but blocked.
const NESTING_MAX: u8 = 32;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hit {
    /// An address of the site, or of any network that is not the world's.
    Address,
    /// A hardware address.
    Mac,
    /// A codice fiscale.
    FiscalCode,
    /// A mail address.
    Mail,
    /// An account number.
    Iban,
    /// A name of a host within the site, or of the site.
    Name,
    /// Characters in which something could be hidden, or objects nested too deep.
    Script,
}

impl Hit {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Address,
        Self::Mac,
        Self::FiscalCode,
        Self::Mail,
        Self::Iban,
        Self::Name,
        Self::Script,
    ];

    /// As counters name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Mac => "mac",
            Self::FiscalCode => "codice_fiscale",
            Self::Mail => "mail",
            Self::Iban => "iban",
            Self::Name => "name",
            Self::Script => "script",
        }
    }
}

/// Looks at envelopes.
pub struct Guard<'a> {
    site: &'a Site,
    needles: Vec<needles::Needle>,
    /// Addresses that may be told: they are cut out before the search, as `2001:db8::10:20:30:40`
    /// holds what could be a hardware address.
    told: Vec<String>,
}

impl<'a> Guard<'a> {
    /// A guard that knows the internal addresses of what is sent, and those that may be told.
    pub fn new(site: &'a Site, known: &[IpAddr], told: &[IpAddr]) -> Self {
        let internal = known.iter().filter(|address| !told.contains(address));
        let told = told.iter().filter(|address| site.is_external(**address));
        Self {
            site,
            needles: internal.flat_map(|address| needles::of(*address)).collect(),
            told: told.map(ToString::to_string).collect(),
        }
    }

    /// Looks at an envelope.
    ///
    /// # Errors
    /// The first thing that must not leave.
    pub fn check(&self, envelope: &Value) -> Result<(), Hit> {
        self.value(envelope, 0)?;
        let bytes = envelope.to_string();
        if self.needles.iter().any(|needle| needle.is_in(&bytes)) {
            return Err(Hit::Address);
        }
        Ok(())
    }

    fn value(&self, value: &Value, nesting: u8) -> Result<(), Hit> {
        if nesting > NESTING_MAX {
            return Err(Hit::Script);
        }
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) => list.iter().try_for_each(|value| self.value(value, nesting + 1)),
            Value::Object(object) => object.iter().try_for_each(|(key, value)| {
                self.text(key)?;
                self.value(value, nesting + 1)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// Looks at one text.
    ///
    /// # Errors
    /// As [`Guard::check`].
    pub fn text(&self, text: &str) -> Result<(), Hit> {
        if is_identifier(text) {
            return Ok(());
        }
        if !text.chars().all(is_plain) {
            return Err(Hit::Script);
        }
        let mut text = without_pseudonyms(text);
        for told in &self.told {
            text = without_whole(&text, told);
        }
        self.search(&text, 0)
    }

    /// Looks at a text as it came, before it was rewritten: odd characters between others hide from
    /// those who rewrite what people still read. Internal addresses in plain writing are no hit, as
    /// they are taken out; what is only found without the odd characters is.
    ///
    /// # Errors
    /// As [`Guard::check`].
    pub fn original(&self, text: &str) -> Result<(), Hit> {
        let plain = odd::without(text);
        if plain == text { Ok(()) } else { self.text(&plain) }
    }

    fn search(&self, text: &str, depth: u8) -> Result<(), Hit> {
        let lower = text.to_ascii_lowercase().replace("[.]", ".").replace("(.)", ".");
        if people::has_mac(&lower) {
            return Err(Hit::Mac);
        }
        if addresses::is_in(&lower, &|address| self.site.is_internal(address)) {
            return Err(Hit::Address);
        }
        if people::has_fiscal_code(&lower) {
            return Err(Hit::FiscalCode);
        }
        if people::has_mail(&lower) {
            return Err(Hit::Mail);
        }
        if people::has_iban(&lower) {
            return Err(Hit::Iban);
        }
        if self.has_own_name(&lower) {
            return Err(Hit::Name);
        }
        if depth >= DEPTH_MAX {
            return Ok(());
        }
        decoded::each(text, &mut |inner| self.search(inner, depth + 1))
    }

    fn has_own_name(&self, text: &str) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        text.split(|c| !is_part(c)).map(|name| name.trim_matches('.')).any(|name| {
            name.contains('.') && names::is_of_a_site(name)
                || self.site.names.iter().any(|own| names::is_within(name, own))
        })
    }
}

/// A UUID, alone or behind `sighting--`: its digits may look like anything. Those that are made of
/// internal addresses are among the needles.
fn is_identifier(text: &str) -> bool {
    let (kind, uuid) = text.split_once("--").unwrap_or(("", text));
    let kind_is_plain = matches!(kind, "ipv4-addr" | "ipv6-addr")
        || kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let mut groups = uuid.split('-');
    let lengths = [8, 4, 4, 4, 12];
    let groups_fit = lengths.iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    kind_is_plain && groups_fit && groups.next().is_none()
}

/// Letters and signs that are written in Italian and English.
const fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\n' | '\t' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{17f}'
        | '\u{2010}'..='\u{2014}' | '\u{2018}'..='\u{201e}' | '\u{2026}' | '€')
}

/// Without pseudonyms: four groups of five letters of base 32. Without digits 0, 1, 8 and 9 no
/// address can be written in them.
fn without_pseudonyms(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(PREFIX) {
        out.push_str(before);
        rest = match pseudonym(after) {
            Some(after) => {
                out.push(' ');
                after
            }
            None => {
                out.push_str(PREFIX);
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// What stands behind a pseudonym that `text` begins with.
fn pseudonym(text: &str) -> Option<&str> {
    let (groups, after) = text.split_at_checked(23)?;
    let sound = groups.bytes().enumerate().all(|(at, byte)| match at % 6 {
        5 => byte == b'-',
        _ => byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte),
    });
    let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    (sound && ends).then_some(after)
}

/// Without a told address, where it is not part of a longer one.
fn without_whole(text: &str, told: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(told) {
        out.push_str(before);
        let joins = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '_');
        let left = before.chars().next_back().is_some_and(|c| joins(c) || c == '.');
        let mut behind = after.chars();
        let right = match behind.next() {
            // A full stop ends a sentence; before a digit it goes on.
            Some('.') => behind.next().is_some_and(|c| c.is_ascii_alphanumeric()),
            // A port behind it is none of its digits.
            Some(':') => !behind.next().is_some_and(|c| c.is_ascii_digit() || c == ' '),
            Some(c) => joins(c),
            None => false,
        };
        out.push_str(if left || right { told } else { " " });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
