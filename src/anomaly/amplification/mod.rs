//! `amplification`: servers are asked in somebody's name, and bury them under the answers.
//!
//! An attacker sends small questions with the victim's address as sender to servers that answer
//! anybody at length. Two sides of it are watched.
//!
//! The victim: answers of such services come from many servers, and no question went out. They
//! pile up in a cumulative sum of the victim; the same is done with SYN/ACK that answer no SYN. A
//! finding needs several servers, or very much of one. Answers that were asked for belong to the
//! flow of the question and are never counted.
//!
//! The reflector: a server of ours sends one address many times what it was asked. What is more
//! than the tolerated ratio piles up, and runs off at a rate that no honest client comes near.
//!
//! What is not counted: what our own machines say to each other after a question to a group
//! address (SSDP, mDNS), VPN and calls of few peers, servers that speak port to port (NTP).

mod words;

use std::net::IpAddr;

use super::crowd::Crowd;
use super::reflectors::{LONG, Manner, is_reflected, may_be_reflected, service};
use super::stats::{Cusum, Recent};
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::tcp_flags::{ACK, RST, SYN, SYN_ACK};
use crate::net::{ip_protocol, is_group};
use crate::record::{Body, Burst, Context, Record, Sort};
use crate::time::{Duration, Timestamp};

static ANSWER_RATE: Parameter = Parameter {
    name: "answer-rate",
    values: [20.0, 5.0, 2.0],
    unit: "answers/s",
    help: "Answers that nobody asked for, to one host, that are always tolerated.",
};
static ANSWER_EXCESS: Parameter = Parameter {
    name: "answer-excess",
    values: [300.0, 100.0, 50.0],
    unit: "answers",
    help: "How many more must pile up to make a finding.",
};
static SERVERS_MIN: Parameter = Parameter {
    name: "servers-min",
    values: [20.0, 10.0, 5.0],
    unit: "servers",
    help: "Servers from which they must come; of fewer it takes three to ten times as many. When \
           the answers go to a port where questions go (53, 80, 443), three times as many servers, \
           or half as many that send ten times as much.",
};
static HANDSHAKE_EXCESS: Parameter = Parameter {
    name: "handshake-excess",
    values: [600.0, 200.0, 100.0],
    unit: "answers",
    help: "The same for SYN/ACK that answer no SYN, of which a mirror port that shows one way has \
           some.",
};
static RATIO: Parameter = Parameter::fixed(
    "ratio",
    10.0,
    "",
    "How many times a question an answer may be long; DNS and SNMP stay below, what is misused is \
     between 30 and 50,000 (Rossow 2014).",
);
static REFLECTED_RATE: Parameter = Parameter::fixed(
    "reflected-rate",
    17_000.0,
    "bytes/s",
    "What one client may get above the ratio: 1 MB a minute.",
);
static REFLECTED_EXCESS: Parameter = Parameter {
    name: "reflected-excess",
    values: [2_000_000.0, 500_000.0, 150_000.0],
    unit: "bytes",
    help: "How much more must pile up to make a finding.",
};
static GRAVE: Parameter = Parameter::fixed(
    "grave",
    10.0,
    "times",
    "It is high instead of medium when so many times the excess have piled up; the next finding \
     comes when it has grown by this factor.",
);
static AGAIN: Parameter = Parameter::fixed(
    "again",
    3600.0,
    "seconds",
    "What still goes on after this time is told again.",
);

/// Victims remembered: of some 150 bytes, and 2.5 KiB as long as much piles up.
const VICTIMS_MAX: usize = 1024;
/// Servers with a client remembered.
const PAIRS_MAX: usize = 2048;
/// Services of an attack that are told apart.
const SERVICES_MAX: usize = 4;
/// Flows of a reflector kept as evidence.
const EVIDENCE_MAX: usize = 8;
/// Sources are counted from this share of the excess on.
const CROWD_SHARE: f64 = 0.05;
/// The sum is held below so many times the excess: it comes down soon after the end.
const LEVEL_MAX: f64 = 100.0;
/// What an answer of one of our own machines counts: questions to them may go another way.
const OWN_SHARE: f64 = 0.2;
/// Length of a question that was seen in an earlier burst, bytes.
const QUESTION: u64 = 50;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "amplification",
    gid: 9105,
    help: "Answers that nobody asked for come from many servers, or a server of ours is misused to \
           send them.",
    algorithm: "First packets of flows that come from the port of a service which amplifies (DNS, \
                NTP, SNMP, CLDAP, SSDP, memcached, IKE and others), or SYN/ACK without SYN, are \
                answers to questions that were never sent: they pile up per victim in a cumulative \
                sum; a finding needs several servers, and many where they go to a port that clients \
                ask, as attackers aim them there. For our own servers it is the payload sent \
                beyond ten times the payload received that piles up, per client.",
    references: &[
        "C. Rossow: Amplification Hell: Revisiting Network Protocols for DDoS Abuse. NDSS, 2014",
        "M. Kührer et al.: Hell of a Handshake: Abusing TCP for Reflective Amplification DDoS \
         Attacks. USENIX WOOT, 2014",
        "MITRE ATT&CK T1498.002",
    ],
    parameters: &[
        &ANSWER_RATE,
        &ANSWER_EXCESS,
        &SERVERS_MIN,
        &HANDSHAKE_EXCESS,
        &RATIO,
        &REFLECTED_RATE,
        &REFLECTED_EXCESS,
        &GRAVE,
        &AGAIN,
    ],
    sees: &[Sort::Burst],
    reads: &[],
    when: super::When::Marked(super::Mark::Answer),
    build: |site, tuning| Box::new(Amplification::new(site, tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    answer_rate: f64,
    answer_excess: f64,
    servers_min: u64,
    handshake_excess: f64,
    ratio: f64,
    reflected_rate: f64,
    reflected_excess: f64,
    grave: f64,
    again: Duration,
}

impl Limits {
    fn of(tuning: &Tuning<'_>) -> Self {
        Self {
            answer_rate: tuning.get(&ANSWER_RATE).max(0.01),
            answer_excess: tuning.get(&ANSWER_EXCESS).max(2.0),
            servers_min: tuning.count(&SERVERS_MIN),
            handshake_excess: tuning.get(&HANDSHAKE_EXCESS).max(2.0),
            ratio: tuning.get(&RATIO).max(1.0),
            reflected_rate: tuning.get(&REFLECTED_RATE).max(1.0),
            reflected_excess: tuning.get(&REFLECTED_EXCESS).max(1.0),
            grave: tuning.get(&GRAVE).max(1.5),
            again: tuning.seconds(&AGAIN),
        }
    }

    const fn excess(&self, answers: Answers) -> f64 {
        match answers {
            Answers::Datagrams | Answers::Doubtful(_) => self.answer_excess,
            Answers::Handshakes => self.handshake_excess,
        }
    }
}

/// Kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
enum Answers {
    Datagrams,
    /// SYN/ACK.
    Handshakes,
    /// Datagrams from this port [that may be questions](may_be_reflected).
    Doubtful(u16),
}

/// A sum, and what belongs to it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    sum: Cusum,
    begun: Timestamp,
    packets: u64,
    /// On the wire.
    bytes: u64,
    told: u64,
    told_at: Timestamp,
}

impl Tally {
    /// Adds to the sum; the level, and whether all had run off before.
    fn add(&mut self, at: Timestamp, weight: f64, rate: f64, most: f64) -> (f64, bool) {
        let level = self.sum.add(at, weight, rate);
        self.sum.limit(most);
        let fresh = level <= weight;
        if fresh {
            (self.begun, self.packets, self.bytes) = (at, 0, 0);
        }
        (level, fresh)
    }

    /// Whether it is to be told now, that it is bad enough.
    fn is_due(&mut self, at: Timestamp, limits: &Limits) -> bool {
        let grown = self.packets as f64 >= self.told as f64 * limits.grave;
        let due = self.told == 0 || grown || at.since(self.told_at) >= limits.again;
        if due {
            (self.told, self.told_at) = (self.packets, at);
        }
        due
    }
}

/// Answers to a victim.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Unasked {
    tally: Tally,
    payload: u64,
    crowd: Option<Box<Crowd>>,
    /// Packets by service.
    services: Vec<(u16, u64)>,
}

/// Answers of a server to a client.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Reflected {
    tally: Tally,
    /// Payload of questions and answers.
    payload: [u64; 2],
    evidence: Vec<u64>,
}

/// The detector.
pub struct Amplification {
    site: Site,
    limits: Limits,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    victims: Recent<(IpAddr, Answers), Unasked>,
    /// Server, client, port.
    pairs: Recent<(IpAddr, IpAddr, u16), Reflected>,
}

impl Amplification {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let state = State { victims: Recent::new(VICTIMS_MAX), pairs: Recent::new(PAIRS_MAX) };
        Self { site: site.clone(), limits: Limits::of(tuning), state }
    }

    fn burst(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        let context = &record.context;
        let (source, target) = (context.source?, context.destination?);
        let length = burst.length();
        let answers = match context.protocol {
            ip_protocol::UDP if is_reflected(source.port, target.port, length) => {
                Some(Answers::Datagrams)
            }
            ip_protocol::UDP if may_be_reflected(source.port, target.port, length) => {
                Some(Answers::Doubtful(source.port))
            }
            _ => None,
        };
        if let Some(answers) = answers {
            if burst.packets[1] == 0 && burst.before[1] == 0 {
                let packets = burst.packets[0].into();
                return self.unasked(record, answers, (packets, 0), burst, known);
            }
            // The other side does speak: what came before was no answer out of the blue.
            if burst.before[1] == 0 && burst.packets[1] > 0 {
                self.forgive(target.addr, answers, record.timestamp, burst.before[0].into());
            }
        }
        match (context.protocol, answers) {
            (_, Some(Answers::Datagrams)) => None,
            (ip_protocol::UDP, _) => {
                service(target.port)?;
                self.reflected(record, burst, known)
            }
            (ip_protocol::TCP, _) => self.handshake(record, burst, known),
            _ => None,
        }
    }

    /// SYN/ACK that come alone; the flow's client is who would have asked.
    fn handshake(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        let [there, back] = burst.flags;
        let victim = record.context.source?.addr;
        let silent = burst.packets[0] == 0 || there & !(RST | ACK) == 0 && there & RST != 0;
        if burst.is_first && silent && back & !(SYN_ACK | RST) == 0 && back & SYN_ACK == SYN_ACK {
            let packets = burst.packets[1].into();
            let packets = (packets, 1);
            return self.unasked(record, Answers::Handshakes, packets, burst, known);
        }
        // Data follow: the client does ask, on a way that is not seen.
        if burst.before[0] == 0 && burst.before[1] == 1 && burst.filled[1] > 0 {
            self.forgive(victim, Answers::Handshakes, record.timestamp, 1);
        }
        None
    }

    fn forgive(&mut self, victim: IpAddr, answers: Answers, at: Timestamp, packets: u64) {
        let key = (victim, answers);
        if self.state.victims.peek(&key).is_some()
            && let Some(unasked) = self.state.victims.get(&key)
        {
            unasked.tally.sum.add(at, -(packets as f64), self.limits.answer_rate);
        }
    }

    /// Answers to a victim; `packets` and the side of the burst on which they are.
    fn unasked(
        &mut self,
        record: &Record,
        answers: Answers,
        (packets, side): (u64, usize),
        burst: &Burst,
        known: &Known,
    ) -> Option<Found> {
        let limits = &self.limits;
        let (mut server, mut victim) = (record.context.source?, record.context.destination?);
        if side == 1 {
            std::mem::swap(&mut server, &mut victim);
        }
        if is_group(victim.addr) || packets == 0 {
            return None;
        }
        let manner = service(server.port).map(|(_, manner)| manner);
        let ours = self.site.is_home(server.addr);
        if ours && manner == Some(Manner::Group) {
            return None;
        }
        let context = Context { source: Some(server), destination: Some(victim), ..record.context };
        let weight = packets as f64 * if ours { OWN_SHARE } else { 1.0 };
        let (at, excess) = (record.timestamp, limits.excess(answers));
        let unasked = self.state.victims.touch(&(victim.addr, answers));
        let most = excess * LEVEL_MAX;
        let (level, fresh) = unasked.tally.add(at, weight, limits.answer_rate, most);
        if fresh {
            *unasked = Unasked { tally: unasked.tally.clone(), ..Unasked::default() };
        }
        let side_of = |pair: [u32; 2]| u64::from(pair.get(side).copied().unwrap_or_default());
        unasked.tally.packets = unasked.tally.packets.saturating_add(packets);
        unasked.tally.bytes = unasked.tally.bytes.saturating_add(side_of(burst.bytes));
        unasked.payload = unasked.payload.saturating_add(side_of(burst.payload));
        unasked.count(server.port, packets);
        if level < excess * CROWD_SHARE {
            return None;
        }
        let crowd = unasked.crowd.get_or_insert_default();
        crowd.add(&context, victim.port, packets, &self.site);
        if level < unasked.needed(answers, limits) || !unasked.tally.is_due(at, limits) {
            return None;
        }
        let about = words::About { context: &context, at, site: &self.site, known, limits };
        Some(words::victim(unasked, answers, &about))
    }

    /// What a server is asked, and what it answers.
    fn reflected(&mut self, record: &Record, burst: &Burst, known: &Known) -> Option<Found> {
        let context = &record.context;
        let (client, server) = (context.source?, context.destination?);
        let [asked, answered] = burst.payload.map(u64::from);
        // What was asked in an earlier burst is guessed at.
        let earlier = u64::from(burst.before[0].min(burst.packets[1])) * QUESTION;
        let asked = if asked == 0 { earlier } else { asked };
        let more = (asked as f64).mul_add(-self.limits.ratio, answered as f64);
        let key = (server.addr, client.addr, server.port);
        // A pair begins with an answer that is far too long.
        if (more <= 0.0 || is_group(server.addr)) && self.state.pairs.peek(&key).is_none() {
            return None;
        }
        let share = match (self.site.is_home(server.addr), self.site.is_home(client.addr)) {
            (_, false) => 1.0,
            // Whoever looks after the network reads long tables.
            (true, true) => {
                if server.port == 161 {
                    0.1
                } else {
                    0.5
                }
            }
            // A client of ours that asks much of a server elsewhere.
            (false, true) => return None,
        };
        let (at, limits) = (record.timestamp, &self.limits);
        let pair = self.state.pairs.touch(&key);
        let most = limits.reflected_excess * LEVEL_MAX;
        let (level, fresh) = pair.tally.add(at, more * share, limits.reflected_rate, most);
        if fresh {
            (pair.payload, pair.evidence) = ([0, 0], Vec::new());
        }
        pair.tally.packets = pair.tally.packets.saturating_add(burst.packets[1].into());
        pair.tally.bytes = pair.tally.bytes.saturating_add(burst.bytes[1].into());
        pair.payload = [pair.payload[0] + asked, pair.payload[1] + answered];
        let id = context.flow_id.unwrap_or_default();
        if pair.evidence.len() < EVIDENCE_MAX && !pair.evidence.contains(&id) {
            pair.evidence.push(id);
        }
        if level < limits.reflected_excess || !pair.tally.is_due(at, limits) {
            return None;
        }
        let about = words::About { context, at, site: &self.site, known, limits };
        Some(words::reflector(pair, level, &about))
    }
}

impl Unasked {
    fn count(&mut self, port: u16, packets: u64) {
        if let Some((_, count)) = self.services.iter_mut().find(|(known, _)| *known == port) {
            *count += packets;
        } else if self.services.len() < SERVICES_MAX {
            self.services.push((port, packets));
        }
    }

    /// The port from which most comes.
    fn port(&self) -> u16 {
        self.services.iter().max_by_key(|(_, packets)| *packets).map_or(0, |(port, _)| *port)
    }

    /// Payload of an answer, bytes.
    fn length(&self) -> u64 {
        self.payload / self.tally.packets.max(1)
    }

    /// How much must have piled up, given who answers what.
    fn needed(&self, answers: Answers, limits: &Limits) -> f64 {
        let servers = self.crowd.as_deref().map_or(0, Crowd::sources);
        let excess = limits.excess(answers);
        if let Answers::Doubtful(_) = answers {
            // So many clients do not take the same port; of a few it takes a lot. VPNs and the like do:
            // OpenVPN calls from its own port, to 443 where nothing else is open.
            let talks = service(self.port()).is_some_and(|(_, manner)| manner == Manner::Tunnel);
            return match servers {
                _ if talks => f64::INFINITY,
                few if few * 2 < limits.servers_min => f64::INFINITY,
                few if few < limits.servers_min.saturating_mul(3) => excess * 10.0,
                _ => excess,
            };
        }
        let (long, manner) = (self.length() >= LONG, service(self.port()).map(|(_, m)| m));
        let many = servers >= limits.servers_min;
        match manner {
            // Of a resolver's questions a mirror port may show only the answers.
            Some(Manner::Asked) if !long => excess * 10.0,
            Some(Manner::Plain | Manner::Group) if !many && long => excess * 3.0,
            Some(Manner::Tunnel) if !many => f64::INFINITY,
            _ if !many => excess * 10.0,
            _ => excess,
        }
    }
}

/// Whether a burst may be of answers that nobody asked for, or show that an earlier one was not.
#[inline]
pub(super) const fn may_count(context: &Context, burst: &Burst) -> bool {
    let [there, back] = burst.flags;
    match context.protocol {
        ip_protocol::UDP => true,
        ip_protocol::TCP => {
            let asks = burst.packets[0] > 0 && there & SYN != 0;
            burst.is_first && !asks && back & SYN_ACK == SYN_ACK || matches!(burst.before, [0, 1])
        }
        _ => false,
    }
}

impl Detector for Amplification {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Body::Burst(burst) = &record.body
            && let Some(one) = self.burst(record, burst, known)
        {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { victims, pairs } = &self.state;
        let of = |unasked: &Unasked| {
            let crowd = unasked.crowd.as_deref();
            let crowd = crowd.map_or(0, |crowd| size_of::<Crowd>() + crowd.memory());
            crowd + unasked.services.capacity() * 16
        };
        let inner: usize = victims.iter().map(|(_, unasked)| of(unasked)).sum();
        let evidence: usize = pairs.iter().map(|(_, pair)| pair.evidence.capacity() * 8).sum();
        victims.memory() + pairs.memory() + inner + evidence
    }
}

#[cfg(test)]
mod tests;
