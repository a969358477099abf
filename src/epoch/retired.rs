//! [`Retired`]: what was unlinked while a reader was in the way; and the stacks in which it waits.
//!
//! - **Algorithm**: Treiber stacks, taken whole.
//! - **Collision**: the loser of a compare-exchange links anew.
//! - **ABA**: harmless. A stack is taken whole, so a head that returned is as good as one that
//!   never left. (Strictly, a link to memory that was freed and allocated anew has lost its
//!   provenance; no processor notices.)
//! - **Orderings**: edge "turn". A push hands over what was unlinked, and all that was done to it.

use std::ptr::{self, NonNull};

use super::clock::CollectorTicket;
use crate::sync::{AtomicPtr, Ordering, UnsafeCell};

/// The type-erased head of something that is to be dropped once no reader can see it. One thread at
/// a time has it: the one that made it, or took it out of a stack.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Retired {
    fields: UnsafeCell<Fields>,
    /// The next one of the same list.
    next: UnsafeCell<*mut Retired>,
    /// The list below this one, if this is the first of a list in a stack of lists.
    below: UnsafeCell<*mut Retired>,
    drop_one: unsafe fn(NonNull<Retired>),
    /// The table that it belongs to, to be compared.
    owner: *const (),
}

/// What decides which readers are in the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields {
    /// Readers of earlier eras are in the way; all readers, if no era has begun for it yet.
    pub(super) target: Option<usize>,
    /// For the readers that pin by crossbeam-epoch, if some were in the way.
    pub(super) ticket: Option<CollectorTicket>,
    /// Whether all readers in the way have gone.
    pub(super) is_unread: bool,
}

impl Retired {
    /// The head of something that belongs to `owner`.
    ///
    /// # Safety
    ///
    /// `drop_one` may be called with a pointer to this head by any thread, once, as soon as no
    /// reader can see what it stands for. It makes the rest of it, if there is one, known to other
    /// threads by [`republish`](super::republish), and then drops the first value.
    pub(crate) unsafe fn new(owner: *const (), drop_one: unsafe fn(NonNull<Retired>)) -> Self {
        Self {
            fields: UnsafeCell::new(Fields::default()),
            next: UnsafeCell::new(ptr::null_mut()),
            below: UnsafeCell::new(ptr::null_mut()),
            drop_one,
            owner,
        }
    }
}

/// One of them, which the calling thread has.
pub(crate) struct Owned(NonNull<Retired>);

impl Owned {
    /// # Safety
    ///
    /// The calling thread has `retired`, which lives until its `drop_one` is called.
    pub(crate) unsafe fn new(retired: NonNull<Retired>) -> Self {
        Self(retired)
    }

    fn get(&self) -> &Retired {
        // SAFETY: by the promise of `new` it lives.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn fields(&self) -> Fields {
        // SAFETY: this thread has it.
        self.get().fields.with(|fields| unsafe { *fields })
    }

    pub(super) fn set_fields(&mut self, to: Fields) {
        // SAFETY: this thread has it.
        self.get().fields.with_mut(|fields| unsafe { *fields = to });
    }

    /// Which one it is, while it lives.
    pub(super) fn id(&self) -> *const () {
        self.0.as_ptr().cast_const().cast()
    }

    pub(super) fn owner(&self) -> *const () {
        self.get().owner
    }

    /// Drops its first value, and leaves the rest to any thread.
    ///
    /// # Safety
    ///
    /// No reader can see it.
    pub(super) unsafe fn drop_one(self) {
        let drop_one = self.get().drop_one;
        // SAFETY: by the promise of `Retired::new`.
        unsafe { drop_one(self.0) }
    }

    /// Gives it up, linked to another one of a list.
    pub(super) fn link_to(self, next: *mut Retired) -> *mut Retired {
        self.set_next(next);
        self.0.as_ptr()
    }

    /// What it is linked to.
    pub(super) fn next(&self) -> *mut Retired {
        // SAFETY: this thread has it.
        self.get().next.with(|next| unsafe { *next })
    }

    fn set_next(&self, next: *mut Retired) {
        // SAFETY: this thread has it.
        self.get().next.with_mut(|place| unsafe { *place = next });
    }
}

/// A list of them, which the calling thread has.
pub(super) struct RetiredList(*mut Retired);

impl RetiredList {
    pub(super) const EMPTY: Self = Self(ptr::null_mut());

    pub(super) fn push(&mut self, retired: Owned) {
        self.0 = retired.link_to(self.0);
    }

    pub(super) fn pop(&mut self) -> Option<Owned> {
        let first = Owned(NonNull::new(self.0)?);
        self.0 = first.next();
        Some(first)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// The list below this one in the stack of lists that it was taken from.
    fn below(&self) -> *mut Retired {
        // SAFETY: this thread has the list, which is not empty.
        unsafe { &*self.0 }.below.with(|below| unsafe { *below })
    }
}

/// A stack of single ones: those that wait for one reader.
#[derive(Debug)]
pub(super) struct RetiredStack(AtomicPtr<Retired>);

impl RetiredStack {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self(AtomicPtr::new(ptr::null_mut()))
        }
    }

    /// Whether it looks empty. Whoever relies on it has put a barrier between its own store and
    /// this.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        // edge: turn. Relaxed: ordered by the barriers of both sides.
        self.0.load(Ordering::Relaxed).is_null()
    }

    pub(super) fn push(&self, retired: Owned) {
        // edge: none. The compare-exchange checks it.
        let mut top = self.0.load(Ordering::Relaxed);
        loop {
            retired.set_next(top);
            let new = retired.0.as_ptr();
            // edge: turn. Release: what was unlinked, and when, before the pointer to it.
            match self.0.compare_exchange_weak(top, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    pub(super) fn take(&self) -> RetiredList {
        // edge: turn. Acquire: after all that those did who pushed.
        RetiredList(self.0.swap(ptr::null_mut(), Ordering::Acquire))
    }
}

/// A stack of lists: those that any thread may take.
#[derive(Debug)]
pub(super) struct ListStack(AtomicPtr<Retired>);

impl ListStack {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self(AtomicPtr::new(ptr::null_mut()))
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // edge: none. A hint.
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Adds a list. An empty one changes nothing.
    pub(super) fn push(&self, list: RetiredList) {
        let Some(first) = NonNull::new(list.0) else { return };
        let first = Owned(first);
        // edge: none. The compare-exchange checks it.
        let mut top = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: this thread has the list.
            first.get().below.with_mut(|below| unsafe { *below = top });
            // edge: turn. Release: what was unlinked, and when, before the pointer to it.
            match self.0.compare_exchange_weak(top, list.0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Takes one out.
    pub(super) fn take_one(&self) -> Option<Owned> {
        // edge: turn. Acquire: after all that those did who pushed.
        let mut list = RetiredList(self.0.swap(ptr::null_mut(), Ordering::Acquire));
        if list.is_empty() {
            return None;
        }
        let mut below = RetiredList(list.below());
        let one = list.pop();
        self.push(list);
        while !below.is_empty() {
            let next = RetiredList(below.below());
            self.push(below);
            below = next;
        }
        one
    }
}
