//! A command and what the server says to it, or a mail that is fetched; and how EVE shows them.

use super::mail::Mail;
use crate::field::{Describe, Tree};
use crate::net::Direction;

/// Lines of the server that are kept of a transaction, and bytes of them.
const RESPONSES_MAX: usize = 256;
const RESPONSE_BYTES: usize = 16_384;

/// How the server ends a command (RFC 9051, 7.1), or greets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the protocol")]
pub enum Status {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

impl Status {
    /// By its name in any case.
    pub fn find(name: &[u8]) -> Option<Self> {
        let all = [Self::Ok, Self::No, Self::Bad, Self::Bye, Self::Preauth];
        all.into_iter().find(|status| status.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::Preauth => "PREAUTH",
        }
    }
}

/// A command and its responses. A greeting answers nothing; a mail that is fetched is a transaction
/// of its own.
#[derive(Default)]
pub struct Transaction {
    /// What the client calls the command by.
    pub tag: Vec<u8>,
    /// The command: in upper case when it is known.
    pub command: Vec<u8>,
    /// The line of the client, without passwords.
    pub request: Option<Vec<u8>>,
    /// Lines of the server, as many as are kept.
    pub responses: Vec<Vec<u8>>,
    /// How it ended.
    pub status: Option<Status>,
    /// Who logs on.
    pub user: Vec<u8>,
    /// By which mechanism of SASL.
    pub mechanism: Vec<u8>,
    /// Whether a password or a token was readable.
    pub secret: bool,
    /// The mailbox that is selected, or gets the mail.
    pub mailbox: Vec<u8>,
    /// The mail that is stored or fetched.
    pub mail: Option<Box<Mail>>,
    /// Bytes of lines of the server that are kept.
    pub kept: usize,
}

impl Transaction {
    /// Adds a line of the server while there is room; how many bytes more are held.
    pub fn answer(&mut self, line: Vec<u8>) -> usize {
        let kept = self.kept.saturating_add(line.len());
        if self.responses.len() >= RESPONSES_MAX || kept > RESPONSE_BYTES {
            return 0;
        }
        self.kept = kept;
        let more = line.capacity().saturating_add(size_of::<Vec<u8>>());
        self.responses.push(line);
        more
    }

    /// Bytes of text that it points to, about.
    pub fn text_memory(&self) -> usize {
        let words = [&self.tag, &self.command, &self.user, &self.mechanism, &self.mailbox];
        let words: usize = words.into_iter().chain(&self.request).map(Vec::capacity).sum();
        let lines = self.responses.iter();
        let lines: usize = lines.map(|line| line.capacity() + size_of::<Vec<u8>>()).sum();
        words + lines
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        let words = [
            ("tag", &self.tag),
            ("command", &self.command),
            ("user", &self.user),
            ("mechanism", &self.mechanism),
            ("mailbox", &self.mailbox),
        ];
        for (key, value) in words.into_iter().filter(|(_, value)| !value.is_empty()) {
            tree.text(key, value);
        }
        if matches!(self.command.as_slice(), b"LOGIN" | b"AUTHENTICATE") {
            tree.bool("cleartext_password", self.secret);
        }
        if let Some(status) = self.status {
            tree.text("status", status.name().as_bytes());
        }
        if let Some(request) = &self.request {
            tree.list("requests", &mut |tree| tree.text("", request));
        }
        texts("responses", self.responses.iter().map(Vec::as_slice), tree);
        if let Some(mail) = &self.mail {
            tree.object("email", &mut |tree| describe(mail, tree));
        }
    }
}

fn describe(mail: &Mail, tree: &mut dyn Tree) {
    let way: &[u8] = match mail.way {
        Direction::ToServer => b"to_server",
        Direction::ToClient => b"to_client",
    };
    tree.text("direction", way);
    if let Some(from) = mail.message.header_value(b"from") {
        tree.text("from", from);
    }
    for name in ["to", "cc"] {
        if let Some(value) = mail.message.header_value(name.as_bytes()) {
            texts(name, value.split(|byte| *byte == b','), tree);
        }
    }
    texts("attachment", mail.message.attachments().iter().map(Vec::as_slice), tree);
    texts("url", mail.message.urls().iter().map(Vec::as_slice), tree);
}

/// A list under `key`, none when it would be empty.
fn texts<'a>(key: &str, values: impl Iterator<Item = &'a [u8]> + Clone, tree: &mut dyn Tree) {
    if values.clone().next().is_some() {
        tree.list(key, &mut |tree| {
            values.clone().for_each(|value| tree.text("", value.trim_ascii_start()));
        });
    }
}
