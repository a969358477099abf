//! Whether the calling thread is inside the `Drop` of a value that a table is dropping.
//!
//! Such a call must not wait for drops to end, since it would wait for itself.

use std::cell::Cell;

use crate::sync::{thread_local, OnDrop};

thread_local! {
    /// How many values this thread is in the middle of dropping, one inside the other. It has no
    /// destructor, so under std it exists to the thread's very end.
    // Not `const`, which loom's macro doesn't know.
    #[allow(clippy::missing_const_for_thread_local)]
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// Whether the calling thread is inside the `Drop` of a value that some table is dropping.
pub(crate) fn is_dropping() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

/// Runs `f`, which drops values, with [`is_dropping`] true.
pub(crate) fn while_dropping<R>(f: impl FnOnce() -> R) -> R {
    fn add(step: isize) {
        // Fails under loom only, at the end of a thread, where the depth is of no use.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().wrapping_add_signed(step)));
    }
    add(1);
    let _leave = OnDrop(|| add(-1));
    f()
}
