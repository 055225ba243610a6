//! What detection remembers of a flow: bits, stream windows, what already alerted.

use super::captured::{self, Texts};
use super::files::{Order, STORES_MAX};
use crate::field::{Side, Stage};
use crate::record::NamedText;

/// Bytes of stream kept each way behind what was inspected, at least: a match may reach back so
/// far. Suricata inspects streams in pieces of about this size.
pub const WINDOW_BYTES: usize = 2560;

/// Bytes at which a window is cut back: rarely enough that moving the rest costs little. Rules look
/// back no farther, so that what is still there after a burst is not searched again and again.
pub const WINDOW_CUT: usize = WINDOW_BYTES * 2;

/// Fast-pattern hits remembered in one window; further ones push the oldest out.
pub const HITS_MAX: usize = 128;

/// Bits set on one flow at once; further ones are not set.
pub const FLOWBITS_MAX: usize = 256;

/// Numbers of one flow (`flowint`); further ones are not set.
pub const FLOWINTS_MAX: usize = 64;

/// Transactions of one flow that are not to be logged (`config`); further ones are.
pub const MUTED_MAX: usize = 64;

/// Transactions of one flow of which progress is remembered; beyond, the oldest is forgotten.
pub const TRANSACTIONS_MAX: usize = 64;

/// Rules of which one flow remembers that they alerted in its stream.
pub const ALERTED_MAX: usize = 128;

/// Detection's state of one flow.
#[derive(Default)]
pub struct FlowState {
    /// Numbers of the bits that are set, sorted.
    pub bits: Vec<u32>,
    /// Stream, index 0 to the server.
    pub windows: [Window; 2],
    /// A `pass` rule for whole flows matched.
    pub passed: bool,
    /// Whether rules of addresses alone were asked, each way.
    pub addresses: [bool; 2],
    /// Whether rules of the detected protocol alone were asked, each way.
    pub detection: [bool; 2],
    /// Numbers that rules keep, by their own number.
    pub integers: Vec<(u32, u32)>,
    /// Texts that expressions captured.
    texts: Texts,
    muted: Vec<u64>,
    /// Files to be stored when they come; none for nearly all flows.
    orders: Vec<Order>,
    progress: Vec<Progress>,
}

/// Flows that memory is taken for at a time, so that growth never copies.
const PAGE: usize = 256;

/// The states of all flows, by slot.
#[derive(Default)]
pub struct Flows(Vec<Box<[FlowState]>>);

impl Flows {
    /// Of one flow, if there is room for it.
    pub fn get(&self, slot: u32) -> Option<&FlowState> {
        self.0.get(slot as usize / PAGE)?.get(slot as usize % PAGE)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut FlowState> {
        self.0.get_mut(slot as usize / PAGE)?.get_mut(slot as usize % PAGE)
    }

    /// Of one flow, with room made for it.
    pub fn make(&mut self, slot: u32) -> Option<&mut FlowState> {
        while self.0.len() <= slot as usize / PAGE {
            self.0.push(std::iter::repeat_with(FlowState::default).take(PAGE).collect());
        }
        self.get_mut(slot)
    }

    /// Of all flows.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut FlowState> {
        self.0.iter_mut().flatten()
    }
}

struct Progress {
    id: u64,
    reached: [Option<Stage>; 2],
}

/// The last bytes of one direction's stream.
#[derive(Default)]
pub struct Window {
    data: Vec<u8>,
    /// Stream position of the first byte of `data`.
    base: u64,
    /// Up to where the prefilter has looked.
    pub scanned: u64,
    /// Up to where rules were evaluated.
    pub judged: u64,
    /// Fast patterns found: the rule and the stream position where the pattern ended.
    pub hits: Vec<(u32, u64)>,
    /// Rules that alerted, and up to which stream position they had looked.
    pub alerted: Vec<(u32, u64)>,
    closed: bool,
    /// What lies before gaps and was not looked at yet: it goes after the next inspection.
    past: Option<Box<Past>>,
}

/// Stretches of stream before gaps; boxed, as hardly any flow ever has one.
#[derive(Default)]
struct Past(Vec<Piece>);

/// A stretch of stream before a gap.
struct Piece {
    base: u64,
    data: Vec<u8>,
}

/// Memory of windows that a burst had filled, for those that the next burst fills: to grow each
/// step by step would copy it several times, and to give so much back to the system each round
/// would have it cleared anew each time.
#[derive(Default)]
pub struct Spares {
    rooms: Vec<Vec<u8>>,
    bytes: usize,
}

/// Bytes of memory kept for bursts.
const SPARE_BYTES: usize = 4 << 20;

impl Spares {
    /// Empty room for so many bytes, if there is any.
    fn take(&mut self, wanted: usize) -> Option<Vec<u8>> {
        let at = self.rooms.iter().position(|room| room.capacity() >= wanted)?;
        let room = self.rooms.swap_remove(at);
        self.bytes = self.bytes.saturating_sub(room.capacity());
        Some(room)
    }

    /// Keeps what was large, as long as it is not too much.
    fn give(&mut self, mut room: Vec<u8>) {
        let bytes = self.bytes.saturating_add(room.capacity());
        if room.capacity() > WINDOW_CUT && bytes <= SPARE_BYTES {
            room.clear();
            self.bytes = bytes;
            self.rooms.push(room);
        }
    }
}

/// Stretches between gaps that one round may leave to be looked at, each way; of further ones the
/// oldest is given up. A round has as many packets, each of which may be behind a loss.
const PIECES_MAX: usize = 512;

impl FlowState {
    /// Notes files to be stored; whether there was room for it.
    pub fn order(&mut self, order: Order) -> bool {
        let room = self.orders.len() < STORES_MAX;
        self.orders.extend(room.then_some(order));
        room
    }

    /// Files to be stored when they come.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// Sets or clears a bit; whether there was room for it.
    pub fn put(&mut self, bit: u32, on: bool) -> bool {
        match (self.bits.binary_search(&bit), on) {
            (Err(_), true) if self.bits.len() >= FLOWBITS_MAX => return false,
            (Err(at), true) => self.bits.insert(at, bit),
            (Ok(at), false) => {
                self.bits.remove(at);
            }
            _ => {}
        }
        true
    }

    /// Whether a bit is set.
    pub fn is_set(&self, bit: u32) -> bool {
        self.bits.binary_search(&bit).is_ok()
    }

    /// A number that rules keep.
    pub fn integer(&self, number: u32) -> Option<u32> {
        self.integers.iter().find(|(known, _)| *known == number).map(|(_, value)| *value)
    }

    /// Sets a number; whether there was room for it.
    pub fn set_integer(&mut self, number: u32, value: u32) -> bool {
        let room = self.integers.len() < FLOWINTS_MAX;
        match self.integers.iter_mut().find(|(known, _)| *known == number) {
            Some((_, old)) => *old = value,
            None if room => self.integers.push((number, value)),
            None => return false,
        }
        true
    }

    /// Texts that expressions captured.
    pub const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Keeps a text; whether there was room for it.
    pub fn keep(&mut self, text: &NamedText) -> bool {
        captured::keep(&mut self.texts, text)
    }

    /// Notes that a transaction is not to be logged.
    pub fn mute(&mut self, transaction: u64) {
        if self.muted.len() < MUTED_MAX && !self.is_muted(transaction) {
            self.muted.push(transaction);
        }
    }

    /// Whether a transaction is not to be logged.
    pub fn is_muted(&self, transaction: u64) -> bool {
        self.muted.contains(&transaction)
    }

    /// Bytes it holds beside itself.
    pub fn memory(&self) -> usize {
        let windows: usize = self.windows.iter().map(Window::memory).sum();
        let kept =
            self.bits.capacity() * 4 + (self.integers.capacity() + self.muted.capacity()) * 8;
        let text = |text: &NamedText| size_of::<NamedText>() + text.size();
        let texts: usize = self.texts().iter().map(text).sum();
        windows + kept + texts + self.progress.capacity() * size_of::<Progress>()
    }

    /// Notes that a side of a transaction reached a stage; the stage it had reached before.
    pub fn reach(&mut self, id: u64, side: Side, stage: Stage) -> Option<Stage> {
        let found = self.progress.iter().rposition(|progress| progress.id == id);
        let at = found.unwrap_or_else(|| {
            if self.progress.len() >= TRANSACTIONS_MAX {
                self.progress.remove(0);
            }
            self.progress.push(Progress { id, reached: [None; 2] });
            self.progress.len() - 1
        });
        let index = usize::from(side == Side::Response);
        let reached = self.progress.get_mut(at)?.reached.get_mut(index)?;
        let before = *reached;
        *reached = before.max(Some(stage));
        before
    }
}

impl Window {
    /// Adds the next bytes of the stream.
    pub fn push(&mut self, data: &[u8], spares: &mut Spares) {
        let wanted = self.data.len().saturating_add(data.len());
        if wanted > self.data.capacity()
            && wanted > WINDOW_CUT
            && let Some(mut roomy) = spares.take(wanted)
        {
            roomy.extend_from_slice(&self.data);
            self.data = roomy;
        }
        self.data.extend_from_slice(data);
    }

    /// So many bytes are missing: what was before cannot be joined to what follows. Whether a stretch
    /// was given up for it that no rule has looked at.
    pub fn gap(&mut self, length: u64) -> bool {
        let mut lost = false;
        let end = self.end();
        let data = std::mem::take(&mut self.data);
        if end > self.scanned {
            let Past(past) = &mut **self.past.get_or_insert_default();
            if past.len() >= PIECES_MAX {
                past.remove(0);
                lost = true;
            }
            past.push(Piece { base: self.base, data });
        }
        self.base = end.saturating_add(length);
        if self.past.is_none() {
            self.scanned = self.base;
        }
        lost
    }

    /// The stretches without a gap, as positions of their first byte and behind their last.
    pub fn stretches(&self) -> impl Iterator<Item = (u64, u64)> {
        let end = |piece: &Piece| piece.base.saturating_add(piece.data.len() as u64);
        let past = self.past.iter().flat_map(|past| past.0.iter());
        past.map(move |piece| (piece.base, end(piece))).chain([(self.base, self.end())])
    }

    /// No more bytes will come.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Stream position behind the last byte.
    pub fn end(&self) -> u64 {
        self.base.saturating_add(self.data.len() as u64)
    }

    /// Stream position of the first byte that is still there and joined to what lies before `to`.
    pub fn base(&self, to: u64) -> u64 {
        let before = self.past_before(to).filter(|_| to <= self.base);
        before.map_or(self.base, |piece| piece.base)
    }

    /// The last stretch before the last gap that begins before `to`.
    fn past_before(&self, to: u64) -> Option<&Piece> {
        let Past(past) = self.past.as_deref()?;
        past.get(past.partition_point(|piece| piece.base < to).checked_sub(1)?)
    }

    /// The bytes between two stream positions, as far as they are there.
    pub fn view(&self, from: u64, to: u64) -> &[u8] {
        let before = self.past_before(from.saturating_add(1)).filter(|_| from < self.base);
        let (base, data) =
            before.map_or((self.base, &self.data), |piece| (piece.base, &piece.data));
        let at =
            |position: u64| usize::try_from(position.saturating_sub(base)).unwrap_or(usize::MAX);
        let end = at(to).min(data.len());
        data.get(at(from).min(end)..end).unwrap_or_default()
    }

    /// Remembers a hit of the prefilter. Whether another was forgotten for it.
    pub fn hit(&mut self, rule: u32, position: u64) -> bool {
        if let Some(known) = self.hits.iter_mut().find(|hit| hit.0 == rule) {
            known.1 = known.1.max(position);
            return false;
        }
        let full = self.hits.len() >= HITS_MAX;
        if full {
            self.hits.remove(0);
        }
        self.hits.push((rule, position));
        full
    }

    /// Up to where the rule looked when it alerted last.
    pub fn alerted(&self, rule: u32) -> Option<u64> {
        self.alerted.iter().find(|(known, _)| *known == rule).map(|(_, to)| *to)
    }

    /// Notes that a rule alerted, having looked up to `to`.
    pub fn alert(&mut self, rule: u32, to: u64) {
        if let Some(known) = self.alerted.iter_mut().find(|(known, _)| *known == rule) {
            known.1 = to;
            return;
        }
        if self.alerted.len() >= ALERTED_MAX {
            self.alerted.remove(0);
        }
        self.alerted.push((rule, to));
    }

    /// Whether all bytes of it were looked at and none has to go.
    pub fn is_settled(&self) -> bool {
        !self.is_due() && self.end() <= self.scanned.min(self.judged)
    }

    /// Whether [`Window::trim`] has something to do.
    pub fn is_due(&self) -> bool {
        let over = self.closed && !self.data.is_empty() || self.data.len() > WINDOW_CUT;
        over || self.past.is_some()
    }

    /// Lets go of what no rule can reach any more.
    pub fn trim(&mut self, spares: &mut Spares) {
        if self.past.take().is_some() {
            let base = self.base;
            self.hits.retain(|(_, position)| *position > base);
        }
        if self.closed {
            self.base = self.end();
            spares.give(std::mem::take(&mut self.data));
            self.hits = Vec::new();
        } else if self.data.len() > WINDOW_CUT {
            let surplus = self.data.len().saturating_sub(WINDOW_BYTES);
            self.shed(surplus, spares);
            self.base = self.base.saturating_add(surplus as u64);
            let base = self.base;
            self.hits.retain(|(_, position)| *position > base);
        } else if self.data.capacity() > WINDOW_CUT * 2 {
            self.shed(0, spares);
        }
    }

    /// Lets the first bytes go; a burst must not leave its room behind for as long as the flow
    /// lives.
    fn shed(&mut self, surplus: usize, spares: &mut Spares) {
        if self.data.capacity() <= WINDOW_CUT * 2 {
            self.data.drain(..surplus);
            return;
        }
        let mut small = Vec::with_capacity(WINDOW_CUT);
        small.extend_from_slice(self.data.get(surplus..).unwrap_or_default());
        spares.give(std::mem::replace(&mut self.data, small));
    }

    fn memory(&self) -> usize {
        let (hits, alerted) = (self.hits.capacity(), self.alerted.capacity());
        let past = self.past.iter().flat_map(|past| past.0.iter());
        let past: usize = past.map(|piece| piece.data.capacity()).sum();
        past + self.data.capacity() + (hits + alerted) * size_of::<(u32, u64)>()
    }

    /// Forgets what belongs to a set of rules that is no more.
    pub fn forget_rules(&mut self) {
        self.hits.clear();
        self.alerted.clear();
    }
}
