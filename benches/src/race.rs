//! What times the systems: threads that start together and stop together.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        Barrier,
    },
    thread,
    time::{Duration, Instant},
};

use core_affinity::CoreId;

/// What one run of a workload is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub threads: usize,
    /// Operations of each thread.
    pub ops: usize,
    /// Of this round: the same for all systems.
    pub seed: u64,
}

/// What one run of a workload gave.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Nanoseconds from the first thread's start to the last one's end, per operation of one
    /// thread.
    pub ns: f64,
    /// Of all values read. The same for all systems, or one of them is wrong.
    pub checksum: u64,
}

/// Where all threads wait for each other.
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
    /// Runs `body` when all threads have come here, and returns when all have finished. Only
    /// `body` is timed.
    pub fn time(&self, body: impl FnOnce() -> u64) -> Lap {
        self.barrier.wait();
        // Who slept there wakes some 20 us after who did not.
        self.awake.fetch_add(1, Ordering::SeqCst);
        while self.awake.load(Ordering::SeqCst) < self.threads {
            thread::yield_now();
        }
        let start = Instant::now();
        let checksum = body();
        let end = Instant::now();
        self.barrier.wait();
        Lap {
            start,
            end,
            checksum,
        }
    }
}

/// Runs `part` on fresh threads, numbered from 0; each prepares, calls [`Line::time`] once, and
/// cleans up. Not generic, so that threads are compiled once, not for each system and workload.
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
                    // Not every system can: see `threads_stay`.
                    let _ = processor.map(core_affinity::set_for_current);
                    part(nth, line)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a workload panicked"))
            .collect()
    });
    let start = laps.iter().map(|lap| lap.start).min();
    let end = laps.iter().map(|lap| lap.end).max();
    let wall = match (start, end) {
        (Some(start), Some(end)) => end - start,
        _ => Duration::ZERO,
    };
    Sample {
        ns: wall.as_nanos() as f64 / plan.ops as f64,
        checksum: laps
            .iter()
            .fold(0, |sum, lap| sum.wrapping_add(lap.checksum)),
    }
}

/// One for each thread to stay on, others first in each round; none if there are too few. Left to
/// itself, the scheduler now and then starts two threads on one processor, and a run of some
/// milliseconds is over before it moves one away: a fast system would seem to take twice its time.
fn processors(plan: &Plan) -> Vec<CoreId> {
    let mut all = core_affinity::get_core_ids().unwrap_or_default();
    let how_many = all.len();
    if how_many < plan.threads {
        return Vec::new();
    }
    all.rotate_left(plan.seed as usize % how_many);
    all
}

/// Whether threads can be kept on processors here.
pub fn threads_stay() -> bool {
    let all = core_affinity::get_core_ids().unwrap_or_default();
    let stays = |&id| thread::spawn(move || core_affinity::set_for_current(id)).join();
    all.first()
        .map(stays)
        .is_some_and(|done| done.unwrap_or(false))
}

/// Xorshift: numbers that are random enough to defeat a prefetcher, and cheap.
pub struct Random(u64);

impl Random {
    /// One stream for each thread of each round.
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

    /// Less than `bound`, which is less than 2^32.
    pub fn below(&mut self, bound: usize) -> usize {
        (((self.number() >> 32) * bound as u64) >> 32) as usize
    }
}
