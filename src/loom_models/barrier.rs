//! Barriers under loom, which has no asymmetric ones, in three kinds.
//!
//! - **Fences**: both halves are SeqCst fences. That is too strong: two light barriers are ordered
//!   too, and each with every other fence.
//! - **Asymmetric**: a light barrier is ordered with heavy ones alone. Each thread has a word,
//!   which its light barriers and all heavy ones change: the changes of one word are ordered. A
//!   heavy barrier is also a SeqCst fence. The system refuses it after so many.
//! - **None**: the system has no barrier, and light ones do nothing.

use std::cell::Cell;

use loom::sync::atomic::{fence, AtomicUsize, Ordering};

/// What the system of a model offers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Barriers {
    Fences,
    #[cfg_attr(not(test), allow(dead_code))]
    Asymmetric {
        heavy: usize,
    },
    #[cfg_attr(not(test), allow(dead_code))]
    None,
}

/// As many as a model may have, with its main one.
const THREADS: usize = 4;

std::thread_local! {
    /// Those of the model that runs on this thread of the system, with all of its own threads.
    static OFFERED: Cell<Barriers> = const { Cell::new(Barriers::Fences) };
}

loom::thread_local! {
    static MINE: Option<usize> = WORDS.register();
}

loom::lazy_static! {
    static ref WORDS: Words = Words::new();
}

struct Words {
    of_threads: [AtomicUsize; THREADS],
    registered: std::sync::Mutex<usize>,
}

impl Words {
    fn new() -> Self {
        Self {
            of_threads: std::array::from_fn(|_| AtomicUsize::new(0)),
            registered: std::sync::Mutex::new(0),
        }
    }

    fn register(&self) -> Option<usize> {
        let mut registered = self.registered.lock().ok()?;
        *registered += 1;
        Some(*registered - 1)
    }
}

/// To be called at the beginning of each execution.
#[cfg(test)]
pub(crate) fn offer(barriers: Barriers) {
    OFFERED.set(barriers);
}

pub(super) fn light_barrier() {
    match OFFERED.get() {
        Barriers::Fences => fence(Ordering::SeqCst),
        Barriers::Asymmetric { .. } => {
            // At the end of a thread its number is gone.
            if let Ok(Some(mine)) = MINE.try_with(|mine| *mine) {
                WORDS.of_threads[mine].fetch_add(1, Ordering::AcqRel);
            }
        }
        Barriers::None => {}
    }
}

pub(crate) fn register_barrier() -> bool {
    !matches!(OFFERED.get(), Barriers::None)
}

pub(crate) fn heavy_barrier() -> bool {
    match OFFERED.get() {
        Barriers::Fences => fence(Ordering::SeqCst),
        Barriers::None | Barriers::Asymmetric { heavy: 0 } => return false,
        Barriers::Asymmetric { heavy } => {
            OFFERED.set(Barriers::Asymmetric { heavy: heavy - 1 });
            fence(Ordering::SeqCst);
            for word in &WORDS.of_threads {
                word.fetch_add(1, Ordering::AcqRel);
            }
        }
    }
    true
}
