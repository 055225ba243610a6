//! The table fed with whatever bytes spell.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::{Flow, Host, Limits, Midstream, Slot, Table, Touch};
use crate::decode::{Headers, Ip, Tcp, Transport, Udp};
use crate::field::Event;
use crate::net::{Chunk, Direction};
use crate::record::{Contact, FlowRecord};
use crate::time::Timestamp;

/// What must hold for any flow.
#[derive(Default)]
struct Check {
    /// Each way ended.
    ended: [bool; 2],
    over: bool,
}

#[derive(Default)]
struct Watch {
    ended: u64,
    /// Flows whose first contact was told.
    told: BTreeSet<u64>,
}

impl Host<Check> for Watch {
    fn chunk(
        &mut self,
        flow: &mut Flow<Check>,
        _: Slot,
        way: Direction,
        chunk: Chunk<'_>,
        _: Timestamp,
    ) {
        let [there, back] = &mut flow.app.ended;
        let ended = if way == Direction::ToServer { there } else { back };
        assert!(!*ended && !flow.app.over, "nothing follows the end");
        *ended = chunk == Chunk::End;
    }

    fn event(&mut self, _: &'static Event) {}

    fn contact(&mut self, flow: &Flow<Check>, _: Contact) {
        assert!(!flow.app.over && self.told.insert(flow.id), "told once");
    }

    fn ended(&mut self, flow: &mut Flow<Check>, _: Slot, _: FlowRecord) {
        assert!(!std::mem::replace(&mut flow.app.over, true), "a flow ends once");
        self.ended += 1;
    }
}

/// Feeds a small table with packets made of `bytes`; panics when a promise of this module is
/// broken.
pub fn fuzz_table(bytes: &[u8]) {
    let limits = Limits { flows: 64, reassembly: 64 << 10, depth: 4096, ..Limits::default() };
    let midstream = match bytes.len() % 3 {
        0 => Midstream::None,
        1 => Midstream::Plants,
        _ => Midstream::All,
    };
    let limits = Limits { midstream, ..limits };
    let (mut table, mut watch) = (Table::new(&limits), Watch::default());
    let (mut now, mut number) = (0u64, 0u64);
    for part in bytes.chunks_exact(8) {
        let &[who, flags, seq, ack, length, window, jump, what] = part else { return };
        number += 1;
        now += u64::from(jump) * u64::from(jump) / 64;
        let headers = packet(who, flags, seq, ack, window);
        let data = bytes.get(..usize::from(length)).unwrap_or_default();
        let at = Timestamp::new(now, 0);
        let touch: Option<Touch> = table.packet(number, 0, at, &headers, data, &mut watch);
        assert!(touch.is_none_or(|touch| table.get(touch.slot).is_some()));
        if what % 16 == 0 {
            table.tick(at, &mut watch);
            table.sweep();
        }
        let active = table.stats().active;
        assert!(active <= u64::from(limits.flows));
    }
    table.finish(&table.in_order(), Timestamp::new(now, 0), &mut watch);
    let stats = table.stats();
    assert_eq!((stats.active, stats.early_bytes, stats.inserted), (0, 0, watch.ended));
}

fn packet(who: u8, flags: u8, seq: u8, ack: u8, window: u8) -> Headers {
    let (mut source, mut destination) = (Ipv4Addr::new(10, 0, 0, who & 3), Ipv4Addr::BROADCAST);
    let (mut from, mut to) = (u16::from(who >> 2 & 3), 80);
    if who & 0x80 != 0 {
        (source, destination) = (destination, source);
        (from, to) = (to, from);
    }
    let tcp = Tcp {
        source: from,
        destination: to,
        sequence: u32::from(seq).wrapping_sub(100),
        acknowledgement: u32::from(ack).wrapping_sub(100),
        flags,
        window: u16::from(window),
        urgent: u16::from(window >> 4),
        ..Tcp::default()
    };
    let udp = Udp { source: from, destination: to, length: 8 };
    let ip = Ip {
        version: 4,
        source: IpAddr::V4(source),
        destination: IpAddr::V4(destination),
        protocol: 6,
        ttl: 64,
        tos: 0,
        id: 0,
        flags: 0,
        length: 40,
        options: 0,
        fragment: None,
    };
    let transport = if who & 0x40 != 0 { Transport::Udp(udp) } else { Transport::Tcp(tcp) };
    Headers { ip: Some(ip), transport, wire_length: 60, ..Headers::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn promises_hold(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            fuzz_table(&bytes);
        }

        #[test]
        fn promises_hold_for_likely_packets(
            parts in prop::collection::vec(
                (0u8..2, any::<bool>(), 0usize..6, 95u8..110, 95u8..110, 0u8..6, 0u8..12), 0..400,
            ),
        ) {
            let kinds = [0x02, 0x12, 0x10, 0x18, 0x11, 0x14];
            let bytes: Vec<u8> = parts
                .iter()
                .flat_map(|&(who, back, kind, seq, ack, length, jump)| {
                    let flags = kinds.get(kind).copied().unwrap_or_default();
                    [who | u8::from(back) << 7, flags, seq, ack, length, 200, jump, ack]
                })
                .collect();
            fuzz_table(&bytes);
        }
    }
}
