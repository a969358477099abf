//! Sequences of operations on a `OnceTable`, see `fuzz/src/once.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::once_table(data));
