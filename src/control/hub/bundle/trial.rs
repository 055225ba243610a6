//! New rules are tried beside the old before they are believed: do they load, and what do they say
//! of a capture that is known?

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Context;

use crate::control::config::Config;
use crate::control::replay::Replay;
use crate::detect::LoadSummary;
use crate::outputs::hub::policy::rules::Rules;

/// The program's own canary: a day at a town hall, with some attacks in it.
const CANARY: &[u8] = include_bytes!("../../../../pcaps/demo.pcap");
/// Alerts more than the old rules gave that are nothing to speak of, whatever the factor.
const ALERTS_SPARE: u64 = 20;
/// A canary that takes longer says that the rules are too slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why signed rules do not come into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("version {version} is not above {floor}, which was in force already")]
    NotNewer { version: u64, floor: u64 },
    #[error(
        "version {version} was in force already, and what is kept of it are other rules: what has \
         changed at the centre, or in the folder here, comes right with a higher number"
    )]
    OtherRules { version: u64 },
    #[error("it needs rivellino {}.{}.{} or newer", needs[0], needs[1], needs[2])]
    NeedsNewer { needs: [u32; 3] },
    #[error("none of its rules load")]
    NoRules,
    #[error("{failed} of {} rules do not load; {allowed} in a hundred may", failed + loaded)]
    Failing { failed: u64, loaded: u64, allowed: u32 },
    #[error("on the canary it gives {alerts} alerts where the rules in force give {before}")]
    Noisy { alerts: u64, before: u64 },
    #[error("on the canary it is not done after {} seconds", PATIENCE.as_secs())]
    Slow,
}

/// What a trial showed.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) rules: LoadSummary,
    pub(super) alerts: u64,
    /// Those of the rules in force.
    pub(super) before: u64,
}

/// Tries the rules in a folder beside those in force, or the bundled ones if none are. `scratch` is a
/// folder that may be written to.
///
/// # Errors
/// When the canary cannot be read; the inner one: why the rules are refused.
pub(super) fn trial(
    asked: &Rules,
    config: &Config,
    scratch: &Path,
    fresh: &Path,
    old: Option<&Path>,
) -> anyhow::Result<Result<Shown, Refusal>> {
    let own = scratch.join("canary.pcap");
    let canary = match &asked.canary {
        Some(path) => path,
        None => {
            std::fs::write(&own, CANARY)
                .with_context(|| format!("cannot write {}", own.display()))?;
            &own
        }
    };
    let (rules, alerts) = count(config, canary, Some(fresh))?;
    if rules.loaded == 0 {
        return Ok(Err(Refusal::NoRules));
    }
    if rules.failed * 100 > u64::from(asked.failed_percent) * (rules.failed + rules.loaded) {
        let (failed, loaded, allowed) = (rules.failed, rules.loaded, asked.failed_percent);
        return Ok(Err(Refusal::Failing { failed, loaded, allowed }));
    }
    let Some(alerts) = alerts else { return Ok(Err(Refusal::Slow)) };
    let (_, before) = count(config, canary, old).context("the rules in force")?;
    let before = before.unwrap_or(0);
    if alerts > before * u64::from(asked.alerts_factor) + ALERTS_SPARE {
        return Ok(Err(Refusal::Noisy { alerts, before }));
    }
    Ok(Ok(Shown { rules, alerts, before }))
}

/// How rules load, and how many alerts they give; without the latter when it takes too long, or no
/// rule loads.
fn count(
    config: &Config,
    canary: &Path,
    rules: Option<&Path>,
) -> anyhow::Result<(LoadSummary, Option<u64>)> {
    let rules = rules.map(|rules| vec![rules.to_owned()]);
    let config = Config { rules, data_dir: None, ..config.clone() };
    let captures: [PathBuf; 1] = [canary.to_owned()];
    let replay = Replay {
        output: None,
        state: None,
        indicators: None,
        file_store: None,
        each: false,
        signatures: true,
        anomaly: false,
        workers: 1,
        ..Replay::of(&captures, &config)?
    };
    let prepared = replay.prepare()?;
    let summary = prepared.loaded.as_ref().map(|loaded| loaded.summary.clone());
    let summary = summary.context("no rules were looked at")?;
    if summary.loaded == 0 {
        return Ok((summary, None));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (done, waits) = mpsc::channel::<()>();
    let watchdog = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let late = waits.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
            stop.fetch_or(late, Ordering::Relaxed);
            late
        })
    };
    // What the canary does not touch is tried too, as the sensor will make all of it.
    prepared.ruleset().iter().for_each(|ruleset| ruleset.prepare(1));
    let (mut alerts, mut broken) = (0, None);
    replay.run(&prepared, &stop, &mut |_| (), &mut |outcome| {
        alerts = outcome.summary.events().get("alert").copied().unwrap_or(0);
        broken = outcome.report.error;
    })?;
    drop(done);
    let is_late = watchdog.join().unwrap_or(true);
    if let Some(broken) = broken {
        return Err(broken).with_context(|| format!("the canary {}", canary.display()));
    }
    Ok((summary, (!is_late).then_some(alerts)))
}
