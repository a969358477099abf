//! The collector that the threads of a machine share, as crossbeam-epoch 0.9 works (its
//! internal.rs): pins, scans of the participants, and a queue of bags. Every access to a shared
//! line is a step.
//!
//! The sentinel of handle-table is part of it, since it ends the scans: see src/epoch/sentinel.rs.

use std::collections::VecDeque;

use super::{
    machine::{Machine, Step, Step::*},
    memory::{time, Costs, Line, Time},
};

/// The largest number of bags that one collection runs.
const BAGS_PER_COLLECT: u32 = 8;
/// Lines of a bag: 64 closures of 32 bytes. The queue holds it by value, and it is copied out.
const LINES_OF_A_BAG: u64 = 33;

/// A bag in the queue.
struct Bag {
    /// The epoch in which it was sealed.
    epoch: u64,
    /// The thread that sealed it.
    sealer: usize,
    /// Whether it holds the closure that ends a grace period.
    ends: bool,
}

pub(super) struct Collector {
    epoch: u64,
    /// The epoch that the sentinel has announced, if there is a sentinel.
    sentinel: Option<u64>,
    queue: VecDeque<Bag>,
    /// Time to look at one participant, apart from getting its lines.
    scan: Time,
    pins_per_collect: u64,
}

impl Collector {
    pub(super) fn new(costs: &Costs) -> Self {
        Self {
            epoch: 0,
            sentinel: costs.sentinel.then_some(0),
            queue: VecDeque::new(),
            scan: time(costs.scan),
            pins_per_collect: costs.pins_per_collect,
        }
    }
}

impl Machine<'_> {
    /// Runs a step of the collector that begins at `now`. Returns the time at which it ends.
    pub(super) fn collector_step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        let me = Line::Participant(thread);
        match step {
            Pin => {
                self.insert(thread, &[Read(Line::Epoch), Write(me), Announce]);
            }
            Announce => {
                let state = &mut self.threads[thread];
                state.pinned = Some(self.collector.epoch);
                state.pins += 1;
                // The offset keeps threads that start together from collecting together.
                if (state.pins + 37 * thread as u64).is_multiple_of(self.collector.pins_per_collect)
                {
                    self.insert(thread, &[Collect]);
                }
            }
            Unpin => self.insert(thread, &[Write(me), Withdraw]),
            Withdraw => self.threads[thread].pinned = None,
            Repin => self.insert(thread, &[Read(Line::Epoch), Reannounce]),
            Reannounce => {
                if self.threads[thread].pinned != Some(self.collector.epoch) {
                    self.threads[thread].pinned = Some(self.collector.epoch);
                    self.insert(thread, &[Write(me)]);
                }
            }

            Flush => {
                self.insert(thread, &[Collect]);
                if self.threads[thread].ends || self.threads[thread].garbage {
                    // The bag begins in the line of the participant's entry.
                    let entry = Write(Line::Entry(thread));
                    self.insert(thread, &[entry, Push]);
                }
                if self.collector.sentinel.is_some() {
                    let (lock, unlock) = (Write(Line::SentinelLock), Write(Line::SentinelLock));
                    let epoch = Read(Line::Epoch);
                    self.insert(
                        thread,
                        &[lock, epoch, MoveSentinel, Write(Line::Sentinel), unlock],
                    );
                }
            }
            MoveSentinel => self.collector.sentinel = Some(self.collector.epoch),
            Push => {
                self.threads[thread].garbage = false;
                self.collector.queue.push_back(Bag {
                    epoch: self.collector.epoch,
                    sealer: thread,
                    ends: std::mem::take(&mut self.threads[thread].ends),
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
                let epoch = self.collector.epoch;
                let scan = match self.collector.sentinel {
                    Some(sentinel) if sentinel != epoch => Pop { epoch, left: BAGS_PER_COLLECT },
                    _ => Scan { epoch, from: 0 },
                };
                self.insert(thread, &[Read(Line::Epoch), Read(Line::Sentinel), scan]);
            }
            Scan { epoch, from } => {
                let seen = self.threads.get(from).map(|other| other.pinned);
                let then = match seen {
                    None => MoveEpoch { epoch },
                    Some(Some(pinned)) if pinned != epoch => Pop { epoch, left: BAGS_PER_COLLECT },
                    Some(_) => Scan { epoch, from: from + 1 },
                };
                self.insert(thread, &[then]);
                if seen.is_some() {
                    let mut end = self.memory.read(thread, Line::Entry(from), now);
                    end = self.memory.read(thread, Line::Participant(from), end);
                    let waits = (end - now) as f64 / self.memory.overlap;
                    return now + waits as Time + self.collector.scan;
                }
            }
            MoveEpoch { epoch } => {
                self.collector.epoch = self.collector.epoch.max(epoch + 1);
                let pop = Pop { epoch: epoch + 1, left: BAGS_PER_COLLECT };
                self.insert(thread, &[Write(Line::Epoch), pop]);
            }
            Pop { epoch, left } => {
                let begin = self.memory.read(thread, Line::Head, now);
                let ripe = |bag: &Bag| left > 0 && bag.epoch + 2 <= epoch;
                if !self.collector.queue.front().is_some_and(ripe) {
                    return begin;
                }
                let Some(Bag { sealer, ends, .. }) = self.collector.queue.pop_front() else {
                    return begin;
                };
                self.threads[thread].garbage = true;
                let left = left - 1;
                self.insert(thread, &[Pop { epoch, left }]);
                if ends {
                    self.end_grace_period(thread);
                }
                self.insert(thread, &[Write(Line::Head), Read(Line::Tail)]);
                let copy = LINES_OF_A_BAG * self.memory.distance(thread, sealer);
                return begin + (copy as f64 / self.memory.overlap) as Time;
            }
            _ => unreachable!("not a step of the collector"),
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::machine::tests::{run, run_turns, verb, COSTS},
        *,
    };

    #[test]
    fn a_pin_costs_more_with_more_participants_unless_there_is_a_sentinel_or_it_is_shared() {
        let pins = verb(|verb, _, steps| steps.extend([Pin, Work(verb.work), Unpin]));
        let without = Costs { sentinel: false, ..COSTS };
        let pin = |cores, costs| Machine::new(&pins, cores, 1, costs).run(768).ns;
        let (one, few, many) = (pin(1, &without), pin(8, &without), pin(128, &without));
        assert!(one < 10.5 && few > one + 1.0 && many > few + 10.0, "{one} {few} {many}");
        assert!(pin(128, &COSTS) < 10.5);
        let repins = verb(|verb, _, steps| steps.extend([Work(verb.work), Repin]));
        assert!(run(&repins, 128).ns < 10.5);
    }

    #[test]
    fn a_thread_that_stays_pinned_stops_the_epoch() {
        let stuck = verb(|verb, turn, steps| {
            steps.push(Work(verb.work));
            match turn.thread {
                0 if turn.number > 0 => {}
                0 => steps.push(Pin),
                _ => steps.extend([Pin, Unpin, Retire]),
            }
        });
        let mut machine = Machine::new(&stuck, 2, 1, &COSTS);
        run_turns(&mut machine, 1000);
        assert_eq!(machine.collector.epoch, 1);
    }
}
