//! Fetches rules that the centre signed, in a thread of its own, if the policy says so. What watches
//! the packets notices that others are in force, and loads them: beside those of `-S`, or in the place of
//! the bundled ones.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{SPREAD, Shared};
use crate::control::config::Config;
use crate::control::hub::bundle::Fetcher;
use crate::control::hub::sender::chance;
use crate::outputs::hub::snapshot::{Looked, Task};
use crate::outputs::hub::taxii::Backoff;

/// The first look is within so much: thousands that came up together do not come together.
const FIRST_WITHIN: Duration = Duration::from_secs(60);

/// Begins to look, if the policy says so.
pub(super) fn start(
    shared: &Arc<Shared>,
    config: &Config,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(fetcher) = Fetcher::of(&shared.place, config)? else { return Ok(None) };
    let version = fetcher.version().unwrap_or(0);
    shared.counts().rules_version = version;
    Ok(Some(shared.spawn(Task::Rules, move |shared| fetch(shared, fetcher))?))
}

fn fetch(shared: &Shared, mut fetcher: Fetcher) {
    let every = fetcher.every();
    let mut backoff = Backoff::default();
    let mut next = Instant::now() + FIRST_WITHIN.min(every).mul_f64(chance());
    while shared.goes_on() {
        if Instant::now() < next {
            continue;
        }
        let (looked, error) = fetcher.once();
        let is_first = backoff.failures() == 0;
        let wait = every.mul_f64(1.0 + SPREAD * (2.0 * chance() - 1.0));
        let wait = if looked == Looked::Failed {
            let sooner = backoff.failed(chance(), None);
            wait.min(Duration::try_from_secs_f64(sooner).unwrap_or(wait))
        } else {
            backoff.worked();
            wait
        };
        next = Instant::now() + wait;
        match error {
            Some(error) if looked == Looked::Refused => tracing::error!("{error:#}"),
            Some(error) if is_first => {
                tracing::warn!("rules of the centre cannot be had, those in force stay: {error:#}");
            }
            _ => {}
        }
        // Read from the disk before: others wait for the counts.
        let version = fetcher.version().unwrap_or(0);
        let mut counts = shared.counts();
        counts.rules_version = version;
        let at = Looked::ALL.iter().position(|one| *one == looked);
        if let Some(count) = at.and_then(|at| counts.rules.get_mut(at)) {
            *count += 1;
        }
    }
}
