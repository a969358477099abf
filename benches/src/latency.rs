//! The latency of single operations, up to the slowest.
//!
//! Each thread keeps 10,000 values of its own live. In each turn it inserts a value, looks up a
//! random one, and removes the oldest, and reads the clock before and after each operation. The
//! cost of reading the clock is part of all numbers, and is shown as a row of its own.

use std::{collections::VecDeque, hint::black_box, sync::Mutex, time::Instant};

use hdrhistogram::Histogram;

use crate::{
    race::{race, Plan, Random},
    systems::System,
    value::Value,
    workloads::{empty, fill},
};

const LIVE: usize = 10_000;

/// The percentiles that are shown; the last one is the maximum.
pub const PERCENTILES: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 100.0];

/// Histograms of the nanoseconds that single operations took.
pub struct Latencies {
    pub insert: Histogram<u64>,
    pub get: Histogram<u64>,
    pub remove: Histogram<u64>,
}

impl Latencies {
    fn new() -> Self {
        let histogram = || {
            let mut histogram = Histogram::new(3).expect("3 significant digits are allowed");
            histogram.auto(true);
            histogram
        };
        Self { insert: histogram(), get: histogram(), remove: histogram() }
    }

    fn add(&mut self, other: &Self) {
        let resizes = "the histogram resizes itself";
        self.insert.add(&other.insert).expect(resizes);
        self.get.add(&other.get).expect(resizes);
        self.remove.add(&other.remove).expect(resizes);
    }
}

pub fn measure<S: System>(plan: &Plan) -> Latencies {
    let system = S::new();
    let all = Mutex::new(Latencies::new());
    race(plan, &|thread, line| {
        let mut latencies = Latencies::new();
        let mut random = Random::new(plan, thread);
        let live = LIVE.min(S::CAPACITY / 2 / plan.threads);
        let mut ids: VecDeque<_> = fill(&system, live).into();
        let lap = line.time(|| {
            let mut sum = 0_u64;
            for number in 0..plan.ops as u64 {
                let pick = random.below(live);
                let id = timed(&mut latencies.insert, || {
                    system.insert(S::Value::make(black_box(number)))
                });
                ids.push_back(id);
                let id = ids[pick];
                sum = sum.wrapping_add(timed(&mut latencies.get, || system.get(black_box(id))));
                let id = ids.pop_front().expect("one was pushed");
                timed(&mut latencies.remove, || system.remove(black_box(id)));
            }
            sum
        });
        empty(&system, ids.into());
        all.lock().expect("no panics").add(&latencies);
        lap
    });
    all.into_inner().expect("no panics")
}

/// The measured time of an operation that does nothing: the cost of reading the clock.
pub fn clock(plan: &Plan) -> Histogram<u64> {
    let mut latencies = Latencies::new();
    for _ in 0..plan.ops {
        timed(&mut latencies.get, || ());
    }
    latencies.get
}

fn timed<R>(histogram: &mut Histogram<u64>, operation: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = black_box(operation());
    let took = start.elapsed();
    histogram.record(took.as_nanos() as u64).expect("the histogram resizes itself");
    result
}
