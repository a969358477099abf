//! What a thread had of the collector's is given back, even if no one deletes. Alone in its process, since
//! it counts all that is allocated.
#![cfg(not(loom))]
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::OnceCell,
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        Arc, Barrier,
    },
    thread,
};

use handle_table::{Handle, HandleTable};

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator does all; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's duty, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much more is allocated after `use_threads`, which was called before. A participant has 2 KB, and so
/// has a bag in the collector's queue.
fn growth(mut use_threads: impl FnMut()) -> usize {
    use_threads();
    let grown = |_| {
        let before = ALLOCATED.load(Relaxed);
        use_threads();
        ALLOCATED.load(Relaxed).saturating_sub(before)
    };
    // Who is preempted while pinned holds some back for a while; what is left behind is left each time.
    (0..3).map(grown).fold(usize::MAX, usize::min)
}

static TABLE: HandleTable<u8> = HandleTable::new();

fn look(handle: Handle) {
    assert_eq!(TABLE.get(handle).as_deref(), Ok(&7));
}

/// Looks a handle up when the thread's state in this crate is gone, again and again.
struct Late(Handle);

impl Drop for Late {
    fn drop(&mut self) {
        (0..500).for_each(|_| look(self.0));
    }
}

// One test, since each would count the others' memory.
#[test]
fn threads_that_come_and_go_leave_their_participants() {
    let handle = TABLE.insert(7);

    let one_by_one = growth(|| {
        for _ in 0..500 {
            thread::spawn(move || look(handle)).join().unwrap();
        }
    });
    assert!(one_by_one < 300_000, "{one_by_one} bytes, one by one");

    let together = growth(|| {
        let all = Arc::new(Barrier::new(200));
        let threads = [(); 200].map(|()| {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                look(handle);
                all.wait();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert!(together < 300_000, "{together} bytes, together");

    let late = growth(|| {
        thread::spawn(move || {
            thread_local!(static LATE: OnceCell<Late> = const { OnceCell::new() });
            // Before the first look, so that its end comes after that of the crate's own state.
            LATE.with(|late| assert!(late.set(Late(handle)).is_ok()));
            look(handle);
        })
        .join()
        .unwrap();
    });
    assert!(late < 300_000, "{late} bytes, late in a thread's end");
}
