//! Cache lines: which cores have a copy, and how long another core waits for one.
//!
//! As in MESI, many cores may read a line, but only one may write it. Each line is a server with a
//! queue: transfers from or to a writer happen one after the other, and that is contention. For the
//! first half of a transfer the request is on its way, and the old owner can still use the line.

use foldhash::{HashMap, HashMapExt};

/// Picoseconds.
pub type Time = u64;

/// The settings: costs in nanoseconds, and others.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// To get a line from another core of the node.
    pub near: f64,
    /// To get a line from another node.
    pub far: f64,
    /// How long a copy of a line to one more reader keeps others waiting.
    pub serve: f64,
    /// Lines in transfer at a time, where a core reads many that don't depend on each other.
    pub overlap: f64,
    /// To look at one record in a scan, apart from getting its line.
    pub scan: f64,
    /// A heavy barrier, for the thread that makes it, and for each other one.
    pub barrier: f64,
    pub interrupt: f64,
    /// A reader's fence, in fenced mode.
    pub fence: f64,
    /// Threads that have used a table, and sleep: each has a record.
    pub asleep: usize,
    /// Whether the mode is fenced from the beginning.
    pub fenced: bool,
}

/// A line of memory that several threads use. The number of a thread is that of its core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Line {
    /// The era, with the mode, and with what decides about that.
    Now,
    /// The era that is over for all tickets.
    Over,
    /// What a thread shows to those who delete.
    Record(usize),
    /// Of each shard: the part that only its owner writes, and the part that all threads may write,
    /// with its sealed batches.
    Owned(usize),
    Shared(usize),
    /// Four slots: the thread that uses them, and the number of the line.
    Slot(usize, usize),
    /// The lock of a table that has one.
    Lock,
}

pub const MAX_CORES: usize = 1024;
type Cores = [u64; MAX_CORES / 64];

#[derive(Default)]
struct State {
    /// The cores that have a copy, or have requested one.
    have: Cores,
    /// The cores that had a copy, each until the request that takes it away arrives.
    had: Vec<(Cores, Time)>,
    busy_until: Time,
    /// The total time that the line was in transfer.
    busy: Time,
}

impl State {
    /// Transfers the line from the cores that have it, in `cost`, after all transfers that were
    /// requested before. Returns the time at which it arrives.
    fn pass_on(&mut self, cost: Time, now: Time) -> Time {
        let start = now.max(self.busy_until);
        self.had.retain(|(_, until)| *until > now);
        self.had.push((self.have, start + cost / 2));
        self.occupy(start, cost);
        self.busy_until
    }

    fn occupy(&mut self, start: Time, how_long: Time) {
        self.busy_until = start + how_long;
        self.busy += how_long;
    }

    fn still_had(&self, now: Time, by: impl Fn(&Cores) -> bool) -> bool {
        self.had.iter().any(|(cores, until)| now < *until && by(cores))
    }
}

pub struct Memory {
    near: Time,
    far: Time,
    serve: Time,
    /// For each core, the cores of its node.
    node: Vec<Cores>,
    lines: HashMap<Line, State>,
}

pub fn time(ns: f64) -> Time {
    (ns * 1000.0).round() as Time
}

impl Memory {
    /// Cores are numbered from node to node.
    pub fn new(cores: usize, nodes: usize, costs: &Costs) -> Self {
        assert!(cores <= MAX_CORES && (1..=MAX_CORES).contains(&nodes));
        let node_of = |core: usize| core * nodes / cores;
        let mates = |core| {
            let mut mates = Cores::default();
            let is_mate = |&other: &usize| node_of(other) == node_of(core);
            (0..cores).filter(is_mate).for_each(|mate| set(&mut mates, mate));
            mates
        };
        Self {
            near: time(costs.near),
            far: time(costs.far),
            serve: time(costs.serve),
            node: (0..cores).map(mates).collect(),
            lines: HashMap::new(),
        }
    }

    /// The line that was in transfer for the longest time in total.
    pub fn busiest(&self) -> Option<(Line, Time)> {
        let lines = self.lines.iter().map(|(line, state)| (*line, state.busy));
        // The line breaks ties, not the order of the map.
        lines.max_by_key(|&(line, busy)| (busy, line))
    }

    /// Reads the line at `now`. Returns the time at which `core` has a copy.
    pub fn read(&mut self, core: usize, line: Line, now: Time) -> Time {
        let node = &self.node[core];
        let state = self.lines.entry(line).or_default();
        if has(&state.have, core) || state.still_had(now, |cores| has(cores, core)) {
            return now;
        }
        let nobody = state.have == Cores::default();
        let in_node = state.have.iter().zip(node).any(|(have, node)| have & node != 0);
        let cost = if in_node || nobody { self.near } else { self.far };
        let end = if state.have.iter().map(|word| word.count_ones()).sum::<u32>() == 1 {
            state.pass_on(cost, now)
        } else {
            // A copy from a shared cache, which is soon ready to serve the next core.
            let start = now.max(state.busy_until);
            state.occupy(start, self.serve);
            start + cost
        };
        set(&mut state.have, core);
        end
    }

    /// Writes the line at `now`. Returns the time at which `core` has the only copy and has written
    /// it. The core waits for that, as it does in a read-modify-write.
    pub fn write(&mut self, core: usize, line: Line, now: Time) -> Time {
        let node = &self.node[core];
        let state = self.lines.entry(line).or_default();
        let mut alone = Cores::default();
        set(&mut alone, core);
        if state.have == alone || state.still_had(now, |cores| *cores == alone) {
            return now;
        }
        let beyond = state.have.iter().zip(node).any(|(have, node)| have & !node != 0);
        let cost = if beyond { self.far } else { self.near };
        let end = state.pass_on(cost, now);
        state.have = alone;
        end
    }
}

fn has(cores: &Cores, core: usize) -> bool {
    cores[core / 64] >> (core % 64) & 1 == 1
}

fn set(cores: &mut Cores, core: usize) {
    cores[core / 64] |= 1 << (core % 64);
}

#[cfg(test)]
mod tests {
    use super::{super::machine::tests::COSTS, *};

    #[test]
    fn a_line_in_the_own_cache_costs_nothing() {
        let mut memory = Memory::new(2, 1, &COSTS);
        let now = memory.write(0, Line::Lock, 0);
        assert_eq!(memory.write(0, Line::Lock, now), now);
        assert_eq!(memory.read(0, Line::Lock, now), now);
    }

    #[test]
    fn a_line_that_another_core_wrote_costs_a_transfer() {
        let mut memory = Memory::new(4, 2, &COSTS);
        let now = memory.write(0, Line::Lock, 0);
        let (near, far) = (time(COSTS.near), time(COSTS.far));
        assert_eq!(memory.read(1, Line::Lock, now), now + near);
        assert_eq!(memory.read(0, Line::Lock, now), now, "the writer keeps a copy");
        let later = now + 10 * far;
        assert_eq!(memory.read(2, Line::Lock, later), later + far);
        assert_eq!(memory.write(0, Line::Lock, 2 * later), 2 * later + far);
        assert_eq!(memory.read(1, Line::Lock, 3 * later), 3 * later + near);
    }

    #[test]
    fn writers_wait_for_each_other() {
        let mut memory = Memory::new(3, 1, &COSTS);
        let ends = [0, 1, 2].map(|core| memory.write(core, Line::Lock, 0));
        assert_eq!(ends, [1, 2, 3].map(|turn| turn * time(COSTS.near)));
        assert_eq!(memory.busiest(), Some((Line::Lock, ends[2])));
    }
}
