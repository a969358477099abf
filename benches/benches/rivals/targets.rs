//! The project's targets, and whether the numbers of a run meet them. A missed target fails
//! nothing: the noise of a machine is not a bug. benches/TARGETS.md has the figures of a published
//! run.

use std::fmt::Write as _;

use crate::{
    memory::LIVE,
    results::{Cell, Results, Row},
};
use benches::{
    stats::{interval, median, ratio, ratios},
    systems::{Batched, Global, IdrEbr, Once, PinnedBox, RawBox, ShardedSlab, System, Table},
    value::Type::{self, *},
    workloads::Workload::{self, *},
};

const OURS: &str = <Table<u64> as System>::NAME;
const ANY: &str = <Global<u64> as System>::NAME;
const ONCE: &str = <Once<u64> as System>::NAME;
const BATCHED: &str = <Batched<u64> as System>::NAME;
/// The tree that `.ci/before` puts beside this one.
const BEFORE: &str = "before";
const SLAB: &str = <ShardedSlab<u64> as System>::NAME;
const IDR: &str = <IdrEbr<u64> as System>::NAME;
const FLOOR: &str = <RawBox<u64> as System>::NAME;
/// The floor of a look-up with a pin: a pin, and a raw pointer read under it.
const PIN: &str = <PinnedBox<u64> as System>::NAME;
const FFI: &str = "ffi-support";
const PAPAYA: &str = "papaya";
/// Stands for the peer with the lowest median. Floors are not peers.
const BEST: &str = "best peer";

/// A workload, as one system runs it.
type Side = (Workload, &'static str);

/// With values of that type, on that many threads, the first side takes at most that many times the
/// time of the second.
struct Target(Type, usize, Side, Side, f64);

const TARGETS: &[Target] = &[
    Target(U64, 1, (GetHot, OURS), (GetHot, IDR), 0.30),
    Target(U64, 1, (GetHot, OURS), (GetHot, PAPAYA), 0.20),
    Target(U64, 1, (GetHot, OURS), (GetHot, SLAB), 0.13),
    Target(U64, 1, (Get1K, OURS), (Get1K, IDR), 0.33),
    Target(U64, 1, (Get1K, OURS), (Get1K, SLAB), 0.16),
    Target(U64, 1, (Get1M, OURS), (Get1M, BEFORE), 0.80),
    Target(U64, 1, (InsertGetRemove, OURS), (InsertGetRemove, BEFORE), 0.65),
    Target(U64, 2, (InsertGetRemove, OURS), (InsertGetRemove, BEFORE), 0.80),
    Target(U64, 1, (Mixed, OURS), (Mixed, BEFORE), 0.82),
    Target(U64, 2, (Mixed, OURS), (Mixed, BEFORE), 0.82),
    Target(U64, 1, (InsertRemove, OURS), (InsertRemove, BEFORE), 1.03),
    Target(U64, 2, (InsertRemove, OURS), (InsertRemove, BEFORE), 1.10),
    Target(U64, 2, (HandOff, OURS), (HandOff, BEFORE), 1.03),
    Target(U64, 1, (Pinned1K, OURS), (Pinned1K, BEFORE), 1.03),
    Target(U64, 1, (Pump, OURS), (Pump, BEFORE), 1.03),
    Target(Arc, 1, (InsertRemove, OURS), (InsertRemove, SLAB), 1.0),
    Target(Arc, 2, (InsertRemove, OURS), (InsertRemove, SLAB), 1.3),
    Target(Arc, 1, (InsertRemove, BATCHED), (InsertRemove, BEFORE), 1.0),
    Target(Struct128, 1, (InsertRemove, OURS), (InsertRemove, SLAB), 1.0),
    Target(Struct128, 2, (InsertRemove, OURS), (InsertRemove, SLAB), 1.3),
    Target(Struct128, 1, (InsertRemove, BATCHED), (InsertRemove, BEFORE), 1.0),
    Target(Arc, 2, (StormGets, OURS), (StormGets, BEFORE), 1.1),
    Target(Arc, 2, (GetsBesideFew, OURS), (GetsBesideNone, OURS), 1.1),
    Target(U64, 1, (InsertRemove, OURS), (InsertRemove, SLAB), 0.80),
    Target(U64, 1, (InsertRemove, OURS), (InsertRemove, IDR), 0.40),
    Target(U64, 1, (InsertRemove, OURS), (InsertRemove, FFI), 1.0),
    Target(U64, 1, (InsertGetRemove, OURS), (InsertGetRemove, SLAB), 0.65),
    Target(U64, 1, (InsertGetRemove, OURS), (InsertGetRemove, IDR), 0.50),
    Target(U64, 2, (GetHot, OURS), (GetHot, SLAB), 0.30),
    Target(U64, 1, (PinnedHot, OURS), (PinnedHot, IDR), 1.0),
    Target(U64, 1, (Pinned1K, OURS), (Pinned1K, IDR), 1.0),
    Target(U64, 1, (Pinned1K, OURS), (Pinned1K, FLOOR), 2.5),
    Target(U64, 1, (Get1M, OURS), (Get1M, BEST), 1.0),
    Target(U64, 1, (Pinned1M, OURS), (Get1M, SLAB), 0.5),
    Target(U64, 1, (Mixed, OURS), (Mixed, BEST), 0.9),
    Target(U64, 2, (Mixed, OURS), (Mixed, BEST), 0.9),
    Target(U64, 2, (HandOff, OURS), (HandOff, BEST), 0.9),
    Target(U64, 1, (Pump, OURS), (Pinned1K, OURS), 1.3),
    Target(U64, 1, (GetHot, ANY), (GetHot, OURS), 1.15),
    Target(U64, 1, (Get1K, ANY), (Get1K, OURS), 1.15),
    Target(U64, 1, (InsertRemove, ANY), (InsertRemove, OURS), 1.5),
    Target(U64, 1, (InsertRemove, ONCE), (InsertRemove, OURS), 0.9),
    Target(U64, 2, (InsertRemove, ONCE), (InsertRemove, OURS), 0.9),
    Target(U64, 1, (InsertRemove, ONCE), (InsertRemove, FLOOR), 2.0),
    Target(U64, 2, (InsertRemove, ONCE), (InsertRemove, FLOOR), 2.0),
    Target(U64, 2, (HandOff, ONCE), (HandOff, OURS), 1.0),
    Target(Arc, 1, (InsertRemove, ONCE), (InsertRemove, OURS), 0.9),
    Target(Arc, 2, (HandOff, ONCE), (HandOff, OURS), 1.0),
];

/// What a look-up takes longer than one through a raw pointer, in nanoseconds, at the most.
const OVER_RAW: f64 = 2.2;

/// What an insert with a remove takes beside a thread that only looks up, in nanoseconds, at the
/// most.
const STORM_PAIR: f64 = 1_000.0;

/// A look-up takes on two threads at most so many times what it takes on one.
const SHARED: f64 = 1.1;

/// The throughput of one thread divided by that of two, at the most: two threads do at least 1.7
/// times as much.
const LEAST_GROWTH: f64 = 1.0 / 1.7;

/// Bytes of memory for each live `u64`, at the most.
const MEMORY: f64 = 32.0;

/// A line for each target.
pub fn check(results: &Results) -> String {
    let mut text = format!(
        "{:<80} {:>6} {:>8} {:>15}\n",
        "targets: ratio of times, at most", "target", "measured", "95 % interval"
    );
    for Target(kind, threads, one, other, limit) in TARGETS {
        let s = if *threads == 1 { "" } else { "s" };
        let what = format!("{kind}, {threads} thread{s}: {}", versus(one, other));
        let mut note = String::new();
        if other.1 == BEST {
            note += find(results, *kind, *threads, other).map_or("", |best| best.name);
        }
        if let (GetHot | Get1K, OURS) = one {
            note += &of_the_pin(results, *threads, one.0, other);
        }
        let measured = compare(results, *kind, *threads, one, other);
        line(&mut text, &what, *limit, measured, &note);
    }
    look_ups(results, &mut text);
    let what = format!("bytes of memory per live value at {LIVE}");
    let footprint = results.memory.get(&(Type::U64, OURS));
    let measured = footprint.map(|footprint| vec![footprint.per_value()]);
    line(&mut text, &what, MEMORY, measured, "");
    grow(results, &mut text);
    text
}

/// Look-ups beside a raw pointer's, and on two threads beside one.
fn look_ups(results: &Results, text: &mut String) {
    let row = |threads, side| find(results, U64, threads, &side);
    if let (Some(ours), Some(raw)) = (row(1, (GetHot, OURS)), row(1, (GetHot, FLOOR))) {
        let over = ours.ns.iter().zip(&raw.ns).map(|(ours, raw)| ours - raw).collect();
        let what = format!("u64, 1 thread: {OURS} get-hot over {FLOOR}, nanoseconds");
        line(text, &what, OVER_RAW, Some(over), "");
    }
    if let Some(ours) = find(results, Arc, 2, &(StormPairs, OURS)) {
        let what = format!("arc, 2 threads: {OURS} storm-pairs, nanoseconds");
        line(text, &what, STORM_PAIR, Some(ours.ns.clone()), "");
    }
    for workload in [GetHot, Get1K] {
        if let (Some(two), Some(one)) = (row(2, (workload, OURS)), row(1, (workload, OURS))) {
            let what = format!("u64, 2 threads to 1: {OURS} {}", workload.name());
            line(text, &what, SHARED, Some(ratios(&two.ns, &one.ns)), "");
        }
    }
}

/// The throughput of one thread divided by that of two, where the floor's throughput grows. It is
/// half of the ratio of times, since two threads do two operations in the time of one.
fn grow(results: &Results, text: &mut String) {
    for workload in Workload::ALL {
        let growth = |name| {
            let side = (workload, name);
            let (two, one) = (find(results, U64, 2, &side)?, find(results, U64, 1, &side)?);
            let times = ratios(&two.ns, &one.ns).into_iter();
            Some(times.map(|time| time / 2.0).collect::<Vec<_>>())
        };
        if let (Some(ours), Some(floor)) = (growth(OURS), growth(FLOOR)) {
            let what = format!("throughput, 1 thread to 2: {}", workload.name());
            let note = format!("(ours {:.2}, {FLOOR} {:.2})", median(&ours), median(&floor));
            // If the whole interval of even the floor lies above the target, the machine is the
            // limit: not compared.
            let least = interval(&floor).map_or(median(&floor), |(low, _)| low);
            let measured = (least <= LEAST_GROWTH).then_some(ours);
            line(text, &what, LEAST_GROWTH, measured, &note);
        }
    }
}

/// The time of the first side divided by that of the second, round by round.
fn compare(
    results: &Results,
    kind: Type,
    threads: usize,
    one: &Side,
    other: &Side,
) -> Option<Vec<f64>> {
    let (one, other) = (find(results, kind, threads, one)?, find(results, kind, threads, other)?);
    Some(ratios(&one.ns, &other.ns))
}

/// The time of the pin alone, as part of a peer's time: a table that pins in this way can't take
/// less.
fn of_the_pin(results: &Results, threads: usize, workload: Workload, other: &Side) -> String {
    let pin = find(results, U64, threads, &(workload, PIN));
    match (pin, find(results, U64, threads, other)) {
        (Some(pin), Some(other)) => format!("(the pin alone {:.2})", ratio(&pin.ns, &other.ns)),
        _ => String::new(),
    }
}

/// Names the two sides of a comparison.
fn versus(one: &Side, other: &Side) -> String {
    let ((what, name), (other_what, other_name)) = (one, other);
    if what == other_what {
        format!("{name} to {other_name}, {}", what.name())
    } else {
        let (what, other_what) = (what.name(), other_what.name());
        format!("{name} {what} to {other_name} {other_what}")
    }
}

fn find<'r>(
    results: &'r Results,
    kind: Type,
    threads: usize,
    &(workload, name): &Side,
) -> Option<&'r Row> {
    let cell = Cell { kind, threads, workload };
    match name {
        BEST => results.best_peer(&cell),
        _ => results.row(&cell, name),
    }
}

/// Compares the median of the rounds with the target. The verdict is "level" where the target lies
/// within the interval: these rounds can't tell on which side of it the median is.
fn line(text: &mut String, what: &str, limit: f64, rounds: Option<Vec<f64>>, note: &str) {
    let (mut measured, mut between) = ("-".to_owned(), String::new());
    let mut verdict = "not compared";
    if let Some(rounds) = rounds {
        let middle = median(&rounds);
        measured = format!("{middle:.2}");
        let (low, high) = interval(&rounds).unwrap_or((middle, middle));
        if low < high {
            between = format!("{low:.2} to {high:.2}");
        }
        verdict = if high <= limit {
            "met"
        } else if low > limit {
            "MISSED"
        } else {
            "level"
        };
    }
    let line = format!("  {what:<78} {limit:>6.2} {measured:>8} {between:>15} {verdict} {note}");
    let _ = writeln!(text, "{}", line.trim_end());
}
