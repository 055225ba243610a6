//! Lines and literals of both directions to commands with their responses, and to mails.

use super::commands;
use super::login::{self, Exchange, Told};
use super::mail::Mail;
use super::transaction::{Status, Transaction};
use super::wire::{Line, Piece, Wire};
use super::{
    BEHIND_STARTTLS, FLOODED, INVALID_LITERAL, INVALID_REQUEST, INVALID_RESPONSE, LONG_REQUEST,
    LONG_RESPONSE, UNKNOWN_COMMAND, UNMATCHED, UNTERMINATED,
};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::{File, Wants};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Commands of a flow that wait for a response.
const MAX_OPEN: usize = 256;
/// Mails of one APPEND that are read (RFC 3502).
const MAILS_MAX: usize = 64;
/// Secrets of a flow that are known, the last ones, to mask them in responses.
const HIDDEN_MAX: usize = 8;
/// A secret of fewer bytes is masked where it is a word alone.
const SHORT_BYTES: usize = 4;

/// Parses one flow.
pub struct ImapParser {
    transactions: Transactions<Transaction>,
    /// To the server, to the client.
    wires: [Wire; 2],
    /// Of each direction the mail that its literal is, by its transaction.
    mails: [Option<u64>; 2],
    /// Of each direction the transaction that began before its line ended: APPEND, a fetched mail.
    begun: [Option<u64>; 2],
    /// The client proves who it is: its lines are no commands.
    exchange: Option<Exchange>,
    /// STARTTLS that was not answered yet.
    starttls: Option<u64>,
    /// Mails of the line of APPEND that goes on.
    stored: usize,
    /// Secrets that were seen.
    hidden: Vec<Vec<u8>>,
    /// Of requests and of responses, whether it was told that there are too many.
    flooded: [bool; 2],
    /// Bytes of text that transactions point to, about.
    memory: usize,
    ended: [bool; 2],
    stopped: bool,
    /// Bytes behind the response to STARTTLS.
    left_over: usize,
}

impl Default for ImapParser {
    fn default() -> Self {
        Self {
            transactions: Transactions::new(MAX_OPEN),
            wires: Default::default(),
            mails: [None; 2],
            begun: [None; 2],
            exchange: None,
            starttls: None,
            stored: 0,
            hidden: Vec::new(),
            flooded: [false; 2],
            memory: 0,
            ended: [false; 2],
            stopped: false,
            left_over: 0,
        }
    }
}

impl Parser for ImapParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            Chunk::Data(mut rest) => {
                while !self.stopped
                    && let Some(piece) = self.wire(direction).next(&mut rest)
                {
                    self.piece(direction, piece, moment.files, signals);
                }
                self.left_over = rest.len();
            }
            Chunk::Gap(bytes) => self.lose(direction, bytes, signals),
            Chunk::End => {
                let [server, client] = &mut self.ended;
                match direction {
                    Direction::ToServer => *server = true,
                    Direction::ToClient => *client = true,
                }
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
        self.memory = self.memory.saturating_sub(taken.text_memory());
        Some(taken)
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&File> {
        self.transactions.get(transaction)?.mail.as_ref()?.files.get(index)
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut File> {
        self.transactions.get_live_mut(transaction)?.mail.as_mut()?.files.get_mut(index)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn memory(&self) -> usize {
        let wires: usize = self.wires.iter().map(Wire::memory).sum();
        let mails = self.mails.iter().zip(&self.begun).filter_map(|(mail, begun)| mail.or(*begun));
        let mails = mails.filter_map(|id| self.transactions.get(id)?.mail.as_ref());
        let mails: usize = mails.map(|mail| mail.memory()).sum();
        let hidden: usize = self.hidden.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.transactions.memory() + self.memory + wires + mails + hidden
    }
}

impl ImapParser {
    const fn wire(&mut self, way: Direction) -> &mut Wire {
        let [server, client] = &mut self.wires;
        match way {
            Direction::ToServer => server,
            Direction::ToClient => client,
        }
    }

    const fn mail(&mut self, way: Direction) -> &mut Option<u64> {
        let [server, client] = &mut self.mails;
        match way {
            Direction::ToServer => server,
            Direction::ToClient => client,
        }
    }

    const fn begun(&mut self, way: Direction) -> &mut Option<u64> {
        let [server, client] = &mut self.begun;
        match way {
            Direction::ToServer => server,
            Direction::ToClient => client,
        }
    }

    fn piece(&mut self, way: Direction, piece: Piece<'_>, wants: Wants, signals: &mut Vec<Signal>) {
        match (piece, way) {
            (Piece::Line(line), Direction::ToServer) => self.request(&line, signals),
            (Piece::Line(line), Direction::ToClient) => self.response(&line, signals),
            (Piece::Begins, Direction::ToServer) => self.stored(signals),
            (Piece::Begins, Direction::ToClient) => self.fetched(signals),
            (Piece::Data(bytes), way) => {
                self.read(way, signals, |mail, ended| mail.add(bytes, wants, ended));
            }
            (Piece::Ends, way) => self.mail_end(way, wants, signals),
        }
    }

    /// Reads on in the mail of a direction, and tells of its files that ended.
    fn read(
        &mut self,
        way: Direction,
        signals: &mut Vec<Signal>,
        read: impl FnOnce(&mut Mail, &mut Vec<u32>),
    ) {
        let Some(id) = *self.mail(way) else { return };
        let Some(mail) = self.transactions.get_mut(id).and_then(|t| t.mail.as_mut()) else {
            return;
        };
        let (side, mut ended) = (mail.side(), Vec::new());
        read(mail, &mut ended);
        let told = |index| Signal::File { transaction: id, side, index };
        signals.extend(ended.into_iter().map(told));
    }

    /// A literal of the client begins: the mail of APPEND, behind the mailbox (RFC 9051, 6.3.12).
    fn stored(&mut self, signals: &mut Vec<Signal>) {
        let [wire, _] = &self.wires;
        let Some((tag, mailbox)) = appends(wire.line()).filter(|_| self.exchange.is_none()) else {
            return;
        };
        if self.stored >= MAILS_MAX {
            return;
        }
        self.stored = self.stored.saturating_add(1);
        let mail = Some(Box::new(Mail::new(Direction::ToServer)));
        let command = b"APPEND".to_vec();
        let new = Transaction { tag, command, mailbox, mail, ..Transaction::default() };
        let id = self.open(new, Side::Request, signals);
        *self.mail(Direction::ToServer) = Some(id);
        // Further mails of one command (RFC 3502) are transactions of their own.
        self.begun(Direction::ToServer).get_or_insert(id);
    }

    /// A literal of the server begins: a whole mail, or what a fetch of other things gives.
    fn fetched(&mut self, signals: &mut Vec<Signal>) {
        let ([_, wire], [_, begun]) = (&self.wires, self.begun);
        if begun.is_some() || !fetches(wire.line()) {
            return;
        }
        let mail = Some(Box::new(Mail::new(Direction::ToClient)));
        let new = Transaction { command: b"FETCH".to_vec(), mail, ..Transaction::default() };
        let id = self.open(new, Side::Response, signals);
        *self.mail(Direction::ToClient) = Some(id);
        *self.begun(Direction::ToClient) = Some(id);
    }

    fn mail_end(&mut self, way: Direction, wants: Wants, signals: &mut Vec<Signal>) {
        self.read(way, signals, |mail, ended| mail.end(wants, ended));
        self.mail_over(way, signals);
    }

    /// No more of a mail will be read. Its transaction goes on to the end of its line, that of
    /// APPEND to its response.
    fn mail_over(&mut self, way: Direction, signals: &mut Vec<Signal>) {
        if let Some(id) = self.mail(way).take()
            && *self.begun(way) != Some(id)
        {
            self.finish(id, signals);
        }
    }

    fn request(&mut self, line: &Line, signals: &mut Vec<Signal>) {
        let begun = self.begun(Direction::ToServer).take();
        self.stored = 0;
        if let Some(exchange) = &mut self.exchange {
            let (id, told) = (exchange.transaction, exchange.hear(&line.text));
            self.told(id, told);
            return;
        }
        let mut words = line.words();
        if words.next().is_none() {
            return;
        }
        let Some(name) = words.next() else {
            // Nothing of it is kept: it may be a password that has lost its command.
            if !self.ends_idle(&line.text) {
                let (side, event) = (Side::Request, &INVALID_REQUEST);
                signals.push(Signal::Event { transaction: None, side, event });
            }
            return;
        };
        let known = commands::find(name, words.next().unwrap_or_default());
        let id = match begun {
            Some(id) => id,
            None => self.open(Transaction::default(), Side::Request, signals),
        };
        let told = self.describe(id, line, known);
        let open = line.is_open() && matches!(known, Some("LOGIN" | "AUTHENTICATE"));
        let wrong = [
            (line.truncated, &LONG_REQUEST),
            (line.flawed, &INVALID_LITERAL),
            (known.is_none(), &UNKNOWN_COMMAND),
            (open, &UNTERMINATED),
            (self.starttls.is_some(), &BEHIND_STARTTLS),
        ];
        for (_, event) in wrong.into_iter().filter(|(is, _)| *is) {
            raise(id, Side::Request, event, signals);
        }
        ready(id, Side::Request, Stage::Head, signals);
        match known {
            Some("STARTTLS") => self.starttls = Some(id),
            Some("AUTHENTICATE") => {
                let mut exchange = Exchange::new(id, told.first().map_or(&[][..], Vec::as_slice));
                // `=` stands for a response without a byte (RFC 9051, 6.2.2).
                let first = told.get(1).map(|initial| exchange.hear(initial));
                self.exchange = Some(exchange);
                first.into_iter().for_each(|first| self.told(id, first));
            }
            Some("LOGIN") if open => {
                self.told(id, Told { secret: true, ..Told::default() });
            }
            Some("LOGIN") => self.told(id, login::login(&told)),
            _ => {}
        }
    }

    /// Writes down what a command's line says, but no password; its arguments.
    fn describe(&mut self, id: u64, line: &Line, known: Option<&'static str>) -> Vec<Vec<u8>> {
        let arguments = line.arguments();
        let Some(transaction) = self.transactions.get_mut(id) else { return arguments };
        let before = transaction.text_memory();
        let mut words = line.words();
        let tag = words.next().unwrap_or_default();
        let name = words.next().unwrap_or_default();
        // Without a tag LOGIN stands where the tag should.
        let bare = logs_on(tag);
        let tag = if bare { name_of(tag) } else { tag };
        let secret = matches!(known, Some("LOGIN" | "AUTHENTICATE"));
        // Behind what is no command, or not well formed, anything may be a password; ID tells of
        // programs what they like.
        let nothing = known.is_none_or(|known| known == "ID") || secret && line.is_open();
        let name = if known.is_some() { name } else { name_of(name) };
        transaction.tag = tag.to_vec();
        transaction.command = known.map_or(name, str::as_bytes).to_vec();
        let unknown = bare || nothing && known != Some("ID");
        transaction.request = Some(match arguments.first() {
            _ if bare => {
                transaction.command.clear();
                tag.to_vec()
            }
            _ if nothing => [tag, name].join(&b' '),
            Some(first) if secret => [tag, name, first].join(&b' '),
            None if secret => [tag, name].join(&b' '),
            _ => line.text.clone(),
        });
        match (known, arguments.first()) {
            (Some("SELECT" | "EXAMINE" | "APPEND"), Some(mailbox)) => {
                transaction.mailbox.clone_from(mailbox);
            }
            (Some("AUTHENTICATE"), Some(mechanism)) => {
                transaction.mechanism = mechanism.to_ascii_uppercase();
            }
            _ => {}
        }
        let more = transaction.text_memory().saturating_sub(before);
        self.memory = self.memory.saturating_add(more);
        if unknown {
            let skip = if bare { 1 } else { 2 };
            let words = line.words().skip(skip).map(|word| word.trim_ascii().to_vec());
            let words = words.map(|word| word.strip_prefix(b"\"").unwrap_or(&word).to_vec());
            self.hide(words.filter(|word| word.len() >= SHORT_BYTES));
        }
        arguments
    }

    /// Remembers secrets.
    fn hide(&mut self, secrets: impl Iterator<Item = Vec<u8>>) {
        self.hidden.extend(secrets.filter(|secret| !secret.is_empty()));
        let over = self.hidden.len().saturating_sub(HIDDEN_MAX);
        self.hidden.drain(..over);
    }

    fn told(&mut self, id: u64, told: Told) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        transaction.secret |= told.secret;
        let hidden = told.hidden;
        if let Some(user) = told.user.filter(|_| transaction.user.is_empty()) {
            self.memory = self.memory.saturating_add(user.capacity());
            transaction.user = user;
        }
        self.hide(hidden.into_iter());
    }

    /// Whether a line ends IDLE (RFC 2177).
    fn ends_idle(&self, line: &[u8]) -> bool {
        let mut open = self.transactions.iter_open();
        line.eq_ignore_ascii_case(b"DONE") && open.any(|(_, t)| t.command == b"IDLE")
    }

    fn response(&mut self, line: &Line, signals: &mut Vec<Signal>) {
        if let Some(id) = self.begun(Direction::ToClient).take() {
            self.answer(id, &line.text);
            wrong_answer(id, line, signals);
            self.finish(id, signals);
            return;
        }
        let mut words = line.words();
        let (Some(tag), second) = (words.next(), words.next().unwrap_or_default()) else { return };
        let status = Status::find(second);
        if matches!(tag, b"*" | b"+") {
            self.untagged(line, status, signals);
            return;
        }
        if status.is_some() {
            self.give_up(tag, signals);
        }
        let asked = |(_, t): &(u64, &Transaction)| t.tag == tag && !t.tag.is_empty();
        let found = self.transactions.iter_open().find(asked).map(|(id, _)| id);
        let (id, event) = match (found, status) {
            (Some(id), Some(_)) => (id, None),
            (Some(_), None) | (None, None) => {
                let open = self.open(Transaction::default(), Side::Response, signals);
                (open, Some(&INVALID_RESPONSE))
            }
            (None, Some(_)) => {
                let open = self.open(Transaction::default(), Side::Response, signals);
                (open, Some(&UNMATCHED))
            }
        };
        self.answer(id, &line.text);
        if let Some(transaction) = self.transactions.get_mut(id) {
            transaction.status = status;
        }
        if let Some(event) = event {
            raise(id, Side::Response, event, signals);
        }
        wrong_answer(id, line, signals);
        self.complete(id, status, signals);
    }

    /// A response without a tag goes to the command that waits longest; a greeting, or what the
    /// server says unasked, stands alone.
    fn untagged(&mut self, line: &Line, status: Option<Status>, signals: &mut Vec<Signal>) {
        match self.transactions.oldest_open() {
            Some(id) => {
                self.answer(id, &line.text);
                wrong_answer(id, line, signals);
            }
            // That the client may go on, within a line that has not ended.
            None if line.text.starts_with(b"+") => {}
            None => {
                let new = Transaction { status, ..Transaction::default() };
                let id = self.open(new, Side::Response, signals);
                self.answer(id, &line.text);
                wrong_answer(id, line, signals);
                self.finish(id, signals);
            }
        }
    }

    /// When the client waits to send a literal of the command with this tag: it may not, and the
    /// command ends there (RFC 9051, 4.3).
    fn give_up(&mut self, tag: &[u8], signals: &mut Vec<Signal>) {
        let [wire, _] = &mut self.wires;
        if wire.line().words().next() != Some(tag) {
            return;
        }
        let Some(line) = wire.refused() else { return };
        let mail = self.mail(Direction::ToServer).take();
        if let Some(transaction) = mail.and_then(|id| self.transactions.get_mut(id)) {
            transaction.mail = None;
        }
        *self.mail(Direction::ToServer) = mail;
        self.mail_over(Direction::ToServer, signals);
        self.request(&line, signals);
    }

    fn complete(&mut self, id: u64, status: Option<Status>, signals: &mut Vec<Signal>) {
        if self.exchange.as_ref().is_some_and(|exchange| exchange.transaction == id) {
            self.exchange = None;
        }
        let compressed = self.transactions.get(id).is_some_and(|t| t.command == b"COMPRESS");
        let secured = self.starttls == Some(id);
        self.starttls = self.starttls.filter(|known| *known != id);
        self.finish(id, signals);
        if status == Some(Status::Ok) && (secured || compressed) {
            self.close_all(signals);
            self.stopped = true;
            signals.push(if secured { Signal::Handover(None) } else { Signal::Stop });
        }
    }

    /// Nothing will be added to it.
    fn finish(&mut self, id: u64, signals: &mut Vec<Signal>) {
        let Some(transaction) = self.transactions.get(id) else { return };
        let asked = !transaction.command.is_empty() || transaction.request.is_some();
        let fetched = transaction.mail.as_ref().is_some_and(|m| m.way == Direction::ToClient);
        if asked && !fetched {
            ready(id, Side::Request, Stage::Body, signals);
        }
        ready(id, Side::Response, Stage::Head, signals);
        ready(id, Side::Response, Stage::Body, signals);
        self.transactions.close(id, signals);
    }

    fn lose(&mut self, way: Direction, bytes: u64, signals: &mut Vec<Signal>) {
        self.read(way, signals, Mail::cut_off);
        let goes_on = self.wire(way).lose(bytes);
        // What a mail says behind a hole is not read.
        self.mail_over(way, signals);
        let begun = self.begun(way).take_if(|_| !goes_on);
        if way == Direction::ToClient {
            self.exchange = None;
            begun.into_iter().for_each(|id| self.finish(id, signals));
        }
    }

    fn close_all(&mut self, signals: &mut Vec<Signal>) {
        for way in [Direction::ToServer, Direction::ToClient] {
            self.read(way, signals, Mail::cut_off);
        }
        self.mails = [None; 2];
        self.begun = [None; 2];
        self.exchange = None;
        self.starttls = None;
        while let Some(id) = self.transactions.oldest_open() {
            self.finish(id, signals);
        }
    }

    fn open(&mut self, new: Transaction, side: Side, signals: &mut Vec<Signal>) -> u64 {
        self.memory = self.memory.saturating_add(new.text_memory());
        let before = signals.len();
        let id = self.transactions.open(new, side, &FLOODED, signals);
        let [request, response] = &mut self.flooded;
        let told = if side == Side::Request { request } else { response };
        // What the transaction itself signalled: an event at most.
        let mut at = before;
        while let Some(signal) = signals.get(at) {
            let flood = matches!(signal, Signal::Event { event, .. } if event.name == FLOODED.name);
            if flood && std::mem::replace(told, true) {
                signals.remove(at);
            } else {
                at += 1;
            }
        }
        id
    }

    fn answer(&mut self, id: u64, line: &[u8]) {
        if let Some(transaction) = self.transactions.get_mut(id) {
            self.memory =
                self.memory.saturating_add(transaction.answer(masked(line, &self.hidden)));
        }
    }
}

/// Whether a line begins with what logs on, here or in POP3, where its tag should be.
fn logs_on(tag: &[u8]) -> bool {
    let end = tag.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(tag.len());
    let word = tag.get(..end).unwrap_or_default();
    let known: [&[u8]; 6] = [b"LOGIN", b"AUTHENTICATE", b"USER", b"PASS", b"APOP", b"AUTH"];
    known.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Of a word that is no command what may be its name: what is glued to it may be a password.
fn name_of(word: &[u8]) -> &[u8] {
    let quote = usize::from(word.first() == Some(&b'"'));
    let inner = word.get(quote..).unwrap_or_default();
    let end = inner.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(inner.len());
    word.get(..=end.saturating_add(quote)).unwrap_or(word)
}

/// A line of the server without the secrets in it.
fn masked(line: &[u8], secrets: &[Vec<u8>]) -> Vec<u8> {
    let mut line = line.to_vec();
    for secret in secrets {
        let mut from = 0_usize;
        while let Some(at) = line.get(from..).and_then(|rest| memchr::memmem::find(rest, secret)) {
            let begin = from.saturating_add(at);
            let end = begin.saturating_add(secret.len());
            let part = |at: usize| line.get(at).is_some_and(u8::is_ascii_alphanumeric);
            let glued = part(end) || begin.checked_sub(1).is_some_and(part);
            from = begin.saturating_add(1);
            if secret.len() >= SHORT_BYTES || !glued {
                line.splice(begin..end, *b"***");
                from = begin.saturating_add(3);
            }
        }
    }
    line
}

/// The tag and the mailbox of a line up to a literal, when that is a mail to be stored.
fn appends(line: &Line) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut words = line.words();
    let tag = words.next()?;
    if !words.next()?.eq_ignore_ascii_case(b"APPEND") {
        return None;
    }
    let arguments = line.arguments();
    let (mailbox, more) = arguments.split_first()?;
    // CATENATE (RFC 4469) puts a mail together from parts that are elsewhere.
    let whole = !more.iter().any(|word| word.eq_ignore_ascii_case(b"CATENATE"));
    (whole && !more.is_empty()).then(|| (tag.to_vec(), mailbox.clone()))
}

/// Whether a literal behind this line up to it is a whole mail.
fn fetches(line: &Line) -> bool {
    let mut words = line.words();
    words.next() == Some(b"*")
        && words.nth(1).is_some_and(|name| name.eq_ignore_ascii_case(b"FETCH"))
        && names_mail(&line.text)
}

/// Whether the line up to a literal ends with the name of a whole mail, or of the first part of
/// one (RFC 9051, 6.4.5; RFC 3501, 7.4.2; RFC 3516): `BODY[] {310}`, `RFC822 {310}`.
fn names_mail(text: &[u8]) -> bool {
    let Some(brace) = text.iter().rposition(|byte| *byte == b'{') else { return false };
    let before = text.get(..brace).unwrap_or_default();
    let before = before.strip_suffix(b"~").unwrap_or(before).trim_ascii_end();
    let begin = before.iter().rposition(|byte| b" (".contains(byte));
    let name = before.get(begin.map_or(0, |at| at.saturating_add(1))..).unwrap_or_default();
    let whole: [&[u8]; 5] = [b"BODY[]", b"BODY[]<0>", b"RFC822", b"BINARY[]", b"BINARY[]<0>"];
    whole.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn ready(transaction: u64, side: Side, stage: Stage, signals: &mut Vec<Signal>) {
    signals.push(Signal::Ready { transaction, side, stage });
}

fn raise(id: u64, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
    signals.push(Signal::Event { transaction: Some(id), side, event });
}

/// Tells what is wrong with a line of the server.
fn wrong_answer(id: u64, line: &Line, signals: &mut Vec<Signal>) {
    if line.truncated {
        raise(id, Side::Response, &LONG_RESPONSE, signals);
    }
    if line.flawed {
        raise(id, Side::Response, &INVALID_LITERAL, signals);
    }
}
