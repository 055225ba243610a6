//! Whether a rule matches: header, flow, bits, packet tests, then buffers.

use std::borrow::Cow;

use super::buffer::{self, Scratch, Step};
use super::captured::Keeper;
use super::header_bytes::HeaderBytes;
use super::item::{self, FrameView, Item, Ready, Row};
use super::lists::{ListTest, VALUES_MAX};
use super::places::LastPlaces;
use super::plan::{Plan, Planned};
use super::rule::{
    Absent, BitCommand, Buffer, BufferTest, Carrier, FlowTest, Header, IntegerCommand, PacketView,
    Rule, Which,
};
use super::state::FlowState;
use crate::field::{Readable, Side, Value};
use crate::flow::FlowView;
use crate::net::{Direction, Endpoint, ip_protocol};

/// What a rule is evaluated against.
pub struct Subject<'a> {
    /// The packet.
    pub item: &'a Item<'a>,
    /// Detection's state of its flow.
    pub flow: Option<&'a FlowState>,
    /// Source and destination as the rule sees them; `None` without addresses.
    pub ends: Option<(Endpoint, Endpoint)>,
    /// Direction within the flow as the rule sees it.
    pub way: Option<Direction>,
    /// The payload: of the packet, or a stretch of stream.
    pub payload: &'a [u8],
    /// Whether the payload is of the stream.
    pub streamed: bool,
    /// Position of the payload in the stream.
    pub base: u64,
    /// A packet of TCP by itself, without the stream or a transaction.
    pub bare: bool,
    /// The transaction, when one is looked at.
    pub ready: Option<&'a Ready<'a>>,
    /// The unit of a protocol, when one is looked at.
    pub frame: Option<FrameView<'a>>,
    /// Countries that were asked for before.
    pub places: &'a LastPlaces,
}

impl<'a> Subject<'a> {
    /// A packet as such.
    pub fn of_packet(item: &'a Item<'a>, places: &'a LastPlaces) -> Self {
        Self {
            item,
            flow: None,
            ends: item.ends,
            way: item.flow.map(|flow| flow.direction),
            payload: item.payload,
            streamed: false,
            base: 0,
            bare: item.flow.is_some_and(|flow| flow.protocol_number == ip_protocol::TCP),
            ready: None,
            frame: None,
            places,
        }
    }

    /// Looks at what a side sent, whoever sent the packet; gives the stream that it is of.
    pub fn turn(&mut self, side: Side) -> Option<(Direction, &'a item::FlowView)> {
        let way = if side == Side::Response { Direction::ToClient } else { Direction::ToServer };
        self.way = Some(way);
        self.ends = self.item.flow.map(|flow| match way {
            Direction::ToServer => (flow.client, flow.server),
            Direction::ToClient => (flow.server, flow.client),
        });
        let flow = self.item.flow.filter(|flow| flow.protocol_number == ip_protocol::TCP);
        flow.map(|flow| (way, flow))
    }

    /// Whether all that the rule asks holds.
    pub fn matches(&self, planned: &Planned, scratch: &mut Scratch) -> bool {
        let rule = &planned.rule;
        self.carrier(planned)
            && self.header(&rule.header)
            && self.flow_test(&rule.flow)
            && self.both_ends(rule)
            && self.bits(planned)
            && self.integers(planned)
            && self.texts(rule, scratch)
            && self.application(rule)
            && self.packets(rule)
            && self.packet_numbers(planned)
            && self.packet_lists(planned)
            && self.flow_numbers(planned)
            && self.events(rule)
            && self.buffers(planned, scratch)
    }

    /// Whether what the packet alone tells holds: most rules that are asked of every packet end here.
    pub fn may_match(&self, planned: &Planned) -> bool {
        let rule = &planned.rule;
        self.packets(rule)
            && self.packet_numbers(planned)
            && self.carrier(planned)
            && self.flow_test(&rule.flow)
            && self.header(&rule.header)
            && self.both_ends(rule)
    }

    /// Whether what does not change within a flow and direction holds: carrier, addresses, ports.
    pub fn concerns(&self, planned: &Planned) -> bool {
        self.header(&planned.rule.header)
    }

    fn carrier(&self, planned: &Planned) -> bool {
        let protocol = match (self.item.headers.ip, self.item.flow) {
            (Some(ip), _) => Some(ip.protocol),
            (None, Some(flow)) => Some(flow.protocol_number),
            (None, None) => None,
        };
        match planned.rule.header.carrier {
            Carrier::Any => true,
            Carrier::Ip(numbers) => protocol.is_some_and(|number| numbers.contains(&number)),
            Carrier::TcpPacket | Carrier::TcpStream => protocol == Some(ip_protocol::TCP),
            Carrier::Application(_) | Carrier::Alone(_) => {
                // By itself a TCP packet is not yet what its bytes will show once acknowledged.
                let flow = self.item.flow.filter(|flow| !(self.bare && flow.fresh));
                let of_flow = flow.and_then(|flow| flow.protocol);
                let of_frame = self.frame.map(|view| view.protocol);
                let of_ready = self.ready.map(|ready| ready.protocol);
                let known = of_frame.or(of_ready).or(of_flow);
                known.is_some_and(|protocol| planned.protocols.contains(&protocol))
            }
            Carrier::Absent => false,
        }
    }

    fn header(&self, header: &Header) -> bool {
        let Some((source, destination)) = self.ends else {
            return header.source.is_any() && header.destination.is_any();
        };
        let version = header.ip_version.is_none_or(|v| (v == 4) == source.addr.is_ipv4());
        let fits = |from: Endpoint, to: Endpoint| {
            header.destination_ports.contains(to.port)
                && header.source_ports.contains(from.port)
                && header.destination.contains(to.addr)
                && header.source.contains(from.addr)
        };
        version && (fits(source, destination) || header.both_ways && fits(destination, source))
    }

    fn both_ends(&self, rule: &Rule) -> bool {
        rule.ends.iter().all(|test| {
            let holds = |(source, destination): (Endpoint, Endpoint)| {
                test.holds(source.addr, destination.addr, self.places)
            };
            self.ends.is_some_and(holds)
        })
    }

    fn flow_test(&self, test: &FlowTest) -> bool {
        if *test == FlowTest::default() {
            return true;
        }
        let fragment = self.item.headers.ip.is_some_and(|ip| ip.fragment.is_some());
        if test.only_frag && !fragment || test.no_frag && fragment {
            return false;
        }
        if test.only_stream && !self.streamed && !self.item.streamed {
            return false;
        }
        let asks_flow =
            test.to_server || test.to_client || test.established || test.not_established;
        let Some(flow) = self.item.flow else { return !asks_flow };
        let way = self.way.unwrap_or(flow.direction);
        let wrong_way = test.to_server && way != Direction::ToServer
            || test.to_client && way != Direction::ToClient;
        let wrong_state =
            test.established && !flow.established || test.not_established && flow.established;
        !wrong_way && !wrong_state
    }

    fn bits(&self, planned: &Planned) -> bool {
        planned.bits.iter().all(|bits| {
            let set = |bit: &u32| self.flow.is_some_and(|flow| flow.is_set(*bit));
            match bits.command {
                BitCommand::IsSet => bits.bits.iter().any(set),
                BitCommand::IsNotSet => !bits.bits.iter().any(set),
                _ => true,
            }
        })
    }

    fn integers(&self, planned: &Planned) -> bool {
        planned.integers.iter().filter(|integer| !integer.command.changes()).all(|integer| {
            let Some(flow) = self.flow else { return false };
            let known = flow.integer(integer.number);
            let other = integer.operand(flow);
            match integer.command {
                IntegerCommand::IsSet => known.is_some(),
                IntegerCommand::NotSet => known.is_none(),
                // A number that is not there compares with nothing.
                command => known.is_some_and(|known| match command {
                    IntegerCommand::Equal => known == other,
                    IntegerCommand::NotEqual => known != other,
                    IntegerCommand::Less => known < other,
                    IntegerCommand::LessEqual => known <= other,
                    IntegerCommand::Greater => known > other,
                    IntegerCommand::GreaterEqual => known >= other,
                    _ => true,
                }),
            }
        })
    }

    fn texts(&self, rule: &Rule, scratch: &Scratch) -> bool {
        rule.texts.iter().all(|test| match test.keeper {
            Keeper::Flow => self.flow.is_some_and(|flow| test.holds(flow.texts())),
            _ => test.holds(&scratch.texts),
        })
    }

    fn application(&self, rule: &Rule) -> bool {
        rule.application.iter().all(|(name, negated)| {
            let known = self.item.flow.and_then(|flow| flow.app_name);
            // As long as nothing is known, the flow is neither this nor surely not this.
            match known {
                None => name == "unknown" && !negated,
                Some(known) => {
                    let same = match name.as_str() {
                        "http" => known == "http" || known == "http2",
                        "http1" => known == "http",
                        name => known == name,
                    };
                    same != *negated
                }
            }
        })
    }

    fn packets(&self, rule: &Rule) -> bool {
        let item = self.item;
        let (headers, bytes, payload) = (item.headers, item.bytes, item.payload);
        let view = PacketView { headers, bytes, payload, flow: item.flow };
        rule.packets.iter().all(|test| test.matches(&view))
    }

    fn packet_numbers(&self, planned: &Planned) -> bool {
        planned.packet_numbers.iter().all(|(row, test)| {
            let mut holds = false;
            self.item.headers.read(*row, &mut |value| {
                holds |= matches!(value, Value::Int(number) if test.matches(number));
            });
            holds
        })
    }

    fn packet_lists(&self, planned: &Planned) -> bool {
        planned
            .packet_lists
            .iter()
            .all(|(row, test)| list(test, |sink| self.item.headers.read(*row, sink)))
    }

    fn flow_numbers(&self, planned: &Planned) -> bool {
        planned.flow_numbers.iter().all(|(row, test)| {
            let mut holds = false;
            if let Some(flow) = self.item.flow {
                FlowView(flow.counters).read(*row, &mut |value| {
                    holds |= matches!(value, Value::Int(number) if test.matches(number));
                });
            }
            holds
        })
    }

    fn events(&self, rule: &Rule) -> bool {
        rule.events.iter().all(|event| {
            let is = |other: &&'static crate::field::Event| std::ptr::eq(*other, *event);
            self.item.events.iter().any(is)
                || self.item.app_events.iter().any(|(transaction, _, other)| {
                    let of = self.ready.is_none_or(|r| transaction.is_none_or(|id| id == r.id));
                    of && is(other)
                })
        })
    }

    fn buffers(&self, planned: &Planned, scratch: &mut Scratch) -> bool {
        let rule = &planned.rule;
        scratch.evaluated += 1;
        if let Some(view) = &self.frame {
            return self.units(planned, view, scratch);
        }
        let Some(ready) = self.ready.filter(|_| !planned.plans.is_empty()) else {
            return rule.buffers.iter().zip(&planned.headers).all(|(test, header)| {
                (test.buffer == Buffer::Payload || header.is_some())
                    && self.packet_buffer(test, *header, scratch)
            });
        };
        let side = self.way.map_or(Side::Request, Direction::side);
        let fits = |plan: &&Plan| plan.protocol == ready.protocol && plan.side == side;
        let Some(plan) = planned.plans.iter().find(fits) else { return false };
        let numbers = rule.numbers.iter().zip(&plan.numbers).all(|(number, row)| {
            let Some(row) = row else { return true };
            if number.which != Which::Any {
                let mut passed = Vec::new();
                ready.read(*row, &mut |value| {
                    passed.push(matches!(value, Value::Int(n) if number.matches(n)));
                });
                return number.which.holds(&passed);
            }
            let mut holds = false;
            ready.read(*row, &mut |value| {
                holds |= matches!(value, Value::Int(found) if number.matches(found));
            });
            holds
        });
        let files = rule.files.iter().all(|test| ready.files().any(|file| test.matches(file)));
        let lists = rule.lists.iter().zip(&plan.lists).all(|(test, row)| match row {
            Some(row) => list(test, |sink| ready.read(*row, sink)),
            None => true,
        });
        numbers
            && files
            && lists
            && rule.buffers.iter().zip(&plan.buffers).zip(&planned.headers).all(
                |((test, row), header)| match row {
                    Some(row) => field(test, *row, ready, scratch),
                    None => self.packet_buffer(test, *header, scratch),
                },
            )
            && is_news(rule, plan, ready, scratch)
    }

    /// All that a rule over a unit tests of it, and of the packet and the stream beside it.
    fn units(&self, planned: &Planned, view: &FrameView<'_>, scratch: &mut Scratch) -> bool {
        let rule = &planned.rule;
        let numbers = planned.packet_numbers.len() + planned.flow_numbers.len();
        numbers >= rule.numbers.len()
            && rule.buffers.iter().zip(&planned.headers).all(|(test, header)| match test.buffer {
                Buffer::Frame(protocol, name) => {
                    let same = protocol == view.protocol && name == view.frame.name;
                    // Where it ends is not known of one that is cut.
                    let placed = view.frame.complete || !test.steps.iter().any(asks_end);
                    same && placed && run(test, &view.frame.bytes, scratch)
                }
                Buffer::Payload => self.packet_buffer(test, None, scratch),
                Buffer::Field(_) => header.is_some() && self.packet_buffer(test, *header, scratch),
            })
    }

    fn packet_buffer(
        &self,
        test: &BufferTest,
        header: Option<&HeaderBytes>,
        scratch: &mut Scratch,
    ) -> bool {
        match header {
            Some(header) => match (header.read)(self.item.headers, self.item.bytes) {
                Some(bytes) => test.absent != Absent::Only && run(test, bytes, scratch),
                None => test.absent != Absent::No,
            },
            None => run(test, self.payload, scratch),
        }
    }
}

/// Whether a file that has ended has a part in the match, so that files before it do not match
/// again with it.
fn is_news(rule: &Rule, plan: &Plan, ready: &Ready<'_>, scratch: &mut Scratch) -> bool {
    if ready.earlier.iter().all(Option::is_none) {
        return true;
    }
    let alone = ready.alone();
    let own = |row: &Option<Row>| row.filter(|row| matches!(row, Row::File(_)));
    let buffers = rule.buffers.iter().zip(&plan.buffers);
    let mut buffers = buffers.filter_map(|(test, row)| Some((test, own(row)?))).peekable();
    let numbers = rule.numbers.iter().zip(&plan.numbers);
    let mut numbers = numbers.filter_map(|(number, row)| Some((number, own(row)?))).peekable();
    let mut tests = rule.files.iter().filter(|test| test.asks()).peekable();
    let asks = buffers.peek().is_some() || numbers.peek().is_some() || tests.peek().is_some();
    !asks
        || buffers.any(|(test, row)| field(test, row, &alone, scratch))
        || numbers.any(|(number, row)| {
            let mut holds = false;
            alone.read(row, &mut |value| {
                holds |= matches!(value, Value::Int(found) if number.test.matches(found));
            });
            holds
        })
        || tests.any(|test| ready.file.is_some_and(|file| test.matches(file)))
}

/// Whether all values that `read` gives pass.
fn list(test: &ListTest, read: impl FnOnce(&mut dyn FnMut(Value<'_>))) -> bool {
    let mut values = Vec::new();
    read(&mut |value| {
        if let (Value::Int(number), true) = (value, values.len() < VALUES_MAX) {
            values.push(number);
        }
    });
    test.holds(&values)
}

/// Whether any value of the field satisfies the tests.
fn field(test: &BufferTest, row: Row, ready: &Ready<'_>, scratch: &mut Scratch) -> bool {
    let (mut holds, mut there) = (false, false);
    ready.read(row, &mut |value| {
        there = true;
        if let (Value::Bytes(bytes), false) = (value, holds) {
            holds = run(test, bytes, scratch);
        }
    });
    match test.absent {
        Absent::No => holds,
        Absent::Only => !there,
        Absent::OrElse => holds || !there,
    }
}

/// Whether a test depends on where the buffer ends.
fn asks_end(step: &Step) -> bool {
    let ends = |content: &super::buffer::Content| content.literal.at_end && !content.negated;
    matches!(step, Step::Size(_)) || step.content().is_some_and(ends)
}

fn run(test: &BufferTest, bytes: &[u8], scratch: &mut Scratch) -> bool {
    buffer::matches(&test.steps, &transformed(test, bytes), scratch)
}

/// The bytes after the transforms of a test.
pub fn transformed<'a>(test: &BufferTest, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let mut current = Cow::Borrowed(bytes);
    for transform in &test.transforms {
        let mut out = Vec::new();
        if (transform.apply)(&current, &mut out) {
            current = Cow::Owned(out);
        }
    }
    current
}
