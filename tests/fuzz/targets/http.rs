//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz http`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::protocols::http::fuzz_http(bytes));
