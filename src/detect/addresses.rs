//! Rules of addresses alone, found by an address: lists of thousands of hosts cost one look-up.

use std::net::IpAddr;

use super::rule::Header;
use crate::net::AddressSet;

/// Addresses that one rule may list on a side to be filed by it; larger sets are asked each time.
pub const LISTED_MAX: u128 = 1 << 26;

/// Rules filed by the addresses of one of their sides.
#[derive(Default)]
pub struct Addresses {
    source: Segments,
    destination: Segments,
    wide: Vec<u32>,
}

/// Disjoint stretches of addresses, sorted, each with its rules.
#[derive(Default)]
struct Segments {
    starts: Vec<u128>,
    rules: Vec<Vec<u32>>,
}

impl Addresses {
    /// Files rules by their smaller side.
    pub fn new<'a>(rules: impl Iterator<Item = (u32, &'a Header)>) -> Self {
        let (mut source, mut destination) = (Vec::new(), Vec::new());
        let mut wide = Vec::new();
        for (rule, header) in rules {
            let (from, to) = (size(&header.source), size(&header.destination));
            if header.both_ways || from.min(to) > LISTED_MAX {
                wide.push(rule);
            } else if from <= to {
                source.extend(header.source.ranges().map(|range| (range, rule)));
            } else {
                destination.extend(header.destination.ranges().map(|range| (range, rule)));
            }
        }
        Self { source: Segments::new(&source), destination: Segments::new(&destination), wide }
    }

    /// Rules that two addresses can concern.
    pub fn each(&self, source: IpAddr, destination: IpAddr, mut use_it: impl FnMut(u32)) {
        let found = [self.source.find(source), self.destination.find(destination), &self.wide];
        found.into_iter().flatten().for_each(|rule| use_it(*rule));
    }
}

impl Segments {
    fn new(ranges: &[((u128, u128), u32)]) -> Self {
        let ends = |((low, high), _): &((u128, u128), u32)| [Some(*low), high.checked_add(1)];
        let mut starts: Vec<u128> = ranges.iter().flat_map(ends).flatten().collect();
        starts.sort_unstable();
        starts.dedup();
        let mut rules = vec![Vec::new(); starts.len()];
        for ((low, high), rule) in ranges {
            let first = starts.partition_point(|start| start < low);
            let behind = starts.partition_point(|start| start <= high);
            for of in rules.get_mut(first..behind).unwrap_or_default() {
                of.push(*rule);
            }
        }
        Self { starts, rules }
    }

    fn find(&self, address: IpAddr) -> &[u32] {
        let number = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let behind = self.starts.partition_point(|start| *start <= number);
        let found = behind.checked_sub(1).and_then(|index| self.rules.get(index));
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

/// How many addresses.
fn size(set: &AddressSet) -> u128 {
    set.ranges().fold(0, |sum: u128, (low, high)| sum.saturating_add(high - low).saturating_add(1))
}
