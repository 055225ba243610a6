//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz stream`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::flow::tcp::fuzz_stream(bytes));
