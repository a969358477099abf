//! Cache lines: which cores have a copy, and how long the next one waits for its own.
//!
//! As in MESI: many may read a line, and one alone may write it. A line is a server: transfers from
//! or to a writer come one after the other, and that is what contention is. Half of a transfer is
//! the request's way; so long the line can still be used where it is.

use foldhash::{HashMap, HashMapExt};

/// Picoseconds.
pub type Time = u64;

/// What it costs to get a line, in nanoseconds, and what else can be set.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// From a core of the same node.
    pub near: f64,
    /// From another node.
    pub far: f64,
    /// For how long a line keeps others waiting while it is copied to one more reader.
    pub serve: f64,
    /// Lines that are under way at a time where a core reads many that don't depend on each other.
    pub overlap: f64,
    /// To look at one participant in crossbeam's walk, apart from getting its lines.
    pub walk: f64,
    /// Pins of a thread from one collection to the next: 128 in crossbeam-epoch.
    pub pins_per_collect: u64,
    /// Whether handle-table's anchor stops walks between batches (its src/anchor.rs).
    pub anchor: bool,
}

/// A line of memory that more than one thread comes to. A thread's number is its core's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Line {
    /// crossbeam-epoch's: the global epoch, the ends of its queue, and the newest node in that.
    Epoch,
    Head,
    Tail,
    LastNode,
    /// Of each participant: its link in the list, and its epoch.
    Entry(usize),
    Participant(usize),
    /// The anchor's, which lie together here, and who has it in hand.
    Anchor,
    Hand,
    /// The count of grace periods in src/grace.rs.
    Clock,
    /// Who helps the epoch on alone.
    Helper,
    /// Of each shard: the owner's part, and everyone's, with its sealed batches.
    Owned(usize),
    Shared(usize),
    /// Slots, four to a line: thread and number; and what others put around a value.
    Slot(usize, usize),
    Lock,
}

pub const MAX_CORES: usize = 1024;
type Cores = [u64; MAX_CORES / 64];

#[derive(Default)]
struct State {
    /// Those that have it, or have asked for it.
    have: Cores,
    /// Those that had it, while the others' request is still on its way: half the time.
    had: Vec<(Cores, Time)>,
    busy_until: Time,
    /// How long it was on its way, all in all.
    busy: Time,
}

impl State {
    /// Takes the line from those that have it: when its next one gets it, who needs it for `cost`
    /// after all that asked before.
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
        self.had
            .iter()
            .any(|(cores, until)| now < *until && by(cores))
    }
}

pub struct Memory {
    near: Time,
    far: Time,
    serve: Time,
    pub overlap: f64,
    /// The cores of each core's node.
    node: Vec<Cores>,
    lines: HashMap<Line, State>,
}

pub fn time(ns: f64) -> Time {
    (ns * 1000.0).round() as Time
}

impl Memory {
    /// Cores are numbered node by node.
    pub fn new(cores: usize, nodes: usize, costs: &Costs) -> Self {
        assert!(cores <= MAX_CORES && (1..=MAX_CORES).contains(&nodes));
        let node_of = |core: usize| core * nodes / cores;
        let mates = |core| {
            let mut mates = Cores::default();
            let is_mate = |&other: &usize| node_of(other) == node_of(core);
            (0..cores)
                .filter(is_mate)
                .for_each(|mate| set(&mut mates, mate));
            mates
        };
        Self {
            near: time(costs.near),
            far: time(costs.far),
            serve: time(costs.serve),
            overlap: costs.overlap,
            node: (0..cores).map(mates).collect(),
            lines: HashMap::new(),
        }
    }

    /// What a line costs `core` that another core has.
    pub fn distance(&self, core: usize, other: usize) -> Time {
        match (core == other, has(&self.node[core], other)) {
            (true, _) => 0,
            (_, true) => self.near,
            _ => self.far,
        }
    }

    /// The line that was busy for the most time.
    pub fn busiest(&self) -> Option<(Line, Time)> {
        let lines = self.lines.iter().map(|(line, state)| (*line, state.busy));
        // The order of a map must not decide.
        lines.max_by_key(|&(line, busy)| (busy, line))
    }

    /// When `core` can read the line, if it asks at `now`.
    pub fn read(&mut self, core: usize, line: Line, now: Time) -> Time {
        let node = &self.node[core];
        let state = self.lines.entry(line).or_default();
        if has(&state.have, core) || state.still_had(now, |cores| has(cores, core)) {
            return now;
        }
        let nobody = state.have == Cores::default();
        let in_node = state
            .have
            .iter()
            .zip(node)
            .any(|(have, node)| have & node != 0);
        let cost = if in_node || nobody {
            self.near
        } else {
            self.far
        };
        let end = if state.have.iter().map(|word| word.count_ones()).sum::<u32>() == 1 {
            state.pass_on(cost, now)
        } else {
            // From a cache that many share, which is soon ready for the next.
            let start = now.max(state.busy_until);
            state.occupy(start, self.serve);
            start + cost
        };
        set(&mut state.have, core);
        end
    }

    /// When `core` has the line to itself and has written it, if it asks at `now`. The core waits
    /// for that, as it does in a read-modify-write.
    pub fn write(&mut self, core: usize, line: Line, now: Time) -> Time {
        let node = &self.node[core];
        let state = self.lines.entry(line).or_default();
        let mut alone = Cores::default();
        set(&mut alone, core);
        if state.have == alone || state.still_had(now, |cores| *cores == alone) {
            return now;
        }
        let beyond = state
            .have
            .iter()
            .zip(node)
            .any(|(have, node)| have & !node != 0);
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
    use super::*;

    const COSTS: Costs = Costs {
        near: 50.0,
        far: 110.0,
        serve: 5.0,
        overlap: 1.0,
        walk: 10.0,
        pins_per_collect: 128,
        anchor: true,
    };

    #[test]
    fn a_line_that_one_core_has_costs_that_core_nothing() {
        let mut memory = Memory::new(2, 1, &COSTS);
        let now = memory.write(0, Line::Lock, 0);
        assert_eq!(memory.write(0, Line::Lock, now), now);
        assert_eq!(memory.read(0, Line::Lock, now), now);
    }

    #[test]
    fn a_written_line_must_be_fetched_and_then_taken_back() {
        let mut memory = Memory::new(4, 2, &COSTS);
        let now = memory.write(0, Line::Lock, 0);
        let (near, far) = (time(COSTS.near), time(COSTS.far));
        assert_eq!(memory.read(1, Line::Lock, now), now + near);
        assert_eq!(
            memory.read(0, Line::Lock, now),
            now,
            "the writer keeps a copy"
        );
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
