//! Frames of both directions to streams.

use std::collections::{BTreeMap, VecDeque};

use super::frame::{Frames, HEAD_BYTES, Head, Next};
use super::hpack::{self, Item, Table};
use super::names::frame;
use super::stream::Stream;
use super::{doh, events};
use crate::field::{Describe, Event, Side, Stage};
use crate::file::{File as Carried, Wants};
use crate::net::{Chunk, Direction};
use crate::protocols::formats::coding;
use crate::protocols::frame::{Tape, tell_part};
use crate::protocols::transactions::Transactions;
use crate::protocols::{Moment, Parser, Signal};
use crate::reader::Reader;

/// Streams open at a time, as Suricata has it by default.
const MAX_STREAMS: usize = 4_096;
/// Bytes of a block of fields that is put together from frames.
const MAX_BLOCK_BYTES: usize = 65_536;
/// Numbers kept of streams that have ended: late frames about them are passed over.
const MAX_ENDED: usize = 256;

/// Both directions of one connection.
pub struct Http2 {
    streams: Transactions<Stream>,
    /// Transactions of the streams that are open, by the number of the stream.
    open: BTreeMap<u32, u64>,
    ended: VecDeque<u32>,
    halves: [Half; 2],
    /// Bytes that the open streams hold, about.
    held: usize,
    stopped: bool,
}

#[derive(Default)]
struct Half {
    frames: Frames,
    table: Table,
    block: Option<Block>,
    /// The frame of data that has not ended, for rules that look at frames.
    unit: Tape,
    over: bool,
}

/// A block of fields that goes on in further frames.
struct Block {
    /// The stream that it is about.
    stream: u32,
    bytes: Vec<u8>,
    ends_stream: bool,
    /// A promise of the server's, to which no request belongs.
    promised: bool,
}

impl Default for Http2 {
    fn default() -> Self {
        let client = Half { frames: Frames::of_client(), ..Half::default() };
        Self {
            streams: Transactions::new(MAX_STREAMS),
            open: BTreeMap::new(),
            ended: VecDeque::new(),
            halves: [client, Half::default()],
            held: 0,
            stopped: false,
        }
    }
}

impl Parser for Http2 {
    fn parse(
        &mut self,
        direction: Direction,
        chunk: Chunk<'_>,
        moment: &Moment,
        signals: &mut Vec<Signal>,
    ) {
        if self.stopped {
            return;
        }
        match chunk {
            Chunk::Data(bytes) => {
                let Some(half) = self.halves.get_mut(direction.index()) else { return };
                let mut frames = std::mem::take(&mut half.frames);
                frames.add(bytes, &mut |next| {
                    if !self.stopped {
                        self.next(direction, next, moment.files, signals);
                    }
                });
                if let Some(half) = self.halves.get_mut(direction.index()) {
                    half.frames = frames;
                }
            }
            Chunk::Gap(lost) => self.gap(direction, lost, signals),
            Chunk::End => {
                if let Some(half) = self.halves.get_mut(direction.index()) {
                    half.over = true;
                }
                if self.halves.iter().all(|half| half.over) {
                    self.close_all(signals);
                }
            }
        }
    }

    fn transaction(&self, id: u64) -> Option<&dyn Describe> {
        self.streams.get(id).map(|stream| stream as &dyn Describe)
    }

    fn take(&mut self, id: u64) -> Option<Box<dyn Describe>> {
        let taken = self.streams.take(id)?;
        self.held = self.held.saturating_sub(taken.memory());
        if self.open.get(&taken.id) == Some(&id) {
            self.open.remove(&taken.id);
        }
        Some(taken)
    }

    fn file(&self, transaction: u64, index: u32) -> Option<&Carried> {
        self.streams.get(transaction)?.part(side_of(index)).file.as_ref()
    }

    fn file_mut(&mut self, transaction: u64, index: u32) -> Option<&mut Carried> {
        let stream = self.streams.get_live_mut(transaction)?;
        stream.part_mut(side_of(index)).file.as_mut()
    }

    fn memory(&self) -> usize {
        let halves = self.halves.iter().map(|half| {
            let block = half.block.as_ref().map_or(0, |block| block.bytes.capacity());
            half.frames.memory() + half.table.memory() + half.unit.memory() + block
        });
        size_of::<Self>() + self.streams.memory() + self.held + halves.sum::<usize>()
    }
}

/// The file of the request is number 0, that of the response 1.
const fn side_of(index: u32) -> Side {
    if index == 0 { Side::Request } else { Side::Response }
}

impl Http2 {
    fn next(&mut self, way: Direction, next: Next, wants: Wants, out: &mut Vec<Signal>) {
        if wants.frames {
            self.unit(way, &next, out);
        }
        match next {
            Next::Frame(head, content) => self.frame(way, head, &content, out),
            Next::Data(head) => self.data(way, head, out),
            Next::Content(head, content) => self.content(way, head, &content, wants, out),
            Next::DataEnd(head) => {
                if head.ends_stream()
                    && let Some(id) = self.open.get(&head.stream).copied()
                {
                    self.side_over(id, way.side(), out);
                }
            }
            Next::TooLong => {
                self.lose_block(way);
                self.event(None, way, &events::LONG_FRAME, out);
            }
            Next::NoMagic => self.event(None, way, &events::MAGIC, out),
        }
    }

    /// Tells rules of a frame as it stood on the wire, but for the padding of data.
    fn unit(&mut self, way: Direction, next: &Next, out: &mut Vec<Signal>) {
        let unit = &mut way.of_mut(&mut self.halves).unit;
        match next {
            Next::Frame(head, content) => {
                *unit = Tape::default();
                unit.add(&head.bytes());
                unit.add(content);
            }
            Next::Data(head) => {
                *unit = Tape::default();
                unit.add(&head.bytes());
                return;
            }
            Next::Content(_, content) if !unit.is_empty() => return unit.add(content),
            Next::DataEnd(_) => {}
            _ => return,
        }
        let (side, complete) = (way.side(), !unit.is_cut());
        let unit = std::mem::take(unit);
        let (head, content) = unit.bytes().split_at_checked(HEAD_BYTES).unwrap_or_default();
        tell_part("hdr", side, head, true, out);
        tell_part("data", side, content, complete, out);
        tell_part("pdu", side, unit.bytes(), complete, out);
    }

    /// What the bytes between were cannot be known: unless they were content, nothing after them
    /// can be read.
    fn gap(&mut self, way: Direction, lost: u64, out: &mut Vec<Signal>) {
        way.of_mut(&mut self.halves).unit = Tape::default();
        let stream = self.halves.get_mut(way.index()).and_then(|half| half.frames.lose(lost));
        match stream {
            Some((stream, content)) => {
                if let Some(id) = self.open.get(&stream).copied() {
                    self.change(id, |stream| {
                        let part = stream.part_mut(way.side());
                        part.decoder = None;
                        if let Some(file) = &mut part.file {
                            file.lose(content);
                        }
                    });
                }
            }
            None => {
                self.close_all(out);
                self.stopped = true;
                out.push(Signal::Stop);
            }
        }
    }

    /// Changes an open stream and counts what it holds.
    fn change<T>(&mut self, id: u64, change: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        let stream = self.streams.get_mut(id)?;
        let before = stream.memory();
        let result = change(stream);
        let after = stream.memory();
        self.held = self.held.saturating_sub(before).saturating_add(after);
        Some(result)
    }

    fn event(
        &self,
        transaction: Option<u64>,
        way: Direction,
        event: &'static Event,
        out: &mut Vec<Signal>,
    ) {
        out.push(Signal::Event { transaction, side: way.side(), event });
    }

    fn open_stream(&mut self, number: u32, way: Direction, out: &mut Vec<Signal>) -> u64 {
        let stream = Stream { id: number, ..Stream::default() };
        self.held += stream.memory();
        let start = out.len();
        let id = self.streams.open(stream, way.side(), &events::MANY_STREAMS, out);
        // The oldest may have been given up for it.
        let given_up = out.iter().skip(start).find_map(|signal| match signal {
            Signal::Done { transaction } => Some(*transaction),
            _ => None,
        });
        if let Some(id) = given_up
            && let Some(number) = self.streams.get(id).map(|stream| stream.id)
            && self.open.get(&number) == Some(&id)
        {
            self.open.remove(&number);
        }
        if number != 0 {
            self.open.insert(number, id);
        }
        id
    }

    /// The transaction of a stream; `None` when the frame comes late to one that has ended.
    fn stream(
        &mut self,
        number: u32,
        kind: u8,
        way: Direction,
        out: &mut Vec<Signal>,
    ) -> Option<u64> {
        if let Some(id) = self.open.get(&number) {
            return Some(*id);
        }
        let ended = self.ended.contains(&number);
        let late = matches!(kind, frame::RST_STREAM | frame::WINDOW_UPDATE | frame::PRIORITY);
        if ended && late {
            return None;
        }
        let id = self.open_stream(number, way, out);
        if ended {
            self.event(Some(id), way, &events::REUSE, out);
        }
        Some(id)
    }

    fn frame(&mut self, way: Direction, head: Head, content: &[u8], out: &mut Vec<Signal>) {
        match head.kind {
            frame::HEADERS | frame::PUSH_PROMISE => self.headers(way, head, content, out),
            frame::CONTINUATION => self.continuation(way, head, content, out),
            // It only says that settings were read.
            frame::SETTINGS if head.length == 0 => {}
            _ => self.control(way, head, content, out),
        }
    }

    /// A frame that is no part of a message.
    fn control(&mut self, way: Direction, head: Head, content: &[u8], out: &mut Vec<Signal>) {
        let connection = head.stream == 0;
        let id = if connection {
            self.open_stream(0, way, out)
        } else {
            let Some(id) = self.stream(head.stream, head.kind, way, out) else { return };
            id
        };
        let read = self.change(id, |stream| {
            let part = stream.part_mut(way.side());
            part.kind(head.kind);
            let mut reader = Reader::new(content);
            match head.kind {
                frame::PRIORITY if content.len() == 5 => {
                    part.priority(reader.skip(4).and_then(|()| reader.u8())?);
                }
                frame::RST_STREAM if content.len() == 4 => part.error(reader.u32()?),
                frame::WINDOW_UPDATE if content.len() == 4 => {
                    part.window(reader.u32()? & 0x7fff_ffff);
                }
                frame::GOAWAY if content.len() >= 8 => {
                    reader.skip(4)?;
                    part.error(reader.u32()?);
                }
                frame::SETTINGS if content.len().is_multiple_of(6) => {
                    while let (Some(id), Some(value)) = (reader.u16(), reader.u32()) {
                        part.setting(id, value);
                    }
                }
                frame::PRIORITY
                | frame::RST_STREAM
                | frame::WINDOW_UPDATE
                | frame::GOAWAY
                | frame::SETTINGS => return None,
                _ => {}
            }
            Some(())
        });
        if read == Some(None) {
            self.event(Some(id), way, &events::FRAME_LENGTH, out);
        }
        if connection || head.kind == frame::RST_STREAM {
            self.close(id, out);
        }
    }

    fn headers(&mut self, way: Direction, head: Head, content: &[u8], out: &mut Vec<Signal>) {
        let mut reader = Reader::new(content);
        let parts = (|| {
            let padding = if head.padded() { usize::from(reader.u8()?) } else { 0 };
            let weighted = head.kind == frame::HEADERS && head.flags & 0x20 != 0;
            let weight =
                if weighted { Some(reader.skip(4).and_then(|()| reader.u8())?) } else { None };
            let promised = head.kind == frame::PUSH_PROMISE;
            let stream = if promised { reader.u32()? & 0x7fff_ffff } else { head.stream };
            let fields = reader.take(reader.left().checked_sub(padding)?)?;
            Some((weight, stream, promised, fields))
        })();
        // A block that was begun and never ended is lost too.
        let ended = self.halves.get(way.index()).is_none_or(|half| half.block.is_none());
        if !ended || parts.is_none() {
            self.lose_block(way);
        }
        let Some((weight, stream, promised, fields)) = parts else {
            self.event(None, way, &events::FRAME_DATA, out);
            return;
        };
        let Some(id) = self.stream(stream, head.kind, way, out) else { return };
        self.change(id, |stream| {
            let part = stream.part_mut(way.side());
            part.kind(head.kind);
            if let Some(weight) = weight {
                part.priority(weight);
            }
        });
        let Some(half) = self.halves.get_mut(way.index()) else { return };
        let bytes = fields.to_vec();
        half.block = Some(Block { stream, bytes, ends_stream: head.ends_stream(), promised });
        if head.ends_fields() {
            self.fields(way, out);
        }
    }

    /// Without a block the table of fields is no longer what the sender has.
    fn lose_block(&mut self, way: Direction) {
        if let Some(half) = self.halves.get_mut(way.index()) {
            half.block = None;
            half.table.lose();
        }
    }

    fn continuation(&mut self, way: Direction, head: Head, content: &[u8], out: &mut Vec<Signal>) {
        let Some(half) = self.halves.get_mut(way.index()) else { return };
        let Some(block) = &mut half.block else {
            half.table.lose();
            self.event(None, way, &events::FRAME_DATA, out);
            return;
        };
        let stream = block.stream;
        let fits = block.bytes.len() + content.len() <= MAX_BLOCK_BYTES;
        if fits {
            block.bytes.extend_from_slice(content);
        } else {
            self.lose_block(way);
        }
        let id = self.open.get(&stream).copied();
        if let Some(id) = id {
            self.change(id, |stream| stream.part_mut(way.side()).kind(head.kind));
        }
        if !fits {
            self.event(id, way, &events::REASSEMBLY, out);
        } else if head.ends_fields() {
            self.fields(way, out);
        }
    }

    /// A block of fields is whole.
    fn fields(&mut self, way: Direction, out: &mut Vec<Signal>) {
        let Some(half) = self.halves.get_mut(way.index()) else { return };
        let Some(block) = half.block.take() else { return };
        let mut items = Vec::new();
        let result = half.table.read(&block.bytes, &mut |item| items.push(item));
        let Some(id) = self.open.get(&block.stream).copied() else { return };
        let side = way.side();
        let informal = self.change(id, |stream| {
            let part = stream.part_mut(side);
            for item in items {
                match item {
                    Item::Field(field) => part.field(field),
                    Item::Update(size) => part.update(size),
                }
            }
            if !part.head_told {
                part.head = part.fields.len();
            }
            // An answer that goes before the answer (RFC 9110, section 15.2).
            let last = part.fields.iter().rev().find(|field| field.name == b":status");
            let informal = last.is_some_and(|field| field.value.starts_with(b"1"));
            if block.promised {
                stream.request.over = true;
            }
            informal
        });
        if let Err(flaw) = result {
            let event = match flaw {
                hpack::Flaw::Invalid => &events::HEADER,
                hpack::Flaw::Overflow => &events::HEADER_OVERFLOW,
                hpack::Flaw::TooLong => &events::REASSEMBLY,
            };
            self.event(Some(id), way, event, out);
        }
        if way == Direction::ToServer {
            self.authority(id, out);
        }
        if informal != Some(true) && !block.promised {
            self.head_over(id, side, out);
        }
        if block.ends_stream {
            self.side_over(id, side, out);
        }
    }

    /// Who is asked, and whether all that says so agrees.
    fn authority(&mut self, id: u64, out: &mut Vec<Signal>) {
        let Some(stream) = self.streams.get(id).filter(|stream| !stream.request.head_told) else {
            return;
        };
        let authority = stream.request.first(b":authority");
        let host = stream.request.first(b"host");
        let user = authority.is_some_and(|authority| authority.contains(&b'@'));
        let differ =
            matches!((authority, host), (Some(authority), Some(host)) if authority != host);
        if user {
            self.event(Some(id), Direction::ToServer, &events::USERINFO, out);
        }
        if differ {
            self.event(Some(id), Direction::ToServer, &events::AUTHORITY, out);
        }
    }

    fn head_over(&mut self, id: u64, side: Side, out: &mut Vec<Signal>) {
        let mut flaws = Vec::new();
        let told = self.change(id, |stream| {
            let part = stream.part_mut(side);
            if std::mem::replace(&mut part.head_told, true) {
                return true;
            }
            if let Some(coding) = part.first(b"content-encoding") {
                let decoder = coding::Decoder::new(coding, &mut |flaw| flaws.push(flaw));
                part.decoder = decoder.map(Box::new);
            }
            part.doh = part.first(b"content-type").is_some_and(doh::is_message);
            if side == Side::Request {
                part.dns = part.first(b":path").and_then(doh::in_target);
            }
            false
        });
        if told == Some(false) {
            out.push(Signal::Ready { transaction: id, side, stage: Stage::Head });
        }
    }

    fn data(&mut self, way: Direction, head: Head, out: &mut Vec<Signal>) {
        if head.stream == 0 {
            self.event(None, way, &events::DATA_ZERO, out);
            return;
        }
        if let Some(id) = self.stream(head.stream, head.kind, way, out) {
            self.change(id, |stream| stream.part_mut(way.side()).kind(head.kind));
        }
    }

    fn content(
        &mut self,
        way: Direction,
        head: Head,
        content: &[u8],
        wants: Wants,
        out: &mut Vec<Signal>,
    ) {
        let Some(id) = self.open.get(&head.stream).copied() else { return };
        let side = way.side();
        let mut flaws = Vec::new();
        let mut long = false;
        self.change(id, |stream| {
            let name = stream.request.first(b":path").unwrap_or_default().to_vec();
            let part = stream.part_mut(side);
            let path = name.split(|byte| *byte == b'?').next().unwrap_or_default();
            let file = part.file.get_or_insert_with(|| Carried::open(path, side, wants));
            match &mut part.decoder {
                Some(decoder) => {
                    let mut add = |bytes: &[u8]| file.add(bytes);
                    decoder.feed(content, &mut add, &mut |flaw| flaws.push(flaw));
                }
                None => file.add(content),
            }
            long = part.doh && file.size() > doh::MAX_BYTES;
            part.doh &= !long;
        });
        if long {
            let request = way == Direction::ToServer;
            let event =
                if request { &events::DNS_REQUEST_LONG } else { &events::DNS_RESPONSE_LONG };
            self.event(Some(id), way, event, out);
        }
        for flaw in flaws {
            let event = match flaw {
                coding::Flaw::Bomb | coding::Flaw::Limit => &events::BOMB,
                coding::Flaw::Name | coding::Flaw::Layers => continue,
                coding::Flaw::Failed => &events::DECOMPRESSION,
            };
            self.event(Some(id), way, event, out);
        }
    }

    fn side_over(&mut self, id: u64, side: Side, out: &mut Vec<Signal>) {
        self.head_over(id, side, out);
        self.body_over(id, side, true, out);
        let both = self.change(id, |stream| {
            stream.part_mut(side).over = true;
            stream.request.over && stream.response.over
        });
        if both == Some(true) {
            self.close(id, out);
        }
    }

    /// The body and its file are final.
    fn body_over(&mut self, id: u64, side: Side, whole: bool, out: &mut Vec<Signal>) {
        let (ready, file) = self
            .change(id, |stream| {
                let part = stream.part_mut(side);
                part.decoder = None;
                if let Some(file) = &mut part.file {
                    if whole { file.close() } else { file.truncate() }
                }
                if let Some(file) = part.file.as_ref().filter(|_| part.doh && whole) {
                    part.dns = doh::message(file.data(), side == Side::Response);
                    part.doh = false;
                }
                let file = part.file.is_some() && !std::mem::replace(&mut part.file_told, true);
                (!std::mem::replace(&mut part.body_told, true), file)
            })
            .unwrap_or_default();
        if ready {
            out.push(Signal::Ready { transaction: id, side, stage: Stage::Body });
        }
        if file {
            out.push(Signal::File {
                transaction: id,
                side,
                index: u32::from(side == Side::Response),
            });
        }
    }

    /// Nothing will be added: both sides are told as far as they came.
    fn close(&mut self, id: u64, out: &mut Vec<Signal>) {
        for side in [Side::Request, Side::Response] {
            self.head_over(id, side, out);
            self.body_over(id, side, false, out);
        }
        let number = self.streams.get(id).map_or(0, |stream| stream.id);
        if self.open.get(&number) == Some(&id) {
            self.open.remove(&number);
            if self.ended.len() >= MAX_ENDED {
                self.ended.pop_front();
            }
            self.ended.push_back(number);
        }
        self.streams.close(id, out);
    }

    fn close_all(&mut self, out: &mut Vec<Signal>) {
        while let Some(id) = self.streams.oldest_open() {
            self.close(id, out);
        }
    }
}
