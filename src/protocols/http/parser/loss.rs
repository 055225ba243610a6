//! Bytes that never came: what becomes of the messages they tore, and which request the next
//! response answers.

use memchr::memchr;

use super::{Half, Http, State, side};
use crate::field::Side;
use crate::net::Direction;
use crate::protocols::Signal;
use crate::protocols::http::framing::Framing;
use crate::protocols::http::head::{self, MAX_LINE, Search};
use crate::protocols::http::is_method;

impl Half {
    /// Whether a body is read whose head was lost.
    pub(super) const fn is_torn(&self) -> bool {
        matches!(self.state, State::Body(Framing::Torn | Framing::TornLine))
    }
}

impl Http {
    pub(super) fn gap(&mut self, way: Direction, count: u64, signals: &mut Vec<Signal>) {
        let mut beyond = count;
        if self.half(way).is_torn() {
            let half = self.half(way);
            half.state = State::Body(Framing::TornLine);
            half.lost = true;
            let held = std::mem::take(&mut half.pending);
            self.content(way, &held, signals);
        }
        if let State::Body(framing) = self.half(way).state {
            let within = match framing {
                Framing::UntilClose | Framing::TornLine => count,
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
        if way == Direction::ToClient && self.is_one_awaited() {
            let awaited = self.waiting.front().copied();
            let half = self.half(way);
            (half.lost, half.awaited) = (true, awaited);
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
            self.side_over(id, side(way), false, signals);
        }
    }

    /// Whether the bytes that were lost began the one response that is awaited: then what comes
    /// behind them is of it, or of a later one.
    fn is_one_awaited(&mut self) -> bool {
        let half = self.half(Direction::ToClient);
        let between = half.state == State::Head && half.pending.is_empty();
        let asked = match self.waiting.len() {
            0 => self.half(Direction::ToServer).is_asking(),
            count => count == 1,
        };
        between && asked
    }

    /// The request that the bytes behind a hole answer, if it was the only one without an answer and
    /// still has none.
    pub(super) fn awaited(&mut self) -> Option<u64> {
        let id = self.half(Direction::ToClient).awaited.take()?;
        self.transactions.get_mut(id).filter(|open| !open.response_over)?;
        self.half(Direction::ToClient).lost = false;
        Some(id)
    }

    /// The body of a response whose head was lost; how many bytes are of the next one.
    pub(super) fn torn_body(&mut self, mut bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        let way = Direction::ToClient;
        self.half(way).state = State::Body(Framing::TornLine);
        while !bytes.is_empty() {
            bytes = match self.half(way).state {
                State::Body(Framing::TornLine) => self.rest_of_line(way, bytes, signals),
                State::Body(Framing::Torn) if !bytes.starts_with(head::RESPONSE_START) => {
                    self.torn_line(way, bytes, signals)
                }
                _ => break,
            };
        }
        bytes.len()
    }

    /// Of a line of a torn body what is left.
    pub(super) fn rest_of_line<'a>(
        &mut self,
        way: Direction,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (part, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        self.content(way, part, signals);
        if part.ends_with(b"\n") {
            self.half(way).state = State::Body(Framing::Torn);
        }
        rest
    }

    /// At the start of a line of a torn body: it may begin the next message.
    pub(super) fn torn_line<'a>(
        &mut self,
        way: Direction,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        let half = self.half(way);
        let wanted = head::RESPONSE_START.get(half.pending.len()..).unwrap_or_default();
        if !bytes.starts_with(wanted) && wanted.starts_with(bytes) {
            half.pending.extend_from_slice(bytes);
            return &[];
        }
        if bytes.starts_with(wanted) {
            // The start of the line stays pending; the search sees it with what follows.
            half.state = State::Head;
            if let Some(id) = half.current {
                self.waiting.retain(|other| *other != id);
                self.side_over(id, side(way), false, signals);
            }
            return bytes;
        }
        half.state = State::Body(Framing::TornLine);
        let held = std::mem::take(&mut half.pending);
        self.content(way, &held, signals);
        bytes
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
