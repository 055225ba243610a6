//! One direction of a TCP stream: segments in, in any order; bytes out, in order, each once.
//!
//! In-order segments are handed on as they are; only what comes early is copied and kept.

use std::collections::VecDeque;

use crate::net::Chunk;

/// Most segments that one direction may keep for later.
pub const SEGMENTS_MAX: usize = 4096;

/// Most segments that one direction may hold before the handshake is complete.
const HELD_MAX: usize = 16;

/// A piece that came before its turn. Positions count from the stream's first byte.
#[derive(Debug)]
struct Early {
    start: u64,
    data: Vec<u8>,
    /// A byte out of band: takes room in the sequence, is not part of the stream.
    skip: bool,
}

impl Early {
    fn end(&self) -> u64 {
        self.start + self.data.len() as u64
    }
}

/// Memory that several streams share for what came early, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// In use.
    pub used: u64,
    /// Most that may be in use.
    pub limit: u64,
}

/// What reassembly saw, for counters and events. All of it since [`Stream::new`] of any stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Pieces kept for later.
    pub early: u64,
    /// Gaps given up.
    pub gaps: u64,
    /// Bytes in those gaps.
    pub gap_bytes: u64,
    /// Segments with bytes that were there already.
    pub overlaps: u64,
    /// Of those, with other content.
    pub conflicts: u64,
    /// Segments shed because memory or the number of pieces was at its limit.
    pub shed: u64,
    /// Streams that reached their depth.
    pub depth: u64,
}

/// Reassembly of one direction.
#[derive(Debug, Default)]
pub struct Stream {
    /// Bytes of the stream that are behind us: delivered, skipped or lost.
    position: u64,
    /// Sequence number of the byte at `position`.
    next: u32,
    /// Sorted, without overlap, all beyond `position`.
    early: VecDeque<Early>,
    /// How far the peer acknowledged, as a position.
    acknowledged: u64,
    /// Position of the FIN.
    fin: Option<u64>,
    /// Nothing more is delivered: the depth is reached.
    deep: bool,
    /// [`Chunk::End`] was given.
    ended: bool,
    /// Some bytes were lost.
    gap: bool,
}

/// Bytes from a position on, with those that fall out of band marked.
#[derive(Clone, Copy)]
struct Piece<'a> {
    start: u64,
    data: &'a [u8],
    skip: bool,
}

impl Stream {
    /// A stream whose first byte has sequence number `next`.
    pub fn new(next: u32) -> Self {
        Self { next, ..Self::default() }
    }

    /// Sequence number of the next byte to be delivered.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// Whether bytes were lost.
    pub const fn has_gap(&self) -> bool {
        self.gap
    }

    /// Whether the end was given out.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the stream was cut at its depth.
    pub const fn is_deep(&self) -> bool {
        self.deep
    }

    /// Whether all bytes of a segment are behind us.
    pub fn is_old(&self, sequence: u32, length: usize) -> bool {
        sequence.wrapping_add(length as u32).wrapping_sub(self.next) as i32 <= 0
    }

    /// Takes a segment. `urgent` is the index of a byte in it that is out of band.
    pub fn segment(
        &mut self,
        sequence: u32,
        data: &[u8],
        urgent: Option<usize>,
        room: &mut Room<'_>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        if self.deep || self.ended || data.is_empty() {
            return;
        }
        let start = self.locate(sequence);
        // Nothing follows a FIN.
        let room_left = self.fin.map_or(i64::MAX, |fin| fin as i64 - start).max(0);
        let data = data.get(..usize::try_from(room_left).unwrap_or(usize::MAX)).unwrap_or(data);
        if let Some((before, rest)) = urgent.and_then(|at| data.split_at_checked(at))
            && let Some((byte, after)) = rest.split_at_checked(1)
        {
            let at = start + before.len() as i64;
            self.piece(start, before, false, room, sink);
            self.piece(at, byte, true, room, sink);
            self.piece(at + 1, after, false, room, sink);
        } else {
            self.piece(start, data, false, room, sink);
        }
        self.pass_gaps(room, sink);
    }

    /// Keeps a segment without giving anything out: the handshake is not complete.
    pub fn hold(&mut self, sequence: u32, data: &[u8], room: &mut Room<'_>) {
        let start = u64::try_from(self.locate(sequence)).unwrap_or(u64::MAX);
        let cost = (data.len() + size_of::<Early>()) as u64;
        let fits = room.budget.used + cost <= room.budget.limit && self.early.len() < HELD_MAX;
        if data.is_empty() || start >= room.depth {
            return;
        }
        if fits {
            self.keep(Piece { start, data, skip: false }, room);
        } else {
            room.seen.shed += 1;
        }
    }

    /// Gives out what was held and is in order.
    pub fn release(&mut self, room: &mut Room<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        if !self.early.is_empty() {
            self.drain(room, sink);
        }
    }

    /// Throws away what is kept.
    pub fn forget(&mut self, budget: &mut Budget) {
        let freed: u64 = self.early.iter().map(cost).sum();
        budget.used = budget.used.saturating_sub(freed);
        self.early = VecDeque::new();
    }

    /// The stream ends before this sequence number.
    pub fn finish_at(
        &mut self,
        sequence: u32,
        room: &mut Room<'_>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        if self.fin.is_none() {
            self.fin = u64::try_from(self.locate(sequence)).ok();
            self.cut_at_fin(room.budget);
        }
        self.close_if_done(sink);
    }

    /// Throws away what is kept beyond the FIN: nothing follows it.
    fn cut_at_fin(&mut self, budget: &mut Budget) {
        let Some(fin) = self.fin else { return };
        while let Some(last) = self.early.back_mut().filter(|last| last.end() > fin) {
            budget.used = budget.used.saturating_sub(cost(last));
            if last.start >= fin {
                self.early.pop_back();
            } else {
                last.data.truncate((fin - last.start) as usize);
                budget.used += cost(last);
            }
        }
    }

    /// The peer has everything before this sequence number: what we miss of it will not come.
    pub fn acknowledge(
        &mut self,
        sequence: u32,
        room: &mut Room<'_>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        let position = u64::try_from(self.locate(sequence)).unwrap_or_default();
        if position > self.acknowledged {
            self.acknowledged = position;
            if !self.early.is_empty() {
                self.pass_gaps(room, sink);
            }
        }
    }

    /// The conversation is over: gives out what was kept, with its gaps, and the end.
    pub fn close(&mut self, room: &mut Room<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        while let Some(first) = self.early.front().map(|first| first.start) {
            self.lose(first, room, sink);
            self.drain(room, sink);
        }
        if !self.ended {
            self.ended = true;
            sink(Chunk::End);
        }
        self.forget(room.budget);
    }

    /// Position of a sequence number; negative when before the stream's first byte.
    fn locate(&self, sequence: u32) -> i64 {
        self.position as i64 + i64::from(sequence.wrapping_sub(self.next) as i32)
    }

    fn piece(
        &mut self,
        start: i64,
        data: &[u8],
        skip: bool,
        room: &mut Room<'_>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        // What is behind us was delivered: first come, first served.
        let behind = (self.position as i64 - start).max(0);
        let old = usize::try_from(behind).unwrap_or(usize::MAX).min(data.len());
        if old > 0 && !data.is_empty() {
            room.seen.overlaps += 1;
        }
        let Some(data) = data.get(old..).filter(|rest| !rest.is_empty()) else { return };
        let piece = Piece { start: start.max(self.position as i64) as u64, data, skip };
        if piece.start == self.position && self.early.is_empty() {
            self.deliver(data, skip, room, sink);
            self.close_if_done(sink);
        } else {
            self.keep(piece, room);
            self.drain(room, sink);
        }
    }

    /// Hands bytes on and moves the position past them.
    fn deliver(
        &mut self,
        data: &[u8],
        skip: bool,
        room: &mut Room<'_>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        let left = room.depth.saturating_sub(self.position);
        self.position += data.len() as u64;
        self.next = self.next.wrapping_add(data.len() as u32);
        if skip || self.deep {
            return;
        }
        let within = data.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(data);
        if !within.is_empty() {
            sink(Chunk::Data(within));
        }
        if data.len() as u64 >= left {
            self.deep = true;
            room.seen.depth += 1;
            self.forget(room.budget);
        }
    }

    /// Gives out what has become next.
    fn drain(&mut self, room: &mut Room<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        let mut position = self.position;
        let next = |early: &&Early| std::mem::replace(&mut position, early.end()) == early.start;
        let ready = self.early.iter().take_while(next).count();
        if ready > 0 {
            // At the depth the others are forgotten, and these are passed by.
            let pieces: Vec<Early> = self.early.drain(..ready).collect();
            if self.early.is_empty() {
                self.early = VecDeque::new();
            }
            for early in pieces {
                room.budget.used = room.budget.used.saturating_sub(cost(&early));
                self.deliver(&early.data, early.skip, room, sink);
            }
        }
        self.close_if_done(sink);
    }

    /// Gives up holes that the peer has already acknowledged past.
    fn pass_gaps(&mut self, room: &mut Room<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        while let Some(first) = self.early.front().map(|first| first.start) {
            if first > self.acknowledged {
                return;
            }
            self.lose(first, room, sink);
            self.drain(room, sink);
        }
    }

    /// Moves the position to `to` over bytes that will not come.
    fn lose(&mut self, to: u64, room: &mut Room<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        let missing = to.saturating_sub(self.position);
        if missing == 0 {
            return;
        }
        // What was never acknowledged may not have arrived either: a reset came before.
        room.seen.gaps += u64::from(self.acknowledged > self.position);
        self.gap = true;
        self.position = to;
        self.next = self.next.wrapping_add(missing as u32);
        room.seen.gap_bytes += missing;
        if !self.deep {
            sink(Chunk::Gap(missing));
        }
    }

    fn close_if_done(&mut self, sink: &mut dyn FnMut(Chunk<'_>)) {
        if !self.ended && self.fin.is_some_and(|fin| fin <= self.position) {
            self.ended = true;
            sink(Chunk::End);
        }
    }

    /// Keeps a piece for later: what overlaps kept data is settled now, as BSD does. Kept bytes
    /// win over a newcomer that begins at or after them, and lose to one that begins before.
    fn keep(&mut self, piece: Piece<'_>, room: &mut Room<'_>) {
        let end = piece.start + piece.data.len() as u64;
        let from = self.early.partition_point(|early| early.end() <= piece.start);
        let to = self.early.partition_point(|early| early.start < end);
        if from >= to {
            self.insert(from, piece, room);
            return;
        }
        room.seen.overlaps += 1;
        let mut conflict = false;
        let mut at = piece.start;
        let mut fills = Vec::new();
        for early in self.early.range_mut(from..to) {
            let (low, high) = (early.start.max(piece.start), early.end().min(end));
            let kept = early.start;
            let old = early.data.get_mut((low - kept) as usize..(high - kept) as usize);
            let new = piece.data.get((low - piece.start) as usize..(high - piece.start) as usize);
            if let (Some(old), Some(new)) = (old, new)
                && old != new
            {
                conflict = true;
                if piece.start < kept {
                    old.copy_from_slice(new);
                }
            }
            fills.push((at, low));
            at = high;
        }
        fills.push((at, end));
        if conflict {
            room.seen.conflicts += 1;
        }
        for (low, high) in fills.into_iter().filter(|(low, high)| low < high) {
            let range = (low - piece.start) as usize..(high - piece.start) as usize;
            let data = piece.data.get(range).unwrap_or_default();
            let index = self.early.partition_point(|early| early.start < low);
            self.insert(index, Piece { start: low, data, skip: piece.skip }, room);
        }
    }

    fn insert(&mut self, index: usize, piece: Piece<'_>, room: &mut Room<'_>) {
        let early = Early { start: piece.start, data: piece.data.to_vec(), skip: piece.skip };
        let cost = cost(&early);
        let full = room.budget.used + cost > room.budget.limit;
        // What comes next in order is delivered at once, so it needs no room.
        if piece.start != self.position && (full || self.early.len() >= SEGMENTS_MAX) {
            room.seen.shed += 1;
            return;
        }
        room.budget.used += cost;
        room.seen.early += 1;
        self.early.insert(index.min(self.early.len()), early);
    }
}

/// What reassembly works with beside the stream.
pub struct Room<'a> {
    /// Memory for what comes early.
    pub budget: &'a mut Budget,
    /// Bytes after which a direction is no longer delivered.
    pub depth: u64,
    /// Whether connections of which only one side is seen are followed.
    pub oneside: bool,
    /// Counters.
    pub seen: &'a mut Seen,
}

/// Bytes that a kept piece is charged: its data and its place in the list.
fn cost(early: &Early) -> u64 {
    (early.data.len() + size_of::<Early>()) as u64
}

/// Feeds one stream whatever `bytes` spell: sequence, length, acknowledgements, FIN.
pub fn fuzz_stream(bytes: &[u8]) {
    let (mut budget, mut seen) = (Budget { used: 0, limit: 4096 }, Seen::default());
    let mut room = Room { budget: &mut budget, depth: 10_000, oneside: false, seen: &mut seen };
    let mut stream = Stream::new(u32::MAX - 100);
    let (mut total, mut ends) = (0u64, 0u32);
    let mut sink = |chunk: Chunk<'_>| {
        assert_eq!(ends, 0, "nothing follows the end");
        match chunk {
            Chunk::Data(data) => total += data.len() as u64,
            Chunk::Gap(length) => total += length,
            Chunk::End => ends += 1,
        }
    };
    let mut rest = bytes;
    while let Some((&[what, high, low, length], tail)) = rest.split_first_chunk::<4>() {
        let sequence = (u32::MAX - 100).wrapping_add(u32::from_be_bytes([0, 0, high, low]));
        let (data, tail) = tail.split_at_checked(usize::from(length)).unwrap_or((tail, &[]));
        rest = tail;
        match what % 8 {
            0 => stream.acknowledge(sequence, &mut room, &mut sink),
            1 if length == 0 => stream.finish_at(sequence, &mut room, &mut sink),
            2 => stream.segment(sequence, data, Some(data.len() / 2), &mut room, &mut sink),
            _ => stream.segment(sequence, data, None, &mut room, &mut sink),
        }
    }
    stream.close(&mut room, &mut sink);
    assert_eq!((ends, budget.used), (1, 0));
    let _ = total;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    struct Run {
        stream: Stream,
        budget: Budget,
        seen: Seen,
        out: Vec<Option<u8>>,
        ends: u32,
    }

    impl Run {
        fn new(first: u32) -> Self {
            Self {
                stream: Stream::new(first),
                budget: Budget { used: 0, limit: 1 << 20 },
                seen: Seen::default(),
                out: Vec::new(),
                ends: 0,
            }
        }

        fn with(&mut self, f: impl FnOnce(&mut Stream, &mut Room<'_>, &mut dyn FnMut(Chunk<'_>))) {
            let Self { stream, budget, seen, out, ends } = self;
            let mut room = Room { budget, depth: 1 << 20, oneside: false, seen };
            f(stream, &mut room, &mut |chunk| match chunk {
                Chunk::Data(data) => out.extend(data.iter().map(|&b| Some(b))),
                Chunk::Gap(n) => out.extend((0..n).map(|_| None)),
                Chunk::End => *ends += 1,
            });
        }

        fn segment(&mut self, sequence: u32, data: &[u8]) {
            self.with(|s, room, sink| s.segment(sequence, data, None, room, sink));
        }
    }

    fn text(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * 7 % 251) as u8).collect()
    }

    proptest! {
        #[test]
        fn any_cut_order_and_overlap_gives_the_same_bytes(
            first in any::<u32>(),
            length in 1usize..400,
            mut pieces in prop::collection::vec((0usize..400, 1usize..80), 0..60),
            order in any::<u64>(),
        ) {
            let all = text(length);
            pieces.extend((0..length).step_by(13).map(|at| (at, 13)));
            // A deterministic shuffle.
            let mut state = order | 1;
            for i in (1..pieces.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                pieces.swap(i, (state >> 33) as usize % (i + 1));
            }
            let mut run = Run::new(first);
            for (n, (at, size)) in pieces.iter().enumerate() {
                let at = (*at).min(length);
                let data = &all[at..(at + size).min(length)];
                if n == pieces.len() / 2 {
                    let end = first.wrapping_add(length as u32);
                    run.with(|s, room, sink| s.finish_at(end, room, sink));
                }
                run.segment(first.wrapping_add(at as u32), data);
            }
            let expected: Vec<Option<u8>> = all.iter().map(|&b| Some(b)).collect();
            prop_assert_eq!(&run.out, &expected);
            prop_assert_eq!((run.ends, run.budget.used, run.seen.conflicts), (1, 0, 0));
        }

        #[test]
        fn what_is_lost_becomes_a_gap_of_its_size(
            first in any::<u32>(),
            lost in prop::collection::btree_set(0usize..30, 0..10),
            reverse in any::<bool>(),
        ) {
            let all = text(300);
            let mut there: Vec<usize> = (0..30).filter(|i| !lost.contains(i)).collect();
            if reverse {
                there.reverse();
            }
            let mut run = Run::new(first);
            for i in there {
                run.segment(first.wrapping_add(i as u32 * 10), &all[i * 10..i * 10 + 10]);
            }
            run.with(|s, room, sink| s.acknowledge(first.wrapping_add(300), room, sink));
            run.with(|s, room, sink| s.close(room, sink));
            let last = (0..30).rev().find(|i| !lost.contains(i)).map_or(0, |i| i * 10 + 10);
            let expected: Vec<Option<u8>> = (0..last)
                .map(|i| (!lost.contains(&(i / 10))).then(|| all[i]))
                .collect();
            prop_assert_eq!(&run.out, &expected);
            prop_assert_eq!((run.ends, run.budget.used), (1, 0));
        }

        #[test]
        fn whatever_comes_nothing_breaks(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            fuzz_stream(&bytes);
        }
    }

    #[test]
    fn kept_data_wins_unless_the_newcomer_begins_before() {
        let mut run = Run::new(0);
        run.segment(10, b"OLD");
        run.segment(10, b"new");
        run.segment(0, &[b'.'; 10]);
        let shown: Vec<u8> = run.out.iter().flatten().copied().collect();
        assert_eq!(shown, b"..........OLD");
        assert_eq!(run.seen.conflicts, 1);
        run.segment(23, b"OLD");
        run.segment(21, b"..NEW");
        run.segment(13, &[b'.'; 8]);
        let shown: Vec<u8> = run.out.iter().flatten().copied().collect();
        assert_eq!(&shown[21..], b"..NEW");
    }

    #[test]
    fn depth_ends_delivery() {
        let mut run = Run::new(0);
        let data = vec![1u8; 60_000];
        for i in 0..40u32 {
            run.segment(i * 60_000, &data);
        }
        assert_eq!(run.out.len(), 1 << 20);
        assert_eq!(run.seen.depth, 1);
    }

    #[test]
    fn urgent_byte_is_out_of_band() {
        let mut run = Run::new(0);
        run.with(|s, room, sink| s.segment(0, b"ab!cd", Some(2), room, sink));
        run.segment(5, b"e");
        let shown: Vec<u8> = run.out.iter().flatten().copied().collect();
        assert_eq!(shown, b"abcde");
    }
}
