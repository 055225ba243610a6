//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz session`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::protocols::identify::fuzz_session(bytes));
