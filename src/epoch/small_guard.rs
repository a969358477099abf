//! [`SmallGuard`]: a guard in one word.

#[cfg(not(loom))]
use super::guard::let_go;
use super::guard::Guard;
#[cfg(not(loom))]
use super::thread::OwnRecord;
#[cfg(not(loom))]
use std::{mem, ptr::NonNull};

/// A guard in one word, which a function can return in a register: callbacks get it from a function
/// that all of them share.
#[cfg(not(loom))]
pub(crate) struct SmallGuard {
    /// A record; or, one byte into it, a box with the guard of a reader without one.
    word: NonNull<u8>,
}

#[cfg(not(loom))]
impl Guard {
    /// This guard in one word. Allocates for a reader without a record.
    #[inline(always)]
    pub(crate) fn into_small(self) -> SmallGuard {
        let word = match &self.record {
            Some(record) => {
                let word = record.clone().into_ptr();
                mem::forget(self);
                word
            }
            None => box_guard(self),
        };
        SmallGuard { word }
    }
}

#[cfg(not(loom))]
#[cold]
#[inline(never)]
fn box_guard(guard: Guard) -> NonNull<u8> {
    let guard = NonNull::from(Box::leak(Box::new(guard))).cast::<u8>();
    // SAFETY: a guard has more than one byte.
    unsafe { guard.add(1) }
}

#[cfg(not(loom))]
impl Drop for SmallGuard {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(record) = record_of(self.word) {
            if record.more_guards() == 0 && !record.unpin_last(&record.world().eras) {
                return;
            }
        }
        end(self.word);
    }
}

/// The record that a guard's word stands for, if the reader has one. Records and guards are aligned
/// to words.
#[cfg(not(loom))]
#[inline(always)]
fn record_of(word: NonNull<u8>) -> Option<OwnRecord> {
    // SAFETY: `into_small` got it of a record.
    (word.addr().get() % 2 == 0).then(|| unsafe { OwnRecord::from_ptr(word) })
}

/// The rest of a guard's end. `extern "C"`, since it never unwinds (panics of drops are contained):
/// callers need no code for that, and callbacks are smaller.
#[cfg(not(loom))]
#[cold]
#[inline(never)]
extern "C" fn end(word: NonNull<u8>) {
    match record_of(word) {
        Some(record) if record.more_guards() == 0 => let_go(record),
        Some(record) => drop(Guard::of_pinned(record)),
        // SAFETY: `box_guard` made it, and this is its end.
        None => drop(unsafe { Box::from_raw(word.sub(1).cast::<Guard>().as_ptr()) }),
    }
}

/// loom's records are no pointers.
#[cfg(loom)]
pub(crate) struct SmallGuard {
    _guard: Guard,
}

#[cfg(loom)]
impl Guard {
    pub(crate) fn into_small(self) -> SmallGuard {
        SmallGuard { _guard: self }
    }
}
