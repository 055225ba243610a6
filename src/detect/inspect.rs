//! One worker's inspection: candidates by prefilter, then evaluation in the order of packets.

use std::sync::Arc;

use super::buffer::Scratch;
use super::evaluate::{Subject, transformed};
use super::group::{self, Groups};
use super::item::{Item, Ready};
use super::plan::{Kind, Planned};
use super::rule::{Action, BitCommand};
use super::ruleset::Ruleset;
use super::state::{FlowState, Window};
use crate::field::{Node, Side, Stage, Value};
use crate::net::{Direction, Endpoint, ip_protocol};
use crate::protocols::PROTOCOLS;
use crate::record::Alert;

/// Alerts of one packet; further ones are counted, as Suricata's `packet-alert-max`.
pub const ALERTS_MAX: usize = 15;

/// Inspects what one worker sees.
pub struct Inspector {
    ruleset: Arc<Ruleset>,
    flows: Vec<FlowState>,
    none: FlowState,
    scratch: Scratch,
    candidates: Vec<Candidate>,
    dropped: u64,
}

/// A rule to be evaluated, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rule: u32,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Packet,
    Stream,
    /// Index into the item's transactions, and the side that is looked at.
    Ready(u32, Side),
    /// Index into the item's parser events.
    Event(u32),
}

impl Inspector {
    /// With nothing seen yet.
    pub fn new(ruleset: Arc<Ruleset>) -> Self {
        Self {
            ruleset,
            flows: Vec::new(),
            none: FlowState::default(),
            scratch: Scratch::default(),
            candidates: Vec::new(),
            dropped: 0,
        }
    }

    /// The next bytes of a stream, in order; called while packets are worked on.
    pub fn stream(&mut self, slot: u32, direction: Direction, data: &[u8]) {
        if let Some(window) = self.window(slot, direction) {
            window.push(data);
        }
    }

    /// So many bytes of a stream are missing.
    pub fn gap(&mut self, slot: u32, direction: Direction, length: u64) {
        if let Some(window) = self.window(slot, direction) {
            window.gap(length);
        }
    }

    /// How far both streams of a flow have come: what goes into [`super::FlowView::stream`].
    pub fn streamed(&self, slot: u32) -> [u64; 2] {
        let state = self.flows.get(slot as usize);
        state.map_or([0; 2], |state| {
            let [server, client] = &state.windows;
            [server.end(), client.end()]
        })
    }

    /// The flow is over: its slot is free for another.
    pub fn release(&mut self, slot: u32) {
        if let Some(state) = self.flows.get_mut(slot as usize) {
            *state = FlowState::default();
        }
    }

    /// Other rules from now on. What flows have shown stays, what belongs to old rules goes; bits
    /// stay as long as both sets give them the same numbers.
    pub fn replace(&mut self, ruleset: Arc<Ruleset>) {
        let old = std::mem::replace(&mut self.ruleset, ruleset);
        let renumber = |bit: u32| {
            let name = old.bit_name(bit)?;
            self.ruleset.bit(name)
        };
        for state in &mut self.flows {
            state.bits = state.bits.iter().filter_map(|bit| renumber(*bit)).collect();
            state.bits.sort_unstable();
            state.windows.iter_mut().for_each(Window::forget_rules);
        }
    }

    /// Alerts that one packet had too many, and chains of tests that were given up.
    pub fn shed(&self) -> (u64, u64) {
        (self.dropped, self.scratch.exhausted)
    }

    /// Inspects packets in their order; each alert with the index of its packet.
    pub fn inspect(&mut self, items: &[Item<'_>], alerts: &mut Vec<(usize, Alert)>) {
        let ruleset = Arc::clone(&self.ruleset);
        for (index, item) in items.iter().enumerate() {
            self.item(&ruleset, index, item, alerts);
        }
        for flow in items.iter().filter_map(|item| item.flow) {
            let state = self.flows.get_mut(flow.slot as usize);
            state.into_iter().flat_map(|state| &mut state.windows).for_each(Window::trim);
        }
    }

    fn window(&mut self, slot: u32, direction: Direction) -> Option<&mut Window> {
        let slot = slot as usize;
        if slot >= self.flows.len() {
            self.flows.resize_with(slot + 1, FlowState::default);
        }
        self.flows.get_mut(slot)?.windows.get_mut(direction.index())
    }

    fn item(
        &mut self,
        ruleset: &Ruleset,
        index: usize,
        item: &Item<'_>,
        alerts: &mut Vec<(usize, Alert)>,
    ) {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        if let Some(flow) = item.flow {
            self.window(flow.slot, flow.direction);
        }
        let slot = item.flow.map(|flow| flow.slot as usize);
        let state = match slot.and_then(|slot| self.flows.get_mut(slot)) {
            Some(state) => state,
            None => &mut self.none,
        };
        if !state.passed {
            collect(ruleset, item, state, &mut candidates);
            candidates.sort_unstable();
            candidates.dedup();
            let mut judge = Judge { ruleset, item, state, scratch: &mut self.scratch, dropped: 0 };
            judge.all(&candidates, index, alerts);
            self.dropped += judge.dropped;
        }
        self.candidates = candidates;
    }
}

/// Both ends of an item as its packet goes.
fn ends(item: &Item<'_>) -> Option<(Endpoint, Endpoint)> {
    item.headers.endpoints().or_else(|| {
        let flow = item.flow?;
        Some(match flow.direction {
            Direction::ToServer => (flow.client, flow.server),
            Direction::ToClient => (flow.server, flow.client),
        })
    })
}

/// Finds the rules that this item can concern.
fn collect(ruleset: &Ruleset, item: &Item<'_>, state: &mut FlowState, found: &mut Vec<Candidate>) {
    let groups = &ruleset.groups;
    let way = item.flow.map_or(Direction::ToServer, |flow| flow.direction);
    let ports = ends(item).map_or((0, 0), |(from, to)| (from.port, to.port));
    let add = |found: &mut Vec<Candidate>, rule, cause| found.push(Candidate { rule, cause });
    if !item.pseudo {
        let class = group::packet_class(item.headers);
        let asked = state.addresses.get_mut(way.index());
        let first = asked.is_none_or(|asked| !std::mem::replace(asked, item.flow.is_some()));
        if first {
            groups.addresses.iter().for_each(|rule| add(found, *rule, Cause::Packet));
        }
        groups.packet(class, way, ports, |rule| add(found, rule, Cause::Packet));
        if !item.payload.is_empty() {
            groups.bare_payload(class, way, ports, |rule| add(found, rule, Cause::Packet));
            groups.payload(class, way, ports, |patterns| {
                patterns.scan(item.payload, 0, |rule, _| {
                    if wants_packet(ruleset, rule, item.streamed) {
                        add(found, rule, Cause::Packet);
                    }
                });
            });
        }
    }
    if let Some(flow) = item.flow {
        if flow.app_name.is_some()
            && let Some(asked) = state.detection.get_mut(way.index())
            && !std::mem::replace(asked, true)
        {
            groups.detection.iter().for_each(|rule| add(found, *rule, Cause::Packet));
        }
        if flow.protocol_number == ip_protocol::TCP {
            let to = flow.stream.get(way.index()).copied().unwrap_or(0);
            if let Some(window) = state.windows.get_mut(way.index()) {
                collect_stream(groups, way, ports, window, to, found);
            }
        }
    }
    collect_ready(ruleset, item, state, found);
    for event in item.events {
        groups.event(event).iter().for_each(|rule| add(found, *rule, Cause::Packet));
    }
    for (index, (_, _, event)) in item.app_events.iter().enumerate() {
        let cause = Cause::Event(u32::try_from(index).unwrap_or(u32::MAX));
        groups.event(event).iter().for_each(|rule| add(found, *rule, cause));
    }
}

fn wants_packet(ruleset: &Ruleset, rule: u32, streamed: bool) -> bool {
    match ruleset.rule(rule).map(|planned| planned.kind) {
        Some(Kind::Payload { packet, always, .. }) => always || (packet && !streamed),
        _ => true,
    }
}

fn collect_stream(
    groups: &Groups,
    way: Direction,
    ports: (u16, u16),
    window: &mut Window,
    to: u64,
    found: &mut Vec<Candidate>,
) {
    let from = window.scanned;
    if to <= from {
        return;
    }
    window.scanned = to;
    let mut hits = std::mem::take(&mut window.hits);
    let mut fresh = Vec::new();
    groups.payload(0, way, ports, |patterns| {
        let start = from.saturating_sub(patterns.overlap() as u64).max(window.base());
        let seam = usize::try_from(from.saturating_sub(start)).unwrap_or(0);
        patterns.scan(window.view(start, to), seam, |rule, end| {
            fresh.push((rule, start.saturating_add(end as u64)));
        });
    });
    std::mem::swap(&mut window.hits, &mut hits);
    fresh.iter().for_each(|(rule, position)| window.hit(*rule, *position));
    for (rule, position) in &window.hits {
        if window.alerted(*rule).is_none_or(|seen| *position > seen) {
            found.push(Candidate { rule: *rule, cause: Cause::Stream });
        }
    }
    groups.bare_payload(0, way, ports, |rule| {
        found.push(Candidate { rule, cause: Cause::Stream });
    });
}

fn collect_ready(
    ruleset: &Ruleset,
    item: &Item<'_>,
    state: &mut FlowState,
    found: &mut Vec<Candidate>,
) {
    for (index, ready) in item.ready.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let sides: &[Side] = match ready.side {
            Side::Either => &[Side::Request, Side::Response],
            Side::Request => &[Side::Request],
            Side::Response => &[Side::Response],
        };
        for side in sides {
            let before = state.reach(ready.id, *side, ready.stage);
            for stage in [Stage::Head, Stage::Body] {
                if stage <= ready.stage && before.is_none_or(|before| stage > before) {
                    let cause = Cause::Ready(index, *side);
                    stage_reached(ruleset, ready, *side, stage, |rule| {
                        found.push(Candidate { rule, cause });
                    });
                }
            }
        }
    }
}

fn stage_reached(
    ruleset: &Ruleset,
    ready: &Ready<'_>,
    side: Side,
    stage: Stage,
    mut add: impl FnMut(u32),
) {
    let groups = &ruleset.groups;
    groups.ungated(ready.protocol, side, stage).iter().for_each(|rule| add(*rule));
    for group in groups.fields(ready.protocol, side, stage) {
        ready.transaction.read(group.row, &mut |value| {
            let Value::Bytes(bytes) = value else { return };
            let like = group.transformed.and_then(|(rule, buffer)| {
                ruleset.rule(rule).and_then(|planned| planned.rule.buffers.get(buffer))
            });
            match like {
                Some(test) => {
                    group.patterns.scan(&transformed(test, bytes), 0, |rule, _| add(rule));
                }
                None => group.patterns.scan(bytes, 0, |rule, _| add(rule)),
            }
        });
    }
}

/// Evaluates the candidates of one item.
struct Judge<'a> {
    ruleset: &'a Ruleset,
    item: &'a Item<'a>,
    state: &'a mut FlowState,
    scratch: &'a mut Scratch,
    dropped: u64,
}

impl Judge<'_> {
    fn all(&mut self, candidates: &[Candidate], index: usize, alerts: &mut Vec<(usize, Alert)>) {
        let mut raised = 0;
        let mut last = None;
        for candidate in candidates {
            let Some(planned) = self.ruleset.rule(candidate.rule) else { continue };
            // A rule that matched in the packet has nothing to add from the stream.
            let same = matches!(candidate.cause, Cause::Stream) && last == Some(candidate.rule);
            let streams = !same || matches!(planned.kind, Kind::Transaction);
            if !streams {
                self.note_stream(candidate.rule);
                continue;
            }
            if !self.matches(planned, candidate) {
                continue;
            }
            last = Some(candidate.rule);
            self.apply_bits(planned);
            if planned.rule.action == Action::Pass {
                self.state.passed |= self.item.flow.is_some() && passes_flow(planned.kind);
                return;
            }
            if planned.rule.silent {
                continue;
            }
            if raised >= ALERTS_MAX {
                self.dropped += 1;
                continue;
            }
            raised += 1;
            alerts.push((index, self.alert(planned, candidate)));
        }
    }

    fn matches(&mut self, planned: &Planned, candidate: &Candidate) -> bool {
        let item = self.item;
        let way = item.flow.map(|flow| flow.direction);
        let mut subject = Subject {
            item,
            flow: item.flow.map(|_| &*self.state),
            ends: ends(item),
            way,
            payload: item.payload,
            streamed: false,
            base: 0,
            ready: None,
        };
        let mut stream = None;
        match candidate.cause {
            Cause::Packet => {}
            Cause::Stream => stream = way.zip(item.flow),
            Cause::Ready(index, side) => {
                subject.ready = item.ready.get(index as usize);
                let way =
                    if side == Side::Response { Direction::ToClient } else { Direction::ToServer };
                subject.way = Some(way);
                subject.ends = item.flow.map(|flow| match way {
                    Direction::ToServer => (flow.client, flow.server),
                    Direction::ToClient => (flow.server, flow.client),
                });
                stream = item
                    .flow
                    .filter(|flow| flow.protocol_number == ip_protocol::TCP)
                    .map(|flow| (way, flow));
            }
            Cause::Event(index) => {
                let event = item.app_events.get(index as usize);
                let id = event.and_then(|(transaction, ..)| *transaction);
                subject.ready = id.and_then(|id| item.ready.iter().find(|ready| ready.id == id));
            }
        }
        if let Some((way, flow)) = stream
            && let Some(window) = self.state.windows.get(way.index())
        {
            let to = flow.stream.get(way.index()).copied().unwrap_or(0);
            let from = match candidate.cause {
                Cause::Stream => window.alerted(candidate.rule).unwrap_or(0),
                _ => 0,
            };
            subject.base = from.max(window.base());
            subject.payload = window.view(from, to);
            subject.streamed = true;
        }
        let matched = subject.matches(planned, self.scratch);
        if matched && candidate.cause == Cause::Stream {
            self.note_stream(candidate.rule);
        }
        matched
    }

    /// Notes that a rule has alerted on all of the stream so far.
    fn note_stream(&mut self, rule: u32) {
        let Some(flow) = self.item.flow else { return };
        let at = flow.direction.index();
        let to = flow.stream.get(at).copied().unwrap_or(0);
        if let Some(window) = self.state.windows.get_mut(at) {
            window.alert(rule, to);
        }
    }

    fn apply_bits(&mut self, planned: &Planned) {
        if self.item.flow.is_none() {
            return;
        }
        for bits in &planned.bits {
            for bit in &bits.bits {
                let on = match bits.command {
                    BitCommand::Set => true,
                    BitCommand::Unset => false,
                    BitCommand::Toggle => !self.state.is_set(*bit),
                    BitCommand::IsSet | BitCommand::IsNotSet => continue,
                };
                self.dropped += u64::from(!self.state.put(*bit, on));
            }
        }
    }

    fn alert(&self, planned: &Planned, candidate: &Candidate) -> Alert {
        let ready = match candidate.cause {
            Cause::Ready(index, _) => self.item.ready.get(index as usize),
            Cause::Event(index) => {
                let id = self.item.app_events.get(index as usize).and_then(|event| event.0);
                id.and_then(|id| self.item.ready.iter().find(|ready| ready.id == id))
            }
            _ => self.item.ready.first(),
        };
        let application = ready.and_then(|ready| {
            let protocol = PROTOCOLS.get(ready.protocol)?;
            Some((protocol.name, Node::of(ready.transaction)))
        });
        let bit = |bit: &u32| self.ruleset.bit_name(*bit).map(str::to_owned);
        Alert {
            signature: Arc::clone(&planned.rule.signature),
            transaction_id: ready.map(|ready| ready.id),
            application,
            app_protocol: self.item.flow.and_then(|flow| flow.app_name),
            direction: self.item.flow.map(|flow| flow.direction),
            flow: self.item.flow.map(|flow| flow.counters),
            flowbits: self.state.bits.iter().filter_map(bit).collect(),
        }
    }
}

/// Whether a `pass` rule of this kind lets the whole flow pass, or only the packet.
fn passes_flow(kind: Kind) -> bool {
    !matches!(kind, Kind::Packet | Kind::Event | Kind::Payload { stream: false, .. })
}
