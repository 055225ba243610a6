//! The request target: normalised as an IDS wants it, and the host in it.

/// Where the parts of a request target are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// Host with port, when the target is absolute (`http://host:80/`).
    pub authority: Option<&'a [u8]>,
    /// From the first slash to `?` or `#`.
    pub path: &'a [u8],
    /// After `?`, to `#`.
    pub query: Option<&'a [u8]>,
    /// After `#`.
    pub fragment: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Splits a request target (RFC 9112, section 3.2; RFC 3986, section 3).
    pub fn parse(uri: &'a [u8]) -> Self {
        let mut rest = uri;
        let mut authority = None;
        if !uri.starts_with(b"/")
            && let Some(colon) = uri.iter().position(|b| matches!(b, b':' | b'/' | b'?' | b'#'))
            && let Some(after) = uri.get(colon..).and_then(|tail| tail.strip_prefix(b"://"))
        {
            let end = after.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
            let (host, tail) =
                after.split_at_checked(end.unwrap_or(after.len())).unwrap_or((b"", b""));
            let user = host.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
            authority = host.get(user..);
            rest = tail;
        }
        let (rest, fragment) = cut(rest, b'#');
        let (path, query) = cut(rest, b'?');
        Self { authority, path, query, fragment }
    }

    /// Path, query and fragment, decoded: see [`normalise`].
    pub fn normalised(&self, out: &mut Vec<u8>) {
        path(self.path, out);
        if let Some(query) = self.query {
            out.push(b'?');
            decode(query, out);
        }
        if let Some(fragment) = self.fragment {
            out.push(b'#');
            out.extend_from_slice(fragment);
        }
    }
}

fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, bytes) {
        Some(found) => (
            bytes.get(..found).unwrap_or_default(),
            Some(bytes.get(found + 1..).unwrap_or_default()),
        ),
        None => (bytes, None),
    }
}

/// The normalised form of `uri`, or `None` when it is already normal, which is the common case
/// and costs no copy: percent and `%u` decoded once, in the path backslashes to slashes, slashes
/// compressed, dot segments removed; scheme and host left out.
pub fn normalise(uri: &[u8]) -> Option<Vec<u8>> {
    let special = |byte: u8| matches!(byte, b'%' | b'\\');
    let doubled = |pair: &[u8]| matches!(pair, b"//" | b"/." | b"./");
    if uri.starts_with(b"/")
        && !uri.iter().any(|byte| special(*byte))
        && !uri.windows(2).any(doubled)
    {
        return None;
    }
    let mut out = Vec::with_capacity(uri.len());
    Target::parse(uri).normalised(&mut out);
    Some(out)
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    (*byte? as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The character at the start of `bytes` and how many bytes it takes. What is no valid escape
/// stands for itself.
fn unescape(bytes: &[u8]) -> Option<(u8, usize)> {
    let first = *bytes.first()?;
    if first != b'%' {
        return Some((first, 1));
    }
    if let (Some(high), Some(low)) = (hex(bytes.get(1)), hex(bytes.get(2))) {
        return Some((high << 4 | low, 3));
    }
    if matches!(bytes.get(1), Some(b'u' | b'U'))
        && let [Some(a), Some(b), Some(c), Some(d)] = [2, 3, 4, 5].map(|at| hex(bytes.get(at)))
    {
        let code = u16::from(a << 4 | b) << 8 | u16::from(c << 4 | d);
        // Full-width forms stand for ASCII; a wider code keeps its low byte only when it has
        // nothing above it, and else is unknown, as servers that map best fits show it.
        let byte = match code {
            0..=0xff => u8::try_from(code).unwrap_or(b'?'),
            0xff01..=0xff5e => u8::try_from(code - 0xfee0).unwrap_or(b'?'),
            _ => b'?',
        };
        return Some((byte, 6));
    }
    Some((first, 1))
}

fn decode(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some((byte, taken)) = unescape(rest) {
        out.push(byte);
        rest = rest.get(taken..).unwrap_or_default();
    }
}

fn path(mut rest: &[u8], out: &mut Vec<u8>) {
    let mut flat = Vec::with_capacity(rest.len());
    while let Some((byte, taken)) = unescape(rest) {
        let byte = if byte == b'\\' { b'/' } else { byte };
        if byte != b'/' || flat.last() != Some(&b'/') {
            flat.push(byte);
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    remove_dots(&flat, out);
}

/// RFC 3986, section 5.2.4.
fn remove_dots(path: &[u8], out: &mut Vec<u8>) {
    let base = out.len();
    let absolute = path.starts_with(b"/");
    let body = path.strip_prefix(b"/").unwrap_or(path);
    let mut segments = body.split(|byte| *byte == b'/').peekable();
    let mut first = !absolute;
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." | b".." => {
                if segment == b".." {
                    let kept = out.get(base..).unwrap_or_default();
                    let slash = kept.iter().rposition(|byte| *byte == b'/');
                    out.truncate(base + slash.unwrap_or(0));
                }
                if last && absolute {
                    out.push(b'/');
                }
            }
            _ => {
                if !first {
                    out.push(b'/');
                }
                out.extend_from_slice(segment);
                first = false;
            }
        }
    }
}

/// Splits `host:port`, `[v6]:port`: the host in lower case without the port, the port when it is
/// a valid one, and whether all of it was valid.
pub fn host_port(authority: &[u8]) -> (Vec<u8>, Option<u16>, bool) {
    let authority = super::head::trim(authority);
    let bracket =
        authority.iter().position(|byte| *byte == b']').filter(|_| authority.starts_with(b"["));
    let colon = match bracket {
        Some(end) => authority.get(end + 1).is_some_and(|byte| *byte == b':').then_some(end + 1),
        None => memchr::memchr(b':', authority),
    };
    let host = authority.get(..colon.unwrap_or(authority.len())).unwrap_or_default();
    let text = colon.map(|at| authority.get(at + 1..).unwrap_or_default());
    let port = text.and_then(|text| {
        if text.is_empty() || text.len() > 5 || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        super::head::leading_number(text).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0)
    });
    let valid = is_host(host) && (text.is_none() || port.is_some());
    (host.to_ascii_lowercase(), port, valid)
}

/// Whether it can be a host name or address, read relaxedly.
fn is_host(host: &[u8]) -> bool {
    if host.is_empty() || host.len() > 255 {
        return false;
    }
    if let Some(inner) = host.strip_prefix(b"[") {
        let inner = inner.strip_suffix(b"]").and_then(|text| std::str::from_utf8(text).ok());
        return inner.is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let host = host.strip_suffix(b".").unwrap_or(host);
    host.split(|byte| *byte == b'.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(uri: &str) -> String {
        let out = normalise(uri.as_bytes());
        String::from_utf8_lossy(&out.unwrap_or_else(|| uri.as_bytes().to_vec())).into_owned()
    }

    #[test]
    fn targets_are_normalised() {
        for (raw, expected) in [
            ("/plain?a=1", "/plain?a=1"),
            ("/a/b/../c/./d", "/a/c/d"),
            ("/../../etc//passwd", "/etc/passwd"),
            ("/a%2fb%5cc?x=%41+b", "/a/b/c?x=A+b"),
            ("/%u0041%uff0fb%zz", "/A/b%zz"),
            ("http://host:80/p%61th?q#f", "/path?q#f"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/q?u=http://x//y/../z", "/q?u=http://x//y/../z"),
            ("*", "*"),
        ] {
            assert_eq!(normal(raw), expected, "{raw}");
        }
    }

    #[test]
    fn hosts_and_ports_are_split() {
        assert_eq!(host_port(b"Ex.ORG:8080"), (b"ex.org".to_vec(), Some(8080), true));
        assert_eq!(host_port(b"[::1]:80"), (b"[::1]".to_vec(), Some(80), true));
        assert_eq!(host_port(b"a b"), (b"a b".to_vec(), None, false));
        assert_eq!(host_port(b"x:99999"), (b"x".to_vec(), None, false));
    }
}
