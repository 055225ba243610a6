//! What goes on in flows while they last, for detectors: bursts of packets, and messages of ICMP
//! and ARP. Noted packet by packet, told at the end of a round.
//!
//! Bursts may go on for a few rounds, a span: where packets are many, each flow would else be told of
//! in every round. A flow lies wholly with one worker, and rounds and spans end at the same packets
//! however many workers there are: so bursts are the same too.

use super::gather::{App, Effect};
use super::settle::flow_context;
use super::worker::Place;
use crate::decode::{Headers, Icmp, Transport};
use crate::flow::{Flow, Slot, Table, Touch};
use crate::net::tcp_flags::{ACK, RST, SYN};
use crate::net::{Direction, ip_protocol};
use crate::protocols::identify::Session;
use crate::record::{Arp, Body, Burst, Context, IcmpMessage, Record};
use crate::time::{Duration, Timestamp};

/// A pause that ends a burst.
const PAUSE: Duration = Duration::from_secs(1);
/// A span ends with the first round after so much packet time, ...
const SPAN: Duration = Duration::from_secs(1);
/// ... and with this round of it at the latest: no more bursts can be open than that has packets,
/// those within tunnels counted too.
const SPAN_ROUNDS: u32 = 8;
/// Bursts whose memory is kept.
const SPARE_MAX: usize = 4096;

/// Where a flow's burst of this span is noted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    /// The span; 0 before the first.
    span: u32,
    /// Index into the span's bursts.
    index: u32,
    /// Errors of ICMP about the flow, each way: those are no answers.
    errors: [u32; 2],
}

/// A burst as it grows, in the memory in which it is told.
struct Noted {
    slot: Slot,
    sequence: u64,
    /// None when it was told.
    burst: Option<Box<Burst>>,
    /// The round of the span in which a message of ICMP was told last, and how many were.
    messages: (u32, u32),
}

/// The bursts of a span.
#[derive(Default)]
pub(super) struct Activity {
    is_on: bool,
    /// Messages of ARP are told for outputs too.
    logs_arp: bool,
    span: u32,
    /// Rounds of this span that are over.
    rounds: u32,
    /// When the last span ended.
    since: Timestamp,
    bursts: Vec<Noted>,
    /// Indexes of those whose flow is over; empty between rounds.
    ended: Vec<u32>,
    /// Memory of bursts that were told and seen to, for those to come.
    #[allow(clippy::vec_box, reason = "it is the boxes that are kept: records have them")]
    spare: Vec<Box<Burst>>,
}

impl Activity {
    /// Notes nothing unless `is_on`, but for messages of ARP if those are logged.
    pub(super) fn new(is_on: bool, logs_arp: bool) -> Self {
        Self { is_on, logs_arp, span: 1, ..Self::default() }
    }

    /// Takes a packet that belongs to a flow, and tells a message of ICMP.
    pub(super) fn packet(
        &mut self,
        place: Place,
        headers: &Headers,
        payload: &[u8],
        touch: Touch,
        table: &mut Table<App>,
        records: &mut Vec<Record>,
    ) {
        if !self.is_on {
            return;
        }
        let Some(flow) = table.get_mut(touch.slot) else { return };
        if is_error(headers, flow) {
            records.extend(redirect(place, headers));
            let sent = flow.counters.packets.get(touch.direction.reverse().index());
            let sent = sent.copied().unwrap_or_default();
            let errors = touch.direction.of_mut(&mut flow.app.mark.errors);
            // More errors than there were packets are no answers to any: those are sent by themselves.
            if u64::from(*errors) < sent {
                *errors = errors.saturating_add(1);
                return;
            }
        }
        let index = self.burst(place, touch, flow, records);
        let Some(noted) = self.bursts.get_mut(index) else { return };
        let Some(burst) = &mut noted.burst else { return };
        let way = touch.direction;
        burst.end = burst.end.max(place.timestamp);
        // A span has far fewer packets than these count.
        let packets = way.of_mut(&mut burst.packets);
        *packets = packets.wrapping_add(1);
        let filled = way.of_mut(&mut burst.filled);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).saturating_add(headers.cut);
        burst.cut |= headers.cut > 0;
        *filled = filled.wrapping_add(u32::from(length > 0));
        let bytes = way.of_mut(&mut burst.bytes);
        *bytes = bytes.saturating_add(headers.wire_length);
        let carried = way.of_mut(&mut burst.payload);
        *carried = carried.saturating_add(length);
        match &headers.transport {
            Transport::Tcp(tcp) => {
                *way.of_mut(&mut burst.flags) |= tcp.flags;
                let refuses = tcp.window == 0 && tcp.flags & RST == 0;
                burst.shut |= refuses && way == Direction::ToServer;
                burst.opening += u32::from(tcp.flags & (SYN | ACK) == SYN);
            }
            // Two messages that were cut cannot be compared.
            Transport::Icmp4(icmp) | Transport::Icmp6(icmp)
                if headers.cut == 0 && noted.tells_message(self.rounds) =>
            {
                records.push(message(place, (icmp, headers), payload, flow, way));
            }
            _ => {}
        }
    }

    /// The index of the burst that a packet belongs to.
    fn burst(
        &mut self,
        place: Place,
        touch: Touch,
        flow: &mut Flow<App>,
        records: &mut Vec<Record>,
    ) -> usize {
        let mark = flow.app.mark;
        let index = mark.index as usize;
        let open = if mark.span == self.span { self.bursts.get_mut(index) } else { None };
        let last = open.as_ref().and_then(|noted| noted.burst.as_ref()).map(|burst| burst.end);
        if last.is_some_and(|last| place.timestamp.since(last) <= PAUSE) {
            return index;
        }
        records.extend(open.and_then(|noted| noted.tell(flow)));
        self.begin(place, touch, flow)
    }

    #[inline(never)]
    fn begin(&mut self, place: Place, touch: Touch, flow: &mut Flow<App>) -> usize {
        let index = self.bursts.len();
        let errors = flow.app.mark.errors;
        let known_as = u32::try_from(index).unwrap_or(u32::MAX);
        flow.app.mark = Mark { span: self.span, index: known_as, errors };
        // The packet itself is already counted.
        let mut before = flow.counters.packets;
        *touch.direction.of_mut(&mut before) =
            touch.direction.of_mut(&mut before).saturating_sub(1);
        for (packets, errors) in before.iter_mut().zip(errors) {
            *packets = packets.saturating_sub(errors.into());
        }
        let before = before.map(|packets| u32::try_from(packets).unwrap_or(u32::MAX));
        let mut burst = self.spare.pop().unwrap_or_default();
        *burst = Burst {
            start: place.timestamp,
            end: place.timestamp,
            is_first: touch.new,
            before,
            ..Burst::default()
        };
        let (slot, sequence) = (touch.slot, place.sequence);
        self.bursts.push(Noted { slot, sequence, burst: Some(burst), messages: (0, 0) });
        index
    }

    /// Takes a packet that belongs to no flow because of what it is.
    pub(super) fn homeless(&self, place: Place, headers: &Headers, records: &mut Vec<Record>) {
        let logged = self.logs_arp;
        if !self.is_on && !logged {
            return;
        }
        if let Some(arp) = headers.arp {
            let arp = Arp {
                operation: arp.operation,
                frame_source: headers.ethernet.map_or(arp.sender_mac, |e| e.source),
                sender_mac: arp.sender_mac,
                sender: arp.sender,
                target_mac: arp.target_mac,
                target: arp.target,
                logged,
            };
            records.push(record(place, packet_context(headers), Body::Arp(arp)));
        } else if self.is_on && headers.ip.is_some_and(|ip| ip.fragment.is_some()) {
            let body = Body::Fragment(headers.wire_length);
            records.push(record(place, packet_context(headers), body));
        } else if self.is_on && headers.ip.is_some() {
            let icmp = match headers.transport {
                Transport::Icmp4(icmp) | Transport::Icmp6(icmp) => Some((icmp.kind, icmp.code)),
                _ => None,
            };
            let context = Context { icmp, ..packet_context(headers) };
            records.extend(redirect(place, headers));
            records.push(record(place, context, Body::Homeless(headers.wire_length)));
        }
    }

    /// A round is over, at this packet time: bursts of flows that are over become records, and when
    /// the span is over all do.
    pub(super) fn tell(
        &mut self,
        now: Timestamp,
        table: &Table<App>,
        effects: &[Effect],
        records: &mut Vec<Record>,
    ) {
        if !self.is_on {
            return;
        }
        self.rounds += 1;
        if self.rounds >= SPAN_ROUNDS || now.since(self.since) >= SPAN {
            return self.end(now, table, records);
        }
        let ended = effects.iter().filter_map(|effect| match effect {
            Effect::Ended(slot, _) => table.get(*slot).map(|flow| flow.app.mark),
            _ => None,
        });
        let here = ended.filter(|mark| mark.span == self.span);
        self.ended.extend(here.map(|mark| mark.index));
        // In the order of packets, as at the end of a span: a frame may have several.
        self.ended.sort_unstable();
        for index in self.ended.drain(..) {
            let Some(noted) = self.bursts.get_mut(index as usize) else { continue };
            records.extend(table.get(noted.slot).and_then(|flow| noted.tell(flow)));
        }
    }

    /// A span is over, or the input is: every burst becomes a record.
    pub(super) fn end(&mut self, now: Timestamp, table: &Table<App>, records: &mut Vec<Record>) {
        (self.rounds, self.since) = (0, now);
        self.span = self.span.wrapping_add(1).max(1);
        let tell = |mut noted: Noted| noted.tell(table.get(noted.slot)?);
        records.extend(self.bursts.drain(..).filter_map(tell));
    }

    /// Takes back the memory of bursts, out of records that were seen to.
    pub(super) fn take_back(&mut self, records: &mut Vec<Record>) {
        let bursts = records.iter_mut().filter(|record| matches!(record.body, Body::Burst(_)));
        for record in bursts.take(SPARE_MAX.saturating_sub(self.spare.len())) {
            if let Body::Burst(burst) = std::mem::replace(&mut record.body, Body::Fragment(0)) {
                self.spare.push(burst);
            }
        }
        records.clear();
    }
}

impl Noted {
    /// Whether a message of ICMP in this round of the span is told, or there were too many.
    fn tells_message(&mut self, round: u32) -> bool {
        let (last, count) = self.messages;
        let count = if last == round { count.saturating_add(1) } else { 1 };
        self.messages = (round, count);
        count <= IcmpMessage::PER_ROUND
    }

    /// The record of the burst, unless it was told.
    fn tell(&mut self, flow: &Flow<App>) -> Option<Record> {
        let mut burst = self.burst.take()?;
        burst.began = flow.counters.start;
        burst.total = flow.counters.bytes;
        burst.app_protocol = flow.app.session.as_ref().and_then(Session::name);
        let (sequence, timestamp, context) = (self.sequence, burst.start, flow_context(flow));
        Some(Record { sequence, tie: 0, timestamp, context, body: Body::Burst(burst) })
    }
}

/// Whether a packet is of ICMP and says what became of one of the flow.
fn is_error(headers: &Headers, flow: &Flow<App>) -> bool {
    matches!(headers.transport, Transport::Icmp4(_) | Transport::Icmp6(_))
        && !matches!(flow.protocol, ip_protocol::ICMP | ip_protocol::ICMPV6)
}

/// The same on every machine and in every run.
fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// Of version 4 a redirect (RFC 792): it is about a packet of another flow, and has none of its own.
fn redirect(place: Place, headers: &Headers) -> Option<Record> {
    const REDIRECT: u8 = 5;
    match &headers.transport {
        Transport::Icmp4(icmp) if icmp.kind == REDIRECT => {
            let body = Body::Icmp(Box::new(head(icmp, headers)));
            Some(record(place, packet_context(headers), body))
        }
        _ => None,
    }
}

/// What the header of a message of ICMP says.
fn head(icmp: &Icmp, headers: &Headers) -> IcmpMessage {
    IcmpMessage {
        kind: icmp.kind,
        code: icmp.code,
        rest: icmp.rest,
        echo: icmp.id.zip(icmp.sequence),
        hops: headers.ip.map_or(0, |ip| ip.ttl),
        frame_source: headers.ethernet.map(|frame| frame.source),
        length: 0,
        sample: Vec::new(),
        hash: 0,
    }
}

/// A message of ICMP. Few packets are: their code is kept apart from what all run through.
#[inline(never)]
fn message(
    place: Place,
    (icmp, headers): (&Icmp, &Headers),
    payload: &[u8],
    flow: &Flow<App>,
    way: Direction,
) -> Record {
    let message = IcmpMessage {
        length: u32::try_from(payload.len()).unwrap_or(u32::MAX),
        sample: payload.iter().take(IcmpMessage::SAMPLE).copied().collect(),
        hash: hash(payload),
        ..head(icmp, headers)
    };
    let mut context = flow_context(flow);
    if way == Direction::ToClient {
        std::mem::swap(&mut context.source, &mut context.destination);
    }
    record(place, context, Body::Icmp(Box::new(message)))
}

fn record(place: Place, context: Context, body: Body) -> Record {
    Record { sequence: place.sequence, tie: 0, timestamp: place.timestamp, context, body }
}

/// From whom to whom a packet went.
pub(super) fn packet_context(headers: &Headers) -> Context {
    let (source, destination) = headers.endpoints().unzip();
    Context {
        flow_id: None,
        source,
        destination,
        protocol: headers.ip.map_or(0, |ip| ip.protocol),
        ip_version: headers.ip.map_or(0, |ip| ip.version),
        vlan: headers.vlan,
        icmp: None,
    }
}
