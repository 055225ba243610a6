//! How much each may do: requests, objects and bytes a minute, as buckets that fill up again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::config::Quota;

/// Names that have a bucket at most; then those that are full again go, which loses nothing.
const NAMES_MAX: usize = 50_000;
/// Seconds in which an empty bucket fills.
const FILL_SECONDS: f64 = 60.0;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Request,
    Objects(usize),
    Bytes(usize),
}

/// What is left of a minute's due.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: [f64; 3],
    at: Instant,
}

/// The buckets of all who speak.
pub(super) struct Quotas {
    most: [f64; 3],
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Quotas {
    pub(super) fn new(quota: &Quota) -> Self {
        let most = [
            f64::from(quota.requests_per_minute),
            f64::from(quota.objects_per_minute),
            f64::from(quota.mib_per_minute) * 1024.0 * 1024.0,
        ];
        Self { most, buckets: Mutex::default() }
    }

    /// Takes from the bucket of `name`.
    ///
    /// # Errors
    /// The seconds after which there is enough.
    pub(super) fn take(&self, name: &str, ask: Ask, now: Instant) -> Result<(), u64> {
        let (which, amount) = match ask {
            Ask::Request => (0, 1),
            Ask::Objects(count) => (1, count),
            Ask::Bytes(count) => (2, count),
        };
        let most = self.most.get(which).copied().unwrap_or(1.0);
        let amount = amount as f64;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= NAMES_MAX && !buckets.contains_key(name) {
            buckets.retain(|_, bucket| {
                now.saturating_duration_since(bucket.at).as_secs_f64() < FILL_SECONDS
            });
            if buckets.len() >= NAMES_MAX {
                return Err(FILL_SECONDS as u64);
            }
        }
        if !buckets.contains_key(name) {
            buckets.insert(name.to_owned(), Bucket { left: self.most, at: now });
        }
        let Some(bucket) = buckets.get_mut(name) else { return Ok(()) };
        let more = now.saturating_duration_since(bucket.at).as_secs_f64() / FILL_SECONDS;
        bucket.at = now;
        for (left, most) in bucket.left.iter_mut().zip(self.most) {
            *left = (*left + more * most).min(most);
        }
        match bucket.left.get_mut(which) {
            Some(left) if *left >= amount => {
                *left -= amount;
                Ok(())
            }
            Some(left) => {
                let seconds = (amount - *left) / most * FILL_SECONDS;
                // Within the clamp.
                Err(seconds.ceil().clamp(1.0, 3600.0) as u64)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_is_of_one_alone() {
        let quota = Quota { requests_per_minute: 60, ..Quota::default() };
        let quotas = Quotas::new(&quota);
        let now = Instant::now();
        let taken = (0..100).filter(|_| quotas.take("a", Ask::Request, now).is_ok()).count();
        assert_eq!(taken, 60);
        assert_eq!(quotas.take("a", Ask::Request, now), Err(1));
        assert_eq!(quotas.take("b", Ask::Request, now), Ok(()));
        assert_eq!(quotas.take("a", Ask::Request, now + Duration::from_secs(2)), Ok(()));
        assert_eq!(quotas.take("a", Ask::Objects(6_000), now), Ok(()));
        assert_eq!(quotas.take("a", Ask::Objects(3_000), now), Err(30));
        assert_eq!(quotas.take("a", Ask::Bytes(1 << 20), now), Ok(()));
    }
}
