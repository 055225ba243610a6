//! What a packet brought forth, noted in order until the round is inspected.

use super::activity::Mark;
use super::expected::Expected;
use crate::decode::tcp_flags;
use crate::detect::Inspector;
use crate::field::Event;
use crate::file::Wants;
use crate::flow::{self, Flow, Host, Slot};
use crate::net::{Chunk, Direction, ip_protocol};
use crate::protocols::identify::{Session, State};
use crate::protocols::{Carrier, PROTOCOLS, Signal};
use crate::record::{Application, Contact, FlowRecord};
use crate::time::Timestamp;

/// What a flow carries beside its own state.
#[derive(Default)]
pub struct App {
    /// The application side; made with the first payload.
    pub session: Option<Session>,
    /// Transactions completed.
    pub transactions: u64,
    /// Number of the packet that showed what the flow speaks; 0 as long as none did.
    pub known_by: u64,
    /// Where its activity of this span is noted.
    pub mark: Mark,
    /// Up to which of its packets, counted from 1, rules may want them kept; 0 when none does.
    pub kept_until: u64,
    /// Whether a rule wants its certificates kept.
    pub keeps_certificates: bool,
}

/// One thing that a packet, or the end of a flow, brought forth.
pub enum Effect {
    /// A decode event.
    Decode(&'static Event),
    /// A stream or fragment event.
    Stream(&'static Event),
    /// A parser spoke.
    Signal {
        /// Its flow.
        slot: Slot,
        /// Its protocol: index into the list.
        protocol: usize,
        /// Which way the bytes went.
        way: Direction,
        /// What it said.
        signal: Signal,
    },
    /// What the transaction held when the file ended that the next signal tells of: it goes on
    /// until the round is inspected, and what is told must not depend on where rounds end.
    Shown(Slot, Option<Box<Application>>),
    /// A first contact had an outcome.
    Contact(Slot, Contact),
    /// A flow is over.
    Ended(Slot, Box<FlowRecord>),
}

impl Effect {
    /// The flow it belongs to; `None` when to the packet alone.
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::Decode(_) | Self::Stream(_) => None,
            Self::Signal { slot, .. }
            | Self::Shown(slot, _)
            | Self::Contact(slot, _)
            | Self::Ended(slot, _) => Some(*slot),
        }
    }
}

/// The notes of a round.
#[derive(Default)]
pub struct Gather {
    /// In order.
    pub effects: Vec<Effect>,
    signals: Vec<Signal>,
    expected: Expected,
    /// What is to be learned of files of flows that begin.
    pub files: Wants,
    /// Number of the packet that is worked on.
    pub sequence: u64,
}

impl Gather {
    /// Without notes; `files` is what is to be learned of files.
    pub fn new(files: Wants) -> Self {
        Self { files, ..Self::default() }
    }

    /// Announced flows that were forgotten before they came, for want of room.
    pub const fn forgotten(&self) -> u64 {
        self.expected.forgotten()
    }

    /// As the flow table's host; with an inspector, streams are shown to it too.
    pub fn host<'a>(&'a mut self, inspector: Option<&'a mut Inspector>) -> GatherHost<'a> {
        GatherHost { gather: self, inspector }
    }
}

/// See [`Gather::host`].
pub struct GatherHost<'a> {
    gather: &'a mut Gather,
    inspector: Option<&'a mut Inspector>,
}

impl GatherHost<'_> {
    fn show_stream(&mut self, flow: &Flow<App>, slot: Slot, way: Direction, chunk: Chunk<'_>) {
        let Some(inspector) = &mut self.inspector else { return };
        // Encrypted bytes hold nothing a content could mean to find.
        let session = flow.app.session.as_ref();
        let sealed = session.is_some_and(|session| session.state() == State::Sealed);
        if flow.protocol != ip_protocol::TCP || sealed && chunk != Chunk::End {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => inspector.stream(slot.0, way, bytes),
            Chunk::Gap(length) => inspector.gap(slot.0, way, length),
            Chunk::End => inspector.end(slot.0, way),
        }
    }
}

/// Whether it is a connection of a plant whose beginning was not seen.
fn is_late(flow: &Flow<App>) -> bool {
    flow.protocol == ip_protocol::TCP
        && flow.tcp_flags.iter().all(|flags| flags & tcp_flags::SYN == 0)
        && flow::is_plant(flow.server.port)
}

impl Host<App> for GatherHost<'_> {
    fn chunk(
        &mut self,
        flow: &mut Flow<App>,
        slot: Slot,
        way: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
    ) {
        self.show_stream(flow, slot, way, chunk);
        let carrier = match flow.protocol {
            ip_protocol::TCP => Carrier::Tcp,
            ip_protocol::UDP => Carrier::Udp,
            _ => return,
        };
        if flow.app.session.is_none() {
            // A flow that ends without a byte needs no application side.
            if chunk == Chunk::End {
                return;
            }
            let (client, server) = (flow.client, flow.server);
            let mut new = Session::new(carrier, server.port, client.port, self.gather.files);
            if is_late(flow) {
                new = new.late();
            }
            flow.app.session =
                Some(match self.gather.expected.take(flow.shard, client, server, now) {
                    Some(expectation) => new.expected(&expectation),
                    None => new,
                });
        }
        let Some(session) = &mut flow.app.session else { return };
        session.chunk(way, chunk, now, &mut self.gather.signals);
        if flow.app.known_by == 0 && session.name().is_some() {
            flow.app.known_by = self.gather.sequence;
            flow.endless = session.is_endless();
        }
        let latest = session.protocol().unwrap_or(usize::MAX);
        for signal in self.gather.signals.drain(..) {
            // One chunk may end what one protocol says and begin another's.
            let protocol = match &signal {
                Signal::Ready { transaction, .. }
                | Signal::File { transaction, .. }
                | Signal::Done { transaction }
                | Signal::Event { transaction: Some(transaction), .. } => {
                    session.protocol_of(*transaction).unwrap_or(latest)
                }
                _ => latest,
            };
            if let Signal::File { transaction, .. } = &signal {
                let shown = PROTOCOLS.get(protocol).filter(|known| !known.eve.is_empty());
                let application = shown.and_then(|known| {
                    let transaction = session.transaction(*transaction)?;
                    Some(Box::new(Application::of(known.eve, transaction)))
                });
                self.gather.effects.push(Effect::Shown(slot, application));
            }
            match signal {
                Signal::Expect(expectation) => {
                    self.gather.expected.add(
                        flow.shard,
                        flow.client,
                        flow.server,
                        now,
                        *expectation,
                    );
                }
                signal => self.gather.effects.push(Effect::Signal { slot, protocol, way, signal }),
            }
        }
    }

    fn event(&mut self, event: &'static Event) {
        self.gather.effects.push(Effect::Stream(event));
    }

    fn contact(&mut self, flow: &Flow<App>, contact: Contact) {
        self.gather.effects.push(Effect::Contact(flow.slot, contact));
    }

    fn ended(&mut self, _: &mut Flow<App>, slot: Slot, record: FlowRecord) {
        self.gather.effects.push(Effect::Ended(slot, Box::new(record)));
    }
}
