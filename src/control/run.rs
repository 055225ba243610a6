//! From a parsed command line to an exit code: 0 done, 1 a request that cannot be met, 2 an input
//! that could not be read to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use super::cli::{self, Cli, Command, ConfigCommand};
use super::config::{Checksums, Config, Problem};
use super::plane::Plane;
use super::progress::Progress;
use super::replay::{Outcome, Replay};
use super::rules::Loaded;
use super::sets::Kept;
use super::signals::Flags;
use super::terminal::Terminal;
use super::{baseline, behaviour, explain, hub, inspect, log, watch};
use crate::engine::{Report, worker};
use crate::flow::{Limits, Midstream};
use crate::outputs::filestore;

/// Done.
pub const DONE: u8 = 0;
/// The request cannot be met: wrong options, rules, configuration, output.
pub const REFUSED: u8 = 1;
/// An input could not be read to its end.
pub const INPUT: u8 = 2;

/// Default of the flow memory option, MiB.
const FLOW_MEMORY: u64 = 512;
/// Default of the stream memory option, MiB.
const STREAM_MEMORY: u64 = 256;
/// Default of the option for bytes of a stored file, MiB.
const FILE_STORE_FILE: u32 = 4;
/// Default of the option for stored files.
const FILE_STORE_FILES: u64 = 10_000;
/// Default of the option for bytes of all stored files, MiB.
const FILE_STORE_SIZE: u64 = 1024;
/// Diagnostics shown by replay and watch; `rules check` shows all.
const DIAGNOSTICS_SHOWN: usize = 10;

/// Does what the command line says.
///
/// # Errors
/// When the request cannot be met: exit code [`REFUSED`].
pub fn run(cli: &Cli) -> anyhow::Result<u8> {
    let mut out = Terminal::stdout();
    match &cli.command {
        Command::Replay(line) => {
            let config = configuration(line.to_config(), line.options.config.as_deref())?;
            // The state of a sensor is not to be mixed with what is looked into; a replay gives
            // the same bytes each time, unless it is asked to remember.
            let (state, data_dir) = (line.options.state.clone(), line.options.data_dir.clone());
            let config = Config { state, data_dir, ..config };
            log::start(cli.verbose, config.quiet.unwrap_or_default());
            replay(&line.captures, &config, &mut out)
        }
        Command::Watch(line) => {
            let config = configuration(line.to_config(), line.options.config.as_deref())?;
            log::start(cli.verbose, config.quiet.unwrap_or_default());
            watch::watch(&config)
        }
        Command::Baseline(command) => {
            log::start(cli.verbose, false);
            baseline::baseline(command, &mut out)
        }
        Command::Explain(line) => explain::explain(line, &mut out),
        Command::Rules(command) => {
            log::start(cli.verbose, false);
            inspect::rules(command, &mut out)
        }
        Command::Config(ConfigCommand::Show(file)) => {
            let config = configuration(Config::default(), file.config.as_deref())?;
            write!(out, "{}", config.show()?)?;
            Ok(DONE)
        }
        Command::Config(ConfigCommand::Check(file)) => {
            configuration(Config::default(), file.config.as_deref())?;
            writeln!(out, "configuration: no problem")?;
            Ok(DONE)
        }
        Command::Config(ConfigCommand::Schema) => {
            let schema = serde_json::to_string_pretty(&super::schema::published()?)?;
            writeln!(out, "{schema}")?;
            Ok(DONE)
        }
        Command::Hub(command) => {
            log::start(cli.verbose, false);
            hub::hub(command, &mut out)
        }
        Command::Completions { shell } => {
            cli::completions(*shell, &mut out);
            Ok(DONE)
        }
        Command::Man => {
            cli::man(&mut out)?;
            Ok(DONE)
        }
    }
}

/// The command line over the configuration file.
pub(super) fn configuration(line: Config, file: Option<&Path>) -> anyhow::Result<Config> {
    let config = match Config::load(file) {
        Ok(under) => line.over(under),
        Err(problems) => bail!("{}", problems.join("\n")),
    };
    let problems = config.problems();
    if problems.is_empty() {
        return Ok(config);
    }
    bail!("{}", listed(&problems))
}

fn listed(problems: &[Problem]) -> String {
    let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
    told.join("\n")
}

impl Replay {
    /// The replay that the configuration asks for; without captures, what a watch shares with it.
    ///
    /// # Errors
    /// When a folder of rules cannot be read, or a detector is set in a way it does not know.
    pub fn of(captures: &[PathBuf], config: &Config) -> anyhow::Result<Self> {
        let settings = match behaviour::settings(config) {
            Ok(settings) => settings,
            Err(problems) => bail!("{}", listed(&problems)),
        };
        Ok(Self {
            captures: captures.to_vec(),
            each: config.each.unwrap_or_default(),
            output: config.output.clone(),
            rules: super::rules::files(config.rules.as_deref().unwrap_or_default())?,
            variables: variables(config),
            beside: super::rules::Beside::of(config),
            signatures: config.signatures.unwrap_or(true),
            anomaly: config.anomaly.unwrap_or(true),
            settings,
            indicators: config.indicators.clone(),
            state: config.state.clone(),
            is_lesson: false,
            arp: config.arp.unwrap_or_default(),
            workers: workers(config),
            checksums: match config.checksums {
                Some(Checksums::Verify) => worker::Checksums::Verify,
                Some(Checksums::Ignore) => worker::Checksums::Ignore,
                // Captures are often taken where a network card computes checksums later.
                None if captures.is_empty() => worker::Checksums::DETECT,
                None => worker::Checksums::Ignore,
            },
            bpf: config.bpf.clone(),
            limits: limits(config),
            file_store: file_store(config),
        })
    }
}

/// Where files are stored, if they are.
fn file_store(config: &Config) -> Option<filestore::Options> {
    Some(filestore::Options {
        folder: config.file_store.clone()?,
        file_bytes: config.file_store_file.unwrap_or(FILE_STORE_FILE) << 20,
        files: config.file_store_files.unwrap_or(FILE_STORE_FILES),
        bytes: config.file_store_size.unwrap_or(FILE_STORE_SIZE) << 20,
    })
}

/// Variables of rules, `home-net` first, so that it can be seen through by the others.
pub(super) fn variables(config: &Config) -> Vec<(String, String)> {
    let home = config.home_net.as_ref().map(|nets| ("HOME_NET".to_owned(), nets.join(",")));
    let vars = config.vars.iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
    home.into_iter().chain(vars).collect()
}

/// As many workers as asked for, or as there are processors.
pub(super) fn workers(config: &Config) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    config.workers.unwrap_or_else(processors)
}

/// Limits of flows from the memory options. One half of the flow memory is for their places in the
/// tables, which are never given back; one is for what they carry: so both together keep to it.
pub(super) fn limits(config: &Config) -> Limits {
    let half = config.flow_memory.unwrap_or(FLOW_MEMORY) << 19;
    Limits {
        flows: u32::try_from(half / worker::BYTES_PER_FLOW as u64).unwrap_or(u32::MAX).max(1),
        carried: half,
        reassembly: config.stream_memory.unwrap_or(STREAM_MEMORY) << 20,
        midstream: match config.midstream {
            Some(true) => Midstream::All,
            Some(false) => Midstream::None,
            None => Midstream::Plants,
        },
        async_oneside: config.async_oneside.unwrap_or_default(),
        ..Limits::default()
    }
}

fn replay(captures: &[PathBuf], config: &Config, out: &mut Terminal) -> anyhow::Result<u8> {
    let replay = Replay::of(captures, config)?;
    if replay.each && replay.output.is_none() {
        bail!("--each needs -o DIR: each capture gets a folder there");
    }
    if replay.each && replay.state.is_some() {
        bail!("--each begins anew with each capture; it cannot go with --state");
    }
    if replay.each && replay.beside.data.is_some() {
        bail!("--each begins anew with each capture; it cannot go with --data-dir");
    }
    if !replay.anomaly && replay.indicators.is_some() {
        bail!("--indicators is for analysis of behaviour; it cannot go with --no-anomaly");
    }
    if !replay.anomaly && replay.state.is_some() {
        bail!("--state is for analysis of behaviour; it cannot go with --no-anomaly");
    }
    let quiet = config.quiet.unwrap_or_default();
    let prepared = replay.prepare()?;
    let rules = prepared.loaded.as_ref().map(|loaded| &loaded.summary);
    if rules.is_some_and(|rules| rules.loaded == 0 && rules.failed > 0) {
        // However quiet: that nothing is found then says nothing.
        tracing::error!("none of the rules could be loaded: see `rivellino rules check`");
    }
    if let Some(loaded) = prepared.loaded.as_ref().filter(|_| !quiet) {
        warn_of_rules(loaded);
        tracing::info!("{}", loaded.summary);
        let folder = replay.beside.data.as_deref();
        Kept::new(folder, Some(loaded), Arc::default()).warn_of_none();
    }
    let flags = Flags::default();
    let plane = Plane::start(&flags, None).context("cannot watch for signals")?;
    let wanted = !quiet && config.progress.unwrap_or(true);
    let bar = Progress::new(size(captures), wanted);
    let mut code = DONE;
    replay.run(
        &prepared,
        &flags.stop_flag(),
        &mut |stats| bar.update(stats.bytes_read, stats.received),
        &mut |outcome| {
            code = code.max(tell(&outcome, replay.each, quiet, out));
        },
    )?;
    bar.finish();
    drop(plane);
    Ok(code)
}

/// Bytes of all inputs; 0 when one of them is no file.
fn size(captures: &[PathBuf]) -> u64 {
    let sizes = captures.iter().map(|path| std::fs::metadata(path).map(|data| data.len()).ok());
    sizes.sum::<Option<u64>>().unwrap_or_default()
}

/// Warns of what is wrong with rules: of the first, and how many more there are.
pub(super) fn warn_of_rules(loaded: &Loaded) {
    for diagnostic in loaded.diagnostics.iter().take(DIAGNOSTICS_SHOWN) {
        tracing::warn!("{}", diagnostic.brief());
    }
    let more = loaded.diagnostics.len().saturating_sub(DIAGNOSTICS_SHOWN);
    if more > 0 {
        tracing::warn!("{more} more: see `rivellino rules check`");
    }
}

/// Says how the reading of an input went; the exit code that asks for.
pub(super) fn told(report: &Report) -> u8 {
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    for lost in &report.lost {
        tracing::error!("{lost}");
    }
    if let Some(error) = &report.error {
        tracing::error!("{error}");
    }
    match (&report.error, report.lost.is_empty()) {
        (Some(_), _) => INPUT,
        (None, false) => REFUSED,
        (None, true) => DONE,
    }
}

/// Tells what came of one input; the exit code it asks for.
fn tell(outcome: &Outcome, each: bool, quiet: bool, out: &mut Terminal) -> u8 {
    let report = &outcome.report;
    let code = told(report);
    // Of an input of which nothing could be read, "nothing found" would be no comfort.
    let packets = report.stats.packets;
    let read = (report.error.is_none() && packets == 0) || packets > report.unread;
    if !quiet && !each && read {
        let events: Vec<String> = outcome
            .summary
            .events()
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        // A reader that is gone needs no table.
        let _ = write!(
            out,
            "{}\n{} packets, {} flows; {}\n",
            outcome.summary.table(),
            report.stats.packets,
            report.stats.flows,
            if events.is_empty() { "no events".to_owned() } else { events.join(", ") }
        );
    }
    code
}

/// Whether an error only says that the reader of standard output is gone.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Says on standard error why a request was refused.
pub fn complain(error: &anyhow::Error) {
    // Nobody is left to tell when this fails too.
    let _ = writeln!(std::io::stderr(), "rivellino: {error:#}");
}
