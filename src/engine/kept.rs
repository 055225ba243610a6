//! Packets that rules with `tag` may want kept. Which of them are is decided at the merge; here all
//! are handed on that may be: those of flows in which such a rule matched, or all when hosts are asked
//! for.

use std::net::IpAddr;

use super::activity::packet_context;
use super::gather::App;
use super::settle::flow_context;
use crate::capture::{Batch, Frame};
use crate::decode;
use crate::detect::{KeptPackets, Ruleset};
use crate::flow::{Flow, Slot, Table};
use crate::record::{Body, Context, Packet, Record, Tag, TagMetric};

/// Notes the packets of a round.
#[derive(Default)]
pub(super) struct Kept {
    /// Whose packets the rules may want.
    wanted: KeptPackets,
    seen: Vec<Seen>,
}

/// A packet of a flow.
struct Seen {
    /// Number of its frame within the round's batch.
    frame: usize,
    slot: Slot,
    /// Its number within the flow, from 1.
    number: u64,
}

impl Kept {
    /// Without notes; for what `ruleset` may want.
    pub(super) fn new(ruleset: Option<&Ruleset>) -> Self {
        let wanted = ruleset.map_or(KeptPackets::Nothing, Ruleset::kept_packets);
        Self { wanted, ..Self::default() }
    }

    /// Notes the packet just taken by a flow.
    pub(super) fn note(&mut self, frame: usize, slot: Slot, table: &Table<App>) {
        if self.wanted == KeptPackets::Nothing {
            return;
        }
        let number = table.get(slot).map_or(0, packets);
        self.seen.push(Seen { frame, slot, number });
    }

    /// Hands the packets of the round on that may be wanted, whole.
    pub(super) fn tell(
        &mut self,
        batch: &Batch,
        options: &decode::Options,
        table: &Table<App>,
        records: &mut Vec<Record>,
    ) {
        for Seen { frame, slot, number } in self.seen.drain(..) {
            let Some(flow) = table.get(slot) else { continue };
            if self.wanted != KeptPackets::All && number > flow.app.kept_until {
                continue;
            }
            let Some(frame) = batch.frames.get(frame) else { continue };
            let bytes = batch.bytes(frame);
            let body = Packet { link: frame.link, bytes: bytes.into() };
            records.push(Record {
                sequence: frame.sequence,
                tie: 0,
                timestamp: frame.timestamp,
                context: context(flow, frame, bytes, options),
                body: Body::Packet(Box::new(body)),
            });
        }
    }
}

/// From whom to whom the packet of a flow went: who began the flow may have turned out since. Of what was
/// within others the innermost between the flow's ends; else, as of errors, the outermost.
fn context(flow: &Flow<App>, frame: &Frame, bytes: &[u8], options: &decode::Options) -> Context {
    let mut of_packet: Option<Context> = None;
    let pair = |a: IpAddr, b: IpAddr| (a.min(b), a.max(b));
    let ends = pair(flow.client.addr, flow.server.addr);
    decode::decode(frame.link, bytes, frame.wire, options, &mut |headers, _| {
        let own = headers.ip.is_some_and(|ip| pair(ip.source, ip.destination) == ends);
        if own || of_packet.is_none() {
            of_packet = headers.ip.map(|_| packet_context(headers));
        }
    });
    Context { flow_id: Some(flow.id), ..of_packet.unwrap_or_else(|| flow_context(flow)) }
}

/// Takes into account that a rule with these tags matched in a flow, up to which packet of the flow
/// they may want packets.
pub(super) fn matched(flow: &mut Flow<App>, tags: &[Tag]) {
    for tag in tags {
        let last = match tag.metric {
            TagMetric::Packets => packets(flow).saturating_add(tag.count.into()),
            TagMetric::Bytes | TagMetric::Seconds => u64::MAX,
        };
        flow.app.kept_until = flow.app.kept_until.max(last);
    }
}

fn packets(flow: &Flow<App>) -> u64 {
    flow.counters.packets.iter().sum()
}
