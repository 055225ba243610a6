//! TCP: a connection's state and its two streams. Segments in, chunks and events out.
//!
//! Follows RFC 9293 as a passive observer must: what the endpoints would ignore is ignored here, what
//! only looks strange is told as an event. Knows nothing of tables.

pub mod events;
mod handshake;
mod reassembly;

pub use reassembly::{Budget, Room, SEGMENTS_MAX, Seen, Stream, fuzz_stream};

use self::events as e;
use crate::decode::{Tcp, tcp_flags};
use crate::field::Event;
use crate::net::{Chunk, Direction};
use crate::time::Timestamp;

/// Where a connection stands. The names are those of RFC 9293; a FIN of the client leads to
/// `CloseWait` and one of the server to `FinWait1`, as EVE consumers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the standard's")]
pub enum State {
    SynSent,
    SynRecv,
    Established,
    FinWait1,
    FinWait2,
    TimeWait,
    LastAck,
    CloseWait,
    Closing,
    Closed,
}

impl State {
    /// As EVE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::Established => "established",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::LastAck => "last_ack",
            Self::CloseWait => "close_wait",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }

    /// Whether both sides are done.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::TimeWait | Self::LastAck | Self::Closed)
    }
}

/// One TCP packet of a connection.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// Header.
    pub tcp: &'a Tcp,
    /// Payload.
    pub data: &'a [u8],
    /// Which way it goes.
    pub way: Direction,
    /// When it came.
    pub now: Timestamp,
}

impl Segment<'_> {
    const fn has(&self, flags: u8) -> bool {
        self.tcp.flags & flags == flags
    }

    const fn end(&self) -> u32 {
        self.tcp.sequence.wrapping_add(self.data.len() as u32)
    }
}

/// Who gets what a connection brings forth.
pub trait Output {
    /// The next piece of a direction.
    fn chunk(&mut self, way: Direction, chunk: Chunk<'_>);
    /// A rule of TCP was broken.
    fn event(&mut self, event: &'static Event);
}

/// What is known of one end: what it sent, and what its peer lets it send.
#[derive(Debug, Default)]
struct End {
    /// Its first sequence number.
    isn: u32,
    /// After the last byte it sent, FIN counted.
    next: u32,
    /// What the peer acknowledged.
    acked: u32,
    /// How much it may have under way, bytes, scaled.
    window: u32,
    /// The highest number it may reach: `acked` + `window`, never smaller than before.
    limit: u32,
    /// Behind the last byte of a segment that was partly beyond that.
    beyond: Option<u32>,
    /// Shift of the windows it announces.
    scale: u8,
    /// The window of its SYN.
    offered: u32,
    /// Whether its SYN was signed, if that was seen.
    signed: Option<bool>,
    /// Whether its SYN offered window scaling.
    scaled: bool,
    /// Whether anything of it was seen.
    heard: bool,
    /// Options of its SYN were cut off by the capture.
    unsure: bool,
    /// Whether it sent a FIN.
    fin: bool,
    /// Its last timestamp option, and the second it came.
    stamp: Option<(u32, u32)>,
    stream: Stream,
}

/// A connection whose beginning was seen, or that was picked up on the way.
#[derive(Debug)]
pub struct Session {
    state: State,
    /// The client's end, the server's end.
    ends: [End; 2],
    /// Both sides sent a SYN before any SYN/ACK.
    simultaneous: bool,
    /// Way of the RST that closed it.
    reset: Option<Direction>,
    /// Chunks were, or may be, given out.
    open: bool,
    /// SYN and SYN/ACK with differing numbers.
    syns: u8,
    /// Bytes that came with the SYN.
    syn_data: u32,
    /// Its beginning was not seen.
    picked_up: bool,
    /// A SYN that came since: its way and its number.
    rival: Option<(Direction, u32)>,
}

/// Flags that tell what a packet begins or ends.
pub(super) const OPENING: u8 = tcp_flags::SYN | tcp_flags::ACK | tcp_flags::RST | tcp_flags::FIN;

/// Whether this is a SYN that opens a connection.
pub(super) const fn is_opening(tcp: &Tcp) -> bool {
    tcp.flags & OPENING == tcp_flags::SYN
}

/// `a` before `b` on the circle of sequence numbers.
const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

const fn later(a: u32, b: u32) -> u32 {
    if before(a, b) { b } else { a }
}

impl Session {
    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether bytes of a direction were lost.
    pub fn gap(&self) -> [bool; 2] {
        let [client, server] = &self.ends;
        [client.stream.has_gap(), server.stream.has_gap()]
    }

    /// Whether a SYN (without ACK) means a new connection of the same addresses and ports: once either
    /// side has begun to end the old one and the other knows. With the old number it is the old SYN,
    /// sent again.
    pub fn gives_way(&self, tcp: &Tcp, way: Direction) -> bool {
        let [client, server] = &self.ends;
        let isn = if way == Direction::ToServer { client.isn } else { server.isn };
        let ending = matches!(
            self.state,
            State::TimeWait | State::LastAck | State::CloseWait | State::Closing | State::Closed
        );
        ending && tcp.sequence != isn
    }

    /// Whether this answers a SYN that was seen since the connection was picked up: what was picked up
    /// was another's then, or is over. A SYN alone, which anybody may send, ends nothing.
    pub fn is_overtaken(&self, tcp: &Tcp, way: Direction) -> bool {
        let answers = tcp.flags & OPENING == tcp_flags::SYN | tcp_flags::ACK;
        answers && self.rival == Some((way.reverse(), tcp.acknowledgement.wrapping_sub(1)))
    }

    /// Whether its beginning was not seen.
    pub const fn is_picked_up(&self) -> bool {
        self.picked_up
    }

    /// Takes a packet. Returns whether its payload went, or will go, to the stream.
    pub fn packet(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        let before = *room.seen;
        if self.picked_up && is_opening(segment.tcp) {
            self.rival = Some((segment.way, segment.tcp.sequence));
        }
        if !segment.has(tcp_flags::ACK) && segment.tcp.acknowledgement != 0 {
            out.event(&e::BROKEN_ACK);
        }
        let streamed = match self.state {
            State::SynSent => self.syn_sent(segment, room, out),
            State::SynRecv => self.syn_recv(segment, room, out),
            State::Closed => self.closed(segment, out),
            _ => self.flowing(segment, room, out),
        };
        if room.seen.gaps != before.gaps {
            out.event(&e::SEQ_GAP);
        }
        if room.seen.conflicts != before.conflicts {
            out.event(&e::OVERLAP_DIFFERENT);
        }
        if room.seen.depth != before.depth {
            out.event(&e::DEPTH_REACHED);
        }
        streamed
    }

    /// The conversation is over: gives out all that was kept, and the end of what was open.
    pub fn close(&mut self, room: &mut Room<'_>, out: &mut impl Output) {
        let [client, server] = &mut self.ends;
        if self.open {
            client.stream.close(room, &mut |chunk| out.chunk(Direction::ToServer, chunk));
            server.stream.close(room, &mut |chunk| out.chunk(Direction::ToClient, chunk));
        }
        client.stream.forget(room.budget);
        server.stream.forget(room.budget);
    }

    fn both(&mut self, way: Direction) -> (&mut End, &mut End) {
        let [client, server] = &mut self.ends;
        match way {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        }
    }

    /// A packet of a connection that is established or being closed.
    fn flowing(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        let Segment { tcp, way, .. } = *segment;
        if tcp.flags & (tcp_flags::SYN | tcp_flags::RST) != 0 {
            if segment.has(tcp_flags::RST) {
                self.reset(segment, room, out);
            } else {
                self.late_syn(segment, out);
            }
            return false;
        }
        if let Some(event) = self.refusal(segment, out) {
            out.event(event);
            return false;
        }
        let state = self.state;
        let (from, to) = self.both(way);
        from.heard = true;
        let sequence = tcp.sequence;
        let data = if to.heard { from.allowed(segment) } else { segment.data };
        let end = sequence.wrapping_add(data.len() as u32);
        // A keep-alive repeats the last byte, or none, to be acknowledged.
        let alive = data.len() <= 1
            && sequence.wrapping_add(1) == from.next
            && !segment.has(tcp_flags::FIN);
        let mut streamed = false;
        if !data.is_empty() && !alive {
            if from.acked.wrapping_sub(end) as i32 >= 0 && from.stream.is_old(sequence, data.len())
            {
                out.event(&e::SPURIOUS_RETRANSMISSION);
            } else {
                if from.stream.is_old(sequence, data.len()) {
                    out.event(&e::RETRANSMISSION);
                }
                let urgent = urgent(tcp, data.len());
                from.stream.segment(sequence, data, urgent, room, &mut |c| out.chunk(way, c));
                streamed = !from.stream.is_deep();
            }
        }
        if !alive {
            from.next = later(from.next, end);
        }
        let mut new_fin = false;
        if segment.has(tcp_flags::FIN) {
            new_fin = !from.fin;
            from.fin = true;
            from.next = later(from.next, end.wrapping_add(1));
            from.stream.finish_at(end, room, &mut |c| out.chunk(way, c));
        }
        let mut all_acked = false;
        if segment.has(tcp_flags::ACK) {
            let window = u32::from(tcp.window) << from.scale;
            to.take_ack(tcp.acknowledgement, window);
            to.stream.acknowledge(tcp.acknowledgement, room, &mut |c| out.chunk(way.reverse(), c));
            all_acked = to.fin && tcp.acknowledgement == to.next;
        }
        let next = after(state, segment, new_fin, all_acked);
        self.state = next;
        if next == State::Closed {
            self.close(room, out);
        }
        streamed
    }

    /// Why a packet is not to be taken, as an event.
    fn refusal(&mut self, segment: &Segment<'_>, out: &mut impl Output) -> Option<&'static Event> {
        let state = self.state;
        let (from, to) = self.both(segment.way);
        if !from.stamp_fits(segment) {
            return Some(&e::INVALID_TIMESTAMP);
        }
        let fin = segment.has(tcp_flags::FIN);
        if segment.has(tcp_flags::ACK) && to.heard && !to.may_be_acked(segment.tcp.acknowledgement)
        {
            out.event(&e::INVALID_ACK);
            return Some(match state {
                State::FinWait1 => &e::FIN1_INVALID_ACK,
                State::FinWait2 => &e::FIN2_INVALID_ACK,
                State::CloseWait => &e::CLOSEWAIT_INVALID_ACK,
                State::Closing => &e::CLOSING_INVALID_ACK,
                State::LastAck => &e::LASTACK_INVALID_ACK,
                State::TimeWait => &e::TIMEWAIT_INVALID_ACK,
                _ if fin => &e::FIN_INVALID_ACK,
                _ => &e::EST_INVALID_ACK,
            });
        }
        let sequence = segment.tcp.sequence;
        if to.heard && !segment.data.is_empty() && before(from.limit, segment.end()) {
            // A probe of a closed window is one byte beyond it.
            let probe = segment.data.len() == 1 && sequence == from.limit;
            if before(sequence, from.limit) && !fin {
                out.event(&e::EST_OUT_OF_WINDOW);
            } else if !probe {
                return Some(match state {
                    State::FinWait1 => &e::FIN1_ACK_WRONG_SEQ,
                    State::FinWait2 => &e::FIN2_ACK_WRONG_SEQ,
                    State::CloseWait => &e::CLOSEWAIT_ACK_WINDOW,
                    State::Closing => &e::CLOSING_WRONG_SEQ,
                    State::LastAck => &e::LASTACK_WRONG_SEQ,
                    State::TimeWait => &e::TIMEWAIT_WRONG_SEQ,
                    _ if fin => &e::FIN_OUT_OF_WINDOW,
                    _ => &e::EST_OUT_OF_WINDOW,
                });
            }
        }
        if fin && !from.fin && before(segment.end(), from.acked) {
            return Some(match state {
                State::FinWait1 => &e::FIN1_FIN_WRONG_SEQ,
                State::FinWait2 => &e::FIN2_FIN_WRONG_SEQ,
                State::CloseWait => &e::CLOSEWAIT_FIN_WINDOW,
                _ => &e::FIN_OUT_OF_WINDOW,
            });
        }
        from.take_stamp(segment);
        None
    }

    fn reset(&mut self, segment: &Segment<'_>, room: &mut Room<'_>, out: &mut impl Output) {
        let (from, to) = self.both(segment.way);
        let tcp = segment.tcp;
        if segment.has(tcp_flags::ACK) && to.heard && !to.may_be_acked(tcp.acknowledgement) {
            out.event(&e::RST_INVALID_ACK);
            return;
        }
        // RFC 5961: what the receiver awaits, by what we saw sent or by what it acknowledged.
        if from.heard && tcp.sequence != from.next && tcp.sequence != from.acked {
            return;
        }
        // Who did not agree on signatures drops what bears one.
        if tcp.signed && from.signed == Some(false) {
            out.event(&e::SUSPECTED_RST_INJECT);
            return;
        }
        self.reset = Some(segment.way);
        self.state = State::Closed;
        self.close(room, out);
    }

    fn closed(&mut self, segment: &Segment<'_>, out: &mut impl Output) -> bool {
        if self.reset == Some(segment.way)
            && !segment.data.is_empty()
            && !segment.has(tcp_flags::RST)
        {
            out.event(&e::SUSPECTED_RST_INJECT);
        }
        false
    }
}

impl End {
    fn take_ack(&mut self, acknowledgement: u32, window: u32) {
        if !self.heard {
            // Picked up on the way: the acknowledgement is the first that we know of this end.
            if self.next == self.isn {
                self.stream = Stream::new(acknowledgement);
                self.next = acknowledgement;
                self.acked = acknowledgement;
                self.limit = acknowledgement;
            }
        }
        self.acked = later(self.acked, acknowledgement);
        self.window = window;
        self.limit = later(self.limit, self.acked.wrapping_add(window));
        self.beyond = self.beyond.filter(|end| before(self.limit, *end));
    }

    /// What of a segment is within the window: an end takes that much and drops the rest (RFC 9293,
    /// section 3.10.7.4). Some take the rest too, so it may be acknowledged.
    fn allowed<'a>(&mut self, segment: &Segment<'a>) -> &'a [u8] {
        let room = self.limit.wrapping_sub(segment.tcp.sequence) as usize;
        let probe = segment.data.len() == 1;
        let Some(part) = segment.data.get(..room).filter(|_| !probe) else { return segment.data };
        self.beyond = Some(segment.end());
        part
    }

    fn may_be_acked(&self, acknowledgement: u32) -> bool {
        let ahead = acknowledgement.wrapping_sub(self.acked) as i32;
        if ahead > 0 {
            let most = [Some(self.limit), Some(self.next), self.beyond];
            most.into_iter().flatten().any(|most| !before(most, acknowledgement))
        } else {
            let behind = ahead.unsigned_abs();
            behind == 0 || behind < self.window
        }
    }

    /// RFC 7323, section 5: not older than the last, unless that is 24 days ago.
    fn stamp_fits(&self, segment: &Segment<'_>) -> bool {
        let (Some((last, at)), Some((value, _))) = (self.stamp, segment.tcp.timestamp) else {
            return true;
        };
        let idle = (segment.now.seconds() as u32).saturating_sub(at);
        // One less is seen of common systems.
        value.wrapping_sub(last) as i32 >= -1 || last == 0 || idle > PAWS_IDLE_SECONDS
    }

    /// Whether an answer to a SYN echoes the SYN's timestamp, or that of the SYN sent again (RFC
    /// 7323, section 3.2): one that does not was made up by somebody who did not see it.
    fn is_echoed(&self, segment: &Segment<'_>) -> bool {
        match (self.stamp, segment.tcp.timestamp) {
            (Some((sent, _)), Some((_, echo))) => echo.wrapping_sub(sent) <= SYN_AGAIN_TICKS,
            (None, Some(_)) => self.unsure,
            (_, None) => true,
        }
    }

    fn take_stamp(&mut self, segment: &Segment<'_>) {
        if let Some((value, _)) = segment.tcp.timestamp {
            let last = self.stamp.map_or(value, |(last, _)| last);
            let old = before(value, last)
                && (segment.now.seconds() as u32)
                    .saturating_sub(self.stamp.map_or(0, |(_, at)| at))
                    <= PAWS_IDLE_SECONDS;
            let kept = if old { last } else { value };
            self.stamp = Some((kept, segment.now.seconds() as u32));
        }
    }
}

/// How far the timestamps of a SYN and of the same SYN sent again may be apart, ticks: five minutes
/// of the fastest clock in use, a tick each millisecond.
const SYN_AGAIN_TICKS: u32 = 300_000;

/// 24 days: RFC 7323, section 5.5.
const PAWS_IDLE_SECONDS: u32 = 24 * 86_400;

/// Index of the byte out of band that an urgent pointer names (RFC 6093: the byte before it).
fn urgent(tcp: &Tcp, length: usize) -> Option<usize> {
    let at = usize::from(tcp.urgent);
    (tcp.flags & tcp_flags::URG != 0 && at >= 1 && at <= length).then(|| at - 1)
}

/// The state after a packet that was taken.
const fn after(state: State, segment: &Segment<'_>, new_fin: bool, all_acked: bool) -> State {
    let server = matches!(segment.way, Direction::ToClient);
    match state {
        State::Established if new_fin && server => State::FinWait1,
        State::Established if new_fin => State::CloseWait,
        State::CloseWait if new_fin && server => State::LastAck,
        State::FinWait1 if new_fin && segment.has(tcp_flags::ACK) => State::TimeWait,
        State::FinWait1 if new_fin => State::Closing,
        State::FinWait1 if !server && all_acked => State::FinWait2,
        State::FinWait2 if new_fin => State::TimeWait,
        State::Closing if all_acked => State::TimeWait,
        State::LastAck if !server && all_acked => State::Closed,
        State::TimeWait if all_acked && !segment.has(tcp_flags::FIN) => State::Closed,
        other => other,
    }
}
