//! When to try again: exponential backoff with full jitter, so that seven thousand sensors do not
//! come back at once.

/// Seconds of the first wait at most.
const FIRST: f64 = 1.0;
/// Seconds of any wait at most.
const LONGEST: f64 = 900.0;
/// Seconds at most that a server can make us wait.
const ASKED_MAX: u64 = 3600;

/// Counts what went wrong in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked.
    pub fn worked(&mut self) {
        self.failures = 0;
    }

    /// It failed: the seconds to wait. `chance` is a number from 0 to 1 by chance; `asked` what the
    /// server asked for, which is the least.
    pub fn failed(&mut self, chance: f64, asked: Option<u64>) -> f64 {
        let most = (FIRST * 2_f64.powi(self.failures.min(30) as i32)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let jitter = most * chance.clamp(0.0, 1.0);
        match asked.map(|asked| asked.min(ASKED_MAX) as f64) {
            Some(asked) => asked + jitter,
            None => jitter,
        }
    }

    /// How often in a row it failed.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::default();
        let most: Vec<f64> = (0..12).map(|_| backoff.failed(1.0, None)).collect();
        assert_eq!(most, [1., 2., 4., 8., 16., 32., 64., 128., 256., 512., 900., 900.]);
        assert!(backoff.failed(0.0, None) < 0.1 && backoff.failed(0.5, None) < 451.0);
        assert!(backoff.failed(0.0, Some(30)) >= 30.0);
        assert!(backoff.failed(0.0, Some(u64::MAX)) <= 3600.0);
        backoff.worked();
        assert!(backoff.failed(1.0, None) <= 1.0);
    }
}
