//! Which shard a thread owns: a process-wide set of lease numbers.
//!
//! A thread takes the lowest free number on its first use of any table and gives it back when it
//! ends. In every table, the number names the shard that this thread alone may touch without
//! read-modify-writes. A thread that finds no number free, or whose thread-locals are already
//! gone, has none, and takes the shared path.
//!
//! **Algorithm**: a bitmap; a claim sets the lowest clear bit by compare-exchange, a return clears
//! it. **Collision**: the loser sees the winner's bit and takes the next. **ABA**: a bit that was
//! returned and claimed again in between is claimed all the same: the compare-exchange fails.
//! **Orderings**: edge "lease": return is a Release, claim an Acquire, so what the last owner did
//! to its shards, without atomics, comes before what the next one does.

use crate::{
    config::MAX_SHARDS,
    sync::{AtomicUsize, Ordering},
};

const WORDS: usize = MAX_SHARDS.div_ceil(usize::BITS as usize);

/// The set of lease numbers; a set bit is a number that some thread has.
#[derive(Debug)]
pub(crate) struct Leases {
    words: [AtomicUsize; WORDS],
}

/// `const` in std, where the set is a static; loom's atomics are made at run time.
#[cfg(not(loom))]
impl Leases {
    const fn new() -> Self {
        Self {
            words: [const { AtomicUsize::new(0) }; WORDS],
        }
    }
}

#[cfg(loom)]
impl Leases {
    pub(crate) fn new() -> Self {
        Self {
            words: std::array::from_fn(|_| AtomicUsize::new(0)),
        }
    }
}

impl Leases {
    /// Takes the lowest free number below [`MAX_SHARDS`], if there is one.
    pub(crate) fn claim(&self) -> Option<usize> {
        for (nth, word) in self.words.iter().enumerate() {
            // edge: none. A guess; the compare-exchange decides.
            let mut bits = word.load(Ordering::Relaxed);
            loop {
                let bit = bits.trailing_ones();
                let number = nth * usize::BITS as usize + bit as usize;
                if bit == usize::BITS || number >= MAX_SHARDS {
                    break;
                }
                // edge: lease. After all that the last holder of the number did.
                match word.compare_exchange_weak(
                    bits,
                    bits | 1 << bit,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(number),
                    Err(now) => bits = now,
                }
            }
        }
        None
    }

    /// Gives a number back.
    pub(crate) fn release(&self, number: usize) {
        let (nth, bit) = (number / usize::BITS as usize, number % usize::BITS as usize);
        // edge: lease. All that this holder did comes before the next one's claim.
        self.words[nth].fetch_and(!(1 << bit), Ordering::Release);
    }
}

/// The set of this process's numbers.
#[cfg(not(loom))]
pub(crate) fn leases() -> &'static Leases {
    static LEASES: Leases = Leases::new();
    &LEASES
}

/// The set of this execution's numbers. Shared, not static, since loom's statics end before the
/// main thread's locals do.
#[cfg(loom)]
pub(crate) fn leases() -> crate::sync::Arc<Leases> {
    loom::lazy_static! {
        static ref LEASES: crate::sync::Arc<Leases> = crate::sync::Arc::new(Leases::new());
    }
    crate::sync::Arc::clone(&LEASES)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_number_once_lowest_first_until_none_is_left() {
        let leases = Leases::new();
        for expected in 0..MAX_SHARDS {
            assert_eq!(leases.claim(), Some(expected));
        }
        assert_eq!(leases.claim(), None);
        leases.release(7);
        leases.release(3);
        assert_eq!(leases.claim(), Some(3));
        assert_eq!(leases.claim(), Some(7));
        assert_eq!(leases.claim(), None);
    }
}
