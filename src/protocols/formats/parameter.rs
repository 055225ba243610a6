//! Parameters behind a header's value: `form-data; name="a"; filename="b"` (RFC 2045, section 5.1;
//! RFC 6266; RFC 2231, section 3).

use std::borrow::Cow;

/// Most sections of one parameter that are joined.
const MAX_SECTIONS: usize = 64;

/// The value of a parameter by its name, which is compared without case: without its quotes, its
/// escapes as they are. One that is sent in sections (`name*0`, `name*1`) is joined.
pub fn parameter<'a>(value: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    if let Some(found) = each(value).find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())) {
        return Some(Cow::Borrowed(found.1));
    }
    let mut joined = Vec::new();
    for section in 0..MAX_SECTIONS {
        let wanted = format!("{name}*{section}");
        let same = |key: &[u8]| {
            let key = key.strip_suffix(b"*").unwrap_or(key);
            key.eq_ignore_ascii_case(wanted.as_bytes())
        };
        match each(value).find(|(key, _)| same(key)) {
            Some((_, part)) => joined.extend_from_slice(part),
            None => break,
        }
    }
    (!joined.is_empty()).then_some(Cow::Owned(joined))
}

/// Name and value of each parameter, in order.
fn each(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = memchr::memchr(b';', value).and_then(|at| value.get(at + 1..));
    std::iter::from_fn(move || {
        let text = rest?.trim_ascii_start();
        let equals = memchr::memchr(b'=', text)?;
        let (name, after) = (text.get(..equals)?, text.get(equals + 1..)?);
        let (found, behind) = match quoted(after) {
            Some(quoted) => quoted,
            None => {
                let end = memchr::memchr(b';', after).unwrap_or(after.len());
                (after.get(..end)?.trim_ascii_end(), after.get(end..)?)
            }
        };
        let behind = behind.trim_ascii_start();
        rest = Some(behind.strip_prefix(b";").unwrap_or(behind));
        Some((name.trim_ascii_end(), found))
    })
}

/// What stands between quotes, and what stands behind them.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let mut escaped = false;
    let end = inner.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    let end = end.or_else(|| memchr::memchr(b'"', inner))?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_bare_and_in_sections() {
        let of = |value: &'static str, name| {
            parameter(value.as_bytes(), name).map(|v| String::from_utf8_lossy(&v).into_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            of("form-data; name=\"a;b\"; filename=\"c d.txt\"", "filename"),
            some("c d.txt")
        );
        assert_eq!(of("attachment; FileName=a.exe ; size=3", "filename"), some("a.exe"));
        assert_eq!(of("x; filename=\"a\\\"b\"", "filename"), some("a\\\"b"));
        assert_eq!(of("x; filename*0=\"ab\"; filename*1=cd", "filename"), some("abcd"));
        assert_eq!(of("filename=a", "filename"), None);
        assert_eq!(of("x; filename", "filename"), None);
        assert_eq!(of("x; ; =;", "filename"), None);
    }
}
