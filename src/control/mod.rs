//! Command line, configuration, signals, pages.

pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub mod plane;
pub mod progress;
pub mod signals;
pub mod terminal;
