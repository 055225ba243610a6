//! Which rules a packet, a stretch of stream or a field can concern at all: rules sorted by
//! transport, direction, port and fast pattern, so that cost grows far slower than their number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::addresses::Addresses;
use super::item::Row;
use super::patterns::{Entry, Patterns};
use super::plan::{Kind, Planned};
use super::rule::{Buffer, Carrier, Header};
use crate::decode::{Headers, Transport};
use crate::field::{Event, Side, Stage};
use crate::net::{Direction, PortSet, ip_protocol};
use crate::protocols::PROTOCOLS;

/// Rules of at most so many ports are filed under each of them; of more, under any port.
pub const PORTS_MAX: usize = 64;

/// The stages of a side.
const STAGES: usize = 3;

/// The transports that rules are filed under.
const CLASSES: usize = 4;

/// The kinds of [`Medium`].
const MEDIA: usize = 3;

/// In what rules look for their literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Literals that can stand anywhere, in streams or packets: nearly all bytes of a stream are
    /// those of a packet too, and are searched once for both.
    Anywhere,
    /// Literals that can stand near the start of a stream alone.
    StreamStart,
    /// The same for packets. A rule that looks in both is filed under both.
    PacketStart,
}

/// Entries of all patterns that are there once more, joined: of each port those under any port are
/// too. About 100 bytes each.
const JOINED_ENTRIES: usize = 65_536;

/// Numbers of patterns of payload that are filed under a port, or under any.
#[derive(Clone, Copy, Default)]
struct Filed {
    own: Option<u32>,
    /// Index into [`Groups::joined`], of a port.
    set: Option<u32>,
}

/// All rules, filed.
pub struct Groups {
    patterns: Vec<Patterns>,
    /// Numbers of patterns of ports together with those under any port, where they were joined.
    joined: Vec<Option<u32>>,
    payload: [[[Ports<Filed>; 2]; CLASSES]; MEDIA],
    bare_payload: [[Ports<Vec<u32>>; 2]; CLASSES],
    packet: [[Ports<Vec<u32>>; 2]; CLASSES],
    numbers: Numbers,
    fields: Vec<[[Vec<FieldGroup>; STAGES]; 2]>,
    ungated: Vec<Ungated>,
    events: HashMap<usize, Vec<u32>>,
    frames: HashMap<Unit, Vec<u32>>,
    /// Rules of addresses alone.
    pub addresses: Addresses,
    /// Rules of the detected protocol alone.
    pub detection: Vec<u32>,
}

/// A unit on the wire: its protocol and its name.
type Unit = (usize, &'static str);

/// Fast patterns over one row of a protocol.
pub struct FieldGroup {
    /// The row.
    pub row: Row,
    /// A rule and its buffer whose transforms make the haystack; `None` without transforms.
    pub transformed: Option<(u32, usize)>,
    /// Number of its patterns, for [`Groups::patterns`].
    pub patterns: u32,
}

/// Things filed by port of the packet.
struct Ports<T> {
    any: T,
    kept: Vec<T>,
    /// By the number of the source port an index into `kept`, plus one; 0, or too short, for nothing.
    source: Vec<u32>,
    /// The same by the destination port.
    destination: Vec<u32>,
}

impl<T> Ports<T> {
    /// All that concern a packet of these ports.
    fn each(&self, ports: PortPair, mut use_it: impl FnMut(&T)) {
        let (source, destination) = self.under(ports);
        use_it(&self.any);
        [source, destination].into_iter().flatten().for_each(use_it);
    }

    /// What is filed under these ports, of the source and of the destination.
    fn under(&self, ports: PortPair) -> (Option<&T>, Option<&T>) {
        let under = |numbers: &[u32], number: u32| {
            let index = numbers.get(number as usize)?.checked_sub(1)?;
            self.kept.get(index as usize)
        };
        (under(&self.source, ports.source), under(&self.destination, ports.destination))
    }
}

/// The ports of a packet, as [`Groups::ports`] numbers them.
#[derive(Clone, Copy, Debug)]
pub struct PortPair {
    source: u32,
    destination: u32,
}

/// Ports as numbers: those under which everywhere the same is filed have the same one, so that one
/// look-up of a packet's ports is good for all that is filed.
struct Numbers {
    /// A bit for each port that has one: most ports of packets have none.
    known: Vec<u64>,
    numbers: HashMap<u16, u32, FixedState>,
}

impl Numbers {
    /// Of all lists of ports, with what each port has there.
    fn new<'a>(lists: impl Iterator<Item = &'a [(u16, u32)]>) -> Self {
        let mut filed: BTreeMap<u16, Vec<(usize, u32)>> = BTreeMap::new();
        for (list, ports) in lists.enumerate() {
            ports.iter().for_each(|(port, index)| {
                filed.entry(*port).or_default().push((list, *index));
            });
        }
        let mut known = vec![0; 1 << (16 - 6)];
        let mut alike: HashMap<Vec<(usize, u32)>, u32, FixedState> = HashMap::default();
        let mut numbers = HashMap::default();
        for (port, places) in filed {
            let next = u32::try_from(alike.len() + 1).unwrap_or(u32::MAX);
            numbers.insert(port, *alike.entry(places).or_insert(next));
            let word = known.get_mut(usize::from(port / 64));
            word.into_iter().for_each(|word| *word |= 1 << (port % 64));
        }
        Self { known, numbers }
    }

    /// 0 for a port that nothing is filed under.
    #[inline]
    fn of(&self, port: u16) -> u32 {
        let word = self.known.get(usize::from(port / 64)).copied().unwrap_or(0);
        if word >> (port % 64) & 1 == 0 {
            return 0;
        }
        self.numbers.get(&port).copied().unwrap_or(0)
    }
}

/// The class of a transport.
pub fn class(protocol: u8) -> usize {
    match protocol {
        ip_protocol::TCP => 0,
        ip_protocol::UDP => 1,
        ip_protocol::ICMP | ip_protocol::ICMPV6 => 2,
        _ => 3,
    }
}

/// The class of a packet.
pub fn packet_class(headers: &Headers) -> usize {
    match headers.transport {
        Transport::Tcp(_) => 0,
        Transport::Udp(_) => 1,
        Transport::Icmp4(_) | Transport::Icmp6(_) => 2,
        _ => headers.ip.map_or(3, |ip| class(ip.protocol)),
    }
}

impl Groups {
    /// Files rules that stand in the order of evaluation.
    pub fn new(rules: &[Planned]) -> Self {
        let mut filing = Filing::new();
        for (number, planned) in rules.iter().enumerate() {
            filing.file(u32::try_from(number).unwrap_or(u32::MAX), planned);
        }
        let header = |number: u32| {
            let planned = rules.get(number as usize);
            planned.map(|planned| (number, &planned.rule.header))
        };
        let addresses = std::mem::take(&mut filing.addresses);
        Self {
            addresses: Addresses::new(addresses.into_iter().filter_map(header)),
            ..filing.close()
        }
    }

    /// The ports of a packet as what is asked for by them takes them.
    #[inline]
    pub fn ports(&self, (source, destination): (u16, u16)) -> PortPair {
        PortPair { source: self.numbers.of(source), destination: self.numbers.of(destination) }
    }

    /// Patterns by their number.
    pub fn patterns(&self, number: u32) -> Option<&Patterns> {
        self.patterns.get(number as usize)
    }

    /// Makes all that searches need, on so many threads: else each is made when first needed.
    pub fn prepare(&self, threads: usize) {
        let share = self.patterns.len().div_ceil(threads.max(1)).max(1);
        std::thread::scope(|scope| {
            for patterns in self.patterns.chunks(share) {
                let prepare = || patterns.iter().for_each(Patterns::prepare);
                // Where there can be no further thread, this one does its share.
                if share == self.patterns.len()
                    || std::thread::Builder::new().spawn_scoped(scope, prepare).is_err()
                {
                    prepare();
                }
            }
        });
    }

    /// Numbers of patterns of payload for a transport, a direction and ports: of one most often, as
    /// bytes are searched for each. A packet that did not go through the stream is to be searched for
    /// what is filed under streams too.
    #[inline(always)]
    pub fn payload(
        &self,
        medium: Medium,
        class: usize,
        way: Direction,
        ports: PortPair,
        mut use_it: impl FnMut(u32),
    ) {
        let classes = self.payload.get(medium as usize);
        if let Some(found) = classes.and_then(|classes| classes.get(class)?.get(way.index())) {
            let (source, destination) = found.under(ports);
            // Filed under both ends alike, most often by the same rules.
            let is_same = source.zip(destination).is_some_and(|(a, b)| std::ptr::eq(a, b));
            let source = source.filter(|_| !is_same);
            let joined = |filed: &Filed| *self.joined.get(filed.set? as usize)?;
            let numbers = match destination.or(source).and_then(joined) {
                Some(joined) => {
                    let other = source.filter(|_| destination.is_some());
                    [Some(joined), other.and_then(|filed| filed.own), None]
                }
                None => {
                    let own = |filed: Option<&Filed>| filed.and_then(|filed| filed.own);
                    [found.any.own, own(source), own(destination)]
                }
            };
            numbers.into_iter().flatten().for_each(&mut use_it);
        }
    }

    /// Rules over payload that have no literal.
    #[inline(always)]
    pub fn bare_payload(
        &self,
        class: usize,
        way: Direction,
        ports: PortPair,
        mut use_it: impl FnMut(u32),
    ) {
        if let Some(found) = self.bare_payload.get(class).and_then(|ways| ways.get(way.index())) {
            found.each(ports, |rules| rules.iter().for_each(|rule| use_it(*rule)));
        }
    }

    /// Rules to be asked at every packet.
    #[inline(always)]
    pub fn packet(
        &self,
        class: usize,
        way: Direction,
        ports: PortPair,
        mut use_it: impl FnMut(u32),
    ) {
        if let Some(found) = self.packet.get(class).and_then(|ways| ways.get(way.index())) {
            found.each(ports, |rules| rules.iter().for_each(|rule| use_it(*rule)));
        }
    }

    /// Fast patterns over fields of a protocol that are to be looked for at a stage of a side.
    pub fn fields(&self, protocol: usize, side: Side, stage: Stage) -> &[FieldGroup] {
        pick(&self.fields, protocol, side, stage).map(Vec::as_slice).unwrap_or_default()
    }

    /// Rules over transactions without a literal.
    pub fn ungated(&self, protocol: usize, side: Side, stage: Stage) -> &[u32] {
        pick(&self.ungated, protocol, side, stage).map(Vec::as_slice).unwrap_or_default()
    }

    /// Rules that wait for an event.
    pub fn event(&self, event: &'static Event) -> &[u32] {
        let found = self.events.get(&address(event));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Rules over a unit of a protocol.
    pub fn frame(&self, protocol: usize, name: &'static str) -> &[u32] {
        self.frames.get(&(protocol, name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether there are any.
    pub fn wants_frames(&self) -> bool {
        !self.frames.is_empty()
    }
}

fn address(event: &'static Event) -> usize {
    std::ptr::from_ref(event) as usize
}

fn pick<T>(all: &[[[T; STAGES]; 2]], protocol: usize, side: Side, stage: Stage) -> Option<&T> {
    all.get(protocol)?.get(usize::from(side == Side::Response))?.get(stage as usize)
}

/// Ports while they are being filled.
struct Draft<T> {
    any: Vec<T>,
    source: HashMap<u16, Vec<T>, FixedState>,
    destination: HashMap<u16, Vec<T>, FixedState>,
}

impl<T> Default for Draft<T> {
    fn default() -> Self {
        Self { any: Vec::new(), source: HashMap::default(), destination: HashMap::default() }
    }
}

impl<T: Clone> Draft<T> {
    fn add(&mut self, header: &Header, entry: &T) {
        let few = |ports: &PortSet| {
            let count: usize =
                ports.ranges().iter().map(|(low, high)| usize::from(high - low) + 1).sum();
            count <= PORTS_MAX
        };
        let file = |ports: &PortSet, under: &mut HashMap<u16, Vec<T>, FixedState>| {
            for port in ports.ranges().iter().flat_map(|(low, high)| *low..=*high) {
                under.entry(port).or_default().push(entry.clone());
            }
        };
        if few(&header.destination_ports) {
            file(&header.destination_ports, &mut self.destination);
            if header.both_ways {
                // Either end of the packet may be the rule's destination.
                file(&header.destination_ports, &mut self.source);
            }
        } else if !header.both_ways && few(&header.source_ports) {
            file(&header.source_ports, &mut self.source);
        } else {
            self.any.push(entry.clone());
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Draft<T> {
    /// Ports with the same entries share what is built of them.
    fn close<B>(self, mut build: impl FnMut(&[T]) -> B) -> Shared<B> {
        let mut kept = Vec::new();
        let mut known: HashMap<Vec<T>, u32, FixedState> = HashMap::default();
        let mut share = |filed: HashMap<u16, Vec<T>, FixedState>| {
            // In the order of ports, so that each run numbers patterns alike.
            let mut filed: Vec<_> = filed.into_iter().collect();
            filed.sort_unstable_by_key(|(port, _)| *port);
            let shared = filed.into_iter().map(|(port, entries)| {
                let index = *known.entry(entries).or_insert_with_key(|entries| {
                    kept.push(build(entries));
                    u32::try_from(kept.len()).unwrap_or(u32::MAX)
                });
                (port, index)
            });
            shared.collect()
        };
        let (source, destination) = (share(self.source), share(self.destination));
        Shared { any: build(&self.any), kept, source, destination }
    }
}

/// Ports with what is filed under them, before they are numbered.
struct Shared<T> {
    any: T,
    kept: Vec<T>,
    /// Ports with their index into `kept`, plus one.
    source: Vec<(u16, u32)>,
    destination: Vec<(u16, u32)>,
}

impl<T> Shared<T> {
    fn lists(&self) -> [&[(u16, u32)]; 2] {
        [&self.source, &self.destination]
    }

    fn numbered(self, numbers: &Numbers) -> Ports<T> {
        let by_number = |ports: Vec<(u16, u32)>| {
            let mut indexes = Vec::new();
            for (port, index) in ports {
                let number = numbers.of(port) as usize;
                if indexes.len() <= number {
                    indexes.resize(number + 1, 0);
                }
                indexes.get_mut(number).into_iter().for_each(|place| *place = index);
            }
            indexes
        };
        let (source, destination) = (by_number(self.source), by_number(self.destination));
        Ports { any: self.any, kept: self.kept, source, destination }
    }
}

/// Rules over transactions by side and stage.
type Ungated = [[Vec<u32>; STAGES]; 2];

/// Patterns over one row while they are being collected, and a rule that shows the transforms.
type FieldDraft = (Option<(u32, usize)>, Vec<Entry>);

type FieldKey = (usize, usize, usize, Row, Vec<Arc<str>>);

struct Filing {
    payload: [[[Draft<Entry>; 2]; CLASSES]; MEDIA],
    bare_payload: [[Draft<u32>; 2]; CLASSES],
    packet: [[Draft<u32>; 2]; CLASSES],
    fields: HashMap<FieldKey, FieldDraft, FixedState>,
    ungated: Vec<Ungated>,
    events: HashMap<usize, Vec<u32>>,
    frames: HashMap<Unit, Vec<u32>>,
    addresses: Vec<u32>,
    detection: Vec<u32>,
}

impl Filing {
    fn new() -> Self {
        Self {
            payload: Default::default(),
            bare_payload: Default::default(),
            packet: Default::default(),
            fields: HashMap::default(),
            ungated: (0..PROTOCOLS.len()).map(|_| Default::default()).collect(),
            events: HashMap::new(),
            frames: HashMap::new(),
            addresses: Vec::new(),
            detection: Vec::new(),
        }
    }

    fn file(&mut self, number: u32, planned: &Planned) {
        // What cannot be parsed here cannot match.
        if planned.rule.header.carrier == Carrier::Absent {
            return;
        }
        match planned.kind {
            Kind::Addresses => self.addresses.push(number),
            Kind::Detection => self.detection.push(number),
            Kind::Packet => {
                each_place(planned, |class, way| {
                    let place = self.packet.get_mut(class).and_then(|ways| ways.get_mut(way));
                    place.into_iter().for_each(|draft| draft.add(&planned.rule.header, &number));
                });
            }
            Kind::Payload { .. } => self.file_payload(number, planned),
            Kind::Transaction => self.file_fields(number, planned),
            Kind::Event => {}
            Kind::Frame => {
                // All must be the same unit, or the rule cannot match: the first is enough.
                let unit = planned.rule.buffers.iter().find_map(|test| match test.buffer {
                    Buffer::Frame(protocol, name) => Some((protocol, name)),
                    _ => None,
                });
                unit.into_iter().for_each(|unit| self.frames.entry(unit).or_default().push(number));
            }
        }
        let events = planned.rule.events.iter().filter(|_| !planned.is_vain());
        for event in events {
            self.events.entry(address(event)).or_default().push(number);
        }
    }

    fn file_payload(&mut self, number: u32, planned: &Planned) {
        let header = &planned.rule.header;
        let gate = planned.gate().filter(|gate| {
            planned.rule.buffers.get(gate.buffer).is_some_and(|test| test.transforms.is_empty())
        });
        let entry = gate.map(|gate| Entry::new(&gate, number));
        each_place(planned, |class, way| match &entry {
            Some(entry) => {
                let in_stream = class == 0 && planned.wants_stream();
                let in_packets = !in_stream || planned.wants_packet(true);
                let wanted = [!entry.near(), entry.near() && in_stream, entry.near() && in_packets];
                for (medium, _) in self.payload.iter_mut().zip(wanted).filter(|(_, wanted)| *wanted)
                {
                    let place = medium.get_mut(class).and_then(|ways| ways.get_mut(way));
                    place.into_iter().for_each(|draft| draft.add(header, entry));
                }
            }
            None => {
                let place = self.bare_payload.get_mut(class).and_then(|ways| ways.get_mut(way));
                place.into_iter().for_each(|draft| draft.add(header, &number));
            }
        });
    }

    fn file_fields(&mut self, number: u32, planned: &Planned) {
        let gate = planned.gate();
        for plan in &planned.plans {
            let side = usize::from(plan.side == Side::Response);
            let stage = plan.stage as usize;
            let row = gate.as_ref().and_then(|g| plan.buffers.get(g.buffer).copied().flatten());
            let (Some(gate), Some(row)) = (&gate, row) else {
                let place = self.ungated.get_mut(plan.protocol).and_then(|p| p.get_mut(side));
                let place = place.and_then(|sides| sides.get_mut(stage));
                place.into_iter().for_each(|rules| rules.push(number));
                continue;
            };
            let transforms = planned.rule.buffers.get(gate.buffer).map(|test| &test.transforms);
            let keys: Vec<Arc<str>> =
                transforms.into_iter().flatten().map(|transform| transform.key.clone()).collect();
            let transformed = (!keys.is_empty()).then_some((number, gate.buffer));
            let key = (plan.protocol, side, stage, row, keys);
            let group = self.fields.entry(key).or_insert((transformed, Vec::new()));
            group.1.push(Entry::new(gate, number));
        }
    }

    fn close(self) -> Groups {
        let mut patterns: Vec<Patterns> = Vec::new();
        let mut add = |entries: &[Entry]| {
            if entries.is_empty() {
                return None;
            }
            patterns.push(Patterns::new(entries));
            u32::try_from(patterns.len() - 1).ok()
        };
        let mut sets: Vec<[Arc<[Entry]>; 2]> = Vec::new();
        let mut payload = |draft: Draft<Entry>| {
            let any: Arc<[Entry]> = draft.any.as_slice().into();
            let mut ports = draft.close(|entries| {
                sets.push([any.clone(), entries.into()]);
                Filed { own: add(entries), set: u32::try_from(sets.len() - 1).ok() }
            });
            ports.any.set = None;
            ports
        };
        let payload = self.payload.map(|classes| classes.map(|ways| ways.map(&mut payload)));
        let mut fields: Vec<[[Vec<FieldGroup>; STAGES]; 2]> =
            (0..PROTOCOLS.len()).map(|_| Default::default()).collect();
        let mut drafts: Vec<_> = self.fields.into_iter().collect();
        drafts.sort_by(|a, b| a.0.cmp(&b.0));
        for ((protocol, side, stage, row, _), (transformed, entries)) in drafts {
            let Some(patterns) = add(&entries) else { continue };
            let place = fields.get_mut(protocol).and_then(|p| p.get_mut(side));
            if let Some(groups) = place.and_then(|sides| sides.get_mut(stage)) {
                groups.push(FieldGroup { row, transformed, patterns });
            }
        }
        let joined = join(&sets, &mut patterns);
        let rules = |draft: Draft<u32>| draft.close(<[u32]>::to_vec);
        let bare_payload = self.bare_payload.map(|ways| ways.map(rules));
        let packet = self.packet.map(|ways| ways.map(rules));
        let of_rules = bare_payload.iter().chain(&packet).flatten().flat_map(Shared::lists);
        let lists = payload.iter().flatten().flatten().flat_map(Shared::lists).chain(of_rules);
        let numbers = Numbers::new(lists);
        let of_patterns = |shared: Shared<Filed>| shared.numbered(&numbers);
        let of_rules = |shared: Shared<Vec<u32>>| shared.numbered(&numbers);
        Groups {
            patterns,
            joined,
            payload: payload.map(|classes| classes.map(|ways| ways.map(of_patterns))),
            bare_payload: bare_payload.map(|ways| ways.map(of_rules)),
            packet: packet.map(|ways| ways.map(of_rules)),
            numbers,
            fields,
            ungated: self.ungated,
            events: self.events,
            frames: self.frames,
            addresses: Addresses::default(),
            detection: self.detection,
        }
    }
}

/// Joins patterns under any port with those of ports, so that bytes are searched once: the larger
/// sets first, which are of the ports that most is said on, as far as there is room. For each set the
/// number of what came of it.
fn join(sets: &[[Arc<[Entry]>; 2]], patterns: &mut Vec<Patterns>) -> Vec<Option<u32>> {
    let mut order: Vec<(usize, &[Arc<[Entry]>; 2])> = sets.iter().enumerate().collect();
    order.sort_by_key(|(_, [_, of_port])| std::cmp::Reverse(of_port.len()));
    let mut joined = vec![None; sets.len()];
    let mut left = JOINED_ENTRIES;
    for (set, entries @ [any, of_port]) in order {
        let size = any.len() + of_port.len();
        if any.is_empty() || of_port.is_empty() || size > left {
            continue;
        }
        left -= size;
        let both = Patterns::new(&entries.concat());
        // Together they may have too many short ones to be found by looking at some places.
        if let Some(place) = joined.get_mut(set).filter(|_| both.is_sparse()) {
            patterns.push(both);
            *place = u32::try_from(patterns.len() - 1).ok();
        }
    }
    joined
}

/// The transports and directions of a rule. Outside of flows packets count as to the server.
fn each_place(planned: &Planned, mut use_it: impl FnMut(usize, usize)) {
    let rule = &planned.rule;
    let classes = match rule.header.carrier {
        Carrier::Ip(numbers) => {
            let mut classes = [false; CLASSES];
            for number in numbers {
                classes.get_mut(class(*number)).into_iter().for_each(|c| *c = true);
            }
            classes
        }
        Carrier::TcpPacket | Carrier::TcpStream => [true, false, false, false],
        Carrier::Application(_) | Carrier::Alone(_) => [true, true, false, false],
        Carrier::Any => [true; CLASSES],
        Carrier::Absent => [false; CLASSES],
    };
    for (class, _) in classes.iter().enumerate().filter(|(_, filed)| **filed) {
        if !rule.flow.to_client {
            use_it(class, Direction::ToServer.index());
        }
        if !rule.flow.to_server {
            use_it(class, Direction::ToClient.index());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_joined_as_far_as_there_is_room() {
        let entries = |text: &str, count: u32| -> Arc<[Entry]> {
            let entry = |n| Entry::of(format!("{text}{n:03}").as_bytes(), true, n, usize::MAX);
            (0..count).map(entry).collect()
        };
        let any = entries("any", 900);
        let mut sets: Vec<_> = (0..500).map(|_| [any.clone(), entries("one", 1)]).collect();
        sets.push([any.clone(), entries("ten", 10)]);
        sets.push([Arc::default(), entries("own", 10)]);
        // Short ones that would need an automaton.
        let short: Vec<Entry> =
            (0..99).map(|n| Entry::of(&[b'!' + n as u8], false, n, usize::MAX)).collect();
        sets.push([any, short.into()]);
        let mut patterns = Vec::new();
        let joined = join(&sets, &mut patterns);
        let made = joined.iter().flatten().count();
        assert_eq!(made, patterns.len());
        assert!((60..JOINED_ENTRIES / 900).contains(&made), "{made}");
        assert!(joined.get(500).is_some_and(Option::is_some), "the larger ones come first");
        assert_eq!(joined.get(501..), Some(&[None, None][..]));
    }
}
