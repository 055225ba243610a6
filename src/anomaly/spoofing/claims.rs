//! Who claims which address by ARP or NDP, and what of it is contested; in each VLAN by itself, as the same
//! addresses in two networks are two machines.

use std::net::IpAddr;

use crate::anomaly::known::{UNTAGGED, Vlan};
use crate::anomaly::stats::Recent;
use crate::time::{Duration, Timestamp};

/// Addresses whose holder is remembered.
const HOLDERS_MAX: usize = 8192;
/// Hardware addresses remembered that made claims worth remembering.
const CLAIMANTS_MAX: usize = 1024;
/// Claims remembered of each.
const CLAIMS_MAX: usize = 16;
/// A claim that was not made for so long may make room for another.
const OLD: Duration = Duration::from_secs(600);
/// Of them those of one address.
const TOLD_MAX: usize = 8;
/// Machines that are told the same, from which on it is no mistake.
const MANY: usize = 3;
/// A reply within this time of a request for it was asked for.
const ASKED: Duration = Duration::from_secs(5);

/// A hardware address.
pub(super) type Mac = [u8; 6];

/// What a message says: that an address is at a hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// As ARP numbers it: 1 for a question, 2 for an answer.
    pub(super) operation: u16,
    pub(super) mac: Mac,
    pub(super) address: IpAddr,
    /// Of a question the address that is looked for, of an answer the address that is told.
    pub(super) target: IpAddr,
}

/// Who has an address.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Holder {
    mac: Mac,
    last: Timestamp,
    /// Who had it before, and when that was last heard.
    before: Option<(Mac, Timestamp)>,
    /// When it was last asked for.
    asked: Option<Timestamp>,
}

/// One claim: that an address is at the claimant's hardware address, told to someone unasked.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Claim {
    pub(super) address: IpAddr,
    pub(super) told_to: IpAddr,
    pub(super) times: u32,
    /// Whether another was heard with the address, from whom it was taken.
    pub(super) from: Option<Mac>,
    /// It was an answer that nobody had asked for.
    unasked: bool,
    last: Timestamp,
}

/// All claims of one hardware address.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Claimant {
    pub(super) claims: Vec<Claim>,
    pub(super) first: Option<Timestamp>,
    /// What was told of it: 0 nothing, then the number of the shape, higher is graver.
    pub(super) told: u8,
}

/// What a claimant's claims come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// Two machines use one address.
    Conflict = 1,
    /// It stands between two others.
    Between = 2,
}

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Claims {
    /// Of IPv4 and of IPv6: who looks for many addresses of the one pushes out none of the other.
    holders: [Recent<(Vlan, IpAddr), Holder>; 2],
    pub(super) claimants: Recent<(Vlan, Mac), Claimant>,
}

impl Claims {
    pub(super) const fn new() -> Self {
        let holders = [Recent::new(HOLDERS_MAX), Recent::new(HOLDERS_MAX)];
        Self { holders, claimants: Recent::new(CLAIMANTS_MAX) }
    }

    /// Takes a message; whether its claims come to something that was not told yet. Who was silent
    /// for `reassigned` may have lost its address honestly; of claims older than that nothing
    /// counts any more. A claim counts once it was made `repeats` times.
    pub(super) fn add(
        &mut self,
        vlan: Vlan,
        told: &Told,
        at: Timestamp,
        reassigned: Duration,
        repeats: u32,
    ) -> Option<Shape> {
        let Told { operation, mac, address, target } = *told;
        let [v4, v6] = &mut self.holders;
        let holders = if target.is_ipv6() { v6 } else { v4 };
        if operation == 1 && target != address && !target.is_unspecified() {
            holders.touch(&(vlan, target)).asked = Some(at);
            if vlan != UNTAGGED {
                // Some mirrors show the answer without its tag.
                holders.touch(&(UNTAGGED, target)).asked = Some(at);
            }
        }
        if address.is_unspecified() || mac == [0; 6] || mac[0] & 1 == 1 {
            return None;
        }
        let lately = |holder: &Holder| holder.asked.is_some_and(|asked| at.since(asked) <= ASKED);
        let untagged = holders.peek(&(UNTAGGED, address)).is_some_and(lately);
        let holder = holders.touch(&(vlan, address));
        let asked = untagged || lately(holder);
        let held = holder.mac != [0; 6] && at.since(holder.last) <= reassigned;
        let from = (held && holder.mac != mac).then_some(holder.mac);
        // Both are heard in turn: a machine that moved is not heard again where it was.
        let back =
            holder.before.is_some_and(|(old, last)| old == mac && at.since(last) <= reassigned);
        if holder.mac != mac {
            holder.before = held.then_some((holder.mac, holder.last));
            holder.mac = mac;
        }
        holder.last = at;
        let unasked = operation == 2 && target != address && !asked;
        if !unasked && from.is_none() || (asked && operation == 2) {
            return None;
        }
        let known = self.claimants.peek(&(vlan, mac)).is_some();
        if !unasked && !back && !known {
            // A first change alone: a moved or replaced machine.
            let claimant = self.claimants.touch(&(vlan, mac));
            claimant.note((address, target), (from, unasked), at);
            return None;
        }
        let claimant = self.claimants.touch(&(vlan, mac));
        claimant.note((address, target), (from, unasked), at);
        let shape = claimant.shape(at, reassigned, repeats)?;
        if claimant.told >= shape as u8 {
            return None;
        }
        // Of two that use an address the one is told of that says so unasked; the other has it.
        let insists = claimant.insists(address, repeats);
        let others =
            || self.claimants.iter().filter(|((of, other), _)| *of == vlan && *other != mac);
        if !insists && others().any(|(_, other)| other.insists(address, repeats)) {
            return None;
        }
        self.claimants.touch(&(vlan, mac)).told = shape as u8;
        Some(shape)
    }

    /// The hardware addresses that an address was heard with, within this time: the last one, and that
    /// before it.
    pub(super) fn holders(
        &self,
        vlan: Vlan,
        address: IpAddr,
        at: Timestamp,
        within: Duration,
    ) -> Option<(Mac, Option<Mac>)> {
        let holder = self.holders.get(usize::from(address.is_ipv6()))?.peek(&(vlan, address))?;
        let before = holder.before.filter(|(_, last)| at.since(*last) <= within);
        let known = holder.mac != [0; 6] && at.since(holder.last) <= within;
        known.then_some((holder.mac, before.map(|(mac, _)| mac)))
    }

    /// The address of its own, of IPv6 or not, under which a claimant is known: one that nobody contests.
    pub(super) fn own_address(&self, vlan: Vlan, mac: Mac, v6: bool) -> Option<IpAddr> {
        let claims = &self.claimants.peek(&(vlan, mac))?.claims;
        let here = self.holders.get(usize::from(v6))?.iter().filter(|((of, _), _)| *of == vlan);
        let mut own = here.filter(|(_, holder)| holder.mac == mac).map(|((_, ip), _)| *ip);
        own.find(|ip| claims.iter().all(|claim| claim.address != *ip))
    }

    pub(super) fn memory(&self) -> usize {
        let lists = self.claimants.iter().map(|(_, c)| c.claims.capacity() * size_of::<Claim>());
        self.holders.iter().map(Recent::memory).sum::<usize>()
            + self.claimants.memory()
            + lists.sum::<usize>()
    }
}

impl Claimant {
    /// Whether it said unasked that the address is its own, again and again.
    pub(super) fn insists(&self, address: IpAddr, repeats: u32) -> bool {
        let of_it = |claim: &&Claim| claim.address == address && claim.unasked;
        self.claims.iter().filter(of_it).any(|claim| claim.times >= repeats)
    }

    fn note(
        &mut self,
        (address, told_to): (IpAddr, IpAddr),
        (from, unasked): (Option<Mac>, bool),
        at: Timestamp,
    ) {
        self.first.get_or_insert(at);
        let same = |claim: &&mut Claim| claim.address == address && claim.told_to == told_to;
        if let Some(claim) = self.claims.iter_mut().find(same) {
            claim.times = claim.times.saturating_add(1);
            claim.from = from.or(claim.from);
            claim.unasked |= unasked;
            claim.last = at;
            return;
        }
        // Who tells a whole network one thing must not push out what it told the first of them.
        let of_it = |claim: &Claim| claim.address == address;
        if self.claims.iter().filter(|claim| of_it(claim)).count() >= TOLD_MAX {
            let old = |claim: &Claim| of_it(claim) && at.since(claim.last) > OLD;
            let Some(place) = self.claims.iter().position(old) else { return };
            self.claims.remove(place);
        }
        if self.claims.len() >= CLAIMS_MAX {
            self.claims.remove(0);
        }
        self.claims.push(Claim { address, told_to, times: 1, from, unasked, last: at });
    }

    fn shape(&self, at: Timestamp, within: Duration, repeats: u32) -> Option<Shape> {
        let mut fresh = self.claims.iter().filter(|claim| at.since(claim.last) <= within);
        let often = fresh.clone().filter(|claim| claim.times >= repeats);
        // It tells each of two that it is the other.
        let mutual = often.clone().any(|a| {
            often
                .clone()
                .any(|b| a.address != b.address && a.address == b.told_to && a.told_to == b.address)
        });
        let taken = often.clone().filter(|claim| claim.from.is_some());
        // It tells many, one by one and unasked, that it is one other that is there: the router, as a rule.
        let to_many = taken.clone().any(|of| {
            let same = |claim: &&Claim| claim.address == of.address && claim.unasked;
            often.clone().filter(same).count() >= MANY
        });
        let mut taken: Vec<IpAddr> = taken.map(|claim| claim.address).collect();
        taken.sort_unstable();
        taken.dedup();
        if mutual || to_many || taken.len() >= 2 {
            return Some(Shape::Between);
        }
        // Twice as often: who poisons two machines does so in turn, and is to be told as such.
        let often = repeats.saturating_mul(2);
        let conflict = fresh.any(|claim| claim.from.is_some() && claim.times >= often);
        conflict.then_some(Shape::Conflict)
    }
}
