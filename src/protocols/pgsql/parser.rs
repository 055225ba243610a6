//! Streams of both directions to transactions.

use super::frames::{Frame, Frames, Step};
use super::message::{Login, Request, Response, Transaction, query};
use super::{INVALID_LENGTH, MALFORMED_REQUEST, MALFORMED_RESPONSE, TOO_MANY_TRANSACTIONS};
use crate::field::{Describe, Event, Side};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Requests of a flow that wait for an answer: what the reference engine has by default.
const MAX_OPEN: usize = 1_024;

/// Messages of a client, without the first (PostgreSQL documentation, "Message Formats").
const FROM_CLIENT: &[u8] = b"QPBDESCHFXpdcf";
/// Messages of a server.
const FROM_SERVER: &[u8] = b"RSKZTDCENAI123nstGHWdcVv";

/// Parses one flow.
pub struct Pgsql {
    transactions: Transactions<Transaction>,
    client: Frames,
    server: Frames,
    /// What the server's last message of the login asked for.
    login: Login,
    /// The answer to a request for encryption is to come: a letter alone.
    encryption: bool,
    /// Data is being copied in: the transaction that counts it.
    copying: Option<u64>,
    /// After lost bytes, until a chunk begins with a message: 0 to the server, 1 to the client.
    lost: [bool; 2],
    ended: [bool; 2],
    /// Bytes that the live transactions hold, about.
    held: usize,
    stopped: bool,
}

impl Default for Pgsql {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            client: Frames::default(),
            server: Frames::default(),
            login: Login::default(),
            encryption: false,
            copying: None,
            lost: [false; 2],
            ended: [false; 2],
            held: 0,
            stopped: false,
        }
    }
}

impl Parser for Pgsql {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => {
                let letters = match direction {
                    Direction::ToServer => FROM_CLIENT,
                    Direction::ToClient => FROM_SERVER,
                };
                let lost = direction.of_mut(&mut self.lost);
                *lost &= !matches!(bytes, [kind, 0, ..] if letters.contains(kind));
                if *lost {
                    return;
                }
                match direction {
                    Direction::ToServer => self.client_bytes(bytes, signals),
                    Direction::ToClient => self.server_bytes(bytes, signals),
                }
            }
            Chunk::Gap(_) => {
                match direction {
                    Direction::ToServer => self.client.reset(),
                    Direction::ToClient => self.server.reset(),
                }
                *direction.of_mut(&mut self.lost) = true;
            }
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if direction == Direction::ToClient || self.ended == [true; 2] {
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
        self.held = self.held.saturating_sub(taken.memory());
        Some(taken)
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + self.transactions.memory()
            + self.client.memory()
            + self.server.memory()
            + self.held
    }
}

impl Pgsql {
    fn client_bytes(&mut self, mut bytes: &[u8], signals: &mut Vec<Signal>) {
        loop {
            match self.client.next(&mut bytes, |kind| kind != b'd') {
                Step::Frame(frame) => {
                    if !self.request(&frame, signals) {
                        return self.stop(Side::Request, &MALFORMED_REQUEST, signals);
                    }
                }
                Step::Invalid => return self.stop(Side::Request, &INVALID_LENGTH, signals),
                Step::More => return,
            }
        }
    }

    fn server_bytes(&mut self, mut bytes: &[u8], signals: &mut Vec<Signal>) {
        if self.encryption
            && self.server.is_between()
            && let Some((letter @ (b'S' | b'N' | b'G'), rest)) = bytes.split_first()
        {
            self.encryption = false;
            bytes = rest;
            let granted = *letter != b'N';
            self.answer(signals, true, |response| response.encryption = Some(granted));
            if granted {
                self.close_all(signals);
                self.stopped = true;
                signals.push(Signal::Handover(None));
                return;
            }
        }
        loop {
            match self.server.next(&mut bytes, |kind| !matches!(kind, b'D' | b'd')) {
                Step::Frame(frame) if FROM_SERVER.contains(&frame.kind) => {
                    self.response(&frame, signals);
                }
                Step::Frame(_) => {
                    return self.stop(Side::Response, &MALFORMED_RESPONSE, signals);
                }
                Step::Invalid => return self.stop(Side::Response, &INVALID_LENGTH, signals),
                Step::More => return,
            }
        }
    }

    /// What is not a message has no end that could be found.
    fn stop(&mut self, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
        signals.push(Signal::Event { transaction: None, side, event });
        self.close_all(signals);
        self.stopped = true;
        signals.push(Signal::Stop);
    }

    /// False when it is no message of a client.
    fn request(&mut self, frame: &Frame, signals: &mut Vec<Signal>) -> bool {
        let content = &*frame.content;
        let request = match frame.kind {
            0 => match Request::startup(frame) {
                Some(request) => request,
                None => return false,
            },
            b'p' => Request::login(content, self.login),
            b'Q' => Request::Query(query(content)),
            b'X' => Request::Terminate,
            b'd' => {
                self.copy_in(frame, signals);
                return true;
            }
            b'c' | b'f' => {
                if let Some(id) = self.copying.take() {
                    Signal::all_ready(id, Side::Request, signals);
                }
                return true;
            }
            // The messages of prepared queries are not shown.
            kind => return FROM_CLIENT.contains(&kind),
        };
        self.encryption = request == Request::Encryption;
        // Neither is answered.
        let last = matches!(request, Request::Terminate | Request::Cancel { .. });
        let id = self.open(request, signals);
        Signal::all_ready(id, Side::Request, signals);
        if last {
            self.transactions.close(id, signals);
        }
        true
    }

    fn open(&mut self, request: Request, signals: &mut Vec<Signal>) -> u64 {
        let id = self.transactions.next_id();
        let new = Transaction { id, request: Some(request), response: None };
        self.held += new.memory();
        self.transactions.open(new, Side::Request, &TOO_MANY_TRANSACTIONS, signals)
    }

    fn copy_in(&mut self, frame: &Frame, signals: &mut Vec<Signal>) {
        let id = match self.copying {
            Some(id) => id,
            None => self.open(Request::CopyIn { count: 0, size: 0 }, signals),
        };
        self.copying = Some(id);
        if let Some(transaction) = self.transactions.get_mut(id)
            && let Some(Request::CopyIn { count, size }) = &mut transaction.request
        {
            *count = count.saturating_add(1);
            *size = size.saturating_add(frame.length.into());
        }
    }

    fn response(&mut self, frame: &Frame, signals: &mut Vec<Signal>) {
        let asks = matches!(*frame.content, [0, 0, 0, 3 | 5 | 10 | 11, ..]);
        // It waits for the next query, for the login to go on, or for data.
        let last = match frame.kind {
            b'Z' | b'G' => true,
            b'R' => asks,
            _ => false,
        };
        let mut login = None;
        self.answer(signals, last, |response| login = response.add(frame));
        if let Some(login) = login {
            self.login = login;
        }
    }

    /// Adds to the response of the oldest request that waits; `last` ends it. What nobody asked
    /// for is not shown.
    fn answer(&mut self, signals: &mut Vec<Signal>, last: bool, add: impl FnOnce(&mut Response)) {
        let Some(id) = self.transactions.oldest_open() else { return };
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let before = transaction.memory();
        add(transaction.response.get_or_insert_default());
        self.held = (self.held + transaction.memory()).saturating_sub(before);
        if last {
            self.finish(id, signals);
        }
    }

    fn finish(&mut self, id: u64, signals: &mut Vec<Signal>) {
        if self.copying == Some(id) {
            self.copying = None;
            Signal::all_ready(id, Side::Request, signals);
        }
        Signal::all_ready(id, Side::Response, signals);
        self.transactions.close(id, signals);
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        while let Some(id) = self.transactions.oldest_open() {
            self.finish(id, signals);
        }
    }
}
