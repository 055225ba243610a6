//! Lines of both directions to commands with their replies.

use std::net::IpAddr;

use super::transaction::{Reply, Transaction};
use super::{FILE_BEFORE_PORT, FILE_WITHOUT_NAME, FLOODED, LONG_COMMAND, LONG_REPLY};
use super::{address, commands};
use crate::field::{Describe, Event, Side, Stage};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::announced::Announced;
use crate::protocols::formats::lines::{Line, Lines};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Expectation, Moment, Parser, Signal};

/// Bytes of a line that are kept, as in the reference engine.
const MAX_LINE: usize = 4096;
/// Commands of a flow that wait for a reply.
const MAX_OPEN: usize = 1024;

/// Parses one flow.
pub struct FtpParser {
    transactions: Transactions<Transaction>,
    client: Half,
    server: Half,
    /// The reply of several lines that is being read, and its code.
    within: Option<(u64, [u8; 3])>,
    /// Lines that answer nothing and are no replies gather here until the client speaks.
    loose: Option<u64>,
    /// What was agreed upon for the next file.
    agreed: Option<Agreed>,
    /// Bytes of replies and commands that are kept.
    kept: usize,
    handed_over: bool,
}

struct Half {
    lines: Lines,
    /// After lost bytes, until the next line begins.
    lost: bool,
    ended: bool,
}

/// Where a connection for data will be opened to.
#[derive(Clone, Copy)]
struct Agreed {
    /// The client's address in active mode, the server is spoken to otherwise.
    address: Option<IpAddr>,
    port: u16,
    active: bool,
}

impl Default for FtpParser {
    fn default() -> Self {
        let half = || Half { lines: Lines::new(MAX_LINE), lost: false, ended: false };
        Self {
            transactions: Transactions::new(MAX_OPEN),
            client: half(),
            server: half(),
            within: None,
            loose: None,
            agreed: None,
            kept: 0,
            handed_over: false,
        }
    }
}

impl Parser for FtpParser {
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
                        Direction::ToClient => self.reply(&line, signals),
                    }
                }
            }
            Chunk::Gap(_) => {
                let half = self.half(direction);
                half.lines.clear();
                half.lost = true;
                if direction == Direction::ToClient {
                    self.within = None;
                }
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
        self.kept = self.kept.saturating_sub(taken.memory());
        Some(taken)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn memory(&self) -> usize {
        let lines = self.client.lines.memory() + self.server.lines.memory();
        size_of::<Self>() + self.transactions.memory() + self.kept + lines
    }
}

impl FtpParser {
    const fn half(&mut self, way: Direction) -> &mut Half {
        match way {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    fn open(&mut self, new: Transaction, side: Side, signals: &mut Vec<Signal>) -> u64 {
        self.transactions.open(new, side, &FLOODED, signals)
    }

    fn command(&mut self, line: &Line, signals: &mut Vec<Signal>) {
        if let Some(id) = self.loose.take() {
            self.close(id, signals);
        }
        // The reply to a command that is not known stands for itself.
        let Some((command, after)) = commands::find(&line.bytes) else { return };
        let data = line.bytes.get(after..).unwrap_or_default().trim_ascii_end();
        let agreed = match command {
            "PORT" => address::port(data),
            "EPRT" => address::extended_port(data),
            _ => None,
        };
        let new = Transaction {
            command: Some(command),
            data: data.to_vec(),
            truncated: line.truncated,
            port: agreed.map(|(_, port)| port),
            active: agreed.is_some(),
            ..Transaction::default()
        };
        self.kept = self.kept.saturating_add(new.memory());
        let id = self.open(new, Side::Request, signals);
        if line.truncated {
            event(id, Side::Request, &LONG_COMMAND, signals);
        }
        if matches!(command, "RETR" | "STOR") {
            self.transfer(id, command == "STOR", data, signals);
        }
        ready(id, Side::Request, Stage::Head, signals);
    }

    /// A file will come.
    fn transfer(&mut self, id: u64, store: bool, name: &[u8], signals: &mut Vec<Signal>) {
        if name.is_empty() {
            event(id, Side::Request, &FILE_WITHOUT_NAME, signals);
            return;
        }
        let Some(Agreed { address, port, active }) = self.agreed.take() else {
            event(id, Side::Request, &FILE_BEFORE_PORT, signals);
            return;
        };
        // In active mode the server opens the connection, so the client is its server.
        let to_client = store == active;
        let way = if to_client { Direction::ToClient } else { Direction::ToServer };
        let context = Announced { store, way, name: name.to_vec() }.to_bytes();
        let expectation = Expectation { address, port, protocol: "ftp-data", context };
        signals.push(Signal::Expect(Box::new(expectation)));
    }

    fn reply(&mut self, line: &Line, signals: &mut Vec<Signal>) {
        if line.bytes.is_empty() && self.within.is_none() {
            return;
        }
        let reply = Reply::parse(&line.bytes);
        let separator = line.bytes.get(3).copied();
        let (id, last) = match (self.within, reply.code) {
            // Lines within may begin with other numbers (RFC 959, section 4.2).
            (Some((id, code)), found) => (id, found == Some(code) && separator != Some(b'-')),
            (None, Some(code)) => {
                if let Some(loose) = self.loose.take() {
                    self.close(loose, signals);
                }
                let id = self.answered(signals);
                let last = separator != Some(b'-');
                self.within = (!last).then_some((id, code));
                (id, last)
            }
            (None, None) if self.loose.is_none() && self.transactions.oldest_open().is_some() => {
                (self.answered(signals), true)
            }
            (None, None) => {
                let id = match self.loose {
                    Some(id) => id,
                    None => self.answered(signals),
                };
                self.loose = Some(id);
                (id, false)
            }
        };
        let code = self.within.map(|(_, code)| code).or(reply.code);
        if let Some(transaction) = self.transactions.get_mut(id) {
            let before = transaction.memory();
            transaction.add(reply.clone(), line.truncated);
            let more = transaction.memory().saturating_sub(before);
            self.kept = self.kept.saturating_add(more);
        }
        if line.truncated {
            event(id, Side::Response, &LONG_REPLY, signals);
        }
        if last {
            self.within = None;
            // A preliminary reply: another will come.
            if code.is_none_or(|[first, ..]| first != b'1') {
                self.complete(id, code, &reply.text, signals);
            }
        }
    }

    /// The command that the next reply answers; a new one without command when none waits.
    fn answered(&mut self, signals: &mut Vec<Signal>) -> u64 {
        match self.transactions.oldest_open() {
            Some(id) => id,
            None => self.open(Transaction::default(), Side::Response, signals),
        }
    }

    fn complete(&mut self, id: u64, code: Option<[u8; 3]>, text: &[u8], signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        transaction.answered = true;
        let mut handover = false;
        let passive = |port| Agreed { address: None, port, active: false };
        match (transaction.command, code.as_ref()) {
            (Some("PASV"), Some(b"227")) => {
                transaction.port = address::passive(text);
                self.agreed = transaction.port.map(passive);
            }
            (Some("EPSV"), Some(b"229")) => {
                transaction.port = address::extended_passive(text);
                self.agreed = transaction.port.map(passive);
            }
            (Some(command @ ("PORT" | "EPRT")), Some([b'2', ..])) => {
                let said = match command {
                    "PORT" => address::port(&transaction.data),
                    _ => address::extended_port(&transaction.data),
                };
                let agreed =
                    |(address, port)| Agreed { address: Some(address), port, active: true };
                self.agreed = said.map(agreed);
            }
            (Some("AUTH TLS"), Some(b"234")) => handover = true,
            _ => {}
        }
        ready(id, Side::Request, Stage::Body, signals);
        ready(id, Side::Response, Stage::Head, signals);
        ready(id, Side::Response, Stage::Body, signals);
        self.transactions.close(id, signals);
        if handover {
            self.handed_over = true;
            self.close_all(signals);
            signals.push(Signal::Handover(None));
        }
    }

    /// Gives up waiting for more of it.
    fn close(&mut self, id: u64, signals: &mut Vec<Signal>) {
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.answered = transaction.command.is_none();
            let answered = transaction.answered;
            ready(id, Side::Request, Stage::Body, signals);
            if answered {
                ready(id, Side::Response, Stage::Head, signals);
                ready(id, Side::Response, Stage::Body, signals);
            }
            self.transactions.close(id, signals);
        }
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        self.within = None;
        self.loose = None;
        while let Some(id) = self.transactions.oldest_open() {
            self.close(id, signals);
        }
    }
}

fn ready(transaction: u64, side: Side, stage: Stage, signals: &mut Vec<Signal>) {
    signals.push(Signal::Ready { transaction, side, stage });
}

fn event(id: u64, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: Some(id), side, event });
}
