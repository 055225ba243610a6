//! What the table may hold, and for how long.

use super::key::Place;
use super::tcp::{Session, is_opening};
use super::{Flow, FlowState};
use crate::decode::{Tcp, tcp_flags};
use crate::net::{Direction, ip_protocol};
use crate::time::Duration;

/// Seconds of packet time without a packet after which a flow ends, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// One side only, or a handshake not complete.
    pub new: u32,
    /// Both sides.
    pub established: u32,
    /// Both sides are done.
    pub closed: u32,
}

impl Timeouts {
    pub(super) const fn of(&self, state: FlowState) -> Duration {
        Duration::from_secs(match state {
            FlowState::New => self.new,
            FlowState::Established => self.established,
            FlowState::Closed => self.closed,
        } as u64)
    }
}

/// Which TCP connections are followed whose beginning was not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Midstream {
    /// None: anybody can make up packets of such.
    None,
    /// Those of [`PLANT_PORTS`], from the first packet with data.
    #[default]
    Plants,
    /// All.
    All,
}

/// Ports of services within plants (IANA's registry of service names and port numbers: iso-tsap,
/// which S7 uses, Modbus, IEC 60870-5-104, OPC UA, DNP3, EtherNet/IP). Their connections last for
/// months: who waits for the next beginning would see nothing of a plant after each start.
pub const PLANT_PORTS: [u16; 6] = [102, 502, 2404, 4840, 20_000, 44_818];

/// Whether a port is one of [`PLANT_PORTS`].
pub fn is_plant(port: u16) -> bool {
    PLANT_PORTS.contains(&port)
}

impl Midstream {
    /// Whether a connection is followed from this segment on, which is no SYN and no RST.
    pub(super) fn takes_up(self, ports: [u16; 2], flags: u8, data: &[u8]) -> bool {
        let wanted = match self {
            Self::None => false,
            Self::Plants => !data.is_empty() && ports.into_iter().any(is_plant),
            Self::All => true,
        };
        wanted && flags & (tcp_flags::ACK | tcp_flags::RST | tcp_flags::SYN) == tcp_flags::ACK
    }

    /// Whether a packet from one port to another, which is no SYN, is a server's by its ports: of a
    /// system port (RFC 6335, section 6), or of one of plants. Some of these are also among those that
    /// clients take.
    pub(super) fn is_from_service(self, from: u16, to: u16) -> bool {
        let plant = is_plant(from) && !is_plant(to) && to >= 1024;
        match self {
            Self::None => false,
            Self::Plants => plant,
            Self::All => from < 1024 && to >= 1024 || plant,
        }
    }
}

/// The limits of a table. Those on numbers and memory are for all shards together: each of the
/// [`super::SHARDS`] shards may hold its share, or its group may, however many workers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows.
    pub flows: u32,
    /// Bytes that flows carry beside their place in the table: what [`super::Table::carries`] was
    /// told. Traffic between few hosts is in few shards and may need much: each shard may hold what
    /// its group may ([`super::GROUPS`]), and its share when the group holds more.
    pub carried: u64,
    /// Bytes of TCP data that came before its turn.
    pub reassembly: u64,
    /// Bytes of each direction of a TCP stream that are looked at; 0 for all.
    pub depth: u64,
    /// Which TCP connections are followed whose beginning was not seen.
    pub midstream: Midstream,
    /// Whether TCP connections of which only one side is seen are followed.
    pub async_oneside: bool,
    /// TCP.
    pub tcp: Timeouts,
    /// UDP.
    pub udp: Timeouts,
    /// ICMP of either version.
    pub icmp: Timeouts,
    /// Everything else.
    pub other: Timeouts,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 524_288,
            carried: 256 << 20,
            reassembly: 64 << 20,
            depth: 1 << 20,
            midstream: Midstream::default(),
            async_oneside: false,
            tcp: Timeouts { new: 60, established: 600, closed: 60 },
            udp: Timeouts { new: 30, established: 300, closed: 0 },
            icmp: Timeouts { new: 30, established: 300, closed: 0 },
            other: Timeouts { new: 30, established: 300, closed: 0 },
        }
    }
}

impl Limits {
    /// Whether the packet with which a connection begins, or is picked up, goes the other way than was held:
    /// a SYN to the client, or data from a service's port to the server, or to such a port from it.
    pub(super) fn is_backwards(
        &self,
        tcp: &Tcp,
        place: &Place,
        data: &[u8],
        way: Direction,
    ) -> bool {
        let [from, to] = [place.source.port, place.destination.port];
        if is_opening(tcp) {
            return way == Direction::ToClient;
        }
        let midstream = self.midstream;
        midstream.takes_up([from, to], tcp.flags, data)
            && match way {
                Direction::ToServer => midstream.is_from_service(from, to),
                Direction::ToClient => midstream.is_from_service(to, from),
            }
    }

    /// Whether a connection of a plant was picked up from what one side alone sent: anybody may have sent
    /// that in its name.
    pub(super) fn doubts<A>(&self, session: &Session, flow: &Flow<A>) -> bool {
        self.midstream == Midstream::Plants
            && session.is_picked_up()
            && flow.counters.packets.contains(&0)
    }

    /// What each of so many tables may hold when they have flows of all shards each, as of interfaces:
    /// there the kernel deals.
    #[must_use]
    pub fn among(self, tables: usize) -> Self {
        let tables = u32::try_from(tables).unwrap_or(u32::MAX).max(1);
        let (flows, of) = ((self.flows / tables).max(1), u64::from(tables));
        Self { flows, carried: self.carried / of, reassembly: self.reassembly / of, ..self }
    }

    pub(super) const fn timeouts(&self, protocol: u8) -> &Timeouts {
        match protocol {
            ip_protocol::TCP => &self.tcp,
            ip_protocol::UDP => &self.udp,
            ip_protocol::ICMP | ip_protocol::ICMPV6 => &self.icmp,
            _ => &self.other,
        }
    }
}
