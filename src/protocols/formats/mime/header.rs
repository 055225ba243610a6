//! What headers say of a body: its kind, its encoding, its name, its boundary (RFC 2045, RFC 2183,
//! RFC 2231).

use super::Header;

/// Sections of one parameter that are put together (RFC 2231, 3).
const SECTIONS_MAX: usize = 64;
/// Parameters of a header that are looked at.
const PARAMETERS_MAX: usize = 256;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    #[default]
    Plain,
    /// RFC 2045, 6.8.
    Base64,
    /// RFC 2045, 6.7.
    QuotedPrintable,
}

/// What the headers of a message or a part say.
#[derive(Debug, Default)]
pub struct Found {
    /// The name of the file, when it is one.
    pub name: Option<Vec<u8>>,
    /// How the body is encoded.
    pub encoding: Encoding,
    /// What separates the parts within.
    pub boundary: Option<Vec<u8>>,
    /// Whether it is text that people read.
    pub text: bool,
    /// Whether it is a whole message.
    pub message: bool,
}

impl Found {
    /// Reads the headers.
    pub fn of(headers: &[Header]) -> Self {
        let mut found = Self { text: true, ..Self::default() };
        let named = |name: &'static [u8]| {
            headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name))
        };
        found.name = named(b"content-disposition").find_map(|h| parameter(&h.value, b"filename"));
        for header in named(b"content-transfer-encoding") {
            let value = header.value.trim_ascii();
            if value.eq_ignore_ascii_case(b"base64") {
                found.encoding = Encoding::Base64;
            } else if value.eq_ignore_ascii_case(b"quoted-printable") {
                found.encoding = Encoding::QuotedPrintable;
            }
        }
        if let Some(header) = named(b"content-type").next() {
            if found.name.as_ref().is_none_or(Vec::is_empty) {
                found.name = parameter(&header.value, b"name");
            }
            found.boundary = parameter(&header.value, b"boundary");
            let kind = header.value.split(|byte| *byte == b';').next().unwrap_or_default();
            let kind = kind.trim_ascii();
            let is = |wanted: &[u8]| kind.eq_ignore_ascii_case(wanted);
            found.message = is(b"message/rfc822");
            found.text = is(b"text/plain") || is(b"text/html") || found.message;
        }
        found
    }
}

/// The value of a parameter of a header such as `attachment; filename="a.txt"`, put together from
/// its sections (`filename*0`, `filename*1`) when it was sent in sections. `name` is in lower case.
pub fn parameter(header: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let start = header.iter().position(|byte| *byte == b';')? + 1;
    let mut rest = header.get(start..).unwrap_or_default();
    let mut sections: Vec<Option<&[u8]>> = Vec::new();
    let mut value = None;
    for _ in 0..PARAMETERS_MAX {
        let Some((key, found, after)) = next(rest) else { break };
        rest = after;
        let Some(tail) = key.split_at_checked(name.len()) else { continue };
        if !tail.0.eq_ignore_ascii_case(name) {
            continue;
        }
        if tail.1.is_empty() {
            value = Some(found);
        } else if let Some(number) = section(tail.1) {
            if sections.len() <= number {
                sections.resize(number + 1, None);
            }
            if let Some(place) = sections.get_mut(number) {
                *place = Some(found);
            }
        }
    }
    if let Some(value) = value {
        return Some(value.to_vec());
    }
    let parts: Vec<&[u8]> = sections.into_iter().map_while(|part| part).collect();
    (!parts.is_empty()).then(|| parts.concat())
}

/// `*7` or `*7*` behind a name.
fn section(tail: &[u8]) -> Option<usize> {
    let digits = tail.strip_prefix(b"*")?;
    let digits = digits.strip_suffix(b"*").unwrap_or(digits);
    let number: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number < SECTIONS_MAX).then_some(number)
}

/// The next `name=value;`: name, value and what follows.
fn next(input: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let input = input.trim_ascii_start();
    let equals = input.iter().position(|byte| *byte == b'=')?;
    let (name, rest) = input.split_at_checked(equals)?;
    let rest = rest.get(1..)?;
    let (value, rest) = match quoted(rest) {
        Some(found) => found,
        None => {
            let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
            let (value, rest) = rest.split_at_checked(end)?;
            (value.trim_ascii_end(), rest)
        }
    };
    let rest = rest.trim_ascii_start();
    Some((name.trim_ascii_end(), value, rest.strip_prefix(b";").unwrap_or(rest)))
}

/// `"value"`, a backslash before what would end it.
fn quoted(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = input.strip_prefix(b"\"")?;
    let mut escaped = false;
    let end = inside.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    let (value, rest) = inside.split_at_checked(end)?;
    Some((value, rest.get(1..).unwrap_or_default()))
}
