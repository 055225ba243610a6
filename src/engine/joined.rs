//! Files that are fetched in parts (Content-Range, RFC 9110, section 14.4): once all parts between
//! two hosts were seen, the whole file gets a record of its own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::file::File;

/// Files of one shard of address pairs that wait for further parts; of more the oldest is forgotten.
/// By shard, so that what is forgotten does not depend on the number of workers.
const JOINS_MAX: usize = 64;

/// Stretches of one file that do not touch; with more the file is forgotten.
const STRETCHES_MAX: usize = 64;

/// The files of a worker that are not whole yet.
#[derive(Default)]
pub struct Joins {
    shards: HashMap<u8, VecDeque<Join>>,
    forgotten: u64,
}

struct Join {
    ends: (IpAddr, IpAddr),
    /// A hash of host and name: names may be long.
    key: [u8; 32],
    total: u64,
    /// What was seen: begin and end, sorted, apart from each other.
    seen: Vec<(u64, u64)>,
}

impl Joins {
    /// Takes a part that has ended, of a flow of that shard; the size of the file when it is whole now.
    pub fn add(&mut self, shard: u8, ends: (IpAddr, IpAddr), file: &File) -> Option<u64> {
        let part = file.part_of().filter(|_| !file.has_gap() && file.size() > 0)?;
        let key: [u8; 32] = Sha256::digest(&part.key).into();
        let same = |join: &Join| join.ends == ends && join.total == part.total && join.key == key;
        let waiting = self.shards.entry(shard).or_default();
        let at = waiting.iter().position(same);
        let mut join = at.and_then(|at| waiting.remove(at)).unwrap_or_else(|| Join {
            ends,
            key,
            total: part.total,
            seen: Vec::new(),
        });
        add_stretch(&mut join.seen, (file.start(), file.start().saturating_add(file.size())));
        let whole = join.seen.first().is_some_and(|(from, to)| *from == 0 && *to >= join.total);
        if whole {
            return Some(join.total);
        }
        let fits = join.seen.len() <= STRETCHES_MAX;
        self.forgotten += u64::from(!fits || waiting.len() >= JOINS_MAX);
        if fits {
            if waiting.len() >= JOINS_MAX {
                waiting.pop_front();
            }
            waiting.push_back(join);
        }
        None
    }

    /// Files that were forgotten before they were whole.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// Adds a stretch to sorted ones that do not touch, and joins those that do now.
fn add_stretch(seen: &mut Vec<(u64, u64)>, (mut from, mut to): (u64, u64)) {
    seen.retain(|(start, end)| {
        let apart = *end < from || *start > to;
        if !apart {
            (from, to) = (from.min(*start), to.max(*end));
        }
        apart
    });
    let at = seen.partition_point(|(start, _)| *start < from);
    seen.insert(at, (from, to));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Side;
    use crate::file::Wants;

    fn part(key: &[u8], start: u64, bytes: &[u8]) -> File {
        let file = File::open(b"a", Side::Response, Wants::NOTHING).from_offset(start);
        let mut file = file.in_parts(key, 10);
        file.add(bytes);
        file.close();
        file
    }

    #[test]
    fn parts_in_any_order_make_a_whole() {
        let ends = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut joins = Joins::default();
        assert_eq!(joins.add(7, ends, &part(b"x", 6, b"6789")), None);
        assert_eq!(joins.add(7, ends, &part(b"y", 0, b"012345")), None);
        assert_eq!(joins.add(7, ends, &part(b"x", 0, b"0123")), None);
        assert_eq!(joins.add(7, ends, &part(b"x", 3, b"345")), Some(10));
        assert_eq!(joins.add(7, ends, &part(b"x", 3, b"345")), None);
    }

    #[test]
    fn what_never_becomes_whole_is_forgotten() {
        let ends = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut joins = Joins::default();
        for number in 0..10_000u32 {
            assert_eq!(joins.add(7, ends, &part(&number.to_be_bytes(), 5, b"5")), None);
        }
        let waiting: usize = joins.shards.values().map(VecDeque::len).sum();
        assert_eq!((waiting, joins.forgotten()), (JOINS_MAX, 10_000 - JOINS_MAX as u64));
    }
}
