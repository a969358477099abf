//! A user's own model: a registry of callbacks, as a C library keeps them, built on the public
//! table and nothing else. It shows how a crate that depends on this one model-checks its code.
#![cfg(loom)]

use std::{ffi::c_void, sync::Arc};

use handle_table::{Handle, HandleError, HandleTable};
use loom::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use loom_tests::{check, join, Ledger, Tracked};

/// What the user stores: state that the callback works on.
struct Callback {
    calls: AtomicUsize,
    state: Tracked,
}

/// The Rust side of the library: it hands out `user_data`, and takes it back from C.
struct Registry(HandleTable<Callback>);

impl Registry {
    fn register(&self, state: Tracked) -> *mut c_void {
        let calls = AtomicUsize::new(0);
        self.0.insert(Callback { calls, state }).into_ptr()
    }

    /// What the library calls, from any thread, perhaps too late.
    fn fire(&self, user_data: *mut c_void) -> Result<usize, HandleError> {
        let callback = self.0.get(Handle::from_ptr(user_data)?)?;
        callback.calls.fetch_add(1, Ordering::Relaxed);
        Ok(callback.state.number())
    }

    /// From here on nothing fires; says how often it has.
    fn unregister(&self, user_data: *mut c_void) -> Result<usize, HandleError> {
        let callback = self.0.remove_ref(Handle::from_ptr(user_data)?)?;
        Ok(callback.calls.load(Ordering::Relaxed))
    }
}

/// `user_data` as C holds it: an address that no one follows, fit for another thread.
fn as_word(user_data: *mut c_void) -> usize {
    user_data.addr()
}

fn from_word(word: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(word)
}

/// A callback fires while it is unregistered, and finds its state gone.
#[test]
fn a_callback_fires_while_it_is_unregistered() {
    check(|| {
        let ledger = Ledger::new();
        let registry = Arc::new(Registry(HandleTable::builder().shards(1).build()));
        let user_data = registry.register(ledger.value(7));
        let another = registry.register(ledger.value(8));
        let word = as_word(user_data);
        let library = thread::spawn({
            let registry = Arc::clone(&registry);
            move || match registry.fire(from_word(word)) {
                Ok(number) => assert_eq!(number, 7),
                Err(error) => assert!(matches!(error, HandleError::Deleted { .. })),
            }
        });
        assert!(registry.unregister(user_data).unwrap() <= 1);
        assert_eq!(registry.unregister(another), Ok(0));
        assert!(registry.fire(user_data).is_err());
        join(library);
        let Ok(registry) = Arc::try_unwrap(registry).map_err(drop) else {
            panic!("the library's thread has ended");
        };
        drop(registry);
        assert_eq!(ledger.alive(), 0);
    });
}
