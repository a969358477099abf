//! Threads that are born and die, more and fewer than processors, and sometimes more than leases.

use std::{
    cell::Cell,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    accounts::{is_stopping, BORN, CROWDS},
    any, cells, global, hold, once,
    random::Rng,
    signals,
    tables::{
        ANYS, ANYS_BATCHED, BATCHED, BOUNDED, DRAINED, GLOBAL, LARGE, MUTABLE, ONCE, SHARED,
        TOKENS, WORDS,
    },
    typed,
    value::Soaked,
    watch,
    worker::Worker,
};

/// More threads than there are leases.
const CROWD: usize = 1_100;

/// Keeps up to `most` threads alive until the run ends.
pub fn keep_up(seed: u64, most: usize, began: Instant) {
    let mut rng = Rng::new(seed, u64::MAX);
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let (mut target, mut born) = (most, 0);
    while !is_stopping() {
        if rng.one_in(300) {
            target = 1 + rng.below(most);
        }
        while threads.len() < target {
            born += 1;
            let rng = Rng::new(seed, born);
            threads.push(spawn("soak", 512, move || live(rng, began)));
        }
        thread::sleep(Duration::from_millis(1));
        threads = threads.into_iter().filter_map(reap).collect();
    }
    threads.into_iter().for_each(join);
}

/// Makes all tables, so that no signal handler and no forked child sees that in its middle.
pub fn warm_up(seed: u64, began: Instant) {
    let beat = watch::enter(began);
    let mut me = Worker::new(Rng::new(seed, 0), &beat, began);
    (0..2_000).for_each(|_| step(&mut me));
    watch::leave(&beat);
}

fn spawn(name: &str, stack_kb: usize, f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    BORN.add(1);
    let builder = thread::Builder::new().name(name.into()).stack_size(stack_kb << 10);
    builder.spawn(f).unwrap_or_else(|error| crate::accounts::fault!("no thread: {error}"))
}

fn reap(thread: JoinHandle<()>) -> Option<JoinHandle<()>> {
    if !thread.is_finished() {
        return Some(thread);
    }
    join(thread);
    None
}

fn join(thread: JoinHandle<()>) {
    // The panic hook has ended the process if it panicked.
    _ = thread.join();
}

/// A thread's life: a few steps, or up to half a second.
fn live(mut rng: Rng, began: Instant) {
    let last = if rng.one_in(2) { Duration::from_micros(300) } else { Duration::from_millis(500) };
    let end = Instant::now() + last.mul_f64(rng.below(100) as f64 / 100.0);
    if rng.one_in(4) {
        AT_END.with(|at_end| at_end.seed.set(rng.next() | 1));
    }
    let beat = watch::enter(began);
    let _signals = signals::accept();
    let mut me = Worker::new(rng, &beat, began);
    loop {
        step(&mut me);
        if Instant::now() >= end || is_stopping() {
            break;
        }
    }
    watch::leave(&beat);
}

fn step(me: &mut Worker<'_>) {
    let at = me.rng.below(68);
    me.begin_step(at);
    match at {
        0..=7 => typed::step(&WORDS, me),
        8..=15 => typed::step(&TOKENS, me),
        16..=22 => typed::step(&SHARED, me),
        23..=28 => typed::step(&LARGE, me),
        29..=33 => typed::step(&BATCHED, me),
        34..=37 => typed::step(&BOUNDED, me),
        38..=40 => typed::step(&MUTABLE, me),
        41..=43 => cells::step(me),
        44..=47 => any::step(&ANYS, me),
        48..=50 => any::step(&ANYS_BATCHED, me),
        51..=52 => any::step(&GLOBAL, me),
        53..=56 => global::step(me),
        59..=60 => once::step(&ONCE, me),
        61 => once::step(&DRAINED, me),
        57 => typed::look_cloned(&WORDS, me),
        58 => typed::look_cloned(&SHARED, me),
        _ => match me.rng.below(12) {
            0 => hold::a_value(&WORDS, me),
            1 => hold::a_pin(&WORDS, me),
            2 | 3 => hold::a_value(&TOKENS, me),
            4 => hold::a_pin(&TOKENS, me),
            5 => hold::a_value(&SHARED, me),
            6 => hold::a_value(&LARGE, me),
            7 => hold::a_pin(&LARGE, me),
            8 => hold::a_value(&BATCHED, me),
            9 => hold::a_value(&BOUNDED, me),
            10 => hold::a_pin(&BOUNDED, me),
            _ => hold::a_value(&MUTABLE, me),
        },
    }
}

/// Uses tables while the thread's locals are destroyed.
struct AtEnd {
    seed: Cell<u64>,
}

thread_local! {
    static AT_END: AtEnd = const { AtEnd { seed: Cell::new(0) } };
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        let seed = self.seed.get();
        if seed == 0 {
            return;
        }
        let mut rng = Rng::new(seed, 1);
        if let Some(entry) = TOKENS.pool.any(&mut rng) {
            _ = TOKENS.table.get(typed::handle(entry.raw)).map(|value| value.look());
            _ = TOKENS.table.remove(typed::handle(entry.raw));
        }
        if let Some(entry) = typed::insert(&SHARED, &mut rng, true) {
            if SHARED.table.get(typed::handle(entry.raw)).is_err()
                || SHARED.table.remove(typed::handle(entry.raw)).is_err()
            {
                crate::accounts::fault!("a thread that ends can't use what it has inserted");
            }
        }
    }
}

/// Once in a while, more threads than there are leases, which sleep.
pub fn crowds(seed: u64, began: Instant) {
    let mut rng = Rng::new(seed, u64::MAX - 1);
    let mut next = began + Duration::from_secs(3);
    while !is_stopping() {
        thread::sleep(Duration::from_millis(20));
        if Instant::now() >= next {
            crowd(&mut rng);
            CROWDS.add(1);
            next = Instant::now() + Duration::from_secs(12);
        }
    }
}

fn crowd(rng: &mut Rng) {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let sleeper = |seed: u64| {
        let gate = Arc::clone(&gate);
        move || {
            let mut rng = Rng::new(seed, 0);
            let held = TOKENS.pool.any(&mut rng).filter(|_| seed & 7 == 0);
            let held = held.and_then(|entry| TOKENS.table.get(typed::handle(entry.raw)).ok());
            for _ in 0..rng.below(4) {
                if let Some(entry) = typed::insert(&LARGE, &mut rng, true) {
                    if LARGE.table.remove(typed::handle(entry.raw)).is_err() {
                        crate::accounts::fault!("a private handle was deleted");
                    }
                }
            }
            let mut open = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
            while !*open {
                open = gate.1.wait(open).unwrap_or_else(PoisonError::into_inner);
            }
            drop(open);
            _ = held.map(|value| value.look());
        }
    };
    let threads: Vec<_> = (0..CROWD).map(|_| spawn("crowd", 128, sleeper(rng.next()))).collect();
    thread::sleep(Duration::from_millis(50 + rng.below(200) as u64));
    *gate.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    gate.1.notify_all();
    threads.into_iter().for_each(join);
}
