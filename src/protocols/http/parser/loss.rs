//! Bytes that never came: what becomes of the messages they tore, and which request the next
//! response answers.

use memchr::memchr;

use super::{Http, State};
use crate::field::Side;
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::http::framing::Framing;
use crate::protocols::http::head::{MAX_LINE, Search};
use crate::protocols::http::is_method;

impl Http {
    pub(super) fn gap(&mut self, way: Direction, count: u64, signals: &mut Vec<Signal>) {
        let mut beyond = count;
        if let State::Body(framing) = self.half(way).state {
            let within = match framing {
                Framing::UntilClose => count,
                Framing::Length(left) | Framing::Chunk(left) | Framing::Doubtful(left) => {
                    count.min(left)
                }
                _ => 0,
            };
            if let Some((_, body)) = self.open_body(way).filter(|_| within > 0) {
                body.lose(within);
            }
            if let Framing::Length(left) | Framing::Chunk(left) | Framing::Doubtful(left) = framing
            {
                self.advance(way, framing, left.saturating_sub(within), signals);
            }
            beyond = count.saturating_sub(within);
        }
        if beyond == 0 || matches!(self.half(way).state, State::Tunnel) {
            return;
        }
        self.torn_head(way, signals);
        if self.stopped {
            return;
        }
        if way == Direction::ToServer
            && let Some(id) = self.half(way).promised.take()
        {
            self.side_over(id, Side::Request, false, signals);
        }
        let half = self.half(way);
        half.pending = Vec::new();
        half.search = Search::default();
        let torn = half.current.filter(|_| matches!(half.state, State::Body(_)));
        half.state = State::Lost;
        half.lost = true;
        if let Some(id) = torn {
            self.side_over(id, way.side(), false, signals);
        }
    }

    /// Of a head of which at least the first line came, that is told.
    fn torn_head(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        if half.state == State::Head && half.search.lines() > 0 {
            let pending = std::mem::take(&mut half.pending);
            self.complete(way, &pending, signals);
        }
    }

    /// How many responses were lost cannot be told. Hardly a client sends a request before the last
    /// one is answered: what comes next answers the last request.
    pub(super) fn pass_over_lost(&mut self, signals: &mut Vec<Signal>) {
        if !std::mem::take(&mut self.half(Direction::ToClient).lost) {
            return;
        }
        while self.waiting.len() > 1
            && let Some(id) = self.waiting.pop_front()
        {
            self.side_over(id, Side::Response, false, signals);
        }
    }

    /// Passes over lines until one begins a message.
    pub(super) fn find_again<'a>(&mut self, way: Direction, bytes: &'a [u8]) -> &'a [u8] {
        let half = self.half(way);
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (part, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        half.pending.extend_from_slice(part);
        if half.pending.len() > MAX_LINE {
            half.pending.clear();
        }
        if part.ends_with(b"\n") {
            let method = half.pending.split(|byte| *byte == b' ').next().unwrap_or_default();
            let found = match way {
                Direction::ToServer => is_method(method),
                Direction::ToClient => half.pending.starts_with(b"HTTP/1."),
            };
            if found {
                half.state = State::Head;
                // The line is complete and stays pending; the search sees it with what follows.
            } else {
                half.pending.clear();
            }
        }
        rest
    }
}
