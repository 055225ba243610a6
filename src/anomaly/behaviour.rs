//! All detectors at one table: each sees what it asked for, in order.

use super::incident::{self, Incidents, Stage};
use super::indicator::Watchlist;
use super::known::Read;
use super::suppress::{Applied, Suppressions};
use super::{DETECTORS, Damaged, Detector, Found, Kind, Known, Mark, Settings, Site, When, marks};
use crate::record::{Alert, Body, Context, Finding, Level, Record, Sort};
use crate::time::{Duration, Timestamp};

/// Packet time between two ticks, at least.
const TICK: Duration = Duration::from_secs(1);
/// Packet time that goes back further was ahead before: out of order frames are seconds apart.
const CLOCK_AHEAD: Duration = Duration::from_secs(3600);
/// Records of a run whose seats are noted together.
const BLOCK: usize = u64::BITS as usize;
/// No index.
const NOTHING: u32 = u32::MAX;
/// Under which name [`Known`] is saved; no detector is called so.
const KNOWN: &str = "known";
/// Under which name [`Incidents`] are saved; no detector is called so.
const INCIDENTS: &str = "incidents";
/// Under which name the counts of [`Suppressions`] are saved; no detector is called so.
const SUPPRESSIONS: &str = "suppressions";

/// Detectors that judge what a host of the site does, and so have to guess which is one where the home
/// networks do not say it. The hub keeps what they say of strangers, by a list of its own.
pub const GUESSING: &[&str] = &["beacon", "exfiltration", "lateral", "long-connection"];

/// Says that it is a guess who is the site's: that is never grave.
fn doubt(finding: &mut Finding) {
    finding.level = finding.level.min(Level::Medium);
    finding.explain_it.push_str(
        " Nota: nessuno dei due indirizzi è nelle reti di casa (home-net); che il primo sia dell'ente \
         è una supposizione.",
    );
    finding.explain_en.push_str(
        " Note: neither address is in the home networks (home-net); that the first is the site's is \
         a guess.",
    );
}

/// Seats, one bit each: as many as there are detectors at most.
type Seats = u32;

/// The detectors of a site and what they share.
pub struct Behaviour {
    seats: Vec<(&'static Kind, Box<dyn Detector>)>,
    /// For each sort of record the seats that see it; of transactions, `readers` has them.
    seen_by: [Seats; Sort::COUNT],
    /// For each protocol, by EVE name, the seats that see its transactions.
    readers: Vec<(&'static str, Seats)>,
    /// Those that see only what tells of an attempt to log on.
    of_attempts: Seats,
    /// Those that see only flows and bursts of which it is known what they speak.
    of_named: Seats,
    /// Those of them that see only flows and bursts that speak one protocol, with its EVE name.
    of_speaking: Vec<(&'static str, Seats)>,
    /// For each set of marks the seats that do not see a burst, a flow or a contact with it.
    unmarked: [Seats; Mark::SETS],
    /// Those to which nothing matters before the next tick, with the watch list that it was then.
    idle: Seats,
    watchlist: Watchlist,
    generation: u64,
    known: Known,
    incidents: Incidents,
    suppressions: Suppressions,
    found: Vec<Found>,
    run: Vec<Shown>,
    /// For each [`BLOCK`] of records of the run, and each seat, which of them it sees: a bit each.
    seen: Vec<[u64; Seats::BITS as usize]>,
    /// What was read of records of the run, if anything was.
    reads: Vec<Read>,
    now: Timestamp,
    next_tick: Timestamp,
}

/// A record of a run.
struct Shown {
    place: u32,
    /// Index into what was read, [`NOTHING`] when that is nothing.
    read: u32,
    /// Packet time when it is seen.
    now: Timestamp,
}

impl Behaviour {
    /// Every detector that `settings` leave on, having seen nothing.
    pub fn new(site: &Site, settings: &Settings) -> Self {
        let kinds = DETECTORS.iter().filter(|kind| settings.is_on(kind.name));
        let seats: Vec<_> =
            kinds.map(|kind| (*kind, (kind.build)(site, &settings.of(kind)))).collect();
        let mut seen_by: [Seats; Sort::COUNT] = Default::default();
        // The very texts that records have, where they are known: then a look at where they lie
        // tells them apart.
        let mut readers: Vec<(&'static str, Seats)> = Vec::new();
        for (protocol, _) in &site.fields {
            // Two protocols may share a name.
            if readers.iter().all(|(known, _)| known != protocol) {
                readers.push((protocol, 0));
            }
        }
        let (mut of_attempts, mut of_named, mut of_speaking) = (0, 0, Vec::new());
        let mut unmarked = [0; Mark::SETS];
        for (place, (kind, _)) in seats.iter().enumerate() {
            let seat: Seats = 1 << place;
            for sort in kind.sees.iter().filter(|sort| **sort != Sort::Transaction) {
                seen_by.get_mut(*sort as usize).into_iter().for_each(|seats| *seats |= seat);
            }
            for protocol in kind.reads {
                match readers.iter_mut().find(|(known, _)| known == protocol) {
                    Some((_, seats)) => *seats |= seat,
                    None => readers.push((protocol, seat)),
                }
            }
            match kind.when {
                When::Always => {}
                When::Named => of_named |= seat,
                When::Speaking(protocol) => {
                    of_named |= seat;
                    of_speaking.push((protocol, seat));
                }
                When::Attempt => of_attempts |= seat,
                When::Marked(mark) => {
                    let without = (0..).zip(&mut unmarked).filter(|(set, _)| set & mark.bit() == 0);
                    without.for_each(|(_, seats)| *seats |= seat);
                }
            }
        }
        let known = Known::new(site);
        let incidents = Incidents::new(site, settings);
        let suppressions = Suppressions::new(&settings.suppressions);
        let (now, found) = (Timestamp::default(), Vec::new());
        Self {
            seats,
            seen_by,
            readers,
            of_attempts,
            of_named,
            of_speaking,
            unmarked,
            idle: 0,
            watchlist: site.watchlist.clone(),
            generation: site.watchlist.generation(),
            known,
            incidents,
            suppressions,
            found,
            run: Vec::new(),
            seen: Vec::new(),
            reads: Vec::new(),
            now,
            next_tick: now,
        }
    }

    /// No detector at all.
    pub fn off() -> Self {
        Self {
            seats: Vec::new(),
            seen_by: Default::default(),
            readers: Vec::new(),
            of_attempts: 0,
            of_named: 0,
            of_speaking: Vec::new(),
            unmarked: [0; Mark::SETS],
            idle: 0,
            watchlist: Watchlist::default(),
            generation: 0,
            known: Known::default(),
            incidents: Incidents::default(),
            suppressions: Suppressions::default(),
            found: Vec::new(),
            run: Vec::new(),
            seen: Vec::new(),
            reads: Vec::new(),
            now: Timestamp::default(),
            next_tick: Timestamp::default(),
        }
    }

    /// Whether there is any detector.
    pub fn is_on(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Shows a record to those that asked for its sort; `told` gets findings, and incidents that
    /// they and alerts of signatures belong to, in order. Marks an alert that the site wants to hear
    /// no more of.
    pub fn record(&mut self, record: &mut Record, told: &mut Vec<(Context, Body)>) {
        if self.seats.is_empty() {
            return;
        }
        let at = record.timestamp;
        if self.ticks_at(at) {
            self.tick(at, told);
        }
        self.now = self.now.max(at);
        self.wake();
        self.known.record(record);
        let mut seats = self.seats(&record.context, &record.body);
        while seats != 0 {
            let seat = seats.trailing_zeros() as usize;
            seats &= seats - 1;
            if let Some((_, detector)) = self.seats.get_mut(seat) {
                detector.record(record, &self.known, &mut self.found);
            }
        }
        if !self.found.is_empty() {
            self.tell(told);
        }
        if let Body::Alert(alert) = &mut record.body {
            self.alert(&record.context, alert, told);
        }
    }

    /// The same for the first of the records at `places`, up to one that has to be
    /// [shown first](Known::takes_turn) or comes at the next tick. [`Known`] learns from all of them
    /// before any is shown, and each detector sees all that it asked for before the next one does, which
    /// spares it the others' code and data in the cache. Gives `made` the index of each place with a
    /// record that made something be told, and where that ends. Returns how many were seen.
    pub fn run(
        &mut self,
        records: &[Record],
        places: &[u32],
        told: &mut Vec<(Context, Body)>,
        made: &mut impl FnMut(usize, usize),
    ) -> usize {
        if self.seats.is_empty() {
            return 0;
        }
        self.wake();
        self.known.begin();
        self.run.clear();
        self.reads.clear();
        self.seen.clear();
        let mut asked = 0;
        for block in places.chunks(BLOCK) {
            let before = self.run.len();
            let mut seen = [0; Seats::BITS as usize];
            for (place, index) in block.iter().zip(0..) {
                let Some(record) = records.get(*place as usize) else { break };
                if self.known.takes_turn(&record.body) || self.ticks_at(record.timestamp) {
                    break;
                }
                self.now = self.now.max(record.timestamp);
                let read = self.learn(record);
                let mut seats = self.seats(&record.context, &record.body);
                asked |= seats;
                while seats != 0 {
                    let seat = seats.trailing_zeros() as usize;
                    seats &= seats - 1;
                    seen.get_mut(seat).into_iter().for_each(|seen| *seen |= 1u64 << index);
                }
                self.run.push(Shown { place: *place, read, now: self.now });
            }
            self.seen.push(seen);
            if self.run.len() - before < block.len() {
                break;
            }
        }
        // What each finding comes from.
        let mut causes = Vec::new();
        while asked != 0 {
            let seat = asked.trailing_zeros() as usize;
            asked &= asked - 1;
            let Some((_, detector)) = self.seats.get_mut(seat) else { continue };
            for (block, first) in self.seen.iter().zip((0..).step_by(BLOCK)) {
                let mut seen = block.get(seat).copied().unwrap_or_default();
                while seen != 0 {
                    let index = first + seen.trailing_zeros() as usize;
                    seen &= seen - 1;
                    let Some(shown) = self.run.get(index) else { continue };
                    let Some(record) = records.get(shown.place as usize) else { continue };
                    self.known.show(self.reads.get(shown.read as usize));
                    detector.record(record, &self.known, &mut self.found);
                    causes.resize(self.found.len(), index);
                }
            }
        }
        if !causes.is_empty() {
            self.tell_in_turn(&causes, told, made);
        }
        self.run.len()
    }

    /// Learns from a record of a run; returns the index of what was read of it.
    fn learn(&mut self, record: &Record) -> u32 {
        let Some(read) = self.known.learn(record) else { return NOTHING };
        self.reads.push(read);
        u32::try_from(self.reads.len() - 1).unwrap_or(NOTHING)
    }

    /// Tells what a run has found as if each record had been shown to all detectors in turn.
    #[inline(never)]
    fn tell_in_turn(
        &mut self,
        causes: &[usize],
        told: &mut Vec<(Context, Body)>,
        made: &mut impl FnMut(usize, usize),
    ) {
        let found = std::mem::take(&mut self.found);
        let mut found: Vec<(usize, Found)> = causes.iter().copied().zip(found).collect();
        found.sort_by_key(|(index, _)| *index);
        let last = self.now;
        let mut found = found.into_iter().peekable();
        while let Some((index, first)) = found.next() {
            self.found.push(first);
            while let Some((_, next)) = found.next_if(|(of, _)| *of == index) {
                self.found.push(next);
            }
            self.now = self.run.get(index).map_or(last, |shown| shown.now);
            self.tell(told);
            made(index, told.len());
        }
        self.now = last;
    }

    /// Whether [`Behaviour::tick`] would do anything: nearly always not.
    #[inline]
    fn ticks_at(&self, at: Timestamp) -> bool {
        at >= self.next_tick || self.now.since(at) > CLOCK_AHEAD
    }

    /// Asks all detectors again when the watch list is another.
    #[inline]
    fn wake(&mut self) {
        if self.generation != self.watchlist.generation() {
            self.generation = self.watchlist.generation();
            self.idle = 0;
        }
    }

    /// Gives an alert of a signature to the incidents, unless the site wants to hear no more of it.
    #[inline(never)]
    fn alert(&mut self, context: &Context, alert: &mut Alert, told: &mut Vec<(Context, Body)>) {
        let ends = incident::ends(context, alert);
        let stage = Stage::of_signature(&alert.signature);
        let mark = self.suppressions.alert(self.now, ends, stage);
        alert.suppressed = mark.map(str::to_owned);
        if alert.suppressed.is_none() {
            self.incidents.alert(self.now, context, alert, &self.known, told);
        }
    }

    /// The seats that see a record, which is already known.
    #[inline]
    fn seats(&self, context: &Context, body: &Body) -> Seats {
        let seen_by = |sort: Sort| self.seen_by.get(sort as usize).copied().unwrap_or_default();
        let mut seats = match body {
            Body::Transaction(of) => {
                let same = |(known, _): &&(&str, Seats)| std::ptr::eq(*known, of.protocol);
                let equal = |(known, _): &&(&str, Seats)| *known == of.protocol;
                let reads = self.readers.iter().find(same);
                let reads = reads.or_else(|| self.readers.iter().find(equal));
                reads.map_or(0, |(_, seats)| *seats)
            }
            Body::Flow(flow) => self.of_those(seen_by(Sort::Flow), flow.app_protocol),
            Body::Burst(burst) => self.of_those(seen_by(Sort::Burst), burst.app_protocol),
            body => seen_by(body.sort()),
        };
        if self.known.attempt().is_none() {
            seats &= !self.of_attempts;
        }
        // There is nothing for a record with all marks, more than there are.
        let unmarked = self.unmarked.get(usize::from(marks::of(context, body)));
        seats & !unmarked.copied().unwrap_or_default() & !self.idle
    }

    /// Of the seats that see flows, or bursts, those that see one that speaks this.
    fn of_those(&self, seats: Seats, protocol: Option<&str>) -> Seats {
        let Some(protocol) = protocol.filter(|name| *name != "failed") else {
            return seats & !self.of_named;
        };
        let others = self.of_speaking.iter().filter(|(wanted, _)| *wanted != protocol);
        others.fold(seats, |seats, (_, other)| seats & !other)
    }

    /// Packet time has come to `now`. Times that go back are passed over, unless so far that the
    /// clock was ahead before: then its time is taken.
    #[inline(never)]
    pub fn tick(&mut self, now: Timestamp, told: &mut Vec<(Context, Body)>) {
        if self.now.since(now) > CLOCK_AHEAD {
            (self.now, self.next_tick) = (now, now);
        }
        self.now = self.now.max(now);
        if self.now < self.next_tick {
            return;
        }
        self.next_tick = self.now.after(TICK);
        self.known.tick(self.now);
        self.incidents.tick(self.now, &self.known, told);
        for (_, detector) in &mut self.seats {
            detector.tick(self.now, &self.known, &mut self.found);
        }
        self.idle = self.idle_seats();
        self.tell(told);
    }

    /// What an idle detector sees is of no use to it: none of them is asked until that changes.
    fn idle_seats(&self) -> Seats {
        let idle = self.seats.iter().zip(0..).filter(|((_, detector), _)| detector.is_idle());
        idle.fold(0, |seats, (_, place)| seats | 1 << place)
    }

    /// The input is at its end.
    pub fn finish(&mut self, now: Timestamp, told: &mut Vec<(Context, Body)>) {
        self.now = self.now.max(now);
        for (_, detector) in &mut self.seats {
            detector.finish(self.now, &self.known, &mut self.found);
        }
        self.tell(told);
        self.incidents.finish(self.now, &self.known, told);
    }

    #[inline(never)]
    fn tell(&mut self, told: &mut Vec<(Context, Body)>) {
        for Found { context, mut finding } in self.found.drain(..) {
            if GUESSING.contains(&finding.detector) && self.known.guesses(&context) {
                doubt(&mut finding);
            }
            let at = told.len();
            let mark = self.suppressions.finding(self.now, &context, &finding);
            finding.suppressed = mark.map(str::to_owned);
            if finding.suppressed.is_none() {
                self.incidents.finding(self.now, &context, &finding, &self.known, told);
            }
            // What it leads to comes after it.
            told.insert(at, (context, Body::Finding(Box::new(finding))));
        }
    }

    /// How often each of the site's suppressions has applied, and when last.
    pub fn suppressions(&self) -> &[Applied] {
        self.suppressions.applied()
    }

    /// All that was learned, by detector.
    pub fn save(&self) -> Vec<(&'static str, Vec<u8>)> {
        let seats = self.seats.iter().map(|(kind, detector)| (kind.name, detector.save()));
        let shared = [
            (KNOWN, self.known.save()),
            (INCIDENTS, self.incidents.save()),
            (SUPPRESSIONS, self.suppressions.save()),
        ];
        shared.into_iter().chain(seats).collect()
    }

    /// Gives a detector what one of its name has saved; whether there is one of that name.
    ///
    /// # Errors
    /// When the bytes are none that this version writes: the detector begins anew.
    pub fn load(&mut self, name: &str, bytes: &[u8]) -> Result<bool, Damaged> {
        if name == KNOWN {
            return self.known.load(bytes).map(|()| true);
        }
        if name == INCIDENTS {
            return self.incidents.load(bytes).map(|()| true);
        }
        if name == SUPPRESSIONS {
            return self.suppressions.load(bytes).map(|()| true);
        }
        let Some((_, detector)) = self.seats.iter_mut().find(|(kind, _)| kind.name == name) else {
            return Ok(false);
        };
        detector.load(bytes).map(|()| true)
    }

    /// Bytes held, about: by detector.
    pub fn memory(&self) -> Vec<(&'static str, usize)> {
        let seats = self.seats.iter().map(|(kind, detector)| (kind.name, detector.memory()));
        let shared = [(KNOWN, self.known.memory()), (INCIDENTS, self.incidents.memory())];
        shared.into_iter().chain(seats).collect()
    }

    /// What was learned of the site, counted, by detector.
    pub fn learned(&self) -> Vec<(&'static str, Vec<(&'static str, u64)>)> {
        let seats = self.seats.iter().map(|(kind, detector)| (kind.name, detector.learned()));
        std::iter::once((KNOWN, self.known.learned())).chain(seats).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Endpoint, ip_protocol};
    use crate::record::{Burst, FlowCounters, FlowRecord, Outcome, TcpRecord};

    fn flow(app_protocol: &'static str) -> Record {
        let end = |last, port| Some(Endpoint { addr: [10, 0, 0, last].into(), port });
        let context = Context {
            flow_id: Some(1),
            source: end(5, 40_000),
            destination: end(6, 22),
            protocol: ip_protocol::TCP,
            ip_version: 4,
            ..Context::default()
        };
        let (packets, bytes) = ([12, 10], [3000, 3000]);
        let body = Body::Flow(Box::new(FlowRecord {
            counters: FlowCounters { packets, bytes, ..FlowCounters::default() },
            state: "closed",
            reason: "timeout",
            alerted: false,
            app_protocol: Some(app_protocol),
            transactions: 0,
            tcp: Some(TcpRecord::default()),
            icmp_response: None,
            outcome: Outcome::Answered,
            texts: crate::record::Texts::default(),
        }));
        Record { sequence: 1, tie: 0, timestamp: Timestamp::new(100, 0), context, body }
    }

    #[test]
    fn a_record_is_shown_to_those_that_can_use_it() {
        let mut behaviour = Behaviour::new(&Site::default(), &Settings::default());
        let mut sees = |name: &str, record: &Record| {
            behaviour.known.record(record);
            let seats = behaviour.seats(&record.context, &record.body);
            let seat = behaviour.seats.iter().position(|(kind, _)| kind.name == name);
            seat.is_some_and(|seat| seats >> seat & 1 == 1)
        };
        // A short flow of SSH is an attempt to log on, one that speaks nothing known is none.
        for (name, ssh, failed) in [
            ("bruteforce", true, false),
            ("spray", true, false),
            ("mismatch", true, false),
            ("lateral", false, false),
            ("long-connection", false, false),
            ("health", true, true),
            ("scan", false, false),
        ] {
            assert_eq!(
                (sees(name, &flow("ssh")), sees(name, &flow("failed"))),
                (ssh, failed),
                "{name}"
            );
        }
        let burst = |app_protocol| {
            let payload = [300, 200];
            let body = Body::Burst(Box::new(Burst { app_protocol, payload, ..Burst::default() }));
            Record { body, ..flow("ssh") }
        };
        assert!(sees("mining", &burst(Some("stratum"))) && !sees("mining", &burst(None)));
        assert!(sees("beacon", &burst(None)) && !sees("bruteforce", &burst(Some("ssh"))));
    }
}
