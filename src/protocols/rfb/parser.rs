//! Streams of both directions to the beginning of a session: each step is one side's.

use super::session::{NONE, Screen, Session, VNC};
use super::{CONFUSED, MALFORMED, UNIMPLEMENTED, UNKNOWN_RESULT};
use crate::field::{Describe, Event, Side};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::{Moment, Parser, Signal, frame};
use crate::reader::Reader;

/// Bytes of a name or of a reason: more is not believed.
const MAX_TEXT: u32 = 16_384;
/// Bytes of a direction that wait for the other side's step.
const MAX_WAITING: usize = 32_768;
/// A flow is one transaction.
const ONLY: u64 = 0;

/// Whose turn it is, and what must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    ServerVersion,
    ClientVersion,
    /// The server names all that it knows.
    Offer,
    Choice,
    /// In version 3.3 the server decides.
    Decision,
    Challenge,
    Response,
    Result,
    Reason,
    ClientInit,
    ServerInit,
}

/// What a step came to.
enum Outcome {
    /// Too few bytes.
    More,
    /// So many bytes were used, and what is next; nothing when all is learned.
    Next(usize, Option<Step>),
    /// It cannot go on.
    Wrong(&'static Event),
}

/// What is next, nothing when all is learned, or why it cannot go on; `None` when bytes are missing.
type Next = Option<Result<Option<Step>, &'static Event>>;

/// Parses one flow.
pub struct RfbParser {
    session: Option<Box<Session>>,
    step: Step,
    waiting: [Vec<u8>; 2],
    ended: [bool; 2],
    done: bool,
}

impl Default for RfbParser {
    fn default() -> Self {
        Self {
            session: None,
            step: Step::ServerVersion,
            waiting: Default::default(),
            ended: [false; 2],
            done: false,
        }
    }
}

impl Parser for RfbParser {
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
                let over = direction.of_mut(&mut self.waiting).len() > MAX_WAITING;
                if over && !self.done {
                    self.event(direction, &CONFUSED, signals);
                    self.finish(signals);
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
        let session = self.session.as_deref().filter(|_| id == ONLY)?;
        Some(session)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        if id != ONLY {
            return None;
        }
        self.done = true;
        self.session.take().map(|session| session as Box<dyn Describe>)
    }

    fn server_begins(&self) -> bool {
        true
    }

    fn memory(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Vec::capacity).sum();
        let name = |session: &Session| session.screen.as_ref().map_or(0, |s| s.name.capacity());
        let session = self.session.as_ref().map_or(0, |s| size_of::<Session>() + name(s));
        size_of::<Self>() + waiting + session
    }
}

impl RfbParser {
    fn advance(&mut self, wants: Wants, signals: &mut Vec<Signal>) {
        loop {
            let way = self.step.way();
            let waiting = std::mem::take(way.of_mut(&mut self.waiting));
            let session = self.session.get_or_insert_default();
            let outcome = self.step.take(session, &waiting);
            if let Outcome::Next(used, _) = outcome {
                let message = waiting.get(..used).unwrap_or_default();
                frame::tell(wants, "pdu", way.side(), message, signals);
            }
            match outcome {
                Outcome::More => {
                    *way.of_mut(&mut self.waiting) = waiting;
                    return;
                }
                Outcome::Next(used, Some(step)) => {
                    self.step = step;
                    *way.of_mut(&mut self.waiting) =
                        waiting.get(used..).unwrap_or_default().to_vec();
                }
                Outcome::Next(_, None) => return self.finish(signals),
                Outcome::Wrong(event) => {
                    self.event(way, event, signals);
                    return self.finish(signals);
                }
            }
        }
    }

    fn event(&self, way: Direction, event: &'static Event, signals: &mut Vec<Signal>) {
        let side = way.side();
        if self.session.is_some() {
            signals.push(Signal::Event { transaction: Some(ONLY), side, event });
        }
    }

    /// Nothing more is learned. The flow goes on, and is still its protocol's.
    fn finish(&mut self, signals: &mut Vec<Signal>) {
        self.done = true;
        self.waiting = Default::default();
        if self.session.is_none() {
            return;
        }
        for side in [Side::Request, Side::Response] {
            Signal::all_ready(ONLY, side, signals);
        }
        signals.push(Signal::Done { transaction: ONLY });
    }
}

impl Step {
    /// Whose turn it is.
    const fn way(self) -> Direction {
        match self {
            Self::ClientVersion | Self::Choice | Self::Response | Self::ClientInit => {
                Direction::ToServer
            }
            _ => Direction::ToClient,
        }
    }

    fn take(self, session: &mut Session, bytes: &[u8]) -> Outcome {
        let mut reader = Reader::new(bytes);
        self.read(session, &mut reader).unwrap_or(Outcome::More)
    }

    /// `None` when bytes are missing.
    fn read(self, session: &mut Session, reader: &mut Reader<'_>) -> Option<Outcome> {
        let next = match self {
            Self::ServerVersion | Self::ClientVersion => self.version(session, reader),
            Self::Offer | Self::Choice | Self::Decision => self.security(session, reader),
            Self::Challenge | Self::Response | Self::Result => self.proof(session, reader),
            Self::Reason | Self::ClientInit | Self::ServerInit => self.opening(session, reader),
        };
        Some(match next? {
            Ok(next) => Outcome::Next(reader.position(), next),
            Err(event) => Outcome::Wrong(event),
        })
    }

    fn version(self, session: &mut Session, reader: &mut Reader<'_>) -> Next {
        let Some(version) = version(&reader.array()?) else { return Some(Err(&MALFORMED)) };
        Some(Ok(Some(if self == Self::ServerVersion {
            session.server = Some(version);
            Self::ClientVersion
        } else {
            session.client = Some(version);
            if version == [*b"003", *b"003"] { Self::Decision } else { Self::Offer }
        })))
    }

    /// Which way of authentication: in version 3.3 the server decides (section 7.1.2).
    fn security(self, session: &mut Session, reader: &mut Reader<'_>) -> Next {
        if self == Self::Offer {
            let count = reader.u8()?;
            reader.skip(count.into())?;
            return Some(Ok(Some(if count == 0 { Self::Reason } else { Self::Choice })));
        }
        let decided = self == Self::Decision;
        let kind = if decided { reader.u32()? } else { reader.u8()?.into() };
        session.security = Some(kind);
        Some(match kind {
            0 if decided => Ok(Some(Self::Reason)),
            NONE if modern(session) => Ok(Some(Self::Result)),
            NONE => Ok(Some(Self::ClientInit)),
            VNC => Ok(Some(Self::Challenge)),
            _ => Err(&UNIMPLEMENTED),
        })
    }

    fn proof(self, session: &mut Session, reader: &mut Reader<'_>) -> Next {
        Some(match self {
            Self::Challenge => {
                session.challenge = Some(reader.array()?);
                Ok(Some(Self::Response))
            }
            Self::Response => {
                session.response = Some(reader.array()?);
                Ok(Some(Self::Result))
            }
            _ => {
                let result = reader.u32()?;
                session.result = Some(result);
                match result {
                    0 => Ok(Some(Self::ClientInit)),
                    1 if modern(session) => Ok(Some(Self::Reason)),
                    1 | 2 => Ok(None),
                    _ => Err(&UNKNOWN_RESULT),
                }
            }
        })
    }

    fn opening(self, session: &mut Session, reader: &mut Reader<'_>) -> Next {
        match self {
            Self::ClientInit => {
                session.shared = Some(reader.u8()? != 0);
                return Some(Ok(Some(Self::ServerInit)));
            }
            Self::ServerInit => {
                let (mut screen, length) = Screen::parse(reader.take(24)?)?;
                if length > MAX_TEXT {
                    return Some(Err(&MALFORMED));
                }
                screen.name = reader.take(usize::try_from(length).ok()?)?.to_vec();
                session.screen = Some(screen);
            }
            _ if reader.u32()? > MAX_TEXT => return Some(Err(&MALFORMED)),
            _ => {}
        }
        Some(Ok(None))
    }
}

/// Version 3.8 says more of results (section 7.1.3).
fn modern(session: &Session) -> bool {
    session.client.is_some_and(|[_, minor]| minor >= *b"008")
}

/// `RFB 003.008` and a line feed.
fn version(bytes: &[u8; 12]) -> Option<[[u8; 3]; 2]> {
    let numbers = bytes.strip_prefix(b"RFB ")?.strip_suffix(b"\n")?;
    let (major, rest) = numbers.split_first_chunk::<3>()?;
    let minor: &[u8; 3] = rest.strip_prefix(b".")?.try_into().ok()?;
    let digits = major.iter().chain(minor).all(u8::is_ascii_digit);
    digits.then_some([*major, *minor])
}
