//! Threads, one on each core, that go through the steps of a verb; and the collector that they
//! share, as crossbeam-epoch 0.9 does it (its internal.rs), each access to a line of many included.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{
    memory::{time, Costs, Line, Memory, Time},
    verbs::{Turn, Verb},
};

/// Bags that one collection runs, at the most.
const BAGS_PER_COLLECT: u32 = 8;
/// Lines of a bag: 64 closures of 32 bytes. It lies in the queue by value, and is copied out.
const LINES_OF_A_BAG: u64 = 33;
/// `BACKLOG` and `FLUSHES_OF_A_BACKLOG` of handle-table.
const BACKLOG: u32 = 8;
const FLUSHES_OF_A_BACKLOG: usize = 7;

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
    /// A batch of deletes goes to the collector, and those that are ready come back.
    Retire,
    // What these are made of.
    Announce,
    Withdraw,
    Reannounce,
    Flush {
        batch: bool,
    },
    Push {
        batch: bool,
    },
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
    Backlog,
    Reclaim,
}
use Step::*;

/// A bag in the collector's queue: when and by whom it was sealed, and whether a batch is in it.
struct Bag {
    epoch: u64,
    sealer: usize,
    batch: bool,
}

#[derive(Default)]
struct Thread {
    turns: u64,
    pins: u64,
    /// The epoch that it has announced.
    pinned: Option<u64>,
    /// Queue nodes that it is to free, which go with its next bag.
    garbage: bool,
    /// Its batches that were sealed and have not been taken back, and those that are ready.
    waiting: u32,
    ready: u32,
    /// What is left of this turn, last step first.
    todo: Vec<Step>,
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
    memory: Memory,
    walk: Time,
    pins_per_collect: u64,
    threads: Vec<Thread>,
    epoch: u64,
    queue: VecDeque<Bag>,
}

impl<'v> Crew<'v> {
    pub fn new(verb: &'v Verb, cores: usize, nodes: usize, costs: &Costs) -> Self {
        Self {
            verb,
            memory: Memory::new(cores, nodes, costs),
            walk: time(costs.walk),
            pins_per_collect: costs.pins_per_collect,
            threads: (0..cores).map(|_| Thread::default()).collect(),
            epoch: 0,
            queue: VecDeque::new(),
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

    fn begin_turn(&mut self, thread: usize) {
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
    fn insert(&mut self, thread: usize, steps: &[Step]) {
        self.threads[thread].todo.extend(steps.iter().rev());
    }

    /// One step, begun at `now`: when it has ended.
    fn step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        let me = Line::Participant(thread);
        match step {
            Work(ns) => return now + time(ns),
            Read(line) => return self.memory.read(thread, line, now),
            Write(line) => return self.memory.write(thread, line, now),

            Pin => {
                self.insert(thread, &[Read(Line::Epoch), Write(me), Announce]);
            }
            Announce => {
                let state = &mut self.threads[thread];
                state.pinned = Some(self.epoch);
                state.pins += 1;
                // Threads that start together don't collect together.
                if (state.pins + 37 * thread as u64).is_multiple_of(self.pins_per_collect) {
                    self.insert(thread, &[Collect]);
                }
            }
            Unpin => self.insert(thread, &[Write(me), Withdraw]),
            Withdraw => self.threads[thread].pinned = None,
            Repin => self.insert(thread, &[Read(Line::Epoch), Reannounce]),
            Reannounce => {
                if self.threads[thread].pinned != Some(self.epoch) {
                    self.threads[thread].pinned = Some(self.epoch);
                    self.insert(thread, &[Write(me)]);
                }
            }

            Retire => {
                self.threads[thread].waiting += 1;
                self.insert(
                    thread,
                    &[
                        Write(Line::ReadyCount),
                        Write(Line::Ready(thread)),
                        Write(Line::Deferred),
                        Pin,
                        Flush { batch: true },
                        Unpin,
                        Reclaim,
                        Backlog,
                    ],
                );
            }
            Flush { batch } => {
                if batch || self.threads[thread].garbage {
                    // The bag begins in the line of the thread's entry.
                    let entry = Write(Line::Entry(thread));
                    self.insert(thread, &[entry, Push { batch }, Collect]);
                } else {
                    self.insert(thread, &[Collect]);
                }
            }
            Push { batch } => {
                self.threads[thread].garbage = false;
                self.queue.push_back(Bag {
                    epoch: self.epoch,
                    sealer: thread,
                    batch,
                });
                self.insert(
                    thread,
                    &[
                        Read(Line::Epoch),
                        Read(Line::Tail),
                        Write(Line::LastNode),
                        Write(Line::Tail),
                    ],
                );
            }

            Collect => {
                let epoch = self.epoch;
                self.insert(thread, &[Read(Line::Epoch), Walk { epoch, from: 0 }]);
            }
            Walk { epoch, from } => {
                let seen = self.threads.get(from).map(|other| other.pinned);
                let then = match seen {
                    None => Advance { epoch },
                    Some(Some(pinned)) if pinned != epoch => Pop {
                        epoch,
                        left: BAGS_PER_COLLECT,
                    },
                    Some(_) => Walk {
                        epoch,
                        from: from + 1,
                    },
                };
                self.insert(thread, &[then]);
                if seen.is_some() {
                    let mut end = self.memory.read(thread, Line::Entry(from), now);
                    end = self.memory.read(thread, Line::Participant(from), end);
                    let waits = (end - now) as f64 / self.memory.overlap;
                    return now + waits as Time + self.walk;
                }
            }
            Advance { epoch } => {
                self.epoch = self.epoch.max(epoch + 1);
                let pop = Pop {
                    epoch: epoch + 1,
                    left: BAGS_PER_COLLECT,
                };
                self.insert(thread, &[Write(Line::Epoch), pop]);
            }
            Pop { epoch, left } => {
                let begin = self.memory.read(thread, Line::Head, now);
                let ripe = |bag: &Bag| left > 0 && bag.epoch + 2 <= epoch;
                if !self.queue.front().is_some_and(ripe) {
                    return begin;
                }
                let Some(Bag { sealer, batch, .. }) = self.queue.pop_front() else {
                    return begin;
                };
                self.threads[thread].garbage = true;
                let left = left - 1;
                self.insert(thread, &[Pop { epoch, left }]);
                if batch {
                    self.threads[sealer].ready += 1;
                    let list = Write(Line::Ready(sealer));
                    let counts = [Write(Line::Deferred), Write(Line::ReadyCount)];
                    self.insert(thread, &[counts[0], list, counts[1]]);
                }
                self.insert(thread, &[Write(Line::Head), Read(Line::Tail)]);
                let copy = LINES_OF_A_BAG * self.memory.distance(thread, sealer);
                return begin + (copy as f64 / self.memory.overlap) as Time;
            }

            Reclaim => {
                let state = &mut self.threads[thread];
                let ready = std::mem::take(&mut state.ready);
                state.waiting -= ready;
                if ready > 0 {
                    let (list, busy) = (Line::Ready(thread), Line::Shared(thread));
                    self.insert(thread, &[Write(busy), Write(list), Write(busy)]);
                }
                self.insert(thread, &[Read(Line::Ready(thread))]);
            }
            Backlog => {
                if self.threads[thread].waiting > BACKLOG {
                    self.insert(thread, &[Reclaim]);
                    for _ in 0..FLUSHES_OF_A_BACKLOG {
                        self.insert(thread, &[Pin, Flush { batch: false }, Unpin]);
                    }
                }
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        near: 50.0,
        far: 110.0,
        serve: 5.0,
        overlap: 4.0,
        walk: 10.0,
        pins_per_collect: 128,
    };

    fn run(verb: &Verb, cores: usize) -> Outcome {
        Crew::new(verb, cores, 1, &COSTS).run(3 * verb.batch as u64)
    }

    /// A verb of 10 ns and one line.
    fn verb(steps: fn(&Verb, Turn, &mut Vec<Step>)) -> Verb {
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

    #[test]
    fn a_pin_costs_more_with_more_participants_and_a_shared_pin_does_not() {
        let pins = verb(|verb, _, steps| steps.extend([Pin, Work(verb.work), Unpin]));
        let (one, few, many) = (run(&pins, 1).ns, run(&pins, 8).ns, run(&pins, 128).ns);
        assert!(
            one < 10.5 && few > one + 1.0 && many > few + 10.0,
            "{one} {few} {many}"
        );
        let repins = verb(|verb, _, steps| steps.extend([Work(verb.work), Repin]));
        assert!(run(&repins, 128).ns < 10.5);
    }

    #[test]
    fn batches_come_back() {
        let deletes = verb(|verb, turn, steps| {
            steps.push(Work(verb.work));
            if turn.number % 16 == 0 {
                steps.push(Retire);
            }
        });
        for cores in [1, 8] {
            let mut crew = Crew::new(&deletes, cores, 1, &COSTS);
            for turn in 0..1000 * cores {
                let thread = turn % cores;
                crew.begin_turn(thread);
                while let Some(step) = crew.threads[thread].todo.pop() {
                    crew.step(thread, step, 0);
                }
            }
            let waiting = crew.threads.iter().map(|thread| thread.waiting);
            assert!(crew.epoch > 50 && waiting.max() <= Some(2 * BACKLOG));
        }
    }

    #[test]
    fn a_thread_that_stays_pinned_stops_the_epoch() {
        let stuck = verb(|verb, turn, steps| {
            steps.push(Work(verb.work));
            match turn.thread {
                0 if turn.number > 0 => {}
                0 => steps.push(Pin),
                _ => steps.extend([Pin, Unpin]),
            }
        });
        let mut crew = Crew::new(&stuck, 2, 1, &COSTS);
        for _ in 0..1000 {
            for thread in [0, 1] {
                crew.begin_turn(thread);
                while let Some(step) = crew.threads[thread].todo.pop() {
                    crew.step(thread, step, 0);
                }
            }
        }
        assert_eq!(crew.epoch, 1);
    }
}
