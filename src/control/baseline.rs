//! `baseline`: to teach detectors what is normal, to see what they know, to make them forget it.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::behaviour;
use super::cli::Baseline;
use super::config::Config;
use super::replay::Replay;
use super::run::{DONE, INPUT, configuration};
use super::signals::Flags;
use super::state::{Store, forget_all};
use super::terminal::Terminal;
use crate::anomaly::{Behaviour, DETECTORS, Settings, detector};

/// Names of what all detectors share, in the state.
const SHARED: &[&str] = &["known", "incidents", "suppressions"];

/// Does what `baseline ...` asks for; gives the exit code.
///
/// # Errors
/// When there is no state where one is needed, it is damaged, or no capture can be read.
pub fn baseline(command: &Baseline, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        Baseline::Learn { state, home_net, workers, captures } => {
            let config = Config {
                home_net: (!home_net.is_empty()).then(|| home_net.clone()),
                workers: *workers,
                signatures: Some(false),
                ..state.over()
            };
            learn(&configuration(config, state.config.as_deref())?, captures, out)
        }
        Baseline::Show { state } => {
            show(&configuration(state.over(), state.config.as_deref())?, out)
        }
        Baseline::Forget { state, all, detectors } => {
            let config = configuration(state.over(), state.config.as_deref())?;
            forget(&folder(&config)?, *all, detectors, out)
        }
    }
}

fn folder(config: &Config) -> anyhow::Result<PathBuf> {
    config.state.clone().context("no state: name its folder with --state DIR")
}

/// Replays captures of usual traffic for what they teach. What is found in them is told: an attack
/// that is learned from is taken for normal later.
fn learn(config: &Config, captures: &[PathBuf], out: &mut Terminal) -> anyhow::Result<u8> {
    folder(config)?;
    let (anomaly, each, output, data_dir) = (Some(true), None, None, None);
    let config = Config { anomaly, each, output, data_dir, ..config.clone() };
    let replay = Replay { output: None, is_lesson: true, ..Replay::of(captures, &config)? };
    let prepared = replay.prepare()?;
    let mut code = DONE;
    let mut told = String::new();
    replay.run(&prepared, &Flags::default().stop_flag(), &mut |_| {}, &mut |outcome| {
        let report = &outcome.report;
        report.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        report.lost.iter().for_each(|lost| tracing::error!("{lost}"));
        if let Some(error) = &report.error {
            tracing::error!("{error}");
        }
        if report.error.is_some() || !report.lost.is_empty() {
            code = INPUT;
        }
        let found = outcome.summary.findings_above_low();
        told = format!("learned from {} packets\n", report.stats.packets);
        if found > 0 {
            told.push_str(&format!(
                "{found} findings above low in them: look at them with `rivellino replay` first; \
                 an attack that is learned from is taken for normal\n"
            ));
        }
    })?;
    write!(out, "{told}")?;
    Ok(code)
}

fn show(config: &Config, out: &mut Terminal) -> anyhow::Result<u8> {
    let store = Store::existing(&folder(config)?)?;
    let settings = behaviour::settings(config).unwrap_or_default();
    let site = super::replay::site(crate::net::AddressSet::default());
    let settings = Settings { off: std::collections::BTreeSet::new(), ..settings };
    let mut detectors = Behaviour::new(&site, &settings);
    store.fill(&mut detectors)?;
    match store.saved()? {
        Some(at) => writeln!(out, "learned up to {} (packet time, UTC)", at)?,
        None => writeln!(out, "nothing learned yet")?,
    }
    let learned = detectors.learned();
    for (name, bytes) in store.learned()? {
        let counts = learned.iter().find(|(known, _)| *known == name).map(|(_, counts)| counts);
        let counts: Vec<String> =
            counts.into_iter().flatten().map(|(what, count)| format!("{what}: {count}")).collect();
        writeln!(out, "{name:16} {:>10} bytes  {}", bytes.len(), counts.join(", "))?;
    }
    Ok(DONE)
}

fn forget(
    folder: &std::path::Path,
    all: bool,
    detectors: &[String],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    if all {
        let was = forget_all(folder)?;
        writeln!(out, "{}", if was { "all is forgotten" } else { "there was nothing to forget" })?;
        return Ok(DONE);
    }
    for name in detectors {
        if !SHARED.contains(&name.as_str()) && detector(name).is_none() {
            bail!("{}", behaviour::unknown(name));
        }
    }
    if detectors.is_empty() {
        let names: Vec<_> = DETECTORS.iter().map(|kind| kind.name).collect();
        bail!("name the detectors that are to forget ({}), or --all", names.join(", "));
    }
    let removed = Store::existing(folder)?.forget(detectors)?;
    writeln!(out, "{removed} of {} had learned something", detectors.len())?;
    Ok(DONE)
}
