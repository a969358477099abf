//! The workloads. Only the loop that each one describes is timed. Before it, threads are started,
//! the values to be read are inserted, and random sequences are made; after it, the values are
//! removed.

use std::{collections::HashMap, hint::black_box, sync::Mutex};

use rtrb::{Consumer, Producer};

use crate::{
    mixed,
    race::{race, Line, Plan, Random, Sample},
    storm::{self, Job},
    systems::{Reader, System},
    value::Value,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// Each thread inserts a value and removes it at once, again and again.
    InsertRemove,
    /// Each thread inserts a value, looks it up and reads it, and removes it: as for a callback
    /// that is called once.
    InsertGetRemove,
    /// All threads look up and read one value, with a pin (or lock, or reference count) each time.
    GetHot,
    /// Each thread looks up and reads random values among 1,024, with a pin each time. The handles
    /// are taken from an array of 2,048, in which they lie in the order of their use.
    Get1K,
    /// As `Get1K`, but among 1,000,000, and the array of handles is as long as the run.
    Get1M,
    /// As `GetHot`, under one pin taken in advance.
    PinnedHot,
    /// As `Get1K`, under one pin taken in advance.
    Pinned1K,
    /// As `Get1M`, under one pin taken in advance.
    Pinned1M,
    /// As `Pinned1K`, but after every 64 look-ups the thread unpins and pins again: a message pump.
    Pump,
    /// 90 of 100 operations look up and read, 5 insert, 5 remove, with 100,000 live: see [`mixed`].
    Mixed,
    /// One thread of a pair inserts, and sends the handle through a ring of 1,024. The other takes
    /// it out, looks it up, reads, and removes. All of that is one operation. Four threads are two
    /// pairs, each with its ring, and so on.
    HandOff,
    /// Of two threads one inserts a value and removes it, again and again, and is timed. The other
    /// looks one value up.
    StormPairs,
    /// The same, and the look-ups are timed.
    StormGets,
    /// One thread looks one value up, and is timed. The other inserts and removes a value each
    /// millisecond.
    GetsBesideFew,
    /// One thread looks one value up, and is timed. The other sleeps.
    GetsBesideNone,
}

impl Workload {
    pub const ALL: [Self; 15] = [
        Self::InsertRemove,
        Self::InsertGetRemove,
        Self::GetHot,
        Self::Get1K,
        Self::Get1M,
        Self::PinnedHot,
        Self::Pinned1K,
        Self::Pinned1M,
        Self::Pump,
        Self::Mixed,
        Self::HandOff,
        Self::StormPairs,
        Self::StormGets,
        Self::GetsBesideFew,
        Self::GetsBesideNone,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::InsertRemove => "insert-remove",
            Self::InsertGetRemove => "insert-get-remove",
            Self::GetHot => "get-hot",
            Self::Get1K => "get-1k",
            Self::Get1M => "get-1m",
            Self::PinnedHot => "pinned-hot",
            Self::Pinned1K => "pinned-1k",
            Self::Pinned1M => "pinned-1m",
            Self::Pump => "pump",
            Self::Mixed => "mixed-90-5-5",
            Self::HandOff => "hand-off",
            Self::StormPairs => "storm-pairs",
            Self::StormGets => "storm-gets",
            Self::GetsBesideFew => "gets-beside-few",
            Self::GetsBesideNone => "gets-beside-none",
        }
    }

    pub fn runs_on(self, threads: usize) -> bool {
        match self {
            Self::HandOff => threads > 0 && threads.is_multiple_of(2),
            Self::StormPairs | Self::StormGets | Self::GetsBesideFew | Self::GetsBesideNone => {
                threads == 2
            }
            _ => threads > 0,
        }
    }

    /// The operations of each thread, chosen so that a run takes tens of milliseconds.
    pub fn ops(self, threads: usize, quick: bool) -> usize {
        let ops = match self {
            Self::InsertRemove | Self::InsertGetRemove => 1 << 20,
            Self::GetHot | Self::Get1K => 1 << 22,
            Self::PinnedHot | Self::Pinned1K | Self::Pump => 1 << 23,
            Self::Get1M | Self::Pinned1M => 1 << 20,
            Self::Mixed | Self::HandOff => 1 << 19,
            Self::StormPairs => 1 << 16,
            Self::StormGets => 1 << 20,
            // Some hundred milliseconds, with as many deletes.
            Self::GetsBesideFew | Self::GetsBesideNone => 1 << 24,
        };
        let ops = if quick { ops / 8 } else { ops };
        // With more than two threads, the operations of all threads together stay the same.
        (ops / threads.div_ceil(2)).next_multiple_of(PICKS)
    }

    /// Runs once, on a new system. `None` if the system does not support the workload: it has no
    /// pin that many look-ups can share, or can't hold that many values.
    pub fn run<S: System>(self, plan: &Plan) -> Option<Sample> {
        match self {
            Self::InsertRemove => Some(churn::<S, false>(plan)),
            Self::InsertGetRemove => S::LOOKS_UP.then(|| churn::<S, true>(plan)),
            Self::GetHot => get::<S>(plan, 1, Pins::Each),
            Self::Get1K => get::<S>(plan, 1 << 10, Pins::Each),
            Self::Get1M => get::<S>(plan, 1_000_000, Pins::Each),
            Self::PinnedHot => get::<S>(plan, 1, Pins::Once),
            Self::Pinned1K => get::<S>(plan, 1 << 10, Pins::Once),
            Self::Pinned1M => get::<S>(plan, 1_000_000, Pins::Once),
            Self::Pump => get::<S>(plan, 1 << 10, Pins::Every64),
            Self::Mixed => mixed::run::<S>(plan),
            Self::HandOff => Some(hand_off::<S>(plan)),
            Self::StormPairs => storm::run::<S>(plan, Job::Pairs, Job::Gets),
            Self::StormGets => storm::run::<S>(plan, Job::Gets, Job::Pairs),
            Self::GetsBesideFew => storm::run::<S>(plan, Job::Gets, Job::FewPairs),
            Self::GetsBesideNone => storm::run::<S>(plan, Job::Gets, Job::Sleeps),
        }
    }
}

// Each timed loop is a function of its own, so that it has all registers to itself. It is written
// as two nested loops, since LLVM then takes the calls in the inner one for hot and inlines more of
// them.

fn churn<S: System, const GET: bool>(plan: &Plan) -> Sample {
    let system = S::new();
    race(plan, &|_, line| {
        for number in 0..WARM_UP as u64 {
            let id = system.insert(S::Value::make(number));
            assert_eq!(system.take(id), number);
        }
        line.time(|| insert_get_remove::<S, GET>(&system, plan.ops / PICKS))
    })
}

#[inline(never)]
fn insert_get_remove<S: System, const GET: bool>(system: &S, passes: usize) -> u64 {
    let (mut sum, mut number) = (0_u64, 0_u64);
    for _ in 0..passes {
        for _ in 0..PICKS {
            let id = black_box(system.insert(S::Value::make(black_box(number))));
            if GET {
                sum = sum.wrapping_add(black_box(system.get(id)));
            }
            system.remove(black_box(id));
            number += 1;
        }
    }
    sum
}

enum Pins {
    Each,
    Once,
    Every64,
}

fn get<S: System>(plan: &Plan, live: usize, pins: Pins) -> Option<Sample> {
    if live > S::CAPACITY || !S::LOOKS_UP {
        return None;
    }
    let system = S::new();
    if !matches!(pins, Pins::Each) && system.reader().is_none() {
        return None;
    }
    let ids = fill(&system, live);
    let sample = race(plan, &|thread, line| {
        let picks = picks(&ids, plan, thread);
        let each = |id| system.get(id);
        get_all(&picks[..picks.len().min(WARM_UP)], 1, each);
        let passes = plan.ops / picks.len();
        if let Pins::Each = pins {
            return line.time(|| get_all(&picks, passes, each));
        }
        let reader = system.reader().expect("asked for above");
        match pins {
            Pins::Every64 => line.time(|| get_pumped(reader, &picks, passes)),
            _ => line.time(|| get_all(&picks, passes, |id| reader.get(id))),
        }
    });
    empty(&system, ids);
    Some(sample)
}

#[inline(never)]
fn get_all<I: Copy>(picks: &[I], passes: usize, get: impl Fn(I) -> u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..passes {
        for &id in picks {
            sum = sum.wrapping_add(black_box(get(black_box(id))));
        }
    }
    sum
}

fn get_pumped<I: Copy>(mut reader: impl Reader<I>, picks: &[I], passes: usize) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..passes {
        for turn in picks.chunks_exact(64) {
            sum = sum.wrapping_add(get_all(turn, 1, |id| reader.get(id)));
            reader = reader.repin();
        }
    }
    sum
}

fn hand_off<S: System>(plan: &Plan) -> Sample {
    let system = S::new();
    let pairs = plan.threads / 2;
    let (senders, receivers): (HashMap<_, _>, HashMap<_, _>) = (0..pairs)
        .map(|_| rtrb::RingBuffer::<S::Id>::new(1024))
        .enumerate()
        .map(|(pair, (sender, receiver))| ((pair, sender), (pair, receiver)))
        .unzip();
    let (senders, receivers) = (Mutex::new(senders), Mutex::new(receivers));
    let take = "each end is taken once";
    race(plan, &|thread, line: &Line| {
        let pair = thread / 2;
        if thread % 2 == 0 {
            let sender = senders.lock().expect("no panics").remove(&pair);
            let mut sender = sender.expect(take);
            line.time(|| send(&system, &mut sender, plan.ops / PICKS))
        } else {
            let receiver = receivers.lock().expect("no panics").remove(&pair);
            let mut receiver = receiver.expect(take);
            line.time(|| receive(&system, &mut receiver, plan.ops / PICKS))
        }
    })
}

#[inline(never)]
fn send<S: System>(system: &S, ring: &mut Producer<S::Id>, passes: usize) -> u64 {
    let mut number = 0_u64;
    for _ in 0..passes {
        for _ in 0..PICKS {
            let id = system.insert(S::Value::make(black_box(number)));
            wait(|| ring.push(id).ok());
            number += 1;
        }
    }
    0
}

#[inline(never)]
fn receive<S: System>(system: &S, ring: &mut Consumer<S::Id>, passes: usize) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..passes {
        for _ in 0..PICKS {
            let id = wait(|| ring.pop().ok());
            sum = sum.wrapping_add(black_box(system.take(id)));
        }
    }
    sum
}

/// Calls `attempt` until it succeeds: spins for a while, then yields the processor.
fn wait<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    let mut tries = 0_u32;
    loop {
        match attempt() {
            Some(result) => return result,
            None if tries < 128 => {
                tries += 1;
                std::hint::spin_loop();
            }
            None => std::thread::yield_now(),
        }
    }
}

/// Operations before the timed ones, to warm up code, caches and free lists.
const WARM_UP: usize = 4096;

/// The length of a sequence of handles that is used again and again.
pub(crate) const PICKS: usize = 2048;

pub(crate) fn fill<S: System>(system: &S, live: usize) -> Vec<S::Id> {
    let values = 0..live as u64;
    values.map(|number| system.insert(S::Value::make(number))).collect()
}

pub(crate) fn empty<S: System>(system: &S, ids: Vec<S::Id>) {
    for id in ids {
        system.remove(id);
    }
}

/// The handles that a thread will look up, in that order.
fn picks<I: Copy>(ids: &[I], plan: &Plan, thread: usize) -> Vec<I> {
    let length = if ids.len() > PICKS { plan.ops } else { PICKS };
    let mut random = Random::new(plan, thread);
    (0..length).map(|_| ids[random.below(ids.len())]).collect()
}
