//! Address and port variables, and the lists of a rule's header.
//!
//! A list means what it says as sets: all that its items name, or everything when each item is
//! negated, without what the negated items name. So `[10.0.0.0/8,!10.1.0.0/16]` and
//! `!$HOME_NET` work at any depth.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::datasets::Companions;
use super::diagnostic::nearest;
use super::limits::Limit;
use super::operator::Problem;
use crate::net::{AddressSet, PortSet};

/// How deep lists and variables may lie within each other.
const DEPTH_MAX: usize = 32;

/// Suricata's stock values.
static STOCK: &[(&str, &str)] = &[
    ("HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"),
    ("EXTERNAL_NET", "!$HOME_NET"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
    ("SIP_PORTS", "[5060,5061]"),
];

/// The variables, and every list that was looked up with them; and what else stands around rules.
pub struct Variables {
    /// Sets of values, and how files that rules name are read.
    pub companions: Companions,
    /// Thresholds, suppressions and rates beside the rules' own.
    pub limits: Vec<Limit>,
    texts: BTreeMap<String, String>,
    /// Whether EXTERNAL_NET was set by hand.
    external_set: bool,
    addresses: HashMap<String, Result<Arc<AddressSet>, Problem>, FixedState>,
    ports: HashMap<String, Result<Arc<PortSet>, Problem>, FixedState>,
}

impl Default for Variables {
    fn default() -> Self {
        let texts = STOCK.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self {
            companions: Companions::default(),
            limits: Vec::new(),
            texts: texts.collect(),
            external_set: false,
            addresses: HashMap::default(),
            ports: HashMap::default(),
        }
    }
}

impl Variables {
    /// Sets a variable, with or without its `$`. When HOME_NET becomes everything, EXTERNAL_NET
    /// becomes everything too unless it was set: its complement would match nothing.
    pub fn set(&mut self, name: &str, value: &str) {
        let name = name.trim().trim_start_matches('$');
        let value = value.trim();
        // `10.0.0.0/8,192.168.0.0/16` as the command line gives it is a list.
        let bare = value.contains(',') && !value.starts_with(['[', '!']);
        let value = if bare { format!("[{value}]") } else { value.to_owned() };
        self.external_set |= name == "EXTERNAL_NET";
        self.texts.insert(name.to_owned(), value);
        self.addresses.clear();
        self.ports.clear();
        if name == "HOME_NET" && !self.external_set {
            let all = self.addresses("$HOME_NET").is_ok_and(|home| home.is_any());
            let external = if all { "any" } else { "!$HOME_NET" };
            self.texts.insert("EXTERNAL_NET".to_owned(), external.to_owned());
            self.addresses.clear();
        }
    }

    /// The names and texts of all variables, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The addresses that a header's text names.
    ///
    /// # Errors
    /// With a span in bytes of `text`.
    pub fn addresses(&mut self, text: &str) -> Result<Arc<AddressSet>, Problem> {
        if let Some(known) = self.addresses.get(text) {
            return known.clone();
        }
        let set = Lists { texts: &self.texts }.resolve::<AddressSet>(text);
        self.addresses.insert(text.to_owned(), set.clone());
        set
    }

    /// The ports that a header's text names.
    ///
    /// # Errors
    /// With a span in bytes of `text`.
    pub fn ports(&mut self, text: &str) -> Result<Arc<PortSet>, Problem> {
        if let Some(known) = self.ports.get(text) {
            return known.clone();
        }
        let set = Lists { texts: &self.texts }.resolve::<PortSet>(text);
        self.ports.insert(text.to_owned(), set.clone());
        set
    }
}

/// A set that lists build.
trait Set: Default {
    const WHAT: &'static str;
    fn everything() -> Self;
    fn join(&mut self, other: &Self);
    fn leave(&mut self, other: &Self);
    fn nothing(&self) -> bool;
    /// One plain item.
    fn item(text: &str) -> Result<Self, String>;
}

impl Set for AddressSet {
    const WHAT: &'static str = "address";
    fn everything() -> Self {
        Self::any()
    }
    fn join(&mut self, other: &Self) {
        self.add(other);
    }
    fn leave(&mut self, other: &Self) {
        self.remove(other);
    }
    fn nothing(&self) -> bool {
        self.is_empty()
    }

    fn item(text: &str) -> Result<Self, String> {
        let address = |text: &str| {
            text.trim().parse::<IpAddr>().map_err(|_| format!("`{text}` is not an IP address"))
        };
        if let Some((network, prefix)) = text.split_once('/') {
            let network = address(network)?;
            let width = if network.is_ipv4() { 32 } else { 128 };
            return match (prefix.parse::<u8>(), prefix.parse::<std::net::Ipv4Addr>()) {
                (Ok(prefix), _) if prefix <= width => Ok(Self::network(network, prefix)),
                (_, Ok(mask)) if network.is_ipv4() => {
                    let ones = mask.to_bits().leading_ones();
                    if ones != mask.to_bits().count_ones() {
                        return Err(format!("`{prefix}` has holes: no network has such a mask"));
                    }
                    Ok(Self::network(network, u8::try_from(ones).unwrap_or(width)))
                }
                _ => Err(format!("`{prefix}` is not a prefix length from 0 to {width}")),
            };
        }
        if let Some((first, last)) = text.split_once('-') {
            let range = Self::range(address(first)?, address(last)?);
            if range.is_empty() {
                return Err(format!("`{text}` ends before it begins"));
            }
            return Ok(range);
        }
        let single = address(text)?;
        Ok(Self::range(single, single))
    }
}

impl Set for PortSet {
    const WHAT: &'static str = "port";
    fn everything() -> Self {
        Self::any()
    }
    fn join(&mut self, other: &Self) {
        self.add(other);
    }
    fn leave(&mut self, other: &Self) {
        self.remove(other);
    }
    fn nothing(&self) -> bool {
        self.is_empty()
    }

    fn item(text: &str) -> Result<Self, String> {
        let port = |text: &str, open: u16| match text.trim() {
            "" => Ok(open),
            digits => digits
                .parse::<u16>()
                .map_err(|_| format!("`{digits}` is not a port from 0 to 65535")),
        };
        match text.split_once(':') {
            Some((first, last)) => {
                let range = Self::range(port(first, 0)?, port(last, u16::MAX)?);
                if range.is_empty() {
                    return Err(format!("`{text}` ends before it begins"));
                }
                Ok(range)
            }
            None => {
                let single = port(text, 0)?;
                Ok(Self::range(single, single))
            }
        }
    }
}

/// All of them as one. By halves: to join one after the other would go over the first each time, and
/// lists of addresses are long.
fn joined<S: Set>(mut sets: Vec<S>) -> S {
    while sets.len() > 1 {
        let mut halves = Vec::with_capacity(sets.len().div_ceil(2));
        let mut rest = sets.into_iter();
        while let Some(mut first) = rest.next() {
            rest.next().iter().for_each(|second| first.join(second));
            halves.push(first);
        }
        sets = halves;
    }
    sets.pop().unwrap_or_default()
}

/// Reads lists with the variables at hand.
struct Lists<'a> {
    texts: &'a BTreeMap<String, String>,
}

impl<'a> Lists<'a> {
    fn resolve<S: Set>(&self, text: &'a str) -> Result<Arc<S>, Problem> {
        let set: S = self.nested(text, 0, &mut Vec::new(), 0)?;
        if set.nothing() {
            return Err(Problem::spanned("R024", 0..text.len(), format!("`{text}` leaves no {}", S::WHAT))
                .hint("a negation takes everything away; is HOME_NET `any` while EXTERNAL_NET is its complement?"));
        }
        Ok(Arc::new(set))
    }

    /// `text` begins `at` bytes into what the problem's span speaks of. `within` holds the
    /// variables that are being looked up, outermost first.
    fn nested<S: Set>(
        &self,
        text: &str,
        at: usize,
        within: &mut Vec<String>,
        depth: usize,
    ) -> Result<S, Problem> {
        let trimmed = text.trim_ascii_start();
        let at = at + (text.len() - trimmed.len());
        let text = trimmed.trim_ascii_end();
        let span = at..at + text.len().max(1);
        if depth > DEPTH_MAX {
            let message = format!("lists lie more than {DEPTH_MAX} deep");
            return Err(Problem::spanned("R022", span, message));
        }
        if let Some(rest) = text.strip_prefix('!') {
            let mut set = S::everything();
            set.leave(&self.nested(rest, at + 1, within, depth + 1)?);
            return Ok(set);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let Some(inner) = inner.strip_suffix(']') else {
                return Err(Problem::spanned("R020", span, "this list does not end with `]`"));
            };
            return self.list(inner, at + 1, within, depth + 1);
        }
        if let Some(name) = text.strip_prefix('$') {
            return self.variable(name, span, within, depth + 1);
        }
        if text.eq_ignore_ascii_case("any") {
            return Ok(S::everything());
        }
        if text.contains(',') {
            return Err(Problem::spanned("R020", span, "several items need brackets")
                .hint(format!("write `[{text}]`")));
        }
        if text.is_empty() {
            return Err(Problem::spanned("R020", span, format!("an {} is missing here", S::WHAT)));
        }
        S::item(text).map_err(|message| Problem::spanned("R021", span, message))
    }

    fn list<S: Set>(
        &self,
        inner: &str,
        at: usize,
        within: &mut Vec<String>,
        depth: usize,
    ) -> Result<S, Problem> {
        let (mut named, mut taken) = (Vec::new(), Vec::new());
        for (offset, item) in items(inner) {
            let bare = item.trim_ascii_start();
            let place = at + offset + (item.len() - bare.len());
            match bare.strip_prefix('!') {
                Some(rest) => taken.push(self.nested(rest, place + 1, within, depth)?),
                None => named.push(self.nested(bare, place, within, depth)?),
            }
        }
        let mut set: S = if named.is_empty() { S::everything() } else { joined(named) };
        set.leave(&joined(taken));
        Ok(set)
    }

    fn variable<S: Set>(
        &self,
        name: &str,
        span: std::ops::Range<usize>,
        within: &mut Vec<String>,
        depth: usize,
    ) -> Result<S, Problem> {
        let Some(text) = self.texts.get(name) else {
            let problem =
                Problem::spanned("R023", span, format!("the variable `${name}` is not set"));
            return Err(problem.hint(match nearest(name, self.texts.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `${near}`?"),
                None => format!("set it with `--var {name}=VALUE`"),
            }));
        };
        if within.iter().any(|outer| outer == name) {
            let message = format!("the variable `${name}` is made of itself");
            return Err(Problem::spanned("R022", span, message));
        }
        within.push(name.to_owned());
        let set = self.nested(text, 0, within, depth);
        within.pop();
        // What is wrong is in the variable's text: the rule can only point at its name.
        set.map_err(|inner| {
            let told = inner.message.starts_with("in the variable");
            let message = if told {
                inner.message
            } else {
                format!("in the variable `${name}` (`{text}`): {}", inner.message)
            };
            Problem { message, span, ..inner }
        })
    }
}

/// The items of a list: parted by commas that no inner bracket holds, with their offsets.
fn items(inner: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut depth = 0usize;
    let mut offset = 0;
    inner
        .split(move |character: char| {
            match character {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            character == ',' && depth == 0
        })
        .map(move |item| {
            let at = offset;
            offset += item.len() + 1;
            (at, item)
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn has(variables: &mut Variables, text: &str, address: &str) -> bool {
        variables.addresses(text).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn stock_variables_part_home_from_outside() {
        let mut variables = Variables::default();
        let names: Vec<(String, String)> =
            variables.all().map(|(n, t)| (n.to_owned(), t.to_owned())).collect();
        for (name, _) in names {
            let text = format!("${name}");
            let ports = name.ends_with("_PORTS");
            assert!(if ports {
                variables.ports(&text).is_ok()
            } else {
                variables.addresses(&text).is_ok()
            });
        }
        assert!(has(&mut variables, "$HOME_NET", "10.1.2.3"));
        assert!(!has(&mut variables, "$EXTERNAL_NET", "10.1.2.3"));
        assert!(has(&mut variables, "$EXTERNAL_NET", "8.8.8.8"));
        assert!(has(&mut variables, "$EXTERNAL_NET", "2001:db8::1"));
    }

    #[test]
    fn lists_are_sets() {
        let mut v = Variables::default();
        let text = "[10.0.0.0/8, !10.1.0.0/16, [192.0.2.1-192.0.2.9,2001:db8::/32]]";
        assert!(has(&mut v, text, "10.2.0.1") && !has(&mut v, text, "10.1.0.1"));
        assert!(has(&mut v, text, "192.0.2.9") && has(&mut v, text, "2001:db8::7"));
        assert!(!has(&mut v, "![10.0.0.0/8,!10.1.0.0/16]", "10.2.0.1"));
        assert!(has(&mut v, "![10.0.0.0/8,!10.1.0.0/16]", "10.1.0.1"));
        assert!(has(&mut v, "192.0.2.0/255.255.255.0", "192.0.2.77"));
        let ports = v.ports("[$HTTP_PORTS,1024:,!2000:3000]").unwrap();
        assert_eq!(ports.ranges(), [(80, 80), (1024, 1999), (3001, 65535)]);
        assert_eq!(v.ports("![21,80]").unwrap().ranges(), [(0, 20), (22, 79), (81, 65535)]);
    }

    #[test]
    fn a_home_that_is_everything_leaves_an_outside() {
        let mut v = Variables::default();
        v.set("HOME_NET", "any");
        assert!(v.addresses("$EXTERNAL_NET").unwrap().is_any());
        v.set("HOME_NET", "192.0.2.0/24,198.51.100.0/24");
        assert!(
            has(&mut v, "$EXTERNAL_NET", "10.1.1.1") && has(&mut v, "$HOME_NET", "198.51.100.1")
        );
        v.set("EXTERNAL_NET", "!$HOME_NET");
        v.set("HOME_NET", "any");
        assert_eq!(v.addresses("$EXTERNAL_NET").unwrap_err().code, "R024");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut v = Variables::default();
        v.set("A", "[$B]");
        v.set("B", "!$A");
        assert_eq!(v.addresses("$A").unwrap_err().code, "R022");
        let unknown = v.addresses("[1.2.3.4, $HOME_NETS]").unwrap_err();
        assert_eq!((unknown.code, unknown.span), ("R023", 10..20));
        assert_eq!(unknown.help.as_deref(), Some("did you mean `$HOME_NET`?"));
        let octet = v.addresses("[1.2.3.4,1.2.3.400]").unwrap_err();
        assert_eq!((octet.code, octet.span), ("R021", 9..18));
        assert_eq!(v.ports("70000").unwrap_err().code, "R021");
        let deep = format!("{}1.2.3.4{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(v.addresses(&deep).unwrap_err().code, "R022");
        assert_eq!(v.addresses("").unwrap_err().code, "R020");
    }
}
