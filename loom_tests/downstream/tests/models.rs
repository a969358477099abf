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
use loom::{
    cell::UnsafeCell,
    sync::{mpsc, Arc},
    thread,
};

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

/// A thread of the C library, which calls once.
struct Library {
    called: mpsc::Receiver<bool>,
    end: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Library {
    /// Calls with the word that C was given, after `start`.
    fn call(
        registry: &Arc<Registry<Watched>>,
        user_data: *mut c_void,
        start: fn(&Registry<Watched>),
    ) -> Self {
        let (registry, user_data) = (Arc::clone(registry), user_data.addr());
        let ((answer, called), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let thread = thread::spawn(move || {
            let call =
                |word| registry.fire(std::ptr::without_provenance_mut(word), Watched::number);
            start(&registry);
            let fine = match call(user_data) {
                Ok(number) => number == 7,
                Err(error) => matches!(error, HandleError::Deleted { .. }),
            };
            drop(registry);
            answer.send(fine).unwrap();
            // The end of a thread, where it leaves the epoch, is a long way for loom: not before the
            // others are through, since these models are not about that.
            ended.recv().unwrap();
        });
        Self {
            called,
            end,
            thread,
        }
    }

    /// Waits for all, and says whether each call was fine.
    fn ends<const N: usize>(calls: [Self; N]) -> [bool; N] {
        let fine = calls.each_ref().map(|call| call.called.recv().unwrap());
        loom::skip_branch();
        for call in calls {
            call.end.send(()).unwrap();
            call.thread.join().unwrap();
        }
        fine
    }
}

/// A thread's first use of any table, where it joins the epoch, in one go: a long way for loom. Some
/// schedules are lost by that, so only where there would be too many.
fn join_in_one_go(registry: &Registry<Watched>) {
    loom::stop_exploring();
    let nothing = std::ptr::without_provenance_mut(usize::MAX);
    assert_eq!(registry.fire(nothing, |_| ()), Err(HandleError::Unknown));
    loom::explore();
}

/// The state is dropped under a call that is under way, or a call comes after.
#[test]
fn a_callback_fires_while_it_is_unregistered() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let another = registry.register(Watched::new(8));
        // Where this thread joins the epoch: before the others start.
        assert_eq!(registry.fire(user_data, Watched::number), Ok(7));
        let call = Library::call(&registry, user_data, |_| ());
        assert!(registry.unregister(user_data).unwrap() <= 2);
        assert_eq!(registry.unregister(another), Ok(0));
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert_eq!(Library::ends([call]), [true]);
    });
}

/// The same with two calls: neither keeps the other's state from its drop, and both are counted.
#[test]
fn two_threads_fire_while_it_is_unregistered() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let calls = [0; 2].map(|_| Library::call(&registry, user_data, join_in_one_go));
        assert!(registry.unregister(user_data).unwrap() <= 2);
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert_eq!(Library::ends(calls), [true; 2]);
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
