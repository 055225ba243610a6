//! Bytes of both directions to log-ins.

use super::dialogue::{Dialogue, Heard};
use super::environment::{Environment, Meaning};
use super::transaction::{Login, Transaction};
use super::wire::{Item, Wire};
use super::{FLOODED, LONG, MALFORMED, UNKNOWN_COMMAND, UNTERMINATED, USER_IS_OPTION};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal, frame};

/// Log-ins that are open at a time.
const MAX_OPEN: usize = 1;
/// Bytes of a line that make a frame.
const FRAME_BYTES: usize = 8192;

/// Parses one flow.
pub struct TelnetParser {
    transactions: Transactions<Transaction>,
    /// To the server, to the client.
    halves: [Half; 2],
    dialogue: Dialogue,
    environment: Environment,
    /// The log-in that goes on.
    open: Option<u64>,
    begun: bool,
    /// Events that were raised, so that each is raised once.
    raised: Vec<&'static Event>,
    memory: usize,
    ended: [bool; 2],
    stopped: bool,
    left_over: usize,
}

#[derive(Default)]
struct Half {
    wire: Wire,
    /// The frame that has not ended.
    frame: Vec<u8>,
    /// TLS follows, it has said.
    tls: bool,
}

impl Default for TelnetParser {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            halves: Default::default(),
            dialogue: Dialogue::default(),
            environment: Environment::default(),
            open: None,
            begun: false,
            raised: Vec::new(),
            memory: 0,
            ended: [false; 2],
            stopped: false,
            left_over: 0,
        }
    }
}

impl Parser for TelnetParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            Chunk::Data(bytes) => {
                if !std::mem::replace(&mut self.begun, true) {
                    self.open(signals);
                }
                let mut rest = bytes;
                while let Some((byte, after)) = rest.split_first()
                    && !self.stopped
                {
                    rest = after;
                    self.byte(direction, *byte, moment.files, signals);
                }
                self.left_over = rest.len();
            }
            Chunk::Gap(_) => {
                let of_client = direction == Direction::ToServer;
                self.dialogue.lose(of_client);
                *self.half(direction) = Half::default();
            }
            Chunk::End => self.end(direction, moment.files, signals),
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.transactions.get(id).map(|transaction| transaction as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let taken = self.transactions.take(id)?;
        self.memory = self.memory.saturating_sub(taken.memory());
        Some(taken)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn memory(&self) -> usize {
        let halves = self.halves.iter();
        let halves: usize = halves.map(|half| half.wire.memory() + half.frame.capacity()).sum();
        size_of::<Self>()
            + self.transactions.memory()
            + self.memory
            + halves
            + self.dialogue.memory()
            + self.environment.memory()
    }
}

impl TelnetParser {
    const fn half(&mut self, way: Direction) -> &mut Half {
        let [server, client] = &mut self.halves;
        match way {
            Direction::ToServer => server,
            Direction::ToClient => client,
        }
    }

    fn byte(&mut self, way: Direction, byte: u8, wants: Wants, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        let before = half.wire.within();
        let item = half.wire.feed(byte);
        if wants.frames {
            half.frame(way, byte, (before, item.as_ref()), signals);
        }
        let side = way.side();
        match item {
            Some(Item::Text(byte)) => self.text(way, byte, signals),
            Some(Item::Sub(sub)) => self.sub(way, &sub, signals),
            Some(Item::Long) => self.raise(side, &LONG, signals),
            Some(Item::Broken) => self.raise(side, &MALFORMED, signals),
            Some(Item::Unknown) => self.raise(side, &UNKNOWN_COMMAND, signals),
            Some(Item::Command) | None => {}
        }
    }

    fn text(&mut self, way: Direction, byte: u8, signals: &mut Vec<Signal>) {
        let heard = match way {
            Direction::ToServer => self.dialogue.client(byte),
            Direction::ToClient => [self.dialogue.server(byte), None],
        };
        for heard in heard.into_iter().flatten() {
            self.hear(heard, signals);
        }
    }

    fn hear(&mut self, heard: Heard, signals: &mut Vec<Signal>) {
        let id = match self.open {
            Some(id) => id,
            None => self.open(signals),
        };
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        match heard {
            Heard::User(user) => {
                let before = transaction.user.capacity();
                self.memory = self.memory.saturating_sub(before).saturating_add(user.capacity());
                transaction.user = user;
            }
            Heard::Password { empty } => {
                transaction.secret |= !empty;
                transaction.login = Some(Login::Unknown);
            }
            Heard::Ended(login) => {
                transaction.login = Some(login);
                self.finish(signals);
            }
        }
    }

    fn sub(&mut self, way: Direction, sub: &[u8], signals: &mut Vec<Signal>) {
        match self.environment.learn(sub, way == Direction::ToServer) {
            Meaning::Nothing => {}
            Meaning::Malformed => self.raise(way.side(), &MALFORMED, signals),
            Meaning::UserIsOption => self.raise(way.side(), &USER_IS_OPTION, signals),
            Meaning::Encrypted => {
                self.finish(signals);
                self.stopped = true;
                signals.push(Signal::Stop);
            }
            Meaning::Tls => {
                self.half(way).tls = true;
                if self.halves.iter().all(|half| half.tls) {
                    self.finish(signals);
                    self.stopped = true;
                    signals.push(Signal::Handover(None));
                }
            }
        }
    }

    fn open(&mut self, signals: &mut Vec<Signal>) -> u64 {
        let new = Transaction::default();
        let id = self.transactions.open(new, Side::Request, &FLOODED, signals);
        self.open = Some(id);
        id
    }

    /// The log-in that goes on is over.
    fn finish(&mut self, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.open.take() else { return };
        if let Some(open) = self.transactions.get_mut(transaction) {
            open.environment = self.environment.clone();
            self.memory = self.memory.saturating_add(open.environment.memory());
        }
        for side in [Side::Request, Side::Response] {
            signals.push(Signal::Ready { transaction, side, stage: Stage::Body });
        }
        self.transactions.close(transaction, signals);
    }

    fn end(&mut self, way: Direction, wants: Wants, signals: &mut Vec<Signal>) {
        let half = self.half(way);
        if half.wire.within_sub() {
            self.raise(way.side(), &UNTERMINATED, signals);
        }
        if wants.frames {
            let half = self.half(way);
            half.tell(way, half.wire.within(), signals);
        }
        let [server, client] = &mut self.ended;
        match way {
            Direction::ToServer => *server = true,
            Direction::ToClient => *client = true,
        }
        if way == Direction::ToClient || self.ended == [true; 2] {
            if let Some(heard) = self.dialogue.close() {
                self.hear(heard, signals);
            }
            self.finish(signals);
        }
    }

    /// Raises an event, once for a flow.
    fn raise(&mut self, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
        if self.raised.iter().all(|raised| raised.name != event.name) {
            self.raised.push(event);
            signals.push(Signal::Event { transaction: self.open, side, event });
        }
    }
}

impl Half {
    /// Adds a byte to the frame that it is of: a command from IAC on, or text up to the end of its
    /// line or to a command. `before` tells whether a command had begun before it.
    fn frame(
        &mut self,
        way: Direction,
        byte: u8,
        (before, item): (bool, Option<&Item>),
        signals: &mut Vec<Signal>,
    ) {
        if !before && self.wire.within() {
            self.tell(way, false, signals);
        }
        self.frame.push(byte);
        match item {
            // An IAC within text is sent twice.
            Some(Item::Text(byte)) => {
                let ended = *byte == b'\n' || self.frame.ends_with(b"\r\0");
                if ended || self.frame.len() >= FRAME_BYTES {
                    self.tell(way, false, signals);
                }
            }
            Some(_) => self.tell(way, true, signals),
            None if self.frame.len() >= FRAME_BYTES => self.frame.truncate(FRAME_BYTES),
            None => {}
        }
    }

    fn tell(&mut self, way: Direction, command: bool, signals: &mut Vec<Signal>) {
        let name = if command { "ctl" } else { "data" };
        let wants = Wants { frames: true, ..Wants::NOTHING };
        frame::tell(wants, "pdu", way.side(), &self.frame, signals);
        frame::tell(wants, name, way.side(), &self.frame, signals);
        self.frame.clear();
    }
}
