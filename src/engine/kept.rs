//! Packets that rules with `tag` may want kept. Which of them are is decided at the merge; here all
//! are handed on that may be: those of flows in which such a rule matched, or all when hosts are asked
//! for.

use super::gather::App;
use super::settle::flow_context;
use crate::capture::Batch;
use crate::detect::{KeptPackets, Ruleset};
use crate::flow::{Flow, Slot, Table};
use crate::net::Direction;
use crate::record::{Body, Packet, Record, Tag, TagMetric};

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
    way: Direction,
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
    pub(super) fn note(&mut self, frame: usize, slot: Slot, way: Direction, table: &Table<App>) {
        if self.wanted == KeptPackets::Nothing {
            return;
        }
        let number = table.get(slot).map_or(0, packets);
        self.seen.push(Seen { frame, slot, way, number });
    }

    /// Hands the packets of the round on that may be wanted, whole.
    pub(super) fn tell(&mut self, batch: &Batch, table: &Table<App>, records: &mut Vec<Record>) {
        for Seen { frame, slot, way, number } in self.seen.drain(..) {
            let Some(flow) = table.get(slot) else { continue };
            if self.wanted != KeptPackets::All && number > flow.app.kept_until {
                continue;
            }
            let Some(frame) = batch.frames.get(frame) else { continue };
            let mut context = flow_context(flow);
            if way == Direction::ToClient {
                std::mem::swap(&mut context.source, &mut context.destination);
            }
            let body = Packet { link: frame.link, bytes: batch.bytes(frame).into() };
            records.push(Record {
                sequence: frame.sequence,
                tie: 0,
                timestamp: frame.timestamp,
                context,
                body: Body::Packet(Box::new(body)),
            });
        }
    }
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
