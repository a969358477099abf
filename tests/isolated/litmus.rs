//! A reader and a deleter on two processors, in the one place that no model and no sanitizer sees:
//! a light reader makes no fence, so its word may still be in its processor's store buffer while it
//! looks at the slot. The deleter's heavy barrier makes up for that. Built with `--cfg
//! handle_table_left_out_barrier`, which leaves that barrier out, this test must fail; `.ci/litmus`
//! shows that it does. Alone in its process, which must stay in light mode.
#![cfg(all(not(loom), not(miri)))]

use std::{
    hint::{black_box, spin_loop},
    sync::atomic::{
        AtomicBool, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
    time::{Duration, Instant},
};

use handle_table::{Handle, HandleTable};

/// The table's values are numbers of these cells. The drop of a value marks its cell, so that a
/// look at a value that is gone is counted, and is no undefined behaviour.
static CELLS: [AtomicBool; 64] = [const { AtomicBool::new(false) }; 64];

struct Cell(usize);

impl Drop for Cell {
    fn drop(&mut self) {
        CELLS[self.0].store(false, Release);
    }
}

static TABLE: HandleTable<Cell> = HandleTable::new();
static NOW: AtomicUsize = AtomicUsize::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

/// Looks values up, and holds each for about as long as a delete takes. Returns how many were gone
/// while it held them.
fn read() -> usize {
    let mut faults = 0;
    while !STOP.load(Relaxed) {
        let Ok(handle) = Handle::from_raw(NOW.load(Acquire)) else { continue };
        if let Ok(value) = TABLE.get(handle) {
            let cell = &CELLS[value.0];
            let looks = (0..200).filter(|_| !cell.load(Relaxed));
            faults += usize::from(looks.count() > 0);
        }
        // For the deleter to see it let go: then the next word has to fetch its cache line.
        (0..100).for_each(|number| _ = black_box(number));
    }
    faults
}

/// Inserts and removes values, so many nanoseconds each. Returns how many.
fn delete(nanos: u64, end: Instant) -> usize {
    let mut deleted = 0;
    while Instant::now() < end {
        let cell = deleted % CELLS.len();
        CELLS[cell].store(true, Relaxed);
        let handle = TABLE.insert(Cell(cell));
        NOW.store(handle.to_raw(), Release);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_nanos(nanos) {
            spin_loop();
        }
        TABLE.remove(handle).unwrap();
        // Nobody has the cell when it is used again.
        while CELLS[cell].load(Acquire) {
            thread::yield_now();
        }
        deleted += 1;
    }
    deleted
}

#[test]
fn no_value_is_gone_while_a_light_reader_holds_it() {
    let seconds = std::env::var("LITMUS_SECONDS").ok().and_then(|text| text.parse().ok());
    let each = Duration::from_secs_f64(seconds.unwrap_or(1.0) / 2.0);
    let reader = thread::spawn(read);
    // The first pace is one at which a barrier that is left out is noticed most often; with the
    // barrier it is a storm. The second one is below that.
    for nanos in [500, 60_000] {
        let deleted = delete(nanos, Instant::now() + each);
        println!("{deleted} values, {nanos} ns each");
    }
    STOP.store(true, Relaxed);
    assert_eq!(reader.join().unwrap(), 0, "looks at values that were gone");
}
