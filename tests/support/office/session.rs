//! A TCP connection as both its ends speak it.

use super::wire::{ACK, End, FIN, MILLI, Nanos, PUSH, RST, SYN, Wire};

/// Bytes in a segment.
const SEGMENT: usize = 1460;
/// Bytes in a segment that a network card hands on as one.
const SEGMENT_BULK: usize = 32_000;

/// Client first.
#[derive(Clone, Debug)]
pub struct Session {
    ends: [End; 2],
    next: [u32; 2],
    /// Until the next thing happens.
    pub now: Nanos,
    /// From one end to the other and back.
    round_trip: Nanos,
    segment: usize,
}

impl Session {
    /// A connection that is made at `at`.
    pub fn open(wire: &mut Wire, at: Nanos, client: End, server: End) -> Self {
        let mut session = Self::new(at, client, server);
        let [syn, accept] = session.next;
        wire.tcp(at, (client, server), (syn, 0), SYN, &[]);
        session.pass();
        wire.tcp(session.now, (server, client), (accept, syn.wrapping_add(1)), SYN | ACK, &[]);
        session.pass();
        session.next = session.next.map(|next| next.wrapping_add(1));
        session.say(wire, 0, ACK, &[]);
        session
    }

    /// A connection that the server refuses, or does not answer.
    pub fn attempt(wire: &mut Wire, at: Nanos, client: End, server: End, refused: bool) -> Nanos {
        let mut session = Self::new(at, client, server);
        let [syn, _] = session.next;
        wire.tcp(at, (client, server), (syn, 0), SYN, &[]);
        session.pass();
        if refused {
            let numbers = (0, syn.wrapping_add(1));
            wire.tcp(session.now, (server, client), numbers, RST | ACK, &[]);
        }
        session.now
    }

    fn new(at: Nanos, client: End, server: End) -> Self {
        let mix = |end: End| {
            let ip = u64::from(u32::from_be_bytes(end.0.ip));
            (at ^ (ip << 16) ^ u64::from(end.1)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        // Names of the internet are some way off; the same way each time.
        let is_far = client.0.ip[0] != 192 || server.0.ip[0] != 192;
        let far = 8 + u64::from(server.0.ip[3].wrapping_mul(7)) % 40;
        let round_trip = if is_far { far * MILLI } else { MILLI / 2 };
        let next = [(mix(client) >> 32) as u32, (mix(server) >> 20) as u32];
        Self { ends: [client, server], next, now: at, round_trip, segment: SEGMENT }
    }

    /// Segments as large as network cards hand them on: for what is long.
    pub fn bulk(mut self) -> Self {
        self.segment = SEGMENT_BULK;
        self
    }

    fn pass(&mut self) {
        self.now += self.round_trip / 2;
    }

    /// Time goes on.
    pub fn wait(&mut self, span: Nanos) {
        self.now += span;
    }

    pub fn wait_until(&mut self, at: Nanos) {
        self.now = self.now.max(at);
    }

    fn say(&mut self, wire: &mut Wire, way: usize, flags: u8, data: &[u8]) {
        let ends = (self.ends[way], self.ends[1 - way]);
        wire.tcp(self.now, ends, (self.next[way], self.next[1 - way]), flags, data);
        self.next[way] = self.next[way].wrapping_add(data.len() as u32);
    }

    fn tell(&mut self, wire: &mut Wire, way: usize, data: &[u8]) {
        for (index, segment) in data.chunks(self.segment).enumerate() {
            self.say(wire, way, PUSH | ACK, segment);
            self.now += 20_000 + segment.len() as u64 * 40;
            if index % 2 == 1 {
                self.say(wire, 1 - way, ACK, &[]);
            }
        }
        self.pass();
    }

    pub fn client(&mut self, wire: &mut Wire, data: &[u8]) {
        self.tell(wire, 0, data);
    }

    pub fn server(&mut self, wire: &mut Wire, data: &[u8]) {
        self.tell(wire, 1, data);
    }

    /// Question and answer.
    pub fn ask(&mut self, wire: &mut Wire, question: &[u8], answer: &[u8]) {
        self.client(wire, question);
        self.wait(self.round_trip / 4 + MILLI / 5);
        self.server(wire, answer);
    }

    /// The side that heard last says so.
    pub fn settle(&mut self, wire: &mut Wire) {
        self.say(wire, 0, ACK, &[]);
    }

    /// The farewell, begun by the client; when it is over.
    pub fn close(mut self, wire: &mut Wire) -> Nanos {
        self.say(wire, 0, FIN | ACK, &[]);
        self.next[0] = self.next[0].wrapping_add(1);
        self.pass();
        self.say(wire, 1, FIN | ACK, &[]);
        self.next[1] = self.next[1].wrapping_add(1);
        self.pass();
        self.say(wire, 0, ACK, &[]);
        self.now
    }

    /// The server breaks it off.
    pub fn reset(mut self, wire: &mut Wire) -> Nanos {
        self.say(wire, 1, RST | ACK, &[]);
        self.now
    }
}
