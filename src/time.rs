//! Packet time.
//!
//! Everything between capture and the outputs knows time only from packets: that is what makes a
//! replay repeatable. This file is the only one that may name a clock.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A point in packet time: nanoseconds since the Unix epoch, UTC.
///
/// Reaches the year 2554; earlier than 1970 cannot be told and is held at zero.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Timestamp(u64);

/// A span of packet time, in nanoseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Duration(u64);

const NANOS: u64 = 1_000_000_000;

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From seconds and a fraction in nanoseconds; too large a sum stays at the largest value.
    pub const fn new(seconds: u64, nanos: u64) -> Self {
        Self(seconds.saturating_mul(NANOS).saturating_add(nanos))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / NANOS
    }

    /// The span since `earlier`; zero when `earlier` is later, as captures may be out of order.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// The span between the two, whichever is later.
    pub const fn apart(self, other: Self) -> Duration {
        Duration(self.0.abs_diff(other.0))
    }

    /// This point moved on by `span`.
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The machine's clock. For live capture and the control plane alone.
    pub fn wall_clock() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Year, month, day, hour, minute, second, microsecond in UTC (proleptic Gregorian calendar;
    /// days to civil date after H. Hinnant, "chrono-compatible low-level date algorithms").
    pub const fn civil(self) -> [u32; 7] {
        let seconds = self.0 / NANOS;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let z = days + 719_468;
        let era = z / 146_097;
        let doe = z % 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
        [
            year as u32,
            month as u32,
            day as u32,
            (rest / 3600) as u32,
            (rest / 60 % 60) as u32,
            (rest % 60) as u32,
            (self.0 % NANOS / 1000) as u32,
        ]
    }

    /// As EVE writes it, without the cost of formatting: records hold up to three.
    pub fn text(self) -> [u8; 31] {
        let [year, month, day, hour, minute, second, micros] = self.civil();
        let pair = |number: u32| {
            let number = (number % 100) as u8;
            [b'0' + number / 10, b'0' + number % 10]
        };
        let [century, year, month, day] = [year / 100, year, month, day].map(pair);
        let [hour, minute, second] = [hour, minute, second].map(pair);
        let [first, middle, last] = [micros / 10_000, micros / 100, micros].map(pair);
        let mut text = *b"0000-00-00T00:00:00.000000+0000";
        (text[0], text[1], text[2], text[3]) = (century[0], century[1], year[0], year[1]);
        (text[5], text[6], text[8], text[9]) = (month[0], month[1], day[0], day[1]);
        (text[11], text[12], text[14], text[15]) = (hour[0], hour[1], minute[0], minute[1]);
        (text[17], text[18]) = (second[0], second[1]);
        (text[20], text[21], text[22], text[23]) = (first[0], first[1], middle[0], middle[1]);
        (text[24], text[25]) = (last[0], last[1]);
        text
    }
}

/// As EVE writes it: `2016-07-13T22:42:07.199672+0000`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Duration {
    /// From nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOS))
    }

    /// In nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / NANOS
    }

    /// Seconds with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_eve_time() {
        let at = |s, n| Timestamp::new(s, n).to_string();
        assert_eq!(at(1_468_449_727, 199_672_999), "2016-07-13T22:42:07.199672+0000");
        assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000000+0000");
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000+0000");
    }

    #[test]
    fn never_runs_backwards() {
        let (a, b) = (Timestamp::new(1, 0), Timestamp::new(2, 0));
        assert_eq!(a.since(b), Duration::default());
        assert_eq!(b.since(a), Duration::from_secs(1));
    }
}
