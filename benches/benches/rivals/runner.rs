//! The rounds: in each, every system runs once, and each round begins with another system.

use std::io;

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    charts,
    cli::Cli,
    contenders::{Contender, Role},
    machine, memory, report,
    results::{Cell, Results, Row},
};
use benches::{
    latency,
    race::{Plan, Random},
    value::Type,
    workloads::Workload,
};

/// Runs what the command line asks for.
pub fn run(cli: &Cli) -> io::Result<()> {
    for (what, which) in machine::facts() {
        println!("{what:>10}: {which}");
    }
    println!();
    let out = cli.out();
    std::fs::create_dir_all(&out).map_err(|error| {
        let what = format!("can't create the folder {}: {error}", out.display());
        io::Error::new(error.kind(), what)
    })?;
    if cli.latency {
        return run_latency(cli);
    }
    let mut results = Results::default();
    if cli.memory || cli.targets {
        run_memory(cli, &mut results)?;
    }
    if !cli.memory {
        run_cells(cli, &mut results);
        if results.cells.is_empty() {
            return Err(io::Error::other("no workload has such a name: see --help"));
        }
    }
    report::write_csv(&out, &results)?;
    charts::draw(&out, &results).map_err(|error| io::Error::other(error.to_string()))?;
    println!("CSV files and charts are in {}", out.canonicalize()?.display());
    if cli.targets {
        println!("\n{}", crate::targets::check(&results));
    }
    Ok(())
}

fn run_cells(cli: &Cli, results: &mut Results) {
    let groups = cli.groups();
    let runs: usize =
        groups.iter().flatten().map(|cell| cli.rounds() * cli.contenders(cell.kind).len()).sum();
    let progress = progress_bar(runs);
    for cells in groups {
        for (cell, rows) in run_group(cli, &cells, &progress) {
            progress.suspend(|| println!("{}", report::table(&cell, &rows)));
            results.cells.insert(cell, rows);
        }
    }
    progress.finish_and_clear();
}

/// Runs the cells of a group, round by round. They differ only in the number of threads; there is
/// at least one.
fn run_group(cli: &Cli, cells: &[Cell], progress: &ProgressBar) -> Vec<(Cell, Vec<Row>)> {
    let contenders = cli.contenders(cells[0].kind);
    let row =
        |contender: &Contender| Row { name: contender.name, role: contender.role, ns: Vec::new() };
    let rows: Vec<Row> = contenders.iter().map(row).collect();
    let mut group: Vec<_> = cells.iter().map(|&cell| (cell, rows.clone())).collect();
    for round in 0..cli.rounds() {
        for (cell, rows) in &mut group {
            if progress.is_hidden() && round == 0 {
                // Not a terminal: print a line for each cell instead of a bar that moves.
                let of = progress.length().unwrap_or_default();
                eprintln!("{} of {of} runs: {}", progress.position(), cell.title());
            }
            run_round(cli, cell, round, &contenders, rows, progress);
        }
    }
    for (_, rows) in &mut group {
        rows.retain(|row| !row.ns.is_empty());
    }
    group
}

/// One run of each system that supports the workload.
fn run_round(
    cli: &Cli,
    cell: &Cell,
    round: usize,
    contenders: &[Contender],
    rows: &mut [Row],
    progress: &ProgressBar,
) {
    let plan = Plan {
        threads: cell.threads,
        ops: cell.workload.ops(cell.threads, cli.quick),
        seed: round as u64 + 1,
    };
    let mut checksum = None;
    for nth in shuffled(contenders.len(), &plan) {
        let contender = &contenders[nth];
        progress.set_message(format!("{}: {}", cell.title(), contender.name));
        if let Some(sample) = (contender.run)(cell.workload, &plan) {
            let expected = *checksum.get_or_insert(sample.checksum);
            assert_eq!(
                sample.checksum, expected,
                "{} read other values than the system that ran before it",
                contender.name
            );
            rows[nth].ns.push(sample.ns);
        }
        progress.inc(1);
    }
}

/// The numbers below `len`, in another order each round: what a system leaves behind in the
/// allocator must not meet the same one each time.
fn shuffled(len: usize, plan: &Plan) -> Vec<usize> {
    let mut order: Vec<_> = (0..len).collect();
    let mut random = Random::new(plan, 0);
    for left in (1..len).rev() {
        order.swap(left, random.below(left + 1));
    }
    order
}

fn run_memory(cli: &Cli, results: &mut Results) -> io::Result<()> {
    let all: Vec<_> = cli
        .types
        .iter()
        .flat_map(|&kind| cli.contenders(kind).into_iter().map(move |one| (kind, one)))
        .collect();
    let progress = progress_bar(all.len());
    for (kind, contender) in all {
        progress.set_message(format!("memory, {kind}: {}", contender.name));
        let footprint = memory::measure(&contender, kind)?;
        results.memory.insert((kind, contender.name), footprint);
        progress.inc(1);
    }
    progress.finish_and_clear();
    println!("{}", report::memory(results));
    Ok(())
}

fn run_latency(cli: &Cli) -> io::Result<()> {
    let mut csv = report::LatencyCsv::create(&cli.out())?;
    for &kind in &cli.types {
        for &threads in &cli.threads {
            run_latency_of(cli, kind, threads, &mut csv)?;
        }
    }
    println!("latency.csv is in {}", cli.out().canonicalize()?.display());
    Ok(())
}

fn run_latency_of(
    cli: &Cli,
    kind: Type,
    threads: usize,
    csv: &mut report::LatencyCsv,
) -> io::Result<()> {
    let contenders = cli.contenders(kind);
    let progress = progress_bar(contenders.len());
    let plan = Plan { threads, ops: Workload::InsertGetRemove.ops(threads, cli.quick), seed: 1 };
    let mut lines = vec![("(the clock)", "nothing", latency::clock(&plan))];
    for contender in contenders.iter().filter(|one| one.role != Role::OursToo) {
        progress.set_message(format!("latency, {kind}, {threads}: {}", contender.name));
        let latencies = (contender.latency)(&plan);
        lines.push((contender.name, "insert", latencies.insert));
        lines.push((contender.name, "get", latencies.get));
        lines.push((contender.name, "remove", latencies.remove));
        progress.inc(1);
    }
    progress.finish_and_clear();
    println!("{}", report::latencies(kind, threads, &lines));
    csv.write(kind, threads, &lines)
}

fn progress_bar(runs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} of {duration} {msg}");
    ProgressBar::new(runs as u64).with_style(style.expect("the template is valid"))
}
