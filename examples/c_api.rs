//! A C API written in Rust: C opens a counter, adds to it and closes it. All it holds is a handle.
//!
//! ```c
//! typedef struct counter counter;                     // never defined: a handle, no address
//! counter *counter_open(void);                        // NULL: out of handles
//! int64_t counter_add(counter *counter, uint32_t n);  // the sum so far, or a negative status
//! int counter_close(counter *counter);                // 0, or a negative status
//! const char *counter_message(int status);
//! ```

#![allow(unsafe_code)] // `no_mangle`: no other symbol of the program may have these names

use std::{
    ffi::{c_char, c_int, c_void, CStr},
    ptr,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use handle_table::{status_message, Handle, HandleTable};

static COUNTERS: HandleTable<AtomicI64> = HandleTable::new();

// C calls these functions, so they use the forms that return errors: a panic would abort.

#[unsafe(no_mangle)]
extern "C" fn counter_open() -> *mut c_void {
    COUNTERS.try_insert(AtomicI64::new(0)).map_or(ptr::null_mut(), Handle::to_ptr)
}

#[unsafe(no_mangle)]
extern "C" fn counter_add(counter: *mut c_void, n: u32) -> i64 {
    let n = i64::from(n);
    let sum = COUNTERS.call(counter, |sum| sum.fetch_add(n, Relaxed).wrapping_add(n));
    sum.unwrap_or_else(|error| error.code().into())
}

#[unsafe(no_mangle)]
extern "C" fn counter_close(counter: *mut c_void) -> c_int {
    let closed = Handle::from_ptr(counter).and_then(|handle| COUNTERS.remove(handle));
    closed.map_or_else(|error| error.code(), |()| 0)
}

#[unsafe(no_mangle)]
extern "C" fn counter_message(status: c_int) -> *const c_char {
    status_message(status).as_ptr()
}

/// Plays the part of C, mistakes included. Each mistake of `counter_add` is reported, too: by a
/// line on stderr, as long as the program has set no hook.
fn main() {
    let counter = counter_open();
    assert!(!counter.is_null(), "out of handles");
    show("add 40", counter_add(counter, 40));
    show("add 2", counter_add(counter, 2));
    show("close", counter_close(counter).into());
    show("add after close", counter_add(counter, 1));
    show("close twice", counter_close(counter).into());
    show("add to null", counter_add(ptr::null_mut(), 1));
    show("add to garbage", counter_add(ptr::without_provenance_mut(0xdead_beef), 1));
}

fn show(what: &str, answer: i64) {
    if answer >= 0 {
        println!("{what:16} {answer}");
        return;
    }
    let message = counter_message(answer as c_int);
    // SAFETY: the message is a constant string.
    let message = unsafe { CStr::from_ptr(message) };
    println!("{what:16} {answer}: {}", message.to_string_lossy());
}
