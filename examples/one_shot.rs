//! A completion callback, which C calls once: the value is a closure, and the call uses it up.
//!
//! ```c
//! void read_async(int file, void (*done)(int bytes, void *user_data), void *user_data);
//! ```

use std::{
    ffi::{c_int, c_void},
    ptr,
    sync::mpsc,
    thread,
};

use handle_table::OnceTable;

type Done = Box<dyn FnOnce(c_int) + Send>;

static DONE: OnceTable<Done> = OnceTable::new();

/// The callback. The first call takes the closure; a second one is refused, and reported on stderr.
extern "C" fn on_done(bytes: c_int, user_data: *mut c_void) {
    let _ = DONE.call_once(user_data, |done| done(bytes));
}

/// Stands for the C library. It calls from a thread of its own, and twice: a bug.
fn read_async(
    done: extern "C" fn(c_int, *mut c_void),
    user_data: *mut c_void,
) -> thread::JoinHandle<()> {
    let word = user_data.addr();
    thread::spawn(move || {
        done(512, ptr::without_provenance_mut(word));
        done(512, ptr::without_provenance_mut(word));
    })
}

fn main() {
    let (send, receive) = mpsc::channel();
    let done: Done = Box::new(move |bytes| send.send(bytes).unwrap_or_default());
    let library = read_async(on_done, DONE.insert(done).to_ptr());
    let bytes: Vec<c_int> = receive.iter().collect(); // ends, since the closure is gone
    println!("read {bytes:?} bytes");
    library.join().expect("the library's thread");
    assert_eq!(bytes, [512]);
    assert!(DONE.is_empty());
}
