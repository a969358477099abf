//! The collector that a crew shares, as crossbeam-epoch 0.9 does it (its internal.rs), each access to a
//! line of many included; how handle-table counts grace periods by it and retires its batches by that count, and
//! how its anchor holds it back.

use std::collections::VecDeque;

use super::{
    crew::{Crew, Step, Step::*},
    memory::{time, Costs, Line, Time},
};

/// Bags that one collection runs, at the most.
const BAGS_PER_COLLECT: u32 = 8;
/// Lines of a bag: 64 closures of 32 bytes. It lies in the queue by value, and is copied out.
const LINES_OF_A_BAG: u64 = 33;
/// `AHEAD`, `BACKLOG` and `STEPS` of handle-table.
const AHEAD: usize = 4;
const BACKLOG: usize = 8;
const STEPS: u32 = 4;

/// A bag in the collector's queue: when and by whom it was sealed, and whether it ends a grace period.
struct Bag {
    epoch: u64,
    sealer: usize,
    ends: bool,
}

pub(super) struct Collector {
    epoch: u64,
    /// The epoch that the anchor has announced, if there is one.
    anchor: Option<u64>,
    /// Grace periods begun, and grace periods over.
    clock: u64,
    has_helper: bool,
    queue: VecDeque<Bag>,
    /// To look at one participant, apart from getting its lines.
    walk: Time,
    pins_per_collect: u64,
}

impl Collector {
    pub(super) fn new(costs: &Costs) -> Self {
        Self {
            epoch: 0,
            anchor: costs.anchor.then_some(0),
            clock: 0,
            has_helper: false,
            queue: VecDeque::new(),
            walk: time(costs.walk),
            pins_per_collect: costs.pins_per_collect,
        }
    }
}

impl Crew<'_> {
    /// A step that the collector has a part in, begun at `now`: when it has ended.
    pub(super) fn collector_step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        let me = Line::Participant(thread);
        match step {
            Work(_) | Read(_) | Write(_) => unreachable!("no part of the collector's"),

            Pin => {
                self.insert(thread, &[Read(Line::Epoch), Write(me), Announce]);
            }
            Announce => {
                let state = &mut self.threads[thread];
                state.pinned = Some(self.collector.epoch);
                state.pins += 1;
                // Threads that start together don't collect together.
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

            Retire => {
                // The list of sealed batches, and their count.
                let shared = Write(Line::Shared(thread));
                let help = [AHEAD - 1, BACKLOG].map(|more_than| HelpIf { more_than });
                let seal = [Read(Line::Clock), Seal, shared, shared];
                self.insert(thread, &[&seal[..], &[Reclaim], &help].concat());
            }
            Seal => {
                let ticket = (self.collector.clock + 3) & !1;
                self.threads[thread].sealed.push(ticket);
            }
            Reclaim => {
                let clock = self.collector.clock;
                let sealed = &mut self.threads[thread].sealed;
                if sealed.len() >= AHEAD {
                    sealed.retain(|&ticket| ticket > clock);
                    // Busy, the list and the count, the rest of the list, and not busy.
                    let shared = [Write(Line::Shared(thread)); 5];
                    self.insert(thread, &[&[Read(Line::Clock)], &shared[..]].concat());
                }
            }
            HelpIf { more_than } => match self.threads[thread].sealed[..] {
                [.., ticket] if self.threads[thread].sealed.len() > more_than => {
                    let left = STEPS;
                    let help = match more_than {
                        BACKLOG => Help { ticket, left },
                        _ => HelpAlone { ticket },
                    };
                    self.insert(thread, &[help, Reclaim]);
                }
                _ => {}
            },
            HelpAlone { ticket } => {
                if !std::mem::replace(&mut self.collector.has_helper, true) {
                    let left = STEPS;
                    let give = [Write(Line::Helper), GiveWay];
                    self.insert(thread, &[&[Help { ticket, left }], &give[..]].concat());
                }
                self.insert(thread, &[Write(Line::Helper)]);
            }
            GiveWay => self.collector.has_helper = false,
            Help { ticket, left } => {
                if ticket > self.collector.clock && left > 0 {
                    let left = left - 1;
                    self.insert(thread, &[Pin, Begin, Flush, Unpin, Help { ticket, left }]);
                }
                self.insert(thread, &[Read(Line::Clock)]);
            }
            Begin => {
                if self.collector.clock.is_multiple_of(2) {
                    self.collector.clock += 1;
                    self.threads[thread].ends = true;
                    self.insert(thread, &[Write(Line::Clock)]);
                }
                self.insert(thread, &[Read(Line::Clock)]);
            }

            Flush => {
                self.insert(thread, &[Collect]);
                if self.threads[thread].ends || self.threads[thread].garbage {
                    // The bag begins in the line of the thread's entry.
                    let entry = Write(Line::Entry(thread));
                    self.insert(thread, &[entry, Push]);
                }
                if self.collector.anchor.is_some() {
                    let (take, give) = (Write(Line::Hand), Write(Line::Hand));
                    let epoch = Read(Line::Epoch);
                    self.insert(
                        thread,
                        &[take, epoch, MoveAnchor, Write(Line::Anchor), give],
                    );
                }
            }
            MoveAnchor => self.collector.anchor = Some(self.collector.epoch),
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
                let walk = match self.collector.anchor {
                    Some(anchor) if anchor != epoch => Pop {
                        epoch,
                        left: BAGS_PER_COLLECT,
                    },
                    _ => Walk { epoch, from: 0 },
                };
                self.insert(thread, &[Read(Line::Epoch), Read(Line::Anchor), walk]);
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
                    return now + waits as Time + self.collector.walk;
                }
            }
            Advance { epoch } => {
                self.collector.epoch = self.collector.epoch.max(epoch + 1);
                let pop = Pop {
                    epoch: epoch + 1,
                    left: BAGS_PER_COLLECT,
                };
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
                    self.collector.clock += 1;
                    self.insert(thread, &[Write(Line::Clock)]);
                }
                self.insert(thread, &[Write(Line::Head), Read(Line::Tail)]);
                let copy = LINES_OF_A_BAG * self.memory.distance(thread, sealer);
                return begin + (copy as f64 / self.memory.overlap) as Time;
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::crew::tests::{run, verb, COSTS},
        *,
    };

    #[test]
    fn a_pin_costs_more_with_more_participants_unless_there_is_an_anchor_or_it_is_shared() {
        let pins = verb(|verb, _, steps| steps.extend([Pin, Work(verb.work), Unpin]));
        let without = Costs {
            anchor: false,
            ..COSTS
        };
        let pin = |cores, costs| Crew::new(&pins, cores, 1, costs).run(768).ns;
        let (one, few, many) = (pin(1, &without), pin(8, &without), pin(128, &without));
        assert!(
            one < 10.5 && few > one + 1.0 && many > few + 10.0,
            "{one} {few} {many}"
        );
        assert!(pin(128, &COSTS) < 10.5);
        let repins = verb(|verb, _, steps| steps.extend([Work(verb.work), Repin]));
        assert!(run(&repins, 128).ns < 10.5);
    }

    #[test]
    fn batches_come_back_by_grace_periods_that_all_share() {
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
            let waiting = crew.threads.iter().map(|thread| thread.sealed.len());
            assert!(waiting.max() < Some(2 * AHEAD), "{cores}");
            // Of 62 batches of each thread, four at a time.
            let grace_periods = crew.collector.clock / 2;
            assert!((15..30).contains(&grace_periods), "{grace_periods}");
        }
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
        let mut crew = Crew::new(&stuck, 2, 1, &COSTS);
        for _ in 0..1000 {
            for thread in [0, 1] {
                crew.begin_turn(thread);
                while let Some(step) = crew.threads[thread].todo.pop() {
                    crew.step(thread, step, 0);
                }
            }
        }
        assert_eq!(crew.collector.epoch, 1);
    }
}
