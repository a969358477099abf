//! Rounds: in each, every system runs once, and another goes first.

use std::io;

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    charts,
    cli::Cli,
    contenders::{Contender, Role},
    machine, memory, report,
    results::{Cell, Results, Row},
};
use benches::{latency, race::Plan, value::Type, workloads::Workload};

/// Does what the command line says.
pub fn run(cli: &Cli) -> io::Result<()> {
    for (what, which) in machine::facts() {
        println!("{what:>10}: {which}");
    }
    println!();
    let out = cli.out();
    std::fs::create_dir_all(&out).map_err(|error| {
        let what = format!("--out {}, a folder to write to: {error}", out.display());
        io::Error::new(error.kind(), what)
    })?;
    if cli.latency {
        return run_latency(cli);
    }
    let mut results = Results::default();
    if cli.memory || cli.bars {
        run_memory(cli, &mut results)?;
    }
    if !cli.memory {
        run_cells(cli, &mut results);
        if results.cells.is_empty() {
            return Err(io::Error::other("no workload is called that: see --help"));
        }
    }
    report::write_csv(&out, &results)?;
    charts::draw(&out, &results).map_err(|error| io::Error::other(error.to_string()))?;
    println!(
        "CSV files and charts are in {}",
        out.canonicalize()?.display()
    );
    if cli.bars {
        println!("\n{}", crate::bars::check(&results));
    }
    Ok(())
}

fn run_cells(cli: &Cli, results: &mut Results) {
    let groups = cli.groups();
    let runs: usize = groups
        .iter()
        .flatten()
        .map(|cell| cli.rounds() * cli.contenders(cell.kind).len())
        .sum();
    let bar = progress(runs);
    for cells in groups {
        for (cell, rows) in run_group(cli, &cells, &bar) {
            bar.suspend(|| println!("{}", report::table(&cell, &rows)));
            results.cells.insert(cell, rows);
        }
    }
    bar.finish_and_clear();
}

/// Runs cells that differ in threads alone, at least one, round by round.
fn run_group(cli: &Cli, cells: &[Cell], bar: &ProgressBar) -> Vec<(Cell, Vec<Row>)> {
    let contenders = cli.contenders(cells[0].kind);
    let row = |contender: &Contender| Row {
        name: contender.name,
        role: contender.role,
        ns: Vec::new(),
    };
    let rows: Vec<Row> = contenders.iter().map(row).collect();
    let mut group: Vec<_> = cells.iter().map(|&cell| (cell, rows.clone())).collect();
    for round in 0..cli.rounds() {
        for (cell, rows) in &mut group {
            if bar.is_hidden() && round == 0 {
                // No terminal, but perhaps someone who reads along.
                let of = bar.length().unwrap_or_default();
                eprintln!("{} of {of} runs: {}", bar.position(), cell.title());
            }
            run_round(cli, cell, round, &contenders, rows, bar);
        }
    }
    for (_, rows) in &mut group {
        rows.retain(|row| !row.ns.is_empty());
    }
    group
}

/// One run of each system that can do it.
fn run_round(
    cli: &Cli,
    cell: &Cell,
    round: usize,
    contenders: &[Contender],
    rows: &mut [Row],
    bar: &ProgressBar,
) {
    let plan = Plan {
        threads: cell.threads,
        ops: cell.workload.ops(cell.threads, cli.quick),
        seed: round as u64 + 1,
    };
    let mut checksum = None;
    for turn in 0..contenders.len() {
        let nth = (turn + round) % contenders.len();
        let contender = &contenders[nth];
        bar.set_message(format!("{}: {}", cell.title(), contender.name));
        if let Some(sample) = (contender.run)(cell.workload, &plan) {
            let expected = *checksum.get_or_insert(sample.checksum);
            assert_eq!(
                sample.checksum, expected,
                "{} read other values than the system before it",
                contender.name
            );
            rows[nth].ns.push(sample.ns);
        }
        bar.inc(1);
    }
}

fn run_memory(cli: &Cli, results: &mut Results) -> io::Result<()> {
    let all: Vec<_> = cli
        .types
        .iter()
        .flat_map(|&kind| cli.contenders(kind).into_iter().map(move |one| (kind, one)))
        .collect();
    let bar = progress(all.len());
    for (kind, contender) in all {
        bar.set_message(format!("memory, {kind}: {}", contender.name));
        let footprint = memory::measure(&contender, kind)?;
        results.memory.insert((kind, contender.name), footprint);
        bar.inc(1);
    }
    bar.finish_and_clear();
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
    let bar = progress(contenders.len());
    let plan = Plan {
        threads,
        ops: Workload::InsertGetRemove.ops(threads, cli.quick),
        seed: 1,
    };
    let mut lines = vec![("(the clock)", "nothing", latency::clock(&plan))];
    for contender in contenders.iter().filter(|one| one.role != Role::OursToo) {
        bar.set_message(format!("latency, {kind}, {threads}: {}", contender.name));
        let latencies = (contender.latency)(&plan);
        lines.push((contender.name, "insert", latencies.insert));
        lines.push((contender.name, "get", latencies.get));
        lines.push((contender.name, "remove", latencies.remove));
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("{}", report::latencies(kind, threads, &lines));
    csv.write(kind, threads, &lines)
}

fn progress(runs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} of {duration} {msg}");
    ProgressBar::new(runs as u64).with_style(style.expect("the template is right"))
}
