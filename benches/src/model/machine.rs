//! The machine: threads, one on each core, that run the steps of a verb again and again.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    memory::{time, Costs, Line, Memory, Time},
    readers::Readers,
    verbs::{Turn, Verb},
};

/// A step of a thread. Some of them take time, the others insert further steps.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Nanoseconds of work on lines that the core has in its cache.
    Work(f64),
    Read(Line),
    /// A store or a read-modify-write.
    Write(Line),
    // A pin and its end: see `readers.rs`, for these and all that follow.
    Pin,
    Announce,
    Unpin,
    /// The fence of a pin or of its end, in fenced mode.
    Fence,
    /// A deleter's look at all readers.
    Look,
    Barrier,
    Scan {
        from: usize,
        oldest: u64,
    },
    /// Seals a batch of deletes, and reclaims the batches whose grace period is over.
    Retire,
    Seal,
    Reclaim,
    AdvanceIf {
        more_than: usize,
    },
    Advance {
        ticket: u64,
    },
    BeginEra,
    Raise,
}
use Step::*;

#[derive(Default)]
pub(super) struct Thread {
    pub(super) turns: u64,
    /// The era of its pin, if it is pinned.
    pub(super) pinned: Option<u64>,
    /// The oldest era that its last scan has seen.
    pub(super) oldest: u64,
    /// The time that it has lost in interrupts since its last step.
    pub(super) interrupted: Time,
    /// The tickets of its batches that were sealed and are not reclaimed yet.
    pub(super) sealed: Vec<u64>,
    /// The steps that are left of this turn, last one first.
    pub(super) todo: Vec<Step>,
}

/// The result of a run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The time of one operation of one thread.
    pub ns: f64,
    /// Operations of all threads together, per second.
    pub million_ops: f64,
    /// The line that was in transfer for the largest part of the time, and that part. Where it
    /// comes near to one, more cores do not raise the throughput.
    pub busiest: Option<(Line, f64)>,
}

pub struct Machine<'v> {
    verb: &'v Verb,
    pub(super) memory: Memory,
    pub(super) threads: Vec<Thread>,
    pub(super) costs: Costs,
    pub(super) readers: Readers,
}

impl<'v> Machine<'v> {
    pub fn new(verb: &'v Verb, cores: usize, nodes: usize, costs: &Costs) -> Self {
        Self {
            verb,
            memory: Memory::new(cores, nodes, costs),
            threads: (0..cores).map(|_| Thread::default()).collect(),
            costs: *costs,
            readers: Readers::new(costs.fenced),
        }
    }

    /// Runs the verb `turns` times on each thread, on average, after a warm-up of a third as many.
    pub fn run(mut self, turns: u64) -> Outcome {
        let cores = self.threads.len() as u64;
        let mut next: BinaryHeap<_> =
            (0..self.threads.len()).map(|thread| Reverse((0, thread))).collect();
        let (warm, all) = (cores * (turns / 3), cores * (turns / 3 + turns));
        let (mut done, mut start) = (0, 0);
        while let Some(Reverse((mut now, thread))) = next.pop() {
            // Continues with this thread until another one has an earlier time.
            while next.peek().is_none_or(|Reverse(first)| (now, thread) <= *first) {
                match self.threads[thread].todo.pop() {
                    Some(step) => now = self.step(thread, step, now),
                    None => {
                        done += u64::from(self.threads[thread].turns > 0);
                        if done == warm {
                            start = now;
                        }
                        if done == all {
                            let ns = (now - start) as f64 / 1000.0;
                            let share = |(line, busy)| (line, busy as f64 / now as f64);
                            return Outcome {
                                busiest: self.memory.busiest().map(share),
                                ns: ns * cores as f64 / (all - warm) as f64,
                                million_ops: (all - warm) as f64 * 1000.0 / ns,
                            };
                        }
                        self.begin_turn(thread);
                    }
                }
            }
            next.push(Reverse((now, thread)));
        }
        unreachable!("a machine has a thread")
    }

    pub(super) fn begin_turn(&mut self, thread: usize) {
        let turn = Turn {
            thread,
            threads: self.threads.len(),
            number: self.threads[thread].turns as usize,
        };
        let todo = &mut self.threads[thread].todo;
        self.verb.steps(turn, todo);
        todo.reverse();
        self.threads[thread].turns += 1;
    }

    /// Inserts steps before all others that the thread has to do.
    pub(super) fn insert(&mut self, thread: usize, steps: &[Step]) {
        self.threads[thread].todo.extend(steps.iter().rev());
    }

    /// Runs one step that begins at `now`. Returns the time at which it ends.
    pub(super) fn step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        let now = now + std::mem::take(&mut self.threads[thread].interrupted);
        match step {
            Work(ns) => now + time(ns),
            Read(line) => self.memory.read(thread, line, now),
            Write(line) => self.memory.write(thread, line, now),
            _ => self.reader_step(thread, step, now),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) const COSTS: Costs = Costs {
        near: 50.0,
        far: 110.0,
        serve: 5.0,
        overlap: 4.0,
        scan: 0.5,
        barrier: 5000.0,
        interrupt: 1000.0,
        fence: 2.0,
        asleep: 0,
        fenced: false,
    };

    pub(in super::super) fn run(verb: &Verb, cores: usize) -> Outcome {
        Machine::new(verb, cores, 1, &COSTS).run(3 * verb.batch as u64)
    }

    /// A verb of 10 ns, with these steps.
    pub(in super::super) fn verb(steps: fn(&Verb, Turn, &mut Vec<Step>)) -> Verb {
        Verb { name: "test", about: "", work: 10.0, batch: 256, make: steps }
    }

    /// Runs that many turns of each thread, one after the other, without regard to time.
    pub(in super::super) fn run_turns(machine: &mut Machine<'_>, turns: usize) {
        for _ in 0..turns {
            for thread in 0..machine.threads.len() {
                machine.begin_turn(thread);
                while let Some(step) = machine.threads[thread].todo.pop() {
                    machine.step(thread, step, 0);
                }
            }
        }
    }

    #[test]
    fn a_line_that_all_read_costs_no_more_with_more_cores() {
        let reads = verb(|verb, _, steps| steps.extend([Work(verb.work), Read(Line::Slot(0, 0))]));
        let (one, many) = (run(&reads, 1), run(&reads, 64));
        assert_eq!(one.ns, 10.0);
        assert!((many.ns - one.ns).abs() < 0.5, "{many:?}");
    }

    #[test]
    fn a_line_that_all_write_is_transferred_once_for_each_write() {
        // The work takes longer than the request of the next writer.
        let writes = verb(|_, _, steps| steps.extend([Work(30.0), Write(Line::Lock)]));
        for cores in [8, 64] {
            let most = 1000.0 / COSTS.near;
            let got = run(&writes, cores).million_ops;
            assert!(got <= most * 1.01 && got > most * 0.95, "{got} of {most}");
            let busiest = run(&writes, cores).busiest;
            assert!(matches!(busiest, Some((Line::Lock, share)) if share > 0.95), "{busiest:?}");
        }
        assert_eq!(run(&writes, 1).ns, 30.0);
    }

    #[test]
    fn writes_to_own_lines_grow_with_the_cores() {
        let own = verb(|verb, turn, steps| {
            steps.extend([Work(verb.work), Write(Line::Owned(turn.thread))])
        });
        let (one, many) = (run(&own, 1).million_ops, run(&own, 64).million_ops);
        assert!((many / one / 64.0 - 1.0).abs() < 0.05, "{many} and {one}");
    }
}
