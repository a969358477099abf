//! Which values there are: each is made once and dropped once.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

/// How many values a script may make.
pub(crate) const MOST: usize = 4096;

const UNMADE: u8 = 0;
const ALIVE: u8 = 1;
const DROPPED: u8 = 2;

static STATES: [AtomicU8; MOST] = [const { AtomicU8::new(UNMADE) }; MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A value's number: a serial number, and bits that say what kind of value it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Number(u32);

impl Number {
    const KIND_BITS: u32 = 2;
    const PANICS: u32 = 1 << Self::KIND_BITS;

    /// Takes a byte of the script's for the kind. One in eight panics in its drop.
    pub(crate) fn new(serial: usize, byte: u8) -> Self {
        let kind = u32::from(byte) % Self::PANICS;
        let panics = if byte >= 224 { Self::PANICS } else { 0 };
        Self((serial as u32) << (Self::KIND_BITS + 1) | panics | kind)
    }

    pub(crate) fn serial(self) -> usize {
        (self.0 >> (Self::KIND_BITS + 1)) as usize
    }

    /// For tables of values of several types.
    pub(crate) fn kind(self) -> usize {
        (self.0 % Self::PANICS) as usize
    }

    pub(crate) fn panics(self) -> bool {
        self.0 & Self::PANICS != 0
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

/// Forgets the values of a run, which are all dropped.
pub(crate) fn forget(made: usize) {
    assert_eq!(alive(), 0, "values are left");
    STATES[..made.min(MOST)].iter().for_each(|state| state.store(UNMADE, Relaxed));
}

pub(crate) fn make(number: Number) {
    assert_eq!(STATES[number.serial()].swap(ALIVE, Relaxed), UNMADE, "{number:?} was made twice");
    COUNT.fetch_add(1, Relaxed);
}

pub(crate) fn end(number: Number) {
    assert_eq!(
        STATES[number.serial()].swap(DROPPED, Relaxed),
        ALIVE,
        "{number:?} was dropped twice, or was none"
    );
    COUNT.fetch_sub(1, Relaxed);
}

pub(crate) fn is_alive(number: Number) -> bool {
    STATES.get(number.serial()).is_some_and(|state| state.load(Relaxed) == ALIVE)
}

/// How many values there are.
pub(crate) fn alive() -> usize {
    COUNT.load(Relaxed)
}
