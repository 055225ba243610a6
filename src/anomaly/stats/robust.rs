//! Middle, spread and skew that a few wild values cannot move.

/// By how much the median absolute deviation falls short of a normal distribution's standard
/// deviation: its third quartile.
const NORMAL: f64 = 0.674_489_75;

/// Quartiles and median absolute deviation of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many values.
    pub count: usize,
    /// First quartile, median, third quartile.
    pub quartiles: [f64; 3],
    /// Median of the distances from the median.
    pub mad: f64,
}

impl Summary {
    /// Of `values`, which are put in some other order; nothing of none.
    pub fn of(values: &mut [f64]) -> Option<Self> {
        let count = values.len();
        let middle = quantile(values, 0.5)?;
        let quartiles = [quantile(values, 0.25)?, middle, quantile(values, 0.75)?];
        values.iter_mut().for_each(|value| *value = (*value - middle).abs());
        let mad = quantile(values, 0.5)?;
        Some(Self { count, quartiles, mad })
    }

    /// The median.
    pub const fn median(&self) -> f64 {
        self.quartiles[1]
    }

    /// Bowley's coefficient of skewness, -1 to 1: 0 when the quartiles lie symmetrically about
    /// the median, or are closer together than `fine`, or coincide with it, so that they say
    /// nothing (A. L. Bowley, "Elements of Statistics", 1901; the exceptions are RITA's).
    pub fn skew(&self, fine: f64) -> f64 {
        let [first, middle, third] = self.quartiles;
        let range = third - first;
        if range < fine || range <= 0.0 || middle <= first || middle >= third {
            return 0.0;
        }
        2.0f64.mul_add(-middle, first + third) / range
    }

    /// How constant the values are: 1 for equal ones, 0 when they lie as far from the median as
    /// that from nought, or farther.
    pub fn constancy(&self) -> f64 {
        let middle = self.median();
        if middle <= 0.0 {
            return if self.mad <= 0.0 { 1.0 } else { 0.0 };
        }
        (1.0 - self.mad / middle).max(0.0)
    }

    /// How many standard deviations `value` lies above the median, were the values normally
    /// distributed (B. Iglewicz and D. Hoaglin, "How to Detect and Handle Outliers", 1993). The
    /// deviation is taken for at least `least`: equal values make nothing remarkable.
    pub fn z(&self, value: f64, least: f64) -> f64 {
        let deviation = self.mad.max(least * NORMAL);
        if deviation <= 0.0 { 0.0 } else { NORMAL * (value - self.median()) / deviation }
    }
}

/// The value below which a share of `values` lies, between neighbours in proportion. The values
/// are put in another order. Nothing of none.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = last as f64 * share.clamp(0.0, 1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to last")]
    let below = (place.floor() as usize).min(last);
    let (_, lower, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let lower = *lower;
    let upper = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(lower);
    Some((upper - lower).mul_add(place - below as f64, lower))
}

/// The median.
pub fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]
    use super::*;

    #[test]
    fn quartiles_and_deviation_of_known_values() {
        let of = Summary::of(&mut [9.0, 1.0, 5.0, 3.0, 7.0]).unwrap();
        assert_eq!((of.count, of.quartiles, of.mad), (5, [3.0, 5.0, 7.0], 2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(quantile(&mut [10.0, 0.0], 0.99), Some(9.9));
        assert_eq!(Summary::of(&mut []), None);
    }

    #[test]
    fn skew_tells_a_tail_and_ignores_what_is_too_fine() {
        let tail = Summary::of(&mut [1.0, 1.1, 1.2, 4.0, 9.0]).unwrap();
        assert!(tail.skew(0.0) > 0.8, "{tail:?}");
        assert_eq!(tail.skew(10.0), 0.0);
        assert_eq!(Summary::of(&mut [1.0, 2.0, 3.0, 4.0, 5.0]).unwrap().skew(0.0), 0.0);
    }

    #[test]
    fn one_wild_value_moves_neither_middle_nor_spread() {
        let mut beats = vec![60.0; 40];
        beats.extend([59.0, 61.0, 5000.0]);
        let of = Summary::of(&mut beats).unwrap();
        assert_eq!((of.median(), of.constancy()), (60.0, 1.0));
        assert!(of.z(5000.0, 1.0) > 1000.0 && of.z(60.5, 1.0) < 1.0);
    }
}
