//! A shard's share of the limits: who lives in it, least recently seen first.

use super::FlowState;
use super::tcp::Budget;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// A list's ends.
#[derive(Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
    length: u32,
}

/// The links of one entry.
#[derive(Clone, Copy)]
pub(super) struct Link {
    older: u32,
    newer: u32,
}

impl Link {
    pub(super) const LOOSE: Self = Self { older: NONE, newer: NONE };
}

/// One of the fixed shards.
pub(super) struct Shard {
    /// By state: new, established, closed.
    lists: [Ends; 3],
    /// Most flows.
    limit: u32,
    /// What its flows carry, bytes.
    pub(super) carried: u64,
    /// For data that came before its turn.
    pub(super) budget: Budget,
}

/// Where the links live: the table's entries.
pub(super) trait Links {
    fn link(&mut self, index: u32) -> Option<&mut Link>;
}

impl Shard {
    pub(super) fn new(flows: u32, reassembly: u64) -> Self {
        let empty = Ends { oldest: NONE, newest: NONE, length: 0 };
        let budget = Budget { used: 0, limit: reassembly };
        let limit = flows.max(1);
        Self { lists: [empty; 3], limit, carried: 0, budget }
    }

    /// Puts an entry at the newest end of the list for `state`.
    pub(super) fn push(&mut self, links: &mut impl Links, index: u32, state: FlowState) {
        let Some(ends) = self.lists.get_mut(state as usize) else { return };
        let older = std::mem::replace(&mut ends.newest, index);
        ends.length += 1;
        if let Some(link) = links.link(index) {
            *link = Link { older, newer: NONE };
        }
        match links.link(older) {
            Some(link) => link.newer = index,
            None => ends.oldest = index,
        }
    }

    /// Takes an entry out of the list for `state`.
    pub(super) fn remove(&mut self, links: &mut impl Links, index: u32, state: FlowState) {
        let Some(ends) = self.lists.get_mut(state as usize) else { return };
        let Some(link) = links.link(index) else { return };
        let Link { older, newer } = std::mem::replace(link, Link::LOOSE);
        ends.length = ends.length.saturating_sub(1);
        match links.link(older) {
            Some(link) => link.newer = newer,
            None => ends.oldest = newer,
        }
        match links.link(newer) {
            Some(link) => link.older = older,
            None => ends.newest = older,
        }
    }

    /// Who has to go before one more may come; `None` while there is room.
    pub(super) fn victim(&self) -> Option<u32> {
        let [new, established, closed] = self.lists;
        let full = new.length + established.length + closed.length >= self.limit;
        if full { self.least_wanted() } else { None }
    }

    /// Who goes first. First those whose
    /// connection is closed, then new ones as long as they fill more than an eighth (a flood of
    /// SYN must not push out what is established, nor may the established keep out all others),
    /// then the established; the longest silent first.
    pub(super) fn least_wanted(&self) -> Option<u32> {
        let [new, established, closed] = self.lists;
        let order = if closed.length > 0 {
            closed
        } else if new.length > self.limit / 8 || established.length == 0 {
            new
        } else {
            established
        };
        (order.oldest != NONE).then_some(order.oldest)
    }
}
