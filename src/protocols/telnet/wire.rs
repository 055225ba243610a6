//! A direction cut into text and commands (RFC 854, RFC 855).

/// Interpret as command.
pub const IAC: u8 = 255;
/// A subnegotiation begins.
pub const SB: u8 = 250;
/// It ends.
const SE: u8 = 240;
/// The first and the last of WILL, WONT, DO, DONT.
const WILL: u8 = 251;
pub const DONT: u8 = 254;
/// The first byte that is a command: EOF (RFC 1184).
const FIRST_COMMAND: u8 = 236;
/// Bytes of a subnegotiation that are kept.
const SUB_BYTES: usize = 1024;

/// What a byte completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A byte of text.
    Text(u8),
    /// A command without more, or with an option.
    Command,
    /// A subnegotiation, without what encloses it.
    Sub(Vec<u8>),
    /// A subnegotiation longer than is kept.
    Long,
    /// A command within a subnegotiation, which ends there.
    Broken,
    /// A byte that is no command.
    Unknown,
}

/// Where in a command a direction is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Iac,
    /// An option follows.
    Verb,
    Sub,
    SubIac,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Wire {
    state: State,
    sub: Vec<u8>,
    long: bool,
}

impl Wire {
    /// Takes a byte.
    pub fn feed(&mut self, byte: u8) -> Option<Item> {
        match (self.state, byte) {
            (State::Text, IAC) => self.state = State::Iac,
            (State::Text, text) => return Some(Item::Text(text)),
            (State::Iac, IAC) => {
                self.state = State::Text;
                return Some(Item::Text(IAC));
            }
            (State::Iac, SB) => self.state = State::Sub,
            (State::Iac, WILL..=DONT) => self.state = State::Verb,
            (State::Iac, command) => {
                self.state = State::Text;
                let known = command >= FIRST_COMMAND;
                return Some(if known { Item::Command } else { Item::Unknown });
            }
            (State::Verb, _) => {
                self.state = State::Text;
                return Some(Item::Command);
            }
            (State::Sub, IAC) => self.state = State::SubIac,
            (State::Sub, byte) => self.keep(byte),
            (State::SubIac, IAC) => {
                self.state = State::Sub;
                self.keep(IAC);
            }
            (State::SubIac, SE) => {
                self.state = State::Text;
                let sub = std::mem::take(&mut self.sub);
                let long = std::mem::take(&mut self.long);
                return Some(if long { Item::Long } else { Item::Sub(sub) });
            }
            (State::SubIac, _) => {
                *self = Self::default();
                return Some(Item::Broken);
            }
        }
        None
    }

    fn keep(&mut self, byte: u8) {
        if self.sub.len() < SUB_BYTES {
            self.sub.push(byte);
        } else {
            self.long = true;
        }
    }

    /// Whether a command has begun and not ended.
    pub fn within(&self) -> bool {
        self.state != State::Text
    }

    /// Whether a subnegotiation has begun and not ended.
    pub const fn within_sub(&self) -> bool {
        matches!(self.state, State::Sub | State::SubIac)
    }

    /// Bytes it points to.
    pub const fn memory(&self) -> usize {
        self.sub.capacity()
    }
}
