//! Streams of both directions to mails.

use std::collections::VecDeque;

use super::commands::{Command, Last, is_command};
use super::events;
use super::mail::{Mail, RECIPIENTS_MAX};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::{File, Wants};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::mime::{Line, Message};
use crate::protocols::formats::pieces::{LINE_BYTES, Piece, Pieces};
use crate::protocols::frame::{self, Tape};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};

/// Mails open at a time: the one on its way, and one that it cuts off.
const MAX_OPEN: usize = 2;
/// Commands that may wait for a reply; further ones are not waited for.
const MAX_WAITING: usize = 4096;

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Data,
    /// The end of a message.
    Message,
    Reset,
    StartTls,
    LogOn,
    Other,
}

/// What the client's bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Commands,
    /// A message, up to a dot.
    Message,
    /// This many bytes of a message, and whether its last.
    Chunk(u64, bool),
}

/// Parses one flow.
pub struct Smtp {
    mails: Transactions<Mail>,
    /// The latest mail.
    mail: Option<u64>,
    /// The latest mail is complete: only what belongs to no other is added to it.
    complete: bool,
    envelope_told: bool,
    /// The last chunk of the latest mail was seen.
    chunked: bool,
    /// To the server, to the client.
    lines: [Pieces; 2],
    helo: Option<Vec<u8>>,
    waiting: VecDeque<Waiting>,
    greeted: bool,
    /// Within a reply of several lines.
    multiline: bool,
    pipelining: bool,
    mode: Mode,
    /// The last byte of a chunk did not end a line.
    chunk_cut: bool,
    ended: [bool; 2],
    stopped: bool,
    /// Bytes behind the reply to STARTTLS.
    left_over: usize,
    wants: Wants,
    /// The message as it stands on the wire, when frames are wanted.
    tape: Option<Box<Tape>>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            mails: Transactions::new(MAX_OPEN),
            mail: None,
            complete: false,
            envelope_told: false,
            chunked: false,
            lines: Default::default(),
            helo: None,
            waiting: VecDeque::new(),
            greeted: false,
            multiline: false,
            pipelining: false,
            mode: Mode::Commands,
            chunk_cut: false,
            ended: [false; 2],
            stopped: false,
            left_over: 0,
            wants: Wants::NOTHING,
            tape: None,
        }
    }
}

impl Parser for Smtp {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped {
            return;
        }
        self.wants = moment.files;
        match (chunk, direction) {
            (Chunk::Data(bytes), Direction::ToServer) => self.client(bytes, moment.files, signals),
            (Chunk::Data(bytes), Direction::ToClient) => self.server(bytes, signals),
            // What a message says behind a hole cannot be told from commands.
            (Chunk::Gap(_), _) => self.stop(Signal::Stop, signals),
            (Chunk::End, _) => {
                let [server, client] = &mut self.ended;
                match direction {
                    Direction::ToServer => *server = true,
                    Direction::ToClient => *client = true,
                }
                if self.ended == [true; 2] {
                    self.mail_done(signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.mails.get(id).map(|mail| mail as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.mails.take(id).map(|mail| mail as Box<dyn Describe>)
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&File> {
        self.mails.get(transaction)?.files.get(index)
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut File> {
        self.mails.get_live_mut(transaction)?.files.get_mut(index)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn memory(&self) -> usize {
        let mails: usize = self.mails.iter_open().map(|(_, mail)| mail.memory()).sum();
        let lines: usize = self.lines.iter().map(Pieces::memory).sum();
        let tape = self.tape.as_ref().map_or(0, |tape| tape.memory());
        size_of::<Self>() + self.mails.memory() + mails + lines + self.waiting.capacity() + tape
    }
}

impl Smtp {
    fn client(&mut self, mut bytes: &[u8], wants: Wants, signals: &mut Vec<Signal>) {
        while !bytes.is_empty() && !self.stopped {
            if let Mode::Chunk(left, last) = self.mode {
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let (taken, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                bytes = rest;
                self.chunk_cut = taken.last().is_some_and(|byte| *byte != b'\n');
                self.chunk(left.saturating_sub(taken.len() as u64), last);
                continue;
            }
            let [lines, _] = &mut self.lines;
            let Some(piece) = lines.next(&mut bytes) else { return };
            self.client_line(&piece, wants, signals);
        }
    }

    fn chunk(&mut self, left: u64, last: bool) {
        self.mode = if left > 0 { Mode::Chunk(left, last) } else { Mode::Commands };
        self.chunked |= left == 0 && last;
    }

    fn client_line(&mut self, piece: &Piece, wants: Wants, signals: &mut Vec<Signal>) {
        let (text, ending) = piece.parts();
        let read = if piece.start { Command::read(text) } else { Command::Other };
        // A client may send a second mail in chunks without saying that the first is over.
        if self.chunked && matches!(read, Command::MailFrom(_)) {
            self.mail_done(signals);
        }
        if self.mail.is_none() || self.complete {
            self.open(signals);
        }
        if !self.greeted {
            self.event(Side::Request, &events::NO_WELCOME, signals);
        }
        if self.mode == Mode::Message {
            match self.tape.as_mut().filter(|_| wants.frames) {
                Some(tape) => tape.add(&piece.bytes),
                None => self.tape = None,
            }
            self.message_line(Line { text, ending, start: piece.start }, wants, signals);
            return;
        }
        frame::tell(wants, "command_line", Side::Request, &piece.bytes, signals);
        if !piece.start {
            return;
        }
        if piece.bytes.len() >= LINE_BYTES {
            self.event(Side::Request, &events::LONG_COMMAND, signals);
        }
        if std::mem::take(&mut self.chunk_cut) && !is_command(text) {
            self.event(Side::Request, &events::CHUNK_EXCEEDED, signals);
        }
        self.command(read, signals);
    }

    fn command(&mut self, command: Command<'_>, signals: &mut Vec<Signal>) {
        let mut waiting = Waiting::Other;
        match command {
            Command::Hello(name) => {
                if self.helo.is_some() {
                    self.event(Side::Request, &events::DUPLICATE_FIELDS, signals);
                } else {
                    self.helo = Some(name.to_vec());
                    let helo = self.helo.clone();
                    self.with(|mail| mail.helo = helo);
                }
            }
            Command::MailFrom(path) => {
                let taken = self.with(|mail| {
                    let first = mail.mail_from.is_none();
                    mail.mail_from.get_or_insert_with(|| path.to_vec());
                    first
                });
                if taken == Some(false) {
                    self.event(Side::Request, &events::DUPLICATE_FIELDS, signals);
                }
            }
            Command::RecipientTo(path) => {
                self.with(|mail| {
                    if mail.rcpt_to.len() < RECIPIENTS_MAX {
                        mail.rcpt_to.push(path.to_vec());
                    }
                });
            }
            Command::Data => {
                waiting = Waiting::Data;
                self.data(signals);
            }
            Command::Chunk(None, _) => {
                self.stop(Signal::Stop, signals);
                return;
            }
            Command::Chunk(Some(size), Last(last)) => {
                self.ready(Stage::Head, signals);
                self.wait(waiting, signals);
                self.chunk(size, last);
                return;
            }
            Command::Reset => waiting = Waiting::Reset,
            Command::StartTls => waiting = Waiting::StartTls,
            Command::LogOn => waiting = Waiting::LogOn,
            Command::Quit | Command::Other => {}
        }
        self.wait(waiting, signals);
    }

    /// A message is announced.
    fn data(&mut self, signals: &mut Vec<Signal>) {
        if self.with(|mail| mail.message.is_some()) == Some(true) {
            self.event(Side::Request, &events::UNPARSABLE, signals);
            self.mail_done(signals);
            self.open(signals);
        }
        self.ready(Stage::Head, signals);
        self.with(|mail| mail.message = Some(Box::new(Message::default())));
        if self.pipelining {
            self.message();
        }
    }

    /// What the client sends next is a message: only here a tape of it begins.
    fn message(&mut self) {
        if self.mode != Mode::Message {
            self.tape = self.wants.frames.then(Box::default);
        }
        self.mode = Mode::Message;
    }

    fn wait(&mut self, command: Waiting, signals: &mut Vec<Signal>) {
        if matches!(self.waiting.back(), Some(Waiting::StartTls | Waiting::Data)) {
            self.event(Side::Request, &events::INVALID_PIPELINING, signals);
        }
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(command);
        }
    }

    fn message_line(&mut self, line: Line<'_>, wants: Wants, signals: &mut Vec<Signal>) {
        if line.start && line.text == b"." && !line.ending.is_empty() {
            self.mode = Mode::Commands;
            if let Some(mut tape) = self.tape.take() {
                tape.end("data", Side::Request, true, signals);
            }
            self.wait(Waiting::Message, signals);
            self.mail_done(signals);
            return;
        }
        // A dot before a dot is none of the message's (RFC 5321, 4.5.2).
        let stuffed = if line.start { line.text.strip_prefix(b".") } else { None };
        let line = Line { text: stuffed.unwrap_or(line.text), ..line };
        let mut ended = Vec::new();
        self.with(|mail| mail.line(line, wants, &mut ended));
        self.told(&ended, signals);
    }

    /// Tells of flaws and of files that ended.
    fn told(&mut self, ended: &[u32], signals: &mut Vec<Signal>) {
        let Some(transaction) = self.mail else { return };
        let flaws: Vec<_> = self.with(|mail| mail.new_flaws().collect()).unwrap_or_default();
        for event in flaws {
            self.event(Side::Request, event, signals);
        }
        for index in ended {
            let index = *index;
            signals.push(Signal::File { transaction, side: Side::Request, index });
        }
    }

    fn server(&mut self, mut bytes: &[u8], signals: &mut Vec<Signal>) {
        while !bytes.is_empty() && !self.stopped {
            let [_, lines] = &mut self.lines;
            let Some(piece) = lines.next(&mut bytes) else { return };
            frame::tell(self.wants, "response_line", Side::Response, &piece.bytes, signals);
            if piece.start {
                if piece.bytes.len() >= LINE_BYTES {
                    self.event(Side::Response, &events::LONG_REPLY, signals);
                }
                self.reply(piece.parts().0, signals);
            }
        }
        self.left_over = bytes.len();
    }

    fn reply(&mut self, line: &[u8], signals: &mut Vec<Signal>) {
        if line.is_empty() {
            return;
        }
        let code = line.first_chunk::<3>();
        let Some(code) = code.filter(|code| code.iter().all(u8::is_ascii_digit)) else {
            self.event(Side::Response, &events::INVALID_REPLY, signals);
            return;
        };
        self.multiline = line.get(3) == Some(&b'-');
        let Some(asked) = self.waiting.front().copied() else {
            // Servers may speak unasked, to close an idle connection.
            if self.greeted {
                return;
            }
            self.greeted = !self.multiline;
            if code != b"220" {
                self.event(Side::Response, &events::INVALID_REPLY, signals);
            }
            return;
        };
        let extension = line.get(4..).unwrap_or_default().trim_ascii_end();
        if code == b"250" && extension.eq_ignore_ascii_case(b"pipelining") {
            self.pipelining = true;
        }
        if !self.multiline {
            self.waiting.pop_front();
        }
        // RFC 4954, sections 4 and 6: no other command is answered so.
        match code {
            b"235" => self.with(|mail| mail.logged_on = Some(true)),
            b"535" if !self.multiline => self.with(|mail| {
                mail.refused = mail.refused.saturating_add(1);
                mail.logged_on.get_or_insert(false);
            }),
            _ if asked == Waiting::LogOn && code >= b"400" => self.with(|mail| {
                mail.logged_on.get_or_insert(false);
            }),
            _ => None,
        };
        match asked {
            Waiting::StartTls if code == b"220" => {
                if !self.multiline {
                    self.stop(Signal::Handover(None), signals);
                }
            }
            Waiting::StartTls => self.event(Side::Response, &events::TLS_REJECTED, signals),
            Waiting::Data if code == b"354" => self.message(),
            Waiting::Data => {
                self.event(Side::Response, &events::DATA_REJECTED, signals);
                self.mode = Mode::Commands;
                self.tape = None;
            }
            Waiting::Reset if code == b"250" && !self.multiline => self.mail_done(signals),
            Waiting::Reset | Waiting::Message | Waiting::LogOn | Waiting::Other => {}
        }
    }

    fn open(&mut self, signals: &mut Vec<Signal>) {
        let mail = Mail::new(self.helo.clone());
        self.mail = Some(self.mails.open(mail, Side::Request, &events::UNPARSABLE, signals));
        self.complete = false;
        self.envelope_told = false;
        self.chunked = false;
    }

    /// Changes the latest mail, unless it is closed.
    fn with<R>(&mut self, change: impl FnOnce(&mut Mail) -> R) -> Option<R> {
        self.mail.and_then(|id| self.mails.get_mut(id)).map(change)
    }

    /// Raises an event, once for a mail.
    fn event(&mut self, side: Side, event: &'static Event, signals: &mut Vec<Signal>) {
        let new = self.with(|mail| {
            let new = !mail.raised.iter().any(|raised| raised.name == event.name);
            if new {
                mail.raised.push(event);
            }
            new
        });
        if new != Some(false) {
            let transaction = self.mail.filter(|_| new.is_some());
            signals.push(Signal::Event { transaction, side, event });
        }
    }

    /// Tells, once, that the envelope or the whole mail is final.
    fn ready(&mut self, stage: Stage, signals: &mut Vec<Signal>) {
        let told = std::mem::replace(&mut self.envelope_told, true);
        if let Some(transaction) = self.mail.filter(|_| stage != Stage::Head || !told) {
            signals.push(Signal::Ready { transaction, side: Side::Request, stage });
        }
    }

    /// The latest mail is complete.
    fn mail_done(&mut self, signals: &mut Vec<Signal>) {
        let Some(id) = self.mail.filter(|_| !self.complete) else { return };
        let mut ended = Vec::new();
        if self.mode == Mode::Message {
            self.with(|mail| mail.cut_off(&mut ended));
        }
        self.with(|mail| mail.message_end(&mut ended));
        self.told(&ended, signals);
        self.ready(Stage::Head, signals);
        self.ready(Stage::Body, signals);
        self.complete = true;
        self.mails.close(id, signals);
    }

    fn stop(&mut self, last: Signal, signals: &mut Vec<Signal>) {
        self.mail_done(signals);
        if let Some(mut tape) = self.tape.take() {
            tape.end("data", Side::Request, false, signals);
        }
        self.stopped = true;
        signals.push(last);
    }
}
