//! Forks from where a thread may be: in the destructor of a thread-local, beside a drop, in the
//! look-up of a signal handler. Alone in its process, which forks.
#![cfg(all(target_os = "linux", not(loom)))]
#![allow(unsafe_code)]

#[path = "../common/child.rs"]
mod child;

use std::{
    cell::RefCell,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc::channel,
        Arc, Barrier,
    },
    thread,
    time::Duration,
};

use handle_table::{Handle, HandleTable, Ref};

use child::in_child;

/// Says that its drop has begun, and that it has ended a while after.
#[derive(Clone, Default)]
struct Slow {
    begun: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Slow {
    fn wait_until_begun(&self) {
        while !self.begun.load(SeqCst) {
            thread::yield_now();
        }
    }

    /// Whether `quiesce` waits for the drop, once it has begun.
    fn is_waited_for(&self) -> bool {
        self.wait_until_begun();
        SLOW.quiesce().is_ok() && self.ended.load(SeqCst)
    }
}

struct SlowDrop(Slow);

impl Drop for SlowDrop {
    fn drop(&mut self) {
        self.0.begun.store(true, SeqCst);
        thread::sleep(Duration::from_millis(300));
        self.0.ended.store(true, SeqCst);
    }
}

static SLOW: HandleTable<SlowDrop> = HandleTable::new();
static NUMBERS: HandleTable<Box<usize>> = HandleTable::new();

/// Calls its closure in the destructor of a thread-local that was made before the thread's first
/// use of a table, and so is destroyed after what the crate has of the thread.
struct AtEnd(RefCell<Option<Box<dyn FnOnce()>>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

thread_local!(static AT_END: AtEnd = const { AtEnd(RefCell::new(None)) });

fn at_end_of_this_thread(end: impl FnOnce() + 'static) {
    AT_END.with(|at_end| *at_end.0.borrow_mut() = Some(Box::new(end)));
}

fn a_guard_that_outlives_its_registration_holds_its_value_in_a_child() {
    let ending = thread::spawn(|| {
        let answer = Arc::new(AtomicBool::new(false));
        AT_END.with(|_| {});
        let handle = NUMBERS.insert(Box::new(7));
        let held = NUMBERS.get(handle).unwrap();
        let right = Arc::clone(&answer);
        at_end_of_this_thread(move || {
            let child = || {
                let is_held = NUMBERS.remove_now(handle) == Ok(false) && **held == 7;
                let names_it = handle_table::readers().iter().any(|reader| {
                    // SAFETY: it takes nothing.
                    reader.id() == Some(unsafe { libc::syscall(libc::SYS_gettid) } as u64)
                });
                drop(held);
                u8::from(!is_held) + 2 * u8::from(!names_it) + 4 * u8::from(!is_free())
            };
            right.store(in_child(child) == Some(0), SeqCst);
        });
        answer
    });
    assert!(ending.join().unwrap().load(SeqCst));
}

/// Whether a delete in another thread finds no reader.
fn is_free() -> bool {
    thread::spawn(|| NUMBERS.remove_now(NUMBERS.insert(Box::new(1))) == Ok(true))
        .join()
        .is_ok_and(|free| free)
}

/// Runs `child` in a child that is forked by a new thread, which then has used no table.
fn in_child_of_a_new_thread(child: impl FnOnce() -> u8 + Send) -> Option<u8> {
    thread::scope(|scope| scope.spawn(|| in_child(child)).join().unwrap())
}

/// What another thread was dropping is lost in the child, and nobody waits for it. `is_new` says
/// whether the thread that forks has used no table.
fn a_child_drops_a_table_while_its_parent_drops_a_value(is_new: bool) {
    let table = HandleTable::new();
    let slow = Slow::default();
    let handle = table.insert(SlowDrop(slow.clone()));
    let other = NUMBERS.insert(Box::new(1));
    let (ready, is_ready) = channel();
    let (go, may_go) = channel::<()>();
    let reader = thread::spawn(move || {
        let held = NUMBERS.get(other).unwrap();
        ready.send(()).unwrap();
        may_go.recv().unwrap();
        drop(held);
    });
    is_ready.recv().unwrap();
    table.remove(handle).unwrap();
    go.send(()).unwrap();
    slow.wait_until_begun();
    let child = || {
        let quiesced = table.quiesce().is_ok();
        drop(table);
        u8::from(!quiesced)
    };
    let answer = if is_new { in_child_of_a_new_thread(child) } else { in_child(child) };
    assert_eq!(answer, Some(0));
    reader.join().unwrap();
}

/// In a child, a thread that ends and drops is one more that uses tables.
fn quiesce_in_a_child_waits_for_a_thread_that_ends() {
    let child = || {
        let slow = Slow::default();
        let handle = SLOW.insert(SlowDrop(slow.clone()));
        let (ready, is_ready) = channel();
        let (go, may_go) = channel::<()>();
        let ending = thread::spawn(move || {
            AT_END.with(|_| {});
            let held: Ref<'static, SlowDrop> = SLOW.get(handle).unwrap();
            at_end_of_this_thread(move || drop(held));
            ready.send(()).unwrap();
            let _ = may_go.recv();
        });
        is_ready.recv().unwrap();
        SLOW.remove(handle).unwrap();
        drop(go);
        let waited = slow.is_waited_for();
        u8::from(!waited || ending.join().is_err())
    };
    assert_eq!(in_child(child), Some(0));
}

/// Its lease is returned by then.
fn quiesce_in_a_child_waits_for_a_drop_in_a_late_destructor() {
    let child = || {
        let slow = Slow::default();
        let handle = SLOW.insert(SlowDrop(slow.clone()));
        let ending = thread::spawn(move || {
            AT_END.with(|_| {});
            drop(SLOW.get(handle).unwrap());
            at_end_of_this_thread(move || SLOW.remove(handle).unwrap());
        });
        let waited = slow.is_waited_for();
        u8::from(!waited || ending.join().is_err())
    };
    assert_eq!(in_child(child), Some(0));
}

/// A thread whose first use of a table is a wait has a lease, which its child counts.
fn quiesce_in_a_child_waits_if_a_wait_was_the_first_use() {
    let ending = thread::spawn(|| {
        NUMBERS.quiesce().unwrap();
        in_child(|| {
            let _ = NUMBERS.insert(Box::new(1));
            let slow = Slow::default();
            let other = slow.clone();
            let other = thread::spawn(move || SLOW.remove(SLOW.insert(SlowDrop(other))));
            let waited = slow.is_waited_for();
            u8::from(!waited || other.join().is_err())
        })
    });
    assert_eq!(ending.join().unwrap(), Some(0));
}

/// It may have had the address that the forking thread has. In a child, since the guard stays.
fn a_guard_that_an_ended_thread_has_leaked_is_not_in_the_way_of_a_child() {
    let child = || {
        let handle = NUMBERS.insert(Box::new(7));
        let leak = move || std::mem::forget(NUMBERS.get(handle).unwrap());
        thread::spawn(leak).join().unwrap();
        let grandchild = || {
            let is_dropped = NUMBERS.remove_now(NUMBERS.insert(Box::new(1))) == Ok(true);
            u8::from(!is_dropped || NUMBERS.quiesce().is_err())
        };
        u8::from(in_child_of_a_new_thread(grandchild) != Some(0))
    };
    assert_eq!(in_child(child), Some(0));
}

/// Without leases the child begins with a new collector: a reader of the parent's is a member of
/// the old one, and would never let go.
fn a_wait_in_a_child_ends_beside_readers_that_overlap() {
    let (ready, is_ready) = channel();
    let (go, may_go) = channel::<()>();
    let reader = thread::spawn(move || {
        let _pinned = NUMBERS.pin();
        ready.send(()).unwrap();
        let _ = may_go.recv();
    });
    is_ready.recv().unwrap();
    let child = || {
        static ROUNDS: AtomicUsize = AtomicUsize::new(0);
        let barrier = Arc::new(Barrier::new(2));
        for n in 0..2 {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                let handle = NUMBERS.insert(Box::new(n));
                if n == 1 {
                    barrier.wait();
                }
                loop {
                    // Held until the other thread holds its own.
                    let _held = NUMBERS.get(handle).unwrap();
                    barrier.wait();
                    barrier.wait();
                    ROUNDS.fetch_add(1, SeqCst);
                }
            });
        }
        while ROUNDS.load(SeqCst) < 4 {
            thread::yield_now();
        }
        u8::from(NUMBERS.remove_wait(NUMBERS.insert(Box::new(7))).is_err())
    };
    assert_eq!(in_child(child), Some(0));
    drop(go);
    reader.join().unwrap();
}

fn a_fork_in_a_handlers_look_up_leaves_no_reader_in_the_child() {
    let looked_at: Handle<_> = NUMBERS.insert(Box::new(7));
    // SAFETY: the child uses what a forked child of glibc may use, and ends without destructors.
    let pid = NUMBERS.get_in_signal(looked_at, |_| unsafe { libc::fork() }).unwrap();
    if pid == 0 {
        // SAFETY: it takes a number.
        unsafe { libc::alarm(600) };
    }
    let is_right = NUMBERS.remove_now(looked_at) == Ok(true) && NUMBERS.quiesce().is_ok();
    if pid == 0 {
        // SAFETY: as above.
        unsafe { libc::_exit(i32::from(!is_right)) };
    }
    let mut status = 0;
    // SAFETY: the child is there.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert!(is_right);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status}");
}

// One test: each is about which threads use tables.
#[test]
fn a_child_is_right_wherever_its_parent_was() {
    // Without leases no reader has a name.
    if !cfg!(handle_table_no_leases) {
        a_guard_that_outlives_its_registration_holds_its_value_in_a_child();
    }
    a_child_drops_a_table_while_its_parent_drops_a_value(false);
    a_child_drops_a_table_while_its_parent_drops_a_value(true);
    quiesce_in_a_child_waits_for_a_thread_that_ends();
    quiesce_in_a_child_waits_for_a_drop_in_a_late_destructor();
    quiesce_in_a_child_waits_if_a_wait_was_the_first_use();
    a_guard_that_an_ended_thread_has_leaked_is_not_in_the_way_of_a_child();
    a_wait_in_a_child_ends_beside_readers_that_overlap();
    a_fork_in_a_handlers_look_up_leaves_no_reader_in_the_child();
}
