//! The dialogue of a log-in: what the server asks, what is typed, what the server says then.

use super::transaction::Login;

/// Bytes of a line of the server that are looked at: the last of it.
const ASKED_BYTES: usize = 512;
/// Bytes of a typed line that are kept.
const TYPED_BYTES: usize = 255;
/// Bytes of a line that may ask for a name or a password.
const PROMPT_BYTES: usize = 100;

/// What a server says to a wrong password.
const REFUSALS: &[&[u8]] = &[
    b"incorrect",
    b"login failed",
    b"logon failed",
    b"login failure",
    b"authentication fail",
    b"access denied",
    b"permission denied",
    b"bad password",
    b"wrong password",
    b"invalid password",
    b"invalid login",
    b"login invalid",
    b"invalid user",
    b"not authorized",
    b"% bad ",
    b"account locked",
];
/// What a server says to whom it has let in.
const WELCOMES: &[&[u8]] = &[b"last login", b"login successful", b"welcome to", b"logged in"];
/// The ends of what a server asks for a password, and for a name.
const PASSWORDS: &[&[u8]] = &[
    b"passw",
    b"passcode",
    b"passphrase",
    b"parola",
    b"contrase",
    b"senha",
    b"mot de passe",
    b"kennwort",
    b"wachtwoord",
    b"secret",
];
const NAMES: &[&[u8]] = &[b"login", b"logon", b"user", b"account", b"utente", b"benutzer"];
/// What `passwd` asks with: whoever is asked that has logged on.
const CHANGES: &[&[u8]] = &[b"current", b"new ", b"retype", b"old ", b"nuova", b"attuale"];

/// What the server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Name,
    Password,
    /// A password, to change it.
    Change,
    /// It says something else, or nothing.
    Other,
}

/// How far the log-in has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// No name was typed.
    #[default]
    Idle,
    /// The name was typed.
    Named,
    /// The password was typed; whether the server has said anything since.
    Tried(bool),
}

/// What has become clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Somebody's name.
    User(Vec<u8>),
    /// A password, or an empty one.
    Password { empty: bool },
    /// How the server took it.
    Ended(Login),
}

/// Both sides of a conversation.
#[derive(Debug, Default)]
pub struct Dialogue {
    state: State,
    asked: Vec<u8>,
    /// Within a sequence that moves or colours (ECMA-48): behind its ESC, or behind `ESC [`.
    escape: Escape,
    typed: Vec<u8>,
    /// What was asked when the line that is typed began.
    answers: Option<Asked>,
    /// Something was typed in it.
    begun: bool,
    /// The last byte ended a line: the one behind it may belong to the end.
    carriage: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Sequence,
}

impl Dialogue {
    /// The server says a byte.
    pub fn server(&mut self, byte: u8) -> Option<Heard> {
        match (self.escape, byte) {
            (Escape::None, 0x1b) => self.escape = Escape::Begun,
            (Escape::Begun, b'[') => self.escape = Escape::Sequence,
            (Escape::Begun, _) | (Escape::Sequence, 0x40..=0x7e) => self.escape = Escape::None,
            (Escape::Sequence, _) | (_, b'\r' | 0) => {}
            (Escape::None, b'\n') => {
                let heard = self.line();
                self.asked.clear();
                return heard;
            }
            (Escape::None, 0x08) => {
                self.asked.pop();
            }
            (Escape::None, byte) => {
                if self.asked.len() >= ASKED_BYTES {
                    self.asked.drain(..ASKED_BYTES / 2);
                }
                self.asked.push(byte.to_ascii_lowercase());
            }
        }
        None
    }

    /// A line of the server has ended.
    fn line(&mut self) -> Option<Heard> {
        let State::Tried(spoken) = &mut self.state else { return None };
        let line = self.asked.as_slice();
        *spoken |= !line.trim_ascii().is_empty();
        if has(line, REFUSALS) {
            self.end(Login::Failure)
        } else if has(line, WELCOMES) {
            self.end(Login::Success)
        } else {
            None
        }
    }

    fn end(&mut self, login: Login) -> Option<Heard> {
        self.state = State::Idle;
        Some(Heard::Ended(login))
    }

    /// The client types a byte; what it means comes in order.
    pub fn client(&mut self, byte: u8) -> [Option<Heard>; 2] {
        let carriage = std::mem::replace(&mut self.carriage, byte == b'\r');
        match byte {
            b'\n' if carriage => [None, None],
            0 => [None, None],
            b'\r' | b'\n' => {
                let first = self.begin();
                [first, self.typed()]
            }
            // Backspace, delete, and what takes back the whole line.
            0x08 | 0x7f => {
                self.typed.pop();
                [None, None]
            }
            0x15 => {
                self.typed.clear();
                [None, None]
            }
            byte => {
                let first = self.begin();
                self.begun = true;
                let secret = self.is_secret();
                if !secret && self.typed.len() < TYPED_BYTES {
                    self.typed.push(byte);
                }
                [first, None]
            }
        }
    }

    /// Whether what is typed is a password.
    fn is_secret(&self) -> bool {
        match self.answers {
            Some(Asked::Password | Asked::Change) => true,
            Some(Asked::Name) => false,
            // Whatever language it asks in, behind the name comes the password.
            _ => self.state == State::Named,
        }
    }

    /// The first byte of a line: what the server asks is what it answers, and that anything is
    /// asked tells how the log-in before it went.
    fn begin(&mut self) -> Option<Heard> {
        if self.answers.is_some() {
            return None;
        }
        let asked = self.asked();
        self.answers = Some(asked);
        self.outcome(asked)
    }

    fn outcome(&mut self, asked: Asked) -> Option<Heard> {
        let State::Tried(spoken) = self.state else { return None };
        match asked {
            Asked::Name | Asked::Password => self.end(Login::Failure),
            _ if has(&self.asked, REFUSALS) => self.end(Login::Failure),
            Asked::Change => self.end(Login::Success),
            Asked::Other if spoken || !self.asked.trim_ascii().is_empty() => {
                self.end(Login::Success)
            }
            Asked::Other => None,
        }
    }

    /// A typed line has ended.
    fn typed(&mut self) -> Option<Heard> {
        let secret = self.is_secret();
        let typed = std::mem::take(&mut self.typed);
        let empty = !std::mem::take(&mut self.begun);
        let answers = self.answers.take();
        // It is answered: what is typed ahead answers something else.
        self.asked.clear();
        if answers == Some(Asked::Change) {
            self.state = State::Idle;
            return None;
        }
        if secret {
            self.state = State::Tried(false);
            return Some(Heard::Password { empty });
        }
        if answers == Some(Asked::Name) && !typed.trim_ascii().is_empty() {
            self.state = State::Named;
            return Some(Heard::User(typed.trim_ascii().to_vec()));
        }
        None
    }

    fn asked(&self) -> Asked {
        let text = self.asked.trim_ascii();
        let Some(text) = text.strip_suffix(b":").filter(|text| text.len() <= PROMPT_BYTES) else {
            return Asked::Other;
        };
        if has(text, PASSWORDS) {
            if has(text, CHANGES) { Asked::Change } else { Asked::Password }
        } else if has(text, NAMES) {
            Asked::Name
        } else {
            Asked::Other
        }
    }

    /// Nothing more comes: how a log-in went whose end was not told.
    pub fn close(&mut self) -> Option<Heard> {
        let State::Tried(_) = self.state else { return None };
        let last = self.asked.trim_ascii().last().copied();
        match self.asked() {
            Asked::Name | Asked::Password => self.end(Login::Failure),
            _ if has(&self.asked, REFUSALS) => self.end(Login::Failure),
            Asked::Change => self.end(Login::Success),
            Asked::Other if matches!(last, Some(b'$' | b'#' | b'>' | b'%')) => {
                self.end(Login::Success)
            }
            Asked::Other => None,
        }
    }

    /// Bytes of a side were lost.
    pub fn lose(&mut self, of_client: bool) {
        if of_client {
            self.typed.clear();
        } else {
            self.asked.clear();
            self.escape = Escape::None;
        }
    }

    /// Bytes it points to.
    pub const fn memory(&self) -> usize {
        self.asked.capacity() + self.typed.capacity()
    }
}

fn has(text: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| text.windows(word.len()).any(|part| part == *word))
}
