//! Threads, one on each core, that go through the steps of a verb.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    collector::Collector,
    memory::{time, Costs, Line, Memory, Time},
    verbs::{Turn, Verb},
};

#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Nanoseconds with what the core has.
    Work(f64),
    Read(Line),
    /// A write or a read-modify-write.
    Write(Line),
    /// Pins the thread, with a collection now and then.
    Pin,
    Unpin,
    Repin,
    /// A batch of deletes is sealed, and those whose grace period is over come back.
    Retire,
    // What these are made of.
    Announce,
    Withdraw,
    Reannounce,
    Seal,
    Reclaim,
    HelpIf {
        more_than: usize,
    },
    Help {
        ticket: u64,
        left: u32,
    },
    HelpAlone {
        ticket: u64,
    },
    GiveWay,
    Begin,
    Flush,
    MoveAnchor,
    Push,
    Collect,
    Walk {
        epoch: u64,
        from: usize,
    },
    Advance {
        epoch: u64,
    },
    Pop {
        epoch: u64,
        left: u32,
    },
}
use Step::*;

#[derive(Default)]
pub(super) struct Thread {
    pub(super) turns: u64,
    pub(super) pins: u64,
    /// The epoch that it has announced.
    pub(super) pinned: Option<u64>,
    /// Queue nodes that it is to free, which go with its next bag; and whether that ends a grace period.
    pub(super) garbage: bool,
    pub(super) ends: bool,
    /// The tickets of its batches that were sealed and have not been taken back.
    pub(super) sealed: Vec<u64>,
    /// What is left of this turn, last step first.
    pub(super) todo: Vec<Step>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// For one operation of one thread.
    pub ns: f64,
    /// Of all threads together, per second.
    pub million_ops: f64,
    /// The line that was on its way for most of the time, and for which part of it. Where that
    /// comes near to one, more cores do no more.
    pub busiest: Option<(Line, f64)>,
}

pub struct Crew<'v> {
    verb: &'v Verb,
    pub(super) memory: Memory,
    pub(super) threads: Vec<Thread>,
    pub(super) collector: Collector,
}

impl<'v> Crew<'v> {
    pub fn new(verb: &'v Verb, cores: usize, nodes: usize, costs: &Costs) -> Self {
        Self {
            verb,
            memory: Memory::new(cores, nodes, costs),
            threads: (0..cores).map(|_| Thread::default()).collect(),
            collector: Collector::new(costs),
        }
    }

    /// Runs the verb that many times on each thread, on average, after a third as many to warm up.
    pub fn run(mut self, turns: u64) -> Outcome {
        let cores = self.threads.len() as u64;
        let mut next: BinaryHeap<_> = (0..self.threads.len())
            .map(|thread| Reverse((0, thread)))
            .collect();
        let (warm, all) = (cores * (turns / 3), cores * (turns / 3 + turns));
        let (mut done, mut start) = (0, 0);
        while let Some(Reverse((mut now, thread))) = next.pop() {
            // On with the same thread as long as no other is earlier.
            while next
                .peek()
                .is_none_or(|Reverse(first)| (now, thread) <= *first)
            {
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
        unreachable!("a crew has a thread")
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

    /// What is to come next, before all else that the thread has to do.
    pub(super) fn insert(&mut self, thread: usize, steps: &[Step]) {
        self.threads[thread].todo.extend(steps.iter().rev());
    }

    /// One step, begun at `now`: when it has ended.
    pub(super) fn step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        match step {
            Work(ns) => now + time(ns),
            Read(line) => self.memory.read(thread, line, now),
            Write(line) => self.memory.write(thread, line, now),
            _ => self.collector_step(thread, step, now),
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
        walk: 10.0,
        pins_per_collect: 128,
        anchor: true,
    };

    pub(in super::super) fn run(verb: &Verb, cores: usize) -> Outcome {
        Crew::new(verb, cores, 1, &COSTS).run(3 * verb.batch as u64)
    }

    /// A verb of 10 ns and one line.
    pub(in super::super) fn verb(steps: fn(&Verb, Turn, &mut Vec<Step>)) -> Verb {
        Verb {
            name: "test",
            about: "",
            work: 10.0,
            batch: 256,
            make: steps,
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
    fn a_line_that_all_write_is_handed_on_once_for_each_write() {
        // Work that takes longer than the next one's request.
        let writes = verb(|_, _, steps| steps.extend([Work(30.0), Write(Line::Lock)]));
        for cores in [8, 64] {
            let most = 1000.0 / COSTS.near;
            let got = run(&writes, cores).million_ops;
            assert!(got <= most * 1.01 && got > most * 0.95, "{got} of {most}");
            let busiest = run(&writes, cores).busiest;
            assert!(
                matches!(busiest, Some((Line::Lock, share)) if share > 0.95),
                "{busiest:?}"
            );
        }
        assert_eq!(run(&writes, 1).ns, 30.0);
    }

    #[test]
    fn lines_of_ones_own_grow_with_the_cores() {
        let own = verb(|verb, turn, steps| {
            steps.extend([Work(verb.work), Write(Line::Owned(turn.thread))])
        });
        let (one, many) = (run(&own, 1).million_ops, run(&own, 64).million_ops);
        assert!((many / one / 64.0 - 1.0).abs() < 0.05, "{many} and {one}");
    }
}
