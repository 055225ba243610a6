//! The first step of inspection: all buffers of a batch, searched together for fast patterns.

use super::evaluate::transformed;
use super::group::{self, Medium};
use super::item::{Item, Ready};
use super::prefilter::scan::Haystack;
use super::ruleset::Ruleset;
use super::state::{FlowState, Flows};
use crate::field::{Side, Stage, Value};
use crate::net::{Direction, ip_protocol};

/// Size of the pieces into which long buffers are cut. Patterns are far shorter.
const PIECE_BYTES: usize = 2048;

/// Bytes of fields that are copied side by side before they are searched, by the end of a packet:
/// more would leave the second cache before they are.
const ARENA_BYTES: usize = 256 * 1024;

/// A rule to be evaluated at an item, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Index of the item.
    pub item: u32,
    /// The rule's number.
    pub rule: u32,
    /// Over what.
    pub cause: Cause,
}

/// What a rule is evaluated over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The packet.
    Packet,
    /// The stream, its fast pattern found up to this position.
    Stream(u64),
    /// Index into the item's transactions, and the side that is looked at.
    Ready(u32, Side),
    /// Index into the item's parser events.
    Event(u32),
    /// Index into the item's units of protocols.
    Frame(u32),
}

/// Buffers of a batch, and what was found in them. Kept from batch to batch for its memory.
#[derive(Default)]
pub struct Gather {
    tasks: Vec<Task>,
    arena: Vec<u8>,
    /// Of each item whether its payload is searched with the stream that it is part of.
    both: Vec<bool>,
    marks: Vec<u32>,
    tally: Tally,
    /// What was found, in order.
    pub found: Vec<Candidate>,
    sorted: Vec<Candidate>,
}

/// Puts things in the order of small numbers by counting them: several times faster than to compare
/// them, as there are thousands in each round.
#[derive(Default)]
struct Tally {
    starts: Vec<u32>,
    /// Indexes of the things in their new order; of equal numbers the first first.
    order: Vec<u32>,
}

impl Tally {
    fn sort(&mut self, numbers: impl Iterator<Item = u32> + Clone) {
        let most = numbers.clone().max().map_or(0, |most| most as usize);
        self.starts.clear();
        self.starts.resize(most + 2, 0);
        for number in numbers.clone() {
            self.starts.get_mut(number as usize + 1).into_iter().for_each(|count| *count += 1);
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.order.clear();
        self.order.resize(sum as usize, 0);
        for (index, number) in (0..).zip(numbers) {
            let Some(start) = self.starts.get_mut(number as usize) else { continue };
            let place = self.order.get_mut(*start as usize);
            place.into_iter().for_each(|place| *place = index);
            *start += 1;
        }
    }
}

/// Bytes to be searched for one group of patterns.
#[derive(Clone, Copy)]
struct Task {
    patterns: u32,
    item: u32,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// The packet's payload.
    Payload,
    /// A stretch of stream: from, to, and up to where it was searched before.
    Stream { from: u64, to: u64, seam: u64 },
    /// A part of the arena: start, end; of which transaction, which side.
    Arena(usize, usize, u32, Side),
}

impl Gather {
    /// Searches a batch.
    pub fn batch(&mut self, ruleset: &Ruleset, items: &[Item<'_>], flows: &mut Flows) {
        self.tasks.clear();
        self.arena.clear();
        self.found.clear();
        self.both.clear();
        self.marks.resize(ruleset.len(), u32::MAX);
        for (index, item) in items.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let mut state = item.flow.and_then(|flow| flows.get_mut(flow.slot));
            let stream = |state: &mut &mut FlowState| self.stream(ruleset, number, item, state);
            let both = state.as_mut().is_some_and(stream);
            self.both.push(both);
            self.payload(ruleset, number, item, both);
            let Some(state) = state else { continue };
            for (at, ready) in item.ready.iter().enumerate() {
                let at = u32::try_from(at).unwrap_or(u32::MAX);
                self.ready(ruleset, number, (at, ready), state);
            }
            if self.arena.len() > ARENA_BYTES {
                self.scan(ruleset, items, flows);
            }
        }
        self.scan(ruleset, items, flows);
        self.close(ruleset, items);
    }

    /// `both`: whether it is searched with its stream for literals that can stand anywhere.
    fn payload(&mut self, ruleset: &Ruleset, number: u32, item: &Item<'_>, both: bool) {
        if !has_payload(item) {
            return;
        }
        let way = item.flow.map_or(Direction::ToServer, |flow| flow.direction);
        let ports = ruleset.groups.ports(item.ports());
        let class = group::packet_class(item.headers);
        let tasks = &mut self.tasks;
        for medium in [Medium::Anywhere, Medium::StreamStart, Medium::PacketStart] {
            let wanted = match medium {
                Medium::Anywhere => !both,
                // What went through the stream is searched there.
                Medium::StreamStart => class == 0 && !item.streamed,
                Medium::PacketStart => true,
            };
            if wanted {
                ruleset.groups.payload(medium, class, way, ports, |patterns| {
                    tasks.push(Task { patterns, item: number, source: Source::Payload });
                });
            }
        }
    }

    /// Whether the packet's payload is searched with it, for literals that can stand anywhere.
    fn stream(
        &mut self,
        ruleset: &Ruleset,
        number: u32,
        item: &Item<'_>,
        state: &mut FlowState,
    ) -> bool {
        let Some(flow) = item.flow.filter(|f| f.protocol_number == ip_protocol::TCP) else {
            return false;
        };
        let way = flow.direction;
        let to = flow.stream.get(way.index()).copied().unwrap_or(0);
        let Some(window) = state.windows.get_mut(way.index()) else { return false };
        let seam = window.scanned;
        if to <= seam {
            return false;
        }
        window.scanned = to;
        // Most often the stream went on by just this payload.
        let goes_on = item.streamed && flow.goes_on && has_payload(item);
        let same = goes_on && to - seam == item.payload.len() as u64;
        let groups = &ruleset.groups;
        let ports = groups.ports(item.ports());
        let (tasks, found) = (&mut self.tasks, &mut self.found);
        for medium in [Medium::Anywhere, Medium::StreamStart] {
            let packet = same && medium == Medium::Anywhere;
            groups.payload(medium, 0, way, ports, |patterns| {
                let group = groups.patterns(patterns);
                let (overlap, reach) =
                    group.map_or((0, 0), |group| (group.overlap(), group.reach()));
                let reach = if packet { u64::MAX } else { reach as u64 };
                for (base, end) in window.stretches() {
                    let to = to.min(end).min(reach);
                    let from = seam.saturating_sub(overlap as u64).max(base);
                    if from < to {
                        let source = Source::Stream { from, to, seam };
                        tasks.push(Task { patterns, item: number, source });
                    }
                }
            });
        }
        groups.bare_payload(0, way, ports, |rule| {
            found.push(Candidate { item: number, rule, cause: Cause::Stream(to) });
        });
        same
    }

    fn ready(
        &mut self,
        ruleset: &Ruleset,
        number: u32,
        (at, ready): (u32, &Ready<'_>),
        state: &mut FlowState,
    ) {
        let sides: &[Side] = match ready.side {
            Side::Either => &[Side::Request, Side::Response],
            Side::Request => &[Side::Request],
            Side::Response => &[Side::Response],
        };
        // There may be many files, each is looked at once.
        if ready.stage == Stage::File {
            for side in sides {
                self.stage(ruleset, number, (at, ready), *side, Stage::File);
            }
            return;
        }
        for side in sides {
            let before = state.reach(ready.id, *side, ready.stage);
            for stage in [Stage::Head, Stage::Body] {
                if stage <= ready.stage && before.is_none_or(|before| stage > before) {
                    self.stage(ruleset, number, (at, ready), *side, stage);
                }
            }
        }
    }

    fn stage(
        &mut self,
        ruleset: &Ruleset,
        item: u32,
        (at, ready): (u32, &Ready<'_>),
        side: Side,
        stage: Stage,
    ) {
        let groups = &ruleset.groups;
        for rule in groups.ungated(ready.protocol, side, stage) {
            self.found.push(Candidate { item, rule: *rule, cause: Cause::Ready(at, side) });
        }
        let (tasks, arena) = (&mut self.tasks, &mut self.arena);
        for group in groups.fields(ready.protocol, side, stage) {
            let like = group.transformed.and_then(|(rule, buffer)| {
                ruleset.rule(rule).and_then(|planned| planned.rule.buffers.get(buffer))
            });
            ready.read(group.row, &mut |value| {
                let Value::Bytes(bytes) = value else { return };
                let start = arena.len();
                match like {
                    Some(test) => arena.extend_from_slice(&transformed(test, bytes)),
                    None => arena.extend_from_slice(bytes),
                }
                if arena.len() > start {
                    let source = Source::Arena(start, arena.len(), at, side);
                    tasks.push(Task { patterns: group.patterns, item, source });
                }
            });
        }
    }

    /// Searches the buffers of the same group side by side, of all there are by now.
    fn scan(&mut self, ruleset: &Ruleset, items: &[Item<'_>], flows: &Flows) {
        let Self { tasks, arena, marks, tally, found, .. } = self;
        tally.sort(tasks.iter().map(|task| task.patterns));
        let task = |index: &u32| tasks.get(*index as usize);
        let group = |index: &u32| task(index).map(|task| task.patterns);
        let mut haystacks: Vec<Haystack<'_>> = Vec::with_capacity(tasks.len());
        // Of each haystack its task, and where in the task's bytes it begins.
        let mut pieces: Vec<(u32, usize)> = Vec::with_capacity(tasks.len());
        for mine in tally.order.chunk_by(|a, b| group(a) == group(b)) {
            let number = mine.first().and_then(group).unwrap_or(u32::MAX);
            let Some(patterns) = ruleset.groups.patterns(number) else { continue };
            haystacks.clear();
            pieces.clear();
            for (index, task) in mine.iter().filter_map(|index| Some((*index, task(index)?))) {
                let all = bytes(task, items, flows, arena);
                // From the start of a buffer no more than the patterns can reach.
                let whole_stream = matches!(task.source, Source::Stream { .. });
                let reach = if whole_stream { all.len() } else { patterns.reach() };
                let near = all.get(..reach).unwrap_or(all);
                split(near, patterns.overlap(), |from, piece| {
                    haystacks.push(Haystack::new(piece));
                    pieces.push((index, from));
                });
            }
            patterns.scan(&mut haystacks, &mut |lane, rule, end| {
                let Some((task, from)) = pieces.get(lane) else { return };
                let Some(task) = tasks.get(*task as usize) else { return };
                let Some(cause) = cause(task, from + end) else { return };
                note(Candidate { item: task.item, rule, cause }, marks, found);
            });
        }
        tasks.clear();
        arena.clear();
    }

    /// What was found to each item, in the order of rules.
    fn close(&mut self, ruleset: &Ruleset, items: &[Item<'_>]) {
        let Self { both, tally, found, sorted, .. } = self;
        tell_apart(ruleset, items, both, found);
        tally.sort(found.iter().map(|candidate| candidate.item));
        sorted.clear();
        sorted.extend(tally.order.iter().filter_map(|index| found.get(*index as usize)).copied());
        std::mem::swap(found, sorted);
        let items = found.chunk_by_mut(|a, b| a.item == b.item);
        items.for_each(<[Candidate]>::sort_unstable);
    }
}

/// Whether a packet has a payload that rules may look into.
fn has_payload(item: &Item<'_>) -> bool {
    let sealed = item.flow.is_some_and(|flow| flow.sealed);
    !item.pseudo && !item.payload.is_empty() && !sealed
}

/// Leaves to each rule what it looks into. `both` are the items whose payload was searched with the
/// stream: what was found there may be in the packet too.
fn tell_apart(ruleset: &Ruleset, items: &[Item<'_>], both: &[bool], found: &mut Vec<Candidate>) {
    let mut packets = Vec::new();
    found.retain(|candidate| {
        let Some(rule) = ruleset.rule(candidate.rule) else { return false };
        let index = candidate.item as usize;
        let streamed = items.get(index).is_some_and(|item| item.streamed);
        match candidate.cause {
            Cause::Packet => rule.wants_packet(streamed),
            Cause::Stream(_) => {
                let both = both.get(index).is_some_and(|both| *both);
                let packet = (both && rule.wants_packet(streamed)).then_some(Cause::Packet);
                packets.extend(packet.map(|cause| Candidate { cause, ..*candidate }));
                rule.wants_stream()
            }
            _ => true,
        }
    });
    found.append(&mut packets);
}

/// Cuts a long buffer into pieces that the scanner can walk side by side; each begins `overlap`
/// bytes before the last ended, so that nothing is missed where they meet.
fn split<'a>(bytes: &'a [u8], overlap: usize, mut piece: impl FnMut(usize, &'a [u8])) {
    let mut from = 0;
    while bytes.len() - from > PIECE_BYTES * 2 {
        let until = from + PIECE_BYTES;
        piece(from, bytes.get(from..until).unwrap_or_default());
        from = until.saturating_sub(overlap.min(PIECE_BYTES / 2));
    }
    piece(from, bytes.get(from..).unwrap_or_default());
}

fn bytes<'a>(task: &Task, items: &[Item<'a>], flows: &'a Flows, arena: &'a [u8]) -> &'a [u8] {
    let Some(item) = items.get(task.item as usize) else { return &[] };
    match task.source {
        Source::Payload => item.payload,
        Source::Arena(start, end, ..) => arena.get(start..end).unwrap_or_default(),
        Source::Stream { from, to, .. } => {
            let window = item
                .flow
                .and_then(|flow| flows.get(flow.slot)?.windows.get(flow.direction.index()));
            window.map(|window| window.view(from, to)).unwrap_or_default()
        }
    }
}

fn cause(task: &Task, end: usize) -> Option<Cause> {
    Some(match task.source {
        Source::Payload => Cause::Packet,
        Source::Arena(_, _, at, side) => Cause::Ready(at, side),
        Source::Stream { from, seam, .. } => {
            let position = from.saturating_add(end as u64);
            return (position > seam).then_some(Cause::Stream(position));
        }
    })
}

/// Adds a hit. A literal that fills a buffer hits at every byte: the mark of each rule leads to
/// its last hit, so that one entry is enough.
fn note(hit: Candidate, marks: &mut [u32], found: &mut Vec<Candidate>) {
    let Some(mark) = marks.get_mut(hit.rule as usize) else { return };
    if let Some(last) = found.get_mut(*mark as usize)
        && last.item == hit.item
        && last.rule == hit.rule
    {
        match (&mut last.cause, hit.cause) {
            (Cause::Stream(position), Cause::Stream(later)) => {
                *position = later.max(*position);
                return;
            }
            (known, other) if *known == other => return,
            _ => {}
        }
    }
    *mark = u32::try_from(found.len()).unwrap_or(u32::MAX);
    found.push(hit);
}
