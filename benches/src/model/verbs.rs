//! The verbs of handle-table as steps and, for comparison, operations of other designs.

use super::{
    machine::Step::{self, *},
    memory::Line,
};

/// One operation: the thread that runs it, and its number there.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub thread: usize,
    pub threads: usize,
    pub number: usize,
}

impl Turn {
    /// Whether this delete fills a batch. Threads that start together fill theirs at different
    /// times.
    fn fills(self, batch: usize) -> bool {
        (self.number + 37 * self.thread) % batch == batch - 1
    }

    /// The line of the slot that `thread` used `ago` turns before this one.
    fn slot(self, thread: usize, batch: usize, ago: usize) -> Line {
        Line::Slot(thread, (self.number + 2 * batch - ago) % (2 * batch) / SLOTS_IN_A_LINE)
    }
}

/// Slots of 16 bytes in a line of 64.
const SLOTS_IN_A_LINE: usize = 4;
/// The line of a slot that all threads read. The verbs of handle-table do not write it.
const HOT: Line = Line::Slot(0, 0);
/// An insert and a delete of a value with something to drop, on a thread that runs alone.
const NEW_DROP: f64 = 14.6;

pub struct Verb {
    pub name: &'static str,
    pub about: &'static str,
    /// Nanoseconds on one thread that runs alone, as measured.
    pub work: f64,
    /// Deletes that wait for one grace period, or for one look at the readers.
    pub batch: usize,
    pub make: fn(&Self, Turn, &mut Vec<Step>),
}

impl Verb {
    pub fn steps(&self, turn: Turn, steps: &mut Vec<Step>) {
        (self.make)(self, turn, steps);
    }

    /// All verbs, with deletes in batches of `batch`. Their work was measured on one thread of an
    /// AMD EPYC (Zen 3): see docs/lab/scaling-model.md.
    pub fn all(batch: usize) -> Vec<Self> {
        let verb = |name, about, work, make| Self { name, about, work, batch, make };
        vec![
            verb("get", "a pin each, all threads one handle", 4.0, get_hot),
            verb("get-own", "a pin each, each thread its own handle", 4.0, get_own),
            verb("pinned-get", "under one pin", 1.7, pinned_get),
            verb("pump", "under one pin, renewed every 64", 1.8, pump),
            verb("new-delete", "on the own shard", 8.3, new_delete),
            Self {
                batch: 1,
                ..verb("new-drop", "as new-delete, with something to drop", NEW_DROP, new_drop)
            },
            verb("drop-batched", "as new-drop, in batches", NEW_DROP, new_drop),
            Self {
                batch: 256,
                ..verb("get-drop", "as get, and every 256th time new-drop", 4.0, get_drop)
            },
            verb(
                "hand-off",
                "new, then get and delete of a value of the neighbour",
                13.0,
                hand_off,
            ),
            verb("no-lease", "new and delete, all threads on shard 0", 24.0, no_lease),
            verb("counted", "get with a count in the slot, as in sharded-slab", 12.0, counted),
            verb("counted-own", "as counted, each thread its own handle", 12.0, counted_own),
            verb("arc", "clone and drop of one Arc", 4.8, counted),
            verb(
                "one-lock",
                "get through a read lock and a mutex, as in ffi-support",
                18.0,
                one_lock,
            ),
        ]
    }
}

fn get_hot(verb: &Verb, _: Turn, steps: &mut Vec<Step>) {
    get(verb, HOT, steps);
}

fn get_own(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    get(verb, Line::Slot(turn.thread, 0), steps);
}

fn get(verb: &Verb, slot: Line, steps: &mut Vec<Step>) {
    let half = Work(verb.work / 2.0);
    steps.extend([Pin, half, Read(slot), Unpin, half]);
}

fn pinned_get(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    if turn.number == 0 {
        steps.push(Pin);
    }
    steps.extend([Work(verb.work), Read(HOT)]);
}

fn pump(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    pinned_get(verb, turn, steps);
    if turn.number % 64 == 63 {
        steps.extend([Unpin, Pin]);
    }
}

fn new_delete(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    let slot = turn.slot(turn.thread, verb.batch, 0);
    let owned = Line::Owned(turn.thread);
    // Claim and publish; then unlink, and link into the batch.
    steps.extend([Work(verb.work), Write(owned), Write(slot)]);
    if turn.fills(verb.batch) {
        steps.push(Retire);
    }
}

fn new_drop(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    let slot = turn.slot(turn.thread, verb.batch, 0);
    steps.extend([Work(verb.work), Write(Line::Owned(turn.thread)), Write(slot)]);
    if turn.fills(verb.batch) {
        steps.push(Look);
    }
}

fn get_drop(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    get_hot(verb, turn, steps);
    if turn.fills(verb.batch) {
        steps.extend([Work(NEW_DROP), Look]);
    }
}

fn hand_off(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    let Turn { thread, threads, .. } = turn;
    let left = (thread + threads - 1) % threads;
    let (mine, theirs) =
        (turn.slot(thread, verb.batch, 0), turn.slot(left, verb.batch, verb.batch));
    let half = Work(verb.work / 2.0);
    steps.extend([half, Write(Line::Owned(thread)), Write(mine)]);
    steps.extend([Pin, Read(theirs), Unpin, half, Write(theirs)]);
    if turn.fills(verb.batch) {
        // Reclaimed slots return to their shard in one chain, and its owner takes all at once.
        steps.extend([Retire, Write(Line::Shared(left)), Write(Line::Shared(thread))]);
    }
}

fn no_lease(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    let Turn { thread, threads, number } = turn;
    // A stack gives its slots to the threads in turn.
    let number = (number * threads + thread) % (2 * verb.batch * threads);
    let slot = Line::Slot(0, number / SLOTS_IN_A_LINE);
    let shared = Line::Shared(0);
    let half = Work(verb.work / 2.0);
    // New: top, its slot, exchange, publish, count. Delete: unlink, count, link, exchange.
    steps.extend([Read(shared), Read(slot), Write(shared), Write(slot)]);
    steps.extend([Write(shared), half]);
    steps.extend([Write(slot), Write(shared), Read(shared), Write(slot)]);
    steps.extend([Write(shared), half]);
    if turn.fills(verb.batch) {
        steps.push(Retire);
    }
}

fn counted(verb: &Verb, _: Turn, steps: &mut Vec<Step>) {
    let half = Work(verb.work / 2.0);
    steps.extend([Write(HOT), half, Write(HOT), half]);
}

fn counted_own(verb: &Verb, turn: Turn, steps: &mut Vec<Step>) {
    let slot = Line::Slot(turn.thread, 0);
    let half = Work(verb.work / 2.0);
    steps.extend([Write(slot), half, Write(slot), half]);
}

fn one_lock(verb: &Verb, _: Turn, steps: &mut Vec<Step>) {
    let third = Work(verb.work / 3.0);
    let (lock, value) = (Write(Line::Lock), Write(HOT));
    steps.extend([lock, third, value, third, value, lock, third]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that a verb writes in as many turns as fill a batch, without those of `Retire`.
    fn written(name: &str, thread: usize) -> Vec<Line> {
        let all = Verb::all(256);
        let verb = all.iter().find(|verb| verb.name == name);
        let verb = verb.expect("there is a verb of this name");
        let mut steps = Vec::new();
        for number in 0..256 {
            let turn = Turn { thread, threads: 8, number };
            verb.steps(turn, &mut steps);
        }
        let line = |step: &Step| match step {
            Write(line) => Some(*line),
            _ => None,
        };
        steps.iter().filter_map(line).collect()
    }

    #[test]
    fn look_ups_write_nothing_and_new_and_delete_only_own_lines() {
        for name in ["get", "get-own", "pinned-get", "pump"] {
            assert_eq!(written(name, 3), [], "{name}");
        }
        let own = |line: &Line| matches!(line, Line::Owned(3) | Line::Slot(3, _));
        assert!(written("new-delete", 3).iter().all(own));
    }

    #[test]
    fn a_batch_fills_once_in_its_length() {
        for thread in [0, 5] {
            let turn = |number| Turn { thread, threads: 8, number };
            assert_eq!((0..2560).filter(|&n| turn(n).fills(256)).count(), 10);
        }
    }
}
