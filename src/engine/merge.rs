//! Puts records back into the order of the packets that caused them, then lets thresholds,
//! detectors and outputs see them: the only stage that sees all workers.

use std::sync::{Arc, Mutex};

use crate::anomaly::Behaviour;
use crate::detect::changes::SetChanges;
use crate::detect::{Shared, Tags, Thresholds};
use crate::outputs::Output;
use crate::record::{Alert, Body, Capture, Context, Record};
use crate::time::{Duration, Timestamp};

use super::order::Order;
use super::stats::{MergeStats, WorkerStats};

/// Packet time between two tellings of what a live capture lost.
const CAPTURE_EACH: Duration = Duration::from_secs(60);

/// What one worker made of one round.
pub struct RoundOutput {
    /// Its records, in its own order.
    pub records: Vec<Record>,
    /// Packet time at the end of the round.
    pub now: Timestamp,
    /// Its counters so far.
    pub stats: WorkerStats,
}

/// What detectors have learned up to a moment.
pub struct Learned {
    /// Packet time.
    pub at: Timestamp,
    /// By detector, as [`Behaviour::save`] gives it.
    pub states: Vec<(&'static str, Vec<u8>)>,
    /// The input is at its end: there will be no other.
    pub last: bool,
}

/// Takes what was learned to where it is safe; says what is wrong when it could not.
pub type Keeper = Box<dyn FnMut(Learned) -> Result<(), String> + Send>;

/// When what was learned is kept, and how.
struct Keeping {
    every: Duration,
    next: Timestamp,
    keeper: Keeper,
}

/// The stage after the workers.
pub struct Merge {
    thresholds: Thresholds,
    shared: Shared,
    tags: Tags,
    behaviour: Behaviour,
    outputs: Vec<Box<dyn Output>>,
    found: Vec<(Context, Body)>,
    /// What is in `found` behind records of a round: number of the record, end of what it made.
    found_at: Vec<(usize, usize)>,
    /// Numbers of the records of a round that thresholds hold back.
    held_back: Vec<usize>,
    order: Order,
    suppressed: u64,
    /// Counters of all workers at the last round.
    pub stats: WorkerStats,
    live: bool,
    keeping: Option<Keeping>,
    /// When detectors were last told what the capture lost.
    capture_told: Timestamp,
}

impl Merge {
    /// A merge that feeds the detectors, and `outputs` in the order of the list.
    pub fn new(behaviour: Behaviour, outputs: Vec<Box<dyn Output>>, live: bool) -> Self {
        Self {
            thresholds: Thresholds::default(),
            shared: Shared::default(),
            tags: Tags::default(),
            behaviour,
            outputs,
            found: Vec::new(),
            found_at: Vec::new(),
            held_back: Vec::new(),
            order: Order::default(),
            suppressed: 0,
            stats: WorkerStats::default(),
            live,
            keeping: None,
            capture_told: Timestamp::default(),
        }
    }

    /// Gives `keeper` what detectors have learned: each time so much packet time has passed, and
    /// at the end.
    pub fn keep(&mut self, every: Duration, keeper: Keeper) {
        self.keeping = Some(Keeping { every, next: Timestamp::default(), keeper });
    }

    /// Takes the counters of the sources, which only a live run has before its end; detectors are
    /// told each minute.
    pub fn capture(&mut self, counters: Capture, now: Timestamp) {
        if now.since(self.capture_told) < CAPTURE_EACH {
            return;
        }
        self.capture_told = now;
        let body = Body::Capture(counters);
        let context = Context::default();
        let mut record = Record { sequence: 0, tie: 0, timestamp: now, context, body };
        self.behaviour.record(&mut record, &mut self.found);
        self.tell(now);
    }

    /// Takes the records of all workers of one round: shows all of them to the detectors, then to
    /// the outputs. One stage's code pushes the other's out of the cache, were they to take turns.
    pub fn round(&mut self, records: &mut [Record], now: Timestamp) {
        let mut order = std::mem::take(&mut self.order);
        let places = order.of(records);
        let mut number = 0;
        while let Some(rest @ [first, ..]) = places.get(number..) {
            let (found, found_at) = (&mut self.found, &mut self.found_at);
            let mut made = |index: usize, end| found_at.push((number + index, end));
            let seen = self.behaviour.run(records, rest, found, &mut made);
            if seen == 0
                && let Some(record) = records.get_mut(*first as usize)
            {
                self.judge(number, record);
            }
            number += seen.max(1);
        }
        let in_order = places.iter().filter_map(|place| records.get(*place as usize));
        self.write(in_order.enumerate());
        self.order = order;
        self.behaviour.tick(now, &mut self.found);
        self.tell(now);
        self.outputs.iter_mut().for_each(|output| output.round(now, self.live));
        self.learned(now);
    }

    fn learned(&mut self, now: Timestamp) {
        let Some(keeping) = &mut self.keeping else { return };
        if keeping.next == Timestamp::default() {
            keeping.next = now.after(keeping.every);
        }
        if now >= keeping.next {
            keeping.next = now.after(keeping.every);
            let learned = Learned { at: now, states: self.behaviour.save(), last: false };
            // What could not be kept now is tried again next time; the last failure is told.
            let _ = (keeping.keeper)(learned);
        }
    }

    /// What rules change in sets of values, while it goes on: for whoever keeps them.
    pub fn changes(&self) -> Arc<Mutex<SetChanges>> {
        self.shared.changes()
    }

    /// The detectors: to save what they have learned, or to give them what others did.
    pub const fn behaviour(&mut self) -> &mut Behaviour {
        &mut self.behaviour
    }

    /// Ends detectors and outputs; gives what the outputs have to say.
    pub fn finish(&mut self, now: Timestamp) -> Vec<String> {
        self.behaviour.finish(now, &mut self.found);
        self.tell(now);
        let lost = self.outputs.iter_mut().flat_map(|output| output.finish(now));
        let mut lost: Vec<String> = lost.collect();
        if let Some(keeping) = &mut self.keeping {
            let learned = Learned { at: now, states: self.behaviour.save(), last: true };
            lost.extend((keeping.keeper)(learned).err());
        }
        lost
    }

    /// What it counted so far.
    pub fn counted(&self) -> MergeStats {
        let dropped =
            [self.thresholds.evicted(), self.shared.dropped(), self.tags.refused()].iter().sum();
        MergeStats { suppressed: self.suppressed, rule_state_dropped: dropped }
    }

    /// Shows a record, by its number within the round, to thresholds, tags and detectors.
    fn judge(&mut self, number: usize, record: &mut Record) {
        let passes = match &record.body {
            Body::Alert(alert) => self.allows(record, alert),
            Body::Packet(packet) => self.tags.keeps(record, packet),
            _ => true,
        };
        if !passes {
            self.held_back.push(number);
            return;
        }
        let before = self.found.len();
        self.behaviour.record(record, &mut self.found);
        if self.found.len() > before {
            self.found_at.push((number, self.found.len()));
        }
    }

    fn allows(&mut self, record: &Record, alert: &Alert) -> bool {
        let (now, context) = (record.timestamp, &record.context);
        if !self.shared.holds(now, context, alert) {
            return false;
        }
        let silent = alert.silent;
        let allowed = silent || self.thresholds.allow(now, context, alert);
        self.suppressed += u64::from(!allowed);
        if allowed {
            self.tags.alert(record, alert);
        }
        allowed && !silent
    }

    /// Gives the outputs the records of a round, and behind each what detectors made of it.
    fn write<'a>(&mut self, records: impl Iterator<Item = (usize, &'a Record)>) {
        let Self { outputs, found, found_at, held_back, tags, .. } = self;
        let mut held_back = held_back.drain(..).peekable();
        let mut found_at = found_at.drain(..).peekable();
        let (mut found, mut told) = (found.drain(..), 0);
        for (number, record) in records {
            if matches!(record.body, Body::Flow(_)) {
                tags.ended(record.context.flow_id);
            }
            if record.body.is_shown() && held_back.next_if_eq(&number).is_none() {
                outputs.iter_mut().for_each(|output| output.record(record));
            }
            let Some((_, end)) = found_at.next_if(|(of, _)| *of == number) else { continue };
            for (context, body) in found.by_ref().take(end - told) {
                let Record { sequence, timestamp, .. } = *record;
                let record = Record { sequence, tie: 0, timestamp, context, body };
                outputs.iter_mut().for_each(|output| output.record(&record));
            }
            told = end;
        }
    }

    /// Gives the outputs what no record of a round has made.
    fn tell(&mut self, now: Timestamp) {
        for (context, body) in self.found.drain(..) {
            let record = Record { sequence: 0, tie: 0, timestamp: now, context, body };
            self.outputs.iter_mut().for_each(|output| output.record(&record));
        }
    }
}
