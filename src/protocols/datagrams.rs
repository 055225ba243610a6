//! A parser for protocols whose every datagram is a transaction of its own.

use super::transactions::Transactions;
use super::{Moment, Parser, Signal};
use crate::field::{Describe, Event};
use crate::net::{Chunk, Direction};

/// Transactions open at a time: each is closed as soon as it is read.
const MAX_OPEN: usize = 1;

/// What a datagram was found to be.
pub enum Read<T> {
    /// A message, and what was wrong with it.
    Message(T, Vec<&'static Event>),
    /// It cannot be read.
    Broken(&'static Event),
    /// It is of no interest.
    Nothing,
}

/// Reads the datagrams of one flow with one function.
pub struct Datagrams<T, F> {
    messages: Transactions<T>,
    flooded: &'static Event,
    read: F,
    /// Bytes of the datagrams whose messages are live, at most what they hold.
    held: usize,
}

impl<T, F> Datagrams<T, F> {
    /// For a new flow; `read` reads a datagram, `flooded` is raised when more wait than are kept.
    pub const fn new(read: F, flooded: &'static Event) -> Self {
        Self { messages: Transactions::new(MAX_OPEN), flooded, read, held: 0 }
    }
}

impl<T, F> Parser for Datagrams<T, F>
where
    T: Describe + 'static,
    F: FnMut(Direction, &[u8]) -> Read<T> + Send,
{
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        let Chunk::Data(bytes) = chunk else { return };
        let side = direction.side();
        match (self.read)(direction, bytes) {
            Read::Message(message, events) => {
                let transaction = self.messages.open(message, side, self.flooded, signals);
                self.held = self.held.saturating_add(bytes.len());
                for event in events {
                    signals.push(Signal::Event { transaction: Some(transaction), side, event });
                }
                Signal::all_ready(transaction, side, signals);
                self.messages.close(transaction, signals);
            }
            Read::Broken(event) => {
                signals.push(Signal::Event { transaction: None, side, event });
            }
            Read::Nothing => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let taken = self.messages.take(id).map(|message| message as Box<dyn Describe>);
        if self.messages.is_empty() {
            self.held = 0;
        }
        taken
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.messages.memory() + self.held
    }
}
