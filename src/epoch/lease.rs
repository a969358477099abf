//! Which shard a thread owns: a process-wide set of lease numbers.
//!
//! A thread takes the lowest free number on its first use of any table and returns it when it ends.
//! Lease n gives its thread shard n + 1 of every table with more shards than that, to write without
//! read-modify-writes. A thread that finds no number free, or whose thread-locals are already
//! destroyed, has no lease, and takes the shared path.
//!
//! - **Algorithm**: a bitmap; a claim sets the lowest clear bit by compare-exchange, a return
//!   clears it.
//! - **Collision**: the loser of a compare-exchange sees the winner's bit and takes the next one.
//! - **ABA**: harmless. If the word is equal again, the exchange succeeds. The claimed bit is clear
//!   at that moment, and a claim needs no more.
//! - **Orderings**: edge "lease". A return is a Release and a claim an Acquire, so what the last
//!   owner did to its shards, without atomics, comes before what the next owner does.

use crate::{
    config::MAX_SHARDS,
    sync::{AtomicUsize, Ordering},
};

const WORDS: usize = MAX_SHARDS.div_ceil(usize::BITS as usize);

/// The set of lease numbers; a set bit is a number that some thread has.
#[derive(Debug)]
pub(super) struct Leases {
    words: [AtomicUsize; WORDS],
}

/// `const` in std, where the set is a static; loom's atomics are made at run time.
#[cfg(not(loom))]
impl Leases {
    pub(super) const fn new() -> Self {
        Self { words: [const { AtomicUsize::new(0) }; WORDS] }
    }
}

#[cfg(loom)]
impl Leases {
    pub(super) fn new() -> Self {
        Self { words: std::array::from_fn(|_| AtomicUsize::new(0)) }
    }
}

impl Leases {
    /// Takes the lowest free number below [`MAX_SHARDS`], if there is one.
    pub(super) fn claim(&self) -> Option<usize> {
        for (nth, word) in self.words.iter().enumerate() {
            // edge: none. A guess; the compare-exchange decides.
            let mut bits = word.load(Ordering::Relaxed);
            loop {
                let bit = bits.trailing_ones();
                let number = nth * usize::BITS as usize + bit as usize;
                if bit == usize::BITS || number >= MAX_SHARDS {
                    break;
                }
                // edge: lease. Acquire: after all that the last holder of the number did.
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

    /// Returns a number.
    pub(super) fn give_back(&self, number: usize) {
        let (nth, bit) = (number / usize::BITS as usize, number % usize::BITS as usize);
        // edge: lease. Release: all that this holder did comes before the next one's claim.
        self.words[nth].fetch_and(!(1 << bit), Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_issued_once_and_the_lowest_first() {
        let leases = Leases::new();
        for expected in 0..MAX_SHARDS {
            assert_eq!(leases.claim(), Some(expected));
        }
        assert_eq!(leases.claim(), None);
        leases.give_back(7);
        leases.give_back(3);
        assert_eq!(leases.claim(), Some(3));
        assert_eq!(leases.claim(), Some(7));
        assert_eq!(leases.claim(), None);
    }
}
