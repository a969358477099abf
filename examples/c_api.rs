//! A C API written in Rust: C opens a counter, adds to it and closes it. All it holds is a handle.
//!
//! ```c
//! uintptr_t counter_open(void);                        // 0: out of handles
//! int64_t counter_add(uintptr_t counter, uint32_t n);  // the sum so far; -1: no such counter
//! int counter_close(uintptr_t counter);                // 0; -1: no such counter
//! ```

#![allow(unsafe_code)] // `no_mangle`: no other symbol of the program may have these names

use std::{
    ffi::c_int,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use handle_table::{Handle, HandleTable};

static COUNTERS: HandleTable<AtomicI64> = HandleTable::new();

// C calls these functions, so they use the forms that return errors: a panic would abort.

#[unsafe(no_mangle)]
extern "C" fn counter_open() -> usize {
    COUNTERS.try_insert(AtomicI64::new(0)).map_or(0, Handle::into_raw)
}

#[unsafe(no_mangle)]
extern "C" fn counter_add(counter: usize, n: u32) -> i64 {
    let n = i64::from(n);
    match Handle::from_raw(counter).and_then(|handle| COUNTERS.get(handle)) {
        Ok(sum) => sum.fetch_add(n, Relaxed).wrapping_add(n),
        Err(_) => -1,
    }
}

#[unsafe(no_mangle)]
extern "C" fn counter_close(counter: usize) -> c_int {
    match Handle::from_raw(counter).and_then(|handle| COUNTERS.remove(handle)) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

/// Plays the part of C, mistakes included.
fn main() {
    let counter = counter_open();
    assert_ne!(counter, 0, "out of handles");
    println!("add 40             {}", counter_add(counter, 40));
    println!("add 2              {}", counter_add(counter, 2));
    println!("close              {}", counter_close(counter));
    println!("add after close    {}", counter_add(counter, 1));
    println!("close twice        {}", counter_close(counter));
    println!("add to null        {}", counter_add(0, 1));
    println!("add to garbage     {}", counter_add(0xdead_beef, 1));
}
