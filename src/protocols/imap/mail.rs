//! A mail that is stored or fetched, read as it comes.

use crate::field::Side;
use crate::file::Wants;
use crate::net::Direction;
use crate::protocols::formats::mime::{Attached, Line, Message};
use crate::protocols::formats::pieces::{Piece, Pieces};

/// Bytes of the body that are kept.
const BODY_BYTES: usize = 102_400;

/// A mail on its way.
pub struct Mail {
    /// Where it goes.
    pub way: Direction,
    /// Its headers, names of attachments, addresses.
    pub message: Message,
    /// Its attachments.
    pub files: Attached,
    /// What follows its headers, as sent; the first 100 KiB.
    pub body: Vec<u8>,
    pieces: Pieces,
}

impl Mail {
    /// One that begins.
    pub fn new(way: Direction) -> Self {
        Self {
            way,
            message: Message::default(),
            files: Attached::default(),
            body: Vec::new(),
            pieces: Pieces::default(),
        }
    }

    /// Who sends it.
    pub const fn side(&self) -> Side {
        self.way.side()
    }

    /// The next bytes; the numbers of files that ended are added to `ended`.
    pub fn add(&mut self, mut bytes: &[u8], wants: Wants, ended: &mut Vec<u32>) {
        while let Some(piece) = self.pieces.next(&mut bytes) {
            self.piece(&piece, wants, ended);
        }
    }

    /// It is complete.
    pub fn end(&mut self, wants: Wants, ended: &mut Vec<u32>) {
        if let Some(piece) = self.pieces.rest() {
            self.piece(&piece, wants, ended);
        }
        let side = self.side();
        let Self { message, files, .. } = self;
        message.end(&mut |step| files.step(step, side, wants, ended));
    }

    /// No more of it will be seen.
    pub fn cut_off(&mut self, ended: &mut Vec<u32>) {
        self.files.cut_off(ended);
    }

    fn piece(&mut self, piece: &Piece, wants: Wants, ended: &mut Vec<u32>) {
        let side = self.side();
        let (text, ending) = piece.parts();
        if self.message.has_body() {
            let room = BODY_BYTES.saturating_sub(self.body.len());
            self.body.extend_from_slice(piece.bytes.get(..room).unwrap_or(&piece.bytes));
        }
        let line = Line { text, ending, start: piece.start };
        let Self { message, files, .. } = self;
        message.line(line, &mut |step| files.step(step, side, wants, ended));
    }

    /// Bytes it points to, about.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.message.memory()
            + self.files.memory()
            + self.body.capacity()
            + self.pieces.memory()
    }
}
