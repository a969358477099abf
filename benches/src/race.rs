//! The stopwatch: threads that start together, and are timed until the last one has finished.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        Barrier,
    },
    thread,
    time::{Duration, Instant},
};

use core_affinity::CoreId;

/// The size of one run of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub threads: usize,
    /// Operations of each thread.
    pub ops: usize,
    /// Seed of the random numbers: one for each round, so that all systems get the same numbers.
    pub seed: u64,
}

/// The result of one run of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Nanoseconds from the start of the first thread to the end of the last one, divided by the
    /// operations of one thread.
    pub ns: f64,
    /// The sum of all values read. If two systems differ in it, one of them is wrong.
    pub checksum: u64,
}

/// The starting line, where all threads wait for each other.
pub struct Line {
    barrier: Barrier,
    threads: usize,
    awake: AtomicUsize,
}

/// One thread's part in a race.
pub struct Lap {
    start: Instant,
    end: Instant,
    checksum: u64,
}

impl Line {
    /// Waits for all threads, runs `body`, and returns when all threads have finished. Only `body`
    /// is timed.
    pub fn time(&self, body: impl FnOnce() -> u64) -> Lap {
        self.barrier.wait();
        // A thread that slept in the barrier wakes some 20 us later than one that did not.
        self.awake.fetch_add(1, Ordering::SeqCst);
        while self.awake.load(Ordering::SeqCst) < self.threads {
            thread::yield_now();
        }
        let start = Instant::now();
        let checksum = body();
        let end = Instant::now();
        self.barrier.wait();
        Lap { start, end, checksum }
    }
}

impl Line {
    /// Waits for all threads, and runs `body` beside them, which is not timed.
    pub fn accompany(&self, body: impl FnOnce()) -> Lap {
        let lap = self.time(|| {
            body();
            0
        });
        Lap { end: lap.start, ..lap }
    }
}

/// Runs `part` on new threads, numbered from 0. It prepares, calls [`Line::time`] once, and cleans
/// up. Not generic, so that it is compiled once, and not for each system and workload.
pub fn race(plan: &Plan, part: &(dyn Fn(usize, &Line) -> Lap + Sync)) -> Sample {
    let line = Line {
        barrier: Barrier::new(plan.threads),
        threads: plan.threads,
        awake: AtomicUsize::new(0),
    };
    let processors = processors(plan);
    let laps: Vec<Lap> = thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.threads)
            .map(|nth| {
                let line = &line;
                let processor = processors.get(nth).copied();
                scope.spawn(move || {
                    // Not every operating system supports this: see `threads_stay`.
                    let _ = processor.map(core_affinity::set_for_current);
                    part(nth, line)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a workload panicked")).collect()
    });
    let start = laps.iter().map(|lap| lap.start).min();
    let end = laps.iter().map(|lap| lap.end).max();
    let wall = match (start, end) {
        (Some(start), Some(end)) => end - start,
        _ => Duration::ZERO,
    };
    Sample {
        ns: wall.as_nanos() as f64 / plan.ops as f64,
        checksum: laps.iter().fold(0, |sum, lap| sum.wrapping_add(lap.checksum)),
    }
}

/// A processor for each thread to stay on, in an order that differs from round to round. None if
/// there are fewer processors than threads.
///
/// Without this, the scheduler now and then starts two threads on one processor. A run of some
/// milliseconds ends before it moves one of them, so a fast system would seem to take twice its
/// time.
fn processors(plan: &Plan) -> Vec<CoreId> {
    let mut all = core_affinity::get_core_ids().unwrap_or_default();
    let how_many = all.len();
    if how_many < plan.threads {
        return Vec::new();
    }
    all.rotate_left(plan.seed as usize % how_many);
    all
}

/// Whether this operating system lets a thread choose its processor.
pub fn threads_stay() -> bool {
    let all = core_affinity::get_core_ids().unwrap_or_default();
    let stays = |&id| thread::spawn(move || core_affinity::set_for_current(id)).join();
    all.first().map(stays).is_some_and(|done| done.unwrap_or(false))
}

/// Xorshift: cheap numbers that are random enough to defeat a hardware prefetcher.
pub struct Random(u64);

impl Random {
    /// The stream of numbers of one thread in one round.
    pub fn new(plan: &Plan, thread: usize) -> Self {
        let mut random = Self(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (thread as u64 + 1));
        for _ in 0..8 {
            random.number();
        }
        random
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which must be less than 2^32.
    pub fn below(&mut self, bound: usize) -> usize {
        (((self.number() >> 32) * bound as u64) >> 32) as usize
    }
}
