//! See `fuzz::referrer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::referrer::run(data));
