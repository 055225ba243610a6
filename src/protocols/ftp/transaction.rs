//! A command and its reply, and how EVE shows them.

use crate::field::{Describe, Tree};

/// Lines of a reply that are kept.
pub const MAX_REPLY_LINES: usize = 1024;
/// Bytes of a reply that are kept.
pub const MAX_REPLY_BYTES: usize = 65_536;

/// A command and its reply. Either may be missing: a greeting answers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The command's name; `None` for one that is not known, or for what answers nothing.
    pub command: Option<&'static str>,
    /// What follows it.
    pub data: Vec<u8>,
    /// Whether the line was longer than is kept.
    pub truncated: bool,
    /// Lines of the reply.
    pub replies: Vec<Reply>,
    /// Whether a line was longer than is kept, or there were too many.
    pub reply_truncated: bool,
    /// Whether the reply is whole.
    pub answered: bool,
    /// The port for data, once it is told.
    pub port: Option<u16>,
    /// Whether the server opens the connection for data.
    pub active: bool,
    /// Bytes of the reply that are kept.
    pub bytes: usize,
}

/// A line of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its code, three digits.
    pub code: Option<[u8; 3]>,
    /// What follows the code and the byte after it; the whole line when it has no code.
    pub text: Vec<u8>,
}

impl Reply {
    /// A line's parts.
    pub fn parse(line: &[u8]) -> Self {
        match line.first_chunk::<3>() {
            Some(code) if code.iter().all(u8::is_ascii_digit) => {
                Self { code: Some(*code), text: line.get(4..).unwrap_or_default().to_vec() }
            }
            _ => Self { code: None, text: line.to_vec() },
        }
    }
}

impl Transaction {
    /// Adds a line of the reply while there is room.
    pub fn add(&mut self, reply: Reply, truncated: bool) {
        let bytes = self.bytes.saturating_add(reply.text.len());
        self.reply_truncated |= truncated;
        if self.replies.len() >= MAX_REPLY_LINES || bytes > MAX_REPLY_BYTES {
            self.reply_truncated = true;
            return;
        }
        self.bytes = bytes;
        self.replies.push(reply);
    }

    /// Bytes it points to.
    pub const fn memory(&self) -> usize {
        self.data.capacity() + self.bytes + self.replies.capacity() * size_of::<Reply>()
    }
}

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(command) = self.command {
            tree.text("command", command.as_bytes());
        }
        if !self.data.is_empty() {
            tree.text("command_data", &self.data);
            tree.bool("command_truncated", self.truncated);
        }
        if self.replies.iter().any(|reply| reply.code.is_some()) {
            tree.list("completion_code", &mut |tree| {
                let codes = self.replies.iter().filter_map(|reply| reply.code.as_ref());
                codes.for_each(|code| tree.text("", code));
            });
        }
        if !self.replies.is_empty() {
            tree.list("reply", &mut |tree| {
                self.replies.iter().for_each(|reply| tree.text("", &reply.text));
            });
        }
        if let Some(port) = self.port {
            tree.int("dynamic_port", port.into());
        }
        if matches!(self.command, Some("PORT" | "EPRT")) {
            let mode: &[u8] = if self.active { b"active" } else { b"passive" };
            tree.text("mode", mode);
        }
        let received: &[u8] = if self.answered { b"yes" } else { b"no" };
        tree.text("reply_received", received);
        tree.bool("reply_truncated", self.reply_truncated);
    }
}
