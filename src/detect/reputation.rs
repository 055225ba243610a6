//! Reputations of addresses, by category: what `iprep` asks. Read when rules are loaded.
//!
//! The files are Suricata's (user guide, "IP Reputation Format"): categories as
//! `NUMBER,NAME,DESCRIPTION`, reputations as `ADDRESS[/PREFIX],CATEGORY,LEVEL`.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::FixedState;

use super::diagnostic::nearest;

/// The highest number of a category.
pub const CATEGORY_MAX: u8 = 60;

/// The highest level of a reputation.
pub const LEVEL_MAX: u8 = 127;

/// Addresses and networks of all files together.
pub const ENTRIES_MAX: usize = 4_000_000;

/// Lines of one file that are told of; further ones are counted.
const TOLD_MAX: usize = 10;

/// What is known of addresses.
#[derive(Default)]
pub struct Reputations {
    /// Names of categories and their numbers.
    names: BTreeMap<String, u8>,
    /// Levels by category.
    levels: BTreeMap<u8, Levels>,
    entries: usize,
}

/// Levels of one category, by version of the address.
#[derive(Default)]
struct Levels {
    v4: Networks<u32>,
    v6: Networks<u128>,
}

/// Levels by network, the longest prefix first.
type Networks<K> = Vec<(u8, HashMap<K, u8, FixedState>)>;

impl Reputations {
    /// Reads the categories; gives what is wrong with lines, which are passed over.
    #[must_use]
    pub fn categories(&mut self, text: &str) -> Vec<String> {
        let names = &mut self.names;
        lines(text, |line| {
            let mut parts = line.splitn(3, ',').map(str::trim);
            let (number, name) = (parts.next().unwrap_or_default(), parts.next());
            let known = number.parse::<u8>().ok().filter(|n| (1..=CATEGORY_MAX).contains(n));
            let known = known.ok_or_else(|| {
                format!("`{number}` is no number of a category: 1 to {CATEGORY_MAX}")
            })?;
            let name = name.filter(|name| !name.is_empty() && !name.contains(char::is_whitespace));
            let name = name
                .ok_or("a short name without blanks is missing: write NUMBER,NAME,DESCRIPTION")?;
            names.insert(name.to_owned(), known);
            Ok(())
        })
    }

    /// Adds the reputations of one file; of two for one network the later counts. Gives what is wrong
    /// with lines, which are passed over.
    #[must_use]
    pub fn add(&mut self, text: &str) -> Vec<String> {
        lines(text, |line| self.entry(line))
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let mut parts = line.split(',').map(str::trim);
        // The line that names the columns.
        if parts.clone().next() == Some("ip") {
            return Ok(());
        }
        let (Some(network), Some(category), Some(level), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("write ADDRESS[/PREFIX],CATEGORY,LEVEL".to_owned());
        };
        let (address, prefix) = parse_network(network)
            .ok_or_else(|| format!("`{network}` is no address and no network in CIDR notation"))?;
        let category = category
            .parse::<u8>()
            .ok()
            .filter(|number| self.names.values().any(|known| known == number))
            .ok_or_else(|| {
                format!("the category `{category}` is not in the file of categories: add it there")
            })?;
        let level = level.parse::<u8>().ok().filter(|level| *level <= LEVEL_MAX);
        let level = level.ok_or_else(|| format!("a level is a number from 0 to {LEVEL_MAX}"))?;
        if level > 0 && self.entries >= ENTRIES_MAX {
            return Err(format!("more than {ENTRIES_MAX} addresses and networks"));
        }
        let levels = self.levels.entry(category).or_default();
        let old = match address {
            IpAddr::V4(address) => set(&mut levels.v4, prefix, masked4(address, prefix), level),
            IpAddr::V6(address) => set(&mut levels.v6, prefix, masked6(address, prefix), level),
        };
        self.entries -= usize::from(old.is_some());
        self.entries += usize::from(level > 0);
        Ok(())
    }

    /// The number of a category.
    pub fn category(&self, name: &str) -> Option<u8> {
        self.names.get(name).copied()
    }

    /// The category whose name is nearest, for a hint.
    pub fn near(&self, name: &str) -> Option<&str> {
        nearest(name, self.names.keys().map(String::as_str))
    }

    /// The level of an address in a category: of the smallest network that it is in.
    pub fn level(&self, category: u8, address: IpAddr) -> Option<u8> {
        let levels = self.levels.get(&category)?;
        match address {
            IpAddr::V4(address) => {
                let mut networks = levels.v4.iter();
                networks.find_map(|(prefix, known)| known.get(&masked4(address, *prefix)).copied())
            }
            IpAddr::V6(address) => {
                let mut networks = levels.v6.iter();
                networks.find_map(|(prefix, known)| known.get(&masked6(address, *prefix)).copied())
            }
        }
    }

    /// How many categories there are, and how many addresses and networks.
    pub fn size(&self) -> (usize, usize) {
        (self.names.len(), self.entries)
    }
}

/// Sets the level of a network, or forgets it at level 0; gives the one before.
fn set<K: Eq + Hash>(networks: &mut Networks<K>, prefix: u8, network: K, level: u8) -> Option<u8> {
    let place = networks.binary_search_by(|(known, _)| prefix.cmp(known));
    let at = match (place, level) {
        (Ok(at), _) => at,
        (Err(_), 0) => return None,
        (Err(at), _) => {
            networks.insert(at, (prefix, HashMap::default()));
            at
        }
    };
    let (_, known) = networks.get_mut(at)?;
    if level == 0 { known.remove(&network) } else { known.insert(network, level) }
}

/// The bits of the prefix.
fn masked4(address: Ipv4Addr, prefix: u8) -> u32 {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into()));
    address.to_bits() & mask.unwrap_or(0)
}

/// The same of 128.
fn masked6(address: Ipv6Addr, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into()));
    address.to_bits() & mask.unwrap_or(0)
}

/// An address and the bits of its prefix.
fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse::<u8>().ok())?;
    (prefix <= bits).then_some((address, prefix))
}

/// Calls `read` for each line that says something, and collects what is wrong. A line that begins
/// with a blank says nothing, as in Suricata.
fn lines(text: &str, mut read: impl FnMut(&str) -> Result<(), String>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut more = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with(['#', ' ', '\t']) {
            continue;
        }
        match read(line.trim()) {
            Ok(()) => {}
            Err(why) if problems.len() < TOLD_MAX => {
                problems.push(format!("line {number} is passed over: {why}"));
            }
            Err(_) => more += 1,
        }
    }
    if more > 0 {
        problems.push(format!("{more} more lines are wrong and passed over"));
    }
    problems
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn reputations(text: &str) -> Reputations {
        let mut known = Reputations::default();
        assert!(known.categories("# c\n1,BadHosts,Known bad hosts\n2,CnC\n").is_empty());
        assert_eq!(known.add(text), [""; 0]);
        known
    }

    #[test]
    fn the_smallest_network_counts() {
        let known = reputations(
            "192.0.2.0/24,1,10\n192.0.2.128/25,1,20\n192.0.2.200,1,30\n192.0.2.200,2,40\n\
             2001:db8::/32,1,50\n192.0.2.7,1,0\n0.0.0.0/0,2,5\n",
        );
        let level = |category, address: &str| known.level(category, address.parse().unwrap());
        for (category, address, expected) in [
            (1, "192.0.2.1", Some(10)),
            (1, "192.0.2.130", Some(20)),
            (1, "192.0.2.200", Some(30)),
            (2, "192.0.2.200", Some(40)),
            (1, "192.0.2.7", Some(10)),
            (1, "192.0.3.1", None),
            (2, "192.0.3.1", Some(5)),
            (1, "2001:db8::1", Some(50)),
            (2, "2001:db8::1", None),
            (1, "2001:db9::1", None),
        ] {
            assert_eq!(level(category, address), expected, "{category} {address}");
        }
        assert_eq!(known.size(), (2, 6));
        assert_eq!((known.category("CnC"), known.near("BadHost")), (Some(2), Some("BadHosts")));
    }

    #[test]
    fn lines_that_are_wrong_are_told() {
        let mut known = reputations("");
        let told = known.categories("0,zero\n61,x\nx,y\n3\n3,a b\n4,Good\n");
        assert_eq!(told.len(), 5, "{told:?}");
        assert_eq!(known.category("Good"), Some(4), "the rest is taken");
        let wrong = "192.0.2.1\n192.0.2.1,9,1\n192.0.2.1,1,128\n192.0.2.1/33,1,1\nhost,1,1\n\
                     ::/129,1,1\n1.1.1.1,1,1,1\n198.51.100.1,1,7\n";
        let told = known.add(wrong);
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told.first().is_some_and(|line| line.starts_with("line 1 ")), "{told:?}");
        assert_eq!(known.level(1, "198.51.100.1".parse().unwrap()), Some(7), "the rest is taken");
        let told = known.add(&"x\n".repeat(99));
        assert_eq!(told.len(), TOLD_MAX + 1);
        assert!(told.last().is_some_and(|last| last.starts_with("89 more lines")), "{told:?}");
    }

    #[test]
    fn columns_are_named_and_lines_that_begin_with_blanks_are_not_read() {
        let known =
            reputations("ip,category,score\n 192.0.2.1,1,9\n\tnonsense\n\r\n192.0.2.2,1,8\r\n");
        assert_eq!(known.size(), (2, 1));
        assert_eq!(known.level(1, "192.0.2.2".parse().unwrap()), Some(8));
    }

    #[test]
    fn level_0_removes_and_versions_are_apart() {
        let mut known = reputations("192.0.2.1,1,9\n192.0.2.1,1,8\n0.0.0.0/0,2,3\n::/0,1,4\n");
        let level = |known: &Reputations, category, address: &str| {
            known.level(category, address.parse().unwrap())
        };
        assert_eq!((known.size(), level(&known, 1, "192.0.2.1")), ((2, 3), Some(8)));
        assert!(known.add("192.0.2.1,1,0\n192.0.2.77,1,0\n").is_empty());
        assert_eq!((known.size(), level(&known, 1, "192.0.2.1")), ((2, 2), None));
        assert_eq!(level(&known, 2, "::ffff:192.0.2.1"), None);
        assert_eq!(level(&known, 1, "::ffff:192.0.2.1"), Some(4));
    }
}
