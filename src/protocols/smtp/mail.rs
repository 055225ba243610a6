//! A mail: envelope, message, attachments; and how it is logged.

use super::events;
use crate::field::{Describe, Event, Side, Tree};
use crate::file::Wants;
use crate::protocols::formats::mime::{Attached, Line, Message, flaw};

/// Recipients of a mail that are kept (RFC 5321, 4.5.3.1.8 asks for 100).
pub const RECIPIENTS_MAX: usize = 1000;

/// A mail, or the commands of a client that sent none.
#[derive(Default)]
pub struct Mail {
    /// What the client calls itself.
    pub helo: Option<Vec<u8>>,
    /// The path it came by.
    pub mail_from: Option<Vec<u8>>,
    /// Who gets it.
    pub rcpt_to: Vec<Vec<u8>>,
    /// The message, from DATA on.
    pub message: Option<Box<Message>>,
    /// Its attachments.
    pub files: Attached,
    /// How often the client was refused who wanted to log on (RFC 4954), since the mail before.
    pub refused: u16,
    /// Whether the client has logged on, since the mail before, when it wanted to.
    pub logged_on: Option<bool>,
    /// Bits of the flaws that were told.
    told: u16,
    /// Events that were raised, so that each is raised once.
    pub raised: Vec<&'static Event>,
}

/// The flaws of a message and what they are called.
const FLAWS: [(u16, &Event); 8] = [
    (flaw::BASE64, &events::INVALID_BASE64),
    (flaw::QUOTED_PRINTABLE, &events::INVALID_QP),
    (flaw::LONG_LINE, &events::LONG_LINE),
    (flaw::LONG_ENCODED_LINE, &events::LONG_ENCODED_LINE),
    (flaw::LONG_HEADER_NAME, &events::LONG_HEADER_NAME),
    (flaw::LONG_HEADER_VALUE, &events::LONG_HEADER_VALUE),
    (flaw::LONG_BOUNDARY, &events::LONG_BOUNDARY),
    (flaw::LONG_FILENAME, &events::LONG_FILENAME),
];

impl Mail {
    /// A mail from a client that calls itself `helo`.
    pub fn new(helo: Option<Vec<u8>>) -> Self {
        Self { helo, ..Self::default() }
    }

    /// Adds a line of the message; the numbers of files that ended are added to `ended`.
    pub fn line(&mut self, line: Line<'_>, wants: Wants, ended: &mut Vec<u32>) {
        let Some(mut message) = self.message.take() else { return };
        message.line(line, &mut |step| self.files.step(step, Side::Request, wants, ended));
        self.message = Some(message);
    }

    /// The message is complete.
    pub fn message_end(&mut self, ended: &mut Vec<u32>) {
        let Some(mut message) = self.message.take() else { return };
        let wants = Wants::NOTHING;
        message.end(&mut |step| self.files.step(step, Side::Request, wants, ended));
        self.message = Some(message);
    }

    /// No more of the message will be seen.
    pub fn cut_off(&mut self, ended: &mut Vec<u32>) {
        self.files.cut_off(ended);
    }

    /// The flaws of the message that were not told before.
    pub fn new_flaws(&mut self) -> impl Iterator<Item = &'static Event> + use<> {
        let all = self.message.as_ref().map_or(0, |message| message.flaws());
        let new = all & !self.told;
        self.told |= new;
        FLAWS.into_iter().filter(move |(bit, _)| new & bit != 0).map(|(_, event)| event)
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        let envelope = self.helo.iter().chain(&self.mail_from).chain(&self.rcpt_to);
        let envelope: usize = envelope.map(|text| text.capacity() + size_of::<Vec<u8>>()).sum();
        envelope + self.files.memory() + self.message.as_ref().map_or(0, |message| message.memory())
    }
}

impl Describe for Mail {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(helo) = &self.helo {
            tree.text("helo", helo);
        }
        if let Some(from) = &self.mail_from {
            tree.text("mail_from", from);
        }
        texts("rcpt_to", self.rcpt_to.iter().map(Vec::as_slice), tree);
    }

    fn beside(&self, tree: &mut dyn Tree) {
        let Some(message) = &self.message else { return };
        tree.object("email", &mut |tree| {
            tree.text("status", b"PARSE_DONE");
            if let Some(from) = message.header_value(b"from") {
                tree.text("from", from);
            }
            for name in ["to", "cc"] {
                if let Some(value) = message.header_value(name.as_bytes()) {
                    texts(name, value.split(|byte| *byte == b','), tree);
                }
            }
            texts("attachment", message.attachments().iter().map(Vec::as_slice), tree);
            texts("url", message.urls().iter().rev().map(Vec::as_slice), tree);
        });
    }
}

/// A list under `key`, none when it would be empty.
fn texts<'a>(key: &str, values: impl Iterator<Item = &'a [u8]> + Clone, tree: &mut dyn Tree) {
    if values.clone().next().is_some() {
        tree.list(key, &mut |tree| {
            values.clone().for_each(|value| tree.text("", value.trim_ascii_start()));
        });
    }
}
