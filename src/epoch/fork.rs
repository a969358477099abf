//! A forked child: it has one thread, the one that forked, and a copy of all memory.
//!
//! The others' records still say that they read, and would do so for ever. So a handler that runs
//! in the child clears them, and leaves what has waited for these readers to all threads. (A guard
//! of its own thread may have a record that is the thread's no more, see `Record::orphan`.) Their
//! leases stay taken, since nobody knows in the middle of what those threads were. And the child
//! raises the *floor*, below which no generation is issued, by a random number: or it would issue
//! the same handles as its parent.

#[cfg(not(loom))]
use super::{
    os_thread,
    own::{own_id, DROPS_OUTSIDE, FORKED_AS, IN_TURN, OUTSIDE},
    world::world,
};
#[cfg(not(loom))]
use crate::sync::Ordering;

/// Generations below this are not issued.
#[inline(always)]
pub(crate) fn generation_floor() -> usize {
    #[cfg(not(loom))]
    // edge: none. Changes while the process has one thread.
    return world().floor.load(Ordering::Relaxed);
    #[cfg(loom)]
    0
}

pub(super) use imp::watch_forks;

#[cfg(all(
    any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"),
    not(any(loom, miri))
))]
mod imp {
    use super::{
        generation_floor, os_thread, own_id, world, Ordering, DROPS_OUTSIDE, FORKED_AS, IN_TURN,
        OUTSIDE,
    };
    use crate::{
        config::LAST_GENERATION,
        sync::{count_fork, micros},
    };

    /// Has [`before_fork`] called by threads that fork from now on, and [`after_fork`] in their
    /// children.
    pub(crate) fn watch_forks() {
        // SAFETY: the handlers do nothing that is forbidden in a forked child: they neither lock
        // nor allocate.
        unsafe { libc::pthread_atfork(Some(before_fork), None, Some(after_fork)) };
    }

    extern "C" fn before_fork() {
        FORKED_AS.set(os_thread::id());
    }

    /// # Safety
    ///
    /// The calling thread is the only one of its process, as in a child right after `fork`.
    unsafe extern "C" fn after_fork() {
        let world = world();
        count_fork();
        world.eras.after_fork();
        let own = own_id();
        let mut leased = 0;
        for (number, record) in world.used_records().iter().enumerate() {
            if record.is_kept_after_fork(number, own, FORKED_AS.get()) {
                leased += 1;
            } else {
                world.leave(record.after_fork());
            }
        }
        world.outsiders.after_fork(OUTSIDE.get());
        world.set_leased(leased);
        world.left.set_drops_outside(usize::from(DROPS_OUTSIDE.get()));
        // edge: none. The child has one thread.
        world.left.turns.store(usize::from(IN_TURN.get()), Ordering::Relaxed);

        // Between a sixteenth and an eighth of what is left.
        let floor = generation_floor();
        let least = (LAST_GENERATION - floor) / 16;
        let floor = floor + least + random() % (least + 1);
        // edge: none. The child has one thread.
        world.floor.store(floor, Ordering::Relaxed);
    }

    /// A number that differs from child to child.
    fn random() -> usize {
        let mixed = micros() ^ (std::process::id() as usize).rotate_right(16);
        // The finalizer of MurmurHash3, 32 bits.
        let mut hash = (mixed ^ mixed >> 7) as u32;
        hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
        (hash ^ hash >> 16) as usize
    }
}

#[cfg(not(all(
    any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"),
    not(any(loom, miri))
)))]
mod imp {
    pub(crate) fn watch_forks() {}
}
