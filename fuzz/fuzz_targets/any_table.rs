//! Sequences of operations on a `AnyTable`, see `fuzz/src/any/`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::any_table(data));
