//! The log of the program itself, on standard error: one line per change of state.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Environment variable that sets the log's level by module, as `tracing` reads it.
const VARIABLE: &str = "RIVELLINO_LOG";

/// Sets up the log: errors alone when quiet, else what informs; `verbose` 1 and 2 say more.
/// A second call changes nothing.
pub fn start(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "info",
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env(VARIABLE)
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,rivellino={level}")));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        // Nobody is left to tell when standard error cannot be written; it must not end the work.
        .log_internal_errors(false)
        .try_init();
}
