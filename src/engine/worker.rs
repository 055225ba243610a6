//! One worker: decode, flow, protocols, detect, for its share of the address pairs.
//!
//! A round is worked through packet by packet; what rules have to look at is noted. Then the
//! whole round is inspected at once, and only then do finished transactions and flows leave: so
//! inspection borrows payloads, streams and transactions where they lie. As a round ends at the
//! same packet however many workers there are, so does all that inspection can see.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::activity::Activity;
use super::gather::{App, Effect, Gather};
use super::joined::Joins;
use super::kept::Kept;
use super::settle::{self, Views};
use super::stats::WorkerStats;
use crate::capture::{Batch, Frame};
use crate::decode::{self, Headers};
use crate::detect::{FlowView, Inspector, Item, Ruleset};
use crate::file::Wants;
use crate::flow::defrag::{Defrag, DefragLimits, DefragOutcome};
use crate::flow::{Flow, FlowState, Limits, Slot, Table, Touch, shard_of};
use crate::net::Direction;
use crate::protocols::identify::Session;
use crate::protocols::identify::State;
use crate::record::Record;
use crate::time::Timestamp;

/// Packets of a flow after each of which what it carries is looked at.
const WEIGHED_FIRST: u64 = 8;
/// Later, each of so many packets of a flow has it looked at.
const WEIGHED_EACH: u64 = 16;

/// Flows that end at once at the end of the input: their notes lie side by side until then.
const ENDED_AT_ONCE: usize = 1024;

/// Bytes that the place of a flow takes in all tables of a worker together, at most.
pub const BYTES_PER_FLOW: usize = Table::<App>::bytes_per_flow() + Inspector::BYTES_PER_FLOW;

/// Packets by which [`Checksums::Detect`] decides.
pub const CHECKSUM_SAMPLE: u32 = 1000;

/// What packets with wrong checksums mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksums {
    /// Nothing: they are taken as right.
    Ignore,
    /// Their receivers throw them away: they are left out of flows.
    Verify,
    /// The worker's first [`CHECKSUM_SAMPLE`] packets are taken as right. If more than a tenth of
    /// them is wrong, a network card computes checksums after the capture, and so it goes on;
    /// else later ones are left out.
    Detect {
        /// Packets looked at.
        seen: u32,
        /// Wrong ones among them.
        wrong: u32,
    },
}

impl Checksums {
    /// Not decided yet.
    pub const DETECT: Self = Self::Detect { seen: 0, wrong: 0 };

    /// Takes a packet into account; whether it is to be left out.
    fn leaves_out(&mut self, wrong: bool) -> bool {
        match self {
            Self::Ignore => false,
            Self::Verify => wrong,
            Self::Detect { seen, wrong: found } => {
                *seen += 1;
                *found += u32::from(wrong);
                if *seen >= CHECKSUM_SAMPLE {
                    let offloaded = *found > *seen / 10;
                    *self = if offloaded { Self::Ignore } else { Self::Verify };
                }
                false
            }
        }
    }
}

/// What a worker is made with.
#[derive(Clone)]
pub struct WorkerOptions {
    /// How frames are decoded.
    pub decode: decode::Options,
    /// What wrong checksums mean; `decode` must check them unless they mean nothing.
    pub checksums: Checksums,
    /// Limits of the flow table.
    pub limits: Limits,
    /// Rules; `None` works without signatures.
    pub ruleset: Option<Arc<Ruleset>>,
    /// What is to be learned of files beside what the rules want.
    pub files: Wants,
    /// Whether what goes on in flows is told to detectors.
    pub activity: bool,
    /// Whether outputs get to see messages of ARP.
    pub arp: bool,
}

/// A worker's whole state.
pub struct Worker {
    pub(super) table: Table<App>,
    pub(super) inspector: Option<Inspector>,
    pub(super) gather: Gather,
    pub(super) records: Vec<Record>,
    pub(super) stats: WorkerStats,
    pub(super) joins: Joins,
    pub(super) activity: Activity,
    /// Flows that may carry more or less than they did: looked at when the round is over.
    pub(super) changed: Vec<Slot>,
    options: WorkerOptions,
    /// By shard of address pairs.
    defrag: BTreeMap<u8, Defrag>,
    kept: Kept,
    /// Which frame of the batch is worked on.
    frame: usize,
    /// Empty; memory for the packets of the next round.
    spare: Vec<Pending<'static>>,
    /// The same for what rules are shown.
    pub(super) views: Views,
}

/// A packet, or the end of a flow, that waits for the end of the round.
pub(super) struct Pending<'b> {
    /// All zero for the end of a flow.
    pub(super) headers: Headers,
    pub(super) bytes: Bytes<'b>,
    pub(super) place: Place,
    /// The flow it belongs to, if to one.
    pub(super) slot: Option<Slot>,
    /// How the flow stood at this packet; `None` without signatures.
    pub(super) view: Option<FlowView>,
    pub(super) streamed: bool,
    /// Its part of the notes.
    pub(super) effects: Range<usize>,
}

/// Bytes of the batch, or of a datagram put together from fragments.
pub(super) enum Bytes<'b> {
    Frame(&'b [u8]),
    Assembled(Rc<[u8]>, Range<usize>),
}

impl Bytes<'_> {
    pub(super) fn get(&self) -> &[u8] {
        match self {
            Self::Frame(bytes) => bytes,
            Self::Assembled(bytes, range) => bytes.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// Where in the input something happened.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) timestamp: Timestamp,
    /// Whether time, not a packet, made it happen.
    pub(super) timed: bool,
}

impl Worker {
    /// A worker with nothing in it.
    pub fn new(options: WorkerOptions) -> Self {
        Self {
            table: Table::new(&options.limits),
            defrag: BTreeMap::new(),
            inspector: options.ruleset.clone().map(Inspector::new),
            gather: Gather::new(file_wants(options.files, options.ruleset.as_deref())),
            records: Vec::new(),
            stats: WorkerStats::default(),
            joins: Joins::default(),
            activity: Activity::new(options.activity, options.arp),
            changed: Vec::new(),
            kept: Kept::new(options.ruleset.as_deref()),
            options,
            frame: 0,
            spare: Vec::new(),
            views: Views::default(),
        }
    }

    /// Swaps the rules between two rounds; flows go on.
    pub fn replace_rules(&mut self, ruleset: &Arc<Ruleset>) {
        self.gather.files = file_wants(self.options.files, Some(ruleset.as_ref()));
        self.kept = Kept::new(Some(ruleset.as_ref()));
        match &mut self.inspector {
            Some(inspector) => inspector.replace(Arc::clone(ruleset)),
            None => self.inspector = Some(Inspector::new(Arc::clone(ruleset))),
        }
    }

    /// Works through a worker's part of a round, then lets flows end whose time is over at `now`.
    /// `last` is the number of the round's last packet over all workers.
    pub fn round(&mut self, batch: &Batch, last: u64, now: Timestamp) -> Vec<Record> {
        let mut pending = emptied(std::mem::take(&mut self.spare));
        for (index, frame) in batch.frames.iter().enumerate() {
            self.frame = index;
            self.frame(frame, batch.bytes(frame), &mut pending);
        }
        self.table.tick(now, &mut self.gather.host(self.inspector.as_mut()));
        self.end(&mut pending, last, now);
        self.kept.tell(batch, &self.options.decode, &self.table, &mut self.records);
        self.table.sweep();
        self.spare = emptied(pending);
        std::mem::take(&mut self.records)
    }

    /// Takes the memory of records that were seen to, for those of the next round.
    pub fn take_back(&mut self, mut records: Vec<Record>) {
        self.activity.take_back(&mut records);
        self.records = records;
    }

    /// The input is over: every flow ends, some at a time, as what waits for the end of a round
    /// takes memory.
    pub fn finish(&mut self, last: u64, now: Timestamp) -> Vec<Record> {
        let all = self.table.in_order();
        // How many are ended at a time depends on the number of workers.
        self.activity.end(now, &self.table, &mut self.records);
        let mut pending = Vec::new();
        for flows in all.chunks(ENDED_AT_ONCE) {
            self.table.finish(flows, now, &mut self.gather.host(self.inspector.as_mut()));
            self.end(&mut pending, last.saturating_add(1), now);
            self.table.sweep();
            pending.clear();
        }
        std::mem::take(&mut self.records)
    }

    /// The counters so far.
    pub fn stats(&self) -> WorkerStats {
        let flow = self.table.stats();
        let shed = self.inspector.as_ref().map_or((0, 0, 0), Inspector::shed);
        WorkerStats {
            flows: flow.inserted,
            flows_active: flow.active,
            flows_evicted: flow.evicted_closed + flow.evicted_new + flow.evicted_established,
            flows_ended_timeout: flow.ended_timeout,
            flows_ended_reuse: flow.ended_reuse,
            flows_ended_shutdown: flow.ended_shutdown,
            flow_memory: flow.memory,
            stream_gap_bytes: flow.tcp.gap_bytes,
            segments_dropped: flow.tcp.shed,
            streams_cut: flow.tcp.depth,
            homeless: flow.homeless,
            fragments_dropped: self.defrag.values().map(|of| of.counters().dropped()).sum(),
            awaited_dropped: self.joins.forgotten() + self.gather.forgotten(),
            alerts_dropped: shed.0,
            chains_given_up: shed.1,
            captures_refused: shed.2,
            ..self.stats
        }
    }

    /// Counts records that could not be handed on.
    pub fn count_dropped_records(&mut self, count: u64) {
        self.stats.records_dropped += count;
    }

    fn end(&mut self, pending: &mut Vec<Pending<'_>>, sequence: u64, timestamp: Timestamp) {
        let start = pending.last().map_or(0, |last| last.effects.end);
        let place = Place { sequence, timestamp, timed: true };
        self.strangers(place, None, start, pending);
        settle::settle(self, pending, timestamp);
    }

    fn frame<'b>(&mut self, frame: &Frame, bytes: &'b [u8], pending: &mut Vec<Pending<'b>>) {
        self.stats.packets += 1;
        self.stats.bytes += u64::from(frame.wire);
        let place = Place { sequence: frame.sequence, timestamp: frame.timestamp, timed: false };
        self.gather.sequence = frame.sequence;
        let options = self.options.decode;
        let mut sub = 0;
        decode::decode(frame.link, bytes, frame.wire, &options, &mut |headers, inner| {
            self.packet(place, &mut sub, headers, Bytes::Frame(inner), pending);
        });
    }

    /// One packet: of the frame itself, or within its tunnels, or put together from fragments.
    fn packet<'b>(
        &mut self,
        place: Place,
        sub: &mut u32,
        headers: &Headers,
        bytes: Bytes<'b>,
        pending: &mut Vec<Pending<'b>>,
    ) {
        let start = self.gather.effects.len();
        let events = headers.events.iter().flatten();
        self.gather.effects.extend(events.map(|event| Effect::Decode(event)));
        self.stats.malformed += u64::from(self.gather.effects.len() > start);
        self.stats.packets_cut += u64::from(headers.cut > 0 && headers.depth == 0);
        if self.options.checksums.leaves_out(headers.bad_checksum) {
            self.stats.bad_checksums += 1;
            return self.push(place, headers, bytes, None, start, pending);
        }
        let is_fragment = headers.ip.as_ref().is_some_and(|ip| ip.fragment.is_some());
        if is_fragment || headers.arp.is_some() {
            self.activity.homeless(place, headers, &mut self.records);
        }
        if is_fragment && headers.cut > 0 {
            self.stats.fragments += 1;
            return self.push(place, headers, bytes, None, start, pending);
        }
        if is_fragment {
            return self.fragment(place, sub, headers, bytes, start, pending);
        }
        let payload = headers.payload(bytes.get());
        self.inspector.iter_mut().for_each(Inspector::begin);
        let mut host = self.gather.host(self.inspector.as_mut());
        let now = place.timestamp;
        let touch = self.table.packet(place.sequence, *sub, now, headers, payload, &mut host);
        *sub = sub.saturating_add(1);
        if let Some(touch) = touch {
            self.kept.note(self.frame, touch.slot, &self.table);
            let (table, records) = (&mut self.table, &mut self.records);
            self.activity.packet(place, headers, payload, touch, table, records);
        } else if headers.arp.is_none() {
            self.activity.homeless(place, headers, &mut self.records);
        }
        if let Some(touch) = touch.filter(|_| !payload.is_empty()) {
            self.note_change(touch.slot);
        }
        let start = self.strangers(place, touch.map(|touch| touch.slot), start, pending);
        self.push(place, headers, bytes, touch, start, pending);
    }

    /// The first packets of a flow, and then each of so many, have what it carries looked at: it
    /// costs too much for every packet.
    fn note_change(&mut self, slot: Slot) {
        let Some(flow) = self.table.get(slot) else { return };
        let packets: u64 = flow.counters.packets.iter().sum();
        if packets < WEIGHED_FIRST || packets.is_multiple_of(WEIGHED_EACH) {
            self.changed.push(slot);
        }
    }

    /// Tells the table what flows carry now.
    pub(super) fn weigh(&mut self) {
        for slot in self.changed.drain(..) {
            let session = self.table.get(slot).and_then(|flow| flow.app.session.as_ref());
            let parsers = session.map_or(0, Session::memory);
            let streams = self.inspector.as_ref().map_or(0, |inspector| inspector.memory(slot.0));
            self.table.carries(slot, parsers + streams);
        }
    }

    fn fragment<'b>(
        &mut self,
        place: Place,
        sub: &mut u32,
        headers: &Headers,
        bytes: Bytes<'b>,
        start: usize,
        pending: &mut Vec<Pending<'b>>,
    ) {
        self.stats.fragments += 1;
        let effects = &mut self.gather.effects;
        let event = &mut |event| effects.push(Effect::Stream(event));
        let limits = DefragLimits::default().share();
        // Within a tunnel the shard is that of its ends, as the dispatcher has it.
        let own = headers.ip.filter(|_| headers.tunnel == 0);
        let shard =
            own.map_or_else(|| self.table.frame_shard(), |ip| shard_of(ip.source, ip.destination));
        let defrag = self.defrag.entry(shard).or_insert_with(|| Defrag::new(limits));
        let outcome = defrag.packet(place.timestamp, headers, bytes.get(), event);
        self.push(place, headers, bytes, None, start, pending);
        let DefragOutcome::Complete(datagram) = outcome else { return };
        self.stats.reassembled += 1;
        let datagram = Rc::<[u8]>::from(datagram);
        let options = self.options.decode;
        decode::decode_network(headers, &datagram, &options, &mut |headers, inner| {
            let start = (inner.as_ptr() as usize).saturating_sub(datagram.as_ptr() as usize);
            let range = start..start.saturating_add(inner.len());
            let bytes = Bytes::Assembled(Rc::clone(&datagram), range);
            self.packet(place, sub, headers, bytes, pending);
        });
    }

    /// Gives what other flows than the packet's brought forth (they ended to make room, or their
    /// time was over) entries of their own; returns where the packet's own notes begin.
    fn strangers<'b>(
        &mut self,
        place: Place,
        own: Option<Slot>,
        start: usize,
        pending: &mut Vec<Pending<'b>>,
    ) -> usize {
        let notes = self.gather.effects.get_mut(start..).unwrap_or_default();
        let stranger = |effect: &Effect| effect.slot().filter(|slot| Some(*slot) != own);
        if !notes.iter().any(|effect| stranger(effect).is_some()) {
            return start;
        }
        // Stable: strangers first, flow by flow in the order in which they were noted.
        let mut order: Vec<Slot> = Vec::new();
        for slot in notes.iter().filter_map(stranger) {
            if order.last() != Some(&slot) {
                order.push(slot);
            }
        }
        notes.sort_by_key(|effect| stranger(effect).is_none());
        let mut from = start;
        for slot in order {
            let rest = self.gather.effects.get(from..).unwrap_or_default();
            let count = rest.iter().take_while(|effect| stranger(effect) == Some(slot)).count();
            let until = from + count;
            pending.push(Pending {
                headers: Headers::default(),
                bytes: Bytes::Frame(&[]),
                place,
                slot: Some(slot),
                view: self.view(slot, None),
                streamed: false,
                effects: from..until,
            });
            from = until;
            self.other_way(place, slot, Direction::ToServer, until, pending);
        }
        from
    }

    /// At the end of a flow its other direction is looked at too: a close, or an acknowledgement,
    /// brings forth what a stream held back, without a packet of its own.
    fn other_way(
        &mut self,
        place: Place,
        slot: Slot,
        way: Direction,
        effects: usize,
        pending: &mut Vec<Pending<'_>>,
    ) {
        let other = way.reverse();
        let behind = |inspector: &Inspector| inspector.is_behind(slot.0, other);
        if !self.inspector.as_ref().is_some_and(behind) {
            return;
        }
        if let Some(view) = self.view(slot, None) {
            pending.push(Pending {
                headers: Headers::default(),
                bytes: Bytes::Frame(&[]),
                place,
                slot: Some(slot),
                view: Some(FlowView { direction: other, ..view }),
                streamed: false,
                effects: effects..effects,
            });
        }
    }

    fn push<'b>(
        &mut self,
        place: Place,
        headers: &Headers,
        bytes: Bytes<'b>,
        touch: Option<Touch>,
        start: usize,
        pending: &mut Vec<Pending<'b>>,
    ) {
        let effects = start..self.gather.effects.len();
        // Without rules only packets that brought something forth are looked at again.
        if effects.is_empty() && self.inspector.is_none() {
            return;
        }
        let slot = touch.map(|touch| touch.slot);
        let until = effects.end;
        let view = touch
            .and_then(|touch| self.view(touch.slot, Some((touch, headers.payload(bytes.get())))));
        let closed = slot.and_then(|slot| self.table.get(slot)).map(|flow| flow.state)
            == Some(FlowState::Closed);
        if effects.is_empty() && !closed && self.is_idle(headers, bytes.get(), view.as_ref()) {
            return;
        }
        pending.push(Pending {
            headers: *headers,
            bytes,
            place,
            slot,
            view,
            streamed: touch.is_some_and(|touch| touch.streamed),
            effects,
        });
        if let Some(Touch { slot, direction, .. }) = touch.filter(|_| closed) {
            self.other_way(place, slot, direction, until, pending);
        }
    }

    /// Whether a packet that brought nothing forth is nothing to rules either.
    fn is_idle(&self, headers: &Headers, bytes: &[u8], view: Option<&FlowView>) -> bool {
        let item = Item::bare(headers, bytes, view);
        self.inspector.as_ref().is_some_and(|inspector| inspector.is_idle(&item))
    }

    /// How a flow stands, for rules.
    fn view(&self, slot: Slot, packet: Option<(Touch, &[u8])>) -> Option<FlowView> {
        let inspector = self.inspector.as_ref()?;
        let flow = self.table.get(slot)?;
        let session = flow.app.session.as_ref();
        let touch = packet.map(|(touch, _)| touch);
        Some(FlowView {
            slot: slot.0,
            id: flow.id,
            direction: touch.map_or(Direction::ToServer, |touch| touch.direction),
            established: touch.is_none_or(|touch| touch.established),
            client: flow.client,
            server: flow.server,
            protocol: session.and_then(|session| session.protocol()),
            app_name: session.and_then(|session| session.name()),
            fresh: flow.app.known_by == self.gather.sequence,
            sealed: session.is_some_and(|session| session.state() == State::Sealed),
            counters: flow.counters,
            first: touch.is_some_and(|touch| first_way(flow, touch.direction)),
            protocol_number: flow.protocol,
            goes_on: packet.is_some_and(|(_, payload)| inspector.went_on_by(payload)),
            stream: inspector.streamed(slot.0),
        })
    }
}

/// The memory of a list, for another that borrows from something else: collecting nothing from a
/// vector in place keeps what it allocated, when `A` and `B` differ in lifetimes alone.
#[allow(clippy::unnecessary_filter_map, reason = "a filter would keep the old borrow")]
pub(super) fn emptied<A, B>(mut list: Vec<A>) -> Vec<B> {
    list.clear();
    list.into_iter().filter_map(|_| None).collect()
}

/// What is to be learned of files: content is kept to be stored only when a rule may want that, and
/// to be looked at only when there are rules.
fn file_wants(mut options: Wants, ruleset: Option<&Ruleset>) -> Wants {
    if !ruleset.is_some_and(Ruleset::stores_files) {
        options.content = 0;
    }
    let rules = ruleset.map_or(Wants::NOTHING, Ruleset::file_wants);
    let mut wants = options.or(rules);
    wants.unread = ruleset.is_none();
    wants.sha256 |= wants.content > 0;
    wants
}

/// Whether the packet just counted was the flow's first in its direction.
fn first_way(flow: &Flow<App>, way: Direction) -> bool {
    flow.counters.packets.get(way.index()).is_some_and(|packets| *packets == 1)
}
