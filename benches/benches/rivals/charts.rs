//! SVG charts: one of columns for each cell, and one of lines that shows how systems grow with
//! threads.

use std::{collections::BTreeMap, error::Error, path::Path};

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    contenders::Role,
    machine,
    results::{Cell, Results, Row},
};
use benches::{stats::median, value::Type, workloads::Workload};

pub type Drawn = Result<(), Box<dyn Error>>;

const OURS: RGBColor = RGBColor(0xc0, 0x4a, 0x1c);
const PEER: RGBColor = RGBColor(0x8a, 0x9b, 0xb0);
const FLOOR: RGBColor = RGBColor(0xd6, 0xd6, 0xd6);
const LINES: [RGBColor; 9] = [
    RGBColor(0x22, 0x22, 0x22),
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x8c, 0x56, 0x4b),
    RGBColor(0xe3, 0x77, 0xc2),
    RGBColor(0x7f, 0x7f, 0x7f),
    RGBColor(0xbc, 0xbd, 0x22),
    RGBColor(0x17, 0xbe, 0xcf),
];
const WIDTH: u32 = 760;

/// The rows of one workload and type of value, for each number of threads.
type ByThreads<'r> = Vec<(usize, &'r [Row])>;

/// A system's line in a chart of growth.
struct Line<'r> {
    name: &'r str,
    role: Role,
    points: Vec<(f64, f64)>,
}

/// Draws a chart for each cell, and one for each workload that ran on more than two numbers of
/// threads.
pub fn draw(out: &Path, results: &Results) -> Drawn {
    for (cell, rows) in &results.cells {
        let name = format!("{}-{}-{}.svg", cell.workload.name(), cell.kind, cell.threads);
        columns(&out.join(name), cell, rows)?;
    }
    let mut growing: BTreeMap<(Type, Workload), ByThreads> = BTreeMap::new();
    for (cell, rows) in &results.cells {
        let key = (cell.kind, cell.workload);
        growing.entry(key).or_default().push((cell.threads, rows));
    }
    for ((kind, workload), by_threads) in growing {
        if by_threads.len() > 2 {
            let name = format!("growth-{}-{kind}.svg", workload.name());
            let title = format!("{}, {kind}", workload.name());
            growth(&out.join(name), &title, &by_threads)?;
        }
    }
    Ok(())
}

/// One horizontal column for each system. A column of more than eight times the length of ours is
/// cut; the number beside it is the full one.
fn columns(path: &Path, cell: &Cell, rows: &[Row]) -> Drawn {
    const LEFT: i32 = 190;
    const TOP: i32 = 34;
    const COLUMN: i32 = 22;
    const FULL: f64 = 450.0;
    let height = TOP + COLUMN * rows.len() as i32 + 26;
    let root = SVGBackend::new(path, (WIDTH, height as u32)).into_drawing_area();
    // White, since the page that shows the chart may be dark.
    root.fill(&WHITE)?;
    let title = format!("{}: ns per operation, less is better", cell.title());
    text(&root, &title, (12, 8), 16, HPos::Left)?;
    let ours = crate::results::ours(rows).map_or(f64::INFINITY, |ours| median(&ours.ns));
    let longest = rows.iter().map(|row| median(&row.ns)).fold(0.0, f64::max);
    let end = longest.min(8.0 * ours);
    for (nth, row) in rows.iter().enumerate() {
        let (ns, y) = (median(&row.ns), TOP + COLUMN * nth as i32);
        let color = match row.role {
            Role::Ours | Role::OursToo => OURS,
            Role::Peer => PEER,
            Role::Floor => FLOOR,
        };
        let right = LEFT + (ns.min(end) / end * FULL) as i32;
        let shape = [(LEFT, y + 3), (right.max(LEFT + 1), y + COLUMN - 3)];
        root.draw(&Rectangle::new(shape, color.filled()))?;
        let cut = if ns > end { " (cut)" } else { "" };
        text(&root, row.name, (LEFT - 8, y + 4), 13, HPos::Right)?;
        let number = format!("{ns:.1}{cut}");
        text(&root, &number, (right + 6, y + 4), 13, HPos::Left)?;
    }
    text(&root, &footer(), (12, height - 18), 11, HPos::Left)?;
    root.present()?;
    Ok(())
}

/// One line for each system: operations per microsecond of all threads together, over the number of
/// threads.
fn growth(path: &Path, title: &str, by_threads: &[(usize, &[Row])]) -> Drawn {
    let root = SVGBackend::new(path, (WIDTH, 430)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("{title}: operations per microsecond, all threads together");
    text(&root, &title, (12, 8), 16, HPos::Left)?;
    text(&root, &footer(), (12, 412), 11, HPos::Left)?;
    let mut lines: Vec<Line> = Vec::new();
    for &(threads, rows) in by_threads {
        // The floor is so fast that all other lines would lie flat beside it.
        for row in rows.iter().filter(|row| row.role != Role::Floor) {
            let point = ((threads as f64).log2(), row.throughput(threads));
            match lines.iter_mut().find(|line| line.name == row.name) {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name: row.name, role: row.role, points: vec![point] }),
            }
        }
    }
    let points = || lines.iter().flat_map(|line| &line.points);
    let right = points().map(|point| point.0).fold(0.0, f64::max);
    let top = points().map(|point| point.1).fold(0.0, f64::max);
    let plot = root.margin(34, 22, 10, 200);
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..right, 0.0..top * 1.05)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(by_threads.len())
        .x_label_formatter(&|log| format!("{:.0}", log.exp2()))
        .x_desc("threads")
        .draw()?;
    let (mut peers, mut legend) = (LINES.iter().cycle(), 44);
    for Line { name, role, points } in &lines {
        let style = match role {
            Role::Ours => OURS.stroke_width(3),
            Role::OursToo => OURS.stroke_width(1),
            _ => peers.next().unwrap_or(&PEER).stroke_width(2),
        };
        chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        let left = WIDTH as i32 - 190;
        let line = vec![(left, legend), (left + 22, legend)];
        root.draw(&PathElement::new(line, style))?;
        text(&root, name, (left + 30, legend - 7), 13, HPos::Left)?;
        legend += 20;
    }
    root.present()?;
    Ok(())
}

fn text(
    root: &DrawingArea<SVGBackend, Shift>,
    text: &str,
    at: (i32, i32),
    size: i32,
    side: HPos,
) -> Drawn {
    let style = TextStyle::from(("sans-serif", size)).pos(Pos::new(side, VPos::Top));
    root.draw(&Text::new(text, at, style))?;
    Ok(())
}

fn footer() -> String {
    let facts = machine::facts();
    let fact = |name| facts.iter().find(|(what, _)| *what == name);
    let words = ["date", "machine", "allocator"].map(|name| fact(name).map_or("", |(_, f)| f));
    words.join("; ")
}
