//! Sequences of operations on a `HandleTable`, see `fuzz/src/handle/`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::handle_table(data));
