//! One worker's inspection: candidates by prefilter, then evaluation in the order of packets.

use std::sync::Arc;

use super::buffer::Scratch;
use super::evaluate::Subject;
use super::files::Mark;
use super::gather::{Candidate, Cause, Gather};
use super::group;
use super::item::{FlowView, Item};
use super::judge::Judge;
use super::places::LastPlaces;
use super::plan::Planned;
use super::ruleset::Ruleset;
use super::state::{FlowState, Flows, Spares, Window};
use crate::net::Direction;
use crate::record::{Alert, Texts};

/// Inspects what one worker sees.
pub struct Inspector {
    ruleset: Arc<Ruleset>,
    flows: Flows,
    none: FlowState,
    scratch: Scratch,
    gather: Gather,
    candidates: Vec<Candidate>,
    marks: Vec<Mark>,
    chains: Vec<u32>,
    spares: Spares,
    /// Countries of the addresses that rules asked for last.
    places: LastPlaces,
    /// Where the last piece of a stream lies that the packet at hand brought forth, its length, and how
    /// many there were.
    pieces: Option<(usize, usize, u32)>,
    dropped: u64,
}

/// Bytes of a stream without parser for which a rule alerts once: the default of Suricata's
/// `toserver-chunk-size` and `toclient-chunk-size`.
const PIECE_BYTES: u64 = 2560;

impl Inspector {
    /// With nothing seen yet.
    pub fn new(ruleset: Arc<Ruleset>) -> Self {
        Self {
            ruleset,
            flows: Flows::default(),
            none: FlowState::default(),
            scratch: Scratch::default(),
            gather: Gather::default(),
            candidates: Vec::new(),
            marks: Vec::new(),
            chains: Vec::new(),
            spares: Spares::default(),
            places: LastPlaces::default(),
            pieces: None,
            dropped: 0,
        }
    }

    /// The next packet is worked on.
    pub fn begin(&mut self) {
        self.pieces = None;
    }

    /// Whether since [`Inspector::begin`] streams went on by just these bytes, as they lie here.
    pub fn went_on_by(&self, payload: &[u8]) -> bool {
        self.pieces.is_some_and(|(address, length, count)| {
            count == 1 && (address, length) == (payload.as_ptr() as usize, payload.len())
        })
    }

    /// The next bytes of a stream, in order; called while packets are worked on.
    pub fn stream(&mut self, slot: u32, direction: Direction, data: &[u8]) {
        let count = self.pieces.map_or(0, |(.., count)| count);
        self.pieces = Some((data.as_ptr() as usize, data.len(), count.saturating_add(1)));
        if let Some(window) = window(&mut self.flows, slot, direction) {
            window.push(data, &mut self.spares);
        }
    }

    /// So many bytes of a stream are missing.
    pub fn gap(&mut self, slot: u32, direction: Direction, length: u64) {
        if let Some(window) = window(&mut self.flows, slot, direction) {
            self.dropped += u64::from(window.gap(length));
        }
    }

    /// Nothing more will come in this direction: its window goes after the next inspection.
    pub fn end(&mut self, slot: u32, direction: Direction) {
        if let Some(window) = window(&mut self.flows, slot, direction) {
            window.close();
        }
    }

    /// How far both streams of a flow have come: what goes into [`super::FlowView::stream`].
    pub fn streamed(&self, slot: u32) -> [u64; 2] {
        let state = self.flows.get(slot);
        state.map_or([0; 2], |state| {
            let [server, client] = &state.windows;
            [server.end(), client.end()]
        })
    }

    /// Whether a stream went on, since it was last looked at, by a packet of the other direction.
    pub fn is_behind(&self, slot: u32, direction: Direction) -> bool {
        let state = self.flows.get(slot);
        let window = state.and_then(|state| state.windows.get(direction.index()));
        window.is_some_and(|window| window.end() > window.scanned)
    }

    /// Bytes held for a flow beside [`Inspector::BYTES_PER_FLOW`].
    pub fn memory(&self, slot: u32) -> usize {
        self.flows.get(slot).map_or(0, FlowState::memory)
    }

    /// Bytes that every flow takes; up to a page of flows more for each worker.
    pub const BYTES_PER_FLOW: usize = size_of::<FlowState>();

    /// The flow is over: its slot is free for another.
    pub fn release(&mut self, slot: u32) {
        if let Some(state) = self.flows.get_mut(slot) {
            *state = FlowState::default();
        }
    }

    /// Other rules from now on. What flows have shown stays, what belongs to old rules goes; bits
    /// stay as long as both sets give them the same numbers.
    pub fn replace(&mut self, ruleset: Arc<Ruleset>) {
        let old = std::mem::replace(&mut self.ruleset, ruleset);
        // Other rules come with another database.
        self.places = LastPlaces::default();
        let renumber = |bit: u32| {
            let name = old.bit_name(bit)?;
            self.ruleset.bit(name)
        };
        for state in self.flows.iter_mut() {
            state.bits = state.bits.iter().filter_map(|bit| renumber(*bit)).collect();
            state.bits.sort_unstable();
            let integers = std::mem::take(&mut state.integers);
            for (number, value) in integers {
                let renumbered =
                    old.integer_name(number).and_then(|name| self.ruleset.integer(name));
                state.integers.extend(renumbered.map(|number| (number, value)));
            }
            state.windows.iter_mut().for_each(Window::forget_rules);
        }
    }

    /// Whether a rule asked not to log a transaction (`config`).
    pub fn is_muted(&self, slot: u32, transaction: u64) -> bool {
        self.flows.get(slot).is_some_and(|state| state.is_muted(transaction))
    }

    /// Texts that rules captured from a flow.
    pub fn texts(&self, slot: u32) -> Texts {
        self.flows.get(slot).map(|state| state.texts().clone()).unwrap_or_default()
    }

    /// Files that rules wanted stored in the last inspection.
    pub fn marks(&mut self) -> impl Iterator<Item = Mark> + '_ {
        self.marks.drain(..)
    }

    /// Slots of flows whose certificates rules want kept, since the last call.
    pub fn chains(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.chains.drain(..)
    }

    /// Alerts, and what rules keep of flows and streams, that had no room; chains of tests that were
    /// given up; texts that were not captured.
    pub fn shed(&self) -> (u64, u64, u64) {
        (self.dropped, self.scratch.exhausted, self.scratch.refusals)
    }

    /// Whether no rule can have anything to say of a packet: an acknowledgement alone, most often. It
    /// need not wait for the end of the round.
    pub fn is_idle(&self, item: &Item<'_>) -> bool {
        let Some(flow) = item.flow.filter(|_| item.payload.is_empty() && item.events.is_empty())
        else {
            return false;
        };
        let Some(state) = self.flows.get(flow.slot) else { return false };
        let asked = |asked: &[bool; 2]| asked.get(flow.direction.index()) == Some(&true);
        if state.passed {
            return !state.windows.iter().any(Window::is_due);
        }
        asked(&state.addresses)
            && (flow.app_name.is_none() || asked(&state.detection))
            && state.windows.iter().all(Window::is_settled)
            && !packet_rules(&self.ruleset, &Subject::of_packet(item, &self.places), |_| ())
    }

    /// Inspects packets in their order; each alert with the index of its packet.
    pub fn inspect(&mut self, items: &[Item<'_>], alerts: &mut Vec<(usize, Alert)>) {
        let ruleset = Arc::clone(&self.ruleset);
        for flow in items.iter().filter_map(|item| item.flow) {
            window(&mut self.flows, flow.slot, flow.direction);
        }
        let mut gather = std::mem::take(&mut self.gather);
        gather.batch(&ruleset, items, &mut self.flows);
        let mut rest = gather.found.as_slice();
        for (index, item) in items.iter().enumerate() {
            let mine = rest.iter().take_while(|found| found.item as usize <= index).count();
            let (found, later) = rest.split_at(mine);
            rest = later;
            self.item(&ruleset, index, item, found, alerts);
        }
        self.gather = gather;
        for flow in items.iter().filter_map(|item| item.flow) {
            let state = self.flows.get_mut(flow.slot);
            let windows = state.into_iter().flat_map(|state| &mut state.windows);
            windows.for_each(|window| window.trim(&mut self.spares));
        }
    }

    fn item(
        &mut self,
        ruleset: &Ruleset,
        index: usize,
        item: &Item<'_>,
        found: &[Candidate],
        alerts: &mut Vec<(usize, Alert)>,
    ) {
        let candidates = &mut self.candidates;
        candidates.clear();
        let slot = item.flow.map(|flow| flow.slot);
        let state = match slot.and_then(|slot| self.flows.get_mut(slot)) {
            Some(state) => state,
            None => &mut self.none,
        };
        if state.passed {
            return;
        }
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let mut add = |rule, cause| candidates.push(Candidate { item: number, rule, cause });
        let subject = Subject::of_packet(item, &self.places);
        for hit in found {
            match (hit.cause, item.flow) {
                (Cause::Stream(position), Some(flow)) => {
                    // What the addresses or ports rule out once they rule out for good.
                    let concerned = |planned: &Planned| subject.concerns(planned);
                    if !ruleset.rule(hit.rule).is_some_and(concerned) {
                        continue;
                    }
                    let window = state.windows.get_mut(flow.direction.index());
                    let lost = window.is_some_and(|window| window.hit(hit.rule, position));
                    self.dropped += u64::from(lost);
                }
                (cause, _) => add(hit.rule, cause),
            }
        }
        let judged = from_stream(ruleset, item, state, &mut add);
        from_packet(ruleset, &subject, state, &mut add);
        from_events(ruleset, item, &mut add);
        from_frames(ruleset, item, &mut add);
        if !candidates.is_empty() {
            candidates.sort_unstable();
            candidates.dedup();
            let (scratch, marks) = (&mut self.scratch, &mut self.marks);
            let chains = &mut self.chains;
            let (places, dropped) = (&self.places, 0);
            let mut judge =
                Judge { ruleset, item, state, judged, places, scratch, marks, chains, dropped };
            judge.all(candidates, index, alerts);
            self.dropped += judge.dropped;
        }
        ordered_files(item, state, &mut self.marks);
    }
}

/// The window of one direction of a flow, with room made for it.
#[inline(always)]
fn window(flows: &mut Flows, slot: u32, direction: Direction) -> Option<&mut Window> {
    flows.make(slot)?.windows.get_mut(direction.index())
}

/// Files that rules asked for before they came.
fn ordered_files(item: &Item<'_>, state: &FlowState, marks: &mut Vec<Mark>) {
    let Some(flow) = item.flow else { return };
    for order in state.orders() {
        let files = item.ready.iter().filter(|ready| ready.file.is_some());
        let ordered = files.filter(|ready| order.concerns(ready.id, ready.side));
        marks.extend(ordered.map(|ready| Mark {
            slot: flow.slot,
            transaction: ready.id,
            index: ready.index,
            sid: order.sid,
        }));
    }
}

/// When a stream went on, every rule whose fast pattern is in the window is asked: what else it
/// wants may have come now. Returns the stream position up to which rules were evaluated before.
fn from_stream(
    ruleset: &Ruleset,
    item: &Item<'_>,
    state: &mut FlowState,
    add: &mut impl FnMut(u32, Cause),
) -> u64 {
    let Some(flow) = item.flow else { return 0 };
    let at = flow.direction.index();
    let to = flow.stream.get(at).copied().unwrap_or(0);
    let Some(window) = state.windows.get_mut(at) else { return 0 };
    if to <= window.judged {
        return window.judged;
    }
    let before = std::mem::replace(&mut window.judged, to);
    // A bit that was set after the bytes came does not count for them.
    let bound = |rule| ruleset.rule(rule).is_some_and(|planned| planned.tests_bits());
    for (rule, position) in &window.hits {
        let asked = *position <= before && bound(*rule);
        if !asked && window.alerted(*rule).is_none_or(|seen| *position > alerted_until(seen, flow))
        {
            add(*rule, Cause::Stream(*position));
        }
    }
    before
}

/// Up to where a rule that alerted at `seen` alerts no more. Where no parser says where a message
/// ends, the stream is taken in pieces of [`PIECE_BYTES`], as Suricata does: one alert for each, the
/// first as soon as it can be.
fn alerted_until(seen: u64, flow: &FlowView) -> u64 {
    match flow.protocol {
        Some(_) => seen,
        None => seen.saturating_sub(1) / PIECE_BYTES * PIECE_BYTES + PIECE_BYTES,
    }
}

/// Rules without a fast pattern.
fn from_packet(
    ruleset: &Ruleset,
    subject: &Subject<'_>,
    state: &mut FlowState,
    add: &mut impl FnMut(u32, Cause),
) {
    let (item, groups) = (subject.item, &ruleset.groups);
    let may_match = |rule| ruleset.rule(rule).filter(|planned| subject.may_match(planned));
    let way = item.flow.map_or(Direction::ToServer, |flow| flow.direction);
    let detected = item.flow.is_some_and(|flow| flow.app_name.is_some());
    if detected
        && let Some(asked) = state.detection.get_mut(way.index())
        && !std::mem::replace(asked, true)
    {
        groups.detection.iter().for_each(|rule| add(*rule, Cause::Packet));
    }
    if item.pseudo {
        return;
    }
    let asked = state.addresses.get_mut(way.index());
    if asked.is_none_or(|asked| !std::mem::replace(asked, item.flow.is_some()))
        && let Some((source, destination)) = item.ends
    {
        let (source, destination) = (source.addr, destination.addr);
        groups.addresses.each(source, destination, |rule| add(rule, Cause::Packet));
    }
    let ports = groups.ports(item.ports());
    let class = group::packet_class(item.headers);
    packet_rules(ruleset, subject, |rule| add(rule, Cause::Packet));
    if !item.payload.is_empty() && !item.flow.is_some_and(|flow| flow.sealed) {
        groups.bare_payload(class, way, ports, |rule| {
            if may_match(rule).is_some_and(|planned| planned.wants_packet(item.streamed)) {
                add(rule, Cause::Packet);
            }
        });
    }
}

/// Rules to be asked at every packet that may match this one; whether there are any.
fn packet_rules(ruleset: &Ruleset, subject: &Subject<'_>, mut add: impl FnMut(u32)) -> bool {
    let item = subject.item;
    let way = item.flow.map_or(Direction::ToServer, |flow| flow.direction);
    let class = group::packet_class(item.headers);
    let mut any = false;
    let ports = ruleset.groups.ports(item.ports());
    ruleset.groups.packet(class, way, ports, |rule| {
        if ruleset.rule(rule).is_some_and(|planned| subject.may_match(planned)) {
            any = true;
            add(rule);
        }
    });
    any
}

fn from_events(ruleset: &Ruleset, item: &Item<'_>, add: &mut impl FnMut(u32, Cause)) {
    for event in item.events {
        ruleset.groups.event(event).iter().for_each(|rule| add(*rule, Cause::Packet));
    }
    for (index, (_, _, event)) in item.app_events.iter().enumerate() {
        let cause = Cause::Event(u32::try_from(index).unwrap_or(u32::MAX));
        ruleset.groups.event(event).iter().for_each(|rule| add(*rule, cause));
    }
}

fn from_frames(ruleset: &Ruleset, item: &Item<'_>, add: &mut impl FnMut(u32, Cause)) {
    for (index, view) in item.frames.iter().enumerate() {
        let cause = Cause::Frame(u32::try_from(index).unwrap_or(u32::MAX));
        let rules = ruleset.groups.frame(view.protocol, view.frame.name);
        rules.iter().for_each(|rule| add(*rule, cause));
    }
}
