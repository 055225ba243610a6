//! Reputations of addresses, by category: what `iprep` asks. Read when rules are loaded.
//!
//! The files are Suricata's (user guide, "IP Reputation Format"): categories as
//! `NUMBER,NAME,DESCRIPTION`, reputations as `ADDRESS[/PREFIX],CATEGORY,LEVEL`.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

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

/// Levels of one category by network, the longest prefix first.
#[derive(Default)]
struct Levels(Vec<(u8, HashMap<u128, u8, FixedState>)>);

impl Reputations {
    /// Reads the categories.
    ///
    /// # Errors
    /// Each line that is wrong, with its number.
    pub fn categories(&mut self, text: &str) -> Result<(), Vec<String>> {
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

    /// Adds the reputations of one file; of two for one network the later counts.
    ///
    /// # Errors
    /// Each line that is wrong, with its number.
    pub fn add(&mut self, text: &str) -> Result<(), Vec<String>> {
        lines(text, |line| self.entry(line))
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let mut parts = line.split(',').map(str::trim);
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
        let level = level.ok_or_else(|| format!("a level is a number from 1 to {LEVEL_MAX}"))?;
        // Nothing is known of it: as if it did not stand there.
        if level == 0 {
            return Ok(());
        }
        if self.entries >= ENTRIES_MAX {
            return Err(format!("more than {ENTRIES_MAX} addresses and networks"));
        }
        self.entries += 1;
        let Levels(by_prefix) = self.levels.entry(category).or_default();
        let place = by_prefix.binary_search_by(|(known, _)| prefix.cmp(known));
        let at = place.unwrap_or_else(|at| {
            by_prefix.insert(at, (prefix, HashMap::default()));
            at
        });
        if let Some((_, known)) = by_prefix.get_mut(at) {
            known.insert(masked(address, prefix), level);
        }
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
        let number = mapped(address);
        let mut by_prefix = self.levels.get(&category)?.0.iter();
        by_prefix.find_map(|(prefix, known)| known.get(&masked(number, *prefix)).copied())
    }

    /// How many categories there are, and how many addresses and networks.
    pub fn size(&self) -> (usize, usize) {
        (self.names.len(), self.entries)
    }
}

/// Both versions in one: IPv4 as IPv6 has it mapped.
const fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The bits of the prefix, of 128.
const fn masked(address: u128, prefix: u8) -> u128 {
    match u128::MAX.checked_shl(128 - prefix as u32) {
        Some(mask) => address & mask,
        None => 0,
    }
}

/// An address, mapped, and a prefix of 128 bits.
fn parse_network(text: &str) -> Option<(u128, u8)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(bits), |prefix| prefix.parse::<u8>().ok())?;
    (prefix <= bits).then_some((mapped(address), prefix + (128 - bits)))
}

/// Calls `read` for each line that says something, and collects what is wrong.
fn lines(text: &str, mut read: impl FnMut(&str) -> Result<(), String>) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let mut more = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match read(line) {
            Ok(()) => {}
            Err(why) if problems.len() < TOLD_MAX => problems.push(format!("line {number}: {why}")),
            Err(_) => more += 1,
        }
    }
    if more > 0 {
        problems.push(format!("{more} more lines are wrong"));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn reputations(text: &str) -> Reputations {
        let mut known = Reputations::default();
        known.categories("# c\n1,BadHosts,Known bad hosts\n2,CnC\n").unwrap();
        known.add(text).unwrap();
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
        let told = known.categories("0,zero\n61,x\nx,y\n3\n3,a b\n").unwrap_err();
        assert_eq!(told.len(), 5, "{told:?}");
        let wrong = "192.0.2.1\n192.0.2.1,9,1\n192.0.2.1,1,128\n192.0.2.1/33,1,1\nhost,1,1\n\
                     ::/129,1,1\n1.1.1.1,1,1,1\n";
        let told = known.add(wrong).unwrap_err();
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told.first().is_some_and(|line| line.starts_with("line 1: ")), "{told:?}");
        assert_eq!(known.add(&"x\n".repeat(99)).unwrap_err().len(), TOLD_MAX + 1);
    }
}
