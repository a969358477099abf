//! What the project promises itself, and whether a run's numbers keep it. Nothing fails for it:
//! a machine's noise is no bug.

use std::fmt::Write as _;

use crate::{
    memory::LIVE,
    results::{Cell, Results, Row},
};
use benches::{
    stats::{interval, median, ratio, ratios},
    systems::{Global, IdrEbr, PinnedBox, RawBox, ShardedSlab, System, Table},
    value::Type,
    workloads::Workload::{self, *},
};

const OURS: &str = <Table<u64> as System>::NAME;
const ANY: &str = <Global<u64> as System>::NAME;
const SLAB: &str = <ShardedSlab<u64> as System>::NAME;
const IDR: &str = <IdrEbr<u64> as System>::NAME;
const FLOOR: &str = <RawBox<u64> as System>::NAME;
/// The floor of a look-up with a pin.
const PIN: &str = <PinnedBox<u64> as System>::NAME;
const FFI: &str = "ffi-support";
const PAPAYA: &str = "papaya";
/// Whichever peer has the lowest median; the floor is none.
const BEST: &str = "best peer";

/// A system's way of doing a workload.
type Side = (Workload, &'static str);

/// On so many threads, the one takes at most so many times the other's time.
struct Bar(usize, Side, Side, f64);

const BARS: &[Bar] = &[
    Bar(1, (InsertRemove, OURS), (InsertRemove, SLAB), 0.80),
    Bar(1, (InsertRemove, OURS), (InsertRemove, IDR), 0.40),
    Bar(1, (InsertRemove, OURS), (InsertRemove, FFI), 1.0),
    Bar(1, (InsertGetRemove, OURS), (InsertGetRemove, SLAB), 0.65),
    Bar(1, (InsertGetRemove, OURS), (InsertGetRemove, IDR), 0.50),
    Bar(1, (GetHot, OURS), (GetHot, IDR), 1.05),
    Bar(1, (GetHot, OURS), (GetHot, SLAB), 0.60),
    Bar(1, (GetHot, OURS), (GetHot, PAPAYA), 0.30),
    Bar(1, (Get1K, OURS), (Get1K, IDR), 1.05),
    Bar(1, (Get1K, OURS), (Get1K, SLAB), 0.60),
    Bar(1, (Get1K, OURS), (Get1K, PAPAYA), 0.30),
    Bar(2, (GetHot, OURS), (GetHot, SLAB), 0.30),
    Bar(1, (PinnedHot, OURS), (PinnedHot, IDR), 1.0),
    Bar(1, (Pinned1K, OURS), (Pinned1K, IDR), 1.0),
    Bar(1, (Pinned1K, OURS), (Pinned1K, FLOOR), 2.5),
    Bar(1, (Get1M, OURS), (Get1M, BEST), 1.0),
    Bar(1, (Pinned1M, OURS), (Get1M, SLAB), 0.5),
    Bar(1, (Mixed, OURS), (Mixed, BEST), 0.9),
    Bar(2, (Mixed, OURS), (Mixed, BEST), 0.9),
    Bar(2, (HandOff, OURS), (HandOff, BEST), 0.9),
    Bar(1, (Pump, OURS), (Pinned1K, OURS), 1.3),
    Bar(1, (GetHot, ANY), (GetHot, OURS), 1.15),
    Bar(1, (Get1K, ANY), (Get1K, OURS), 1.15),
    Bar(1, (InsertRemove, ANY), (InsertRemove, OURS), 1.5),
];

/// One thread's throughput to that of two: two do at least 1.7 times as much.
const LEAST_GROWTH: f64 = 1.0 / 1.7;

/// Bytes of memory for each live `u64`.
const MEMORY: f64 = 32.0;

/// A line for each bar.
pub fn check(results: &Results) -> String {
    let mut text = format!(
        "{:<84} {:>6} {:>8} {:>15}\n",
        "bars, u64: time to time at most", "bar", "measured", "95 % interval"
    );
    for Bar(threads, one, other, limit) in BARS {
        let what = format!("{threads} thread(s): {} to {}", side(one), side(other));
        let mut note = String::new();
        if other.1 == BEST {
            note += find(results, *threads, other).map_or("", |best| best.name);
            note.push(' ');
        }
        if let (GetHot | Get1K, OURS) = one {
            note += &of_the_pin(results, *threads, one.0, other);
        }
        let measured = compare(results, *threads, one, other);
        line(&mut text, &what, *limit, measured, &note);
    }
    let what = format!("bytes of memory per live value at {LIVE}");
    let footprint = results.memory.get(&(Type::U64, OURS));
    let measured = footprint.map(|footprint| vec![footprint.per_value()]);
    line(&mut text, &what, MEMORY, measured, "");
    on_two_threads(results, &mut text);
    text
}

/// What holds on one thread holds on two: no worse a ratio to a peer, and throughput that grows
/// wherever that of the floor does. Taken round by round.
fn on_two_threads(results: &Results, text: &mut String) {
    for Bar(threads, one, other, _) in BARS {
        if (*threads, one.1) != (1, OURS) || other.1 == OURS {
            continue;
        }
        let Some(alone) = compare(results, 1, one, other) else {
            continue;
        };
        let what = format!(
            "2 threads' ratio to 1 thread's: {} to {}",
            side(one),
            side(other)
        );
        let both = compare(results, 2, one, other);
        let mut note = String::new();
        if let Some(both) = &both {
            note = format!("({:.2}, alone {:.2}) ", median(both), median(&alone));
        }
        if let GetHot | Get1K = one.0 {
            note += &of_the_pin(results, 2, one.0, other);
        }
        let worse = both.map(|both| ratios(&both, &alone));
        line(text, &what, 1.0, worse, &note);
    }
    for workload in Workload::ALL {
        // Time per operation of a thread: its inverse is half the throughput of two threads.
        let growth = |name| {
            let side = (workload, name);
            let (two, one) = (find(results, 2, &side)?, find(results, 1, &side)?);
            let halves = ratios(&two.ns, &one.ns).into_iter();
            Some(halves.map(|twice| twice / 2.0).collect::<Vec<_>>())
        };
        if let (Some(ours), Some(floor)) = (growth(OURS), growth(FLOOR)) {
            let what = format!("1 thread's throughput to 2 threads': {}", workload.name());
            let floor = median(&floor);
            let note = format!("(ours {:.2}, floor {floor:.2})", median(&ours));
            // Where the floor does not grow so much either, the machine is the limit.
            let measured = (floor <= LEAST_GROWTH).then_some(ours);
            line(text, &what, LEAST_GROWTH, measured, &note);
        }
    }
}

/// The one's time to the other's, round by round.
fn compare(results: &Results, threads: usize, one: &Side, other: &Side) -> Option<Vec<f64>> {
    let (one, other) = (find(results, threads, one)?, find(results, threads, other)?);
    Some(ratios(&one.ns, &other.ns))
}

/// What the pin alone takes of a peer's time: no table that pins like that can take less.
fn of_the_pin(results: &Results, threads: usize, workload: Workload, other: &Side) -> String {
    let pin = find(results, threads, &(workload, PIN));
    match (pin, find(results, threads, other)) {
        (Some(pin), Some(other)) => format!("(the pin alone {:.2})", ratio(&pin.ns, &other.ns)),
        _ => String::new(),
    }
}

fn side((workload, name): &Side) -> String {
    format!("{name} {}", workload.name())
}

fn find<'r>(results: &'r Results, threads: usize, &(workload, name): &Side) -> Option<&'r Row> {
    let cell = Cell {
        kind: Type::U64,
        threads,
        workload,
    };
    match name {
        BEST => results.best_peer(&cell),
        _ => results.row(&cell, name),
    }
}

/// What was measured is the median of the rounds, with its interval. "level": the median is above
/// the bar, but the interval reaches down to it, so these rounds can't tell the two apart.
fn line(text: &mut String, what: &str, limit: f64, measured: Option<Vec<f64>>, note: &str) {
    let (number, between, verdict) = match &measured {
        None => ("-".into(), String::new(), "not measured"),
        Some(rounds) => {
            let (middle, (low, high)) = (median(rounds), interval(rounds));
            let verdict = match () {
                () if middle <= limit => "pass",
                () if low <= limit => "level",
                () => "FAIL",
            };
            (
                format!("{middle:.2}"),
                format!("{low:.2} to {high:.2}"),
                verdict,
            )
        }
    };
    let line = format!("  {what:<82} {limit:>6.2} {number:>8} {between:>15} {verdict} {note}");
    let _ = writeln!(text, "{}", line.trim_end());
}
