//! What is read anew while it watches: rules and the file of indicators, when SIGHUP asks for it, and
//! rules when a link leads elsewhere.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use super::config::Config;
use super::hub::{self, Exchanging};
use super::replay::Replay;
use super::sets::Kept;
use crate::anomaly::Site;
use crate::detect::LoadSummary;
use crate::engine::Live;
use crate::outputs::metrics::Metrics;
use crate::time::Timestamp;

/// The rules that are named, or those of the centre.
pub(super) struct Named<'a> {
    config: &'a Config,
    /// Where the rules of the centre are, if the policy says that they are fetched and no others are
    /// named.
    centre: Option<PathBuf>,
    /// Where those of the named folders led that are links.
    led_to: Vec<Option<PathBuf>>,
}

impl<'a> Named<'a> {
    /// By the configuration and the policy that it names.
    pub(super) fn of(config: &'a Config) -> anyhow::Result<Self> {
        let fetched = match &config.policy {
            Some(policy) => hub::fetched_rules(policy, &policy_folder(config))?,
            None => None,
        };
        let mut rules = Self { config, centre: None, led_to: Vec::new() };
        match (fetched, &config.rules) {
            (Some(current), Some(named)) if !named.contains(&current) => {
                let current = current.display();
                tracing::warn!(
                    "rules that are fetched are not read: leave out -S, or name {current}"
                );
            }
            (fetched, None) => rules.centre = fetched,
            _ => {}
        }
        rules.led_to = rules.links();
        Ok(rules)
    }

    /// The configuration with the rules of the centre, once there are any.
    pub(super) fn now(&self) -> Config {
        let there = self.centre.as_ref().filter(|path| path.exists());
        let rules = there.map(|path| vec![path.clone()]).or_else(|| self.config.rules.clone());
        Config { rules, ..self.config.clone() }
    }

    /// Whether a link leads elsewhere than the last time: then other rules are there whole.
    pub(super) fn have_changed(&mut self) -> bool {
        let fresh = self.links();
        let is_other = self.led_to != fresh;
        self.led_to = fresh;
        is_other
    }

    fn links(&self) -> Vec<Option<PathBuf>> {
        let named = self.config.rules.as_deref().unwrap_or_default();
        let all = named.iter().map(PathBuf::as_path).chain(self.centre.as_deref());
        all.map(|path: &Path| path.read_link().ok()).collect()
    }
}

/// The folder of the exchange.
pub(super) fn policy_folder(config: &Config) -> PathBuf {
    config.policy_folder.clone().unwrap_or_else(|| PathBuf::from("hub"))
}

/// Reads the file of indicators anew; the old ones stay in force when it cannot be read.
pub(super) fn reread(config: &Config, site: &Site, exchanging: Option<&Exchanging>) {
    let is_looked_for = config.anomaly.unwrap_or(true);
    let Some(path) = config.indicators.as_ref().filter(|_| is_looked_for) else { return };
    if let Some(exchanging) = exchanging {
        exchanging.reread();
        return;
    }
    match hub::from_file(path, &site.home, &site.watchlist, Some(Timestamp::wall_clock())) {
        Ok(counts) => hub::tell(&counts),
        Err(error) => tracing::error!("reload: the old indicators stay: {error:#}"),
    }
}

/// Loads the rules anew beside those in force; keeps the old ones when none of the new load. Sets that
/// rules fill go on as they are, unless they are defined otherwise.
pub(super) fn reload(
    config: &Config,
    live: &Live,
    metrics: &Metrics,
    rules: &Mutex<Option<LoadSummary>>,
    kept: &Kept,
) {
    if !config.signatures.unwrap_or(true) {
        return;
    }
    // Folders are read anew: files may have come or gone.
    let plan = Replay::of(&[], config);
    // A set that is defined otherwise now is read from its file.
    let mut problems = kept.write();
    let loaded = plan.and_then(|plan| {
        let loaded = plan.load(kept.sets())?;
        // By this thread alone: nobody waits for it, and the others have packets to work on.
        loaded.iter().for_each(|loaded| loaded.ruleset.prepare(1));
        Ok(loaded)
    });
    match loaded.and_then(|loaded| loaded.context("no rules")) {
        Ok(loaded) if loaded.summary.loaded > 0 => {
            tracing::info!("rules reloaded: {}", loaded.summary);
            tell_rules(metrics, &loaded.summary);
            *rules.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded.summary.clone());
            live.replace(loaded.ruleset);
            problems.extend(kept.replace(&loaded.sets));
        }
        Ok(loaded) => {
            tracing::error!("reload: no rule loads, the old ones stay: {}", loaded.summary)
        }
        Err(error) => tracing::error!("reload: the old rules stay: {error:#}"),
    }
    problems.iter().for_each(|problem| tracing::error!("{problem}"));
}

/// Tells the metrics how rules loaded.
pub(super) fn tell_rules(metrics: &Metrics, summary: &LoadSummary) {
    metrics.rules(summary.loaded, summary.failed, summary.skipped);
}
