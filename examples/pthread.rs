//! A handle as the argument of `pthread_create`, which takes a `void *`.

#![allow(unsafe_code)] // it calls C
#![cfg_attr(not(unix), allow(unused))]

use handle_table::Handle;
use std::{
    ffi::c_void,
    io::{stdout, Write},
    ptr,
};

/// C calls this function, so it must not panic. `call` contains panics. (`println!` panics when
/// stdout is closed; `writeln!` returns an error.)
extern "C" fn greet(user_data: *mut c_void) -> *mut c_void {
    let greeted = Handle::call(user_data, |name: &String| writeln!(stdout(), "hello, {name}"));
    ptr::without_provenance_mut(greeted.is_err().into())
}

#[cfg(not(unix))]
fn main() {
    println!("This example needs POSIX threads.");
}

#[cfg(unix)]
fn main() {
    let handle = Handle::new(String::from("pthread"));
    let mut thread = std::mem::MaybeUninit::<libc::pthread_t>::uninit();
    let mut status = ptr::null_mut();
    // SAFETY: `greet` takes any user data. `thread` is read only after it was written.
    unsafe {
        let error = libc::pthread_create(thread.as_mut_ptr(), ptr::null(), greet, handle.to_ptr());
        assert_eq!(error, 0, "pthread_create");
        let error = libc::pthread_join(thread.assume_init(), &mut status);
        assert_eq!(error, 0, "pthread_join");
    }
    assert!(status.is_null(), "the table refused the handle");
    handle.delete();
}
