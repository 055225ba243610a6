//! What a live worker keeps while the merge cannot keep up, and what it gives up first.

use crate::record::{Body, Record};

/// Records kept.
pub const RECORDS_MAX: usize = 100_000;
/// Bytes of files to be stored, and of packets, within them.
pub const BYTES_MAX: usize = 64 << 20;

/// Makes what waits fit. First the contents of files and the packets that no longer fit are given up,
/// then packets that a rule may want, what detectors alone read, all but alerts, the oldest. Returns how many records
/// lost their content or are gone.
pub fn shed(kept: &mut Vec<Record>, records_max: usize, bytes_max: usize) -> u64 {
    let (mut room, mut lost) = (bytes_max, 0);
    kept.retain_mut(|record| {
        let bytes = match &record.body {
            Body::File(file) => file.content.as_ref().map_or(0, Vec::len),
            Body::Packet(packet) => packet.bytes.len(),
            _ => return true,
        };
        let fits = room.checked_sub(bytes);
        room = fits.unwrap_or(room);
        lost += u64::from(fits.is_none());
        if let (None, Body::File(file)) = (fits, &mut record.body) {
            (file.content, file.stored) = (None, false);
            return true;
        }
        fits.is_some()
    });
    let orders: [fn(&Body) -> bool; 4] = [
        |body| matches!(body, Body::Packet(_)),
        |body| !body.is_shown(),
        |body| !matches!(body, Body::Alert(_)),
        |_| true,
    ];
    for goes in orders {
        let mut excess = kept.len().saturating_sub(records_max);
        lost += excess.min(kept.iter().filter(|record| goes(&record.body)).count()) as u64;
        kept.retain(|record| {
            let gone = excess > 0 && goes(&record.body);
            excess -= usize::from(gone);
            !gone
        });
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Alert, Anomaly, Context, Packet};
    use crate::time::Timestamp;

    static EVENT: crate::field::Event = crate::field::Event { name: "test.event", help: "Test." };

    fn record(sequence: u64, body: Body) -> Record {
        let (timestamp, context) = (Timestamp::default(), Context::default());
        Record { sequence, tie: 0, timestamp, context, body }
    }

    fn mixed() -> Vec<Record> {
        let of = |number| match number % 3 {
            0 => Body::Fragment(9),
            1 => Body::Anomaly(Box::new(Anomaly {
                kind: "decode",
                event: &EVENT,
                app_protocol: None,
            })),
            _ => Body::Alert(Box::default()),
        };
        (0..30).map(|number| record(number, of(number))).collect()
    }

    #[test]
    fn alerts_go_last_and_the_order_stays() {
        for (max, alerts) in [(100, 10), (20, 10), (15, 10), (10, 10), (4, 4)] {
            let mut kept = mixed();
            let lost = shed(&mut kept, max, BYTES_MAX);
            assert_eq!((kept.len(), lost), (max.min(30), 30u64.saturating_sub(max as u64)));
            let count = kept.iter().filter(|record| matches!(record.body, Body::Alert(_))).count();
            assert_eq!(count, alerts, "{max}");
            assert!(kept.is_sorted_by_key(|record| record.sequence));
        }
    }

    #[test]
    fn bytes_are_bounded() {
        let packet = |number| {
            let bytes = vec![0; 100].into_boxed_slice();
            record(number, Body::Packet(Box::new(Packet { link: 1, bytes })))
        };
        let mut kept: Vec<Record> = (0..10).map(packet).collect();
        kept.push(record(10, Body::Alert(Box::<Alert>::default())));
        assert_eq!(shed(&mut kept, 100, 450), 6);
        assert_eq!(kept.len(), 5);
    }
}
