//! A rule, as operators build it and as evaluation reads it.

use std::sync::Arc;

use super::buffer::Step;
use super::captured::TextTest;
use super::ends::EndsTest;
use super::files::{FileTest, Store};
use super::integer::IntegerTest;
use super::item::FlowView;
use super::lists::ListTest;
use crate::decode::Headers;
use crate::field::{Event, Side, Stage};
use crate::net::{AddressSet, PortSet};
use crate::record::Signature;
pub use crate::record::{BitCommand, HostBit, HostTrack};

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File, as it was named.
    pub file: Arc<str>,
    /// Line of its first character, from 1.
    pub line: u32,
}

/// What a rule wants done. A passive sensor cannot drop or reject: both alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum Action {
    Pass,
    Drop,
    Reject,
    Alert,
    /// Makes no alert; what its `config` asks is done.
    Config,
}

/// The protocol word of a rule's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `ip`: any packet with an IP header. `pkthdr`: any packet at all.
    Any,
    /// `tcp`, `udp`, `icmp` (both versions), `sctp`, ...: IP protocol numbers.
    Ip(&'static [u8]),
    /// `tcp-pkt`: packets alone, never the stream.
    TcpPacket,
    /// `tcp-stream`: the stream alone, never packets.
    TcpStream,
    /// An application protocol: index into [`crate::protocols::PROTOCOLS`].
    Application(usize),
    /// The same, but not what counts as the same elsewhere: `http1` is not HTTP/2.
    Alone(usize),
    /// Known to the language, not parsed here yet: the rule loads and cannot match.
    Absent,
}

/// Who talks to whom over what.
#[derive(Clone, Debug)]
pub struct Header {
    /// Protocol.
    pub carrier: Carrier,
    /// Only IPv4 (4) or IPv6 (6); `None` for both.
    pub ip_version: Option<u8>,
    /// Source addresses.
    pub source: Arc<AddressSet>,
    /// Source ports.
    pub source_ports: Arc<PortSet>,
    /// Destination addresses.
    pub destination: Arc<AddressSet>,
    /// Destination ports.
    pub destination_ports: Arc<PortSet>,
    /// `<>`: either way round. `=>`: source is who asks, whoever sent the packet.
    pub both_ways: bool,
    /// `=>`: looked at once the response is there, with fields of both halves.
    pub transaction: bool,
}

/// `flow:` as flags; all false tests nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowTest {
    /// `to_server`, `from_client`.
    pub to_server: bool,
    /// `to_client`, `from_server`.
    pub to_client: bool,
    /// `established`.
    pub established: bool,
    /// `not_established`.
    pub not_established: bool,
    /// `stateless`.
    pub stateless: bool,
    /// `only_stream`.
    pub only_stream: bool,
    /// `no_stream`.
    pub no_stream: bool,
    /// `only_frag`.
    pub only_frag: bool,
    /// `no_frag`.
    pub no_frag: bool,
}

/// One `flowbits` option: with several names (`a|b`) any one is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowBit {
    /// What to do.
    pub command: BitCommand,
    /// Names.
    pub names: Vec<String>,
}

/// One `flowint` option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowInteger {
    /// Name of the number.
    pub name: String,
    /// What to do with it.
    pub command: IntegerCommand,
    /// What it is set to, changed by or compared with.
    pub operand: IntegerOperand,
}

/// What `flowint` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the language's")]
pub enum IntegerCommand {
    Set,
    Add,
    Subtract,
    IsSet,
    NotSet,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl IntegerCommand {
    /// Whether it changes the number rather than asking about it.
    pub const fn changes(self) -> bool {
        matches!(self, Self::Set | Self::Add | Self::Subtract)
    }
}

/// What a number of a flow is set to or compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntegerOperand {
    /// A number.
    Fixed(u32),
    /// Another number of the flow; 0 when it is not set.
    Named(String),
}

/// The moment of a transaction that a rule is tied to: `http1:response_body`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Whose half of the transaction.
    pub side: Side,
    /// The stage that is nearest to the moment.
    pub stage: Stage,
}

/// Whether a buffer need not be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    /// It must be there.
    #[default]
    No,
    /// `absent`: it must not be there.
    Only,
    /// `absent: or_else`: it is not there, or its tests hold.
    OrElse,
}

/// What a buffer test reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buffer {
    /// The payload: stream or packet (contents without a sticky buffer; `pkt_data`).
    Payload,
    /// A bytes field by its row's name, in whichever protocols have a row of that name.
    Field(&'static str),
    /// A unit on the wire: index into [`crate::protocols::PROTOCOLS`], and its name there.
    Frame(usize, &'static str),
}

/// What a transform does: see [`Transform::apply`].
pub type Apply = dyn Fn(&[u8], &mut Vec<u8>) -> bool + Send + Sync;

/// Turns a buffer into another before it is tested: `dotprefix`, `xor:0d0ac8ff`.
#[derive(Clone)]
pub struct Transform {
    /// Keyword and argument: transforms of equal keys do the same, so that equal chains can share
    /// their result and a prefilter.
    pub key: Arc<str>,
    /// Appends what becomes of the first to the second, which is empty. False leaves the buffer
    /// as it is.
    pub apply: Arc<Apply>,
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// Tests on one buffer, in the order written.
pub struct BufferTest {
    /// What is read.
    pub buffer: Buffer,
    /// Applied first, in order.
    pub transforms: Vec<Transform>,
    /// The tests.
    pub steps: Vec<Step>,
    /// Whether it may or must be missing.
    pub absent: Absent,
}

/// A test on a number field by its row's name: `ttl:<10`, `modbus.function:5`.
#[derive(Clone, Debug)]
pub struct NumberTest {
    /// The row's name.
    pub field: &'static str,
    /// The test.
    pub test: IntegerTest,
    /// Further tests, where a keyword takes a list: any one of them is enough too. Only of
    /// transactions.
    pub others: Vec<IntegerTest>,
    /// Which of the field's values must pass it.
    pub which: Which,
}

impl NumberTest {
    /// A test that any value may pass.
    pub const fn new(field: &'static str, test: IntegerTest) -> Self {
        Self { field, test, others: Vec::new(), which: Which::Any }
    }

    /// Whether `value` passes one of the tests.
    pub fn matches(&self, value: u64) -> bool {
        self.test.matches(value) || self.others.iter().any(|test| test.matches(value))
    }
}

/// Which of several values must pass a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// At least one.
    #[default]
    Any,
    /// Every one, of at least one.
    All,
    /// The one at this place, from 0; counted from the end when negative, the last one is -1.
    At(i32),
}

impl Which {
    /// Whether values that passed (`true`) or not, in order, are enough.
    pub fn holds(self, passed: &[bool]) -> bool {
        match self {
            Self::Any => passed.contains(&true),
            Self::All => !passed.is_empty() && !passed.contains(&false),
            Self::At(place) => {
                let from_end = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
                let at = match place {
                    0.. => Some(from_end),
                    _ => passed.len().checked_sub(from_end),
                };
                at.and_then(|at| passed.get(at)) == Some(&true)
            }
        }
    }
}

/// A packet as tests of it see it.
#[derive(Clone, Copy)]
pub struct PacketView<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// The bytes that the headers point into.
    pub bytes: &'a [u8],
    /// Its own payload.
    pub payload: &'a [u8],
    /// Its flow, when it has one.
    pub flow: Option<&'a FlowView>,
}

/// A test of a packet's headers, or of its flow as the packet shows it.
pub trait PacketTest: Send + Sync {
    /// Whether the packet passes.
    fn matches(&self, packet: &PacketView<'_>) -> bool;

    /// The longest payload that can pass, bytes; `None` when it does not depend on it.
    fn longest(&self) -> Option<usize> {
        None
    }
}

/// A compiled rule.
pub struct Rule {
    /// What its alerts say of it.
    pub signature: Arc<Signature>,
    /// Where it stands.
    pub origin: Origin,
    /// What it wants done.
    pub action: Action,
    /// Who talks to whom.
    pub header: Header,
    /// `flow:`.
    pub flow: FlowTest,
    /// Buffers, in order of first mention; one sticky buffer named twice in a row of others is
    /// two entries.
    pub buffers: Vec<BufferTest>,
    /// Numbers of packets and transactions.
    pub numbers: Vec<NumberTest>,
    /// Tests of files; with any, the rule is asked of each file.
    pub files: Vec<Box<dyn FileTest>>,
    /// `filestore`.
    pub store: Option<Store>,
    /// All values of numbers of packets and transactions.
    pub lists: Vec<ListTest>,
    /// Packet tests.
    pub packets: Vec<Box<dyn PacketTest>>,
    /// Tests of both addresses (`iprep`, `geoip`).
    pub ends: Vec<Box<dyn EndsTest>>,
    /// Bits, in order.
    pub flowbits: Vec<FlowBit>,
    /// Numbers of the flow, in order.
    pub flowints: Vec<FlowInteger>,
    /// Texts of the flow and the packet that it asks (`flowvar`, `pktvar`).
    pub texts: Vec<TextTest>,
    /// Whether expressions of it capture texts that are kept with the flow, and with the packet.
    pub captures: [bool; 2],
    /// The moment of a transaction that it is tied to.
    pub hook: Option<Hook>,
    /// `app-layer-event`, `decode-event`, `stream-event`: all must be there.
    pub events: Vec<&'static Event>,
    /// `app-layer-protocol`: name, negated.
    pub application: Vec<(String, bool)>,
    /// The side its application buffers are of, when they show one.
    pub side: Side,
    /// The content chosen by `fast_pattern`: index into `buffers` and into its steps.
    pub fast_pattern: Option<(usize, usize)>,
    /// `dsize` or header options are there: the payload test is of packets alone.
    pub packet_only: bool,
    /// `noalert`.
    pub silent: bool,
    /// `alert`: it makes an alert even if it is a `pass` rule.
    pub outspoken: bool,
    /// `config` asks that the transaction is not logged.
    pub mutes: bool,
    /// How many `byte_extract` variables it has.
    pub variables: usize,
    /// `xbits` and `hostbits`, in order: the merge decides about them.
    pub host_bits: Vec<HostBit>,
    /// It asks for something that is part of the language and never happens here, such as an
    /// event of a protocol that is not parsed: it cannot match.
    pub never: bool,
    /// `priority` was given: it outranks that of the classification.
    pub explicit_priority: bool,
}

impl Rule {
    /// Whether it asks for nothing but protocol, addresses and ports.
    pub fn is_header_only(&self) -> bool {
        self.flow == FlowTest::default()
            && self.buffers.is_empty()
            && self.numbers.is_empty()
            && self.packets.is_empty()
            && self.ends.is_empty()
            && self.flowbits.is_empty()
            && self.flowints.is_empty()
            && self.texts.is_empty()
            && self.host_bits.is_empty()
            && self.hook.is_none()
            && self.events.is_empty()
            && self.application.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_values_are_counted_from_either_end() {
        let values = [true, false, true];
        for (which, holds) in [
            (Which::Any, true),
            (Which::All, false),
            (Which::At(0), true),
            (Which::At(1), false),
            (Which::At(-1), true),
            (Which::At(-2), false),
            (Which::At(3), false),
            (Which::At(-4), false),
            (Which::At(i32::MIN), false),
        ] {
            assert_eq!(which.holds(&values), holds, "{which:?}");
        }
        assert!(!Which::All.holds(&[]), "nothing is not all of something");
    }
}
