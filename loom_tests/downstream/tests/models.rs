//! The registry under loom:
//!
//! ```sh
//! RUSTFLAGS="--cfg loom --cfg crossbeam_loom" LOOM_MAX_PREEMPTIONS=2 \
//!     cargo test --release -p downstream --features loom
//! ```
#![cfg(loom)]
#![allow(unsafe_code)] // cells that loom watches

use std::ffi::c_void;

use downstream::{Registry, Requests};
use handle_table::{set_report_hook, HandleError};
use loom::{
    cell::UnsafeCell,
    sync::{mpsc, Arc},
    thread,
};

/// State that loom watches. loom fails a model in which a call reads the state while it is dropped,
/// or without happening after it was made. It would not notice that with ordinary memory.
struct Watched(UnsafeCell<Option<usize>>);

// SAFETY: loom checks every access to the cell. The models claim that all of them are ordered.
unsafe impl Sync for Watched {}

impl Watched {
    fn new(number: usize) -> Self {
        Self(UnsafeCell::new(Some(number)))
    }

    fn number(&self) -> usize {
        // SAFETY: loom has checked that no thread writes at the same time.
        let number = self.0.with(|number| unsafe { *number });
        number.expect("a call after the drop")
    }
}

impl Watched {
    /// As if its memory were freed and used for something else.
    fn overwrite(&self) {
        // SAFETY: loom has checked that no thread reads at the same time.
        self.0.with_mut(|number| unsafe { *number = Some(8) });
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: loom has checked that no thread reads at the same time.
        let number = self.0.with_mut(|number| unsafe { (*number).take() });
        number.expect("dropped twice");
    }
}

/// A thread of the C library. It calls back once.
struct Library {
    called: mpsc::Receiver<bool>,
    end: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Library {
    /// Runs `start`, then makes the call with the `user_data` that C was given.
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
            // At its end the thread returns its lease. These models are not about that, so the
            // thread ends only after all threads have made their calls.
            ended.recv().unwrap();
        });
        Self { called, end, thread }
    }

    /// Waits for all calls, and returns whether each one went well.
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

/// Makes the calling thread take a lease, as its first use of any table does, without preemption.
/// Some schedules are lost by it, so this is only for models that would have too many.
fn start_without_preemption(registry: &Registry<Watched>) {
    loom::stop_exploring();
    let nothing = std::ptr::without_provenance_mut(usize::MAX);
    assert_eq!(registry.fire(nothing, |_| ()), Err(HandleError::Unknown { raw: usize::MAX }));
    loom::explore();
}

/// Fails if the state is dropped while a call reads it, or if a call succeeds after that.
#[test]
fn a_call_keeps_the_state_until_it_ends() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let another = registry.register(Watched::new(8));
        // Here this thread takes a lease, before the other one starts.
        assert_eq!(registry.fire(user_data, Watched::number), Ok(7));
        let call = Library::call(&registry, user_data, |_| ());
        assert!(matches!(registry.unregister(user_data), Ok(1..=2)));
        assert_eq!(registry.unregister(another), Ok(0));
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert_eq!(Library::ends([call]), [true]);
    });
}

/// Fails if the state is dropped when the first of two calls ends.
#[test]
fn two_calls_keep_the_state_until_both_end() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let user_data = registry.register(Watched::new(7));
        let calls = [0; 2].map(|_| Library::call(&registry, user_data, start_without_preemption));
        assert!(registry.unregister(user_data).unwrap() <= 2);
        assert!(registry.fire(user_data, Watched::number).is_err());
        assert_eq!(Library::ends(calls), [true; 2]);
    });
}

/// Fails if a reply runs twice, or is dropped while it runs, when C answers on two threads and the
/// program gives the request up meanwhile.
#[test]
fn a_request_is_answered_or_cancelled_once() {
    // Each second answer is reported, in each schedule.
    set_report_hook(|_| ());
    loom::model(|| {
        let requests = Arc::new(Requests::new());
        let state = Watched::new(7);
        let user_data = requests.begin(move |answer: usize| {
            assert_eq!(state.number(), answer);
            // And it is dropped, which it can be once.
        });
        let [first, second] = [0; 2].map(|_| {
            let (requests, user_data) = (Arc::clone(&requests), user_data.addr());
            thread::spawn(move || {
                requests.answer(std::ptr::without_provenance_mut(user_data), 7).is_ok()
            })
        });
        let cancelled = requests.cancel(user_data).is_ok();
        let answered = [first, second].map(|library| library.join().unwrap());
        let happened = usize::from(cancelled) + answered.map(usize::from).iter().sum::<usize>();
        assert_eq!(happened, 1);
        assert!(requests.cancel(user_data).is_err());
    });
}

/// Fails if two threads that unregister one callback both succeed.
#[test]
fn a_callback_is_unregistered_once() {
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

/// Fails if `unregister_wait` returns while a call is under way, or without happening after it: the
/// call reads a buffer that is used for something else then.
#[test]
fn what_a_call_reads_may_be_freed_after_unregister_wait() {
    loom::model(|| {
        let registry = Arc::new(Registry::new());
        let buffer = std::sync::Arc::new(Watched::new(7));
        let user_data = registry.register(std::sync::Arc::clone(&buffer));
        // Here this thread takes a lease, before the other one starts.
        assert_eq!(registry.fire(user_data, |buffer| buffer.number()), Ok(7));
        let ((answer, called), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
        let library = thread::spawn({
            let (registry, word) = (Arc::clone(&registry), user_data.addr());
            move || {
                let user_data = std::ptr::without_provenance_mut(word);
                let called = registry.fire(user_data, |buffer| buffer.number());
                drop(registry);
                answer.send(called).unwrap();
                ended.recv().unwrap();
            }
        });
        registry.unregister_wait(user_data).unwrap();
        buffer.overwrite();
        match called.recv().unwrap() {
            Ok(number) => assert_eq!(number, 7),
            Err(error) => assert!(matches!(error, HandleError::Deleted { .. })),
        }
        loom::skip_branch();
        end.send(()).unwrap();
        library.join().unwrap();
    });
}
