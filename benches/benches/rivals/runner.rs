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
    let cells = cli.cells();
    let runs: usize = cells
        .iter()
        .map(|cell| cli.rounds() * cli.contenders(cell.kind).len())
        .sum();
    let bar = progress(runs);
    for cell in cells {
        if bar.is_hidden() {
            // No terminal, but perhaps someone who reads along.
            eprintln!("{} of {} runs: {}", bar.position(), runs, cell.title());
        }
        let rows = run_cell(cli, cell, &bar);
        bar.suspend(|| println!("{}", report::table(&cell, &rows)));
        results.cells.insert(cell, rows);
    }
    bar.finish_and_clear();
}

fn run_cell(cli: &Cli, cell: Cell, bar: &ProgressBar) -> Vec<Row> {
    let contenders = cli.contenders(cell.kind);
    let mut ns = vec![Vec::new(); contenders.len()];
    for round in 0..cli.rounds() {
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
                ns[nth].push(sample.ns);
            }
            bar.inc(1);
        }
    }
    let row = |(contender, ns): (&Contender, Vec<f64>)| Row {
        name: contender.name,
        role: contender.role,
        ns,
    };
    let rows = contenders.iter().zip(ns).map(row);
    rows.filter(|row| !row.ns.is_empty()).collect()
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
