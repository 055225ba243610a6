//! What rules have put into sets of values and taken out of them: decided at the merge, in the order
//! of packets; read by whoever keeps sets for the next run.

use std::collections::{HashMap, HashSet};

use super::datasets::cost;
use crate::record::SetQuery;

/// Values that rules put into or took out of sets; further changes are not made, and counted.
pub const SET_CHANGES_MAX: usize = 262_144;

/// Bytes of one value that a rule puts into a set; a longer one is not put there, and counted.
pub const SET_VALUE_BYTES: usize = 64 * 1024;

/// Bytes of all values that rules put into sets.
pub const SET_BYTES_MAX: usize = 64 << 20;

/// By set and value whether it is there now, where that is not as it was loaded.
#[derive(Default)]
pub struct SetChanges {
    sets: HashMap<u32, Changed>,
    count: usize,
    bytes: usize,
    dropped: u64,
}

/// Changes of one set.
#[derive(Default)]
struct Changed {
    values: HashMap<Vec<u8>, bool>,
    /// How many values more than were loaded.
    more: i64,
    /// What these cost more in memory.
    more_cost: i64,
}

impl SetChanges {
    /// Whether a value is in its set now.
    pub fn holds(&self, query: &SetQuery) -> bool {
        let changed = self.sets.get(&query.set).and_then(|set| set.values.get(&query.value));
        changed.copied().unwrap_or(query.loaded)
    }

    /// Puts a value in or takes it out; whether that changed anything.
    pub fn make(&mut self, query: &SetQuery, on: bool) -> bool {
        if self.holds(query) == on {
            return false;
        }
        let size = query.value.len();
        let is_back = on == query.loaded;
        let is_full = self.count >= SET_CHANGES_MAX || self.bytes + size > SET_BYTES_MAX;
        if (on && size > SET_VALUE_BYTES) || (!is_back && is_full) {
            self.dropped += 1;
            return false;
        }
        let set = self.sets.entry(query.set).or_default();
        let step = if on { 1 } else { -1 };
        let (more, more_cost) = (set.more + step, set.more_cost + step * cost(size));
        if on && (more > query.room.0 || more_cost > query.room.1) {
            self.dropped += 1;
            return false;
        }
        (set.more, set.more_cost) = (more, more_cost);
        if is_back {
            set.values.remove(&query.value);
            self.count -= 1;
            self.bytes -= size;
        } else {
            set.values.insert(query.value.clone(), on);
            self.count += 1;
            self.bytes += size;
        }
        true
    }

    /// By value of a set whether it is there, where that is not as it was loaded.
    pub fn of(&self, set: u32) -> HashMap<Vec<u8>, bool> {
        self.sets.get(&set).map(|set| set.values.clone()).unwrap_or_default()
    }

    /// Forgets sets that no rule asks any more.
    pub fn retain(&mut self, numbers: &HashSet<u32>) {
        self.sets.retain(|number, _| numbers.contains(number));
        let values = || self.sets.values().flat_map(|set| set.values.keys());
        (self.count, self.bytes) = (values().count(), values().map(Vec::len).sum());
    }

    /// Changes for which there was no room.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BitCommand;

    fn query(set: u32, value: &str, loaded: bool, values: i64) -> SetQuery {
        let (command, value) = (BitCommand::Set, value.as_bytes().to_vec());
        SetQuery { set, command, value, loaded, room: (values, 1_000) }
    }

    #[test]
    fn a_set_has_so_much_room_and_what_is_taken_out_makes_more() {
        let mut changes = SetChanges::default();
        let ask = |value, loaded| query(7, value, loaded, 2);
        assert!(changes.make(&ask("a", false), true) && changes.make(&ask("b", false), true));
        assert!(!changes.make(&ask("c", false), true), "two values, no more");
        assert_eq!(changes.dropped(), 1);
        assert!(changes.make(&ask("old", true), false) && changes.make(&ask("c", false), true));
        assert!(!changes.holds(&ask("old", true)) && changes.holds(&ask("c", false)));
        // Back to what was loaded is no change that has to be remembered.
        assert!(changes.make(&ask("a", false), false));
        let long = query(7, &"x".repeat(980), false, 2);
        assert!(!changes.make(&long, true), "memory counts too");
        let left = [("b", true), ("c", true), ("old", false)];
        let left = left.map(|(value, on)| (value.as_bytes().to_vec(), on));
        assert_eq!(changes.of(7), HashMap::from(left));
        assert_eq!((changes.count, changes.bytes), (3, 5));
    }

    #[test]
    fn sets_that_nobody_asks_leave_their_room() {
        let mut changes = SetChanges::default();
        assert!(changes.make(&query(1, "abc", false, 9), true));
        assert!(changes.make(&query(2, "de", false, 9), true));
        changes.retain(&HashSet::from([2]));
        assert!(
            !changes.holds(&query(1, "abc", false, 9)) && changes.holds(&query(2, "de", false, 9))
        );
        assert_eq!((changes.count, changes.bytes), (1, 2));
    }
}
