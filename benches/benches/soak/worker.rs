//! What a thread has: its random numbers, some dead handles, and its sign of life.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use handle_table::{CallError, HandleError, QuiesceError};

use crate::{
    accounts::{fault, Kind, BAD_HANDLES, STEPS},
    random::Rng,
    tables::{keep_dead, one_dead, Entry},
    value::is_private,
};

/// When a thread was last seen between two steps, and at which kind of table it is.
pub struct Beat {
    pub micros: AtomicU64,
    pub at: AtomicUsize,
}

pub struct Worker<'b> {
    pub rng: Rng,
    /// It holds a value or a pin, and so can't wait.
    pub holds: bool,
    /// Handles that this thread has seen deleted, as long as it lives.
    dead: Vec<(Kind, usize)>,
    beat: &'b Beat,
    began: Instant,
}

impl<'b> Worker<'b> {
    pub fn new(rng: Rng, beat: &'b Beat, began: Instant) -> Self {
        Self { rng, holds: false, dead: Vec::new(), beat, began }
    }

    /// Says that the thread is about to take its next step, at this place.
    pub fn begin_step(&self, at: usize) {
        let micros = self.began.elapsed().as_micros() as u64;
        self.beat.micros.store(micros, Relaxed);
        self.beat.at.store(at, Relaxed);
        STEPS.add(1);
    }

    /// Remembers that a handle is dead.
    pub fn bury(&mut self, kind: Kind, raw: usize) {
        if self.dead.len() < 256 {
            self.dead.push((kind, raw));
        } else {
            let nth = self.rng.below(self.dead.len());
            self.dead[nth] = (kind, raw);
        }
        if self.rng.one_in(16) {
            keep_dead(kind, raw, &mut self.rng);
        }
    }

    /// A handle of such a table that was deleted by this thread, or by any thread long ago.
    pub fn dead(&mut self, kind: Kind) -> Option<usize> {
        let own = self.dead.iter().filter(|dead| dead.0 == kind).map(|dead| dead.1);
        let own: Vec<usize> = own.collect();
        if own.is_empty() || self.rng.one_in(2) {
            return one_dead(kind, &mut self.rng);
        }
        Some(own[self.rng.below(own.len())])
    }

    /// Any word: garbage, or a handle with damaged bits, of which a value may be there. Tells
    /// whether it is garbage.
    pub fn forge(&mut self, like: Option<Entry>) -> (usize, bool) {
        match like {
            Some(entry) if self.rng.one_in(2) => {
                (entry.raw ^ 1 << self.rng.below(usize::BITS as usize), false)
            }
            _ if self.rng.one_in(4) => (self.rng.below(4096), true),
            _ => (self.rng.next() as usize, true),
        }
    }

    /// Up to `most` milliseconds.
    pub fn millis(&mut self, most: usize) -> Duration {
        Duration::from_millis(1 + self.rng.below(most) as u64)
    }
}

/// Checks what a look-up or delete has given: the number of the value, or an error that says that
/// it was deleted, unless nobody else can have done that. Returns whether it was there.
pub fn judge(kind: Kind, verb: &str, entry: Entry, result: Result<u64, HandleError>) -> bool {
    match result {
        Ok(number) if number == entry.number => true,
        Ok(number) => fault!("{kind:?} {verb}: {:#x} gave value {number:#x}", entry.raw),
        Err(HandleError::Deleted { raw, .. }) if raw == entry.raw && !is_private(entry.number) => {
            false
        }
        Err(error) => fault!("{kind:?} {verb}: {error}, private: {}", is_private(entry.number)),
    }
}

/// Checks the answer for a handle that was deleted.
pub fn judge_dead<V>(kind: Kind, verb: &str, raw: usize, result: Result<V, HandleError>) {
    match result {
        Err(HandleError::Deleted { raw: told, .. }) if told == raw => {}
        Err(error) => fault!("{kind:?} {verb}: {raw:#x} was deleted, but: {error}"),
        Ok(_) => fault!("{kind:?} {verb}: {raw:#x} was deleted, and is valid again"),
    }
}

/// Counts a word that a callback could not use.
pub fn from_call<R>(kind: Kind, result: Result<R, CallError>) -> Result<R, HandleError> {
    result.map_err(|error| match error {
        CallError::Handle(error) => {
            BAD_HANDLES.add(1);
            error
        }
        error => fault!("{kind:?} call: {error}, and nobody has panicked"),
    })
}

/// Checks a quiesce of a thread that holds nothing.
pub fn judge_quiesce(kind: Kind, result: Result<(), QuiesceError>) {
    match result {
        Ok(()) | Err(QuiesceError::TimedOut { .. }) => {}
        Err(error) => fault!("{kind:?} quiesce: {error}"),
    }
}
