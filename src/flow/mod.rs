//! Packets to conversations: a bounded table, timeouts by packet time, reassembly.
//!
//! Knows nothing of protocols, rules or outputs: the table is generic over what a flow carries.

pub mod defrag;
mod fuzz;
mod key;
mod limits;
mod shard;
mod stats;
mod table;
pub mod tcp;
mod wheel;

use crate::field::Event;
use crate::net::{Chunk, Direction, Endpoint, VLAN_LAYERS_MAX};
use crate::record::{Contact, FlowCounters, FlowRecord};
use crate::time::Timestamp;

pub use fuzz::fuzz_table;
pub use key::{GROUPS, SHARDS, flow_id, group_of, shard_of};
pub use limits::{Limits, Midstream, Timeouts, is_plant};
pub use stats::{FlowStats, FlowView};
pub use table::Table;
pub use tcp::events::EVENTS;

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

/// How far a flow has come, as EVE names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowState {
    /// One side, or a handshake that is not complete.
    #[default]
    New,
    /// Both sides.
    Established,
    /// Both sides are done (TCP).
    Closed,
}

impl FlowState {
    /// As EVE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Closed => "closed",
        }
    }
}

/// A conversation.
pub struct Flow<A> {
    /// Number that names it in every output, the same in every run.
    pub id: u64,
    /// Number of its first packet, and that packet's place within its frame: with them the flows
    /// that end together are put in order.
    pub first: (u64, u32),
    /// Where it lies in its table.
    pub slot: Slot,
    /// The shard that it lives in: that of the outermost addresses of its first frame.
    pub shard: u8,
    /// Who began.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// IP protocol number.
    pub protocol: u8,
    /// VLAN identifiers, outermost first, 0 where there is none.
    pub vlan: [u16; VLAN_LAYERS_MAX],
    /// Type and code of the first packet, for ICMP.
    pub icmp: Option<(u8, u8)>,
    /// Type and code of the first ICMP packet back.
    pub icmp_response: Option<(u8, u8)>,
    /// Packets, bytes, times.
    pub counters: FlowCounters,
    /// How far it has come.
    pub state: FlowState,
    /// TCP flags seen, to the server and to the client.
    pub tcp_flags: [u8; 2],
    /// Whether a TCP connection, not only packets, is known: its streams are followed.
    pub session: bool,
    /// Whether a rule alerted on it. For the table's user to set.
    pub alerted: bool,
    /// Whether its streams are looked at beyond [`Limits::depth`]. For the table's user to set.
    pub endless: bool,
    /// What the table's user keeps with it.
    pub app: A,
}

impl<A> Flow<A> {
    /// The context that a record of this flow begins with.
    pub const fn ip_version(&self) -> u8 {
        if self.client.addr.is_ipv4() { 4 } else { 6 }
    }

    /// The numbers that rules can ask for.
    pub const fn view(&self) -> FlowView {
        FlowView(self.counters)
    }
}

/// A packet's place among all packets.
#[derive(Clone, Copy)]
struct Moment {
    sequence: u64,
    sub: u32,
    now: Timestamp,
}

#[cfg(test)]
mod tests;
