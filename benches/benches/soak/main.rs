//! A soak: `cargo bench -p benches --bench soak -- --seconds 60`.
//!
//! It times nothing. `births.rs` has the threads and the mix of their steps, `accounts.rs` what is
//! counted, `value.rs` the values, and `finish` below what must be true in the end.

use std::{
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::{accounts::*, cli::Cli, memory::Samples, tables::ALL};

mod random;

mod accounts;

mod value;

mod tables;

mod worker;

mod typed;

mod rare;

mod reenter;

mod cells;

mod any;

mod global;

mod once;

mod hold;

mod signals;

mod forks;

mod watch;

mod births;

mod memory;

mod cli;

/// Between two lines, and between two samples of the memory.
const LINE: Duration = Duration::from_secs(5);
const SAMPLE: Duration = Duration::from_millis(100);

fn main() {
    let cli = Cli::parse();
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.subsec_nanos());
    let seed = u64::from(cli.seed.unwrap_or_else(clock));
    SEED.store(seed as usize, Relaxed);
    let processors = thread::available_parallelism().map_or(2, usize::from);
    let threads = cli.threads.unwrap_or((8 * processors).min(32)).max(1);
    println!("soak: seed {seed}, {} s, up to {threads} threads", cli.seconds);
    watch_panics();
    handle_table::set_report_hook(count_report);

    let began = Instant::now();
    let run = Duration::from_secs(cli.seconds);
    thread::spawn(move || watch::watch(began));
    births::warm_up(seed, began);
    let parts = [
        thread::spawn(move || births::keep_up(seed, threads, began)),
        thread::spawn(move || births::crowds(seed, began)),
        thread::spawn(move || signals::send_until_the_end(seed)),
        thread::spawn(move || forks::fork_until_the_end(seed)),
    ];
    let (mut samples, mut next) = (Samples::new(), LINE);
    while began.elapsed() < run {
        thread::sleep(SAMPLE);
        samples.take();
        if began.elapsed() >= next {
            print_line(began);
            next += LINE;
        }
    }
    stop();
    for part in parts {
        if part.join().is_err() {
            fault!("a thread of the soak has panicked");
        }
    }
    finish(&samples);
    print_summary(began, &samples);
}

fn print_line(began: Instant) {
    let stats = ALL.map(|table| table.stats());
    println!(
        "{:4} s: {STEPS} steps, {} live, {} pending, {:.1} MiB, {} of {BORN} threads, \
         {CROWDS} crowds, {FORKS} forks, {SIGNALS} signals, {DROP_PANICS} drops panicked",
        began.elapsed().as_secs(),
        stats.iter().map(|stats| stats.live).sum::<usize>(),
        stats.iter().map(|stats| stats.pending).sum::<usize>(),
        memory::resident().unwrap_or(0.0),
        watch::alive(),
    );
}

/// What must be true once all threads have ended.
fn finish(samples: &Samples) {
    for table in ALL {
        let kind = table.kind();
        if let Err(error) = table.quiesce() {
            fault!("{kind:?}: the last quiesce: {error}");
        }
        let stats = table.stats();
        if stats.pending != 0 {
            fault!("{kind:?}: after the last quiesce: {stats}");
        }
        check_account(kind, stats.live as u64);
        if table.count() != stats.live {
            fault!("{kind:?}: {} values are seen, {} are live", table.count(), stats.live);
        }
    }
    for table in ALL {
        let kind = table.kind();
        let cleared = table.clear();
        if matches!(kind, Kind::Word) {
            kind.dropped().add(cleared);
        }
        if let Err(error) = table.quiesce() {
            fault!("{kind:?}: the quiesce after the clear: {error}");
        }
    }
    // A Drop may have inserted into another table.
    for table in ALL {
        check_account(table.kind(), table.stats().live as u64);
        if table.stats().pending != 0 {
            fault!("{:?}: after the clear: {}", table.kind(), table.stats());
        }
    }
    check_account(Kind::Local, 0);
    let total = |count: fn(&handle_table::Stats) -> usize| -> u64 {
        ALL.iter().map(|table| count(&table.stats()) as u64).sum()
    };
    check_count("panics in drops", &DROP_PANICS, &REPORTED_DROPS, total(|s| s.drop_panics));
    check_count("panics in calls", &CALL_PANICS, &REPORTED_CALLS, total(|s| s.call_panics));
    check_count("bad handles", &BAD_HANDLES, &REPORTED_HANDLES, total(|s| s.bad_handles));
    if !handle_table::readers().is_empty() {
        fault!("threads that have ended still read: {:?}", handle_table::readers());
    }
    match samples.quarters() {
        Some((second, last, most)) if last > most => {
            fault!("memory grew from {second:.1} to {last:.1} MiB, {most:.1} are allowed");
        }
        _ => {}
    }
}

fn check_account(kind: Kind, live: u64) {
    let (made, dropped) = (kind.made().get(), kind.dropped().get());
    if made != dropped + live {
        fault!("{kind:?}: {made} values made, but {dropped} dropped and {live} live");
    }
}

/// What the soak has done itself, the hook was told, and the tables have counted.
fn check_count(what: &str, done: &Count, reported: &Count, counted: u64) {
    if done.get() != counted || done.get() != reported.get() {
        fault!("{what}: {done} were done, {reported} reported, {counted} counted");
    }
}

fn print_summary(began: Instant, samples: &Samples) {
    println!("\nvalues made and dropped, all of them:");
    for kind in KINDS {
        println!("  {:10} {:>11}", format!("{kind:?}"), kind.made().get());
    }
    println!(
        "{STEPS} steps in {} s; {BORN} threads, {CROWDS} crowds, {FORKS} forks; \
         {SIGNALS} signals, whose handler saw {SEEN_IN_SIGNALS} values",
        began.elapsed().as_secs()
    );
    println!(
        "{STALE} checks of dead handles, {BAD_HANDLES} bad handles from C; \
         {DROP_PANICS} drops and {CALL_PANICS} calls panicked"
    );
    if let Some((second, last, most)) = samples.quarters() {
        println!(
            "memory: {second:.1} MiB in the second quarter, {last:.1} in the last; \
             up to {most:.1} are allowed"
        );
    }
    println!("soak: no fault");
}
