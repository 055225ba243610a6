//! The beginning of a connection: SYN, SYN/ACK, ACK, and what goes wrong there.

use super::events as e;
use super::{End, Output, Room, Segment, Session, State, Stream, before, later};
use crate::decode::tcp_flags;
use crate::net::Direction;

/// Window shift assumed for connections picked up on the way, the largest (RFC 7323).
const UNKNOWN_SCALE: u8 = 14;

/// SYN with different numbers that one connection may show before it counts as a flood.
const SYNS_MAX: u8 = 5;

impl Session {
    /// A connection that begins with this SYN (without ACK).
    pub fn begin(segment: &Segment<'_>, room: &mut Room<'_>) -> Self {
        let mut session = Self {
            state: State::SynSent,
            ends: [End::default(), End::default()],
            simultaneous: false,
            reset: None,
            open: false,
            syns: 1,
            syn_data: 0,
            picked_up: false,
            rival: None,
        };
        session.take_syn(segment, room);
        session
    }

    /// A connection whose beginning was not seen, from any packet but RST. Its client is `segment`'s
    /// sender when it goes to the server.
    pub fn pick_up(segment: &Segment<'_>) -> Self {
        let mut ends = [End::default(), End::default()];
        for end in &mut ends {
            end.scale = UNKNOWN_SCALE;
        }
        let mut session = Self {
            state: State::Established,
            ends,
            simultaneous: false,
            reset: None,
            open: true,
            syns: 0,
            syn_data: 0,
            picked_up: true,
            rival: None,
        };
        let (from, to) = session.both(segment.way);
        let syn = u32::from(segment.has(tcp_flags::SYN));
        from.isn = segment.tcp.sequence;
        from.next = from.isn.wrapping_add(syn);
        from.acked = from.next;
        from.limit = from.next;
        from.stream = Stream::new(from.next);
        from.heard = true;
        to.scale = UNKNOWN_SCALE;
        if segment.has(tcp_flags::ACK) {
            to.take_ack(segment.tcp.acknowledgement, u32::from(segment.tcp.window));
        }
        session
    }

    fn take_syn(&mut self, segment: &Segment<'_>, room: &mut Room<'_>) {
        let (client, _) = self.both(segment.way);
        client.stream.forget(room.budget);
        client.hear_syn(segment);
        // TCP fast open (RFC 7413): kept until the server's answer tells whether it was taken.
        client.stream.hold(client.next, segment.data, room);
        self.syn_data = segment.data.len() as u32;
    }

    pub(super) fn syn_sent(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        let Segment { tcp, way, .. } = *segment;
        let [client, server] = &mut self.ends;
        if way == Direction::ToClient && !segment.has(tcp_flags::SYN) && !client.is_echoed(segment)
        {
            out.event(&e::INVALID_TIMESTAMP);
            return false;
        }
        if segment.has(tcp_flags::RST) {
            // With the number after its SYN a client refuses an answer that does not fit, and goes
            // on (RFC 9293, section 3.10.7.3).
            let fits = match way {
                Direction::ToServer => tcp.sequence == client.isn,
                Direction::ToClient => {
                    !segment.has(tcp_flags::ACK) || tcp.acknowledgement != client.isn
                }
            };
            if fits {
                self.reset = Some(way);
                self.state = State::Closed;
                self.close(room, out);
            }
        } else if segment.has(tcp_flags::SYN | tcp_flags::ACK) {
            if way == Direction::ToServer {
                self.simultaneous_answer(segment, room, out);
                return false;
            }
            if self.simultaneous && tcp.sequence != server.isn {
                out.event(&e::FOUR_SYNACK_WRONG_SYN);
                return false;
            }
            let sent = client.next;
            let with_data = sent.wrapping_add(self.syn_data);
            if tcp.acknowledgement != sent && tcp.acknowledgement != with_data {
                out.event(&e::SYNACK_WRONG_ACK);
                return false;
            }
            if with_data != sent && tcp.acknowledgement == sent {
                out.event(&e::TFO_IGNORED);
                client.stream.forget(room.budget);
            }
            client.next = tcp.acknowledgement;
            self.answer(segment, room);
        } else if segment.has(tcp_flags::SYN) {
            return self.syn_again(segment, room, out);
        } else if way == Direction::ToServer && segment.has(tcp_flags::ACK) {
            if room.oneside && tcp.sequence == client.next {
                self.open = true;
                self.state = State::Established;
                return self.flowing(segment, room, out);
            }
            // Came before the SYN/ACK that it acknowledges: kept for when that comes.
            client.stream.hold(tcp.sequence, segment.data, room);
            return !segment.data.is_empty();
        }
        false
    }

    /// A SYN before any answer: the first, another, or one of the server. Returns whether its data
    /// will go to the stream.
    fn syn_again(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        let [client, server] = &mut self.ends;
        if segment.way == Direction::ToClient {
            self.simultaneous = true;
            server.stream.forget(room.budget);
            server.hear_syn(segment);
            return false;
        }
        if segment.tcp.sequence != client.isn {
            // The client gave up the old number: the server will answer the new one.
            self.syns = self.syns.saturating_add(1);
            if self.syns > SYNS_MAX {
                out.event(&e::SYN_FLOOD);
            }
            self.take_syn(segment, room);
        }
        // Data of fast open go to the stream when the server takes them, or come again.
        segment.tcp.fast_open && !segment.data.is_empty()
    }

    /// Both sides sent a SYN; the client's SYN/ACK answers the server's.
    fn simultaneous_answer(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) {
        let [client, server] = &mut self.ends;
        if !self.simultaneous {
            out.event(&e::SYNACK_WRONG_DIR);
        } else if segment.tcp.acknowledgement != server.next {
            out.event(&e::FOUR_SYNACK_WRONG_ACK);
        } else if segment.tcp.sequence != client.isn {
            out.event(&e::FOUR_SYNACK_WRONG_SYN);
        } else {
            self.answer(segment, room);
        }
    }

    /// Takes a fitting SYN/ACK.
    fn answer(&mut self, segment: &Segment<'_>, room: &mut Room<'_>) {
        let tcp = segment.tcp;
        let simultaneous = self.simultaneous;
        let (from, to) = self.both(segment.way);
        if !simultaneous {
            from.hear_syn(segment);
        }
        to.acked = tcp.acknowledgement;
        to.window = u32::from(tcp.window);
        to.limit = tcp.acknowledgement.wrapping_add(to.window);
        // No window of a SYN or SYN/ACK is scaled (RFC 7323, section 2.2).
        from.window = to.offered;
        from.limit = from.next.wrapping_add(from.window);
        let scaling = from.scaled && to.scaled;
        if !scaling {
            from.scale = 0;
            to.scale = 0;
        }
        // Timestamps count when both sides sent them (RFC 7323, section 3.2).
        if from.stamp.is_none() || to.stamp.is_none() {
            from.stamp = None;
            to.stamp = None;
        }
        from.stream.hold(from.next, segment.data, room);
        self.state = State::SynRecv;
    }

    pub(super) fn syn_recv(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        let Segment { tcp, way, data, .. } = *segment;
        let [client, server] = &mut self.ends;
        if segment.has(tcp_flags::RST) {
            self.reset(segment, room, out);
            return false;
        }
        if segment.has(tcp_flags::SYN | tcp_flags::ACK) {
            self.synack_again(segment, room, out);
            return false;
        }
        if segment.has(tcp_flags::SYN) {
            if way == Direction::ToClient {
                out.event(&e::SYN_TOCLIENT);
            } else if tcp.sequence != client.isn {
                out.event(&e::SYN_DIFF_SEQ);
            }
            return false;
        }
        if !segment.has(tcp_flags::ACK) {
            return false;
        }
        if way == Direction::ToClient {
            let missed = before(client.acked, tcp.acknowledgement)
                && !before(client.limit, tcp.acknowledgement);
            if !missed && !self.simultaneous {
                // Out of order, or the server speaks before it knows that it is heard.
                out.event(&e::ACK_WRONG_DIR);
                server.stream.hold(tcp.sequence, data, room);
                return !data.is_empty();
            }
        } else if tcp.acknowledgement != server.next
            && (before(tcp.acknowledgement, server.next)
                || before(server.next.wrapping_add(server.window), tcp.acknowledgement))
        {
            out.event(match (tcp.sequence == client.next, self.simultaneous) {
                (_, true) => &e::FOUR_INVALID_ACK,
                (true, false) => &e::RIGHT_SEQ_WRONG_ACK,
                (false, false) => &e::WRONG_SEQ_WRONG_ACK,
            });
            return false;
        } else if before(tcp.sequence, client.next) || before(client.limit, tcp.sequence) {
            out.event(if self.simultaneous { &e::FOUR_WRONG_SEQ } else { &e::WRONG_SEQ_WRONG_ACK });
            return false;
        }
        self.establish(segment, room, out)
    }

    /// The handshake is complete with this packet, which then is worked on as any other.
    fn establish(
        &mut self,
        segment: &Segment<'_>,
        room: &mut Room<'_>,
        out: &mut impl Output,
    ) -> bool {
        self.state = State::Established;
        self.open = true;
        let (from, to) = self.both(segment.way);
        let window = u32::from(segment.tcp.window) << from.scale;
        to.window = window;
        to.limit = later(to.limit, to.acked.wrapping_add(window));
        let [client, server] = &mut self.ends;
        client.stream.release(room, &mut |c| out.chunk(Direction::ToServer, c));
        server.stream.release(room, &mut |c| out.chunk(Direction::ToClient, c));
        client.next = later(client.next, client.stream.next());
        server.next = later(server.next, server.stream.next());
        self.flowing(segment, room, out)
    }

    /// A SYN/ACK after the first.
    fn synack_again(&mut self, segment: &Segment<'_>, room: &mut Room<'_>, out: &mut impl Output) {
        let tcp = segment.tcp;
        let simultaneous = self.simultaneous;
        let (from, to) = self.both(segment.way);
        if segment.way == Direction::ToServer && !simultaneous {
            out.event(&e::SYNACK_TOSERVER);
        } else if tcp.acknowledgement != to.next {
            out.event(&e::SYNACK_DIFF_ACK);
        } else if tcp.sequence != from.isn {
            // The server began anew; the client's acknowledgement will go by the last.
            out.event(&e::SYNACK_DIFF_SEQ);
            from.stream.forget(room.budget);
            from.hear_syn(segment);
            self.syns = self.syns.saturating_add(1);
            if self.syns > SYNS_MAX {
                out.event(&e::SYNACK_FLOOD);
            }
        }
    }

    /// A SYN after the handshake.
    pub(super) fn late_syn(&mut self, segment: &Segment<'_>, out: &mut impl Output) {
        if segment.has(tcp_flags::FIN) {
            out.event(&e::FIN_SYN);
        }
        let state = self.state;
        let (from, to) = self.both(segment.way);
        let same = segment.tcp.sequence == from.isn;
        let to_client = segment.way == Direction::ToClient;
        let answer = segment.has(tcp_flags::ACK);
        out.event(match (state, answer) {
            (State::Established, true) if !to_client => &e::EST_SYNACK_TOSERVER,
            (State::Established, true) if segment.tcp.acknowledgement != to.isn.wrapping_add(1) => {
                &e::EST_SYNACK_DIFF_ACK
            }
            (State::Established, true) if !same => &e::EST_SYNACK_DIFF_SEQ,
            (State::Established, true) => &e::EST_SYNACK_RESEND,
            (State::Established, false) if to_client => &e::EST_SYN_TOCLIENT,
            (State::Established, false) if !same => &e::EST_SYN_DIFF_SEQ,
            (State::Established, false) => &e::EST_SYN_RESEND,
            _ => &e::SHUTDOWN_SYN_RESEND,
        });
    }
}

impl End {
    fn hear_syn(&mut self, segment: &Segment<'_>) {
        let tcp = segment.tcp;
        self.isn = tcp.sequence;
        self.next = tcp.sequence.wrapping_add(1);
        self.acked = self.next;
        self.limit = self.next;
        // Where the capture cut the options off, all that may have been there was.
        self.unsure = tcp.options_cut;
        self.scaled = tcp.window_scale.is_some() || self.unsure;
        let scale = if self.unsure { UNKNOWN_SCALE } else { 0 };
        // RFC 7323: more than 14 counts as 14.
        self.scale = tcp.window_scale.unwrap_or(scale).min(UNKNOWN_SCALE);
        self.stamp = tcp.timestamp.map(|(value, _)| (value, segment.now.seconds() as u32));
        self.offered = u32::from(tcp.window);
        self.signed = (!self.unsure).then_some(tcp.signed);
        self.heard = true;
        self.stream = Stream::new(self.next);
    }
}
