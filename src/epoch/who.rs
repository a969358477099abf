//! [`Who`]: whose record it is, and since when its reader is known to be in the way.

use std::time::Duration;

#[cfg(not(loom))]
use super::os_thread;
use crate::{
    reader::NAME_BYTES,
    sync::{ticks, AtomicUsize, Ordering, TICK},
};

const NAME_WORDS: usize = NAME_BYTES / size_of::<usize>();

/// What people are told about a record's thread. A cut-off name, of at most `NAME_BYTES`.
#[derive(Debug)]
pub(super) struct Who {
    id: AtomicUsize,
    /// See [`os_thread::address`].
    #[cfg(not(loom))]
    address: AtomicUsize,
    name: [AtomicUsize; NAME_WORDS],
    /// The era of the reader that was found in the way, and when it first was, in ticks.
    era: AtomicUsize,
    since: AtomicUsize,
}

impl Who {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self {
            id: AtomicUsize::new(0),
            address: AtomicUsize::new(0),
            name: [const { AtomicUsize::new(0) }; NAME_WORDS],
            era: AtomicUsize::new(0),
            since: AtomicUsize::new(0),
        }
    }

    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self {
            id: AtomicUsize::new(0),
            name: std::array::from_fn(|_| AtomicUsize::new(0)),
            era: AtomicUsize::new(0),
            since: AtomicUsize::new(0),
        }
    }

    /// Writes the calling thread's name and number.
    #[cfg(not(loom))]
    pub(super) fn set_to_this_thread(&self) {
        let name = os_thread::name();
        for (word, chunk) in self.name.iter().zip(name.chunks_exact(size_of::<usize>())) {
            let mut bytes = [0; size_of::<usize>()];
            bytes.copy_from_slice(chunk);
            // edge: none. For people.
            word.store(usize::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        self.set_id();
        // edge: none. Read by this thread, or by one that got its address.
        self.address.store(os_thread::address(), Ordering::Relaxed);
    }

    /// Writes the calling thread's number, which is another one in a forked child.
    #[cfg(not(loom))]
    pub(super) fn set_id(&self) {
        // edge: none. For people.
        self.id.store(os_thread::id(), Ordering::Relaxed);
    }

    /// Notes that the reader of this era is in somebody's way.
    pub(super) fn note_in_the_way(&self, era: usize) {
        // edge: none. For people.
        if !cfg!(loom) && self.era.load(Ordering::Relaxed) != era | 1 {
            // edge: none. For people.
            self.since.store(ticks(), Ordering::Relaxed);
            // edge: none. For people.
            self.era.store(era | 1, Ordering::Relaxed);
        }
    }

    /// For how long the reader of this era is known to be in the way.
    pub(super) fn time_in_the_way(&self, era: usize) -> Duration {
        // edge: none. For people.
        if self.era.load(Ordering::Relaxed) == era | 1 {
            // edge: none. For people.
            let since = self.since.load(Ordering::Relaxed);
            // A clock that was set back shows no age.
            let age = u64::try_from(ticks().wrapping_sub(since) as isize).unwrap_or(0);
            return Duration::from_micros(age.saturating_mul(TICK.as_micros() as u64));
        }
        Duration::ZERO
    }

    /// Whether that is the calling thread, which has or had the number `id`. An ended thread may
    /// have had its address; where the system tells no numbers, it is taken for this one then.
    #[cfg(not(loom))]
    pub(super) fn is_this_thread(&self, id: usize) -> bool {
        // edge: none. Written by this thread, or by one whose address it got.
        let address = self.address.load(Ordering::Relaxed);
        address != 0 && address == os_thread::address() && self.id() == id
    }

    /// The thread's number, as the operating system has it.
    pub(super) fn id(&self) -> usize {
        // edge: none. For people.
        self.id.load(Ordering::Relaxed)
    }

    /// The bytes of the thread's name, filled up with zeroes.
    pub(super) fn name(&self) -> [u8; NAME_BYTES] {
        let mut name = [0; NAME_BYTES];
        for (bytes, word) in name.chunks_mut(size_of::<usize>()).zip(&self.name) {
            // edge: none. For people.
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        name
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_reader_does_not_wrap_in_weeks() {
        let (who, era) = (Who::new(), 16);
        who.note_in_the_way(era);
        let weeks = Duration::from_secs(3 * 7 * 24 * 3600);
        let since = ticks().wrapping_sub((weeks.as_micros() / TICK.as_micros()) as usize);
        who.since.store(since, Ordering::Relaxed);
        assert!(who.time_in_the_way(era) >= weeks);
        assert_eq!(who.time_in_the_way(2 * era), Duration::ZERO, "another guard");
    }
}
