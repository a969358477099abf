//! The era: one word that every reader looks at, and that says whether readers or deleters pay.
//!
//! ```text
//! era | left | refused | scans | fenced
//! ```
//!
//! A reader stores its word, and then looks at a slot. A deleter changes the slot, and then looks
//! at the readers' words. Between the two steps each needs a fence, and there are two ways to pay:
//!
//! - *Light*, no flag set: readers fence the compiler alone, and each deleter makes a heavy
//!   barrier.
//! - *Fenced*, `FENCED` and `SCANS` set: readers fence, and deleters do too and then only scan.
//!
//! Between the two modes, `FENCED` alone is set: readers fence, deleters make heavy barriers, so
//! the switch is safe for those who have seen either mode. One thread at a time switches: the one
//! whose exchange set or cleared the first flag. The process starts fenced, and becomes light if
//! the system offers a barrier. If the system refuses one later on, `REFUSED` is set for good:
//! readers fence, and a deleter waits for each record until its thread has pinned since.
//!
//! `LEFT` says that retired values wait for the next call of any thread.
//!
//! - **Algorithm**: the asymmetric fences of liburcu and folly; eras as in Hazard Eras.
//! - **ABA**: of modes, harmless: a switch is safe whatever came before it. Of eras, none while it
//!   matters: see `begin_era`.
//! - **Orderings**: edges "pin" and "mode".

use crossbeam_utils::CachePadded;

use super::storm::Storm;
use crate::sync::{
    fence, heavy_barrier, nanos, register_barrier, AtomicBool, AtomicUsize, Ordering,
};

/// Readers fence between their word and their look at a slot.
pub(super) const FENCED: usize = 1;
/// Deleters need no barrier.
const SCANS: usize = 2;
/// The system refused a barrier that it had promised.
const REFUSED: usize = 4;
/// Retired values wait for the next call of any thread.
pub(super) const LEFT: usize = 8;

/// The bits below the era: here flags, in a reader's word whether it is pinned.
const LOW_BITS: u32 = 4;
pub(super) const LOW: usize = (1 << LOW_BITS) - 1;
const ERA: usize = 1 << LOW_BITS;
/// No era begins while a reader is so far behind, so that eras can be compared although they wrap.
/// On 32-bit targets after 67 million deletes under one reader; in small builds after 64. (The
/// fuzzers' oracle knows of no such readers.)
pub(super) const MOST_BEHIND: usize =
    if cfg!(any(loom, all(handle_table_small, not(fuzzing)))) { 64 * ERA } else { usize::MAX / 4 };

/// What the word held at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Now(pub(super) usize);

impl Now {
    /// The word of a reader with no guard that pins in this era.
    #[inline]
    pub(super) fn era(self) -> usize {
        self.0 & !LOW
    }

    #[inline]
    pub(super) fn is_fenced(self) -> bool {
        self.0 & FENCED != 0
    }

    pub(super) fn is_refused(self) -> bool {
        self.0 & REFUSED != 0
    }

    #[inline]
    pub(super) fn is_left(self) -> bool {
        self.0 & LEFT != 0
    }

    fn scans(self) -> bool {
        self.0 & SCANS != 0
    }

    fn mode(self) -> usize {
        self.0 & (FENCED | SCANS | REFUSED)
    }
}

/// Whether `era` is before `target`. Eras wrap.
#[inline]
pub(super) fn is_before(era: usize, target: usize) -> bool {
    (era.wrapping_sub(target) as isize) < 0
}

/// The earlier one of two eras.
pub(super) fn earlier(one: usize, other: usize) -> usize {
    if is_before(one, other) {
        one
    } else {
        other
    }
}

/// The word, and what decides about the mode.
#[derive(Debug)]
pub(super) struct Eras {
    now: AtomicUsize,
    storm: CachePadded<Storm>,
    /// Set when the system has no barrier to offer.
    no_barrier: AtomicBool,
}

impl Eras {
    crate::sync::const_unless_loom! {
        pub(super) const fn new() -> Self {
            Self {
                now: AtomicUsize::new(FENCED | SCANS),
                storm: CachePadded::new(Storm::new()),
                no_barrier: AtomicBool::new(false),
            }
        }
    }

    /// The word now. A reader that sees an era sees all unlinks that came before it.
    #[inline(always)]
    pub(super) fn now(&self) -> Now {
        // edge: pin, mode. Acquire: after all unlinks that came before the era, and, in light mode,
        // after the barrier that began it.
        Now(self.now.load(Ordering::Acquire))
    }

    /// Asks the system for its barrier, and begins with light readers if it has one. To be called
    /// by each thread before its first pin.
    #[cold]
    pub(super) fn start(&self) {
        // edge: none. A hint: that the barrier was registered, each switch finds out by itself.
        if self.no_barrier.load(Ordering::Relaxed) || self.now() != Now(FENCED | SCANS) {
            return;
        }
        if register_barrier() {
            self.make_light();
        } else {
            // edge: none. A hint.
            self.no_barrier.store(true, Ordering::Relaxed);
        }
    }

    /// Begins an era, and returns it: a reader that pins in it or later sees all that came before
    /// the caller's last scan, and before all tickets taken so far. `oldest` is the oldest era that
    /// is still compared with. If that is too far behind, no era begins, and the result is the one
    /// that will come next.
    pub(super) fn begin_era(&self, oldest: usize) -> usize {
        // edge: none. A hint.
        let now = Now(self.now.load(Ordering::Relaxed)).era();
        if now.wrapping_sub(oldest) > MOST_BEHIND {
            return self.next_era();
        }
        // edge: pin. Relaxed: what came before is released by the fence of the scan, or by
        // `next_era`. A read-modify-write stays in the release sequence of the latter.
        Now(self.now.fetch_add(ERA, Ordering::Relaxed)).era().wrapping_add(ERA)
    }

    /// The era that begins next: a reader that pins in it or later sees all that happened before
    /// this call.
    pub(super) fn next_era(&self) -> usize {
        // edge: pin, grace. Release: a read-modify-write that changes nothing, so that all later
        // eras are in its release sequence.
        Now(self.now.fetch_add(0, Ordering::Release)).era().wrapping_add(ERA)
    }

    /// Whether an era has begun: of an era that [`begin_era`](Self::begin_era) has returned.
    pub(super) fn has_begun(&self, era: usize) -> bool {
        // edge: none. A hint.
        !is_before(Now(self.now.load(Ordering::Relaxed)).era(), era)
    }

    /// Calls `scan`, which looks at the readers' words and says whether one is in the way, behind
    /// whatever barrier the mode asks for. A word that `scan` doesn't see is that of a reader that
    /// sees all that the caller did before.
    ///
    /// `is_alone` says whether no other thread has a record. `scan` is told whether a record counts
    /// as in the way until its thread has pinned under a refused barrier.
    #[inline]
    pub(super) fn scan(
        &self,
        is_alone: impl Fn() -> bool,
        scan: impl FnOnce(bool) -> bool,
    ) -> bool {
        // edge: pin, mode, turn. SeqCst fence between the unlinks, or a push, and the look at the
        // readers' words and flags. Its twins are a fenced reader's, between its word and its look
        // at a slot; that of `World::claim`; and that of `Record::show_words`.
        fence(Ordering::SeqCst);
        loop {
            let now = self.now();
            if now.scans() {
                // Readers may go light during the scan: behind a barrier, and so behind the fence.
                return scan(false);
            } else if now.is_refused() {
                return scan(true);
            } else if is_alone() || self.heavy() {
                return scan(false);
            } else {
                self.refuse();
            }
        }
    }

    /// A heavy barrier; `false` if the system refused it. In a storm of them, makes readers fence.
    #[cold]
    fn heavy(&self) -> bool {
        if cfg!(handle_table_left_out_barrier) {
            // `.ci/litmus` shows that this is noticed.
            return true;
        }
        let begin = nanos();
        if !heavy_barrier() {
            return false;
        }
        if !cfg!(loom) && self.storm.note_barrier(begin, nanos()) {
            self.make_fenced();
        }
        true
    }

    /// Ends the fenced mode, if that costs more than it saves. `looks` counts the looks at readers
    /// so far.
    #[cold]
    pub(super) fn end_storm(&self, looks: usize) {
        // edge: none. A hint for the mode.
        if self.storm.is_over(looks) && !self.no_barrier.load(Ordering::Relaxed) {
            self.make_light();
        }
    }

    /// Begins a switch from one mode: sets `FENCED` alone. `false` if another thread was faster.
    fn begin_switch(&self, mode: usize) -> bool {
        let to = |now: usize| (Now(now).mode() == mode).then_some(now & !SCANS | FENCED);
        // edge: mode. Relaxed: ordered by the barrier of the switch, which comes after it.
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, to).is_ok()
    }

    /// Ends a switch, unless a barrier was refused meanwhile.
    fn end_switch(&self, mode: usize) {
        let to = |now: usize| (Now(now).mode() == FENCED).then_some(now & !FENCED | mode);
        // edge: mode. Release: the barrier of the switch before the mode that it allows.
        let _ = self.now.fetch_update(Ordering::Release, Ordering::Relaxed, to);
    }

    /// From light to fenced. A reader that has not seen `FENCED` stored its word before the
    /// barrier, so that the scans after it see the word.
    pub(super) fn make_fenced(&self) {
        if self.begin_switch(0) {
            if heavy_barrier() {
                self.end_switch(FENCED | SCANS);
            } else {
                self.refuse();
            }
        }
    }

    /// From fenced to light. A scan that took the mode for fenced made its fence before the
    /// barrier, so that all who see the light mode see what was unlinked before that fence.
    pub(super) fn make_light(&self) {
        if self.begin_switch(FENCED | SCANS) {
            if heavy_barrier() {
                self.end_switch(0);
            } else {
                // edge: none. A hint.
                self.no_barrier.store(true, Ordering::Relaxed);
                self.end_switch(FENCED | SCANS);
            }
        }
    }

    /// The system has refused a barrier that it had promised: readers fence from here on.
    #[cold]
    fn refuse(&self) {
        // edge: mode. Relaxed: a reader that sees this sees `FENCED` in all of its later pins, and
        // says so by `fenced_for_good`.
        self.now.fetch_or(FENCED | REFUSED, Ordering::Relaxed);
    }

    /// In a forked child, which has one thread: another one may have been about to switch.
    #[cfg(not(loom))]
    pub(super) fn after_fork(&self) {
        let has_barrier = register_barrier();
        // edge: none. The child has one thread.
        self.no_barrier.store(!has_barrier, Ordering::Relaxed);
        let now = self.now().era().wrapping_add(ERA) | FENCED | SCANS | LEFT;
        // edge: none. The child has one thread.
        self.now.store(now, Ordering::Relaxed);
    }

    /// Says that retired values wait for any thread.
    pub(super) fn set_left(&self) {
        // edge: left. Relaxed: ordered by the fence before it.
        self.now.fetch_or(LEFT, Ordering::Relaxed);
    }

    /// Says that none do.
    pub(super) fn clear_left(&self) {
        // edge: left. Relaxed: ordered by the fence after it.
        self.now.fetch_and(!LEFT, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn at(era: usize) -> Eras {
        let eras = Eras::new();
        eras.now.store(era & !LOW, Ordering::Relaxed);
        eras
    }

    #[test]
    fn each_flag_is_read_alone() {
        let flags = [FENCED, SCANS, REFUSED, LEFT];
        for flag in flags {
            let now = Now(7 * ERA + flag);
            let read = [now.is_fenced(), now.scans(), now.is_refused(), now.is_left()];
            assert_eq!(read, flags.map(|one| one == flag));
            assert_eq!((now.era(), now.mode()), (7 * ERA, if flag == LEFT { 0 } else { flag }));
        }
        assert_eq!(Now(7 * ERA + LOW).mode(), FENCED + SCANS + REFUSED);
        assert_eq!(Now(usize::MAX).era(), usize::MAX - LOW);
    }

    #[test]
    fn eras_are_compared_across_their_wrap() {
        let last = usize::MAX & !LOW;
        let eras = at(last);
        let first = eras.begin_era(last);
        assert_eq!(first, 0);
        assert!(eras.has_begun(last) && eras.has_begun(first) && !eras.has_begun(ERA));
        assert!(is_before(last, first) && !is_before(first, last) && !is_before(last, last));
        assert_eq!(earlier(first, last), last);
        assert_eq!(earlier(last, first), last);
    }

    #[test]
    fn no_era_begins_while_one_that_is_compared_with_is_far_behind() {
        let eras = at(3 * MOST_BEHIND);
        let next = eras.begin_era(MOST_BEHIND & !LOW);
        assert_eq!(next, eras.next_era(), "the era that comes next");
        assert_eq!(eras.now().era(), (3 * MOST_BEHIND) & !LOW);
        assert!(!eras.has_begun(next));
        assert_eq!(eras.begin_era(2 * MOST_BEHIND), next);
        assert!(eras.has_begun(next));
    }

    #[test]
    fn a_switch_of_modes_begins_no_era() {
        register_barrier();
        let eras = at(7 << LOW_BITS);
        eras.make_fenced();
        assert!(eras.now().is_fenced());
        eras.make_light();
        assert_eq!(eras.now().era(), 7 << LOW_BITS);
    }
}
