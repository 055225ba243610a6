//! Walks the dense table over several buffers in lock-step.

use super::scan::{Haystack, Scanner};

/// Buffers walked in lock-step: enough to hide a load from the second cache, few enough for the
/// registers.
const LANES: usize = 4;

/// A cell of a table: the next state.
pub(super) trait Cell: Copy {
    /// Where the state's row begins, in a table of `columns`.
    fn row(self, columns: usize) -> usize;
}

impl Cell for u16 {
    fn row(self, columns: usize) -> usize {
        usize::from(self) * columns
    }
}

impl Cell for u32 {
    fn row(self, _: usize) -> usize {
        self as usize
    }
}

/// The table, and what its matching states stand for.
pub(super) struct Walker<'a, C> {
    pub(super) scanner: &'a Scanner,
    pub(super) cells: &'a [C],
    pub(super) columns: usize,
    /// Number of the first state that matches.
    pub(super) first_match: usize,
}

/// A buffer on its way.
#[derive(Clone, Copy, Default)]
struct Lane<'a> {
    /// Its place among the haystacks.
    index: usize,
    /// All of its bytes, and how many were read.
    bytes: &'a [u8],
    at: usize,
    /// Row of the state.
    row: usize,
    /// Row of a matching state that has nothing new to say: all that it stands for was reported.
    told: usize,
}

impl<C: Cell> Walker<'_, C> {
    /// See [`Scanner::scan`].
    pub(super) fn walk(
        &self,
        haystacks: &mut [Haystack<'_>],
        hit: &mut impl FnMut(usize, u32, usize),
    ) {
        let mut waiting = 0;
        let mut lanes = [Lane::default(); LANES];
        let mut count = 0;
        loop {
            while let (Some(haystack), Some(lane)) = (haystacks.get(waiting), lanes.get_mut(count))
            {
                let row = self.row(haystack.state);
                *lane =
                    Lane { index: waiting, bytes: haystack.bytes, at: 0, row, told: usize::MAX };
                count += 1;
                waiting += 1;
            }
            // As many lanes as there are: 4, 2 or 1, up to the end of the shortest.
            if let Some(four) = lanes.first_chunk_mut::<LANES>().filter(|_| count == LANES) {
                self.advance(four, hit);
            } else if let Some(two) = lanes.first_chunk_mut::<2>().filter(|_| count >= 2) {
                self.advance(two, hit);
            } else if let Some(one) = lanes.first_chunk_mut::<1>().filter(|_| count == 1) {
                self.advance(one, hit);
            } else {
                return;
            }
            let mut place = 0;
            while let Some(lane) = lanes.get(place).copied().filter(|_| place < count) {
                if lane.at < lane.bytes.len() {
                    place += 1;
                    continue;
                }
                if let Some(haystack) = haystacks.get_mut(lane.index) {
                    haystack.state = u32::try_from(lane.row).unwrap_or(0);
                }
                count -= 1;
                lanes.swap(place, count);
            }
        }
    }

    /// Walks `lanes` to the end of the shortest.
    fn advance<const N: usize>(
        &self,
        lanes: &mut [Lane<'_>; N],
        hit: &mut impl FnMut(usize, u32, usize),
    ) {
        let rest = lanes.map(|lane| lane.bytes.get(lane.at..).unwrap_or_default());
        let length = rest.iter().map(|rest| rest.len()).min().unwrap_or(0);
        let rest = rest.map(|rest| rest.get(..length).unwrap_or_default());
        let mut rows = lanes.map(|lane| lane.row);
        let first = self.first_match * self.columns;
        for at in 0..length {
            let mut highest = 0;
            for (row, rest) in rows.iter_mut().zip(&rest) {
                *row = self.next(*row, rest.get(at).copied().unwrap_or(0));
                highest = highest.max(*row);
            }
            if highest >= first {
                self.tell(lanes, &rows, at, hit);
            }
        }
        for (lane, row) in lanes.iter_mut().zip(rows) {
            lane.row = row;
            lane.at += length;
        }
    }

    #[inline(always)]
    fn next(&self, row: usize, byte: u8) -> usize {
        let class = self.scanner.classes.get(usize::from(byte)).copied().unwrap_or(0);
        self.cells.get(row + usize::from(class)).map_or(0, |cell| cell.row(self.columns))
    }

    /// Reports what the lanes in matching states have found; `at` counts from where they stood.
    #[inline(never)]
    fn tell<const N: usize>(
        &self,
        lanes: &mut [Lane<'_>; N],
        rows: &[usize; N],
        at: usize,
        hit: &mut impl FnMut(usize, u32, usize),
    ) {
        let first = self.first_match * self.columns;
        for (lane, row) in lanes.iter_mut().zip(rows) {
            if *row < first || lane.told == *row {
                continue;
            }
            let number = (row - first) / self.columns.max(1);
            let end = lane.at + at + 1;
            let all = self.scanner.report(number, lane.index, lane.bytes, end, hit);
            lane.told = if all { *row } else { usize::MAX };
        }
    }

    /// The row that a caller kept as a state; the start's, if it is none of this table's.
    fn row(&self, state: u32) -> usize {
        let row = state as usize;
        if row < self.cells.len() { row } else { 0 }
    }
}
