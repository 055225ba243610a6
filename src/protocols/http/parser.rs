//! Streams of both directions to transactions.

mod loss;

use std::collections::VecDeque;

use memchr::memchr;

use super::body::Body;
use super::decode::Decoder;
use super::framing::{self, After, Framing};
use super::head::{self, Found, Head, MAX_LINE, Notes, Search};
use super::transaction::{Transaction, is_protocol};
use super::{begins_response, events, is_method};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::{File, Wants};
use crate::net::{Chunk, Direction};
use crate::protocols::frame::Tape;
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Open transactions of a flow: Suricata's default.
const MAX_OPEN: usize = 512;

/// Parses one flow.
pub struct Http {
    transactions: Transactions<Transaction>,
    /// One per direction: 0 requests, 1 responses.
    halves: [Half; 2],
    /// Requests whose response is not over, oldest first. Bounded as open transactions are.
    waiting: VecDeque<u64>,
    /// Nothing more is parsed.
    stopped: bool,
    /// Bytes behind a response that ended HTTP.
    left_over: usize,
    /// What is to be learned of files.
    wants: Wants,
}

#[derive(Default)]
struct Half {
    state: State,
    /// Bytes of a head or a line that was cut.
    pending: Vec<u8>,
    search: Search,
    /// The transaction that is being added to.
    current: Option<u64>,
    /// Whether a message was seen: what follows one is judged more strictly.
    begun: bool,
    /// Whether the length of the last body was no plain number: what follows may be part of it.
    doubtful: bool,
    /// The transaction whose request is still coming while its response is here already.
    promised: Option<u64>,
    /// Bytes were lost between messages since the last one.
    lost: bool,
    ended: bool,
    /// The message as it stands on the wire, when frames are wanted.
    tape: Tape,
    /// It is complete, and not told yet.
    over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Body(Framing),
    /// After CONNECT, until the response tells whether there is a tunnel.
    Tunnel,
    /// After lost bytes, until a line begins a message.
    Lost,
}

impl Half {
    /// Whether the head of a request has begun and its end has not come yet.
    fn is_asking(&self) -> bool {
        let word = self.pending.split(|byte| *byte == b' ').next().unwrap_or_default();
        self.state == State::Head && self.promised.is_none() && is_method(word)
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            halves: Default::default(),
            waiting: VecDeque::new(),
            stopped: false,
            left_over: 0,
            wants: Wants::NOTHING,
        }
    }
}

/// A message of a direction, as rules name it.
const fn unit(way: Direction) -> &'static str {
    match way {
        Direction::ToServer => "request",
        Direction::ToClient => "response",
    }
}

impl Parser for Http {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped || self.half(direction).ended {
            return;
        }
        self.wants = moment.files;
        if direction == Direction::ToClient && !matches!(chunk, Chunk::Gap(_)) {
            self.settle_request(signals);
            self.tell(Direction::ToServer, signals);
        }
        match chunk {
            Chunk::Data(bytes) => self.data(direction, bytes, signals),
            Chunk::Gap(count) => {
                self.tear(direction, signals);
                self.gap(direction, count, signals);
                self.tell(direction, signals);
            }
            Chunk::End => {
                self.end(direction, signals);
                self.tell_rest(direction, signals);
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.waiting.retain(|other| *other != id);
        self.transactions.take(id).map(|transaction| transaction as Box<dyn Describe>)
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&File> {
        self.transactions.get(transaction)?.file(index)
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut File> {
        self.transactions.get_live_mut(transaction)?.file_mut(index)
    }

    fn memory(&self) -> usize {
        let held = |half: &Half| half.pending.capacity() + half.tape.memory();
        let pending: usize = self.halves.iter().map(held).sum();
        let open: usize = self.transactions.iter_open().map(|(_, t)| t.memory()).sum();
        size_of::<Self>() + self.transactions.memory() + pending + open
    }
}

impl Http {
    /// The transactions themselves, for tests.
    #[cfg(test)]
    pub const fn transactions_mut(&mut self) -> &mut Transactions<Transaction> {
        &mut self.transactions
    }

    const fn half(&mut self, way: Direction) -> &mut Half {
        way.of_mut(&mut self.halves)
    }

    fn data(&mut self, way: Direction, mut bytes: &[u8], signals: &mut Vec<Signal>) {
        while !bytes.is_empty() && !self.stopped {
            let (state, before) = (self.half(way).state, bytes);
            bytes = match state {
                State::Head => self.head(way, bytes, signals),
                State::Body(framing) => self.body(way, framing, bytes, signals),
                State::Tunnel => return,
                State::Lost => self.find_again(way, bytes),
            };
            if self.wants.frames {
                let taken = before.get(..before.len() - bytes.len()).unwrap_or_default();
                self.tape(way, state, taken);
                self.tell(way, signals);
            }
        }
        self.left_over = bytes.len();
    }

    /// Keeps what was taken of a message for its frame.
    fn tape(&mut self, way: Direction, before: State, taken: &[u8]) {
        let half = self.half(way);
        if before == State::Lost {
            if half.state == State::Head {
                half.tape = Tape::default();
                half.tape.add(&half.pending);
            }
            return;
        }
        let blank = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start =
            if half.tape.is_empty() { taken.iter().take_while(|b| blank(b)).count() } else { 0 };
        half.tape.add(taken.get(start..).unwrap_or_default());
    }

    /// Tells of a message that is complete as it stands on the wire.
    fn tell(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let wanted = self.wants.frames;
        let half = self.half(way);
        if wanted && std::mem::take(&mut half.over) {
            // What is still to be looked at begins the next message.
            let next = half.tape.give_back(&half.pending);
            half.tape.end(unit(way), way.side(), true, signals);
            half.tape = next;
        }
    }

    /// The end of the stream is that of the message too.
    fn tell_rest(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        let whole =
            std::mem::take(&mut half.over) || half.state == State::Body(Framing::UntilClose);
        half.tape.end(unit(way), way.side(), whole, signals);
    }

    /// Bytes are missing: what came before them is told.
    fn tear(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        self.half(way).tape.tear(unit(way), way.side(), signals);
    }

    /// Looks for the end of a head; parses it in place unless it was cut.
    fn head<'a>(&mut self, way: Direction, bytes: &'a [u8], signals: &mut Vec<Signal>) -> &'a [u8] {
        let half = self.half(way);
        let find = |search: &mut Search, bytes: &[u8]| match way {
            Direction::ToServer => search.find(bytes),
            Direction::ToClient => search.find_response(bytes),
        };
        if half.pending.is_empty() {
            return match find(&mut half.search, bytes) {
                Found::Head(end) => {
                    let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
                    self.complete(way, head, signals);
                    rest
                }
                Found::Body => {
                    self.headless(bytes, signals);
                    &[]
                }
                Found::More => {
                    half.pending.extend_from_slice(bytes);
                    &[]
                }
                Found::TooLong => self.too_long(way, signals),
            };
        }
        half.pending.extend_from_slice(bytes);
        match find(&mut half.search, &half.pending) {
            Found::Head(end) => {
                let pending = std::mem::take(&mut half.pending);
                let left = pending.len().saturating_sub(end);
                self.complete(way, pending.get(..end).unwrap_or_default(), signals);
                bytes.get(bytes.len().saturating_sub(left)..).unwrap_or_default()
            }
            Found::Body => {
                let pending = std::mem::take(&mut half.pending);
                self.headless(&pending, signals);
                &[]
            }
            Found::More => &[],
            Found::TooLong => self.too_long(way, signals),
        }
    }

    fn too_long(&mut self, way: Direction, signals: &mut Vec<Signal>) -> &'static [u8] {
        let event = match way {
            Direction::ToServer => &events::REQUEST_TOO_LONG,
            Direction::ToClient => &events::RESPONSE_TOO_LONG,
        };
        signals.push(Signal::Event { transaction: None, side: way.side(), event });
        self.give_up(signals);
        &[]
    }

    fn complete(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let start = std::mem::take(&mut self.half(way).search).start();
        let bytes = bytes.get(start..).unwrap_or_default();
        match way {
            Direction::ToServer => self.request(bytes, signals),
            Direction::ToClient if begins_response(bytes) => self.response(bytes, signals),
            Direction::ToClient => self.headless(bytes, signals),
        }
    }

    fn request(&mut self, bytes: &[u8], signals: &mut Vec<Signal>) {
        let mut notes = Notes::default();
        let mut new = Transaction::from_request(bytes, &mut notes);
        let head = &new.request;
        let known = head.part(0).is_some_and(is_method);
        let protocol = head.part(2).is_some_and(|text| text.starts_with(b"HTTP/"));
        let half = self.half(Direction::ToServer);
        if !known && (!protocol || half.doubtful) {
            if half.begun {
                let transaction = self.half(Direction::ToServer).current;
                let event = &events::REQUEST_BODY_UNEXPECTED;
                signals.push(Signal::Event { transaction, side: Side::Request, event });
                return;
            }
            notes.add(&events::REQUEST_LINE_INVALID);
        }
        if head.part(2).is_none() && head.headers().next().is_some() {
            notes.add(&events::REQUEST_LINE_NO_PROTOCOL);
        }
        let framing = framing::of_request(head, &mut notes);
        let doubtful = matches!(framing, Framing::Length(_)) && !framing::length_is_plain(head);
        let connect = head.part(0) == Some(b"CONNECT");
        if framing != Framing::None && !connect {
            if let Some(coding) = head.get(b"content-encoding") {
                let decoder = Decoder::new(coding, &mut |event| notes.add(event));
                new.request_body.decode(decoder);
            }
            new.expect_request_files(self.wants);
        }
        let id = self.asked(new, signals);
        raise(&notes, id, Side::Request, signals);
        ready(id, Side::Request, Stage::Head, signals);
        let half = self.half(Direction::ToServer);
        half.begun = true;
        half.doubtful = doubtful;
        half.current = Some(id);
        half.state = State::Body(framing);
        if connect {
            half.state = State::Tunnel;
            half.over = true;
            self.side_over(id, Side::Request, true, signals);
        } else if framing == Framing::None {
            self.message_over(Direction::ToServer, signals);
        }
    }

    /// A request came: it waits for its response, unless that came before its head was complete.
    fn asked(&mut self, mut new: Transaction, signals: &mut Vec<Signal>) -> u64 {
        if let Some(id) = self.half(Direction::ToServer).promised.take()
            && let Some(open) = self.transactions.get_mut(id)
        {
            new.take_response(open);
            *open = new;
            return id;
        }
        let flooded = &events::TOO_MANY_TRANSACTIONS;
        let id = self.transactions.open(new, Side::Request, flooded, signals);
        if self.waiting.len() >= MAX_OPEN {
            self.waiting.pop_front();
        }
        if !self.half(Direction::ToClient).ended {
            self.waiting.push_back(id);
        }
        id
    }

    /// The transaction that a response belongs to: the oldest waiting one, else, if it may be
    /// `early`, that of the request that is being sent, else a new one.
    fn answered(&mut self, early: bool, signals: &mut Vec<Signal>) -> u64 {
        self.pass_over_lost(signals);
        while let Some(id) = self.waiting.front().copied() {
            if self.transactions.get_mut(id).is_some_and(|open| !open.response_over) {
                return id;
            }
            self.waiting.pop_front();
        }
        let early = early && self.half(Direction::ToServer).is_asking();
        let mut new = Transaction::default();
        new.request_over = !early;
        let flooded = &events::TOO_MANY_TRANSACTIONS;
        let id = self.transactions.open(new, Side::Response, flooded, signals);
        if early {
            self.half(Direction::ToServer).promised = Some(id);
        } else {
            let event = &events::UNMATCHED_RESPONSE;
            signals.push(Signal::Event { transaction: Some(id), side: Side::Response, event });
        }
        self.waiting.push_back(id);
        id
    }

    fn response(&mut self, bytes: &[u8], signals: &mut Vec<Signal>) {
        let mut notes = Notes::default();
        let id = self.answered(true, signals);
        self.half(Direction::ToClient).begun = true;
        let Some(open) = self.transactions.get_mut(id) else { return };
        open.response = Head::response(bytes, &mut notes);
        let protocol = open.response.part(0);
        let versions: [&[u8]; 3] = [b"0.9", b"1.0", b"1.1"];
        if !versions.iter().any(|version| is_protocol(protocol, version)) {
            notes.add(&events::RESPONSE_INVALID_PROTOCOL);
        }
        if open.status().is_none() {
            notes.add(&events::RESPONSE_INVALID_STATUS);
        }
        let after = framing::of_response(open, &mut notes);
        if after == After::Response {
            if std::mem::replace(&mut open.seen_continue, true) {
                notes.add(&events::CONTINUE_ALREADY_SEEN);
            }
            open.response = Head::default();
            raise(&notes, id, Side::Response, signals);
            return;
        }
        if let After::Body(framing) = after
            && framing != Framing::None
        {
            if let Some(coding) = open.response.get(b"content-encoding") {
                let decoder = Decoder::new(coding, &mut |event| notes.add(event));
                open.response_body.decode(decoder);
            }
            open.expect_response_file(self.wants);
        }
        raise(&notes, id, Side::Response, signals);
        ready(id, Side::Response, Stage::Head, signals);
        self.after_response(id, after, signals);
    }

    fn after_response(&mut self, id: u64, after: After, signals: &mut Vec<Signal>) {
        let half = self.half(Direction::ToClient);
        half.current = Some(id);
        match after {
            After::Body(Framing::None) => self.message_over(Direction::ToClient, signals),
            After::Body(framing) => half.state = State::Body(framing),
            After::Handover => {
                self.side_over(id, Side::Request, true, signals);
                self.message_over(Direction::ToClient, signals);
                self.close_all(signals);
                self.stopped = true;
                let upgrade = self.transactions.get(id).and_then(|t| t.response.get(b"upgrade"));
                let successors = [("websocket", "websocket"), ("h2c", "http2")];
                let to = successors.iter().find(|(name, _)| {
                    upgrade.is_some_and(|to| to.eq_ignore_ascii_case(name.as_bytes()))
                });
                signals.push(Signal::Handover(to.map(|(_, protocol)| *protocol)));
            }
            After::GiveUp | After::Response => self.give_up(signals),
        }
    }

    /// Bytes where a response should begin. The first ones of a connection are the body of an
    /// HTTP/0.9 response, as browsers read them; later ones are passed over.
    fn headless(&mut self, bytes: &[u8], signals: &mut Vec<Signal>) {
        let half = self.half(Direction::ToClient);
        half.search = Search::default();
        if half.begun {
            return;
        }
        half.begun = true;
        let id = self.answered(false, signals);
        let wants = self.wants;
        self.transactions.get_mut(id).into_iter().for_each(|open| open.expect_response_file(wants));
        ready(id, Side::Response, Stage::Head, signals);
        let half = self.half(Direction::ToClient);
        half.current = Some(id);
        half.state = State::Body(Framing::UntilClose);
        self.content(Direction::ToClient, bytes, signals);
    }

    /// Takes the next part of a body; gives what is left.
    fn body<'a>(
        &mut self,
        way: Direction,
        framing: Framing,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        match framing {
            Framing::None => {
                self.message_over(way, signals);
                bytes
            }
            Framing::UntilClose => {
                self.content(way, bytes, signals);
                &[]
            }
            Framing::Surplus => self.surplus(way, bytes, signals),
            Framing::Length(left) | Framing::Chunk(left) | Framing::Doubtful(left) => {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let (part, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
                self.content(way, part, signals);
                self.advance(way, framing, left.saturating_sub(count as u64), signals);
                rest
            }
            Framing::ChunkEnd => {
                let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
                if bytes.get(..end).is_some_and(|part| part.ends_with(b"\n")) {
                    self.half(way).state = State::Body(Framing::Size);
                }
                self.count(way, end);
                bytes.get(end..).unwrap_or_default()
            }
            Framing::Size | Framing::Trailer => self.line(way, framing, bytes, signals),
        }
    }

    /// After a part of a body of known length, of which `left` bytes remain.
    fn advance(&mut self, way: Direction, framing: Framing, left: u64, signals: &mut Vec<Signal>) {
        let next = match framing {
            Framing::Length(_) if left == 0 => return self.message_over(way, signals),
            Framing::Length(_) => Framing::Length(left),
            Framing::Doubtful(_) if left == 0 => Framing::Surplus,
            Framing::Doubtful(_) => Framing::Doubtful(left),
            _ if left == 0 => Framing::ChunkEnd,
            _ => Framing::Chunk(left),
        };
        self.half(way).state = State::Body(next);
    }

    /// After a body of doubtful length: the next message, or more of the body.
    fn surplus<'a>(
        &mut self,
        way: Direction,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        let half = self.half(way);
        let held = half.pending.len();
        let wanted = head::RESPONSE_START.get(held..).unwrap_or_default();
        if bytes.starts_with(wanted) {
            self.message_over(way, signals);
            return bytes;
        }
        if wanted.starts_with(bytes) {
            half.pending.extend_from_slice(bytes);
            return &[];
        }
        half.state = State::Body(Framing::UntilClose);
        let held = std::mem::take(&mut half.pending);
        self.content(way, &held, signals);
        bytes
    }

    /// Collects a line of the chunked coding and acts on it.
    fn line<'a>(
        &mut self,
        way: Direction,
        framing: Framing,
        bytes: &'a [u8],
        signals: &mut Vec<Signal>,
    ) -> &'a [u8] {
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (part, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        let half = self.half(way);
        half.pending.extend_from_slice(part);
        let sized = framing != Framing::Size
            || half.pending.iter().find(|b| !head::is_space(**b)).is_none_or(u8::is_ascii_hexdigit);
        if way == Direction::ToClient && !sized {
            let line = std::mem::take(&mut half.pending);
            self.chunk(way, &line, signals);
            return rest;
        }
        if half.pending.len() > MAX_LINE {
            half.pending = Vec::new();
            return self.too_long(way, signals);
        }
        if !part.ends_with(b"\n") {
            return rest;
        }
        let line = std::mem::take(&mut half.pending);
        if framing == Framing::Trailer {
            self.count(way, line.len());
            if head::trim(&line).is_empty() {
                self.message_over(way, signals);
            }
        } else if head::trim(&line).is_empty() {
            self.count(way, line.len());
        } else {
            self.chunk(way, &line, signals);
        }
        rest
    }

    fn chunk(&mut self, way: Direction, line: &[u8], signals: &mut Vec<Signal>) {
        let request = way == Direction::ToServer;
        let parsed = framing::chunk_size(line);
        if parsed.extension {
            let event = if request {
                &events::REQUEST_CHUNK_EXTENSION
            } else {
                &events::RESPONSE_CHUNK_EXTENSION
            };
            self.event(way, event, signals);
        }
        let next = match parsed.size {
            Some(0) => Framing::Trailer,
            Some(size) => Framing::Chunk(size),
            None if request => {
                self.event(way, &events::INVALID_CHUNK_REQUEST, signals);
                return self.give_up(signals);
            }
            None => {
                // Browsers show the rest as it is.
                self.event(way, &events::INVALID_CHUNK_RESPONSE, signals);
                self.half(way).state = State::Body(Framing::UntilClose);
                return self.content(way, line, signals);
            }
        };
        self.count(way, line.len());
        self.half(way).state = State::Body(next);
    }

    fn event(&mut self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        let transaction = self.half(way).current;
        signals.push(Signal::Event { transaction, side: way.side(), event });
    }

    fn open_body(&mut self, way: Direction) -> Option<(u64, &mut Body)> {
        let id = self.half(way).current?;
        let open = self.transactions.get_mut(id)?;
        Some(match way {
            Direction::ToServer => (id, &mut open.request_body),
            Direction::ToClient => (id, &mut open.response_body),
        })
    }

    fn count(&mut self, way: Direction, bytes: usize) {
        if let Some((_, body)) = self.open_body(way) {
            body.count(bytes);
        }
    }

    fn content(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let Some((id, body)) = self.open_body(way) else { return };
        let mut notes = Notes::default();
        let full = body.add(bytes, &mut |event| notes.add(event));
        raise(&notes, id, way.side(), signals);
        if full {
            ready(id, way.side(), Stage::Body, signals);
        }
    }

    /// A message of this direction is complete.
    fn message_over(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        half.state = State::Head;
        half.over = true;
        if let Some(id) = self.half(way).current {
            self.side_over(id, way.side(), true, signals);
        }
        if way == Direction::ToClient {
            self.waiting.pop_front();
            // A CONNECT that was refused: the client may go on with requests.
            let half = self.half(Direction::ToServer);
            if half.state == State::Tunnel {
                half.state = State::Head;
            }
        }
    }

    /// Marks a side of a transaction complete, and the transaction done when both are. `whole` when
    /// all of the side's body was seen.
    fn side_over(&mut self, id: u64, side: Side, whole: bool, signals: &mut Vec<Signal>) {
        let no_response = self.half(Direction::ToClient).ended;
        let Some(open) = self.transactions.get_mut(id) else { return };
        let (over, body, first) = match side {
            Side::Request => (&mut open.request_over, &mut open.request_body, 1),
            _ => (&mut open.response_over, &mut open.response_body, 0),
        };
        if !std::mem::replace(over, true) {
            if body.finish(whole) {
                ready(id, side, Stage::Body, signals);
            }
            let indices = (first..).take(body.files().len());
            signals.extend(indices.map(|index| Signal::File { transaction: id, side, index }));
        }
        if open.request_over && (open.response_over || no_response) {
            self.transactions.close(id, signals);
        }
    }

    /// A request line without protocol waits for headers; when the server speaks, there are none.
    fn settle_request(&mut self, signals: &mut Vec<Signal>) {
        let half = self.half(Direction::ToServer);
        if half.state == State::Head && half.search.lines() == 1 && !half.pending.is_empty() {
            let old = Head::request(&half.pending, &mut Notes::default());
            if old.part(2).is_none() && old.part(0).is_some_and(is_method) {
                let pending = std::mem::take(&mut half.pending);
                self.complete(Direction::ToServer, &pending, signals);
            }
        }
    }

    fn end(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        let pending = std::mem::take(&mut half.pending);
        if way == Direction::ToClient
            && matches!(half.state, State::Body(Framing::Size | Framing::Surplus))
        {
            // Neither became what it might have been.
            self.content(way, &pending, signals);
        }
        let half = self.half(way);
        if half.state == State::Head && !head::trim(&pending).is_empty() {
            if half.search.lines() == 0 && way == Direction::ToServer {
                let event = &events::REQUEST_LINE_INCOMPLETE;
                signals.push(Signal::Event { transaction: None, side: Side::Request, event });
            }
            self.complete(way, &pending, signals);
        }
        if self.stopped {
            return;
        }
        self.half(way).ended = true;
        if let State::Body(framing) = self.half(way).state
            && let Some(id) = self.half(way).current
        {
            let whole = matches!(framing, Framing::UntilClose | Framing::Surplus);
            self.side_over(id, way.side(), whole, signals);
        }
        if way == Direction::ToClient {
            while let Some(id) = self.waiting.pop_front() {
                self.side_over(id, Side::Response, false, signals);
            }
        }
        if self.halves.iter().all(|half| half.ended) {
            self.close_all(signals);
        }
    }

    /// What was found stays; nothing more is parsed.
    fn give_up(&mut self, signals: &mut Vec<Signal>) {
        self.stopped = true;
        self.close_all(signals);
        signals.push(Signal::Stop);
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        self.waiting.clear();
        while let Some(id) = self.transactions.oldest_open() {
            self.side_over(id, Side::Request, false, signals);
            self.side_over(id, Side::Response, false, signals);
            self.transactions.close(id, signals);
        }
    }
}

fn ready(transaction: u64, side: Side, stage: Stage, signals: &mut Vec<Signal>) {
    signals.push(Signal::Ready { transaction, side, stage });
}

fn raise(notes: &Notes, id: u64, side: Side, signals: &mut Vec<Signal>) {
    let events = notes.iter();
    signals.extend(events.map(|event| Signal::Event { transaction: Some(id), side, event }));
}
