//! A real C library that calls back through handles: SQLite, compiled in.
//!
//! ```text
//! cargo run --release --example callbacks -- --rows 100000 --threads 4
//! ```
//!
//! `state.rs` is the part to read: Rust state as the user data of an SQL function, an aggregate and
//! an update hook. `work.rs` uses them on several threads and checks the answers. `cost.rs`
//! measures what a handle costs. `misuse.rs` makes C's mistakes on purpose, and `reports.rs` keeps
//! what the crate reports of them. The program ends with status 1 if any answer is wrong.

#![allow(unsafe_code)] // it calls C, and C calls it

mod context;
mod cost;
mod misuse;
mod reports;
mod sqlite;
mod state;
mod work;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use handle_table::set_report_hook;
use indicatif::{ProgressBar, ProgressStyle};

use crate::state::{GROUPS, QUANTILES, SCALARS};

/// The result of a part of this program.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Callbacks from SQLite, through handles
#[derive(Parser)]
struct Options {
    /// Rows for each thread
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Threads, each with its own database
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    set_report_hook(reports::record);
    println!("Callbacks from SQLite {}, through handles", sqlite::version());
    if cfg!(debug_assertions) {
        println!("(a debug build: its times mean little, use --release)");
    }

    println!("\n1. Answers");
    let progress = ProgressBar::new(2 * u64::from(options.rows) * u64::from(options.threads))
        .with_style(ProgressStyle::with_template("   {wide_bar} {percent} %")?);
    let work = work::run(options.threads, options.rows, &progress)?;
    progress.finish_and_clear();
    nothing_reported()?;
    let seconds = work.time.as_secs_f64();
    println!("   {} threads, each with a database of {} rows", options.threads, options.rows);
    println!("   {} answers of SQL functions and hooks, all of them right", work.answers);
    println!("   {} callbacks, each with a handle, none of them refused", work.calls);
    println!(
        "   {seconds:.2} s, {:.1} million callbacks a second",
        work.calls as f64 / seconds / 1e6
    );

    println!("\n2. What a handle costs");
    let cost = cost::measure(options.rows)?;
    let [lower, difference, upper] = cost.difference;
    println!(
        "   sum(f(n)) over {} rows on one thread, {} rounds taking turns; medians in ns",
        cost.calls_per_round, cost.rounds
    );
    println!("   a callback without state         {:6.1}", cost.constant);
    println!("   with state behind a raw pointer  {:6.1}", cost.pointer);
    println!("   with state behind a handle       {:6.1}", cost.handle);
    println!(
        "   handle less pointer              {difference:6.1}   \
         (quartiles {lower:.1} to {upper:.1}), {:.0} % of the callback",
        100.0 * difference / cost.handle
    );
    println!("   in a plain loop, without SQLite:");
    println!("   HandleTable::call                {:6.1}", cost.call);
    println!("   HandleTable::get                 {:6.1}", cost.get);
    println!("   Pinned::get, one pin for all     {:6.1}", cost.get_pinned);
    println!("   Handle::call, any type           {:6.1}", cost.call_any);

    println!("\n3. Misuse, on purpose");
    for case in misuse::run()? {
        println!("   {}\n     -> {}", case.what, case.report);
    }

    println!("\n4. The tables at the end");
    for (name, stats) in
        [("scalars", SCALARS.stats()), ("quantiles", QUANTILES.stats()), ("groups", GROUPS.stats())]
    {
        println!("   {name}: {stats}");
        // SQLite has deleted each state with its function or group, and no callback is running.
        if stats.live != 0 || stats.pending != 0 || stats.drop_panics != 0 {
            return Err("a state was not dropped".into());
        }
    }
    nothing_reported()
}

/// Where nothing was misused, no callback may have been reported.
fn nothing_reported() -> Outcome<()> {
    match reports::take().as_slice() {
        [] => Ok(()),
        reports => Err(format!("reports that should not be: {reports:?}").into()),
    }
}
