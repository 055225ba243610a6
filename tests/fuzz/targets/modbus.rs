//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz modbus`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rivellino::protocols::modbus::fuzz_modbus(bytes));
