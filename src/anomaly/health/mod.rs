//! `health`: what the sensor does not get to see, nobody can judge.
//!
//! Six things are watched: frames that the capture lost, bytes missing in TCP, connections of
//! which one direction is never seen, a link that falls silent, a clock that goes back, home networks
//! that are not those of the site. Each is told once an hour at most, the last once, in words for whoever can look at the switch's mirror port.
//!
//! Captures of files are often cut and one-sided: nothing is said before there were hundreds of
//! connections over ten minutes, and more than low only after a thousand over an hour.

mod words;

use super::homes::FAMILIES;
use super::{Damaged, Detector, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::net::tcp_flags::SYN;
use crate::record::{Body, Burst, Capture, FlowRecord, Level, Record, Sort, TcpRecord};
use crate::time::{Duration, Timestamp};
use words::Trouble;

static DROPPED: Parameter = Parameter {
    name: "dropped",
    values: [0.05, 0.01, 0.001],
    unit: "",
    help: "Share of frames that the capture may lose; ten times as much is more than low. Zeek \
           warns from 1 % on.",
};
static GAPS: Parameter = Parameter {
    name: "gaps",
    values: [0.2, 0.1, 0.05],
    unit: "",
    help: "Share of connections in which bytes may be missing; three times as many is more than \
           low. Zeek warns from 10 % on.",
};
static ONE_SIDED: Parameter = Parameter {
    name: "one-sided",
    values: [0.8, 0.5, 0.3],
    unit: "",
    help: "Share of connections of which only one direction may be seen.",
};
static FLOWS_MIN: Parameter = Parameter {
    name: "connections",
    values: [1000.0, 200.0, 100.0],
    unit: "connections",
    help: "Connections from which on their shares are judged; five times as many for more than \
           low.",
};
static SILENCE: Parameter = Parameter::fixed(
    "silence",
    300.0,
    "seconds",
    "A link that carried traffic may be silent for this long.",
);
static BACK: Parameter = Parameter::fixed(
    "back",
    60.0,
    "seconds",
    "By how much packets may be stamped earlier than others before them.",
);

/// The span over which shares are taken.
const WINDOW: Duration = Duration::from_secs(3600);
/// Before this span has passed nothing is judged.
const SPAN_MIN: Duration = Duration::from_secs(600);
/// Times the least number of connections that are needed for more than low.
const SURE: u64 = 5;
/// Times the share of losses that is more than low.
const DROPPED_GRAVE: f64 = 10.0;
const GAPS_GRAVE: f64 = 3.0;
/// Frames from which on losses are judged.
const FRAMES_MIN: u64 = 10_000;
/// Packets of a connection from which on it is looked at: less is a scan, or a flood.
const PACKETS_MIN: u64 = 4;
/// Bursts without which a link has not carried traffic; bursts a second that it had when its
/// silence for an hour is more than low.
const BURSTS_MIN: u64 = 1000;
const BURSTS_BUSY: f64 = 5.0;
/// Bursts in a row that are stamped too early.
const BACK_MIN: u64 = 20;
/// Between two findings of a kind.
const AGAIN: Duration = Duration::from_secs(3600);

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "health",
    gid: 9120,
    help: "The sensor does not see all: losses, one direction only, a silent link, a clock that \
           goes back, home networks that are not those of the site.",
    algorithm: "Shares within an hour of frames lost by the capture, of TCP connections with \
                missing bytes and of those seen one way only are compared with limits, once there \
                are enough of them; so is the time since the last packet, and the time by which \
                packets are stamped earlier than others before them. When of as many answered \
                conversations next to none has an end in HOME_NET, that is said once.",
    references: &[
        "Zeek: policy/misc/capture-loss, policy/misc/stats",
        "Suricata user guide: Performance, Packet drops",
    ],
    parameters: &[&DROPPED, &GAPS, &ONE_SIDED, &FLOWS_MIN, &SILENCE, &BACK],
    sees: &[Sort::Burst, Sort::Flow, Sort::Capture],
    reads: &[],
    when: super::When::Always,
    build: |_: &Site, tuning| Box::new(Health::new(tuning)),
};

/// The parameters in force.
#[derive(Clone, Copy, Debug)]
struct Limits {
    dropped: f64,
    gaps: f64,
    one_sided: f64,
    flows_min: u64,
    silence: Duration,
    back: Duration,
}

/// The detector.
pub struct Health {
    limits: Limits,
    state: State,
    /// Something has come since this run began: before that, nobody watched.
    awake: bool,
}

/// What it has learned.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct State {
    /// When the window began, and what came in it.
    window: Timestamp,
    flows: u64,
    one_sided: u64,
    whole: u64,
    gaps: u64,
    /// Counters of the capture when the window began, and now.
    lost: [(u64, u64); 2],
    /// The first burst, the end of the last, their number.
    first: Timestamp,
    last: Timestamp,
    bursts: u64,
    /// The latest start of a burst, and how many in a row began too long before it.
    latest: Timestamp,
    back: u64,
    /// Whether the silence was told, and that it is grave.
    silence: [bool; 2],
    /// Of which version of IP it was told that the home networks are not the site's.
    untold: [bool; FAMILIES.len()],
    /// The same of a part of the site.
    partly: [bool; FAMILIES.len()],
    /// When each kind was last told, and whether gravely.
    told: [(Timestamp, bool); Trouble::COUNT],
}

impl Health {
    /// A detector that has seen nothing.
    pub fn new(tuning: &Tuning<'_>) -> Self {
        let limits = Limits {
            dropped: tuning.get(&DROPPED).max(1e-6),
            gaps: tuning.get(&GAPS).max(1e-6),
            one_sided: tuning.get(&ONE_SIDED).max(1e-6),
            flows_min: tuning.count(&FLOWS_MIN).max(1),
            silence: tuning.seconds(&SILENCE),
            back: tuning.seconds(&BACK),
        };
        Self { limits, state: State::default(), awake: false }
    }

    fn burst(&mut self, burst: &Burst) -> Option<Found> {
        self.awake = true;
        let state = &mut self.state;
        if state.bursts == 0 {
            state.first = burst.start;
        }
        state.bursts += 1;
        if burst.end > state.last {
            state.last = burst.end;
            state.silence = [false; 2];
        }
        let earlier = state.latest.since(burst.start);
        if earlier <= self.limits.back {
            (state.latest, state.back) = (state.latest.max(burst.start), 0);
            return None;
        }
        state.back += 1;
        let due =
            state.back == BACK_MIN && self.is_due(Trouble::Clock, self.state.latest, Level::Low);
        due.then(|| words::clock(earlier, self.limits.back))
    }

    fn flow(&mut self, flow: &FlowRecord, tcp: &TcpRecord) {
        let [there, back] = flow.counters.packets;
        if there + back < PACKETS_MIN {
            return;
        }
        self.state.flows += 1;
        self.state.one_sided += u64::from(there == 0 || back == 0);
        // Of what began earlier, or is seen one way, something is always missing.
        if tcp.flags.iter().all(|flags| flags & SYN != 0) {
            self.state.whole += 1;
            self.state.gaps += u64::from(tcp.gap.contains(&true));
        }
    }

    /// Judges the shares, once the window is long enough.
    fn shares(&mut self, now: Timestamp, found: &mut Vec<Found>) {
        if self.state.window == Timestamp::default() {
            self.state.window = now;
        }
        let span = now.since(self.state.window);
        if span < SPAN_MIN {
            return;
        }
        let (state, limits) = (&self.state, self.limits);
        let [before, after] = state.lost;
        let dropped = after.1.saturating_sub(before.1);
        let frames = after.0.saturating_sub(before.0) + dropped;
        let sure = |of: u64| of >= limits.flows_min * SURE && span >= WINDOW;
        let judged = [
            (Trouble::Dropped, dropped, frames, FRAMES_MIN, limits.dropped, DROPPED_GRAVE, true),
            (
                Trouble::Gaps,
                state.gaps,
                state.whole,
                limits.flows_min,
                limits.gaps,
                GAPS_GRAVE,
                sure(state.whole),
            ),
            (
                Trouble::OneSided,
                state.one_sided,
                state.flows,
                limits.flows_min,
                limits.one_sided,
                1.0,
                sure(state.flows),
            ),
        ];
        for (trouble, bad, of, least, share_max, grave, sure) in judged {
            let share = bad as f64 / of.max(1) as f64;
            if of < least || share < share_max {
                continue;
            }
            let level = if sure && share >= share_max * grave { Level::Medium } else { Level::Low };
            // At the end of the window it may be told more gravely than within it.
            if self.is_due(trouble, now, level) {
                found.push(words::share(trouble, (bad, of), share_max, span, level));
            }
        }
        if span >= WINDOW {
            let state = &mut self.state;
            (state.flows, state.one_sided, state.whole, state.gaps) = (0, 0, 0, 0);
            state.lost = [after, after];
            state.window = now;
        }
    }

    /// Judges how long nothing has come.
    fn silence(&mut self, now: Timestamp) -> Option<Found> {
        let state = &mut self.state;
        let silent = now.since(state.last);
        if !self.awake || state.bursts < BURSTS_MIN || silent < self.limits.silence {
            return None;
        }
        let before = state.last.since(state.first);
        let rate = state.bursts as f64 / before.as_secs_f64().max(1.0);
        let grave = silent >= WINDOW && before >= WINDOW && rate >= BURSTS_BUSY;
        let [told, told_grave] = &mut state.silence;
        if before < SPAN_MIN || *told_grave || (*told && !grave) {
            return None;
        }
        (*told, *told_grave) = (true, grave);
        let level = if grave { Level::Medium } else { Level::Low };
        let due = self.is_due(Trouble::Silence, now, level);
        due.then(|| words::silence(silent, self.limits.silence, level))
    }

    /// Whether a kind may be told: once an hour, or when it has turned out to be grave.
    fn is_due(&mut self, trouble: Trouble, now: Timestamp, level: Level) -> bool {
        let Some(told) = self.state.told.get_mut(trouble as usize) else { return false };
        let ((at, was_grave), grave) = (*told, level > Level::Low);
        let due = at == Timestamp::default() || now.apart(at) >= AGAIN || grave && !was_grave;
        if due {
            *told = (now, grave);
        }
        due
    }

    fn capture(&mut self, capture: Capture) {
        let now = (capture.received, capture.dropped);
        let [before, last] = &mut self.state.lost;
        // A program that was started anew counts from nought.
        if now.0 < last.0 || (*before, *last) == ((0, 0), (0, 0)) {
            *before = now;
        }
        *last = now;
    }
}

impl Detector for Health {
    fn record(&mut self, record: &Record, _: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Burst(burst) => {
                if let Some(one) = self.burst(burst) {
                    found.push(one);
                }
            }
            Body::Flow(flow) => {
                if let Some(tcp) = &flow.tcp {
                    self.flow(flow, tcp);
                }
            }
            Body::Capture(capture) => self.capture(*capture),
            _ => {}
        }
    }

    fn tick(&mut self, now: Timestamp, known: &Known, found: &mut Vec<Found>) {
        let State { untold, partly, .. } = &mut self.state;
        let kinds = [(known.untold(), untold, false), (known.partly(), partly, true)];
        for (begun, told, partly) in kinds {
            for ((begun, family), told) in begun.iter().zip(FAMILIES).zip(told) {
                // A share about the limit would be told again and again.
                *told &= partly || begun.is_some();
                let least = self.limits.flows_min * if partly { SURE } else { 1 };
                if let Some(begun) = begun.filter(|[_, without]| *without >= least)
                    && !std::mem::replace(told, true)
                {
                    found.push(words::networks(family, begun, partly));
                }
            }
        }
        if let Some(one) = self.silence(now) {
            found.push(one);
        }
        self.shares(now, found);
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        self.awake = false;
        Ok(())
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
    }
}

#[cfg(test)]
mod tests;
