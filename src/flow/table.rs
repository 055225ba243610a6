//! The table: who a packet belongs to, what it changes, when flows end.

use hashbrown::HashTable;

use super::key::{Key, Place, about, is_contact, place};
use super::limits::Midstream;
use super::shard::{Link, Links, Shard};
use super::stats::Reason;
use super::tcp::{OPENING, Output, Room, Segment, Session, State, is_opening};
use super::wheel::Wheel;
use super::{
    Flow, FlowState, FlowStats, GROUPS, Host, Limits, Moment, SHARDS, Slot, Touch, flow_id,
    group_of, shard_of,
};
use crate::decode::{Headers, Tcp, Transport, tcp_flags};
use crate::field::Event;
use crate::net::{Chunk, Direction, ip_protocol};
use crate::record::{Contact, FlowCounters, FlowRecord, Outcome, TcpRecord, Texts};
use crate::time::Timestamp;

/// Entries are allocated this many at a time, so that growth never copies.
const PAGE: usize = 256;

/// What the table keeps of a flow beside what its user sees.
struct Entry<A> {
    key: Key,
    hash: u64,
    live: bool,
    /// Whether the client is the key's higher end.
    swapped: bool,
    /// Whether the capture cut any of its packets.
    cut: bool,
    /// TCP flags of the first packet.
    first_flags: u8,
    /// How the first contact went, as far as it is known; `None` when there is nothing to tell.
    contact: Option<Outcome>,
    /// Second in which it was last moved to the newest end of its list.
    moved: u64,
    /// What it carries, bytes, as last told.
    carried: u64,
    link: Link,
    session: Option<Session>,
    flow: Flow<A>,
}

/// Entries by slot.
struct Slab<A>(Vec<Vec<Entry<A>>>);

impl<A> Slab<A> {
    fn get(&self, index: u32) -> Option<&Entry<A>> {
        self.0.get(index as usize / PAGE)?.get(index as usize % PAGE)
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut Entry<A>> {
        self.0.get_mut(index as usize / PAGE)?.get_mut(index as usize % PAGE)
    }

    fn push(&mut self, entry: Entry<A>) -> u32 {
        if self.0.last().is_none_or(|page| page.len() == PAGE) {
            self.0.push(Vec::with_capacity(PAGE));
        }
        let pages = self.0.len() - 1;
        let Some(page) = self.0.last_mut() else { return 0 };
        page.push(entry);
        (pages * PAGE + page.len() - 1) as u32
    }
}

impl<A> Links for Slab<A> {
    fn link(&mut self, index: u32) -> Option<&mut Link> {
        self.get_mut(index).map(|entry| &mut entry.link)
    }
}

/// The flows of one worker. `A` is what the table's user keeps with each.
pub struct Table<A> {
    limits: Limits,
    /// Differs from run to run, so that nobody can choose colliding flows; the order of the hash
    /// table is never looked at, so it does not show.
    seed: u64,
    index: HashTable<u32>,
    slab: Slab<A>,
    free: Vec<u32>,
    /// Ended since the last sweep.
    ended: Vec<u32>,
    shards: Vec<Shard>,
    /// What the flows of each group of shards carry, bytes.
    carried: [u64; GROUPS],
    wheel: Wheel,
    due: Vec<u32>,
    /// The frame that is worked on, and its shard: that of the outermost addresses.
    frame: (u64, u8),
    stats: FlowStats,
}

/// Hands what a connection brings forth to the table's user.
struct Forward<'a, A, H> {
    host: &'a mut H,
    flow: &'a mut Flow<A>,
    slot: Slot,
    now: Timestamp,
}

impl<A, H: Host<A>> Output for Forward<'_, A, H> {
    fn chunk(&mut self, way: Direction, chunk: Chunk<'_>) {
        self.host.chunk(self.flow, self.slot, way, chunk, self.now);
    }

    fn event(&mut self, event: &'static Event) {
        self.host.event(event);
    }
}

impl<A: Default> Table<A> {
    /// An empty table.
    pub fn new(limits: &Limits) -> Self {
        use std::hash::BuildHasher;
        let count = SHARDS as u64;
        let flows = (limits.flows / SHARDS as u32).max(1);
        let shard = || Shard::new(flows, limits.reassembly / count);
        Self {
            limits: *limits,
            seed: foldhash::fast::RandomState::default().hash_one(0u64) | 1,
            index: HashTable::new(),
            slab: Slab(Vec::new()),
            free: Vec::new(),
            ended: Vec::new(),
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            carried: [0; GROUPS],
            wheel: Wheel::new(),
            due: Vec::new(),
            frame: (0, 0),
            stats: FlowStats::default(),
        }
    }

    /// Takes a packet: the `sub`-th within the frame of this sequence number, outermost first. All
    /// packets of a frame come one after another. `None` when it belongs to no flow.
    pub fn packet(
        &mut self,
        sequence: u64,
        sub: u32,
        now: Timestamp,
        headers: &Headers,
        payload: &[u8],
        host: &mut impl Host<A>,
    ) -> Option<Touch> {
        let ip = headers.ip.as_ref()?;
        if self.frame.0 != sequence {
            self.frame = (sequence, shard_of(ip.source, ip.destination));
        }
        let shard = self.frame.1;
        if let Some(touch) = self.icmp_error(now, headers, shard, host) {
            return Some(touch);
        }
        let Some(place) = place(headers, shard) else {
            self.stats.homeless += 1;
            return None;
        };
        let tcp = match &headers.transport {
            Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        };
        self.relieve(shard, now, host);
        let moment = Moment { sequence, sub, now };
        let hash = place.key.hash(self.seed);
        let found = self.find(&place.key, hash);
        let found = found.filter(|&index| !self.ends_before(index, &place, tcp, now, host));
        let (index, new) = match found {
            Some(index) => (index, false),
            None => (self.insert(&place, hash, headers, tcp, moment, host), true),
        };
        self.work(index, new, &place, headers, tcp, payload, now, host)
    }

    /// Tells how much memory a flow carries beside its place in the table, bytes: its streams' and
    /// parsers' state. When it is too much for its shard, flows end early at the next packet.
    pub fn carries(&mut self, slot: Slot, bytes: usize) {
        let Some(entry) = self.slab.get_mut(slot.0).filter(|entry| entry.live) else { return };
        let shard = self.shards.get_mut(usize::from(entry.flow.shard));
        if let (Some(shard), Some(group)) =
            (shard, self.carried.get_mut(group_of(entry.flow.shard)))
        {
            let before = std::mem::replace(&mut entry.carried, bytes as u64);
            shard.carried = shard.carried.saturating_sub(before) + bytes as u64;
            *group = group.saturating_sub(before) + bytes as u64;
        }
    }

    /// The shard of the frame that is worked on: that of its outermost addresses.
    pub const fn frame_shard(&self) -> u8 {
        self.frame.1
    }

    /// Ends flows of a shard that carries more than its share while its group carries too much.
    fn relieve(&mut self, shard: u8, now: Timestamp, host: &mut impl Host<A>) {
        let limit = self.limits.carried;
        while let Some(full) = self.shards.get(usize::from(shard))
            && let Some(group) = self.carried.get(group_of(shard))
            && *group > limit / GROUPS as u64
            && full.carried > limit / SHARDS as u64
            && let Some(victim) = full.least_wanted()
        {
            self.end(victim, Reason::Evicted, now, host);
        }
    }

    /// End of a round: flows whose timeout is over end, in the order of their first packets.
    pub fn tick(&mut self, now: Timestamp, host: &mut impl Host<A>) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.turn(now.seconds(), &mut due);
        due.retain(|&index| {
            let Some(entry) = self.slab.get(index) else { return false };
            let deadline = deadline(&self.limits, &entry.flow).seconds();
            let over = deadline < now.seconds();
            if !over {
                self.wheel.put(index, deadline);
            }
            over
        });
        due.sort_unstable_by_key(|&index| self.slab.get(index).map(|entry| entry.flow.first));
        for index in due.drain(..) {
            self.end(index, Reason::Timeout, now, host);
        }
        self.due = due;
    }

    /// All flows, in the order of their first packets.
    pub fn in_order(&self) -> Vec<Slot> {
        let mut all: Vec<u32> = self.index.iter().copied().collect();
        all.sort_unstable_by_key(|&index| self.slab.get(index).map(|entry| entry.flow.first));
        all.into_iter().map(Slot).collect()
    }

    /// End of the input: these flows end.
    pub fn finish(&mut self, flows: &[Slot], now: Timestamp, host: &mut impl Host<A>) {
        for slot in flows {
            self.end(slot.0, Reason::Shutdown, now, host);
        }
    }

    /// After inspection of a batch: slots of flows that ended are freed.
    pub fn sweep(&mut self) {
        for index in self.ended.drain(..) {
            if let Some(entry) = self.slab.get_mut(index) {
                entry.flow.app = A::default();
                entry.session = None;
                self.free.push(index);
            }
        }
    }

    /// A flow that is in the table, or ended since the last sweep.
    pub fn get(&self, slot: Slot) -> Option<&Flow<A>> {
        self.slab.get(slot.0).map(|entry| &entry.flow)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Flow<A>> {
        self.slab.get_mut(slot.0).map(|entry| &mut entry.flow)
    }

    /// The counters.
    pub fn stats(&self) -> FlowStats {
        let early_bytes = self.shards.iter().map(|shard| shard.budget.used).sum();
        FlowStats {
            active: self.index.len() as u64,
            memory: self.memory() as u64,
            early_bytes,
            ..self.stats
        }
    }

    /// Bytes that a place in the table takes at most: the entry; its number in the index, which
    /// grows when seven eighths full, while the old one is copied; its links in the wheel and its
    /// numbers in the lists, in vectors that double.
    pub const fn bytes_per_flow() -> usize {
        size_of::<Entry<A>>() + 2 * 5 * 8 / 7 + 3 * 12 + 3 * 2 * 4
    }

    /// Bytes held, with what flows were told to carry.
    pub fn memory(&self) -> usize {
        let early: u64 = self.shards.iter().map(|shard| shard.budget.used).sum();
        self.slab.0.len() * PAGE * size_of::<Entry<A>>()
            + self.index.allocation_size()
            + self.wheel.memory()
            + (self.free.capacity() + self.ended.capacity() + self.due.capacity()) * 4
            + (early + self.carried.iter().sum::<u64>()) as usize
    }

    fn find(&self, key: &Key, hash: u64) -> Option<u32> {
        let same = |&index: &u32| self.slab.get(index).is_some_and(|entry| entry.key == *key);
        self.index.find(hash, same).copied()
    }

    /// Ends the flow found for a packet if its time is over or the packet begins another
    /// connection.
    fn ends_before(
        &mut self,
        index: u32,
        place: &Place,
        tcp: Option<&Tcp>,
        now: Timestamp,
        host: &mut impl Host<A>,
    ) -> bool {
        let Some(entry) = self.slab.get(index) else { return true };
        if now >= deadline(&self.limits, &entry.flow) {
            self.end(index, Reason::Timeout, now, host);
            return true;
        }
        let way = way(place.swapped, entry.swapped);
        let again = tcp.zip(entry.session.as_ref()).is_some_and(|(tcp, session)| {
            is_opening(tcp) && session.gives_way(tcp, way) || session.is_overtaken(tcp, way)
        });
        if again {
            self.end(index, Reason::Reuse, now, host);
        }
        again
    }

    fn insert(
        &mut self,
        place: &Place,
        hash: u64,
        headers: &Headers,
        tcp: Option<&Tcp>,
        moment: Moment,
        host: &mut impl Host<A>,
    ) -> u32 {
        let shard = self.frame.1;
        while let Some(victim) = self.shards.get(usize::from(shard)).and_then(Shard::victim) {
            self.end(victim, Reason::Evicted, moment.now, host);
        }
        // Of others it is known with the first data.
        let backwards = tcp.is_some_and(|tcp| {
            tcp.flags & OPENING == tcp_flags::SYN | tcp_flags::ACK
                || self.limits.midstream == Midstream::All
                    && self.limits.is_backwards(tcp, place, &[], Direction::ToServer)
        });
        let entry = Self::begun(place, (hash, shard), headers, tcp, moment, backwards);
        let due = deadline(&self.limits, &entry.flow).seconds();
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(old) = self.slab.get_mut(index) {
                    *old = entry;
                }
                index
            }
            None => self.slab.push(entry),
        };
        if let Some(entry) = self.slab.get_mut(index) {
            entry.flow.slot = Slot(index);
        }
        let slab = &self.slab;
        self.index.insert_unique(hash, index, |&index| slab.get(index).map_or(0, |e| e.hash));
        if let Some(shard) = self.shards.get_mut(usize::from(shard)) {
            shard.push(&mut self.slab, index, FlowState::New);
        }
        self.wheel.start(moment.now.seconds());
        self.wheel.put(index, due);
        self.stats.inserted += 1;
        index
    }

    /// The entry of a flow that begins with this packet.
    #[inline]
    fn begun(
        place: &Place,
        (hash, shard): (u64, u8),
        headers: &Headers,
        tcp: Option<&Tcp>,
        moment: Moment,
        backwards: bool,
    ) -> Entry<A> {
        let (client, server) = match backwards {
            false => (place.source, place.destination),
            true => (place.destination, place.source),
        };
        let flags = tcp.map_or(0, |tcp| tcp.flags);
        Entry {
            key: place.key,
            hash,
            live: true,
            cut: false,
            swapped: place.swapped != backwards,
            first_flags: flags,
            contact: is_contact(place, tcp).then_some(Outcome::Unknown),
            moved: moment.now.seconds(),
            carried: 0,
            link: Link::LOOSE,
            session: None,
            flow: Flow {
                id: flow_id(moment.sequence, moment.sub),
                first: (moment.sequence, moment.sub),
                slot: Slot(0),
                shard,
                client,
                server,
                protocol: place.protocol,
                vlan: headers.vlan,
                icmp: place.icmp,
                icmp_response: None,
                counters: FlowCounters { start: moment.now, end: moment.now, ..Default::default() },
                state: FlowState::New,
                tcp_flags: [0; 2],
                session: false,
                alerted: false,
                endless: false,
                app: A::default(),
            },
        }
    }

    /// Counts a packet to its flow and works on what it carries.
    #[allow(clippy::too_many_arguments, reason = "the parts of one packet, split once")]
    fn work(
        &mut self,
        index: u32,
        new: bool,
        place: &Place,
        headers: &Headers,
        tcp: Option<&Tcp>,
        payload: &[u8],
        now: Timestamp,
        host: &mut impl Host<A>,
    ) -> Option<Touch> {
        let entry = self.slab.get_mut(index)?;
        let shard = self.shards.get_mut(usize::from(entry.flow.shard))?;
        let slot = Slot(index);
        if let Some(tcp) = tcp
            && entry.session.is_none()
            && self.limits.is_backwards(tcp, place, payload, way(place.swapped, entry.swapped))
        {
            entry.turn_around();
        }
        let direction = way(place.swapped, entry.swapped);
        entry.count(direction, headers.wire_length, now, tcp);
        entry.answered(direction, tcp, place.icmp, host);
        entry.cut |= headers.cut > 0;
        let mut streamed = false;
        let before = entry.flow.state;
        if let Some(tcp) = tcp {
            // What the capture left out is lost: as if this segment came behind it.
            let behind;
            let mut tcp = tcp;
            let moves = tcp.flags & (tcp_flags::SYN | tcp_flags::RST) == 0;
            if headers.cut > 0 && moves {
                behind = Tcp { sequence: tcp.sequence.wrapping_add(headers.cut), ..*tcp };
                tcp = &behind;
            }
            let segment = Segment { tcp, data: payload, way: direction, now };
            let depth = depth(&self.limits, &entry.flow);
            let room = &mut Room {
                budget: &mut shard.budget,
                depth,
                oneside: self.limits.async_oneside,
                seen: &mut self.stats.tcp,
            };
            let ports = [place.source.port, place.destination.port];
            if entry.session.is_none() {
                entry.session = open(&segment, ports, &self.limits, room, host);
                self.stats.sessions += u64::from(entry.session.is_some());
            }
            if let Some(session) = &mut entry.session {
                let flow = &mut entry.flow;
                flow.session = true;
                streamed = session.packet(&segment, room, &mut Forward { host, flow, slot, now });
                entry.flow.state = match session.state() {
                    State::SynSent | State::SynRecv => FlowState::New,
                    state if state.is_over() => FlowState::Closed,
                    _ if self.limits.doubts(session, &entry.flow) => FlowState::New,
                    _ => FlowState::Established,
                };
            }
        } else {
            entry.see_both_ways();
            if place.protocol == ip_protocol::UDP && !payload.is_empty() {
                host.chunk(&mut entry.flow, slot, direction, Chunk::Data(payload), now);
            }
        }
        let established = entry.is_established();
        self.refresh(index, before, now);
        Some(Touch { slot, direction, new, established, streamed })
    }

    /// Puts the flow where its state and its last packet want it.
    fn refresh(&mut self, index: u32, before: FlowState, now: Timestamp) {
        let Some(entry) = self.slab.get_mut(index) else { return };
        let state = entry.flow.state;
        // Order by the second is enough to tell who was silent longest, and cheaper.
        if state == before && entry.moved == now.seconds() {
            return;
        }
        entry.moved = now.seconds();
        let shard = usize::from(entry.flow.shard);
        let timeouts = self.limits.timeouts(entry.flow.protocol);
        let sooner = timeouts.of(state) < timeouts.of(before);
        let due = deadline(&self.limits, &entry.flow).seconds();
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.remove(&mut self.slab, index, before);
            shard.push(&mut self.slab, index, state);
        }
        if sooner {
            self.wheel.put(index, due);
        }
    }

    /// An ICMP error tells how the flow of the packet that caused it went, when that flow is known.
    /// A version 4 "unreachable" also counts to it.
    fn icmp_error(
        &mut self,
        now: Timestamp,
        headers: &Headers,
        shard: u8,
        host: &mut impl Host<A>,
    ) -> Option<Touch> {
        let (Transport::Icmp4(icmp) | Transport::Icmp6(icmp)) = &headers.transport else {
            return None;
        };
        icmp.about?;
        let about = about(headers, shard)?;
        let index = self.find(&about.key, about.key.hash(self.seed))?;
        let entry = self.slab.get_mut(index)?;
        if now >= deadline(&self.limits, &entry.flow) {
            return None;
        }
        let direction = way(about.swapped, entry.swapped).reverse();
        let before = entry.flow.state;
        let (four, unreachable) = match headers.transport {
            Transport::Icmp4(icmp) => (true, icmp.kind == 3),
            _ => (false, icmp.kind == 1),
        };
        if unreachable && direction == Direction::ToClient {
            entry.tell(Outcome::Refused, host);
        }
        // Version 6 errors are flows of their own, and other version 4 errors are none: so other
        // sensors count, and flow records are compared with theirs.
        if !four || !unreachable {
            return None;
        }
        entry.count(direction, headers.wire_length, now, None);
        if entry.flow.protocol != ip_protocol::TCP {
            entry.see_both_ways();
        }
        let established = entry.is_established();
        self.refresh(index, before, now);
        Some(Touch { slot: Slot(index), direction, new: false, established, streamed: false })
    }

    fn end(&mut self, index: u32, reason: Reason, now: Timestamp, host: &mut impl Host<A>) {
        let Some(entry) = self.slab.get_mut(index) else { return };
        if !std::mem::replace(&mut entry.live, false) {
            return;
        }
        let slot = Slot(index);
        let (hash, state, shard) = (entry.hash, entry.flow.state, usize::from(entry.flow.shard));
        let group = group_of(entry.flow.shard);
        let carried = std::mem::take(&mut entry.carried);
        if let (Some(session), Some(shard)) = (&mut entry.session, self.shards.get_mut(shard)) {
            let room = &mut Room {
                budget: &mut shard.budget,
                depth: depth(&self.limits, &entry.flow),
                oneside: self.limits.async_oneside,
                seen: &mut self.stats.tcp,
            };
            session.close(room, &mut Forward { host, flow: &mut entry.flow, slot, now });
        } else if entry.flow.protocol == ip_protocol::UDP {
            for way in [Direction::ToServer, Direction::ToClient] {
                host.chunk(&mut entry.flow, slot, way, Chunk::End, now);
            }
        }
        if entry.is_accepted() {
            entry.tell(Outcome::Answered, host);
        } else if entry.contact == Some(Outcome::Unknown) && !entry.was_answered_unseen() {
            entry.tell(Outcome::Silent, host);
        }
        let record = entry.record(reason);
        host.ended(&mut entry.flow, slot, record);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.remove(&mut self.slab, index, state);
            shard.carried = shard.carried.saturating_sub(carried);
        }
        if let Some(group) = self.carried.get_mut(group) {
            *group = group.saturating_sub(carried);
        }
        self.wheel.take(index);
        if let Ok(place) = self.index.find_entry(hash, |&other| other == index) {
            place.remove();
        }
        self.ended.push(index);
        self.stats.ended(reason, state);
    }
}

impl<A> Entry<A> {
    fn count(&mut self, way: Direction, bytes: u32, now: Timestamp, tcp: Option<&Tcp>) {
        let counters = &mut self.flow.counters;
        let one = |pair: &mut [u64; 2], n: u64| {
            let [there, back] = pair;
            *(if way == Direction::ToServer { there } else { back }) += n;
        };
        one(&mut counters.packets, 1);
        one(&mut counters.bytes, u64::from(bytes));
        counters.end = counters.end.max(now);
        if let Some(tcp) = tcp {
            let [there, back] = &mut self.flow.tcp_flags;
            *(if way == Direction::ToServer { there } else { back }) |= tcp.flags;
        }
    }

    /// The first packet back tells how the first contact went; of one that accepts a connection the
    /// packet that follows.
    fn answered(
        &mut self,
        way: Direction,
        tcp: Option<&Tcp>,
        icmp: Option<(u8, u8)>,
        host: &mut impl Host<A>,
    ) {
        if way == Direction::ToServer {
            if self.contact == Some(Outcome::Unknown) && self.is_accepted() {
                self.accepted(tcp, host);
            }
            return;
        }
        if self.flow.icmp_response.is_none() {
            self.flow.icmp_response = icmp;
        }
        let refused = tcp.is_some_and(|tcp| tcp.flags & tcp_flags::RST != 0);
        // What began in the middle is no contact, unless that is all that it comes to.
        if self.contact.is_none() && refused && self.is_first_answer() && self.begins_with_ack() {
            self.contact = Some(Outcome::Unknown);
        }
        if self.contact == Some(Outcome::Unknown) && (refused || !self.is_accepted()) {
            self.tell(if refused { Outcome::Refused } else { Outcome::Answered }, host);
        }
    }

    /// Whether the server has accepted a connection that the client asked for.
    const fn is_accepted(&self) -> bool {
        let [_, server] = self.flow.tcp_flags;
        const ACCEPTED: u8 = tcp_flags::SYN | tcp_flags::ACK;
        self.first_flags & OPENING == tcp_flags::SYN && server & ACCEPTED == ACCEPTED
    }

    /// What the client does with a connection that was accepted.
    fn accepted(&mut self, tcp: Option<&Tcp>, host: &mut impl Host<A>) {
        let flags = tcp.map_or(0, |tcp| tcp.flags);
        if flags & tcp_flags::RST != 0 {
            self.tell(Outcome::Abandoned, host);
        } else if flags & tcp_flags::SYN == 0 {
            self.tell(Outcome::Answered, host);
        }
    }

    /// Whether the packet that was just counted is the first one back.
    fn is_first_answer(&self) -> bool {
        self.flow.counters.packets[1] == 1
    }

    fn begins_with_ack(&self) -> bool {
        const OTHERS: u8 = tcp_flags::SYN | tcp_flags::RST;
        self.first_flags & (tcp_flags::ACK | OTHERS) == tcp_flags::ACK
    }

    fn tell(&mut self, outcome: Outcome, host: &mut impl Host<A>) {
        if self.contact == Some(Outcome::Unknown) {
            self.contact = Some(outcome);
            let start = self.flow.counters.start;
            host.contact(&self.flow, Contact { start, outcome, flags: self.first_flags });
        }
    }

    /// A client that opened a connection and then acknowledged something was answered, on a way
    /// that is not seen here: nothing is known of how the contact went.
    fn was_answered_unseen(&self) -> bool {
        const WENT_ON: u8 = tcp_flags::SYN | tcp_flags::ACK;
        let [client, _] = self.flow.tcp_flags;
        self.flow.protocol == ip_protocol::TCP
            && self.first_flags & WENT_ON == tcp_flags::SYN
            && client & WENT_ON == WENT_ON
    }

    fn see_both_ways(&mut self) {
        if !self.flow.counters.packets.contains(&0) {
            self.flow.state = FlowState::Established;
        }
    }

    fn is_established(&self) -> bool {
        match &self.session {
            Some(session) => session.state() >= State::Established,
            None => self.flow.state == FlowState::Established,
        }
    }

    /// The client is the other end, after all.
    fn turn_around(&mut self) {
        let flow = &mut self.flow;
        std::mem::swap(&mut flow.client, &mut flow.server);
        flow.counters.packets.reverse();
        flow.counters.bytes.reverse();
        flow.tcp_flags.reverse();
        self.swapped = !self.swapped;
    }

    fn record(&self, reason: Reason) -> FlowRecord {
        let flow = &self.flow;
        let tcp = (flow.protocol == ip_protocol::TCP).then(|| TcpRecord {
            flags: flow.tcp_flags,
            state: self.session.as_ref().map_or("", |session| session.state().name()),
            // What the capture left out was not lost.
            gap: self.session.as_ref().filter(|_| !self.cut).map_or([false; 2], Session::gap),
        });
        FlowRecord {
            counters: flow.counters,
            state: flow.state.name(),
            reason: reason.name(),
            alerted: flow.alerted,
            app_protocol: None,
            transactions: 0,
            tcp,
            icmp_response: flow.icmp_response,
            outcome: self.contact.unwrap_or_default(),
            texts: Texts::default(),
        }
    }
}

/// Bytes of each direction of a flow's stream that are looked at.
const fn depth<A>(limits: &Limits, flow: &Flow<A>) -> u64 {
    if limits.depth == 0 || flow.endless { u64::MAX } else { limits.depth }
}

const fn way(packet_swapped: bool, flow_swapped: bool) -> Direction {
    if packet_swapped == flow_swapped { Direction::ToServer } else { Direction::ToClient }
}

/// When the flow's time is over if no packet comes.
fn deadline<A>(limits: &Limits, flow: &Flow<A>) -> Timestamp {
    flow.counters.end.after(limits.timeouts(flow.protocol).of(flow.state))
}

/// The connection that a packet without one begins, if it begins one.
fn open<A>(
    segment: &Segment<'_>,
    ports: [u16; 2],
    limits: &Limits,
    room: &mut Room<'_>,
    host: &mut impl Host<A>,
) -> Option<Session> {
    use super::tcp::events as e;
    let flags = segment.tcp.flags;
    if is_opening(segment.tcp) {
        return Some(Session::begin(segment, room));
    }
    if flags & tcp_flags::RST != 0 {
        host.event(&e::RST_NO_SESSION);
    } else if limits.midstream.takes_up(ports, flags, segment.data) {
        return Some(Session::pick_up(segment));
    } else if flags & tcp_flags::FIN != 0 {
        host.event(&e::FIN_NO_SESSION);
    }
    None
}
