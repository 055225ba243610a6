//! Lines of both directions to commands with their responses.

use super::commands;
use super::transaction::{Command, Response, Transaction};
use super::{ARGUMENTS, FLOODED, LONG_REQUEST, LONG_RESPONSE, UNKNOWN_COMMAND};
use crate::field::{Describe, Event, Side};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::lines::{Line, Lines};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Bytes of a command line (RFC 2449, section 4) and of a status line (RFC 1939, section 3).
const MAX_COMMAND: usize = 255;
const MAX_STATUS: usize = 512;
/// Bytes of a line that are kept.
const MAX_LINE: usize = 1024;
/// Arguments of a command that are kept.
const MAX_ARGUMENTS: usize = 16;
/// Further lines of a response that are kept, and bytes of them: listings, the head of a mail.
const MAX_DATA_LINES: usize = 256;
const MAX_DATA_BYTES: usize = 16_384;
/// Commands of a flow that wait for a response.
const MAX_OPEN: usize = 256;

/// Parses one flow.
pub struct Pop3Parser {
    transactions: Transactions<Transaction>,
    client: Half,
    server: Half,
    /// The response of several lines that is being read, and bytes of it that are kept.
    within: Option<(u64, usize)>,
    memory: usize,
    handed_over: bool,
}

struct Half {
    lines: Lines,
    /// After lost bytes, until the next line begins.
    lost: bool,
    ended: bool,
}

impl Default for Pop3Parser {
    fn default() -> Self {
        let half = || Half { lines: Lines::new(MAX_LINE), lost: false, ended: false };
        Self {
            transactions: Transactions::new(MAX_OPEN),
            client: half(),
            server: half(),
            within: None,
            memory: 0,
            handed_over: false,
        }
    }
}

impl Parser for Pop3Parser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            Chunk::Data(bytes) => {
                let mut rest = bytes;
                while !self.handed_over
                    && let Some(line) = self.half(direction).lines.next(&mut rest)
                {
                    if std::mem::take(&mut self.half(direction).lost) {
                        continue;
                    }
                    match direction {
                        Direction::ToServer => self.command(&line, signals),
                        Direction::ToClient => self.response(line, signals),
                    }
                }
            }
            Chunk::Gap(_) => {
                let half = self.half(direction);
                half.lines.clear();
                half.lost = true;
            }
            Chunk::End => {
                self.half(direction).ended = true;
                if direction == Direction::ToClient || self.server.ended {
                    self.close_all(signals);
                }
            }
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

    fn memory(&self) -> usize {
        let lines = self.client.lines.memory() + self.server.lines.memory();
        size_of::<Self>() + self.transactions.memory() + self.memory + lines
    }
}

impl Pop3Parser {
    const fn half(&mut self, way: Direction) -> &mut Half {
        match way {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    /// The name and number of arguments of the command that waits longest for its response.
    fn asked(&self) -> Option<(&[u8], usize)> {
        let id = self.transactions.oldest_open()?;
        let request = self.transactions.get(id)?.request.as_ref()?;
        Some((&request.name, request.arguments.len()))
    }

    fn command(&mut self, line: &Line, signals: &mut Vec<Signal>) {
        // While a client proves who it is, its lines are no commands (RFC 5034, section 4).
        if line.bytes.is_empty() || self.asked().is_some_and(|(name, _)| name == b"AUTH") {
            return;
        }
        let mut words = line.bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let name = words.next().unwrap_or_default();
        let arguments: Vec<Vec<u8>> = words.take(MAX_ARGUMENTS).map(<[u8]>::to_vec).collect();
        let known = commands::find(name);
        let event = match known {
            _ if line.truncated || line.bytes.len() > MAX_COMMAND => Some(&LONG_REQUEST),
            None => Some(&UNKNOWN_COMMAND),
            Some(known) if !known.arguments.contains(&arguments.len()) => Some(&ARGUMENTS),
            Some(_) => None,
        };
        let name = known.map_or(name, |known| known.name.as_bytes()).to_vec();
        let request = Some(Command { name, arguments });
        let new = Transaction { request, response: None };
        self.memory = self.memory.saturating_add(new.memory());
        let id = self.transactions.open(new, Side::Request, &FLOODED, signals);
        if let Some(what) = event {
            raise(id, Side::Request, what, signals);
        }
        Signal::all_ready(id, Side::Request, signals);
    }

    fn response(&mut self, line: Line, signals: &mut Vec<Signal>) {
        if let Some((id, kept)) = self.within {
            if line.bytes == b"." {
                self.within = None;
                self.complete(id, signals);
            } else {
                self.within = Some((id, self.add(id, kept, line)));
            }
            return;
        }
        // `+ ` asks a client that proves who it is for more.
        let success = line.bytes.starts_with(b"+OK");
        if !success && !line.bytes.starts_with(b"-ERR") {
            return;
        }
        let status = if success { 3 } else { 4 };
        let header = line.bytes.get(status..).unwrap_or_default().trim_ascii().to_vec();
        let more = self.asked().is_some_and(|(name, arguments)| {
            success && commands::find(name).is_some_and(|known| known.has_lines(arguments))
        });
        let id = match self.transactions.oldest_open() {
            Some(id) => id,
            None => {
                let new = Transaction::default();
                self.transactions.open(new, Side::Response, &FLOODED, signals)
            }
        };
        if let Some(transaction) = self.transactions.get_mut(id) {
            self.memory = self.memory.saturating_add(header.capacity());
            transaction.response = Some(Response { success, header, data: Vec::new() });
        }
        if line.truncated || line.bytes.len() > MAX_STATUS {
            raise(id, Side::Response, &LONG_RESPONSE, signals);
        }
        if more {
            self.within = Some((id, 0));
        } else {
            self.complete(id, signals);
        }
    }

    /// Keeps a further line while there is room; how many bytes are kept then.
    fn add(&mut self, id: u64, kept: usize, line: Line) -> usize {
        let response = self.transactions.get_mut(id).and_then(|t| t.response.as_mut());
        let Some(response) = response else { return kept };
        let more = kept.saturating_add(line.bytes.len());
        if response.data.len() >= MAX_DATA_LINES || more > MAX_DATA_BYTES {
            return kept;
        }
        let mut bytes = line.bytes;
        // A dot at the front of a line is doubled (RFC 1939, section 3).
        if bytes.starts_with(b"..") {
            bytes.remove(0);
        }
        self.memory =
            self.memory.saturating_add(bytes.capacity()).saturating_add(size_of::<Vec<u8>>());
        response.data.push(bytes);
        more
    }

    fn complete(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get(id) else { return };
        let upgrade = transaction.request.as_ref().is_some_and(|r| r.name == b"STLS")
            && transaction.response.as_ref().is_some_and(|r| r.success);
        Signal::all_ready(id, Side::Response, signals);
        self.transactions.close(id, signals);
        if upgrade {
            self.handed_over = true;
            self.close_all(signals);
            signals.push(Signal::Handover(None));
        }
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        self.within = None;
        while let Some(id) = self.transactions.oldest_open() {
            self.transactions.close(id, signals);
        }
    }
}

fn raise(id: u64, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: Some(id), side, event });
}
