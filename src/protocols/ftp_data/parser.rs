//! A stream to a file.

use super::transfer::Transfer;
use crate::field::{Describe, Stage};
use crate::file::File;
use crate::net::{Chunk, Direction};
use crate::protocols::formats::announced::Announced;
use crate::protocols::{Moment, Parser, Signal};

/// A flow is one transaction with one file.
const ONLY: u64 = 0;

/// Parses one flow.
#[derive(Default)]
pub struct FtpDataParser {
    announced: Option<Announced>,
    transfer: Option<Box<Transfer>>,
}

impl Parser for FtpDataParser {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        let Some(announced) = self.announced.as_ref().filter(|a| a.way == direction) else {
            return;
        };
        let side = direction.side();
        let ready = |stage| Signal::Ready { transaction: ONLY, side, stage };
        if self.transfer.is_none() && chunk != Chunk::End {
            let file = File::open(&announced.name, side, moment.files);
            self.transfer = Some(Box::new(Transfer { announced: announced.clone(), file }));
            signals.push(ready(Stage::Head));
        }
        let Some(transfer) = &mut self.transfer else { return };
        match chunk {
            Chunk::Data(bytes) => transfer.file.add(bytes),
            Chunk::Gap(length) => transfer.file.lose(length),
            Chunk::End => {
                transfer.file.close();
                self.announced = None;
                signals.push(ready(Stage::Body));
                signals.push(Signal::File { transaction: ONLY, side, index: 0 });
                signals.push(Signal::Done { transaction: ONLY });
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        let transfer = self.transfer.as_deref().filter(|_| id == ONLY)?;
        Some(transfer)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        if id != ONLY {
            return None;
        }
        self.announced = None;
        self.transfer.take().map(|transfer| transfer as Box<dyn Describe>)
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&File> {
        let transfer = self.transfer.as_ref().filter(|_| transaction == ONLY && index == 0)?;
        Some(&transfer.file)
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut File> {
        let transfer = self.transfer.as_mut().filter(|_| transaction == ONLY && index == 0)?;
        Some(&mut transfer.file)
    }

    fn expected(&mut self, context: &[u8]) {
        self.announced = Announced::from_bytes(context);
    }

    fn memory(&self) -> usize {
        let transfer =
            self.transfer.as_ref().map_or(0, |t| t.file.memory() + size_of::<Transfer>());
        size_of::<Self>() + transfer
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::file::{State, Wants};
    use crate::protocols::Carrier;
    use crate::time::Timestamp;

    #[test]
    fn an_announced_file_is_put_together() {
        let moment = Moment {
            now: Timestamp::default(),
            carrier: Carrier::Tcp,
            server_port: 40_000,
            files: Wants::NOTHING,
        };
        let way = Direction::ToClient;
        let announced = Announced { store: false, way, name: b"a.txt".to_vec() };
        let mut parser = FtpDataParser::default();
        parser.expected(&announced.to_bytes());
        let mut signals = Vec::new();
        let chunks = [
            (way.reverse(), Chunk::Data(b"not this")),
            (way, Chunk::Data(b"ab")),
            (way, Chunk::Data(b"cd")),
            (way, Chunk::End),
            (way, Chunk::End),
        ];
        for (way, chunk) in chunks {
            parser.parse(way, chunk, &moment, &mut signals);
        }
        let done = signals.iter().filter(|s| matches!(s, Signal::Done { .. })).count();
        assert_eq!((done, signals.len()), (1, 4));
        let file = parser.file(0, 0).unwrap();
        assert_eq!((file.data(), file.state()), (&b"abcd"[..], State::Closed));
        assert_eq!(file.name, b"a.txt");
    }

    #[test]
    fn without_announcement_nothing_is_told() {
        let mut parser = FtpDataParser::default();
        parser.expected(b"");
        let moment = Moment {
            now: Timestamp::default(),
            carrier: Carrier::Tcp,
            server_port: 20,
            files: Wants::NOTHING,
        };
        let mut signals = Vec::new();
        parser.parse(Direction::ToServer, Chunk::Data(b"x"), &moment, &mut signals);
        assert!(signals.is_empty() && parser.take(0).is_none());
    }
}
