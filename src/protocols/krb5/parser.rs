//! Streams and datagrams to messages.

use super::message::{Message, kind};
use super::{MESSAGE_BYTES, element, events};
use crate::field::Describe;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::partial::Partial;
use crate::protocols::transactions::Transactions;
use crate::protocols::{Carrier, Moment, Parser, Probe, Signal};
use crate::reader::Reader;

/// Messages open at a time: each is closed as soon as it is read.
const MAX_OPEN: usize = 1;

/// Parses one flow.
pub struct Krb5 {
    messages: Transactions<Message>,
    /// A message that was cut, at most [`MESSAGE_BYTES`] each way.
    partial: [Partial; 2],
    /// After lost bytes, until a message begins.
    lost: [bool; 2],
    /// The latest request, which an error would answer.
    asked: Option<u32>,
}

impl Krb5 {
    pub fn new() -> Self {
        Self {
            messages: Transactions::new(MAX_OPEN),
            partial: Default::default(),
            lost: [false; 2],
            asked: None,
        }
    }

    /// Reads the message at the start of a stream and gives how many bytes it took.
    fn framed(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) -> usize {
        let mut reader = Reader::new(bytes);
        let Some(length) = reader.u32() else { return 0 };
        let lost = *way.of_mut(&mut self.lost);
        if lost || length > MESSAGE_BYTES {
            // Until something looks like a message again.
            let found = match super::probe(way, Carrier::Tcp, bytes) {
                Probe::NeedMore => return 0,
                found => found == Probe::Yes,
            };
            *way.of_mut(&mut self.lost) = !found;
            if !found {
                return 1;
            }
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(message) = reader.take(length) else { return 0 };
        self.message(way, message, signals);
        reader.position()
    }

    fn message(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let side = way.side();
        let Some(element) = element(bytes) else {
            let event = &events::MALFORMED;
            return signals.push(Signal::Event { transaction: None, side, event });
        };
        let shown = matches!(
            element.number,
            kind::AS_REQ | kind::AS_REP | kind::TGS_REQ | kind::TGS_REP | kind::ERROR
        );
        if !shown {
            return;
        }
        let Some(mut message) = Message::read(&element) else {
            let event = &events::MALFORMED;
            return signals.push(Signal::Event { transaction: None, side, event });
        };
        match message.kind {
            kind::AS_REQ | kind::TGS_REQ => self.asked = Some(message.kind),
            kind::ERROR => message.failed = self.asked.take(),
            _ => self.asked = None,
        }
        let weak = message.is_weak();
        let transaction = self.messages.open(message, side, &events::MALFORMED, signals);
        if weak {
            let event = &events::WEAK_ENCRYPTION;
            signals.push(Signal::Event { transaction: Some(transaction), side, event });
        }
        Signal::all_ready(transaction, side, signals);
        self.messages.close(transaction, signals);
    }
}

impl Parser for Krb5 {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        match chunk {
            Chunk::Data(bytes) if moment.carrier == Carrier::Udp => {
                self.message(direction, bytes, signals);
            }
            Chunk::Data(bytes) => {
                let mut partial = std::mem::take(direction.of_mut(&mut self.partial));
                partial.feed(bytes, |bytes| self.framed(direction, bytes, signals));
                *direction.of_mut(&mut self.partial) = partial;
            }
            Chunk::Gap(_) => {
                direction.of_mut(&mut self.partial).clear();
                *direction.of_mut(&mut self.lost) = true;
            }
            Chunk::End => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.messages.take(id).map(|message| message as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let partial: usize = self.partial.iter().map(Partial::memory).sum();
        let open: usize = self.messages.iter_open().map(|(_, message)| message.memory()).sum();
        size_of::<Self>() + self.messages.memory() + open + partial
    }
}
