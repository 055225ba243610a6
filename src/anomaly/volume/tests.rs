#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint};

/// A Monday at midnight.
const START: u64 = 1_741_564_800;
const DAY: u64 = 86_400;
const HOST: [u8; 4] = [10, 0, 0, 5];

fn burst(at: u64, bytes: u64) -> Record {
    let start = Timestamp::new(START + at, 0);
    let end = |addr: [u8; 4]| Some(Endpoint { addr: IpAddr::from(addr), port: 443 });
    let context = Context {
        source: end(HOST),
        destination: end([198, 51, 100, 9]),
        protocol: 6,
        ip_version: 4,
        ..Context::default()
    };
    let bytes = [u32::try_from(bytes).unwrap(), 0];
    let burst = Burst { start, end: start, bytes, is_first: true, ..Burst::default() };
    Record { sequence: 1, tie: 0, timestamp: start, context, body: Body::Burst(Box::new(burst)) }
}

/// What comes in a minute: much by day, little by night, and never the same.
fn usual(at: u64) -> u64 {
    let hour = at / 3600 % 24;
    let base = if (8..18).contains(&hour) { 60_000_000 } else { 2_000_000 };
    base + base / 10 * (at / 60 * 7 % 5)
}

fn fresh() -> Volume {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Volume::new(&Site { home, ..Site::default() }, &Tuning::default())
}

fn show(volume: &mut Volume, from: u64, until: u64, bytes: impl Fn(u64) -> u64) -> Vec<Found> {
    let (known, mut found) = (Known::default(), Vec::new());
    for at in (from..until).step_by(60) {
        let record = burst(at, bytes(at));
        volume.tick(record.timestamp, &known, &mut found);
        volume.record(&record, &known, &mut found);
    }
    found
}

fn told(found: &[Found]) -> Vec<(u32, Level)> {
    found.iter().map(|found| (found.finding.sid, found.finding.level)).collect()
}

#[test]
fn twenty_times_the_usual_at_night_is_told_and_the_same_by_day_is_usual() {
    let mut volume = fresh();
    assert!(show(&mut volume, 0, 8 * DAY, usual).is_empty());
    // Tuesday the week after, from two at night.
    let night = 8 * DAY + 2 * 3600;
    assert!(show(&mut volume, 8 * DAY, night, usual).is_empty());
    let found = show(&mut volume, night, night + 1800, |_| 70_000_000);
    assert_eq!(told(&found), [(1, Level::Medium), (3, Level::Low)]);
    let (site, host) = (&found[0].finding, &found[1].finding);
    assert!(
        site.explain_it
            .contains("Traffico di tutta la rete molto sopra il solito: 1,1 GB in 15 minuti."),
        "{}",
        site.explain_it
    );
    assert!(site.explain_it.contains("A quest'ora della settimana in 5 minuti sono circa 12 MB."));
    assert!(site.explain_en.contains("far above the usual: 1.1 GB in 15 minutes."));
    assert!(host.title.ends_with("of 10.0.0.5") && found[0].context.source.is_none());
    assert!(show(&mut volume, night + 1800, night + 3 * 3600, usual).is_empty());
    let day = 8 * DAY + 10 * 3600;
    assert!(show(&mut volume, day, day + 1800, |_| 70_000_000).is_empty());
}

#[test]
fn a_moment_the_first_week_and_an_hour_never_seen_are_left_alone() {
    let night = 2 * 3600;
    let mut volume = fresh();
    show(&mut volume, 0, 4 * DAY + night, usual);
    assert!(show(&mut volume, 4 * DAY + night, 4 * DAY + night + 1800, |_| 900_000_000).is_empty());
    let mut volume = fresh();
    show(&mut volume, 0, 8 * DAY + night, usual);
    // Two bins are a moment.
    let moment = show(&mut volume, 8 * DAY + night, 8 * DAY + night + 600, |_| 900_000_000);
    assert!(moment.is_empty());
    // After two weeks in which nobody watched it goes on with what it has learned.
    let later = 22 * DAY + night;
    assert!(show(&mut volume, later, later + 600, usual).is_empty());
    assert!(!show(&mut volume, later + 600, later + 3000, |_| 900_000_000).is_empty());
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let (mut first, mut second) = (fresh(), fresh());
    let night = 8 * DAY + 2 * 3600;
    show(&mut first, 0, night, usual);
    second.load(&first.save()).unwrap();
    let found = show(&mut second, night, night + 1800, |_| 70_000_000);
    assert_eq!(told(&found), [(1, Level::Medium), (3, Level::Low)]);
    let known = Known::default();
    for n in 0..100_000u32 {
        let mut record = burst(9 * DAY, 50_000);
        let addr = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        record.context.source = Some(Endpoint { addr, port: 1 });
        second.record(&record, &known, &mut Vec::new());
    }
    assert!(second.state.hosts.len() <= HOSTS_MAX && second.memory() < 1_500_000);
}
