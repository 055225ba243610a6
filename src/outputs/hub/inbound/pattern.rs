//! Patterns of STIX 2.1 (section 9), as far as a sensor can see what they ask for: addresses,
//! networks, names, hosts of URLs, JA3, JA4 and certificates, joined by AND and OR. Whatever else
//! is asked for makes the whole pattern unsupported: half of a pattern says something else.

use std::net::IpAddr;

pub use crate::record::Observable;
use crate::record::{ALTERNATIVES_MAX, TERMS_MAX};

/// Bytes of a pattern at most.
pub const PATTERN_BYTES_MAX: usize = 4096;
/// Brackets within brackets at most.
const NESTING_MAX: u8 = 16;

/// Why a pattern is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// Alternatives of observables that have to be seen together.
type Alternatives = Vec<Vec<Observable>>;

/// What a pattern asks for: it is seen when all of one alternative are.
///
/// # Errors
/// What of it is not understood.
pub fn parse(pattern: &str) -> Result<Alternatives, Unsupported> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(unsupported(format!("{} bytes", pattern.len())));
    }
    let mut parser = Parser { tokens: tokens(pattern)?, at: 0 };
    let found = parser.any(Level::Observations, 0)?;
    match parser.next() {
        None => Ok(found),
        Some(token) => Err(unsupported(format!("{} behind an observation", token.shown()))),
    }
}

fn unsupported(what: impl Into<String>) -> Unsupported {
    Unsupported(what.into())
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Mark(char),
    /// A keyword, an operator or the path of an object.
    Word(String),
    Text(String),
}

impl Token {
    fn shown(&self) -> String {
        let shown: String = match self {
            Self::Mark(mark) => mark.to_string(),
            Self::Word(word) => word.clone(),
            Self::Text(_) => "a text".to_owned(),
        };
        shown.chars().take(64).collect()
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, Unsupported> {
    let mut found = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '[' | ']' | '(' | ')' | ',' => found.push(Token::Mark(c)),
            '\'' => found.push(Token::Text(quoted(&mut chars)?)),
            '=' | '!' | '<' | '>' => {
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|next| matches!(next, '=' | '>')) {
                    word.push(next);
                }
                found.push(Token::Word(word));
            }
            c if is_plain(c) => {
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|next| is_plain(*next) || *next == '\'') {
                    // `hashes.'SHA-256'`: a step of the path may be quoted.
                    match next {
                        '\'' => word.push_str(&quoted(&mut chars)?),
                        next => word.push(next),
                    }
                }
                found.push(Token::Word(word));
            }
            c => return Err(unsupported(format!("the character {c:?}"))),
        }
    }
    Ok(found)
}

const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '*')
}

fn quoted(chars: &mut impl Iterator<Item = char>) -> Result<String, Unsupported> {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' => return Ok(text),
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    Err(unsupported("a text without end"))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// Where AND and OR stand: between observations, or within one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Observations,
    Comparisons,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    /// Whether the next is this one, which is then taken.
    fn is(&mut self, wanted: &Token) -> bool {
        let is = self.tokens.get(self.at) == Some(wanted);
        self.at += usize::from(is);
        is
    }

    fn is_word(&mut self, word: &str) -> bool {
        self.is(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, mark: char) -> Result<(), Unsupported> {
        if self.is(&Token::Mark(mark)) {
            return Ok(());
        }
        let there = self.next().map_or_else(|| "the end".to_owned(), |token| token.shown());
        Err(unsupported(format!("{there} where {mark} belongs")))
    }

    /// `a AND b OR c`: AND binds closer.
    fn any(&mut self, level: Level, nesting: u8) -> Result<Alternatives, Unsupported> {
        let mut found = self.all(level, nesting)?;
        while self.is_word("OR") {
            found.extend(self.all(level, nesting)?);
            bounded(&found)?;
        }
        Ok(found)
    }

    fn all(&mut self, level: Level, nesting: u8) -> Result<Alternatives, Unsupported> {
        let mut found = self.one(level, nesting)?;
        while self.is_word("AND") {
            let others = self.one(level, nesting)?;
            let mut both = Vec::new();
            for some in &found {
                for other in &others {
                    let mut terms = some.clone();
                    terms.extend(other.iter().filter(|term| !some.contains(term)).cloned());
                    both.push(terms);
                }
            }
            bounded(&both)?;
            found = both;
        }
        Ok(found)
    }

    fn one(&mut self, level: Level, nesting: u8) -> Result<Alternatives, Unsupported> {
        if nesting >= NESTING_MAX {
            return Err(unsupported("brackets within brackets within brackets"));
        }
        if self.is(&Token::Mark('(')) {
            let found = self.any(level, nesting + 1)?;
            self.expect(')')?;
            return Ok(found);
        }
        match level {
            Level::Observations => {
                self.expect('[')?;
                let found = self.any(Level::Comparisons, nesting + 1)?;
                self.expect(']')?;
                Ok(found)
            }
            Level::Comparisons => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Result<Alternatives, Unsupported> {
        let Some(Token::Word(path)) = self.next() else {
            return Err(unsupported("no path of an object"));
        };
        let operator = match self.next() {
            Some(Token::Word(word)) => word,
            other => {
                let shown = other.map_or_else(|| "the end".to_owned(), |token| token.shown());
                return Err(unsupported(format!("{shown} where an operator belongs")));
            }
        };
        let mut values = Vec::new();
        let is_list = operator == "IN";
        if is_list {
            self.expect('(')?;
        }
        loop {
            match self.next() {
                Some(Token::Text(text)) => values.push(text),
                _ => return Err(unsupported(format!("{path} {operator}: no text"))),
            }
            if !is_list || !self.is(&Token::Mark(',')) {
                break;
            }
        }
        if is_list {
            self.expect(')')?;
        }
        let found: Result<Alternatives, Unsupported> = values
            .iter()
            .map(|value| observable(&path, &operator, value).map(|term| vec![term]))
            .collect();
        found.and_then(|found| bounded(&found).map(|()| found))
    }
}

fn bounded(found: &Alternatives) -> Result<(), Unsupported> {
    if found.len() > ALTERNATIVES_MAX || found.iter().any(|terms| terms.len() > TERMS_MAX) {
        let what = format!("more than {ALTERNATIVES_MAX} alternatives or {TERMS_MAX} parts");
        return Err(unsupported(what));
    }
    Ok(())
}

/// One comparison.
fn observable(path: &str, operator: &str, value: &str) -> Result<Observable, Unsupported> {
    let is_subset = operator == "ISSUBSET";
    if !is_subset && !matches!(operator, "=" | "==" | "IN") {
        return Err(unsupported(format!("the operator {}", shown(operator))));
    }
    let (object, property) = path.split_once(':').unwrap_or((path, ""));
    let wrong = || unsupported(format!("{}: {} is none", shown(object), shown(value)));
    let last = property.rsplit(['.', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let last = last.strip_prefix("x_").unwrap_or(&last);
    let kind = match (object, property) {
        ("ipv4-addr" | "ipv6-addr", "value") => {
            let network = network(value).filter(|network| match network {
                Observable::Network(address, _) => address.is_ipv4() == (object == "ipv4-addr"),
                _ => false,
            });
            return network.ok_or_else(wrong);
        }
        _ if is_subset => return Err(unsupported(format!("{} ISSUBSET", shown(path)))),
        ("domain-name", "value") => return name(value).ok_or_else(wrong),
        ("url", "value") => return host_of(value).ok_or_else(wrong),
        ("x509-certificate", "hashes.SHA-256" | "hashes.SHA256" | "hashes.sha256") => {
            return certificate(value).ok_or_else(wrong);
        }
        _ if object == "network-traffic" || object.starts_with("x-") => last,
        _ => "",
    };
    let value = value.trim().to_ascii_lowercase();
    let is_hash = value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match kind {
        "ja3" | "ja3_hash" | "ja3_md5" | "ja3_fingerprint" if is_hash => Ok(Observable::Ja3(value)),
        "ja4" | "ja4_hash" | "ja4_fingerprint" if is_ja4(&value) => Ok(Observable::Ja4(value)),
        "ja3" | "ja3_hash" | "ja3_md5" | "ja3_fingerprint" | "ja4" | "ja4_hash"
        | "ja4_fingerprint" => Err(wrong()),
        _ => Err(unsupported(shown(path))),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// `t13d1516h2_8daaf6152771_b186095e22b6`.
fn is_ja4(value: &str) -> bool {
    let parts: Vec<&str> = value.split('_').collect();
    let plain = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    matches!(parts.as_slice(), [a, b, c] if (a.len(), b.len(), c.len()) == (10, 12, 12))
        && parts.iter().all(plain)
}

/// An address or a network; bits behind the prefix are made zero.
pub(super) fn network(value: &str) -> Option<Observable> {
    let value = value.trim();
    let (address, prefix) = value.split_once('/').map_or((value, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
        None => most,
    };
    if prefix > most {
        return None;
    }
    let address = match address {
        IpAddr::V4(v4) => {
            let behind = u32::MAX.checked_shr(prefix.into()).unwrap_or_default();
            IpAddr::from(std::net::Ipv4Addr::from_bits(v4.to_bits() & !behind))
        }
        IpAddr::V6(v6) => {
            let behind = u128::MAX.checked_shr(prefix.into()).unwrap_or_default();
            IpAddr::from(std::net::Ipv6Addr::from_bits(v6.to_bits() & !behind))
        }
    };
    Some(Observable::Network(address, prefix))
}

/// A name of the DNS.
fn name(value: &str) -> Option<Observable> {
    let name = value.trim().trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let sound = name.len() <= crate::net::domain::NAME_BYTES_MAX
        && name.parse::<IpAddr>().is_err()
        && name.split('.').all(is_label);
    sound.then_some(Observable::Name(name))
}

/// The host of a URL: a name or an address.
fn host_of(url: &str) -> Option<Observable> {
    let (_, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    if let Some(v6) = host.strip_prefix('[') {
        return network(v6.split(']').next()?);
    }
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    match host.parse::<IpAddr>() {
        Ok(_) => network(host),
        Err(_) => name(host),
    }
}

fn certificate(value: &str) -> Option<Observable> {
    let digits: Vec<u8> = value.bytes().filter(|byte| *byte != b':').collect();
    let mut hash = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Observable::Certificate(hash))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(pattern: &str) -> Vec<Vec<String>> {
        let found = parse(pattern).unwrap_or_else(|error| unreachable!("{pattern}: {error}"));
        found.iter().map(|terms| terms.iter().map(Observable::text).collect()).collect()
    }

    #[test]
    fn what_a_sensor_can_see_is_read() {
        let hash = "0f".repeat(32);
        for (pattern, wanted) in [
            ("[ipv4-addr:value = '198.51.100.7']", "198.51.100.7"),
            ("[ipv4-addr:value='198.51.100.7/24']", "198.51.100.0/24"),
            ("[ ipv4-addr:value ISSUBSET '198.51.0.0/16' ]", "198.51.0.0/16"),
            ("[ipv6-addr:value == '2001:DB8::7']", "2001:db8::7"),
            ("[domain-name:value = 'Evil.Example.ORG.']", "evil.example.org"),
            ("[url:value = 'https://u@evil.example.org:8443/a?b=c']", "evil.example.org"),
            ("[url:value = 'http://198.51.100.7/x']", "198.51.100.7"),
            ("[url:value = 'http://[2001:db8::7]:80/x']", "2001:db8::7"),
            (
                "[network-traffic:extensions.'tls-ext'.ja3_hash = 'E7ECA2BAF4458D095B7F45DA28C16C34']",
                "e7eca2baf4458d095b7f45da28c16c34",
            ),
            (
                "[network-traffic:x_ja4 = 't13d1516h2_8daaf6152771_b186095e22b6']",
                "t13d1516h2_8daaf6152771_b186095e22b6",
            ),
            (&format!("[x509-certificate:hashes.'SHA-256' = '{hash}']"), &hash),
        ] {
            assert_eq!(read(pattern), [[wanted]], "{pattern}");
        }
    }

    #[test]
    fn and_binds_closer_than_or_within_and_between_observations() {
        let (a, b, c) = (
            "domain-name:value = 'a.org'",
            "domain-name:value = 'b.org'",
            "domain-name:value = 'c.org'",
        );
        assert_eq!(
            read(&format!("[{a} OR {b} AND {c}]")),
            vec![vec!["a.org"], vec!["b.org", "c.org"]]
        );
        assert_eq!(
            read(&format!("[({a} OR {b}) AND {c}]")),
            [["a.org", "c.org"], ["b.org", "c.org"]]
        );
        assert_eq!(
            read(&format!("[{a}] OR ([{b}] AND [{c}])")),
            vec![vec!["a.org"], vec!["b.org", "c.org"]]
        );
        assert_eq!(read(&format!("[{a} AND {a}]")), [["a.org"]]);
        assert_eq!(read("[domain-name:value IN ('a.org', 'b.org')]"), [["a.org"], ["b.org"]]);
        assert_eq!(read("[domain-name:value = 'a\\-b.org']"), [["a-b.org"]]);
    }

    #[test]
    fn all_else_is_unsupported_and_says_what() {
        let deep = format!("[{}domain-name:value = 'a.org'{}]", "(".repeat(40), ")".repeat(40));
        let long = format!("[domain-name:value = '{}']", "a".repeat(PATTERN_BYTES_MAX));
        let many = vec!["[domain-name:value = 'a.org']"; ALTERNATIVES_MAX + 1].join(" OR ");
        let wide = (0..9).map(|n| format!("domain-name:value = 'a{n}.org'")).collect::<Vec<_>>();
        for (pattern, word) in [
            ("", "the end"),
            ("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", "file:hashes.MD5"),
            ("[ipv4-addr:value != '198.51.100.7']", "operator !="),
            ("[ipv4-addr:value LIKE '198.%']", "LIKE"),
            ("[ipv4-addr:value NOT = '198.51.100.7']", "NOT"),
            (
                "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [domain-name:value = 'a.org']",
                "FOLLOWEDBY",
            ),
            ("[ipv4-addr:value = '198.51.100.7'] WITHIN 5 SECONDS", "WITHIN"),
            ("[ipv4-addr:value = 'example.org']", "ipv4-addr"),
            ("[ipv6-addr:value = '198.51.100.7']", "ipv6-addr"),
            ("[ipv4-addr:value = '198.51.100.7/33']", "/33"),
            ("[ipv4-addr:value = 7]", "no text"),
            ("[domain-name:value = 'a b']", "a b"),
            ("[domain-name:value ISSUBSET 'a.org']", "ISSUBSET"),
            ("[domain-name:resolves_to_refs[*].value = '1.2.3.4']", "where an operator belongs"),
            ("[network-traffic:dst_port = '443']", "dst_port"),
            ("[network-traffic:x_ja3 = 'short']", "short"),
            ("[x509-certificate:hashes.'SHA-256' = 'zz']", "zz"),
            ("[ipv4-addr:value = '198.51.100.7'", "]"),
            ("[ipv4-addr:value = '198.51.100.7", "without end"),
            ("[domain-name:value = 'a.org'] x", "behind"),
            ("{}", "character"),
            (&deep, "brackets"),
            (&long, "bytes"),
            (&many, "alternatives"),
            (&format!("[{}]", wide.join(" AND ")), "parts"),
        ] {
            let error = parse(pattern).unwrap_err().to_string();
            assert!(error.contains(word), "{pattern}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn hostile_patterns_are_only_unsupported(text in ".{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn pieces_in_any_order_are_only_unsupported(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "[", "]", "(", ")", "AND", "OR", "IN", "=", "'a.org'", "'", ",",
                    "domain-name:value", "ipv4-addr:value", "'1.2.3.4/5'", "ISSUBSET",
                ]),
                0..40,
            ),
        ) {
            if let Ok(found) = parse(&pieces.join(" ")) {
                assert!(found.len() <= ALTERNATIVES_MAX);
                assert!(found.iter().all(|terms| (1..=TERMS_MAX).contains(&terms.len())));
            }
        }
    }
}
