//! Whether the calling thread is inside the `Drop` of a value that a table is dropping, and what
//! such drops have deleted.
//!
//! Such a call must not wait for drops to end, since it would wait for itself. And what it deletes
//! is dropped by the outermost drop of the thread, one after the other, so that a chain of values
//! that delete one another needs no stack.

use std::{
    cell::Cell,
    ptr::{self, NonNull},
};

use super::retired::{Owned, Retired};
use crate::sync::OnDrop;

// Neither has a destructor, so under std they exist to the thread's very end.
#[cfg(not(loom))]
thread_local! {
    /// How many values this thread is in the middle of dropping, one inside the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// What was deleted meanwhile, the last one first.
    static DEFERRED: Cell<*mut Retired> = const { Cell::new(ptr::null_mut()) };
}

// loom's macro doesn't know `const`.
#[cfg(loom)]
loom::thread_local! {
    static DEPTH: Cell<usize> = Cell::new(0);
    static DEFERRED: Cell<*mut Retired> = Cell::new(ptr::null_mut());
}

/// Whether the calling thread is inside the `Drop` of a value that some table is dropping.
pub(crate) fn is_dropping() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

/// Calls `f`, which drops values, with [`is_dropping`] true. `f` is told whether it was false.
pub(super) fn while_dropping<R>(f: impl FnOnce(bool) -> R) -> R {
    fn add(step: isize) {
        // Fails under loom only, at the end of a thread, where the depth is of no use.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().wrapping_add_signed(step)));
    }
    let is_outermost = !is_dropping();
    add(1);
    let _leave = OnDrop(|| add(-1));
    f(is_outermost)
}

/// Leaves something to the outermost drop of this thread, which the caller is inside of.
pub(super) fn defer(one: Owned) {
    let _ = DEFERRED.try_with(|deferred| deferred.set(one.link_to(deferred.get())));
}

/// What was deferred last.
pub(super) fn next_deferred() -> Option<Owned> {
    DEFERRED
        .try_with(|deferred| {
            // SAFETY: `defer` put it there, for this thread alone.
            let one = unsafe { Owned::new(NonNull::new(deferred.get())?) };
            deferred.set(one.next());
            Some(one)
        })
        .ok()?
}
