//! The workload of mostly reads: 90 of 100 operations look up and read, 5 insert, 5 remove.
//!
//! 100,000 values are live. Half of them stay, and all threads read them. The other half is divided
//! among the threads: each thread inserts its part, reads it, adds to it, and removes from it at
//! random. A read picks evenly among all values that the thread has handles of. The random choices
//! are made in advance. Timed are the operations, and the upkeep of the thread's list of handles.

use std::hint::black_box;

use crate::{
    race::{race, Plan, Random, Sample},
    systems::System,
    value::Value,
    workloads::{empty, fill, PICKS},
};

const LIVE: usize = 100_000;

#[derive(Clone, Copy)]
enum Step {
    ReadStaying(u32),
    ReadOwn(u32),
    Insert,
    Remove(u32),
}

pub(crate) fn run<S: System>(plan: &Plan) -> Option<Sample> {
    if 2 * LIVE > S::CAPACITY || !S::LOOKS_UP {
        return None;
    }
    let system = S::new();
    let staying = fill(&system, LIVE / 2);
    let sample = race(plan, &|thread, line| {
        let mut own = fill(&system, LIVE / 2 / plan.threads);
        let steps = steps(plan, thread, staying.len(), own.len());
        let lap = line.time(|| run_steps(&system, &staying, &mut own, &steps));
        empty(&system, own);
        lap
    });
    empty(&system, staying);
    Some(sample)
}

/// A function of its own with two nested loops, for the reasons given in `workloads.rs`.
#[inline(never)]
fn run_steps<S: System>(
    system: &S,
    staying: &[S::Id],
    own: &mut Vec<S::Id>,
    steps: &[Step],
) -> u64 {
    let (mut sum, mut next) = (0_u64, 0_u64);
    for steps in steps.chunks(PICKS) {
        for &step in steps {
            match step {
                Step::ReadStaying(nth) => {
                    let id = black_box(staying[nth as usize]);
                    sum = sum.wrapping_add(black_box(system.get(id)));
                }
                Step::ReadOwn(nth) => {
                    let id = black_box(own[nth as usize]);
                    sum = sum.wrapping_add(black_box(system.get(id)));
                }
                Step::Insert => {
                    own.push(system.insert(S::Value::make(black_box(next))));
                    next += 1;
                }
                Step::Remove(nth) => system.remove(black_box(own.swap_remove(nth as usize))),
            }
        }
    }
    sum
}

fn steps(plan: &Plan, thread: usize, staying: usize, mut own: usize) -> Vec<Step> {
    let mut random = Random::new(plan, thread);
    let mut step = || match random.below(100) {
        0..5 if own > 0 => {
            own -= 1;
            Step::Remove(random.below(own + 1) as u32)
        }
        5..10 => {
            own += 1;
            Step::Insert
        }
        _ => match random.below(staying + own) {
            nth if nth < staying => Step::ReadStaying(nth as u32),
            nth => Step::ReadOwn((nth - staying) as u32),
        },
    };
    (0..plan.ops).map(|_| step()).collect()
}
