//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz rules`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::detect::fuzz_rules(bytes));
