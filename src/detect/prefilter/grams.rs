//! Finds many patterns without looking at every byte.
//!
//! A pattern of six bytes or more holds, wherever it stands, three bytes that begin at a multiple of
//! four: so only these places are looked at, and one bit in a small table tells whether the three
//! bytes there are of any pattern, of which for each way to lie across the places the rarest three
//! count. A look waits for none before it, and the table stays in the first cache: faster than an
//! automaton, and nearly blind to the number of patterns. With shorter patterns every second place
//! is looked at; where they cover only two bytes of a place, these with any third are looked for. What the bit lets through is compared, unless it lies within, or at an
//! edge of, zeros or spaces at which no pattern can be: these are everywhere.

use std::collections::BTreeSet;

use super::rarity;

/// Bytes worked through at a time.
const BLOCK: usize = 8;

/// Blocks after each of which what the table let through is worked on.
const RUN: usize = 64;

/// Bytes before a place that are compared too.
const BEFORE: usize = 3;

/// Bits that a place with one byte unknown sets, about.
const LOOSE_BITS: usize = 128;

/// Most bits that such places may set: one look in 64 then lets something through in vain.
const LOOSE_MOST: usize = 16_384;

/// Slots for each of them, about: they are few, and asked at every place that the table lets through.
const LOOSE_SLOTS: usize = 8;

/// Words of the table: 2, 16 or 128 KiB. The last is for tens of thousands of places: in a smaller
/// one every fourth look would let something through in vain.
const WORDS: (usize, usize, usize) = (512, 4096, 32_768);

/// Bits of the small and of the middle table that may be set.
const MOST: (usize, usize) = (200, 6_000);

/// Of the hash: odd, its bits well mixed.
const FACTOR: u32 = 0x9e37_79b1;

/// The bit of a letter that tells small from large.
const CASE: u8 = 0x20;

/// All letters small; some other bytes change too, on both sides alike.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The three lowest bytes.
const LOW: u32 = 0x00ff_ffff;

/// Three bytes that are everywhere.
const ZEROS: u32 = 0;
const SPACES: u32 = 0x0020_2020;

/// A set of patterns, ready to be found.
#[derive(Debug)]
pub struct Grams {
    /// Whether every second place is looked at, not every fourth.
    dense: bool,
    /// What may be where the three bytes of a place are zeros, and where they are spaces.
    blanks: [Blank; 2],
    /// A bit for each hash of three bytes: not set is no, set is perhaps.
    words: Vec<u32>,
    /// By all three bytes of a place.
    exact: Index,
    /// Those of which one byte is not known, with the bytes that are.
    loose: Vec<(u32, Index)>,
    patterns: Vec<Kept>,
}

/// Which bytes of a place an index goes by.
const KEYS: [u32; 3] = [LOW, 0x0000_ffff, 0x00ff_ff00];

/// A pattern as it is compared.
#[derive(Debug)]
struct Kept {
    bytes: Box<[u8]>,
    nocase: bool,
    id: u32,
}

/// Patterns by some bytes of them.
#[derive(Debug, Default)]
struct Index {
    /// By hash; one more at the end.
    slots: Vec<Slot>,
    shift: u32,
    entries: Vec<Entry>,
}

/// The entries of a hash, and what must be beside the place for any of them: so nearly all that the
/// table lets through in vain ends here, and the entries, which are too many for the first cache,
/// are seldom looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Where they begin.
    start: u32,
    /// A bit for each hash of the place's bytes and the one before, of entries that know it.
    before: u16,
    /// The same with the one behind, of those that do not know the one before.
    behind: u16,
}

/// One bit of sixteen for four bytes.
const fn bit(four: u32) -> u16 {
    1 << (four.wrapping_mul(FACTOR) >> 28)
}

/// The place's bytes under `key` with the one before, folded already.
const fn with_before(around: u64, key: u32) -> u32 {
    (around >> (8 * (BEFORE - 1))) as u32 & (key << 8 | 0xff)
}

/// The place's bytes under `key` with the one behind, folded already.
const fn with_behind(around: u64, key: u32) -> u32 {
    (around >> (8 * BEFORE)) as u32 & (key | !LOW)
}

/// A place in a pattern, and what must be around it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Eight bytes of which the fourth is at the place, under `mask`.
    value: u64,
    /// What of each byte must be the same: all of it, but for the case of letters where that does
    /// not tell, and nothing where the pattern is not.
    mask: u64,
    /// Bytes from the first of the eight to the pattern's first, which may stand before it.
    offset: i32,
    pattern: u32,
}

impl Entry {
    /// With the pattern's first byte so many bytes behind the first of the eight.
    fn new(bytes: &[u8], nocase: bool, offset: i32, pattern: u32) -> Self {
        let (mut value, mut mask) = ([0; BLOCK], [0; BLOCK]);
        for (at, (value, mask)) in (0..).zip(value.iter_mut().zip(&mut mask)) {
            let byte = usize::try_from(at - offset).ok().and_then(|at| bytes.get(at));
            let Some(byte) = byte else { continue };
            *mask = if nocase && byte.is_ascii_alphabetic() { !CASE } else { u8::MAX };
            *value = *byte & *mask;
        }
        let (value, mask) = (u64::from_le_bytes(value), u64::from_le_bytes(mask));
        Self { value, mask, offset, pattern }
    }

    /// From the place to the pattern's first byte.
    #[inline]
    const fn before(&self) -> isize {
        self.offset as isize - BEFORE as isize
    }

    /// Whether the eight bytes hold a pattern of this length whole.
    #[inline]
    fn holds(&self, length: usize) -> bool {
        usize::try_from(self.offset).is_ok_and(|offset| offset + length <= BLOCK)
    }

    /// The three bytes at the place, folded.
    fn gram(&self) -> u32 {
        gram(self.value | FOLD)
    }

    /// The index that it belongs to: the first all of whose bytes it knows.
    fn index(&self) -> usize {
        let known = gram(self.mask | FOLD);
        KEYS.iter().position(|key| known & key == *key).unwrap_or(0)
    }

    /// The bits of [`Slot`] for it; `key`: the bytes of the place that it knows.
    fn beside(&self, key: u32) -> (u16, u16) {
        let (value, mask) = (self.value | FOLD, self.mask.to_le_bytes());
        let knows = |at: usize| mask.get(at).is_some_and(|byte| *byte != 0);
        if knows(BEFORE - 1) {
            (bit(with_before(value, key)), 0)
        } else if knows(BEFORE + 3) {
            (0, bit(with_behind(value, key)))
        } else {
            (u16::MAX, 0)
        }
    }

    /// Its bytes and their masks.
    fn cells(&self) -> [(u8, u8); BLOCK] {
        let (value, mask) = (self.value.to_le_bytes(), self.mask.to_le_bytes());
        std::array::from_fn(|at| {
            (value.get(at).copied().unwrap_or(0), mask.get(at).copied().unwrap_or(0))
        })
    }
}

/// What may be at a place whose three bytes are all the same blank one.
#[derive(Debug)]
struct Blank {
    /// That byte.
    fill: u8,
    /// A bit for each byte that may be before the place, ...
    before: [u64; 4],
    /// ... or behind it, of entries that do not know the one before.
    behind: [u64; 4],
    /// Whether anything may be where all eight bytes around are blank.
    inside: bool,
}

impl Blank {
    fn new<'a>(fill: u8, entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut blank = Self { fill, before: [0; 4], behind: [0; 4], inside: false };
        for entry in entries {
            let cells = entry.cells();
            let may_be = |(value, mask): &(u8, u8)| fill & mask == *value;
            let [_, _, before, place @ .., behind, _] = &cells;
            if !place.iter().all(may_be) {
                continue;
            }
            blank.inside |= cells.iter().all(may_be);
            match (before, behind) {
                ((_, 0), (_, 0)) => blank.before = [u64::MAX; 4],
                ((_, 0), known) => set(&mut blank.behind, *known),
                (known, _) => set(&mut blank.before, *known),
            }
        }
        blank
    }

    /// Eight of them.
    const fn all(&self) -> u64 {
        u64::from_le_bytes([self.fill; BLOCK])
    }

    /// Whether there may be anything, with these eight bytes around.
    #[inline]
    fn tells(&self, around: u64) -> bool {
        if around == self.all() {
            return self.inside;
        }
        let [_, _, before, _, _, _, behind, _] = around.to_le_bytes();
        has(&self.before, before) | has(&self.behind, behind)
    }
}

/// Sets the bits of all bytes that are `value` under `mask`.
fn set(bits: &mut [u64; 4], (value, mask): (u8, u8)) {
    for byte in (0..=u8::MAX).filter(|byte| byte & mask == value) {
        let word = bits.get_mut(usize::from(byte / 64));
        word.into_iter().for_each(|word| *word |= 1 << (byte % 64));
    }
}

#[inline]
fn has(bits: &[u64; 4], byte: u8) -> bool {
    bits.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 == 1)
}

/// The three bytes at a place, of the eight around it.
const fn gram(around: u64) -> u32 {
    (around >> (8 * BEFORE)) as u32 & LOW
}

impl Index {
    /// With so many slots an entry, about.
    fn new(entries: &[Entry], key: u32, spread: usize) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        let slots = entries.len().max(8).saturating_mul(spread);
        let exponent = slots.next_power_of_two().trailing_zeros().min(24);
        let shift = 32 - exponent;
        let hash = |entry: &Entry| ((entry.gram() & key).wrapping_mul(FACTOR) >> shift) as usize;
        let mut slots = vec![Slot::default(); (1 << exponent) + 1];
        // First how many each has, then where those of each end, and from there back to where they
        // begin as they get their places.
        for entry in entries {
            if let Some(slot) = slots.get_mut(hash(entry)) {
                let (before, behind) = entry.beside(key);
                slot.before |= before;
                slot.behind |= behind;
                slot.start += 1;
            }
        }
        let mut end = 0;
        for slot in &mut slots {
            end += slot.start;
            slot.start = end;
        }
        let mut order = vec![0; entries.len()];
        for (number, entry) in entries.iter().enumerate().rev() {
            let Some(slot) = slots.get_mut(hash(entry)) else { continue };
            slot.start -= 1;
            order.get_mut(slot.start as usize).into_iter().for_each(|place| *place = number);
        }
        let entry = |number: &usize| entries.get(*number).copied();
        let entries = order.iter().filter_map(entry).collect();
        Self { slots, shift, entries }
    }

    /// The same of few entries in many slots: most often there are none.
    #[inline]
    fn seldom_at(&self, key: u32, around: u64) -> &[Entry] {
        let hash = ((gram(around) & key).wrapping_mul(FACTOR) >> (self.shift & 31)) as usize;
        match self.slots.get(hash) {
            Some(slot) if slot.before | slot.behind != 0 => self.at(key, around),
            _ => &[],
        }
    }

    /// Those that may stand at a place, of which it knows the bytes of `key`; `around` is folded.
    #[inline]
    fn at(&self, key: u32, around: u64) -> &[Entry] {
        let hash = ((gram(around) & key).wrapping_mul(FACTOR) >> (self.shift & 31)) as usize;
        let Some(slot) = self.slots.get(hash) else { return &[] };
        let beside = slot.before & bit(with_before(around, key))
            | slot.behind & bit(with_behind(around, key));
        if beside == 0 {
            return &[];
        }
        let end = self.slots.get(hash + 1).map_or(0, |next| next.start) as usize;
        self.entries.get(slot.start as usize..end).unwrap_or_default()
    }
}

/// How many bytes there are from a place that is looked at to the next, for such patterns; `None` when
/// too many are too short.
fn stride<'a>(patterns: impl Iterator<Item = &'a [u8]>) -> Option<usize> {
    // The same bytes in another spelling share their bits.
    let short = patterns.filter(|bytes| loose(bytes.len(), 4) > 0);
    let short: BTreeSet<Vec<u8>> =
        short.map(|bytes| bytes.iter().map(|byte| *byte | 0x20).collect()).collect();
    [4, 2].into_iter().find(|stride| {
        let loose = short.iter().map(|bytes| loose(bytes.len(), *stride));
        loose.sum::<usize>().saturating_mul(LOOSE_BITS) <= LOOSE_MOST
    })
}

impl Grams {
    /// Whether [`Grams::build`] takes these.
    pub fn finds<'a>(patterns: impl Iterator<Item = &'a [u8]>) -> bool {
        stride(patterns).is_some()
    }

    /// Prepares to find patterns: their bytes, whether ASCII case is ignored, and what a hit is
    /// reported as. `None` when too many of them are too short for it.
    pub fn build<'a>(
        patterns: impl Iterator<Item = (&'a [u8], bool, u32)> + Clone,
    ) -> Option<Self> {
        let dense = stride(patterns.clone().map(|(bytes, ..)| bytes))? == 2;
        let mut kept = Vec::new();
        let mut entries: [Vec<Entry>; 3] = Default::default();
        for (bytes, nocase, id) in patterns {
            let number = u32::try_from(kept.len()).unwrap_or(u32::MAX);
            kept.push(Kept { bytes: bytes.into(), nocase, id });
            for offset in offsets(bytes, nocase, dense) {
                let entry = Entry::new(bytes, nocase, offset, number);
                entries.get_mut(entry.index()).into_iter().for_each(|list| list.push(entry));
            }
        }
        let [whole, front, back] = &entries;
        let bits = whole.len() + LOOSE_BITS * (front.len() + back.len());
        let size = match bits {
            _ if bits <= MOST.0 => WORDS.0,
            _ if bits <= MOST.1 => WORDS.1,
            _ => WORDS.2,
        };
        let mut words = vec![0; size];
        let shift = 32 - (words.len() * 32).trailing_zeros();
        let mut set = |gram: u32| {
            let bit = gram.wrapping_mul(FACTOR << 8) >> shift;
            words.get_mut(bit as usize / 32).into_iter().for_each(|word| *word |= 1 << (bit % 32));
        };
        whole.iter().for_each(|entry| set(entry.gram()));
        for any in 0..=u8::MAX {
            let any = u32::from(any | 0x20);
            front.iter().for_each(|entry| set(entry.gram() & 0xffff | any << 16));
            back.iter().for_each(|entry| set(entry.gram() & 0x00ff_ff00 | any));
        }
        let blanks = [0, b' '].map(|fill| Blank::new(fill, entries.iter().flatten()));
        let [whole, front, back] = entries;
        let [exact_key, front_key, back_key] = KEYS;
        let loose = [(front_key, front), (back_key, back)];
        let loose = loose.into_iter().filter(|(_, entries)| !entries.is_empty());
        Some(Self {
            dense,
            blanks,
            words,
            exact: Index::new(&whole, exact_key, 1),
            loose: loose
                .map(|(key, entries)| (key, Index::new(&entries, key, LOOSE_SLOTS)))
                .collect(),
            patterns: kept,
        })
    }

    /// Bytes of memory that it takes, about.
    pub fn memory(&self) -> usize {
        let bytes: usize = self.patterns.iter().map(|pattern| pattern.bytes.len()).sum();
        let of_index = |index: &Index| {
            size_of_val(index.slots.as_slice()) + size_of_val(index.entries.as_slice())
        };
        self.words.len() * 4
            + of_index(&self.exact)
            + self.loose.iter().map(|(_, index)| of_index(index)).sum::<usize>()
            + size_of_val(self.patterns.as_slice())
            + bytes
    }

    /// Calls `hit` with the `id` of each pattern wherever it stands in `bytes`, and where it ends.
    pub fn scan(&self, bytes: &[u8], hit: &mut impl FnMut(u32, usize)) {
        // The size known to the compiler saves a comparison at every look.
        if let Some(words) = self.words.first_chunk::<{ WORDS.2 }>() {
            self.walk::<{ WORDS.2 }, { shift(WORDS.2) }>(words, bytes, hit);
        } else if let Some(words) = self.words.first_chunk::<{ WORDS.1 }>() {
            self.walk::<{ WORDS.1 }, { shift(WORDS.1) }>(words, bytes, hit);
        } else if let Some(words) = self.words.first_chunk::<{ WORDS.0 }>() {
            self.walk::<{ WORDS.0 }, { shift(WORDS.0) }>(words, bytes, hit);
        }
    }

    fn walk<const SIZE: usize, const SHIFT: u32>(
        &self,
        words: &[u32; SIZE],
        bytes: &[u8],
        hit: &mut impl FnMut(u32, usize),
    ) {
        let look = |four: u32| look::<SIZE, SHIFT>(words, four);
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        let (between, _) = bytes.get(2..).unwrap_or_default().as_chunks::<BLOCK>();
        let mut done = 0;
        if self.dense {
            let blocks = blocks.get(..between.len()).unwrap_or(blocks);
            for (run, between) in blocks.chunks(RUN).zip(between.chunks(RUN)) {
                let mut told = Told::default();
                for (number, (block, between)) in (0..).zip(run.iter().zip(between)) {
                    told.note(number, either(block, look) | either(between, look));
                }
                for number in told.numbers() {
                    let (Some(block), Some(between)) = (run.get(number), between.get(number))
                    else {
                        continue;
                    };
                    let start = done + number * BLOCK;
                    if !self.is_blank(bytes, start, block) {
                        let found = pair(block, look) | pair(between, look) << 1;
                        self.block(bytes, start, found, hit);
                    }
                }
                done += run.len() * BLOCK;
            }
        } else {
            for run in blocks.chunks(RUN) {
                let mut told = Told::default();
                for (number, block) in (0..).zip(run) {
                    told.note(number, either(block, look));
                }
                for number in told.numbers() {
                    let Some(block) = run.get(number) else { continue };
                    let start = done + number * BLOCK;
                    if !self.is_blank(bytes, start, block) {
                        self.block(bytes, start, pair(block, look), hit);
                    }
                }
                done += run.len() * BLOCK;
            }
        }
        // What is left, as if zeros followed: a place that knows less than three bytes has its bits
        // set for any others.
        let mut rest = [0; 3 * BLOCK];
        let left = bytes.get(done..).unwrap_or_default();
        rest.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
        let (blocks, _) = rest.as_chunks::<BLOCK>();
        let (between, _) = rest.get(2..).unwrap_or_default().as_chunks::<BLOCK>();
        for (block, between) in blocks.iter().zip(between).take(left.len().div_ceil(BLOCK)) {
            let found = pair(block, look) | if self.dense { pair(between, look) << 1 } else { 0 };
            if found != 0 {
                self.block(bytes, done, found, hit);
            }
            done += BLOCK;
        }
    }

    /// Whether a block that begins at `start` lies so far within zeros or spaces that no pattern can be
    /// there: the eight bytes around each of its places are blank.
    #[inline]
    fn is_blank(&self, bytes: &[u8], start: usize, block: &[u8; BLOCK]) -> bool {
        let value = u64::from_le_bytes(*block);
        let blank = self.blanks.iter().find(|blank| value == blank.all());
        blank.is_some_and(|blank| {
            !blank.inside && around(bytes, start) == value && around(bytes, start + BLOCK) == value
        })
    }

    /// Compares what may be in a block that begins at `start`, at those of its places at every
    /// second byte that have their bit set in `places`.
    #[inline]
    fn block(&self, bytes: &[u8], start: usize, places: u32, hit: &mut impl FnMut(u32, usize)) {
        let mut left = places;
        while left != 0 {
            let place = start + 2 * left.trailing_zeros() as usize;
            left &= left - 1;
            let around = around(bytes, place);
            let [zeros, spaces] = &self.blanks;
            let tells = match gram(around) {
                ZEROS => zeros.tells(around),
                SPACES => spaces.tells(around),
                _ => true,
            };
            if tells {
                self.place(bytes, place, around, hit);
            }
        }
    }

    fn place(&self, bytes: &[u8], place: usize, around: u64, hit: &mut impl FnMut(u32, usize)) {
        let folded = around | FOLD;
        let mut compare = |entries: &[Entry]| {
            for entry in entries {
                if around & entry.mask == entry.value
                    && let Some(start) = place.checked_add_signed(entry.before())
                {
                    self.one(bytes, start, entry, hit);
                }
            }
        };
        compare(self.exact.at(LOW, folded));
        for (key, index) in &self.loose {
            compare(index.seldom_at(*key, folded));
        }
    }

    #[inline]
    fn one(&self, bytes: &[u8], start: usize, entry: &Entry, hit: &mut impl FnMut(u32, usize)) {
        let Some(pattern) = self.patterns.get(entry.pattern as usize) else { return };
        let end = start.saturating_add(pattern.bytes.len());
        // What the eight bytes around hold whole is compared by now.
        if entry.holds(pattern.bytes.len()) {
            if end <= bytes.len() {
                hit(pattern.id, end);
            }
            return;
        }
        let Some(found) = bytes.get(start..end) else { return };
        let same = if pattern.nocase {
            found.eq_ignore_ascii_case(&pattern.bytes)
        } else {
            found == pattern.bytes.as_ref()
        };
        if same {
            hit(pattern.id, end);
        }
    }
}

/// Which blocks of a run the table let through: noted without a branch, which would be mispredicted
/// at each of them, and then worked on one after the other, so that their waits for memory overlap.
struct Told {
    numbers: [u8; RUN],
    count: usize,
}

impl Default for Told {
    fn default() -> Self {
        Self { numbers: [0; RUN], count: 0 }
    }
}

impl Told {
    /// Notes a block if the lowest bit is set.
    #[inline(always)]
    fn note(&mut self, number: u8, found: u32) {
        if let Some(place) = self.numbers.get_mut(self.count) {
            *place = number;
        }
        self.count += (found & 1) as usize;
    }

    fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.numbers.iter().take(self.count).map(|number| usize::from(*number))
    }
}

/// In how many of its places a pattern leaves a byte unknown, one in `stride` looked at; too many
/// when a place would know less than two.
const fn loose(length: usize, stride: usize) -> usize {
    match (length, stride) {
        (0 | 1, _) | (2 | 3, 4) => LOOSE_MOST,
        (2, _) | (4, 4) => 2,
        (3, _) | (5, 4) => 1,
        _ => 0,
    }
}

/// Looks at the first three bytes of each half of a block: a bit for the first half, and the third.
#[inline(always)]
fn pair(block: &[u8; BLOCK], look: impl Fn(u32) -> u32) -> u32 {
    let value = u64::from_le_bytes(*block) | FOLD;
    look(value as u32) & 1 | (look((value >> 32) as u32) & 1) << 2
}

/// Whether there may be something at the first three bytes of either half of a block.
#[inline(always)]
fn either(block: &[u8; BLOCK], look: impl Fn(u32) -> u32) -> u32 {
    let value = u64::from_le_bytes(*block) | FOLD;
    (look(value as u32) | look((value >> 32) as u32)) & 1
}

/// Where a pattern begins in the eight bytes around each place that it is known by: one place for
/// each way in which it can lie across the places that are looked at, and the rarest where there is
/// a choice.
fn offsets(bytes: &[u8], nocase: bool, dense: bool) -> Vec<i32> {
    let before = BEFORE as i32;
    match (dense, bytes.len()) {
        // Some places know less than three bytes.
        (false, 0..=4) => (1..5).collect(),
        (false, 5) => (0..4).collect(),
        (true, 0..=2) => vec![before, before + 1],
        (true, 3) => vec![before - 1, before],
        _ => {
            let stride = if dense { 2 } else { 4 };
            let rarest = |first: usize| {
                let places = (0..).zip(bytes.windows(3)).skip(first).step_by(stride);
                // Of equals the first.
                let places = places.map(|(place, gram)| (rarity::score(gram, nocase), -place));
                places.max().map(|(_, place)| before + place)
            };
            (0..stride).filter_map(rarest).collect()
        }
    }
}

/// Of a hash so that it is a bit of so many words.
const fn shift(words: usize) -> u32 {
    32 - (words * 32).trailing_zeros()
}

/// Lowest bit set: perhaps. The factor leaves the highest byte out, which is not the place's.
#[inline(always)]
fn look<const SIZE: usize, const SHIFT: u32>(words: &[u32; SIZE], four: u32) -> u32 {
    let bit = four.wrapping_mul(FACTOR << 8) >> SHIFT;
    words.get(bit as usize / 32).map_or(0, |word| word >> (bit % 32))
}

/// The eight bytes of which the fourth is at `place`; beyond the ends as if zero.
#[inline]
fn around(bytes: &[u8], place: usize) -> u64 {
    let start = place.checked_sub(BEFORE);
    if let Some(whole) = start.and_then(|start| bytes.get(start..)?.first_chunk::<BLOCK>()) {
        return u64::from_le_bytes(*whole);
    }
    let mut padded = [0; BLOCK];
    for (offset, to) in padded.iter_mut().enumerate() {
        let at = (place + offset).checked_sub(BEFORE);
        *to = at.and_then(|at| bytes.get(at)).copied().unwrap_or(0);
    }
    u64::from_le_bytes(padded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    /// A deterministic source of numbers (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % limit
        }

        fn bytes(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
            (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
        }
    }

    type Set = Vec<(Vec<u8>, bool)>;

    fn build(patterns: &Set) -> Option<Grams> {
        let numbered = (0..).zip(patterns);
        Grams::build(numbered.map(|(id, (bytes, nocase))| (bytes.as_slice(), *nocase, id)))
    }

    fn naive(patterns: &Set, haystack: &[u8]) -> BTreeSet<(u32, usize)> {
        let mut found = BTreeSet::new();
        for (id, (bytes, nocase)) in (0..).zip(patterns) {
            for (start, window) in haystack.windows(bytes.len()).enumerate() {
                let same =
                    if *nocase { window.eq_ignore_ascii_case(bytes) } else { window == bytes };
                if same {
                    found.insert((id, start + bytes.len()));
                }
            }
        }
        found
    }

    #[test]
    fn every_place_of_every_pattern_is_found() {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let alphabets: [&[u8]; 4] = [b"a", b"abAB", b"\0\x01aB\xff", b"etaoinETAOIN @`/.\0"];
        let mut compared = 0;
        for round in 0..400 {
            let alphabet = alphabets[round % 4];
            let shortest = 2 + round % 5 + 8 * usize::from(round % 3 == 0);
            let count = if shortest < 4 { 8 } else { 40 };
            let patterns: Set = (0..1 + numbers.below(count))
                .map(|_| {
                    let length = shortest + numbers.below(4);
                    (numbers.bytes(alphabet, length), numbers.below(2) == 0)
                })
                .collect();
            let Some(grams) = build(&patterns) else { continue };
            for _ in 0..8 {
                // Short ones, and some of several runs.
                let length = numbers.below(60) + 700 * usize::from(numbers.below(8) == 0);
                let haystack = numbers.bytes(alphabet, length);
                let mut told = Vec::new();
                grams.scan(&haystack, &mut |id, end| told.push((id, end)));
                let found: BTreeSet<(u32, usize)> = told.iter().copied().collect();
                assert_eq!(found.len(), told.len(), "each place is told once");
                assert_eq!(found, naive(&patterns, &haystack), "{patterns:?} in {haystack:?}");
                compared += found.len();
            }
        }
        assert!(compared > 10_000, "{compared}");
    }

    #[test]
    fn what_lies_at_the_edge_of_blanks_is_found() {
        let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
        let alphabets: [&[u8]; 3] = [b"\0\0\0\0\x01k", b"    \0Kk", b"\0\0 \0a"];
        let mut compared = 0;
        for round in 0..300 {
            let alphabet = alphabets[round % 3];
            let shortest = 2 + round % 12;
            let patterns: Set = (0..1 + numbers.below(5))
                .map(|_| {
                    let length = shortest + numbers.below(5);
                    (numbers.bytes(alphabet, length), numbers.below(2) == 0)
                })
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            let Some(grams) = build(&patterns) else { continue };
            for _ in 0..4 {
                let length = numbers.below(90) + 700 * usize::from(numbers.below(8) == 0);
                let haystack = numbers.bytes(alphabet, length);
                let mut told = Vec::new();
                grams.scan(&haystack, &mut |id, end| told.push((id, end)));
                told.sort_unstable();
                assert_eq!(told, naive(&patterns, &haystack).into_iter().collect::<Vec<_>>());
                compared += told.len();
            }
        }
        assert!(compared > 3_000, "{compared}");
    }

    #[test]
    fn too_many_short_patterns_are_refused() {
        let pairs = |count: u8| (0..count).map(|n| (vec![b'a', n], false)).collect::<Set>();
        assert!(build(&pairs(4)).is_some());
        assert!(build(&pairs(200)).is_none());
        assert!(build(&vec![(vec![b'a'], false)]).is_none());
        let long = (0..5000_u32).map(|n| (format!("n{n:05}").into_bytes(), true)).collect::<Set>();
        let grams = build(&long).unwrap();
        assert!(!grams.dense && grams.memory() < 1 << 20, "{}", grams.memory());
    }
}
