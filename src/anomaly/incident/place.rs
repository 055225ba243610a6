//! Where a clue belongs: the cases there are, and whose they are.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::case::{Case, Clue, Progress};
use super::{Budget, Stage};
use crate::anomaly::Site;
use crate::anomaly::stats::Recent;
use crate::record::Level;
use crate::time::Timestamp;

/// Cases that are no incidents yet.
const WAITING_MAX: usize = 2048;
/// Hosts, and targets of a kind, whose case is remembered.
const HOSTS_MAX: usize = 8192;
/// Hosts and rules whose last weighing is remembered.
const RULES_MAX: usize = 8192;
/// Cases that are part of another now.
const TAKEN_MAX: usize = 8192;
/// Of cases that took each other in turn so many are followed.
const TAKEN_IN_TURN_MAX: usize = 16;

/// All that is remembered.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Number of the next case.
    next: u64,
    pub(super) open: BTreeMap<u64, Case>,
    pub(super) waiting: Recent<u64, Case>,
    by_source: Recent<IpAddr, u64>,
    /// Hosts that were attacked in earnest.
    by_target: Recent<IpAddr, u64>,
    by_kind: Recent<(IpAddr, (u32, u32)), u64>,
    /// Which case took a case that is no more.
    taken: Recent<u64, u64>,
    pub(super) weighed: Recent<(Option<IpAddr>, u32, u32), Timestamp>,
    pub(super) budget: Budget,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            open: BTreeMap::new(),
            waiting: Recent::new(WAITING_MAX),
            by_source: Recent::new(HOSTS_MAX),
            by_target: Recent::new(HOSTS_MAX),
            by_kind: Recent::new(HOSTS_MAX),
            taken: Recent::new(TAKEN_MAX),
            weighed: Recent::new(RULES_MAX),
            budget: Budget::default(),
        }
    }

    /// The number of the case that a case is part of now: its own, unless another took it.
    fn now_part_of(&self, mut number: u64) -> u64 {
        for _ in 0..TAKEN_IN_TURN_MAX {
            match self.taken.peek(&number) {
                Some(taker) => number = *taker,
                None => break,
            }
        }
        number
    }

    /// The case that a number found somewhere stands for, if it is still gone on with.
    fn live(&self, number: Option<&u64>, at: Timestamp) -> Option<(u64, &Case)> {
        let number = self.now_part_of(*number?);
        let case = self.open.get(&number).or_else(|| self.waiting.peek(&number))?;
        case.over(at).is_none().then_some((number, case))
    }

    /// The number of the case that a clue belongs to, made if it weighs anything, and what that
    /// case has come to by taking in what its source had done before.
    pub(super) fn place(&mut self, clue: &Clue<'_>, site: &Site) -> Option<(u64, Progress)> {
        let (at, outside) = (clue.at, is_outside(clue, site));
        let own = clue.source.and_then(|source| self.live(self.by_source.peek(&source), at));
        // One of a crowd of strangers that does more than look around is a matter of its own.
        let own = own.filter(|(_, case)| !(outside && clue.is_earnest() && case.is_idle_crowd()));
        let own = own.map(|(number, _)| number);
        if let Some(own) = own.filter(|own| self.open.contains_key(own)) {
            return Some((own, Progress::default()));
        }
        let pivot =
            clue.source.filter(|source| clue.level >= Level::Medium && site.is_home(*source));
        let pivot = pivot.and_then(|source| self.live(self.by_target.peek(&source), at));
        let same = victim(clue).map(|victim| (victim, clue.kind()));
        let same = same.and_then(|key| self.live(self.by_kind.peek(&key), at));
        let same = same.filter(|(_, case)| !outside || clue.is_earnest() == case.is_earnest());
        let other = pivot.or(same).map(|(number, _)| number);
        match (own, other) {
            (Some(own), Some(other)) if own != other => {
                let case = self.waiting.remove(&own)?;
                *self.taken.touch(&own) = other;
                Some((other, self.case(other)?.absorb(case)))
            }
            (Some(number), _) | (None, Some(number)) => Some((number, Progress::default())),
            (None, None) if clue.weight() > 0.0 => {
                self.next += 1;
                self.waiting.touch(&self.next);
                Some((self.next, Progress::default()))
            }
            (None, None) => None,
        }
    }

    pub(super) fn case(&mut self, number: u64) -> Option<&mut Case> {
        match self.open.get_mut(&number) {
            Some(case) => Some(case),
            None => self.waiting.get(&number),
        }
    }

    /// The number of the case in which a host was attacked in earnest.
    pub(super) fn attacked_in(&self, address: &IpAddr) -> Option<u64> {
        self.by_target.peek(address).map(|number| self.now_part_of(*number))
    }

    /// Remembers whose case it is.
    pub(super) fn file(&mut self, number: u64, clue: &Clue<'_>, site: &Site) {
        if let Some(source) = clue.source {
            *self.by_source.touch(&source) = number;
        }
        let Some(target) = victim(clue) else { return };
        // Whoever did more may look around too: those who only do that are still not with them.
        let earnest = self.case(number).is_some_and(|case| case.is_earnest());
        if !is_outside(clue, site) || clue.is_earnest() == earnest {
            *self.by_kind.touch(&(target, clue.kind())) = number;
        }
        let attacked = matches!(
            clue.stage,
            Some(
                Stage::InitialAccess
                    | Stage::CredentialAccess
                    | Stage::LateralMovement
                    | Stage::ProcessControl
                    | Stage::Impact
            )
        );
        if attacked && clue.level >= Level::Medium {
            let taken =
                self.attacked_in(&target).is_some_and(|known| self.open.contains_key(&known));
            if !taken {
                *self.by_target.touch(&target) = number;
            }
        }
    }

    /// Bytes held, about.
    pub(super) fn memory(&self) -> usize {
        let cases = self.open.values().chain(self.waiting.iter().map(|(_, case)| case));
        let inner: usize = cases.map(Case::memory).sum();
        inner
            + self.open.len() * (size_of::<Case>() + 16)
            + self.waiting.memory()
            + self.by_source.memory()
            + self.by_target.memory()
            + self.by_kind.memory()
            + self.taken.memory()
            + self.weighed.memory()
    }
}

fn is_outside(clue: &Clue<'_>, site: &Site) -> bool {
    clue.source.is_some_and(|source| !site.is_home(source))
}

/// Whom a clue is about when others do the same: its target. What has no ends at all is about the
/// network as a whole, which the unspecified address stands for.
fn victim(clue: &Clue<'_>) -> Option<IpAddr> {
    let whole = clue.source.is_none().then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    clue.target.or(whole)
}
