//! The application side of one flow: which protocol it speaks, and its parser.
//!
//! Ports give the order in which protocols are tried, probes prove. Bytes seen before the proof
//! are held and replayed, so that how a stream is cut changes nothing.

use super::recognise::{RECOGNISED, Recognised};
use super::{Carrier, Expectation, Moment, PROTOCOLS, Parser, Probe, Protocol, Signal};
use crate::field::{Describe, Event, Node, Side};
use crate::file::{File, KEPT_BYTES, Wants};
use crate::net::{Chunk, Direction};
use crate::time::Timestamp;

/// Datagrams of a flow that are tried after the first that nobody knew.
const DATAGRAMS_TRIED: u8 = 16;

/// Bytes held of a direction while nothing is proved.
pub const MAX_HELD_BYTES: usize = 4096;

/// Pieces held of both directions while nothing is proved.
pub const MAX_HELD_PIECES: usize = 64;

/// Bytes that one side may send, alone and unrecognised, before the flow is given up.
pub const MAX_ONE_SIDED_BYTES: u64 = 100_000;

/// How many times a flow may turn into another protocol.
pub const MAX_HANDOVERS: usize = 4;

/// The two sides speak different protocols.
pub static MISMATCH: Event = Event {
    name: "applayer_mismatch_protocol_both_directions",
    help: "Client and server speak two different protocols.",
};

/// The server spoke first where the client should.
pub static WRONG_DIRECTION: Event = Event {
    name: "applayer_wrong_direction_first_data",
    help: "The first data came from the server, in a protocol where the client begins.",
};

/// Only one side is recognised.
pub static ONE_DIRECTION: Event = Event {
    name: "applayer_detect_protocol_only_one_direction",
    help: "Only one side of the flow speaks the protocol that was found.",
};

/// Bytes were lost before the protocol was found.
pub static SKIPPED: Event = Event {
    name: "applayer_proto_detection_skipped",
    help: "Bytes were lost, or too many came, before the protocol was found.",
};

/// The events that identification itself raises: `app-layer-event:NAME`, without a protocol.
pub static EVENTS: &[&Event] = &[&MISMATCH, &WRONG_DIRECTION, &ONE_DIRECTION, &SKIPPED];

/// How far identification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing proved yet.
    Unknown,
    /// Given up.
    Failed,
    /// A parser is at work.
    Known,
    /// The protocol is known by name and has no parser here.
    Recognised,
    /// The parser understands nothing more.
    Stopped,
    /// What comes is encrypted.
    Sealed,
}

/// The application side of one flow.
pub struct Session {
    state: State,
    carrier: Carrier,
    server_port: u16,
    client_port: u16,
    /// Index in [`PROTOCOLS`] of the latest protocol found.
    protocol: Option<usize>,
    /// Index in [`RECOGNISED`].
    recognised: Option<usize>,
    /// What each side by itself was found to speak.
    sides: [Verdict; 2],
    /// The parser at work and those that were handed over and still hold transactions.
    stages: Vec<Work>,
    held: Option<Box<Held>>,
    /// First free transaction number of the flow.
    next: u64,
    /// Datagrams that were tried after one that nobody knew.
    retries: u8,
    /// See [`Session::late`].
    late: bool,
    /// What is to be learned of files.
    files: Wants,
}

/// What one side by itself was found to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It has not spoken, or not enough.
    Open,
    /// Nothing that we know.
    Failed,
    /// This.
    Found(Found),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Index in [`PROTOCOLS`].
    Parsed(usize),
    /// Index in [`RECOGNISED`].
    Named(usize),
}

/// A parser and where its transactions begin in the flow's numbering.
struct Work {
    parser: Box<dyn Parser>,
    protocol: usize,
    offset: u64,
}

/// What came before the proof.
#[derive(Default)]
struct Held {
    bytes: [Vec<u8>; 2],
    pieces: Vec<(Direction, Piece)>,
    /// Bytes that came each way, held or not.
    seen: [u64; 2],
}

enum Piece {
    Data(usize),
    Gap(u64),
    End,
}

impl Session {
    /// For a new flow.
    pub fn new(carrier: Carrier, server_port: u16, client_port: u16, files: Wants) -> Self {
        Self {
            state: State::Unknown,
            carrier,
            server_port,
            client_port,
            protocol: None,
            recognised: None,
            sides: [Verdict::Open; 2],
            stages: Vec::new(),
            held: None,
            next: 0,
            retries: 0,
            late: false,
            files,
        }
    }

    /// The flow's beginning was not seen, and what it speaks can be taken up behind any message: its first
    /// bytes may be the rest of one.
    #[must_use]
    pub const fn late(mut self) -> Self {
        self.late = true;
        self
    }

    /// The flow was announced by another: what it speaks is known before it says anything.
    #[must_use]
    pub fn expected(mut self, expectation: &Expectation) -> Self {
        if self.take_over(expectation.protocol)
            && let Some(work) = self.stages.last_mut()
        {
            work.parser.expected(&expectation.context);
        }
        self
    }

    /// Takes the next chunk of a direction; what it meant is added to `signals`, with transaction
    /// numbers that are unique within the flow. [`Signal::Handover`], [`Signal::Stop`]
    /// and [`Signal::Sealed`] are obeyed here already.
    #[inline]
    pub fn chunk(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
        signals: &mut Vec<Signal>,
    ) {
        match self.state {
            State::Known => self.parse(direction, chunk, now, signals),
            State::Unknown => self.probe(direction, chunk, now, signals),
            State::Failed => {
                self.try_again(direction, chunk, now, signals);
            }
            State::Recognised | State::Stopped | State::Sealed => {}
        }
    }

    /// How far identification has come.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The latest protocol found that has a parser: its index in [`PROTOCOLS`].
    pub const fn protocol(&self) -> Option<usize> {
        self.protocol
    }

    /// Whether its streams are read beyond the depth to which others are.
    pub fn is_endless(&self) -> bool {
        self.stages.last().is_some_and(|work| work.parser.is_endless())
    }

    /// As EVE names the flow's protocol: `failed` when given up, `None` while nothing is known.
    pub fn name(&self) -> Option<&'static str> {
        let found = match (self.recognised, self.protocol) {
            (Some(index), _) => Some(Found::Named(index)),
            (None, Some(index)) => Some(Found::Parsed(index)),
            (None, None) => None,
        };
        match found {
            Some(found) => Some(found.name()),
            None if self.state == State::Failed => Some("failed"),
            None => None,
        }
    }

    /// A live transaction.
    pub fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        let work = self.work(id)?;
        work.parser.transaction(id.checked_sub(work.offset)?)
    }

    /// Takes a transaction out.
    pub fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let work = self.stages.iter_mut().rev().find(|w| w.offset <= id)?;
        work.parser.take(id.checked_sub(work.offset)?)
    }

    /// A file of a live transaction.
    pub fn file(&self, id: u64, index: u32) -> Option<&File> {
        let work = self.work(id)?;
        work.parser.file(id.checked_sub(work.offset)?, index)
    }

    /// The same, to mark it.
    pub fn file_mut(&mut self, id: u64, index: u32) -> Option<&mut File> {
        let work = self.stages.iter_mut().rev().find(|w| w.offset <= id)?;
        work.parser.file_mut(id.checked_sub(work.offset)?, index)
    }

    /// The protocol of a transaction: its index in [`PROTOCOLS`].
    pub fn protocol_of(&self, id: u64) -> Option<usize> {
        self.work(id).map(|work| work.protocol)
    }

    /// Transactions told of so far: the first number not used yet.
    pub const fn transactions(&self) -> u64 {
        self.next
    }

    /// Bytes held, about: counted against the flow memory limit.
    pub fn memory(&self) -> usize {
        let held = self.held.as_ref().map_or(0, |held| {
            let bytes: usize = held.bytes.iter().map(Vec::capacity).sum();
            size_of::<Held>() + bytes + held.pieces.capacity() * size_of::<(Direction, Piece)>()
        });
        held + self.stages.capacity() * size_of::<Work>()
            + self.stages.iter().map(|work| work.parser.memory()).sum::<usize>()
    }

    fn work(&self, id: u64) -> Option<&Work> {
        self.stages.iter().rev().find(|work| work.offset <= id)
    }

    fn verdict(&self, direction: Direction) -> Verdict {
        let [server, client] = self.sides;
        match direction {
            Direction::ToServer => server,
            Direction::ToClient => client,
        }
    }

    fn set_verdict(&mut self, direction: Direction, verdict: Verdict) {
        *direction.of_mut(&mut self.sides) = verdict;
    }

    /// Gives the chunk to the parser at work.
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
        signals: &mut Vec<Signal>,
    ) {
        if self.verdict(direction) == Verdict::Open {
            self.second_side(direction, chunk, signals);
        }
        let Self { carrier, server_port, files, .. } = *self;
        let moment = Moment { now, carrier, server_port, files };
        let Some(work) = self.stages.last_mut() else { return };
        let start = signals.len();
        work.parser.parse(direction, chunk, &moment, signals);
        let (mut handover, mut over) = (None, None);
        for signal in signals.iter_mut().skip(start) {
            match signal {
                Signal::Ready { transaction, .. }
                | Signal::File { transaction, .. }
                | Signal::Done { transaction }
                | Signal::Event { transaction: Some(transaction), .. } => {
                    *transaction = transaction.saturating_add(work.offset);
                    self.next = self.next.max(transaction.saturating_add(1));
                }
                Signal::Event { transaction: None, .. } | Signal::Expect(_) | Signal::Frame(_) => {}
                Signal::Handover(to) => handover = Some(*to),
                Signal::Stop => over = Some(State::Stopped),
                Signal::Sealed => over = Some(State::Sealed),
            }
        }
        if let Some(over) = over {
            self.state = over;
        } else if let Some(to) = handover {
            let left = work.parser.left_over();
            self.hand_over(to);
            if let Chunk::Data(bytes) = chunk
                && let Some(rest) = bytes.get(bytes.len().saturating_sub(left)..)
                && !rest.is_empty()
            {
                self.chunk(direction, Chunk::Data(rest), now, signals);
            }
        }
    }

    /// What the side that speaks second says of itself, as soon as its bytes are enough to tell.
    /// It changes nothing but what is told.
    fn second_side(&mut self, way: Direction, chunk: Chunk<'_>, signals: &mut Vec<Signal>) {
        let held_before = self.held.as_ref().is_some_and(|held| !held.of(way).is_empty());
        let verdict = match chunk {
            Chunk::Data(bytes) if !held_before => self.judge_second(way, bytes, false),
            Chunk::Data(_) => {
                self.hold(way, chunk);
                self.judge_second_held(way, false)
            }
            Chunk::Gap(_) | Chunk::End if held_before => self.judge_second_held(way, true),
            Chunk::Gap(_) | Chunk::End => return,
        };
        if verdict == Verdict::Open {
            if !held_before {
                self.hold(way, chunk);
            }
            return;
        }
        self.held = None;
        self.set_verdict(way, verdict);
        let event = match verdict {
            Verdict::Found(Found::Parsed(index)) if Some(index) == self.protocol => return,
            Verdict::Failed => &ONE_DIRECTION,
            _ => &MISMATCH,
        };
        signals.push(Signal::Event { transaction: None, side: way.side(), event });
    }

    fn judge_second_held(&self, way: Direction, last: bool) -> Verdict {
        let bytes = self.held.as_ref().map_or(&[][..], |held| held.of(way));
        self.judge_second(way, bytes, last)
    }

    /// The protocol of the other side comes first.
    fn judge_second(&self, way: Direction, bytes: &[u8], last: bool) -> Verdict {
        let last = last || self.carrier == Carrier::Udp || bytes.len() >= MAX_HELD_BYTES;
        let Some(index) = self.protocol else { return Verdict::Open };
        match PROTOCOLS.get(index).map(|p| (p.probe)(way, self.carrier, bytes)) {
            Some(Probe::No) => self.judge(way, bytes, last),
            Some(Probe::NeedMore) if !last => Verdict::Open,
            _ => Verdict::Found(Found::Parsed(index)),
        }
    }

    /// The parser at work stays only to be read; the next bytes are those of the protocol named,
    /// or are probed anew.
    fn hand_over(&mut self, to: Option<&'static str>) {
        self.sides = [Verdict::Open; 2];
        self.held = None;
        let more = self.stages.len() <= MAX_HANDOVERS;
        self.state = if more { State::Unknown } else { State::Failed };
        if let Some(name) = to.filter(|_| more) {
            self.take_over(name);
        }
    }

    /// A parser of the protocol named gets the next bytes, without proof.
    fn take_over(&mut self, name: &str) -> bool {
        let Some(index) = PROTOCOLS.iter().position(|known| known.name == name) else {
            return false;
        };
        self.sides = [Verdict::Found(Found::Parsed(index)); 2];
        self.work_as(index);
        true
    }

    /// Tells the parser that bytes are missing before what it gets first, of either side.
    fn lose_beginning(&mut self, now: Timestamp, signals: &mut Vec<Signal>) {
        let Self { carrier, server_port, files, .. } = *self;
        let moment = Moment { now, carrier, server_port, files };
        let Some(work) = self.stages.last_mut() else { return };
        for way in [Direction::ToServer, Direction::ToClient] {
            work.parser.parse(way, Chunk::Gap(1), &moment, signals);
        }
    }

    fn work_as(&mut self, index: usize) {
        let Some(protocol) = PROTOCOLS.get(index) else { return };
        self.protocol = Some(index);
        self.state = State::Known;
        let parser = (protocol.parser)();
        self.stages.push(Work { parser, protocol: index, offset: self.next });
    }

    /// A datagram, or a segment of a connection whose beginning was not seen, behind some that nobody
    /// knew: the first may be anything, sent to blind who looks, or the rest of a message. Only what the
    /// ports hint at is tried. Whether it was found.
    fn try_again(
        &mut self,
        way: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
        signals: &mut Vec<Signal>,
    ) -> bool {
        let Chunk::Data(bytes) = chunk else { return false };
        let again = self.carrier == Carrier::Udp || self.late;
        if !again || bytes.is_empty() || self.retries >= DATAGRAMS_TRIED {
            return false;
        }
        let carrier = self.carrier;
        let hinted = |protocol: &Protocol| {
            protocol.carriers.contains(&carrier) && self.rank(protocol) == Some(0)
        };
        let fits = |protocol: &Protocol| {
            hinted(protocol) && (protocol.probe)(way, carrier, bytes) == Probe::Yes
        };
        let index = PROTOCOLS.iter().position(|protocol| fits(protocol));
        // Most ports hint at nothing, and will not later.
        let hopeless = self.retries == 0 && !PROTOCOLS.iter().any(|protocol| hinted(protocol));
        self.retries = if hopeless { DATAGRAMS_TRIED } else { self.retries + 1 };
        let Some(index) = index else { return false };
        let found = Found::Parsed(index);
        self.held = None;
        self.set_verdict(way, Verdict::Found(found));
        self.found(way, found, now, signals);
        self.chunk(way, chunk, now, signals);
        true
    }

    /// Finds what the chunk is, or holds it.
    fn probe(
        &mut self,
        way: Direction,
        chunk: Chunk<'_>,
        now: Timestamp,
        signals: &mut Vec<Signal>,
    ) {
        if self.verdict(way) == Verdict::Failed && self.try_again(way, chunk, now, signals) {
            return;
        }
        let held_before = self.held.as_ref().is_some_and(|held| !held.of(way).is_empty());
        let mut stored = false;
        let verdict = match (chunk, self.verdict(way)) {
            (Chunk::Data([]), _) => return,
            (Chunk::Data(bytes), Verdict::Open) if !held_before => {
                self.judge(way, bytes, bytes.len() >= MAX_HELD_BYTES)
            }
            (Chunk::Data(_), Verdict::Open) => {
                self.hold(way, chunk);
                stored = true;
                self.judge_held(way, false)
            }
            (Chunk::Gap(_), Verdict::Open) => {
                let event = &SKIPPED;
                signals.push(Signal::Event { transaction: None, side: way.side(), event });
                Verdict::Failed
            }
            (Chunk::End, Verdict::Open) if held_before => self.judge_held(way, true),
            (_, verdict) => verdict,
        };
        self.set_verdict(way, verdict);
        if let Verdict::Found(found) = verdict {
            self.found(way, found, now, signals);
            if !stored {
                self.chunk(way, chunk, now, signals);
            }
            return;
        }
        if !stored {
            self.hold(way, chunk);
        }
        self.give_up(way);
    }

    fn judge_held(&self, way: Direction, last: bool) -> Verdict {
        let bytes = self.held.as_ref().map_or(&[][..], |held| held.of(way));
        self.judge(way, bytes, last || bytes.len() >= MAX_HELD_BYTES)
    }

    fn judge(&self, way: Direction, bytes: &[u8], last: bool) -> Verdict {
        // A datagram is whole: there is nothing to wait for.
        match self.identify(way, bytes, last || self.carrier == Carrier::Udp) {
            Probed::Found(found) => Verdict::Found(found),
            Probed::Nothing => Verdict::Failed,
            Probed::More => Verdict::Open,
        }
    }

    /// Asks the probes: hinted by the server's port, then those that go anywhere; a client's port
    /// hints at nothing that is parsed, as the reference engine has it, but where answers are flows of
    /// their own. A probe that wants more holds back all after it, so that cuts change nothing.
    fn identify(&self, way: Direction, bytes: &[u8], last: bool) -> Probed {
        let carried = |p: &Protocol| p.carriers.contains(&self.carrier);
        for rank in 0..2_u8 {
            for (index, protocol) in PROTOCOLS.iter().enumerate().filter(|(_, p)| carried(p)) {
                if self.rank(protocol) != Some(rank) {
                    continue;
                }
                match (protocol.probe)(way, self.carrier, bytes) {
                    Probe::Yes => return Probed::Found(Found::Parsed(index)),
                    Probe::NeedMore if !last => return Probed::More,
                    Probe::NeedMore | Probe::No => {}
                }
            }
        }
        for (index, named) in RECOGNISED.iter().enumerate() {
            let hinted = self.by_server(named.ports) || self.by_client(named.ports);
            if !(named.anywhere || hinted) || named.carrier != self.carrier {
                continue;
            }
            match (named.probe)(way, bytes) {
                Probe::Yes => return Probed::Found(self.named(index, named)),
                Probe::NeedMore if !last => return Probed::More,
                Probe::NeedMore | Probe::No => {}
            }
        }
        Probed::Nothing
    }

    /// What is told by name is read where the server's port is known for it.
    fn named(&self, index: usize, named: &Recognised) -> Found {
        let read = PROTOCOLS.iter().position(|parsed| parsed.name == named.name);
        let read = read.filter(|_| self.by_server(named.ports));
        read.map_or(Found::Named(index), Found::Parsed)
    }

    /// When a protocol is tried: 0 first; `None` not at all.
    fn rank(&self, protocol: &Protocol) -> Option<u8> {
        let answers = protocol.by_client && protocol.ports.contains(&self.client_port);
        let hinted = self.by_server(protocol.ports) || answers;
        if hinted { Some(0) } else { protocol.anywhere.then_some(1) }
    }

    fn by_server(&self, ports: &[u16]) -> bool {
        ports.contains(&self.server_port)
    }

    /// A stream may be seen from its middle, so that who seems the client is the server.
    fn by_client(&self, ports: &[u16]) -> bool {
        self.carrier == Carrier::Tcp && ports.contains(&self.client_port)
    }

    /// Starts the parser and replays what was held.
    fn found(&mut self, way: Direction, found: Found, now: Timestamp, signals: &mut Vec<Signal>) {
        let held = self.held.take();
        let Found::Parsed(index) = found else {
            if let Found::Named(index) = found {
                self.recognised = Some(index);
            }
            self.state = State::Recognised;
            return;
        };
        self.work_as(index);
        if self.late && self.stages.len() == 1 {
            self.lose_beginning(now, signals);
        }
        let first = held.as_ref().and_then(|held| held.pieces.first()).map_or(way, |(way, _)| *way);
        let server_begins = self.stages.last().is_some_and(|work| work.parser.server_begins());
        if first == Direction::ToClient
            && !server_begins
            && self.carrier == Carrier::Tcp
            && self.stages.len() == 1
            && !self.late
        {
            let event = &WRONG_DIRECTION;
            signals.push(Signal::Event { transaction: None, side: Side::Response, event });
        }
        if let Some(held) = held {
            self.replay(&held, now, signals);
        }
    }

    fn replay(&mut self, held: &Held, now: Timestamp, signals: &mut Vec<Signal>) {
        let [server, client] = &held.bytes;
        let mut at = [0_usize; 2];
        for (way, piece) in &held.pieces {
            let chunk = match piece {
                Piece::Data(length) => {
                    let from = at.get(way.index()).copied().unwrap_or(0);
                    let bytes = if *way == Direction::ToServer { server } else { client };
                    *way.of_mut(&mut at) += length;
                    Chunk::Data(bytes.get(from..from + length).unwrap_or_default())
                }
                Piece::Gap(length) => Chunk::Gap(*length),
                Piece::End => Chunk::End,
            };
            self.chunk(*way, chunk, now, signals);
        }
    }

    /// Keeps the chunk for the day when the protocol is found. Datagrams are not kept: each
    /// stands for itself.
    fn hold(&mut self, way: Direction, chunk: Chunk<'_>) {
        if self.carrier == Carrier::Tcp {
            self.held.get_or_insert_default().add(way, chunk);
        }
    }

    /// Gives the flow up once neither side is known, or one talks and talks alone.
    fn give_up(&mut self, way: Direction) {
        let seen = self.held.as_ref().map_or([0; 2], |held| held.seen);
        let alone = match seen {
            [0, many] | [many, 0] => many > MAX_ONE_SIDED_BYTES,
            _ => false,
        };
        let failed = |v| v == Verdict::Failed;
        if self.sides.iter().all(|v| failed(*v)) || (alone && failed(self.verdict(way))) {
            self.state = State::Failed;
            self.held = None;
        }
    }
}

enum Probed {
    Found(Found),
    Nothing,
    More,
}

impl Found {
    fn name(self) -> &'static str {
        match self {
            Self::Parsed(index) => PROTOCOLS.get(index).map_or("unknown", |p| p.name),
            Self::Named(index) => RECOGNISED.get(index).map_or("unknown", |r| r.name),
        }
    }
}

impl Held {
    fn of(&self, way: Direction) -> &[u8] {
        let [server, client] = &self.bytes;
        if way == Direction::ToServer { server } else { client }
    }

    fn add(&mut self, way: Direction, chunk: Chunk<'_>) {
        match chunk {
            Chunk::Data(bytes) => self.add_bytes(way, bytes),
            Chunk::Gap(length) => self.lose(way, length),
            Chunk::End => self.add_piece(way, Piece::End),
        }
    }

    fn add_bytes(&mut self, way: Direction, bytes: &[u8]) {
        let index = way.index();
        if let Some(seen) = self.seen.get_mut(index) {
            *seen = seen.saturating_add(bytes.len() as u64);
        }
        let lost = self.pieces.iter().any(|(w, p)| *w == way && matches!(p, Piece::Gap(_)));
        let Some(kept) = self.bytes.get_mut(index) else { return };
        let room = if lost { 0 } else { MAX_HELD_BYTES.saturating_sub(kept.len()) };
        let (fits, over) = bytes.split_at(room.min(bytes.len()));
        if !fits.is_empty() {
            kept.extend_from_slice(fits);
            match self.pieces.last_mut() {
                Some((last, Piece::Data(length))) if *last == way => *length += fits.len(),
                _ => self.add_piece(way, Piece::Data(fits.len())),
            }
        }
        if !over.is_empty() {
            self.lose(way, over.len() as u64);
        }
    }

    fn lose(&mut self, way: Direction, length: u64) {
        match self.pieces.last_mut() {
            Some((last, Piece::Gap(lost))) if *last == way => *lost = lost.saturating_add(length),
            _ => self.add_piece(way, Piece::Gap(length)),
        }
    }

    fn add_piece(&mut self, way: Direction, piece: Piece) {
        if self.pieces.len() < MAX_HELD_PIECES {
            self.pieces.push((way, piece));
        }
    }
}

/// Everything is asked of files and frames.
const HASHED: Wants = Wants {
    md5: true,
    sha1: true,
    sha256: true,
    magic: true,
    content: 1000,
    unread: false,
    frames: true,
};

/// Feeds `data` to a session in pieces whose directions and lengths the data itself gives: what
/// a fuzzer calls, and what must never panic nor hold much.
pub fn fuzz_session(data: &[u8]) {
    let Some(([carrier, port, ..], mut rest)) = data.split_first_chunk::<2>() else { return };
    let carrier = if carrier & 1 == 0 { Carrier::Tcp } else { Carrier::Udp };
    let ports: Vec<u16> = PROTOCOLS.iter().flat_map(|p| p.ports).copied().collect();
    let port = ports.get(usize::from(*port) % ports.len().max(1)).copied().unwrap_or(80);
    let mut session = Session::new(carrier, port, 40_000, HASHED);
    let mut signals = Vec::new();
    while let Some(([head, low], tail)) = rest.split_first_chunk::<2>() {
        let way = if head & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let length = (usize::from(head >> 4) << 8 | usize::from(*low)).min(tail.len());
        let (piece, after) = tail.split_at(length);
        rest = after;
        let chunk = if head & 14 == 14 { Chunk::Gap(length as u64) } else { Chunk::Data(piece) };
        session.chunk(way, chunk, Timestamp::default(), &mut signals);
        for signal in signals.drain(..) {
            match signal {
                Signal::Done { transaction } => {
                    let taken = session.take(transaction);
                    debug_assert!(taken.is_none_or(|t| !matches!(Node::of(&*t), Node::Int(_))));
                }
                Signal::Ready { transaction, .. } => {
                    if let Some(thing) = session.transaction(transaction) {
                        (0..64).for_each(|row| thing.read(row, &mut |_| {}));
                    }
                }
                Signal::File { transaction, index, .. } => {
                    let file = session.file_mut(transaction, index);
                    debug_assert!(file.is_some_and(|file| file.data().len() <= KEPT_BYTES));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    type Turn<'a> = (Direction, Chunk<'a>);

    /// What a conversation brings forth: signals in order, then every transaction.
    fn outcome(protocol: &Protocol, turns: &[Turn<'_>]) -> (Vec<String>, Vec<Node>) {
        let port = protocol.ports.first().copied().unwrap_or(4242);
        let mut session = Session::new(protocol.carriers[0], port, 50_000, HASHED);
        if protocol.carriers.contains(&Carrier::Tcp) {
            session = Session::new(Carrier::Tcp, port, 50_000, HASHED);
        }
        let mut signals = Vec::new();
        let mut told = Vec::new();
        for (way, chunk) in turns {
            session.chunk(*way, *chunk, Timestamp::default(), &mut signals);
            told.extend(signals.drain(..).map(|signal| format!("{signal:?}")));
        }
        let all = (0..session.transactions()).filter_map(|id| session.take(id));
        (told, all.map(|thing| Node::of(&*thing)).collect())
    }

    /// The first datagram of a flow may be anything: who sends it must not blind who looks.
    #[test]
    fn a_datagram_of_junk_hides_nothing_behind_it() {
        let mut tried = 0;
        for protocol in PROTOCOLS.iter().filter(|p| p.carriers.contains(&Carrier::Udp)) {
            let Some(port) = protocol.ports.first() else { continue };
            for sample in protocol.samples {
                let told = |junk: &[(Direction, &[u8])]| {
                    let mut session = Session::new(Carrier::Udp, *port, 50_000, HASHED);
                    let mut signals = Vec::new();
                    for (way, bytes) in junk.iter().chain(sample.turns) {
                        let chunk = Chunk::Data(bytes);
                        session.chunk(*way, chunk, Timestamp::default(), &mut signals);
                    }
                    let known = session.protocol().and_then(|at| PROTOCOLS.get(at));
                    (known.map(|known| known.name), session.transactions(), session.name())
                };
                let alone = told(&[]);
                if alone.0 != Some(protocol.name) {
                    continue;
                }
                tried += 1;
                for way in [Direction::ToServer, Direction::ToClient] {
                    let junk: &[(Direction, &[u8])] = &[(way, b"\x00\x00\x00"), (way, b"\xff")];
                    assert_eq!(told(junk), alone, "{}: {}", protocol.name, sample.name);
                }
            }
        }
        assert!(tried > 15, "{tried}");
    }

    #[test]
    fn how_a_conversation_is_cut_changes_nothing() {
        for protocol in PROTOCOLS {
            for sample in protocol.samples {
                let whole: Vec<Turn<'_>> =
                    sample.turns.iter().map(|(way, bytes)| (*way, Chunk::Data(bytes))).collect();
                let expected = outcome(protocol, &whole);
                assert!(!expected.0.is_empty(), "{}: {} says nothing", protocol.name, sample.name);
                if !protocol.carriers.contains(&Carrier::Tcp) {
                    continue;
                }
                for (index, (way, bytes)) in sample.turns.iter().enumerate() {
                    for cut in 1..bytes.len() {
                        let mut turns = whole.clone();
                        let (a, b) = bytes.split_at(cut);
                        turns.splice(
                            index..=index,
                            [(*way, Chunk::Data(a)), (*way, Chunk::Data(b))],
                        );
                        let got = outcome(protocol, &turns);
                        assert_eq!(got, expected, "{} cut at {cut} of {index}", sample.name);
                    }
                }
                let bytewise: Vec<Turn<'_>> = sample
                    .turns
                    .iter()
                    .flat_map(|(way, bytes)| bytes.chunks(1).map(|b| (*way, Chunk::Data(b))))
                    .collect();
                assert_eq!(outcome(protocol, &bytewise), expected, "{} by byte", sample.name);
            }
        }
    }

    #[test]
    fn mutated_conversations_never_panic() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as usize
        };
        for protocol in PROTOCOLS {
            for sample in protocol.samples {
                for _ in 0..300 {
                    let mut turns: Vec<(Direction, Vec<u8>)> =
                        sample.turns.iter().map(|(way, bytes)| (*way, bytes.to_vec())).collect();
                    for _ in 0..1 + next() % 8 {
                        let turn = next() % turns.len();
                        let bytes = &mut turns[turn].1;
                        if !bytes.is_empty() {
                            let at = next() % bytes.len();
                            match next() % 3 {
                                0 => bytes[at] = next() as u8,
                                1 => bytes.truncate(at),
                                _ => bytes.insert(at, next() as u8),
                            }
                        }
                    }
                    let turns: Vec<Turn<'_>> =
                        turns.iter().map(|(way, bytes)| (*way, Chunk::Data(&bytes[..]))).collect();
                    outcome(protocol, &turns);
                }
            }
        }
    }

    #[test]
    fn noise_is_given_up_and_forgotten() {
        let mut session = Session::new(Carrier::Tcp, 4242, 50_000, HASHED);
        let mut signals = Vec::new();
        let mut say = |way, bytes: &[u8]| {
            session.chunk(way, Chunk::Data(bytes), Timestamp::default(), &mut signals);
            (session.state(), session.name(), session.memory() < 3 * MAX_HELD_BYTES)
        };
        assert_eq!(say(Direction::ToServer, &[0xee; 900]), (State::Unknown, None, true));
        assert_eq!(say(Direction::ToServer, &[0xee; 9000]), (State::Unknown, None, true));
        assert_eq!(say(Direction::ToClient, &[0xdd; 9]), (State::Failed, Some("failed"), true));
        assert_eq!(session.memory(), 0);
    }

    #[test]
    fn a_banner_names_what_is_not_parsed() {
        let mut session = Session::new(Carrier::Tcp, 80, 50_000, HASHED);
        let mut signals = Vec::new();
        for byte in b"{\"method\": \"mining.subscribe\"}\n".chunks(1) {
            let way = Direction::ToServer;
            session.chunk(way, Chunk::Data(byte), Timestamp::default(), &mut signals);
        }
        assert_eq!((session.state(), session.name()), (State::Recognised, Some("stratum")));
    }

    #[test]
    fn a_port_names_what_says_nothing_of_itself_and_the_servers_has_it_read() {
        let told = |server, client, way, bytes: &[u8]| {
            let mut session = Session::new(Carrier::Tcp, server, client, HASHED);
            let mut signals = Vec::new();
            session.chunk(way, Chunk::Data(bytes), Timestamp::default(), &mut signals);
            (session.state(), session.name())
        };
        let (up, down) = (Direction::ToServer, Direction::ToClient);
        assert_eq!(told(23, 50_000, down, b"login: "), (State::Known, Some("telnet")));
        assert_eq!(told(50_000, 23, up, b"login: "), (State::Recognised, Some("telnet")));
        assert_eq!(told(2323, 50_000, down, b"\xff\xfd\x18"), (State::Known, Some("telnet")));
        assert_eq!(told(2323, 50_000, down, b"login: "), (State::Unknown, None));
        // What says what it is is believed, whatever the port.
        assert_eq!(told(23, 50_000, down, b"SSH-2.0-x\r\n"), (State::Known, Some("ssh")));
        assert_eq!(told(4242, 50_000, down, b"* OK ready\r\n"), (State::Known, Some("imap")));
        assert_eq!(told(4242, 50_000, up, b"a1 CAPABILITY\r\n"), (State::Known, Some("imap")));
        assert_eq!(told(4242, 50_000, up, b"word LOGIN\r\n"), (State::Unknown, None));
    }
}
