//! The workloads. Nothing but the loop that each describes is timed: threads are started, values
//! to read inserted, and random sequences made before; what is left is removed after.

use std::{collections::HashMap, hint::black_box, sync::Mutex};

use rtrb::{Consumer, Producer};

use crate::{
    mixed,
    race::{race, Line, Plan, Random, Sample},
    systems::{Reader, System},
    value::Value,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// Each thread inserts a value and removes it at once.
    InsertRemove,
    /// Each thread inserts a value, looks it up and reads it, and removes it: a callback that is
    /// called once.
    InsertGetRemove,
    /// All threads look up and read one value, with a pin (or lock, or count) each time.
    GetHot,
    /// Each thread looks up and reads values at random among 1,024, with a pin each time. The
    /// handles lie in the order of use in an array of 2,048.
    Get1K,
    /// The same among 1,000,000, the handles in an array as long as the run.
    Get1M,
    /// As `GetHot`, under one pin taken in advance.
    PinnedHot,
    /// As `Get1K`, under one pin taken in advance.
    Pinned1K,
    /// As `Get1M`, under one pin taken in advance.
    Pinned1M,
    /// As `Pinned1K`, but every 64 look-ups let go and pin anew: a message pump.
    Pump,
    /// 90 of 100 operations look up and read, 5 insert, 5 remove, with 100,000 live: see
    /// [`mixed`].
    Mixed,
    /// Of two threads, one inserts and sends the handle through a ring of 1,024; the other takes
    /// it out, looks up, reads and removes. One operation is all of that. More threads are more
    /// pairs, with a ring for each.
    HandOff,
}

impl Workload {
    pub const ALL: [Self; 11] = [
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
        }
    }

    pub fn runs_on(self, threads: usize) -> bool {
        threads > 0 && (self != Self::HandOff || threads.is_multiple_of(2))
    }

    /// Operations of each thread in a run that is to take tens of milliseconds.
    pub fn ops(self, threads: usize, quick: bool) -> usize {
        let ops = match self {
            Self::InsertRemove | Self::InsertGetRemove => 1 << 20,
            Self::GetHot | Self::Get1K => 1 << 22,
            Self::PinnedHot | Self::Pinned1K | Self::Pump => 1 << 23,
            Self::Get1M | Self::Pinned1M => 1 << 20,
            Self::Mixed | Self::HandOff => 1 << 19,
        };
        let ops = if quick { ops / 8 } else { ops };
        // Beyond two threads the whole machine does the same in all.
        (ops / threads.div_ceil(2)).next_multiple_of(PICKS)
    }

    /// One run on a fresh system. `None` if the system can't do it: it has no pin that many
    /// look-ups can share, or no room for so many values.
    pub fn run<S: System>(self, plan: &Plan) -> Option<Sample> {
        match self {
            Self::InsertRemove => Some(churn::<S, false>(plan)),
            Self::InsertGetRemove => Some(churn::<S, true>(plan)),
            Self::GetHot => get::<S>(plan, 1, Pins::Each),
            Self::Get1K => get::<S>(plan, 1 << 10, Pins::Each),
            Self::Get1M => get::<S>(plan, 1_000_000, Pins::Each),
            Self::PinnedHot => get::<S>(plan, 1, Pins::Once),
            Self::Pinned1K => get::<S>(plan, 1 << 10, Pins::Once),
            Self::Pinned1M => get::<S>(plan, 1_000_000, Pins::Once),
            Self::Pump => get::<S>(plan, 1 << 10, Pins::Every64),
            Self::Mixed => mixed::run::<S>(plan),
            Self::HandOff => Some(hand_off::<S>(plan)),
        }
    }
}

// The timed loops stand in functions of their own, so that they have the registers to themselves; and
// twice nested, since LLVM then takes the calls in them for hot, and inlines more of what is called.

fn churn<S: System, const GET: bool>(plan: &Plan) -> Sample {
    let system = S::new();
    race(plan, &|_, line| {
        for number in 0..WARM_UP as u64 {
            let id = system.insert(S::Value::make(number));
            assert_eq!(system.get(id), number);
            system.remove(id);
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
    if live > S::CAPACITY {
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
        let reader = system.reader().expect("it has one");
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
            sum = sum.wrapping_add(black_box(system.get(id)));
            system.remove(id);
        }
    }
    sum
}

/// Spins for a while, then lets others run.
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

/// Operations before the timed ones, so that code, caches and free lists are warm.
const WARM_UP: usize = 4096;

/// How long a sequence of handles is that is gone through again and again.
pub(crate) const PICKS: usize = 2048;

pub(crate) fn fill<S: System>(system: &S, live: usize) -> Vec<S::Id> {
    let values = 0..live as u64;
    values
        .map(|number| system.insert(S::Value::make(number)))
        .collect()
}

pub(crate) fn empty<S: System>(system: &S, ids: Vec<S::Id>) {
    for id in ids {
        system.remove(id);
    }
}

/// Handles in the order in which a thread will look them up.
fn picks<I: Copy>(ids: &[I], plan: &Plan, thread: usize) -> Vec<I> {
    let length = if ids.len() > PICKS { plan.ops } else { PICKS };
    let mut random = Random::new(plan, thread);
    (0..length).map(|_| ids[random.below(ids.len())]).collect()
}
