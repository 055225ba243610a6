//! The live transactions of one flow: numbered from 0, bounded.

use std::collections::VecDeque;

use super::Signal;
use crate::field::{Event, Side};

/// Closed transactions that may wait to be taken, per flow. Whoever reads the signals takes them
/// after each batch, so only a batch full of tiny transactions comes near; past it the oldest is
/// dropped unread: nobody finds it when its [`Signal::Done`] is read.
const MAX_WAITING: usize = 16_384;

/// Transactions in the order in which they were opened.
///
/// A transaction is open until [`Transactions::close`], then waits, unchanged, until
/// [`Transactions::take`]. At most `limit` are open at a time.
#[derive(Debug)]
pub struct Transactions<T> {
    live: VecDeque<Entry<T>>,
    /// Numbers of the open ones: many closed ones may wait before them.
    open: VecDeque<u64>,
    next: u64,
    limit: usize,
    /// Whether it was told that some were dropped unread.
    told: bool,
}

#[derive(Debug)]
struct Entry<T> {
    id: u64,
    closed: bool,
    value: Box<T>,
}

impl<T> Transactions<T> {
    /// None yet; at most `limit` (at least one) will be open at a time.
    pub const fn new(limit: usize) -> Self {
        let limit = if limit == 0 { 1 } else { limit };
        Self { live: VecDeque::new(), open: VecDeque::new(), next: 0, limit, told: false }
    }

    /// Opens a transaction and gives its number. When `limit` are open already, the oldest open
    /// one is given up: `flooded` is signalled for it on `side`, then that it is done. It is signalled
    /// too, once, when closed ones are dropped because nobody takes them.
    pub fn open(
        &mut self,
        value: T,
        side: Side,
        flooded: &'static Event,
        signals: &mut Vec<Signal>,
    ) -> u64 {
        if self.open.len() >= self.limit
            && let Some(oldest) = self.oldest_open()
        {
            signals.push(Signal::Event { transaction: Some(oldest), side, event: flooded });
            self.close(oldest, signals);
        }
        if self.live.len() >= self.limit.saturating_add(MAX_WAITING) {
            self.drop_oldest_waiting();
            if !std::mem::replace(&mut self.told, true) {
                signals.push(Signal::Event { transaction: None, side, event: flooded });
            }
        }
        let id = self.next;
        self.next = self.next.saturating_add(1);
        self.open.push_back(id);
        self.live.push_back(Entry { id, closed: false, value: Box::new(value) });
        id
    }

    /// The number that the next opened transaction will have.
    pub const fn next_id(&self) -> u64 {
        self.next
    }

    /// A live transaction, open or waiting to be taken.
    pub fn get(&self, id: u64) -> Option<&T> {
        let at = self.position(id)?;
        self.live.get(at).map(|entry| &*entry.value)
    }

    /// An open transaction, to add to it; `None` once it was closed, as it must not change then.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let at = self.position(id)?;
        self.live.get_mut(at).filter(|entry| !entry.closed).map(|entry| &mut *entry.value)
    }

    /// A live transaction, open or waiting to be taken, to mark a file of it.
    pub fn get_live_mut(&mut self, id: u64) -> Option<&mut T> {
        let at = self.position(id)?;
        self.live.get_mut(at).map(|entry| &mut *entry.value)
    }

    /// Signals, once, that nothing will be added to the transaction.
    pub fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(entry) = self.position(id).and_then(|at| self.live.get_mut(at)) else { return };
        if !std::mem::replace(&mut entry.closed, true) {
            self.no_longer_open(id);
            signals.push(Signal::Done { transaction: id });
        }
    }

    /// Takes a transaction out, open or not.
    pub fn take(&mut self, id: u64) -> Option<Box<T>> {
        let at = self.position(id)?;
        let entry = self.live.remove(at)?;
        if !entry.closed {
            self.no_longer_open(id);
        }
        Some(entry.value)
    }

    /// The open transactions with their numbers, oldest first.
    pub fn iter_open(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        self.open.iter().filter_map(|id| Some((*id, self.get(*id)?)))
    }

    /// The number of the oldest open transaction.
    pub fn oldest_open(&self) -> Option<u64> {
        self.open.front().copied()
    }

    /// The number of the newest open transaction.
    pub fn newest_open(&self) -> Option<u64> {
        self.open.back().copied()
    }

    /// The numbers of the open transactions that `which` holds for, oldest first: to close them,
    /// which changes what is open.
    pub fn open_where(&self, which: impl Fn(&T) -> bool) -> Vec<u64> {
        self.iter_open().filter(|(_, value)| which(value)).map(|(id, _)| id).collect()
    }

    /// How many are open.
    pub fn count_open(&self) -> usize {
        self.open.len()
    }

    /// How many are live, open or waiting.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether none is live.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Bytes held by the container and its values, without what the values point to.
    pub fn memory(&self) -> usize {
        self.live.len().saturating_mul(size_of::<Entry<T>>().saturating_add(size_of::<T>()))
    }

    /// Numbers rise along the queue, with holes where some were taken.
    fn position(&self, id: u64) -> Option<usize> {
        match self.live.front() {
            Some(first) if first.id == id => Some(0),
            Some(_) => self.live.binary_search_by_key(&id, |entry| entry.id).ok(),
            None => None,
        }
    }

    fn no_longer_open(&mut self, id: u64) {
        if let Ok(at) = self.open.binary_search(&id) {
            self.open.remove(at);
        }
    }

    fn drop_oldest_waiting(&mut self) {
        // Both lists rise, and the open ones are among the live: they are alike up to the first
        // that is closed.
        let (mut from, mut to) = (0, self.live.len());
        while from < to {
            let middle = from.midpoint(to);
            let open =
                self.live.get(middle).map(|entry| entry.id) == self.open.get(middle).copied();
            (from, to) = if open { (middle + 1, to) } else { (from, middle) };
        }
        self.live.remove(from);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    static FLOODED: Event = Event { name: "test.flooded", help: "Too many." };

    #[test]
    fn the_oldest_open_one_is_given_up_and_stays_readable() {
        let mut all = Transactions::new(2);
        let mut signals = Vec::new();
        for value in 0..3 {
            assert_eq!(all.open(value, Side::Request, &FLOODED, &mut signals), value);
        }
        let told = |signal: &Signal| match signal {
            Signal::Event { transaction, event, .. } => (*transaction, event.name),
            Signal::Done { transaction } => (Some(*transaction), "done"),
            _ => (None, "other"),
        };
        let told: Vec<_> = signals.iter().map(told).collect();
        assert_eq!(told, [(Some(0), "test.flooded"), (Some(0), "done")]);
        assert_eq!(all.get(0), Some(&0));
        assert_eq!(all.get_mut(0), None);
        assert_eq!(all.get_mut(1), Some(&mut 1));
        assert_eq!(all.take(0).map(|value| *value), Some(0));
        assert_eq!((all.take(0), all.len(), all.oldest_open()), (None, 2, Some(1)));
    }

    #[test]
    fn the_oldest_closed_one_is_dropped_and_open_ones_stay() {
        let mut all = Transactions::new(8);
        let mut signals = Vec::new();
        for value in 0..MAX_WAITING as u64 + 20 {
            let id = all.open(value, Side::Request, &FLOODED, &mut signals);
            if !matches!(id, 0 | 2 | 9) {
                all.close(id, &mut signals);
            }
        }
        let open: Vec<u64> = all.iter_open().map(|(id, _)| id).collect();
        assert_eq!((open, all.count_open()), (vec![0, 2, 9], 3));
        // Twelve had no room: the first twelve of those that were closed.
        assert_eq!([1, 3, 8, 14].map(|id| all.get(id).is_some()), [false; 4]);
        assert_eq!((all.get(15), all.get(0), all.get(9)), (Some(&15), Some(&0), Some(&9)));
    }

    #[test]
    fn a_flow_whose_transactions_nobody_takes_stays_bounded() {
        let mut all = Transactions::new(4);
        let mut signals = Vec::new();
        for value in 0..2 * MAX_WAITING {
            let id = all.open(value, Side::Request, &FLOODED, &mut signals);
            all.close(id, &mut signals);
            all.close(id, &mut signals);
        }
        assert_eq!(all.len(), MAX_WAITING + 4);
        let flooded = |signal: &&Signal| matches!(signal, Signal::Event { transaction: None, .. });
        assert_eq!(signals.iter().filter(flooded).count(), 1, "told, once");
        assert_eq!(signals.len(), 2 * MAX_WAITING + 1);
        assert_eq!((all.oldest_open(), all.count_open()), (None, 0));
    }
}
