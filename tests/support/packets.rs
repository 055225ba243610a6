//! Frames made by hand: IPv4 without a link layer (LINKTYPE_RAW), one conversation or many.

use rivellino::capture::{Batch, CaptureError, Frame, Progress, Source, SourceStats};
use rivellino::net::Direction;
use rivellino::time::Timestamp;

/// LINKTYPE_RAW: frames begin with the IP header.
pub const LINK_RAW: u16 = 101;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const PUSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

const SERVER: [u8; 4] = [198, 51, 100, 20];
const FIRST: [u32; 2] = [1_000, 0xffff_ff00];
/// Nanoseconds between two frames.
const STEP: u64 = 1_000;

/// Frames in memory as a source.
pub struct Frames {
    pub link: u16,
    pub frames: Vec<(Timestamp, Vec<u8>)>,
    next: usize,
}

impl Frames {
    pub fn new(link: u16, frames: Vec<(Timestamp, Vec<u8>)>) -> Self {
        Self { link, frames, next: 0 }
    }

    /// One frame each step of time.
    pub fn in_order(link: u16, frames: Vec<Vec<u8>>) -> Self {
        let at = |index: usize| Timestamp::new(1_600_000_000, 0).nanos() + index as u64 * STEP;
        let frames = frames.into_iter().enumerate();
        Self::new(link, frames.map(|(i, f)| (Timestamp::from_nanos(at(i)), f)).collect())
    }
}

impl Source for Frames {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        let due = self.frames.iter().skip(self.next).take(limit);
        let mut count = 0;
        for (timestamp, bytes) in due {
            let offset = u32::try_from(batch.data.len()).unwrap();
            let length = u32::try_from(bytes.len()).unwrap();
            batch.data.extend_from_slice(bytes);
            batch.frames.push(Frame {
                timestamp: *timestamp,
                sequence: 0,
                link: self.link,
                offset,
                captured: length,
                wire: length,
            });
            count += 1;
        }
        self.next += count;
        Ok(if count == 0 { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.next as u64, ..SourceStats::default() }
    }

    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Bytes of one side of a conversation: where they stand in its stream, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub way: Direction,
    pub offset: usize,
    pub bytes: Vec<u8>,
}

/// A whole TCP connection: handshake, the segments in the order given, each acknowledged as far
/// as the other side can, and the farewell. `None` ends a turn: the receiver acknowledges.
pub fn connection(ports: (u16, u16), segments: &[Option<Segment>]) -> Vec<Vec<u8>> {
    let mut ends = [0usize; 2];
    let packet = |way: Direction, offset: usize, seen: usize, flags: u8, bytes: &[u8]| {
        let sequence = FIRST[way.index()].wrapping_add(offset as u32);
        let acknowledgement =
            if flags == SYN { 0 } else { FIRST[way.reverse().index()].wrapping_add(seen as u32) };
        tcp(way, ports, sequence, acknowledgement, flags, bytes)
    };
    // Offsets into the streams are counted from after the SYN.
    let mut frames = vec![
        packet(Direction::ToServer, 0, 0, SYN, &[]),
        packet(Direction::ToClient, 0, 1, SYN | ACK, &[]),
        packet(Direction::ToServer, 1, 1, ACK, &[]),
    ];
    let mut last = Direction::ToServer;
    for segment in segments {
        let Some(Segment { way, offset, bytes }) = segment else {
            let back = last.reverse();
            let (own, theirs) = (ends[back.index()] + 1, ends[last.index()] + 1);
            frames.push(packet(back, own, theirs, ACK, &[]));
            continue;
        };
        last = *way;
        let seen = ends[way.reverse().index()] + 1;
        frames.push(packet(*way, offset + 1, seen, PUSH | ACK, bytes));
        ends[way.index()] = ends[way.index()].max(offset + bytes.len());
    }
    let [there, back] = ends.map(|end| end + 1);
    frames.push(packet(Direction::ToServer, there, back, FIN | ACK, &[]));
    frames.push(packet(Direction::ToClient, back, there + 1, FIN | ACK, &[]));
    frames.push(packet(Direction::ToServer, there + 1, back + 1, ACK, &[]));
    frames
}

/// One datagram of a conversation.
pub fn datagram(way: Direction, ports: (u16, u16), bytes: &[u8]) -> Vec<u8> {
    let (from, to) = if way == Direction::ToServer { ports } else { (ports.1, ports.0) };
    let mut segment = Vec::with_capacity(8 + bytes.len());
    segment.extend_from_slice(&from.to_be_bytes());
    segment.extend_from_slice(&to.to_be_bytes());
    segment.extend_from_slice(&(8 + bytes.len() as u16).to_be_bytes());
    segment.extend_from_slice(&[0, 0]);
    segment.extend_from_slice(bytes);
    let (source, destination) = ends(way, ports.0);
    finish(source, destination, 17, segment, 6)
}

fn tcp(
    way: Direction,
    ports: (u16, u16),
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
    bytes: &[u8],
) -> Vec<u8> {
    let (from, to) = if way == Direction::ToServer { ports } else { (ports.1, ports.0) };
    let mut segment = Vec::with_capacity(20 + bytes.len());
    segment.extend_from_slice(&from.to_be_bytes());
    segment.extend_from_slice(&to.to_be_bytes());
    segment.extend_from_slice(&sequence.to_be_bytes());
    segment.extend_from_slice(&acknowledgement.to_be_bytes());
    segment.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(bytes);
    let (source, destination) = ends(way, ports.0);
    finish(source, destination, 6, segment, 16)
}

/// Each client port is of a client of its own, so that limits by address pair are not met.
fn ends(way: Direction, client: u16) -> ([u8; 4], [u8; 4]) {
    let [high, low] = client.to_be_bytes();
    let client = [192, 0, high, low];
    if way == Direction::ToServer { (client, SERVER) } else { (SERVER, client) }
}

/// Fills in the checksum of the transport and puts the IPv4 header before it.
fn finish(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    mut segment: Vec<u8>,
    checksum_at: usize,
) -> Vec<u8> {
    let mut pseudo = [source, destination].concat();
    pseudo.extend_from_slice(&[0, protocol]);
    pseudo.extend_from_slice(&(segment.len() as u16).to_be_bytes());
    let sum = checksum(&[&pseudo, &segment]);
    segment[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    ipv4(source, destination, protocol, 0, 0x4000, &segment)
}

/// An IPv4 packet; `fragment` is the field of flags and offset.
pub fn ipv4(
    source: [u8; 4],
    destination: [u8; 4],
    protocol: u8,
    id: u16,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    header.extend_from_slice(&id.to_be_bytes());
    header.extend_from_slice(&fragment.to_be_bytes());
    header.extend_from_slice(&[64, protocol, 0, 0]);
    header.extend_from_slice(&source);
    header.extend_from_slice(&destination);
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header.extend_from_slice(payload);
    header
}

/// The internet checksum (RFC 1071); all parts but the last must be of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}
