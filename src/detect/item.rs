//! What the engine shows to inspection: packets, and what they brought forth.

use crate::decode::Headers;
use crate::field::{Describe, Event, Readable, Side, Stage, Value};
use crate::file::File;
use crate::net::{Direction, Endpoint};
use crate::protocols::frame::Frame;
use crate::record::FlowCounters;

/// A packet, or the end of a flow, as inspection sees it.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    /// Its headers; all zero for a pseudo item.
    pub headers: &'a Headers,
    /// The bytes that the headers point into.
    pub bytes: &'a [u8],
    /// The application payload of this packet alone.
    pub payload: &'a [u8],
    /// Its flow, when it has one.
    pub flow: Option<&'a FlowView>,
    /// Source and destination, of the packet or else of its flow.
    pub ends: Option<(Endpoint, Endpoint)>,
    /// Whether the payload went through reassembly.
    pub streamed: bool,
    /// Transactions whose stages this packet completed.
    pub ready: &'a [Ready<'a>],
    /// Decode and stream events of this packet.
    pub events: &'a [&'static Event],
    /// Events of parsers: the transaction, when of one, and the side that sent it.
    pub app_events: &'a [(Option<u64>, Side, &'static Event)],
    /// Units of the protocol that came whole with this packet.
    pub frames: &'a [FrameView<'a>],
    /// An end of a flow, without packet.
    pub pseudo: bool,
}

/// A unit of a protocol, as it stood on the wire.
#[derive(Clone, Copy)]
pub struct FrameView<'a> {
    /// Index into [`crate::protocols::PROTOCOLS`].
    pub protocol: usize,
    /// The unit.
    pub frame: &'a Frame,
}

/// How a flow stood when the packet came.
#[derive(Clone, Copy, Debug)]
pub struct FlowView {
    /// Index in the flow table: where detection keeps its state of the flow.
    pub slot: u32,
    /// The flow's identifier in all outputs.
    pub id: u64,
    /// Which way the packet went.
    pub direction: Direction,
    /// What `flow:established` asks.
    pub established: bool,
    /// Who opened it.
    pub client: Endpoint,
    /// Who was spoken to.
    pub server: Endpoint,
    /// IP protocol number.
    pub protocol_number: u8,
    /// The application protocol: index into [`crate::protocols::PROTOCOLS`].
    pub protocol: Option<usize>,
    /// Its name, or `failed`.
    pub app_name: Option<&'static str>,
    /// Whether this very packet showed what the protocol is.
    pub fresh: bool,
    /// Whether what it carries is encrypted: its payload holds nothing that a content could mean.
    pub sealed: bool,
    /// Packets and bytes so far.
    pub counters: FlowCounters,
    /// Whether this is the first packet in its direction.
    pub first: bool,
    /// Whether its payload is just what the stream went on by, so that both can be searched at once.
    pub goes_on: bool,
    /// [`super::Inspector::streamed`] after this packet: bytes of stream each way, so that a batch of
    /// packets is inspected as if one by one.
    pub stream: [u64; 2],
}

impl FlowView {
    /// Source and destination in the direction of the packet.
    pub fn ends(&self) -> (Endpoint, Endpoint) {
        match self.direction {
            Direction::ToServer => (self.client, self.server),
            Direction::ToClient => (self.server, self.client),
        }
    }
}

impl<'a> Item<'a> {
    /// A packet that brought nothing forth.
    pub fn bare(headers: &'a Headers, bytes: &'a [u8], flow: Option<&'a FlowView>) -> Self {
        Self {
            headers,
            bytes,
            payload: headers.payload(bytes),
            flow,
            ends: headers.endpoints().or_else(|| flow.map(FlowView::ends)),
            streamed: false,
            ready: &[],
            events: &[],
            app_events: &[],
            frames: &[],
            pseudo: false,
        }
    }

    /// Ports of source and destination; 0 without.
    pub fn ports(&self) -> (u16, u16) {
        self.ends.map_or((0, 0), |(source, destination)| (source.port, destination.port))
    }
}

/// A transaction of which a stage became final.
#[derive(Clone, Copy)]
pub struct Ready<'a> {
    /// Its number within the flow.
    pub id: u64,
    /// Which side came further.
    pub side: Side,
    /// How far.
    pub stage: Stage,
    /// Index into [`crate::protocols::PROTOCOLS`].
    pub protocol: usize,
    /// Its fields.
    pub transaction: &'a dyn Describe,
    /// The number of its file, at [`Stage::File`].
    pub index: u32,
    /// The file in it that has ended, at [`Stage::File`].
    pub file: Option<&'a File>,
    /// Files of the same side of the transaction that ended before it, the last ones.
    pub earlier: [Option<&'a File>; EARLIER_MAX],
}

/// Files before one that are asked with it: what a rule wants may be spread over several.
pub const EARLIER_MAX: usize = 8;

impl<'a> Ready<'a> {
    /// Calls `sink` once for each value of a row: of the transaction, or of its file and of the
    /// files before it.
    pub fn read(&self, row: Row, sink: &mut dyn FnMut(Value<'_>)) {
        match row {
            Row::Transaction(index) => self.transaction.read(index, sink),
            Row::File(index) => self.files().for_each(|file| file.read(index, sink)),
        }
    }

    /// Its file, and the files before it.
    pub fn files(&self) -> impl Iterator<Item = &'a File> {
        self.file.into_iter().chain(self.earlier.into_iter().flatten())
    }

    /// The same without the files before it.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { earlier: [None; EARLIER_MAX], ..self }
    }
}

/// Which row of what is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A row of the protocol's transaction.
    Transaction(usize),
    /// A row of a file in it.
    File(usize),
}
