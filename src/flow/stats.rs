//! Numbers: of the table, for operators; of a flow, for rules.

use super::FlowState;
use super::tcp::Seen;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};
use crate::record::FlowCounters;

/// Counters of a table. Sums over workers do not depend on the number of workers, but for `memory`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Flows made.
    pub inserted: u64,
    /// Flows in the table.
    pub active: u64,
    /// Ended by time.
    pub ended_timeout: u64,
    /// Ended because a new connection took the same addresses and ports.
    pub ended_reuse: u64,
    /// Ended to make room: those whose connection was closed.
    pub evicted_closed: u64,
    /// Ended to make room: those that were new.
    pub evicted_new: u64,
    /// Ended to make room: those that were established.
    pub evicted_established: u64,
    /// Ended at the end of the input.
    pub ended_shutdown: u64,
    /// TCP connections followed.
    pub sessions: u64,
    /// Packets that belong to no flow and make none.
    pub homeless: u64,
    /// Bytes held by the table and by data that came before its turn.
    pub memory: u64,
    /// Bytes of TCP data that came before its turn.
    pub early_bytes: u64,
    /// What reassembly saw.
    pub tcp: Seen,
}

/// Why a flow ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Timeout,
    Evicted,
    Reuse,
    Shutdown,
}

impl Reason {
    /// As EVE writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Evicted => "forced",
            Self::Reuse => "tcp_reuse",
            Self::Shutdown => "shutdown",
        }
    }
}

impl FlowStats {
    /// Counts a flow that has ended.
    pub(super) const fn ended(&mut self, reason: Reason, state: FlowState) {
        let counter = match (reason, state) {
            (Reason::Timeout, _) => &mut self.ended_timeout,
            (Reason::Reuse, _) => &mut self.ended_reuse,
            (Reason::Shutdown, _) => &mut self.ended_shutdown,
            (Reason::Evicted, FlowState::Closed) => &mut self.evicted_closed,
            (Reason::Evicted, FlowState::New) => &mut self.evicted_new,
            (Reason::Evicted, FlowState::Established) => &mut self.evicted_established,
        };
        *counter += 1;
    }

    /// Adds another table's counters.
    pub const fn add(&mut self, other: &Self) {
        self.inserted += other.inserted;
        self.active += other.active;
        self.ended_timeout += other.ended_timeout;
        self.ended_reuse += other.ended_reuse;
        self.evicted_closed += other.evicted_closed;
        self.evicted_new += other.evicted_new;
        self.evicted_established += other.evicted_established;
        self.ended_shutdown += other.ended_shutdown;
        self.sessions += other.sessions;
        self.homeless += other.homeless;
        self.memory += other.memory;
        self.early_bytes += other.early_bytes;
        self.tcp.early += other.tcp.early;
        self.tcp.gaps += other.tcp.gaps;
        self.tcp.gap_bytes += other.tcp.gap_bytes;
        self.tcp.overlaps += other.tcp.overlaps;
        self.tcp.conflicts += other.tcp.conflicts;
        self.tcp.shed += other.tcp.shed;
        self.tcp.depth += other.tcp.depth;
    }
}

/// The numbers of a flow that rules can ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowView(pub FlowCounters);

type Read = fn(&FlowView, &mut dyn FnMut(Value<'_>));

const fn row(
    name: &'static str,
    bits: u8,
    help: &'static str,
    example: &'static str,
    read: Read,
) -> Field<FlowView> {
    Field {
        name,
        aliases: &[],
        kind: Kind::Int { bits, names: &[] },
        eve: "",
        side: Side::Either,
        stage: Stage::Head,
        help,
        example,
        read,
    }
}

impl Fields for FlowView {
    const FIELDS: &'static [Field<Self>] = &[
        row(
            "flow.age",
            32,
            "Seconds from the flow's first packet to this one.",
            "flow.age:>3600;",
            |v, sink| sink(Value::Int(v.0.end.since(v.0.start).as_secs())),
        ),
        row("flow.pkts", 64, "Packets both ways.", "flow.pkts:>1000;", |v, sink| {
            sink(Value::Int(v.0.packets.iter().sum()));
        }),
        row(
            "flow.pkts_toserver",
            32,
            "Packets from client to server.",
            "flow.pkts_toserver:>100;",
            |v, sink| sink(Value::Int(v.0.packets[0])),
        ),
        row(
            "flow.pkts_toclient",
            32,
            "Packets from server to client.",
            "flow.pkts_toclient:<5;",
            |v, sink| sink(Value::Int(v.0.packets[1])),
        ),
        row(
            "flow.bytes",
            64,
            "Bytes both ways, link layer included.",
            "flow.bytes:>1000000;",
            |v, sink| {
                sink(Value::Int(v.0.bytes.iter().sum()));
            },
        ),
        row(
            "flow.bytes_toserver",
            64,
            "Bytes from client to server, link layer included.",
            "flow.bytes_toserver:>100000;",
            |v, sink| sink(Value::Int(v.0.bytes[0])),
        ),
        row(
            "flow.bytes_toclient",
            64,
            "Bytes from server to client, link layer included.",
            "flow.bytes_toclient:<2000;",
            |v, sink| sink(Value::Int(v.0.bytes[1])),
        ),
    ];
}
