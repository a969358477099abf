//! [`Who`]: whose record it is, and since when its reader is known to be in the way.

use crate::{
    reader::NAME_BYTES,
    sync::{micros, AtomicUsize, Ordering},
};

const NAME_WORDS: usize = NAME_BYTES / size_of::<usize>();

/// What people are told about a record's thread. A cut-off name, of at most `NAME_BYTES`.
#[derive(Debug)]
pub(super) struct Who {
    id: AtomicUsize,
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
        let thread = std::thread::current();
        let mut name = thread.name().unwrap_or("").as_bytes().chunks(size_of::<usize>());
        for word in &self.name {
            let mut bytes = [0; size_of::<usize>()];
            if let Some(chunk) = name.next() {
                bytes[..chunk.len()].copy_from_slice(chunk);
            }
            // edge: none. For people.
            word.store(usize::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        // edge: none. For people.
        self.id.store(os_id(), Ordering::Relaxed);
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

    /// Whether that is the calling thread, as far as the operating system numbers threads. A number
    /// may be that of an ended thread once more.
    #[cfg(not(loom))]
    pub(super) fn is_this_thread(&self) -> bool {
        let id = self.id();
        id != 0 && id == os_id()
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

/// The calling thread's number, as debuggers and `top` show it; zero where it isn't known.
#[cfg(not(loom))]
fn os_id() -> usize {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: it takes nothing, and touches no memory of this process.
    return unsafe { libc::syscall(libc::SYS_gettid) } as usize;
    #[cfg(windows)]
    // SAFETY: it takes nothing, and touches no memory.
    return unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() } as usize;
    #[cfg(target_os = "openbsd")]
    // SAFETY: it takes nothing, and touches no memory.
    return unsafe { libc::getthrid() } as usize;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "openbsd", windows)))]
    0
}
