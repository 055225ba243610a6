//! A rule made ready for inspection: names resolved, the moment of evaluation decided.

use std::collections::HashMap;

use super::buffer::{Literal, Number, Step};
use super::captured::Keeper;
use super::catalog::Catalog;
use super::header_bytes::{HeaderBytes, header_bytes};
use super::integer::IntegerTest;
use super::item::Row;
use super::lists::ListTest;
use super::patterns::NEAR_BYTES;
use super::prefilter::rarity::score;
use super::rule::{
    Absent, BitCommand, Buffer, Carrier, HostTrack, IntegerCommand, IntegerOperand, Rule,
};
use super::state::FlowState;
use crate::field::{Event, Side, Stage};
use crate::net::ip_protocol;
use crate::protocols::PROTOCOLS;

/// When a rule is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Addresses alone: once per flow and direction.
    Addresses,
    /// The detected protocol alone: once per flow and direction.
    Detection,
    /// Every packet.
    Packet,
    /// Payload: of packets, of the stream, or both.
    Payload {
        /// Packets whose payload did not go through the stream, or all with `always`.
        packet: bool,
        /// Packets too whose payload did.
        always: bool,
        /// The stream.
        stream: bool,
    },
    /// When a transaction's fields are final.
    Transaction,
    /// When an event of a packet, a stream or a parser comes.
    Event,
    /// When a unit of a protocol has come.
    Frame,
}

/// How a rule is read from the transactions of one protocol, one side.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Index into the list of protocols.
    pub protocol: usize,
    /// The side whose stage makes it evaluate.
    pub side: Side,
    /// The stage of that side.
    pub stage: Stage,
    /// Whether fields of the request are asked with the response.
    pub mixed: bool,
    /// For each buffer of the rule its row, or `None` for payload and packet buffers.
    pub buffers: Vec<Option<Row>>,
    /// For each number of the rule its row, or `None` for numbers of packets.
    pub numbers: Vec<Option<Row>>,
    /// The same for each list.
    pub lists: Vec<Option<Row>>,
}

/// The literal that must be there before a rule is looked at.
pub struct Gate<'a> {
    /// Index into the rule's buffers.
    pub buffer: usize,
    /// The literal.
    pub literal: &'a Literal,
    /// It cannot stand behind so many bytes from the start of the buffer; `None` if it can stand
    /// anywhere.
    pub reach: Option<usize>,
}

impl<'a> Gate<'a> {
    fn of(buffer: usize, step: &'a Step) -> Option<Self> {
        let literal = step.literal()?;
        let content = step.content()?;
        let fixed = |number: Option<Number>, otherwise| match number {
            None => otherwise,
            Some(Number::Fixed(number)) => usize::try_from(number).ok(),
            Some(Number::Variable(_)) => None,
        };
        let placed = || fixed(content.offset, Some(0))?.checked_add(fixed(content.depth, None)?);
        let reach = if literal.at_start { Some(literal.bytes.len()) } else { placed() };
        Some(Self { buffer, literal, reach })
    }
}

/// A bit option with its names as numbers.
#[derive(Clone, Debug)]
pub struct Bits {
    /// What to do.
    pub command: BitCommand,
    /// Which bits.
    pub bits: Vec<u32>,
}

/// A number of the flow with its names as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Integer {
    /// Which number.
    pub number: u32,
    /// What to do.
    pub command: IntegerCommand,
    /// What with: a value, or another number of the flow.
    operand: Result<u32, u32>,
}

impl Integer {
    /// What it is set to or compared with.
    pub fn operand(&self, flow: &FlowState) -> u32 {
        self.operand.unwrap_or_else(|other| flow.integer(other).unwrap_or(0))
    }
}

/// What rules call things that flows keep, and their numbers.
#[derive(Default)]
pub struct Names {
    /// Bits.
    pub bits: HashMap<String, u32>,
    /// Numbers.
    pub integers: HashMap<String, u32>,
}

/// A rule with everything resolved.
pub struct Planned {
    /// The rule.
    pub rule: Rule,
    /// When it is evaluated.
    pub kind: Kind,
    /// Protocols it is limited to; empty for none.
    pub protocols: Vec<usize>,
    /// Ways to read it from transactions.
    pub plans: Vec<Plan>,
    /// Lists of packet headers: row and test.
    pub packet_lists: Vec<(usize, ListTest)>,
    /// Numbers of packet headers: row and test.
    pub packet_numbers: Vec<(usize, IntegerTest)>,
    /// Numbers of the flow: row and test.
    pub flow_numbers: Vec<(usize, IntegerTest)>,
    /// For each buffer the packet header that it is, if one.
    pub headers: Vec<Option<&'static HeaderBytes>>,
    /// Flow bits, in order.
    pub bits: Vec<Bits>,
    /// Numbers of the flow, in order.
    pub integers: Vec<Integer>,
    /// Whether a content has its place counted from the start of the payload.
    pub placed: bool,
}

impl Planned {
    /// Whether it waits for transactions that there cannot be: of no protocol that the rule is for,
    /// in no direction that it asks for, are there all the fields that it tests.
    pub fn is_vain(&self) -> bool {
        self.kind == Kind::Transaction && self.plans.is_empty() && !self.rule.never
    }

    /// Resolves a rule. `names` gives what flows keep its numbers.
    pub fn new(rule: Rule, catalog: &Catalog, names: &mut Names) -> Self {
        let protocols = carrier_protocols(rule.header.carrier);
        let plans = plans(&rule, &protocols, catalog);
        let packet_numbers = rule
            .numbers
            .iter()
            .filter_map(|number| Some((catalog.packet(number.field)?, number.test)))
            .collect();
        let packet_lists = rule
            .lists
            .iter()
            .filter_map(|list| Some((catalog.packet(list.field)?, *list)))
            .collect();
        let flow_numbers = rule
            .numbers
            .iter()
            .filter_map(|number| Some((catalog.flow(number.field)?, number.test)))
            .collect();
        let bits = rule
            .flowbits
            .iter()
            .map(|bit| Bits {
                command: bit.command,
                bits: bit.names.iter().map(|name| intern(name, &mut names.bits)).collect(),
            })
            .collect();
        let integers = rule
            .flowints
            .iter()
            .map(|integer| Integer {
                number: intern(&integer.name, &mut names.integers),
                command: integer.command,
                operand: match &integer.operand {
                    IntegerOperand::Fixed(value) => Ok(*value),
                    IntegerOperand::Named(name) => Err(intern(name, &mut names.integers)),
                },
            })
            .collect();
        let kind = kind(&rule, &plans, catalog, &protocols);
        let headers = rule
            .buffers
            .iter()
            .map(|test| match test.buffer {
                Buffer::Field(name) => header_bytes(name),
                Buffer::Payload | Buffer::Frame(..) => None,
            })
            .collect();
        let placed = is_placed(&rule);
        Self {
            rule,
            kind,
            protocols,
            plans,
            packet_lists,
            packet_numbers,
            flow_numbers,
            headers,
            bits,
            integers,
            placed,
        }
    }

    /// The literal to look for first, when there is one: the one that `fast_pattern` names, or the
    /// rarest; of application buffers rather than of the payload.
    pub fn gate(&self) -> Option<Gate<'_>> {
        let mut gate = self.literal()?;
        // A payload cannot hold it behind the size that it may have at most.
        let longest = self.rule.packets.iter().filter_map(|test| test.longest()).min();
        if self.is_payload(gate.buffer)
            && let Some(longest) = longest
        {
            gate.reach = Some(gate.reach.map_or(longest, |reach| reach.min(longest)));
        }
        Some(gate)
    }

    fn is_payload(&self, buffer: usize) -> bool {
        self.rule.buffers.get(buffer).is_some_and(|test| test.buffer == Buffer::Payload)
    }

    fn literal(&self) -> Option<Gate<'_>> {
        let rule = &self.rule;
        if let Some((buffer, step)) = rule.fast_pattern {
            let found = rule.buffers.get(buffer).and_then(|test| test.steps.get(step));
            let gate = found.and_then(|step| Gate::of(buffer, step));
            if let Some(gate) = gate.filter(|_| self.is_gated(buffer)) {
                return Some(gate);
            }
        }
        let literals = rule.buffers.iter().enumerate().flat_map(|(buffer, test)| {
            test.steps.iter().filter_map(move |step| Gate::of(buffer, step))
        });
        literals.filter(|gate| self.is_gated(gate.buffer)).max_by_key(|gate| {
            let rarity = score(&gate.literal.bytes, gate.literal.nocase);
            let near = gate.reach.is_some_and(|reach| reach <= NEAR_BYTES);
            (!self.is_payload(gate.buffer), rarity, near)
        })
    }

    /// Whether the prefilter looks at the buffer, and a rule without it there cannot match.
    fn is_gated(&self, buffer: usize) -> bool {
        let may_miss = |test: &super::rule::BufferTest| test.absent != Absent::No;
        !self.headers.get(buffer).is_some_and(Option::is_some)
            && !self.rule.buffers.get(buffer).is_some_and(may_miss)
    }

    /// Whether it looks at the payload of a packet as such.
    pub fn wants_packet(&self, streamed: bool) -> bool {
        match self.kind {
            Kind::Payload { packet, always, .. } => always || (packet && !streamed),
            _ => true,
        }
    }

    /// Whether it looks at the stream.
    pub fn wants_stream(&self) -> bool {
        matches!(self.kind, Kind::Payload { stream: true, .. })
    }

    /// Whether it tests flow bits.
    pub fn tests_bits(&self) -> bool {
        let tests = |bits: &Bits| matches!(bits.command, BitCommand::IsSet | BitCommand::IsNotSet);
        self.bits.iter().any(tests)
            || self.integers.iter().any(|test| !test.command.changes())
            || !self.rule.texts.is_empty()
    }

    /// Whether it asks for texts of the packet, and looks at no payload that might hold them.
    pub fn awaits_texts(&self) -> bool {
        let asks = self.rule.texts.iter().any(|test| test.keeper == Keeper::Packet);
        asks && !matches!(self.kind, Kind::Payload { .. })
    }

    /// Whether evaluation order puts it before rules that test bits.
    pub fn bit_rank(&self) -> u8 {
        let tests = |bits: &Bits| matches!(bits.command, BitCommand::IsSet | BitCommand::IsNotSet);
        rank(self.bits.iter().map(tests))
    }

    /// The same for marks on hosts, and on pairs.
    pub fn host_rank(&self) -> (u8, u8) {
        let of = |pair: bool| {
            let bits = self.rule.host_bits.iter();
            let bits = bits.filter(move |bit| (bit.track == HostTrack::Pair) == pair);
            rank(bits.map(|bit| matches!(bit.command, BitCommand::IsSet | BitCommand::IsNotSet)))
        };
        (of(false), of(true))
    }

    /// The same for texts that are kept with the flow, and with the packet.
    pub fn text_rank(&self) -> (u8, u8) {
        let of = |keeper: Keeper, captures: bool| {
            let asks = self.rule.texts.iter().filter(move |test| test.keeper == keeper);
            rank(captures.then_some(false).into_iter().chain(asks.map(|_| true)))
        };
        let [flow, packet] = self.rule.captures;
        (of(Keeper::Flow, flow), of(Keeper::Packet, packet))
    }

    /// The same for numbers of the flow.
    pub fn integer_rank(&self) -> u8 {
        rank(self.integers.iter().map(|integer| !integer.command.changes()))
    }
}

/// Rules that change something stand before those that do both, those that ask, and the rest.
pub(super) fn rank(asks: impl Iterator<Item = bool> + Clone) -> u8 {
    match (asks.clone().any(|asks| !asks), asks.clone().any(|asks| asks)) {
        (true, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

fn intern(name: &str, numbers: &mut HashMap<String, u32>) -> u32 {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *numbers.entry(name.to_owned()).or_insert(next)
}

/// Protocol words that stand for more than the protocol of their name: `http` is both versions,
/// `dcerpc` is that within SMB too.
const WIDER: &[(&str, &str)] = &[("http", "http2"), ("dcerpc", "smb")];

/// The protocols that a header's protocol word stands for.
fn carrier_protocols(carrier: Carrier) -> Vec<usize> {
    let index = match carrier {
        Carrier::Application(index) => index,
        Carrier::Alone(index) => return vec![index],
        _ => return Vec::new(),
    };
    let name = PROTOCOLS.get(index).map_or("", |protocol| protocol.name);
    let wider = WIDER.iter().filter(|(word, _)| *word == name);
    let others = wider.filter_map(|(_, other)| PROTOCOLS.iter().position(|p| p.name == *other));
    std::iter::once(index).chain(others).collect()
}

/// Whether a field is read from transactions, not from packets.
fn of_transaction(name: &str, catalog: &Catalog) -> bool {
    catalog.packet(name).is_none() && catalog.flow(name).is_none() && header_bytes(name).is_none()
}

fn is_app_event(event: &'static Event) -> bool {
    PROTOCOLS.iter().any(|protocol| protocol.events.iter().any(|known| std::ptr::eq(*known, event)))
}

fn kind(rule: &Rule, plans: &[Plan], catalog: &Catalog, protocols: &[usize]) -> Kind {
    if rule.buffers.iter().any(|test| matches!(test.buffer, Buffer::Frame(..))) {
        return Kind::Frame;
    }
    let field = |name: &str| of_transaction(name, catalog);
    let of_transactions = rule.numbers.iter().any(|number| field(number.field))
        || rule.lists.iter().any(|list| field(list.field))
        || rule
            .buffers
            .iter()
            .any(|test| matches!(test.buffer, Buffer::Field(name) if field(name)));
    if !plans.is_empty() || of_transactions || rule.hook.is_some() || !rule.files.is_empty() {
        return Kind::Transaction;
    }
    if !rule.events.is_empty() {
        return Kind::Event;
    }
    if rule.buffers.iter().any(|test| test.buffer == Buffer::Payload) {
        return payload_kind(rule, catalog);
    }
    let header = &rule.header;
    let no_number = rule.numbers.is_empty() && rule.lists.is_empty();
    let seldom = !rule.ends.iter().any(|test| test.every_packet());
    let bare = rule.packets.is_empty() && no_number && rule.buffers.is_empty() && seldom;
    let tests_bits =
        rule.flowbits.iter().any(|b| matches!(b.command, BitCommand::IsSet | BitCommand::IsNotSet))
            || rule.flowints.iter().any(|integer| !integer.command.changes())
            || !rule.texts.is_empty();
    let flow = &rule.flow;
    let stateless = !flow.established && !flow.not_established;
    if bare && stateless && !tests_bits && !rule.application.is_empty() {
        return Kind::Detection;
    }
    let any_ports = header.source_ports.is_any() && header.destination_ports.is_any();
    let unflowed = *flow == super::rule::FlowTest::default();
    let addressed = !header.source.is_any() || !header.destination.is_any() || protocols.is_empty();
    let plain = matches!(header.carrier, Carrier::Any | Carrier::Ip(_));
    if bare && unflowed && any_ports && !tests_bits && plain && addressed {
        return Kind::Addresses;
    }
    Kind::Packet
}

fn is_placed(rule: &Rule) -> bool {
    let payload = rule.buffers.iter().filter(|test| test.buffer == Buffer::Payload);
    payload.flat_map(|test| &test.steps).filter_map(|step| step.content()).any(|content| {
        content.offset.is_some() || content.depth.is_some() || content.literal.at_start
    })
}

fn payload_kind(rule: &Rule, catalog: &Catalog) -> Kind {
    let tcp = match rule.header.carrier {
        Carrier::Ip(numbers) => numbers.contains(&ip_protocol::TCP),
        Carrier::TcpPacket => false,
        _ => true,
    };
    let of_packets = rule.numbers.iter().any(|number| catalog.packet(number.field).is_some())
        || rule.lists.iter().any(|list| catalog.packet(list.field).is_some());
    let only_packets =
        rule.packet_only || !rule.packets.is_empty() || !tcp || rule.flow.no_stream || of_packets;
    let only_stream = rule.header.carrier == Carrier::TcpStream || rule.flow.only_stream;
    let placed = is_placed(rule);
    Kind::Payload {
        packet: !only_stream,
        always: only_packets || (placed && !only_stream),
        stream: !only_packets,
    }
}

/// All ways in which the rule can be read from transactions.
fn plans(rule: &Rule, protocols: &[usize], catalog: &Catalog) -> Vec<Plan> {
    let names = || {
        let buffers = rule.buffers.iter().filter_map(|test| match test.buffer {
            Buffer::Field(name) => Some(name),
            Buffer::Payload | Buffer::Frame(..) => None,
        });
        let numbers = rule.numbers.iter().map(|number| number.field);
        let lists = rule.lists.iter().map(|list| list.field);
        buffers.chain(numbers).chain(lists).filter(|name| of_transaction(name, catalog))
    };
    let mut found = Vec::new();
    if let Some(hook) = rule.hook {
        let barred = rule.flow.to_client && hook.side == Side::Request
            || rule.flow.to_server && hook.side == Side::Response;
        for protocol in protocols.iter().filter(|_| !barred) {
            found.extend(plan(rule, *protocol, hook.side, catalog));
        }
        return found;
    }
    let candidates = match names().next() {
        Some(first) => catalog.protocols(first),
        None if !rule.files.is_empty() => catalog.file_protocols(),
        None => return Vec::new(),
    };
    if rule.events.iter().any(|event| !is_app_event(event)) {
        return found;
    }
    for protocol in candidates {
        if !protocols.is_empty() && !protocols.contains(&protocol) {
            continue;
        }
        for side in [Side::Request, Side::Response] {
            let barred = match side {
                Side::Request => rule.flow.to_client,
                _ => rule.flow.to_server,
            };
            // A response is asked about its request only where the request alone cannot answer.
            let answered = |plan: &&Plan| plan.protocol == protocol && plan.side != side;
            let whole = !rule.header.transaction || side == Side::Response;
            if !barred
                && whole
                && let Some(plan) = plan(rule, protocol, side, catalog)
            {
                let mixed = plan.mixed && !rule.header.transaction;
                if !mixed || !found.iter().any(|plan| answered(&plan)) {
                    found.push(plan);
                }
            }
        }
    }
    found
}

fn plan(rule: &Rule, protocol: usize, side: Side, catalog: &Catalog) -> Option<Plan> {
    if !rule.files.is_empty() && !catalog.file_protocols().contains(&protocol) {
        return None;
    }
    let mut stage = rule
        .hook
        .map_or(Stage::Head, |hook| hook.stage.min(catalog.last_stage(protocol, hook.side)));
    if !rule.files.is_empty() {
        stage = Stage::File;
    }
    // What belongs to the other side is final by then only if that is the request.
    let (mut own, mut other) = (false, false);
    let mut place = |name: &'static str| -> Option<Option<Row>> {
        if !of_transaction(name, catalog) {
            return Some(None);
        }
        let (row, of, at) = catalog.pick(name, protocol, side)?;
        if of == side || of == Side::Either {
            own = true;
            stage = stage.max(at);
        } else {
            other = true;
        }
        Some(Some(row))
    };
    let mut buffers = Vec::with_capacity(rule.buffers.len());
    for test in &rule.buffers {
        buffers.push(match test.buffer {
            Buffer::Field(name) => place(name)?,
            Buffer::Payload | Buffer::Frame(..) => None,
        });
    }
    let mut numbers = Vec::with_capacity(rule.numbers.len());
    for number in &rule.numbers {
        numbers.push(place(number.field)?);
    }
    let mut lists = Vec::with_capacity(rule.lists.len());
    for list in &rule.lists {
        lists.push(place(list.field)?);
    }
    let mixed = own && other && side == Side::Response;
    // A test of files alone follows the side that the rest of the rule is about.
    let own = own || !rule.files.is_empty();
    let transaction = rule.header.transaction && side == Side::Response;
    ((own && !other) || mixed || transaction || rule.hook.is_some()).then_some(Plan {
        protocol,
        side,
        stage,
        buffers,
        numbers,
        lists,
        mixed,
    })
}
