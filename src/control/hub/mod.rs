//! `hub`: the exchange with the sharing hub, by hand and for scripts.
//!
//! What is sent is made in `outputs::hub`, which opens no connection; the connection is here.

mod bundle;
mod client;
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

use super::cli::HubCommand;
use super::terminal::Terminal;

pub use inbound::{from_file, tell};
pub(super) use live::{Exchanging, Settings};

/// Does what `hub ...` asks for; gives the exit code.
///
/// # Errors
/// When there is no sound policy, a file cannot be read or written, or the hub refuses.
pub fn hub(command: &HubCommand, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        HubCommand::Preview { site, format, pretty, eve } => {
            preview::preview(site, format, *pretty, eve, out)
        }
        HubCommand::Send { site, patience, eve } => send::send(site, *patience, eve, out),
        HubCommand::Forward { site, eve } => forward::forward(site, eve, out),
        HubCommand::Status { site } => status::status(site, out),
        HubCommand::Pull { site } => pull::pull(site, out),
        HubCommand::Rules(command) => bundle::rules(command, out),
        HubCommand::Bundle(command) => bundle::bundle(command, out),
        HubCommand::Serve { config } => serve::serve(config, out),
    }
}
