//! What a record shows at a glance: bursts, flows and contacts are many, and most are of no use to
//! most detectors. Each detector says itself what it can use; all are asked once a record, and in
//! place, as to call a detector for nothing costs more than to look.

use super::{amplification, beacon, flood, lateral, long_connection, sweep};
use crate::record::{Body, Context};

/// What a burst, a flow or a contact must show for a detector to be asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It may count for a flood, or against one.
    Assault,
    /// It may be an answer that nobody asked for, or tell that one was asked for.
    Answer,
    /// It may be a call, or the rest of one.
    Call,
    /// It begins, or has lasted for a while.
    Lasting,
    /// It may be of someone who moves on within the house.
    Within,
    /// It is a contact by datagrams. The last: [`Mark::SETS`] goes by it.
    Datagram,
}

/// Marks, one bit each.
pub(super) type Marks = u8;

impl Mark {
    /// How many sets of marks there are.
    pub(super) const SETS: usize = 1 << (Self::Datagram as usize + 1);

    /// Its bit.
    pub(super) const fn bit(self) -> Marks {
        1 << self as u8
    }

    const fn when(self, holds: bool) -> Marks {
        (holds as Marks) << self as u8
    }
}

/// The marks of a record; of sorts that have none, all.
#[inline]
pub(super) fn of(context: &Context, body: &Body) -> Marks {
    match body {
        Body::Burst(burst) => {
            Mark::Assault.when(flood::may_count(context, burst))
                | Mark::Answer.when(amplification::may_count(context, burst))
                | Mark::Call.when(beacon::is_call(burst))
                | Mark::Lasting.when(long_connection::may_tell(burst))
        }
        Body::Flow(flow) => {
            Mark::Lasting.when(long_connection::is_old(flow.counters.start, flow.counters.end))
                | Mark::Within.when(lateral::may_be_directory(context, flow))
        }
        Body::Contact(contact) => {
            Mark::Within.when(lateral::may_be_work(context, contact))
                | Mark::Datagram.when(sweep::may_be_knock(context))
        }
        _ => Marks::MAX,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::super::{DETECTORS, Known, Settings, Site, When};
    use super::*;
    use crate::net::{AddressSet, Endpoint, ip_protocol};
    use crate::record::{Burst, Contact, FlowCounters, FlowRecord, Outcome, Record, Texts};
    use crate::time::Timestamp;

    /// Numbers that look like chance.
    struct Chance(u64);

    impl Chance {
        fn of<T: Copy>(&mut self, these: &[T]) -> T {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            these[(self.0 >> 33) as usize % these.len()]
        }

        fn pair<T: Copy>(&mut self, these: &[T]) -> [T; 2] {
            [self.of(these), self.of(these)]
        }

        fn burst(&mut self, start: Timestamp) -> Burst {
            const FLAGS: &[u8] = &[0, 0x01, 0x02, 0x04, 0x10, 0x12, 0x14, 0x18, 0x1b, 0x03];
            let packets = self.pair(&[0, 1, 4, 40]);
            Burst {
                start,
                end: start,
                began: self.of(&[start, Timestamp::new(1, 0)]),
                packets,
                filled: packets,
                bytes: self.pair(&[0, 60, 5000]),
                payload: self.pair(&[0, 1, 20, 5000]),
                flags: self.pair(FLAGS),
                opening: self.of(&[0, 0, 1, 5]),
                is_first: self.of(&[true, false]),
                before: self.pair(&[0, 1, 2, 9]),
                app_protocol: self.of(&[None, Some("failed"), Some("tls"), Some("ldap")]),
                ..Burst::default()
            }
        }

        fn flow(&mut self, end: Timestamp) -> FlowRecord {
            FlowRecord {
                counters: FlowCounters {
                    packets: [9, 9],
                    bytes: [900, 90_000_000],
                    start: self.of(&[end, Timestamp::new(1, 0)]),
                    end,
                },
                state: "closed",
                reason: "timeout",
                alerted: false,
                app_protocol: self.of(&[None, Some("failed"), Some("tls"), Some("ldap")]),
                transactions: 0,
                tcp: None,
                icmp_response: None,
                outcome: Outcome::Answered,
                texts: Texts::default(),
            }
        }

        fn record(&mut self, number: u64) -> Record {
            const ENDS: &[[u8; 4]] = &[[10, 0, 0, 5], [10, 0, 0, 6], [203, 0, 113, 9]];
            const PORTS: &[u16] = &[22, 53, 123, 389, 443, 4443, 40_000];
            const PROTOCOLS: &[u8] =
                &[ip_protocol::TCP, ip_protocol::TCP, ip_protocol::UDP, ip_protocol::ICMP, 47];
            let timestamp = Timestamp::new(10_000 + number, 0);
            let end = |addr: [u8; 4], port| Some(Endpoint { addr: addr.into(), port });
            let context = Context {
                flow_id: Some(number / 3),
                source: end(self.of(ENDS), self.of(PORTS)),
                destination: end(self.of(ENDS), self.of(PORTS)),
                protocol: self.of(PROTOCOLS),
                ip_version: 4,
                icmp: Some((8, 0)),
                ..Context::default()
            };
            let body = match number % 3 {
                0 => Body::Burst(Box::new(self.burst(timestamp))),
                1 => Body::Flow(Box::new(self.flow(timestamp))),
                _ => {
                    let outcome = self.of(&[Outcome::Answered, Outcome::Refused, Outcome::Silent]);
                    Body::Contact(Contact { start: timestamp, outcome, flags: 2 })
                }
            };
            Record { sequence: number, tie: 0, timestamp, context, body }
        }
    }

    #[test]
    fn what_lacks_its_mark_is_nothing_to_a_detector() {
        let home = AddressSet::network([10, 0, 0, 0].into(), 8);
        let (site, settings) = (Site { home, ..Site::default() }, Settings::default());
        let known = Known::new(&site);
        for kind in DETECTORS {
            let When::Marked(mark) = kind.when else { continue };
            let mut detector = (kind.build)(&site, &settings.of(kind));
            let (mut chance, mut found, mut seen) = (Chance(7), Vec::new(), [0, 0]);
            for number in 1..6000 {
                let record = chance.record(number);
                if !kind.sees.contains(&record.body.sort()) {
                    continue;
                }
                let is_marked = of(&record.context, &record.body) & mark.bit() != 0;
                seen[usize::from(is_marked)] += 1;
                let before = if is_marked { Vec::new() } else { detector.save() };
                found.clear();
                detector.record(&record, &known, &mut found);
                assert!(is_marked || found.is_empty(), "{} {number}", kind.name);
                assert!(is_marked || detector.save() == before, "{} {number}", kind.name);
            }
            assert!(seen.iter().all(|seen| *seen > 100), "{} {seen:?}", kind.name);
        }
    }
}
