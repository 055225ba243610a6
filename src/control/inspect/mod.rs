//! `rules`: what is in rule files, what is wrong with them, and the language they are written in.

mod keywords;
mod list;
mod profile;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::cli::{RuleFiles, Rules};
use super::config::Config;
use super::rules::{self, Loaded};
use super::run::{DONE, REFUSED, configuration, warn_of_rules};
use super::terminal::Terminal;
use crate::detect::Variables;
use crate::detect::events::rules_of_events;
use crate::detect::syntax::RuleFile;

/// Does what `rules ...` asks for; gives the exit code.
///
/// # Errors
/// When a file cannot be read or nothing is of the number or the name asked for.
pub fn rules(command: &Rules, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        Rules::Check { named, files } => check(named, files, out),
        Rules::List { named, files, json } => {
            let loaded = Input::of(named, files)?.loaded;
            warn_of_rules(&loaded);
            if *json {
                list::json(&loaded.ruleset, out)?
            } else {
                list::table(&loaded.ruleset, out)?
            }
            Ok(DONE)
        }
        Rules::Explain { sid, files } => explain(*sid, files, out),
        Rules::Keywords { name: None } => {
            keywords::all(out)?;
            Ok(DONE)
        }
        Rules::Keywords { name: Some(name) } => {
            keywords::one(name, out)?;
            Ok(DONE)
        }
        Rules::Profile { json, home_net, files, captures } => {
            profile::profile(files, home_net, captures, *json, out)
        }
        Rules::Events => {
            write!(out, "{}", rules_of_events())?;
            Ok(DONE)
        }
    }
}

/// All that is wrong, at once, then the counts. Refused when no rule is left to work with.
fn check(named: &[PathBuf], files: &RuleFiles, out: &mut Terminal) -> anyhow::Result<u8> {
    let loaded = Input::of(named, files)?.loaded;
    for diagnostic in &loaded.diagnostics {
        writeln!(out, "{diagnostic}\n")?;
    }
    for (keyword, count) in &loaded.summary.unsupported {
        writeln!(out, "unsupported keyword {keyword}: {count} rules")?;
    }
    writeln!(out, "{}", loaded.summary)?;
    Ok(if loaded.summary.loaded > 0 { DONE } else { REFUSED })
}

/// Every rule of that number (generators may share numbers), in words.
fn explain(sid: u32, files: &RuleFiles, out: &mut Terminal) -> anyhow::Result<u8> {
    let input = Input::of(&[], files)?;
    let number = sid.to_string();
    let mut found = false;
    for (name, text) in &input.texts {
        let file = RuleFile::new(Arc::clone(name), text.as_str());
        for parsed in file.rules().rules {
            let named = parsed.options.iter().any(|option| {
                option.keyword() == "sid" && option.value.is_some_and(|value| value.text == number)
            });
            if !named {
                continue;
            }
            if std::mem::replace(&mut found, true) {
                writeln!(out)?;
            }
            write!(out, "{}", input.loaded.ruleset.explain(&parsed, &input.variables))?;
            writeln!(out, "\nAs written:\n{}", parsed.text.text)?;
            let trouble = input.loaded.diagnostics.iter().filter(|diagnostic| {
                diagnostic.file == parsed.origin.file && diagnostic.line == parsed.origin.line
            });
            for diagnostic in trouble {
                writeln!(out, "\n{diagnostic}")?;
            }
        }
    }
    anyhow::ensure!(found, "no rule has the number {sid}: see `rivellino rules list`");
    Ok(DONE)
}

/// Rule files, and what loading them gave.
struct Input {
    texts: Vec<(Arc<str>, String)>,
    variables: Variables,
    loaded: Loaded,
}

impl Input {
    fn of(named: &[PathBuf], files: &RuleFiles) -> anyhow::Result<Self> {
        let all = [&files.rules, named].concat();
        let line = Config {
            rules: (!all.is_empty()).then_some(all),
            vars: (!files.vars.is_empty()).then(|| files.vars.iter().cloned().collect()),
            ..Config::default()
        };
        let config = configuration(line, files.config.as_deref())?;
        let mut variables = Variables::default();
        for (name, value) in super::run::variables(&config) {
            variables.set(&name, &value);
        }
        rules::Beside::of(&config).read(&mut variables)?;
        let texts = rules::texts(&rules::files(config.rules.as_deref().unwrap_or_default())?)?;
        let loaded = rules::load_texts(&texts, &mut variables);
        Ok(Self { texts, variables, loaded })
    }
}
