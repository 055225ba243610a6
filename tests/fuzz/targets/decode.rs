//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz decode`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::decode::fuzz_decode(bytes));
