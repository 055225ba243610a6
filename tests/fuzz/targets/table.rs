//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz table`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::flow::fuzz_table(bytes));
