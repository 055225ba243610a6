#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::record::{Context, Level};

const WEEK: u64 = 604_800;
const PLC: [u8; 4] = [10, 0, 0, 9];

fn fresh() -> Novelty {
    Novelty::new(&Site::default(), &Tuning::default())
}

/// What is new about a function of one master at a second.
fn say(novelty: &mut Novelty, second: u64, master: u8, function: u8) -> Option<Shape> {
    let writes = matches!(function, 5 | 6 | 15 | 16);
    let command = Command { unit: 1, function, writes, deep: function == 90 };
    let at = Timestamp::new(1_000_000 + second, 0);
    let master = IpAddr::from([10, 0, 0, master]);
    novelty.learn(master, IpAddr::from(PLC), true, command, at).map(|(shape, _)| shape)
}

#[test]
fn after_learning_a_new_master_that_writes_is_told_and_a_known_one_is_not() {
    let mut novelty = fresh();
    assert_eq!(say(&mut novelty, 0, 1, 3), None);
    assert_eq!(say(&mut novelty, 1, 1, 6), Some(Shape::Noted));
    assert_eq!(say(&mut novelty, 2, 1, 16), None);
    for (master, function, shape) in [
        (1, 6, None),
        (2, 6, Some(Shape::NewMasterWrites)),
        (2, 6, None),
        (3, 3, Some(Shape::NewMaster)),
        (1, 5, Some(Shape::NewWrite)),
        (1, 90, Some(Shape::NewDeed)),
        (1, 4, Some(Shape::NewRead)),
        (1, 4, None),
    ] {
        assert_eq!(say(&mut novelty, WEEK + 10, master, function), shape, "{master} {function}");
    }
}

#[test]
fn ten_thousand_commands_teach_as_much_as_a_week() {
    let mut novelty = fresh();
    (0..10_000).for_each(|n| assert_eq!(say(&mut novelty, n / 100, 1, 3), None));
    let mut other = fresh();
    other.load(&novelty.save()).unwrap();
    assert_eq!(say(&mut other, 200, 2, 6), Some(Shape::NewMasterWrites));
}

#[test]
fn engineering_from_the_first_packet_on_is_only_noted() {
    let mut novelty = fresh();
    let told: Vec<_> =
        (0..200).filter_map(|n| say(&mut novelty, n, 1, [3, 5, 6, 16][n as usize % 4])).collect();
    assert_eq!(told, [Shape::Noted]);
}

fn arp(second: u64, mac: [u8; 6]) -> Record {
    let context = Context {
        flow_id: None,
        source: None,
        destination: None,
        protocol: 0,
        ip_version: 0,
        vlan: [0; 3],
        icmp: None,
    };
    let body = Body::Arp(Arp {
        operation: 1,
        frame_source: mac,
        sender_mac: mac,
        sender: [10, 0, mac[4], mac[5]].into(),
        target_mac: [0; 6],
        target: [10, 0, 0, 1].into(),
        logged: false,
    });
    Record { sequence: 1, tie: 0, timestamp: Timestamp::new(second, 0), context, body }
}

#[test]
fn a_new_machine_is_noted_after_a_week_and_a_flood_of_them_is_bounded() {
    let (mut novelty, mut found) = (fresh(), Vec::new());
    let known = Known::default();
    for n in 0..100u8 {
        novelty.record(&arp(5, [0, 1, 2, 3, 0, n]), &known, &mut found);
    }
    assert!(found.is_empty());
    novelty.record(&arp(WEEK + 10, [0, 1, 2, 3, 0, 7]), &known, &mut found);
    // A telephone that makes up its hardware address anew each day.
    novelty.record(&arp(WEEK + 10, [0x02, 1, 2, 3, 9, 7]), &known, &mut found);
    assert!(found.is_empty());
    novelty.record(&arp(WEEK + 10, [0, 1, 2, 3, 9, 7]), &known, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].finding.sid, found[0].finding.level), (6, Level::Info));
    assert!(found[0].finding.explain_it.contains("00:01:02:03:09:07, indirizzo 10.0.9.7"));
    assert!(found[0].finding.explain_it.contains("100 macchine conosciute"));
    for n in 0..100_000u32 {
        let [a, b, c, d] = n.to_be_bytes();
        novelty.record(&arp(WEEK + 11, [0, 9, a, b, c, d]), &known, &mut found);
    }
    assert!(found.len() <= 10 && novelty.memory() < 1 << 20);
}
