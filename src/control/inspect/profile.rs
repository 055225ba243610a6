//! `rules profile`: what each rule costs on captures.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use serde_json::json;

use crate::control::cli::RuleFiles;
use crate::control::config::Config;
use crate::control::replay::Replay;
use crate::control::run::{DONE, configuration, told, warn_of_rules};
use crate::detect::profile::RuleCost;
use crate::detect::rule::Rule;

/// Replays the captures and prints a table of the rules that came into question, the costliest
/// first, or a JSON object a line. Gives the exit code.
///
/// # Errors
/// When rules cannot be read, or `out` cannot be written.
pub fn profile(
    files: &RuleFiles,
    home_net: &[String],
    captures: &[PathBuf],
    as_json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let line = Config {
        rules: (!files.rules.is_empty()).then(|| files.rules.clone()),
        vars: (!files.vars.is_empty()).then(|| files.vars.iter().cloned().collect()),
        home_net: (!home_net.is_empty()).then(|| home_net.to_vec()),
        // Several workers on one machine get into each other's way: times are of one.
        workers: Some(1),
        anomaly: Some(false),
        signatures: Some(true),
        ..Config::default()
    };
    let config = configuration(line, files.config.as_deref())?;
    // A profile leaves nothing behind.
    let config = Config {
        output: None,
        state: None,
        data_dir: None,
        each: None,
        file_store: None,
        ..config
    };
    let replay = Replay::of(captures, &config)?;
    let mut prepared = replay.prepare()?;
    let loaded = prepared.loaded.as_mut().context("there are no rules")?;
    warn_of_rules(loaded);
    let ruleset = Arc::get_mut(&mut loaded.ruleset).context("the rules are in use")?;
    let start = Instant::now();
    let clock = move || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    ruleset.measure(Arc::new(clock));
    let mut code = DONE;
    replay.run(&prepared, &Arc::default(), &mut |_| {}, &mut |outcome| {
        code = code.max(told(&outcome.report));
    })?;
    let rules = prepared.ruleset().context("there are no rules")?;
    let mut costs: Vec<_> = rules.costs().filter(|(_, cost)| cost.candidates > 0).collect();
    costs.sort_by_key(|(rule, cost)| (std::cmp::Reverse(cost.nanos), rule.signature.sid));
    let total: u64 = costs.iter().map(|(_, cost)| cost.nanos).sum();
    if as_json {
        for (rule, cost) in &costs {
            writeln!(out, "{}", object(rule, cost, total))?;
        }
    } else {
        table(&costs, total, out)?;
    }
    Ok(code)
}

fn table(costs: &[(&Rule, RuleCost)], total: u64, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{:>14} {:>10} {:>11} {:>8} {:>12} {:>9} {:>6}  message",
        "rule", "candidates", "evaluations", "matches", "total us", "mean us", "share"
    )?;
    for (rule, cost) in costs {
        let signature = &rule.signature;
        writeln!(
            out,
            "{:>14} {:>10} {:>11} {:>8} {:>12.1} {:>9.3} {:>5.1}%  {}",
            format!("{}:{}", signature.gid, signature.sid),
            cost.candidates,
            cost.evaluations,
            cost.matches,
            micros(cost.nanos),
            mean(cost),
            share(cost, total) * 100.0,
            signature.message,
        )?;
    }
    let rules = costs.len();
    writeln!(out, "{rules} rules came into question; {:.1} us in all", micros(total))?;
    Ok(())
}

fn object(rule: &Rule, cost: &RuleCost, total: u64) -> serde_json::Value {
    json!({
        "gid": rule.signature.gid,
        "sid": rule.signature.sid,
        "rev": rule.signature.rev,
        "message": rule.signature.message,
        "file": &*rule.origin.file,
        "line": rule.origin.line,
        "candidates": cost.candidates,
        "evaluations": cost.evaluations,
        "matches": cost.matches,
        "total_us": micros(cost.nanos),
        "mean_us": mean(cost),
        "share": share(cost, total),
    })
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

/// Microseconds each time that the rule came into question.
fn mean(cost: &RuleCost) -> f64 {
    micros(cost.nanos) / cost.candidates.max(1) as f64
}

/// Of the time of all rules, 0 to 1.
fn share(cost: &RuleCost, total: u64) -> f64 {
    cost.nanos as f64 / total.max(1) as f64
}
