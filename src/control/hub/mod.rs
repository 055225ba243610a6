//! `hub`: the exchange with the sharing hub, by hand and for scripts.
//!
//! What is sent is made in `outputs::hub`, which opens no connection; the connection is here.

mod bundle;
mod certificate;
mod client;
mod enroll;
mod forward;
mod inbound;
mod live;
mod place;
mod preview;
mod pull;
mod push;
mod send;
mod sender;
mod serve;
mod status;

use std::path::{Path, PathBuf};

use super::cli::HubCommand;
use super::terminal::Terminal;

pub use inbound::{from_file, tell};
pub(super) use live::{Exchanging, Settings};

/// Where rules that the sensor fetches itself are put, if the policy says so.
///
/// # Errors
/// When the policy is not sound.
pub(super) fn fetched_rules(policy: &Path, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let rules = place::policy(policy)?.rules;
    let is_fetched = rules.is_some_and(|rules| rules.fetch_seconds.is_some());
    Ok(is_fetched.then(|| bundle::current(folder)))
}

/// Does what `hub ...` asks for; gives the exit code.
///
/// # Errors
/// When there is no sound policy, a file cannot be read or written, or the hub refuses.
pub fn hub(command: &HubCommand, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        HubCommand::Preview { site, format, pretty, eve } => {
            preview::preview(site, format, *pretty, eve, out)
        }
        HubCommand::Enroll(options) => enroll::enroll(options, out),
        HubCommand::Send { site, patience, eve } => send::send(site, *patience, eve, out),
        HubCommand::Forward { site, eve } => forward::forward(site, eve, out),
        HubCommand::Status { site } => status::status(site, out),
        HubCommand::Pull { site } => pull::pull(site, out),
        HubCommand::Rules(command) => bundle::rules(command, out),
        HubCommand::Bundle(command) => bundle::bundle(command, out),
        HubCommand::Serve { config } => serve::serve(config, out),
    }
}
