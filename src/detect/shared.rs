//! What rules ask of state that all hosts share: marks on hosts, and sets that rules fill. Decided at
//! the merge, in the order of packets, so that the number of workers does not matter.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::changes::SetChanges;
use crate::record::{Alert, BitCommand, Context, HostBit, HostTrack, SetQuery};
use crate::time::{Duration, Timestamp};

/// Marks on hosts and pairs kept at once, over all names; beyond, the one that expires first leaves.
pub const HOST_BITS_MAX: usize = 262_144;

/// Marks and changed sets.
#[derive(Default)]
pub struct Shared {
    bits: HashMap<Key, (Timestamp, u64)>,
    expiries: BTreeMap<(Timestamp, u64), Key>,
    made: u64,
    /// Locked for a match that asks a set, and while sets are written.
    changes: Arc<Mutex<SetChanges>>,
    dropped: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    whose: (IpAddr, Option<IpAddr>),
}

impl Shared {
    /// Whether a match is one as far as shared state is concerned. What the rule sets is set if all
    /// that it asks holds.
    pub fn holds(&mut self, now: Timestamp, context: &Context, alert: &Alert) -> bool {
        let bits = &alert.signature.host_bits;
        if bits.is_empty() && alert.queries.is_empty() {
            return true;
        }
        let asked = bits.iter().all(|bit| match bit.command {
            BitCommand::IsSet => self.is_set(bit, now, context),
            BitCommand::IsNotSet => !self.is_set(bit, now, context),
            BitCommand::Set | BitCommand::Unset | BitCommand::Toggle => true,
        });
        if !asked || !self.sets_allow(&alert.queries) {
            return false;
        }
        for bit in bits {
            let on = match bit.command {
                BitCommand::Set => true,
                BitCommand::Unset => false,
                BitCommand::Toggle => !self.is_set(bit, now, context),
                BitCommand::IsSet | BitCommand::IsNotSet => continue,
            };
            self.put(bit, now, context, on);
        }
        true
    }

    /// Changes for which there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped + self.changes.lock().unwrap_or_else(PoisonError::into_inner).dropped()
    }

    /// What rules have changed in sets: for whoever keeps them.
    pub fn changes(&self) -> Arc<Mutex<SetChanges>> {
        Arc::clone(&self.changes)
    }

    /// Whether sets are as asked; if they are, the changes are made.
    fn sets_allow(&self, queries: &[SetQuery]) -> bool {
        if queries.is_empty() {
            return true;
        }
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let held = queries.iter().all(|query| match query.command {
            BitCommand::IsSet => changes.holds(query),
            BitCommand::IsNotSet => !changes.holds(query),
            BitCommand::Set | BitCommand::Unset | BitCommand::Toggle => true,
        });
        // To put in what is there already is no match, nor to take out what is not there.
        held && queries.iter().all(|query| match query.command {
            BitCommand::Set => changes.make(query, true),
            BitCommand::Unset => changes.make(query, false),
            _ => true,
        })
    }

    fn is_set(&self, bit: &HostBit, now: Timestamp, context: &Context) -> bool {
        let known = key(bit, context).and_then(|key| self.bits.get(&key));
        known.is_some_and(|(expires, _)| *expires >= now)
    }

    fn put(&mut self, bit: &HostBit, now: Timestamp, context: &Context, on: bool) {
        let Some(key) = key(bit, context) else { return };
        if let Some(old) = self.bits.remove(&key) {
            self.expiries.remove(&old);
        }
        if !on {
            return;
        }
        if self.bits.len() >= HOST_BITS_MAX
            && let Some((_, first)) = self.expiries.pop_first()
        {
            self.bits.remove(&first);
            self.dropped += 1;
        }
        self.made += 1;
        let age = (now.after(Duration::from_secs(bit.expire.into())), self.made);
        self.expiries.insert(age, key.clone());
        self.bits.insert(key, age);
    }
}

fn key(bit: &HostBit, context: &Context) -> Option<Key> {
    let source = context.source.map(|end| end.addr);
    let destination = context.destination.map(|end| end.addr);
    let whose = match bit.track {
        HostTrack::Source => (source?, None),
        HostTrack::Destination => (destination?, None),
        HostTrack::Pair => {
            let (a, b) = (source?, destination?);
            (a.min(b), Some(a.max(b)))
        }
    };
    Some(Key { name: bit.name.clone(), whose })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::net::Endpoint;
    use crate::record::Signature;

    fn alert(bits: &[(BitCommand, HostTrack)], queries: Vec<SetQuery>) -> Alert {
        let bit = |(command, track): &(BitCommand, HostTrack)| HostBit {
            command: *command,
            name: "seen".into(),
            track: *track,
            expire: 10,
        };
        let host_bits = bits.iter().map(bit).collect();
        let signature = Arc::new(Signature { host_bits, ..Signature::default() });
        Alert { signature, queries, ..Alert::default() }
    }

    fn context(source: &str, destination: &str) -> Context {
        let end = |addr: &str| Some(Endpoint { addr: addr.parse().unwrap(), port: 0 });
        Context {
            flow_id: None,
            source: end(source),
            destination: end(destination),
            protocol: 6,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        }
    }

    #[test]
    fn marks_stay_with_their_host_and_expire() {
        let mut shared = Shared::default();
        let (there, back) = (context("10.0.0.1", "10.0.0.2"), context("10.0.0.2", "10.0.0.1"));
        let set = alert(&[(BitCommand::Set, HostTrack::Source)], Vec::new());
        let by_source = alert(&[(BitCommand::IsSet, HostTrack::Source)], Vec::new());
        let by_target = alert(&[(BitCommand::IsSet, HostTrack::Destination)], Vec::new());
        let not = alert(&[(BitCommand::IsNotSet, HostTrack::Source)], Vec::new());
        let at = |second| Timestamp::new(second, 0);
        assert!(!shared.holds(at(1), &there, &by_source));
        assert!(shared.holds(at(1), &there, &set));
        assert!(shared.holds(at(2), &there, &by_source) && !shared.holds(at(2), &there, &not));
        assert!(!shared.holds(at(2), &back, &by_source) && shared.holds(at(2), &back, &by_target));
        assert!(!shared.holds(at(12), &there, &by_source) && shared.holds(at(12), &there, &not));
    }

    #[test]
    fn a_pair_is_one_either_way_round() {
        let mut shared = Shared::default();
        let (there, back) = (context("10.0.0.1", "10.0.0.2"), context("10.0.0.2", "10.0.0.1"));
        let toggle = alert(&[(BitCommand::Toggle, HostTrack::Pair)], Vec::new());
        let asked = alert(&[(BitCommand::IsSet, HostTrack::Pair)], Vec::new());
        let now = Timestamp::new(1, 0);
        assert!(shared.holds(now, &there, &toggle) && shared.holds(now, &back, &asked));
        assert!(shared.holds(now, &back, &toggle) && !shared.holds(now, &there, &asked));
    }

    #[test]
    fn a_value_is_new_to_a_set_once() {
        let mut shared = Shared::default();
        let (now, context) = (Timestamp::new(1, 0), context("10.0.0.1", "10.0.0.2"));
        let mut ask = |command, value: &str, loaded| {
            let value = value.as_bytes().to_vec();
            let room = (9, 9_000);
            let query = SetQuery { set: 0, command, value, loaded, room };
            shared.holds(now, &context, &alert(&[], vec![query]))
        };
        assert!(ask(BitCommand::Set, "a", false) && !ask(BitCommand::Set, "a", false));
        assert!(ask(BitCommand::IsSet, "a", false) && !ask(BitCommand::IsSet, "b", false));
        assert!(!ask(BitCommand::Set, "c", true) && ask(BitCommand::Unset, "c", true));
        assert!(ask(BitCommand::IsNotSet, "c", true) && !ask(BitCommand::Unset, "c", true));
    }
}
