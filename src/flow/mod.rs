//! Packets to conversations: a bounded table, timeouts by packet time, reassembly.
//!
//! Knows nothing of protocols, rules or outputs: the table is generic over what a flow carries.

pub mod defrag;

use crate::field::Event;
use crate::net::{Chunk, Direction};
use crate::record::{Contact, FlowRecord};
use crate::time::Timestamp;

/// Index of a flow in its table's slab. Valid from the packet that made the flow until the sweep
/// after the flow ended, so that inspection, which comes after the batch, still finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// What a packet meant to its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The flow.
    pub slot: Slot,
    /// Which way the packet went.
    pub direction: Direction,
    /// Whether this packet made the flow.
    pub new: bool,
    /// Whether packets were seen both ways, or TCP's handshake is complete: what `flow:established`
    /// asks.
    pub established: bool,
    /// Whether its payload went, or will go, through reassembly (`flow:only_stream`, `no_stream`).
    pub streamed: bool,
}

/// Who uses the table: gets what flows bring forth while a packet is worked on.
pub trait Host<A> {
    /// The next piece of a stream, or a datagram. Within a packet, before [`Touch`] is returned.
    fn chunk(
        &mut self,
        flow: &mut Flow<A>,
        slot: Slot,
        way: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
    );

    /// The packet or its stream broke a rule of TCP or of fragmentation.
    fn event(&mut self, event: &'static Event);

    /// A first contact has an outcome. Once a flow.
    fn contact(&mut self, flow: &Flow<A>, contact: Contact);

    /// The flow is over, its last chunks given. The slot stays readable until the sweep.
    fn ended(&mut self, flow: &mut Flow<A>, slot: Slot, record: FlowRecord);
}

/// A conversation.
pub struct Flow<A> {
    /// Number that names it in every output, the same in every run.
    pub id: u64,
    /// What the table's user keeps with it.
    pub app: A,
}
