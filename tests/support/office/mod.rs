//! The network of a town hall, made from a seed: real frames with right checksums, handshakes and
//! messages that parsers take for what they are, in the rhythm of a working day.
//!
//! Each file beside this one holds habits: of people (web, mail, files, calls), of machines
//! (names, time, leases, polls, updates, backups) and, in `attacks`, of those who mean harm. A
//! habit is woken at its time, puts frames on the wire, and says when it wants to be woken again.
//! So hours of traffic are made as they are read, in little memory, the same for the same seed.
//!
//! What offends most detectors is there on purpose: an inventory at ten, backups, telemetry like
//! clockwork, one machine that calls one address each minute, passwords mistyped, dead links,
//! neighbours asked for updates that sleep, telephones that are turned away before each welcome.

pub mod attacks;
mod calls;
mod care;
pub mod chance;
mod copies;
mod files;
mod mail;
pub mod messages;
mod names;
mod plant;
pub mod session;
pub mod town;
mod updates;
mod web;
pub mod wire;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use rivellino::capture::{Batch, CaptureError, Frame, Progress, Source, SourceStats};
use rivellino::time::Timestamp;

use chance::Chance;
use town::Town;
use wire::{End, HOUR, Host, Nanos, Wire};

/// Midnight of a Tuesday, 11 March 2025; the clocks of the house show it.
pub const MIDNIGHT: Nanos = 1_741_651_200 * wire::SECOND;
/// Hours that are worked on five days of the week.
const DAYS_OFF: [u64; 2] = [4, 5];

/// Something that happens again and again: woken at a time, it says when it wants to be next.
pub type Habit = Box<dyn FnMut(Nanos, &mut Place) -> Option<Nanos> + Send>;

/// What habits act upon.
pub struct Place {
    pub town: Town,
    pub wire: Wire,
    /// How full calls, pages and pictures are, 0 to 1: less makes fewer packets, not fewer contacts.
    pub fullness: f64,
    /// Names that a machine still remembers, and until when.
    remembered: HashMap<([u8; 4], String), Nanos>,
    ports: HashMap<[u8; 4], u16>,
}

impl Place {
    /// A port that the host has not used for long.
    pub fn port(&mut self, host: Host) -> End {
        let next = self.ports.entry(host.ip).or_insert(49_152);
        *next = if *next == u16::MAX { 49_152 } else { *next + 1 };
        (host, *next)
    }
}

/// How much goes on, 0 to 1: nothing at night and on days off, less over lunch.
pub fn rhythm(now: Nanos) -> f64 {
    let hours = now.saturating_sub(MIDNIGHT) / HOUR;
    if DAYS_OFF.contains(&(hours / 24 % 7)) {
        return 0.0;
    }
    [0.1, 0.7, 1.0, 1.0, 0.9, 0.8, 0.4, 0.5, 0.9, 0.8, 0.5, 0.1]
        .get((hours % 24).wrapping_sub(7) as usize)
        .copied()
        .unwrap_or(0.0)
}

/// A stretch of time in the house.
pub struct Office {
    pub seed: u64,
    pub start: Nanos,
    pub length: Nanos,
    pub people: usize,
    pub fullness: f64,
    pub attacks: Vec<Habit>,
    /// Whether telephones, cameras and the waterworks are on the wire too.
    pub whole: bool,
}

impl Office {
    /// The whole house, from eight in the morning.
    pub fn day(seed: u64, hours: u64) -> Self {
        let (start, length) = (MIDNIGHT + 8 * HOUR, hours * HOUR);
        Self { seed, start, length, people: 30, fullness: 1.0, attacks: Vec::new(), whole: true }
    }

    /// A few people, from nine in the morning.
    pub fn corner(seed: u64, length: Nanos) -> Self {
        let start = MIDNIGHT + 9 * HOUR;
        Self { seed, start, length, people: 4, fullness: 0.1, attacks: Vec::new(), whole: false }
    }

    /// What is heard on the wire.
    pub fn traffic(self) -> Traffic {
        let town = Town::new(self.people);
        let mut habits = Habits { seed: self.seed, start: self.start, list: Vec::new() };
        names::habits(&town, &mut habits);
        web::habits(&town, &mut habits);
        mail::habits(&town, &mut habits);
        files::habits(&town, &mut habits);
        updates::habits(&town, &mut habits);
        care::habits(&town, &mut habits);
        copies::habits(&town, &mut habits);
        if self.whole {
            calls::habits(&town, &mut habits);
            plant::habits(&town, &mut habits);
        }
        let mut list = habits.list;
        let wakes = (0..list.len()).map(|index| {
            let at = Chance::new(self.seed, &format!("first {index}")).below(wire::MINUTE);
            Reverse((self.start + at, index))
        });
        let mut wakes: BinaryHeap<_> = wakes.collect();
        for attack in self.attacks {
            wakes.push(Reverse((self.start, list.len())));
            list.push(attack);
        }
        let place = Place {
            town,
            wire: Wire::default(),
            fullness: self.fullness,
            remembered: HashMap::new(),
            ports: HashMap::new(),
        };
        Traffic { place, habits: list, wakes, end: self.start + self.length, told: 0 }
    }
}

/// The habits of a house, being gathered.
pub struct Habits {
    seed: u64,
    start: Nanos,
    list: Vec<Habit>,
}

impl Habits {
    /// Adds one with a chance of its own.
    pub fn add(
        &mut self,
        purpose: &str,
        mut act: impl FnMut(Nanos, &mut Place, &mut Chance) -> Nanos + Send + 'static,
    ) {
        let mut chance = Chance::new(self.seed, &format!("{purpose} {}", self.list.len()));
        self.list.push(Box::new(move |now, place| Some(act(now, place, &mut chance))));
    }

    /// Adds one of a person: done after pauses of this mean when work is at its height.
    pub fn person(
        &mut self,
        purpose: &str,
        mean: Nanos,
        mut act: impl FnMut(Nanos, &mut Place, &mut Chance) + Send + 'static,
    ) {
        let mut begun = false;
        self.add(purpose, move |now, place, chance| {
            if std::mem::replace(&mut begun, true) && chance.share() < rhythm(now) {
                act(now, place, chance);
            }
            now + chance.pause(mean)
        });
    }

    /// Adds one that is done each day at this time after midnight.
    pub fn daily(
        &mut self,
        purpose: &str,
        time: Nanos,
        mut act: impl FnMut(Nanos, &mut Place, &mut Chance) + Send + 'static,
    ) {
        let today = self.start / (24 * HOUR) * 24 * HOUR + time;
        let first = if today < self.start + wire::MINUTE { today + 24 * HOUR } else { today };
        let mut due = first;
        self.add(purpose, move |now, place, chance| {
            if now >= due {
                act(now, place, chance);
                due += 24 * HOUR;
            }
            due
        });
    }
}

/// The traffic as a source of frames.
pub struct Traffic {
    place: Place,
    habits: Vec<Habit>,
    wakes: BinaryHeap<Reverse<(Nanos, usize)>>,
    end: Nanos,
    told: u64,
}

impl Traffic {
    /// The next frame.
    pub fn frame(&mut self) -> Option<(Nanos, Vec<u8>)> {
        loop {
            let wake = self.wakes.peek().map_or(Nanos::MAX, |Reverse((at, _))| *at);
            match self.place.wire.next() {
                Some(at) if at <= wake => {
                    return self.place.wire.take().filter(|(at, _)| *at < self.end);
                }
                None if wake >= self.end => return None,
                _ => {}
            }
            if wake >= self.end {
                return self.place.wire.take().filter(|(at, _)| *at < self.end);
            }
            let Reverse((now, index)) = self.wakes.pop()?;
            if let Some(next) = (self.habits[index])(now, &mut self.place) {
                self.wakes.push(Reverse((next.max(now + 1), index)));
            }
        }
    }
}

impl Source for Traffic {
    fn read(&mut self, batch: &mut Batch, limit: usize) -> Result<Progress, CaptureError> {
        let before = batch.frames.len();
        while !batch.is_full(before + limit) {
            let Some((at, bytes)) = self.frame() else { break };
            let length = u32::try_from(bytes.len()).unwrap();
            let offset = u32::try_from(batch.data.len()).unwrap();
            batch.data.extend_from_slice(&bytes);
            let timestamp = Timestamp::from_nanos(at);
            batch.frames.push(Frame {
                timestamp,
                sequence: 0,
                link: 1,
                offset,
                captured: length,
                wire: length,
            });
        }
        self.told += (batch.frames.len() - before) as u64;
        let full = batch.is_full(before + limit);
        Ok(if batch.frames.len() == before && !full { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.told, ..SourceStats::default() }
    }

    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}
