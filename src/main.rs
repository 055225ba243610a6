//! Parse, run, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser;
use rivellino::control::cli::Cli;
use rivellino::control::run;

/// Threads that pass records on free what others made: the system's allocator is slow at that.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run::run(&cli) {
        Ok(code) => ExitCode::from(code),
        // Whoever read the output has read enough.
        Err(error) if run::is_closed_pipe(&error) => ExitCode::from(run::DONE),
        Err(error) => {
            run::complain(&error);
            ExitCode::from(run::REFUSED)
        }
    }
}
