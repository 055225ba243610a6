//! The one integration binary: one link, many modules.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::panic,
    reason = "tests fail by panicking and tell where they skip"
)]

mod cli;
mod conformance;
mod dashboards;
mod determinism;
mod documents;
mod exchange;
mod fleet;
mod formats;
mod golden;
mod hostile;
mod incidents;
mod inspect;
mod keywords;
mod limits;
mod live;
mod parity;
mod quality;
#[cfg(feature = "nats")]
mod relay;
mod rules;
mod schema;
mod serve;
mod sets;
mod stall;
mod streams;
mod support;
mod tidy;
