//! Command line, configuration, signals, pages.

pub mod baseline;
pub mod behaviour;
pub mod cli;
pub mod config;
pub mod explain;
pub mod http;
pub mod hub;
pub mod inspect;
pub mod log;
pub mod plane;
pub mod progress;
mod reload;
pub mod replay;
pub mod rules;
pub mod run;
pub mod schema;
mod sets;
pub mod signals;
pub mod state;
pub mod terminal;
pub mod watch;
