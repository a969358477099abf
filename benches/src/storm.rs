//! Workloads of two threads that do different things, of which one is timed: look-ups beside
//! deletes, and deletes beside look-ups.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use crate::{
    race::{race, Plan, Sample},
    systems::System,
    value::Value,
    workloads::{empty, fill, PICKS},
};

/// What a thread does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Inserts a value and removes it.
    Pairs,
    /// Looks one value up and reads it.
    Gets,
    /// A pair, and a sleep of a millisecond.
    FewPairs,
    /// A sleep of a millisecond.
    Sleeps,
}

/// Times `job`, beside another thread that does `beside` until that is done.
pub(crate) fn run<S: System>(plan: &Plan, job: Job, beside: Job) -> Option<Sample> {
    if !S::LOOKS_UP {
        return None;
    }
    let system = S::new();
    let hot = fill(&system, 1);
    let done = AtomicBool::new(false);
    let sample = race(plan, &|thread, line| {
        step(&system, hot[0], Job::Pairs);
        if thread == 0 {
            line.time(|| {
                let sum = steps(&system, hot[0], job, plan.ops / PICKS);
                done.store(true, Relaxed);
                sum
            })
        } else {
            line.accompany(|| {
                while !done.load(Relaxed) {
                    step(&system, hot[0], beside);
                }
            })
        }
    });
    empty(&system, hot);
    Some(sample)
}

#[inline(never)]
fn steps<S: System>(system: &S, hot: S::Id, job: Job, passes: usize) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..passes {
        for _ in 0..PICKS {
            sum = sum.wrapping_add(step(system, hot, job));
        }
    }
    sum
}

#[inline(always)]
fn step<S: System>(system: &S, hot: S::Id, job: Job) -> u64 {
    if let Job::Pairs | Job::FewPairs = job {
        let id = black_box(system.insert(S::Value::make(black_box(1))));
        system.remove(black_box(id));
    }
    if let Job::FewPairs | Job::Sleeps = job {
        thread::sleep(Duration::from_millis(1));
    }
    match job {
        Job::Gets => black_box(system.get(black_box(hot))),
        _ => 0,
    }
}
