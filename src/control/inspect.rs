//! `rules`: what is in rule files, and what is wrong with them.

use std::io::Write;

use super::cli::{RuleFiles, Rules};
use super::config::Config;
use super::rules::{self, Loaded};
use super::run::{DONE, configuration};
use super::terminal::Terminal;
use crate::detect::Variables;

/// Does what `rules ...` asks for; gives the exit code.
///
/// # Errors
/// When a file cannot be read or nothing is of the number asked for.
pub fn rules(command: &Rules, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        Rules::Check(files) => check(files, out),
        Rules::List(files) => list(files, out),
        Rules::Explain { .. } | Rules::Keywords { .. } => anyhow::bail!("not yet"),
    }
}

/// All that is wrong, at once, then the counts.
fn check(files: &RuleFiles, out: &mut Terminal) -> anyhow::Result<u8> {
    let loaded = load(files)?;
    for diagnostic in &loaded.diagnostics {
        writeln!(out, "{diagnostic}")?;
    }
    for (keyword, count) in &loaded.summary.unsupported {
        writeln!(out, "unsupported keyword {keyword}: {count} rules")?;
    }
    writeln!(out, "{}", loaded.summary)?;
    Ok(DONE)
}

fn list(files: &RuleFiles, out: &mut Terminal) -> anyhow::Result<u8> {
    let loaded = load(files)?;
    for rule in loaded.ruleset.rules() {
        let signature = &rule.signature;
        writeln!(out, "{} {} {}", signature.sid, signature.rev, signature.message)?;
    }
    Ok(DONE)
}

fn load(files: &RuleFiles) -> anyhow::Result<Loaded> {
    let line = Config {
        rules: (!files.rules.is_empty()).then(|| files.rules.clone()),
        vars: (!files.vars.is_empty()).then(|| files.vars.iter().cloned().collect()),
        ..Config::default()
    };
    let config = configuration(line, files.config.as_deref())?;
    let mut variables = Variables::default();
    for (name, value) in super::run::variables(&config) {
        variables.set(&name, &value);
    }
    let paths = rules::files(config.rules.as_deref().unwrap_or_default())?;
    rules::load(&paths, &mut variables)
}
