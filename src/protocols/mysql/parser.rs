//! Streams of both directions to a log-in: the greeting, who wants to log on, what comes of it.

use super::login::Login;
use super::{MALFORMED, TOO_LONG};
use crate::field::{Describe, Event, Side};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::{Moment, Parser, Signal, frame};
use crate::reader::Reader;

/// The first byte of a greeting: version 10 of the protocol, since 1998.
pub(super) const GREETING: u8 = 10;
/// Bytes of a message before the log-in has ended, at most.
const MESSAGE_MAX: usize = 16_384;
/// Bytes of a user's name, a database's, a version, an error that are kept.
const TEXT_MAX: usize = 512;
/// Bytes of a message's head: its length and its number.
const HEAD: usize = 4;
/// A flow is one transaction.
const ONLY: u64 = 0;

/// What a client can do: of the first 16 of its flags.
mod capability {
    pub const WITH_DATABASE: u32 = 0x0008;
    pub const PROTOCOL_41: u32 = 0x0200;
    pub const TLS: u32 = 0x0800;
    pub const SECURE: u32 = 0x8000;
    /// The proof has a length of its own in front, of one to nine bytes.
    pub const LENGTH_ENCODED: u32 = 0x0020_0000;
}

/// The first byte when the server says yes, and no.
const OK: u8 = 0;
pub(super) const ERROR: u8 = 0xff;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Greeting,
    Response,
    /// Until the server has decided, what the client says is its proof.
    Verdict,
}

/// Parses one flow.
#[derive(Default)]
pub struct MysqlParser {
    login: Option<Box<Login>>,
    step: Step,
    waiting: [Vec<u8>; 2],
    ended: [bool; 2],
    done: bool,
    /// Bytes behind the request for TLS.
    left_over: usize,
}

impl Parser for MysqlParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.done {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => {
                direction.of_mut(&mut self.waiting).extend_from_slice(bytes);
                self.advance(moment.files, signals);
                let waiting = direction.of_mut(&mut self.waiting).len();
                if waiting > 2 * MESSAGE_MAX && !self.done {
                    self.wrong(direction, &TOO_LONG, signals);
                }
            }
            Chunk::Gap(_) => self.finish(signals),
            Chunk::End => {
                *direction.of_mut(&mut self.ended) = true;
                if self.ended == [true; 2] {
                    self.finish(signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        let login = self.login.as_deref().filter(|_| id == ONLY)?;
        Some(login)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        if id != ONLY {
            return None;
        }
        self.done = true;
        self.login.take().map(|login| login as Box<dyn Describe>)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn left_over(&self) -> usize {
        self.left_over
    }

    fn memory(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Vec::capacity).sum();
        let login = self.login.as_deref().map_or(0, |login| {
            let texts = [login.user.as_ref(), login.database.as_ref()].into_iter().flatten();
            let texts = texts.chain([&login.version, &login.reason]).map(Vec::capacity);
            size_of::<Login>() + texts.sum::<usize>()
        });
        size_of::<Self>() + waiting + login
    }
}

impl MysqlParser {
    /// Takes whole messages, each from the side whose turn it is.
    fn advance(&mut self, wants: Wants, signals: &mut Vec<Signal>) {
        while !self.done {
            let way = match self.step {
                Step::Response => Direction::ToServer,
                Step::Greeting | Step::Verdict => Direction::ToClient,
            };
            let mut waiting = std::mem::take(way.of_mut(&mut self.waiting));
            let Some(length) = length(&waiting) else {
                *way.of_mut(&mut self.waiting) = waiting;
                return;
            };
            if length > MESSAGE_MAX {
                return self.wrong(way, &TOO_LONG, signals);
            }
            let Some(message) = waiting.get(..HEAD + length) else {
                *way.of_mut(&mut self.waiting) = waiting;
                return;
            };
            frame::tell(wants, "pdu", way.side(), message, signals);
            let body = message.get(HEAD..).unwrap_or_default();
            self.left_over = waiting.len() - message.len();
            if self.message(body, signals).is_none() {
                return self.wrong(way, &MALFORMED, signals);
            }
            waiting.drain(..HEAD + length);
            *way.of_mut(&mut self.waiting) = waiting;
        }
    }

    /// A message; `None` when it cannot be read.
    fn message(&mut self, body: &[u8], signals: &mut Vec<Signal>) -> Option<()> {
        let mut reader = Reader::new(body);
        let login = self.login.get_or_insert_default();
        match (self.step, reader.u8()?) {
            (Step::Greeting, GREETING) => {
                login.version = kept(text(&mut reader)?);
                self.step = Step::Response;
            }
            (Step::Greeting | Step::Verdict, ERROR) => {
                let code = u16::from_le_bytes(reader.array()?);
                let rest = reader.rest();
                // The state of SQL, of five letters, stands in front where the client knows it.
                let said = match rest {
                    [b'#', _, _, _, _, _, said @ ..] => said,
                    said => said,
                };
                login.reason = kept(said);
                login.result = Some(code);
                self.finish(signals);
            }
            (Step::Verdict, OK) => {
                login.result = Some(0);
                self.finish(signals);
            }
            // Another way to prove it, or more of the same.
            (Step::Verdict, _) => {}
            (Step::Greeting, _) => return None,
            (Step::Response, _) => {
                if login.response(body)? {
                    self.finish(signals);
                    signals.push(Signal::Handover(Some("tls")));
                } else {
                    self.step = Step::Verdict;
                }
            }
        }
        Some(())
    }

    fn wrong(&mut self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        if self.login.is_some() {
            signals.push(Signal::Event { transaction: Some(ONLY), side: way.side(), event });
        }
        self.finish(signals);
    }

    /// Nothing more is learned. The flow goes on, and is still its protocol's.
    fn finish(&mut self, signals: &mut Vec<Signal>) {
        self.done = true;
        self.waiting = Default::default();
        if self.login.is_none() {
            return;
        }
        for side in [Side::Request, Side::Response] {
            Signal::all_ready(ONLY, side, signals);
        }
        signals.push(Signal::Done { transaction: ONLY });
    }
}

impl Login {
    /// Reads who wants to log on; whether it goes on as TLS first. `None` when it cannot be read.
    fn response(&mut self, body: &[u8]) -> Option<bool> {
        let mut reader = Reader::new(body);
        let low = u16::from_le_bytes(reader.array()?);
        if u32::from(low) & capability::PROTOCOL_41 == 0 {
            // Of servers before 4.1: the largest message in three bytes, then the name.
            reader.skip(3)?;
            self.user = Some(kept(text(&mut reader)?));
            return Some(false);
        }
        let high = u16::from_le_bytes(reader.array()?);
        let flags = u32::from(high) << 16 | u32::from(low);
        // The largest message, a character set, what is not used.
        reader.skip(4 + 1 + 23)?;
        if reader.is_empty() {
            self.encrypted = flags & capability::TLS != 0;
            return self.encrypted.then_some(true);
        }
        self.user = Some(kept(text(&mut reader)?));
        let proof = match flags {
            _ if flags & capability::LENGTH_ENCODED != 0 => encoded(&mut reader)?,
            _ if flags & capability::SECURE != 0 => reader.u8()?.into(),
            _ => text(&mut reader).map(|_| 0)?,
        };
        reader.skip(proof)?;
        if flags & capability::WITH_DATABASE != 0 {
            self.database = Some(kept(text(&mut reader)?)).filter(|name| !name.is_empty());
        }
        Some(false)
    }
}

/// The length of the message that begins here, without its head.
fn length(bytes: &[u8]) -> Option<usize> {
    let [low, middle, high, _] = *bytes.first_chunk::<HEAD>()?;
    usize::try_from(u32::from_le_bytes([low, middle, high, 0])).ok()
}

/// A text that ends with nought, or with the message.
fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let rest = reader.rest();
    let Some(end) = memchr::memchr(0, rest) else {
        reader.skip(rest.len())?;
        return Some(rest);
    };
    let text = reader.take(end)?;
    reader.skip(1)?;
    Some(text)
}

/// A number of one to nine bytes; of a proof none is longer than two say.
fn encoded(reader: &mut Reader<'_>) -> Option<usize> {
    match reader.u8()? {
        small @ ..=250 => Some(small.into()),
        0xfc => Some(u16::from_le_bytes(reader.array()?).into()),
        _ => None,
    }
}

fn kept(text: &[u8]) -> Vec<u8> {
    text.get(..TEXT_MAX).unwrap_or(text).to_vec()
}
