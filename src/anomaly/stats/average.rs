//! Averages that forget: of a value, and of its usual deviation; one for each hour of the week.

use crate::time::Timestamp;

/// Hours of a week.
const HOURS: usize = 168;

/// A moving average and the average distance from it, each new value with the same weight
/// (S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages", 1959).
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Average {
    mean: f32,
    deviation: f32,
    count: u32,
}

impl Average {
    /// Takes in a value. The first few weigh as in a plain average, later ones `weight`.
    pub fn add(&mut self, value: f64, weight: f64) {
        self.count = self.count.saturating_add(1);
        let weight = weight.max(1.0 / f64::from(self.count));
        let (mean, deviation) = (f64::from(self.mean), f64::from(self.deviation));
        let distance = (value - mean).abs();
        #[allow(clippy::cast_possible_truncation, reason = "an average need not be finer")]
        {
            if self.count > 1 {
                // The first distance is from nothing.
                let weight = weight.max(1.0 / f64::from(self.count - 1));
                self.deviation = (distance - deviation).mul_add(weight, deviation) as f32;
            }
            self.mean = (value - mean).mul_add(weight, mean) as f32;
        }
    }

    /// How many values went in.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The average.
    pub fn mean(&self) -> f64 {
        f64::from(self.mean)
    }

    /// How many standard deviations `value` lies above the average, the deviation taken for at
    /// least `least`. (Of a normal distribution the average distance is 0.8 of the standard
    /// deviation.)
    pub fn z(&self, value: f64, least: f64) -> f64 {
        let deviation = (f64::from(self.deviation) / 0.797_884_6).max(least);
        if deviation <= 0.0 { 0.0 } else { (value - self.mean()) / deviation }
    }
}

/// An [`Average`] for each hour of the week: what is usual on a Monday at nine says nothing of a
/// Sunday night.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Seasonal {
    hours: Vec<Average>,
}

impl Default for Seasonal {
    fn default() -> Self {
        Self { hours: vec![Average::default(); HOURS] }
    }
}

impl Seasonal {
    /// What is usual at the hour of `now`.
    pub fn at(&self, now: Timestamp) -> Average {
        self.hours.get(hour_of_week(now)).copied().unwrap_or_default()
    }

    /// Takes in a value at `now`.
    pub fn add(&mut self, now: Timestamp, value: f64, weight: f64) {
        if let Some(average) = self.hours.get_mut(hour_of_week(now)) {
            average.add(value, weight);
        }
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.hours.capacity() * size_of::<Average>()
    }
}

/// The hour within the week in universal time, from 0: Thursday, as 1970 began, at midnight.
#[allow(clippy::cast_possible_truncation, reason = "below 168")]
pub const fn hour_of_week(now: Timestamp) -> usize {
    (now.seconds() / 3600 % HOURS as u64) as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "tests")]
    use super::*;

    #[test]
    fn settles_on_what_is_usual_and_tells_what_is_not() {
        let mut average = Average::default();
        for n in 0..1000u32 {
            average.add(if n % 2 == 0 { 90.0 } else { 110.0 }, 0.05);
        }
        assert!((average.mean() - 100.0).abs() < 3.0, "{average:?}");
        assert!(average.z(112.0, 0.0) < 2.0 && average.z(200.0, 0.0) > 6.0, "{average:?}");
        assert_eq!(Average::default().z(5.0, 0.0), 0.0);
    }

    #[test]
    fn each_hour_of_the_week_has_its_own() {
        let mut seasonal = Seasonal::default();
        let monday = Timestamp::new(4 * 86_400 + 9 * 3600, 0);
        for week in 0..4 {
            let at = |hours: u64| Timestamp::new(monday.seconds() + (week * 168 + hours) * 3600, 0);
            seasonal.add(at(0), 1000.0, 0.3);
            seasonal.add(at(12), 10.0, 0.3);
        }
        assert_eq!(seasonal.at(monday).mean(), 1000.0);
        assert_eq!(seasonal.at(Timestamp::new(monday.seconds() + 12 * 3600, 0)).mean(), 10.0);
        assert_eq!(seasonal.at(Timestamp::new(monday.seconds() + 3600, 0)).count(), 0);
    }
}
