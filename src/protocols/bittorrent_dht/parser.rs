//! Datagrams to messages.

use super::message::Message;
use super::{FLOODED, MALFORMED, begins};
use crate::field::{Describe, Stage};
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Probe, Signal};

/// Messages open at a time: each is closed as soon as it is read.
const MAX_OPEN_MESSAGES: usize = 1;

/// Both directions of one flow.
pub struct DhtParser {
    messages: Transactions<Message>,
}

impl DhtParser {
    pub const fn new() -> Self {
        Self { messages: Transactions::new(MAX_OPEN_MESSAGES) }
    }
}

impl Parser for DhtParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        _: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        let Chunk::Data(bytes) = chunk else { return };
        // Other protocols of the same program share the port.
        if begins(bytes) != Probe::Yes {
            return;
        }
        let side = direction.side();
        let read = Message::read(bytes);
        let malformed = read.is_none();
        let transaction = self.messages.open(read.unwrap_or_default(), side, &FLOODED, signals);
        if malformed {
            let (transaction, event) = (Some(transaction), &MALFORMED);
            signals.push(Signal::Event { transaction, side, event });
        }
        signals.push(Signal::Ready { transaction, side, stage: Stage::Body });
        self.messages.close(transaction, signals);
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.messages.get(id).map(|message| message as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.messages.take(id).map(|message| message as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.messages.memory()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::samples::SAMPLES;
    use super::*;
    use crate::field::Node;

    fn shown(bytes: &[u8]) -> String {
        let message = Message::read(bytes).unwrap();
        format!("{:?}", Node::of(&message))
    }

    #[test]
    fn messages_of_the_specification_are_read() {
        let [(_, query), (_, response)] = SAMPLES[0].turns else { return };
        assert!(shown(query).contains("info_hash"));
        let response = shown(response);
        assert!(response.contains("nodes") && response.contains("values"));
        let [(_, error), (_, broken), ..] = SAMPLES[1].turns else { return };
        assert!(shown(error).contains("error"));
        assert!(Message::read(broken).is_none());
    }

    #[test]
    fn what_is_nested_too_deep_is_not_read() {
        let mut deep = b"d1:zlll1:xeee1:t1:a1:y1:qe".to_vec();
        assert!(Message::read(&deep).is_none());
        deep = [b"d1:z".as_slice(), &[b'l'; 60_000]].concat();
        assert!(Message::read(&deep).is_none());
        let order = b"d1:y1:q1:q4:ping1:t2:aa1:ad2:id20:abcdefghij0123456789ee";
        assert!(Message::read(order).is_none(), "keys must rise");
    }
}
