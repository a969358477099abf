//! The registry under loom:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom --cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!     cargo test --release -p downstream --features loom
//! ```
#![cfg(loom)]

use std::ffi::c_void;

use downstream::Registry;
use handle_table::HandleError;
use loom::{cell::UnsafeCell, sync::Arc, thread};

/// State that loom watches: it fails a model in which a call looks at it without coming after its
/// making, or while it is dropped. Ordinary memory it would not see.
struct Watched(UnsafeCell<Option<usize>>);

// SAFETY: loom checks every access to the cell; that none is unordered is what the models claim.
unsafe impl Sync for Watched {}

impl Watched {
    fn new(number: usize) -> Self {
        Self(UnsafeCell::new(Some(number)))
    }

    fn number(&self) -> usize {
        // SAFETY: loom has checked that nobody writes meanwhile.
        let number = self.0.with(|number| unsafe { *number });
        number.expect("a call after the drop")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: loom has checked that nobody looks meanwhile.
        let number = self.0.with_mut(|number| unsafe { (*number).take() });
        number.expect("dropped twice");
    }
}

/// What a thread of the C library does with the word that it was given.
fn library(registry: &Arc<Registry<Watched>>, user_data: *mut c_void) -> thread::JoinHandle<bool> {
    let (registry, user_data) = (Arc::clone(registry), user_data.addr());
    thread::spawn(move || {
        let user_data = std::ptr::without_provenance_mut(user_data);
        match registry.fire(user_data, Watched::number) {
            Ok(number) => number == 7,
            Err(error) => matches!(error, HandleError::Deleted { .. }),
        }
    })
}

/// The state is dropped under a call that is under way, or a call comes after.
#[test]
fn a_callback_fires_while_it_is_unregistered() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let another = registry.register(Watched::new(8));
        let call = library(&registry, user_data);
        assert!(registry.unregister(user_data).unwrap() <= 1);
        assert_eq!(registry.unregister(another), Ok(0));
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert!(call.join().unwrap());
    });
}

/// The same with two calls: neither keeps the other's state from its drop, and both are counted.
#[test]
fn two_threads_fire_while_it_is_unregistered() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let calls = [0; 2].map(|_| library(&registry, user_data));
        assert!(registry.unregister(user_data).unwrap() <= 2);
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert!(calls.map(|call| call.join().unwrap()) == [true; 2]);
    });
}

/// Two threads unregister the same callback: it is unregistered once.
#[test]
fn it_is_unregistered_twice() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let other = thread::spawn({
            let (registry, user_data) = (Arc::clone(&registry), user_data.addr());
            move || {
                let user_data = std::ptr::without_provenance_mut(user_data);
                registry.unregister(user_data).is_ok()
            }
        });
        let here = registry.unregister(user_data).is_ok();
        assert!(other.join().unwrap() != here);
    });
}
