//! Conversations written as text, to frames.

use std::net::Ipv4Addr;
use std::net::SocketAddrV4;

use rivellino::capture::{Batch, CaptureError, Frame, Progress, Source, SourceStats};
use rivellino::time::Timestamp;

/// One entry of `cases.toml`.
pub struct Case {
    pub sid: u32,
    pub about: String,
    pub alerts: bool,
    pub conversation: Conversation,
}

/// Who says what to whom.
pub struct Conversation {
    tcp: bool,
    client: SocketAddrV4,
    server: SocketAddrV4,
    /// Whether the client speaks, and what.
    turns: Vec<(bool, Vec<u8>)>,
}

/// Reads `cases.toml`.
pub fn read(text: &str) -> Vec<Case> {
    let table: toml::Table = text.parse().unwrap();
    table["case"].as_array().unwrap().iter().map(case).collect()
}

fn case(entry: &toml::Value) -> Case {
    let word = |key: &str| entry[key].as_str().unwrap();
    let turns = entry["turns"].as_array().unwrap().iter().map(|turn| {
        let (key, said) = turn.as_table().unwrap().iter().next().unwrap();
        assert!(["to_server", "to_client"].contains(&key.as_str()));
        (key == "to_server", unescape(said.as_str().unwrap()))
    });
    Case {
        sid: u32::try_from(entry["sid"].as_integer().unwrap()).unwrap(),
        about: word("about").to_owned(),
        alerts: entry["alerts"].as_bool().unwrap(),
        conversation: Conversation {
            tcp: word("transport") == "tcp",
            client: word("client").parse().unwrap(),
            server: word("server").parse().unwrap(),
            turns: turns.collect(),
        },
    }
}

/// Undoes `\r`, `\n`, `\\` and `\xHH`.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next().unwrap() {
                b'r' => b'\r',
                b'n' => b'\n',
                b'\\' => b'\\',
                b'x' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => panic!("no such escape: {}", char::from(other)),
            },
            _ => byte,
        });
    }
    out
}

/// Largest payload of a segment, bytes.
const SEGMENT: usize = 1400;

impl Conversation {
    /// A client that says one thing over TCP to a web server.
    pub fn of(said: &[u8]) -> Self {
        Self {
            tcp: true,
            client: "192.0.2.1:40000".parse().unwrap(),
            server: "198.51.100.2:80".parse().unwrap(),
            turns: vec![(true, said.to_vec())],
        }
    }

    /// Its packets, as raw IPv4, ten milliseconds apart.
    pub fn frames(&self) -> Frames {
        let mut packets = Vec::new();
        // Next sequence number of the client and of the server.
        let mut next = [1000u32, 5000u32];
        let mut send = |from_client: bool, flags: u8, said: &[u8]| {
            let (own, other) = if from_client { (0, 1) } else { (1, 0) };
            let (from, to) =
                if from_client { (self.client, self.server) } else { (self.server, self.client) };
            let ack = if flags & 0x10 == 0 { 0 } else { next[other] };
            let transport = if self.tcp {
                tcp(from.port(), to.port(), next[own], ack, flags, said)
            } else {
                udp(from.port(), to.port(), said)
            };
            let count = u32::try_from(said.len()).unwrap();
            next[own] = next[own].wrapping_add(count + u32::from(flags & 0x03 != 0));
            packets.push(ipv4(*from.ip(), *to.ip(), if self.tcp { 6 } else { 17 }, &transport));
        };
        if self.tcp {
            send(true, 0x02, b"");
            send(false, 0x12, b"");
            send(true, 0x10, b"");
        }
        for (from_client, said) in &self.turns {
            for part in said.chunks(SEGMENT) {
                send(*from_client, 0x18, part);
                if self.tcp {
                    send(!*from_client, 0x10, b"");
                }
            }
        }
        if self.tcp {
            send(true, 0x11, b"");
            send(false, 0x11, b"");
            send(true, 0x10, b"");
        }
        Frames { packets, at: 0 }
    }
}

fn ipv4(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(payload);
    packet
}

fn tcp(from: u16, to: u16, sequence: u32, ack: u32, flags: u8, said: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(from.to_be_bytes());
    segment.extend(to.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(ack.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(said);
    segment
}

fn udp(from: u16, to: u16, said: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(from.to_be_bytes());
    datagram.extend(to.to_be_bytes());
    datagram.extend(u16::try_from(8 + said.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(said);
    datagram
}

/// A source of packets in memory.
pub struct Frames {
    packets: Vec<Vec<u8>>,
    at: usize,
}

impl Source for Frames {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        let start = self.at;
        for packet in self.packets.iter().skip(start).take(limit) {
            let seconds = 1_700_000_000 + self.at as u64 / 100;
            let nanoseconds = self.at as u64 % 100 * 10_000_000;
            let size = u32::try_from(packet.len()).unwrap();
            batch.frames.push(Frame {
                timestamp: Timestamp::new(seconds, nanoseconds),
                sequence: 0,
                link: 101,
                offset: u32::try_from(batch.data.len()).unwrap(),
                captured: size,
                wire: size,
            });
            batch.data.extend(packet);
            self.at += 1;
        }
        Ok(if self.at == start { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.at as u64, ..SourceStats::default() }
    }

    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}
