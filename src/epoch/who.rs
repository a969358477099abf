//! [`Who`]: whose record it is, and since when its reader is known to be in the way.

#[cfg(not(loom))]
use super::os_thread;
use crate::{
    reader::NAME_BYTES,
    sync::{micros, AtomicUsize, Ordering},
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
    /// The era of the reader that was found in the way, and when it first was, in microseconds.
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
            self.since.store(micros(), Ordering::Relaxed);
            // edge: none. For people.
            self.era.store(era | 1, Ordering::Relaxed);
        }
    }

    /// For how many microseconds the reader of this era is known to be in the way.
    pub(super) fn micros_in_the_way(&self, era: usize) -> usize {
        // edge: none. For people.
        if self.era.load(Ordering::Relaxed) == era | 1 {
            // edge: none. For people.
            let since = self.since.load(Ordering::Relaxed);
            // A clock that was set back shows no age.
            return usize::try_from(micros().wrapping_sub(since) as isize).unwrap_or(0);
        }
        0
    }

    /// Whether that is the calling thread, or an ended one whose address it got. In a forked child
    /// too.
    #[cfg(not(loom))]
    pub(super) fn is_this_thread(&self) -> bool {
        // edge: none. Written by this thread, or by one whose address it got.
        let address = self.address.load(Ordering::Relaxed);
        address != 0 && address == os_thread::address()
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
