//! Streams of both directions to frames, and frames to messages.

use flate2::{Decompress, FlushDecompress, Status};

use super::frame::{Frame, Head, PAYLOAD_BYTES};
use super::{LIMIT, SKIPPED};
use crate::field::{Describe, Event};
use crate::file::Wants;
use crate::net::{Chunk, Direction};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal, frame};

/// Frames open at a time: each is closed as soon as it is read.
const MAX_OPEN: usize = 1;
/// Bytes of a message, decompressed: what a few bytes grow to.
const DECOMPRESSED_BYTES: usize = 262_144;
/// Bytes that a decompressor holds, about.
const DECOMPRESSOR_BYTES: usize = 48 * 1024;
/// What a sender takes off the end of a compressed message (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Both directions of one flow.
pub struct WebSocket {
    frames: Transactions<Frame>,
    halves: [Half; 2],
    wants: Wants,
    stopped: bool,
}

/// One direction.
#[derive(Default)]
struct Half {
    /// A frame whose end has not come.
    partial: Vec<u8>,
    /// Bytes of a long frame that are passed over.
    skip: u64,
    /// The payload of the frames of a message that has not ended.
    message: Vec<u8>,
    /// Whether one has begun.
    begun: bool,
    compressed: bool,
    /// What earlier messages were compressed with is used for later ones (RFC 7692, 7.1.1).
    inflate: Option<Box<Decompress>>,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            frames: Transactions::new(MAX_OPEN),
            halves: [Half::default(), Half::default()],
            wants: Wants::NOTHING,
            stopped: false,
        }
    }
}

impl Parser for WebSocket {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        self.wants = moment.files;
        if self.stopped {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => self.data(direction, bytes, signals),
            // Where the next frame begins cannot be known.
            Chunk::Gap(_) => {
                self.stopped = true;
                signals.push(Signal::Stop);
            }
            Chunk::End => {}
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.frames.get(id).map(|frame| frame as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        self.frames.take(id).map(|frame| frame as Box<dyn Describe>)
    }

    fn memory(&self) -> usize {
        let halves = self.halves.iter();
        let halves: usize = halves
            .map(|half| {
                let inflate = half.inflate.as_ref().map_or(0, |_| DECOMPRESSOR_BYTES);
                half.partial.capacity() + half.message.capacity() + inflate
            })
            .sum();
        size_of::<Self>() + self.frames.memory() + halves
    }
}

impl WebSocket {
    fn data(&mut self, way: Direction, bytes: &[u8], signals: &mut Vec<Signal>) {
        let [server, client] = &mut self.halves;
        let half = if way == Direction::ToServer { server } else { client };
        let mut held = std::mem::take(&mut half.partial);
        let joined;
        let mut rest = if held.is_empty() {
            bytes
        } else {
            held.extend_from_slice(bytes);
            joined = held;
            &joined
        };
        while !rest.is_empty() {
            let skip = usize::try_from(half.skip).unwrap_or(usize::MAX).min(rest.len());
            half.skip -= skip as u64;
            rest = rest.get(skip..).unwrap_or_default();
            let Some(Head { mut frame, length, size }) = Head::read(rest) else { break };
            let read = usize::try_from(length).unwrap_or(usize::MAX).min(PAYLOAD_BYTES);
            let Some(payload) = rest.get(size..size.saturating_add(read)) else { break };
            told(self.wants, way, rest, (size, read), signals);
            rest = rest.get(size + read..).unwrap_or_default();
            half.skip = length - read as u64;
            let mut events = [(half.skip > 0).then_some(&SKIPPED), None];
            frame.unmask(payload);
            if !half.take(&mut frame) {
                events[1] = Some(&LIMIT);
            }
            emit(&mut self.frames, way, frame, events, signals);
        }
        half.partial = rest.to_vec();
    }
}

/// A frame as it came: of a long one, what is read of it.
fn told(
    wants: Wants,
    way: Direction,
    bytes: &[u8],
    (head, read): (usize, usize),
    signals: &mut Vec<Signal>,
) {
    let side = way.side();
    let Some((whole, _)) = bytes.split_at_checked(head.saturating_add(read)) else { return };
    let (header, data) = whole.split_at_checked(head).unwrap_or((whole, &[]));
    for (name, bytes) in [("header", header), ("pdu", whole), ("data", data)] {
        frame::tell(wants, name, side, bytes, signals);
    }
}

fn emit(
    frames: &mut Transactions<Frame>,
    way: Direction,
    frame: Frame,
    events: [Option<&'static Event>; 2],
    signals: &mut Vec<Signal>,
) {
    let side = way.side();
    let transaction = frames.open(frame, side, &LIMIT, signals);
    for event in events.into_iter().flatten() {
        signals.push(Signal::Event { transaction: Some(transaction), side, event });
    }
    Signal::all_ready(transaction, side, signals);
    frames.close(transaction, signals);
}

impl Half {
    /// Adds a frame to its message; when it ends it, the frame gets the payload of all. False
    /// when a limit cut that.
    fn take(&mut self, frame: &mut Frame) -> bool {
        if frame.is_control() {
            return true;
        }
        let mut whole = true;
        if !self.begun {
            self.compressed = frame.is_compressed();
        }
        if self.begun || !frame.is_last() {
            let room = PAYLOAD_BYTES.saturating_sub(self.message.len());
            let fits = frame.payload.get(..room).unwrap_or(&frame.payload);
            whole = fits.len() == frame.payload.len();
            self.message.extend_from_slice(fits);
        }
        if frame.is_last() && self.begun {
            frame.payload = std::mem::take(&mut self.message);
        }
        self.begun = !frame.is_last();
        if frame.is_last() && self.compressed {
            whole &= self.decompress(&mut frame.payload);
        }
        whole
    }

    /// Puts what a payload was before compression in its place; leaves it when it is nothing of
    /// the kind. False when there is more than is kept.
    fn decompress(&mut self, payload: &mut Vec<u8>) -> bool {
        let inflate = self.inflate.get_or_insert_with(|| Box::new(Decompress::new(false)));
        let input = [payload.as_slice(), &TAIL].concat();
        let before = inflate.total_in();
        let mut out: Vec<u8> = Vec::new();
        loop {
            let read = usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX);
            let rest = input.get(read..).unwrap_or_default();
            out.reserve(4096.max(input.len()));
            let had = out.len();
            let status = inflate.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            let moved = inflate.total_in() - before != read as u64 || out.len() > had;
            if out.len() > DECOMPRESSED_BYTES {
                out.truncate(DECOMPRESSED_BYTES);
                *payload = out;
                self.inflate = None;
                return false;
            }
            match status {
                Ok(Status::Ok) if moved => {}
                Ok(Status::StreamEnd) | Err(_) => {
                    self.inflate = None;
                    break;
                }
                Ok(_) => break,
            }
        }
        if !out.is_empty() {
            *payload = out;
        }
        true
    }
}
