//! In which order entries were touched.
//!
//! Each touch notes the entry at the end of a row, and of the entry its place there; a note that
//! its entry does not point back to is out of date. So a touch writes to one place that the last
//! one wrote to as well, where a chain of neighbours would fetch three others into the cache. Maps
//! of all kinds share this code: there are dozens, and together they would fill the cache with it.

use std::collections::VecDeque;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;
/// The number of no touch, nor of the one before one.
const NEVER: u64 = u64::MAX - 1;

/// What is noted of an entry: all that it takes to put another in its place, so that nobody need look
/// at one that is long out of the cache.
#[derive(Clone, Copy, Debug)]
struct Note {
    /// The number of its last touch.
    last: u64,
    /// Half of the hash of its key.
    hash: u32,
}

/// See the module's page.
#[derive(Clone, Debug)]
pub(super) struct Touches {
    notes: Vec<Note>,
    /// Indices of entries touch by touch, from number `first` on; [`NONE`] for one that is gone.
    row: VecDeque<u32>,
    first: u64,
}

impl Touches {
    /// No entry.
    pub(super) const fn new() -> Self {
        Self { notes: Vec::new(), row: VecDeque::new(), first: 0 }
    }

    /// Makes room for so many more entries.
    pub(super) fn reserve(&mut self, more: usize) {
        self.notes.reserve_exact(more);
    }

    /// There is an entry more, touched, of a key with this hash; returns its index.
    pub(super) fn push(&mut self, hash: u32) -> u32 {
        let index = u32::try_from(self.notes.len()).unwrap_or(NONE);
        self.notes.push(Note { last: NEVER, hash });
        self.renew(index);
        index
    }

    /// Half of the hash of an entry's key.
    pub(super) fn hash(&self, index: u32) -> u32 {
        self.notes.get(index as usize).map_or(0, |note| note.hash)
    }

    /// An entry is touched.
    #[inline(never)]
    pub(super) fn renew(&mut self, index: u32) {
        let next = self.first + self.row.len() as u64;
        if let Some(note) = self.notes.get_mut(index as usize)
            && note.last.wrapping_add(1) != next
        {
            note.last = next;
            self.row.push_back(index);
            // Before it would take more memory, the row is rid of what is out of date, unless that
            // is little.
            if self.row.len() == self.row.capacity() && self.row.len() / 2 > self.notes.len() {
                self.tidy();
            }
        }
    }

    /// The entry that was touched least recently makes room for another, which is touched, of a key
    /// with this hash; returns its index and the hash of the key that goes.
    #[inline(never)]
    pub(super) fn replace_oldest(&mut self, hash: u32) -> (u32, u32) {
        let index = self.oldest().unwrap_or_default();
        let note = Note { last: NEVER, hash };
        let place = self.notes.get_mut(index as usize);
        let before = place.map_or(note, |place| std::mem::replace(place, note));
        self.renew(index);
        (index, before.hash)
    }

    /// An entry goes; the last one gets its index.
    #[inline(never)]
    pub(super) fn swap_remove(&mut self, index: u32) {
        self.note(index).into_iter().for_each(|note| *note = NONE);
        self.notes.swap_remove(index as usize);
        self.note(index).into_iter().for_each(|note| *note = index);
    }

    /// Indices of all entries, from the least to the most recently touched.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let notes = self.row.iter().zip(self.first..);
        notes.filter(|(index, number)| self.is_last(**index, *number)).map(|(index, _)| *index)
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.notes.capacity() * size_of::<Note>() + self.row.capacity() * size_of::<u32>()
    }

    /// Whether touch `number`, which was of the entry at `index`, is that entry's last.
    fn is_last(&self, index: u32, number: u64) -> bool {
        self.notes.get(index as usize).is_some_and(|note| note.last == number)
    }

    /// Leaves only the last touch of each entry.
    #[cold]
    fn tidy(&mut self) {
        let (first, notes) = (self.first, &mut self.notes);
        let (mut number, mut kept) = (first, first);
        self.row.retain(|index| {
            let mut note = notes.get_mut(*index as usize).filter(|note| note.last == number);
            number += 1;
            if let Some(note) = &mut note {
                note.last = kept;
                kept += 1;
            }
            note.is_some()
        });
    }

    /// The entry that was touched least recently, its note taken out.
    fn oldest(&mut self) -> Option<u32> {
        while let Some(index) = self.row.pop_front() {
            self.first += 1;
            if self.is_last(index, self.first - 1) {
                return Some(index);
            }
        }
        None
    }

    /// The note of an entry's last touch.
    fn note(&mut self, index: u32) -> Option<&mut u32> {
        let number = self.notes.get(index as usize)?.last.checked_sub(self.first)?;
        self.row.get_mut(usize::try_from(number).ok()?)
    }
}
