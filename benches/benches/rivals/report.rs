//! The tables that are printed, and the CSV files.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Write},
    path::Path,
};

use hdrhistogram::Histogram;

use crate::{
    machine,
    results::{ratio_to, Cell, Results, Row},
};
use benches::{
    latency::PERCENTILES,
    stats::{median, minimum},
    value::Type,
};

/// A system, an operation, and the times that it took.
pub type LatencyLine = (&'static str, &'static str, Histogram<u64>);

pub fn table(cell: &Cell, rows: &[Row]) -> String {
    let mut text =
        format!("{:<42} {:>9} {:>9} {:>9}\n", cell.title(), "median ns", "min ns", "ours/this");
    for row in rows {
        let ratio = ratio_to(rows, row).map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let (median, minimum) = (median(&row.ns), minimum(&row.ns));
        let line = format!("  {:<40} {median:>9.2} {minimum:>9.2} {ratio:>9}", row.name);
        text += line.trim_end();
        text.push('\n');
    }
    text
}

pub fn memory(results: &Results) -> String {
    let mut text = format!("{:<42} {:>9} {:>9}\n", "memory", "bytes", "live");
    for ((kind, name), footprint) in &results.memory {
        let per_value = footprint.per_value();
        let (line, live) = (format!("{kind}, {name}"), footprint.live);
        let _ = writeln!(text, "  {line:<40} {per_value:>9.1} {live:>9}");
    }
    text
}

pub fn latencies(kind: Type, threads: usize, lines: &[LatencyLine]) -> String {
    let title = format!("latency in ns, {kind}, {threads} thread(s)");
    let mut text = format!("{title:<42}");
    for percentile in PERCENTILES {
        let _ = match percentile {
            100.0 => write!(text, " {:>9}", "max"),
            _ => write!(text, " {:>9}", format!("p{percentile}")),
        };
    }
    for (name, operation, histogram) in lines {
        let line = format!("{name}: {operation}");
        let _ = write!(text, "\n  {line:<40}");
        for percentile in PERCENTILES {
            let _ = write!(text, " {:>9}", histogram.value_at_percentile(percentile));
        }
    }
    text.push('\n');
    text
}

/// Writes `results.csv` (the printed tables), `samples.csv` (every round) and `memory.csv`.
pub fn write_csv(out: &Path, results: &Results) -> io::Result<()> {
    if !results.cells.is_empty() {
        let mut summary = create(out, "results.csv")?;
        let mut samples = create(out, "samples.csv")?;
        writeln!(summary, "workload,type,threads,system,median_ns,min_ns,ours_to_this")?;
        writeln!(samples, "workload,type,threads,system,round,ns")?;
        for (cell, rows) in &results.cells {
            let Cell { kind, threads, workload } = cell;
            for row in rows {
                let key = format!("{},{kind},{threads},{}", workload.name(), quoted(row.name));
                let ratio = ratio_to(rows, row).map_or(String::new(), |r| format!("{r:.3}"));
                let (median, minimum) = (median(&row.ns), minimum(&row.ns));
                writeln!(summary, "{key},{median:.3},{minimum:.3},{ratio}")?;
                for (round, ns) in row.ns.iter().enumerate() {
                    writeln!(samples, "{key},{round},{ns:.3}")?;
                }
            }
        }
    }
    if !results.memory.is_empty() {
        let mut memory = create(out, "memory.csv")?;
        writeln!(memory, "type,system,live,bytes,bytes_per_value")?;
        for ((kind, name), footprint) in &results.memory {
            let (live, bytes) = (footprint.live, footprint.bytes);
            let per_value = footprint.per_value();
            writeln!(memory, "{kind},{},{live},{bytes},{per_value:.1}", quoted(name))?;
        }
    }
    Ok(())
}

/// `latency.csv`, written system by system during the run.
pub struct LatencyCsv(File);

impl LatencyCsv {
    pub fn create(out: &Path) -> io::Result<Self> {
        let mut file = create(out, "latency.csv")?;
        writeln!(file, "type,threads,system,operation,percentile,ns")?;
        Ok(Self(file))
    }

    pub fn write(&mut self, kind: Type, threads: usize, lines: &[LatencyLine]) -> io::Result<()> {
        for (name, operation, histogram) in lines {
            for percentile in PERCENTILES {
                let ns = histogram.value_at_percentile(percentile);
                let name = quoted(name);
                writeln!(self.0, "{kind},{threads},{name},{operation},{percentile},{ns}")?;
            }
        }
        Ok(())
    }
}

/// A CSV file that begins with the facts about the run, as comments.
fn create(out: &Path, name: &str) -> io::Result<File> {
    let mut file = File::create(out.join(name))?;
    for (what, which) in machine::facts() {
        writeln!(file, "# {what}: {which}")?;
    }
    Ok(file)
}

fn quoted(name: &str) -> String {
    if name.contains(',') {
        format!("\"{name}\"")
    } else {
        name.into()
    }
}
