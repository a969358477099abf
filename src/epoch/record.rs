//! [`Record`]: what a thread with a lease shows to those who delete: whether it reads, and since
//! which era.
//!
//! ```text
//! word    era | pinned                the era in which the first guard was made
//! pin     a guard already? count it.  else word = era of the last pin | pinned; barrier;
//!         is the era still this one, and the mode light?
//!         if not: word = the era now | pinned, and a fence if the mode is fenced
//! unpin   another guard? count it off.  else word = era; barrier; does something wait for it?
//! ```
//!
//! Era and count lie beside the word, so that a pin and its end store what does not depend on a
//! load of the word: what was just stored takes some nanoseconds to load.
//!
//! A pin in an old era is safe: a reader of an older era only keeps more from being dropped.
//!
//! One thread writes the word, by plain loads and stores. A signal handler leaves it alone, see
//! `in_signal`: a pin that it interrupts may still be without its fence.
//!
//! - **Orderings**: edges "pin" and "turn".

use crossbeam_utils::CachePadded;

#[cfg(not(loom))]
use super::os_thread;
use super::{
    eras::{is_before, Eras, Now},
    retired::{RetiredList, RetiredStack},
    storm::FENCED_PINS,
    who::Who,
};
use crate::sync::{fence, light_barrier, AtomicBool, AtomicUsize, Ordering};

/// In a word: whether the thread has a guard.
const PINNED: usize = 1;
/// So many guards are as good as infinitely many: the thread stays pinned.
const TOO_MANY: usize = usize::MAX;

/// The record of one lease number.
#[derive(Debug)]
pub(super) struct Record {
    word: AtomicUsize,
    /// The era of the last pin, as the owner knows it.
    own_era: AtomicUsize,
    /// The owner's guards besides one.
    more_guards: AtomicUsize,
    /// What waits for this reader to let go.
    pub(super) parked: RetiredStack,
    /// Whether the thread has ended while it held a guard. Written by that thread alone.
    orphaned: AtomicBool,
    /// Whether the thread has pinned since the system refused a barrier.
    fenced_for_good: AtomicBool,
    /// Whose record it is, for people.
    pub(super) who: Who,
    counts: CachePadded<Counts>,
}

/// What the owner counts, for the choice of the mode. Apart from what others look at.
#[derive(Debug)]
struct Counts {
    /// Pins in fenced mode.
    fenced_pins: AtomicUsize,
    /// Looks at the readers.
    looks: AtomicUsize,
}

impl Counts {
    crate::sync::const_unless_loom! {
        const fn new() -> Self {
            Self { fenced_pins: AtomicUsize::new(0), looks: AtomicUsize::new(0) }
        }
    }
}

impl Record {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                word: AtomicUsize::new(0),
                own_era: AtomicUsize::new(0),
                more_guards: AtomicUsize::new(0),
                parked: RetiredStack::new(),
                orphaned: AtomicBool::new(false),
                fenced_for_good: AtomicBool::new(false),
                who: Who::new(),
                counts: CachePadded::new(Counts::new()),
            }
        }
    }

    /// Whether the owner, who asks, has a guard.
    #[inline(always)]
    pub(super) fn is_pinned(&self) -> bool {
        // edge: none. No other thread writes the word; a new owner of the record comes by "lease".
        self.word.load(Ordering::Relaxed) & PINNED != 0
    }

    #[inline(always)]
    fn own_era(&self) -> usize {
        // edge: none. The owner's own.
        self.own_era.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn more_guards(&self) -> usize {
        // edge: none. The owner's own.
        self.more_guards.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn set_more_guards(&self, guards: usize) {
        // edge: none. The owner's own.
        self.more_guards.store(guards, Ordering::Relaxed);
    }

    #[inline(always)]
    fn set_word(&self, word: usize) {
        // edge: pin. Release: what the reader did before comes before what those do who see that it
        // holds no guard, or a younger one.
        self.word.store(word, Ordering::Release);
    }

    /// Adds a guard, by the owner. Returns whether it is time to ask whether fences pay.
    #[inline(always)]
    pub(super) fn pin(&self, eras: &Eras) -> bool {
        if self.is_pinned() {
            self.set_more_guards(self.more_guards().saturating_add(1));
            return false;
        }
        let era = self.own_era();
        self.set_word(era | PINNED);
        // By "pin", between the word and the look at a slot.
        light_barrier();
        let now = eras.now();
        if now.0 != era {
            return self.pin_in(now);
        }
        false
    }

    /// The rest of a pin in another era than the last one, or in fenced mode. The light barrier of
    /// `pin` has been passed since the word was stored: that counts if the mode was light then.
    #[cold]
    #[inline(never)]
    fn pin_in(&self, now: Now) -> bool {
        // edge: none. The owner's own.
        self.own_era.store(now.era(), Ordering::Relaxed);
        self.set_word(now.era() | PINNED);
        if !now.is_fenced() {
            return false;
        }
        // edge: pin. SeqCst fence between the word and the look at a slot. Its twin is that of a
        // scan.
        fence(Ordering::SeqCst);
        if now.is_refused() {
            // edge: mode. Relaxed: the words before, which may have had no fence, are released by
            // the fence above.
            self.fenced_for_good.store(true, Ordering::Relaxed);
        }
        // edge: none. The owner's own count.
        let pins = self.counts.fenced_pins.load(Ordering::Relaxed).wrapping_add(1);
        // edge: none. The owner's own count.
        self.counts.fenced_pins.store(pins, Ordering::Relaxed);
        !cfg!(loom) && pins % FENCED_PINS == 0
    }

    /// Counts a look of the owner's at the readers.
    #[inline]
    pub(super) fn count_look(&self) {
        if !cfg!(loom) {
            let looks = self.looks().wrapping_add(1);
            // edge: none. The owner's own count.
            self.counts.looks.store(looks, Ordering::Relaxed);
        }
    }

    /// How many looks the owners of this record have made.
    pub(super) fn looks(&self) -> usize {
        // edge: none. A count.
        self.counts.looks.load(Ordering::Relaxed)
    }

    /// Removes a guard, by the owner. Returns whether the caller must call
    /// [`let_go`](Self::let_go).
    #[inline(always)]
    pub(super) fn unpin(&self, eras: &Eras) -> bool {
        match self.more_guards() {
            0 => self.unpin_last(eras),
            TOO_MANY => false,
            more => {
                self.set_more_guards(more - 1);
                // The guard that `orphan` added is the last one now.
                more == 1 && self.is_orphaned()
            }
        }
    }

    /// Removes the only guard; returns what [`unpin`](Self::unpin) returns.
    #[inline(always)]
    pub(super) fn unpin_last(&self, eras: &Eras) -> bool {
        self.set_word(self.own_era());
        // By "turn", between the word and the look at what waits.
        light_barrier();
        let now = eras.now();
        now.is_fenced() || now.is_left() || !self.parked.is_empty()
    }

    /// The fence of an unpin, if the mode is fenced; returns what waited for this reader.
    #[inline]
    pub(super) fn let_go(&self, eras: &Eras) -> RetiredList {
        if eras.now().is_fenced() {
            // edge: turn. SeqCst fence between the word and the look at what waits. Its twin stands
            // between a push and the look whether the reader is still there.
            fence(Ordering::SeqCst);
        }
        self.take_parked()
    }

    /// Whether the owner, who asks, has one guard alone.
    #[inline]
    pub(super) fn has_one_guard(&self) -> bool {
        self.is_pinned() && self.more_guards() == 0
    }

    /// The era of the reader, if there is one.
    #[inline]
    pub(super) fn era(&self) -> Option<usize> {
        // edge: pin. Acquire: after all that the reader did with the guards that it has let go.
        let word = self.word.load(Ordering::Acquire);
        (word & PINNED != 0).then_some(word & !PINNED)
    }

    /// Whether a reader is in the way of what was unlinked before the era `target` began, or ever,
    /// if there is none.
    #[inline]
    pub(super) fn is_in_the_way(&self, target: Option<usize>) -> bool {
        match (self.era(), target) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(era), Some(target)) => is_before(era, target),
        }
    }

    /// Notes for people that this reader, if it still is one, is in somebody's way.
    pub(super) fn note_in_the_way(&self) {
        if let Some(era) = self.era() {
            self.who.note_in_the_way(era);
        }
    }

    /// Whether the thread has pinned, with a fence, since the system refused a barrier. To be asked
    /// after a look at the word: a pin without a fence that the look has missed is over then.
    pub(super) fn is_fenced_for_good(&self) -> bool {
        // edge: mode. Acquire: after the words that may have had no fence.
        self.fenced_for_good.load(Ordering::Acquire)
    }

    /// Says whether the owner's pins all have a fence: for a thread that has not pinned yet.
    pub(super) fn set_fenced_for_good(&self, is: bool) {
        // edge: mode. Release: the words before, which may have had no fence.
        self.fenced_for_good.store(is, Ordering::Release);
    }

    /// The owner ends and holds a guard. Adds one more, for the caller of `unpin` that drops the
    /// last guard of the thread's to find: it must then drop that one too, and return the lease.
    pub(super) fn orphan(&self, eras: &Eras) {
        // edge: none. Read by the thread that wrote it.
        self.orphaned.store(true, Ordering::Relaxed);
        self.pin(eras);
    }

    /// Says that no pin of the owner's without a fence is left, nor will be: the owner has no
    /// guard, and has ended, or knows that a barrier was refused. Returns what waited for that.
    pub(super) fn show_words(&self) -> RetiredList {
        if self.is_fenced_for_good() {
            return RetiredList::EMPTY;
        }
        self.set_fenced_for_good(true);
        // edge: turn. SeqCst fence between the flag and the look at what waits. Its twin stands
        // between a push and the look whether the record still counts as in the way.
        fence(Ordering::SeqCst);
        self.take_parked()
    }

    fn take_parked(&self) -> RetiredList {
        if self.parked.is_empty() {
            return RetiredList::EMPTY;
        }
        self.parked.take()
    }

    pub(super) fn is_orphaned(&self) -> bool {
        // edge: none. Read by the thread that wrote it.
        self.orphaned.load(Ordering::Relaxed)
    }

    /// Whether it has a guard that the calling thread has left as it ended.
    #[cfg(not(loom))]
    pub(super) fn is_orphan_of_this_thread(&self) -> bool {
        self.is_orphan_of(os_thread::id())
    }

    /// The same, if that has or had the number `id`.
    #[cfg(not(loom))]
    fn is_orphan_of(&self, id: usize) -> bool {
        self.is_orphaned() && self.who.is_this_thread(id)
    }

    /// Whether the caller has dropped the last guard of a thread that has ended. If so, drops the
    /// guard that `orphan` added.
    pub(super) fn end_orphan(&self, eras: &Eras) -> bool {
        let ends = self.is_orphaned() && self.has_one_guard();
        if ends {
            // edge: none. Read by the thread that wrote it.
            self.orphaned.store(false, Ordering::Relaxed);
            self.unpin(eras);
        }
        ends
    }

    /// In a forked child: whether this is a record of its one thread, whose lease number plus one
    /// is `own`. If so, that has another number now than `forked_as`.
    #[cfg(not(loom))]
    pub(super) fn is_kept_after_fork(&self, number: usize, own: usize, forked_as: usize) -> bool {
        let is_kept = number + 1 == own || self.is_orphan_of(forked_as);
        if is_kept {
            self.who.set_id();
        }
        is_kept
    }

    /// In a forked child: the thread of this record is gone. Returns what has waited for it.
    #[cfg(not(loom))]
    pub(super) fn after_fork(&self) -> RetiredList {
        // edge: none. The child has one thread.
        self.orphaned.store(false, Ordering::Relaxed);
        self.set_more_guards(0);
        self.set_word(self.own_era());
        self.set_fenced_for_good(true);
        self.parked.take()
    }
}

// Elsewhere nothing may be known that tells threads apart.
#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;

    /// A wait would take it for a guard of its own thread, and give up.
    #[test]
    fn an_orphan_without_a_guard_is_nobodys() {
        let (record, eras) = (Record::new(), Eras::new());
        record.who.set_to_this_thread();
        record.pin(&eras);
        assert!(!record.is_orphan_of_this_thread(), "its thread has not ended");
        record.orphan(&eras);
        assert!(record.is_orphan_of_this_thread());
        // In a forked child, whose threads may get the addresses of earlier ones.
        assert!(record.after_fork().is_empty());
        assert!(!record.is_orphan_of_this_thread());
    }
}
