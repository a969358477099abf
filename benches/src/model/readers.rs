//! Readers' records, and those who look at them, as in handle-table's src/epoch: pins, scans behind
//! a barrier, the two modes, and the grace periods of batches of trivial values. Every access to a
//! line that other threads use is a step.
//!
//! Left out: readers that are in the way of a single delete, the way back to the light mode, and
//! threads without a lease.

use super::{
    machine::{Machine, Step, Step::*},
    memory::{time, Line, Time},
};

/// Constants of handle-table: see its src/config.rs and src/epoch/storm.rs.
const ADVANCE_AT_BATCHES: usize = 4;
const YIELD_ABOVE_BATCHES: usize = 8;
const SHARE: Time = 4;
const IN_A_ROW: u32 = 8;

pub(super) struct Readers {
    era: u64,
    /// All readers of earlier eras have let go.
    over: u64,
    /// Whether readers make fences, and deleters no barriers.
    fenced: bool,
    /// When the last heavy barrier was over, and how many came too early, in a row.
    last: Time,
    close: u32,
}

impl Readers {
    pub(super) fn new(fenced: bool) -> Self {
        Self { era: 0, over: 0, fenced, last: 0, close: 0 }
    }
}

impl Machine<'_> {
    /// Runs a step of this module that begins at `now`. Returns the time at which it ends.
    pub(super) fn reader_step(&mut self, thread: usize, step: Step, now: Time) -> Time {
        let me = Line::Record(thread);
        match step {
            Pin => self.insert(thread, &[Write(me), Read(Line::Now), Fence, Announce]),
            Announce => self.threads[thread].pinned = Some(self.readers.era),
            Unpin => {
                self.threads[thread].pinned = None;
                self.insert(thread, &[Write(me), Read(Line::Now), Fence]);
            }
            Fence if self.readers.fenced => return now + time(self.costs.fence),
            Fence => {}

            // The count of its owner's looks has a line of its own.
            Look => self.insert(thread, &[Barrier, SCAN]),
            Barrier => return self.barrier(thread, now),
            Scan { from, oldest } => return self.scan(thread, from, oldest, now),

            Retire => {
                // A ticket; then the list of sealed batches, and their count.
                let shared = Write(Line::Shared(thread));
                let advance = [ADVANCE_AT_BATCHES - 1, YIELD_ABOVE_BATCHES]
                    .map(|more_than| AdvanceIf { more_than });
                let seal = [Write(Line::Now), Seal, shared, shared];
                self.insert(thread, &[&seal[..], &[Reclaim], &advance].concat());
            }
            Seal => self.threads[thread].sealed.push(self.readers.era + 1),
            Reclaim => {
                let sealed = &mut self.threads[thread].sealed;
                if sealed.len() >= ADVANCE_AT_BATCHES {
                    sealed.retain(|&ticket| ticket > self.readers.over);
                    // Lock, take what was added, adjust the count, unlock.
                    let shared = [Write(Line::Shared(thread)); 4];
                    self.insert(thread, &[&[Read(Line::Over)], &shared[..]].concat());
                }
            }
            AdvanceIf { more_than } => match self.threads[thread].sealed[..] {
                [.., ticket] if self.threads[thread].sealed.len() > more_than => {
                    self.insert(thread, &[Read(Line::Over), Advance { ticket }, Reclaim]);
                }
                _ => {}
            },
            Advance { ticket } if ticket > self.readers.over => {
                // The first scan is for the oldest reader, so that eras may wrap.
                self.insert(thread, &[SCAN, Write(Line::Now), BeginEra]);
            }
            Advance { .. } => {}
            BeginEra => {
                self.readers.era += 1;
                let oldest = self.readers.era;
                self.insert(thread, &[Write(me), Barrier, Scan { from: 0, oldest }, Raise]);
            }
            Raise => {
                if self.threads[thread].oldest > self.readers.over {
                    self.readers.over = self.threads[thread].oldest;
                    self.insert(thread, &[Write(Line::Over)]);
                }
            }
            _ => unreachable!("not a step of readers or deleters"),
        }
        now
    }

    /// A heavy barrier; nothing in fenced mode, where the fence is part of the verb's work, or if
    /// no other thread has a record.
    fn barrier(&mut self, thread: usize, now: Time) -> Time {
        if self.readers.fenced || self.records() == 1 {
            return self.memory.read(thread, Line::Now, now);
        }
        let cost = time(self.costs.barrier);
        for (_, other) in self.threads.iter_mut().enumerate().filter(|(n, _)| *n != thread) {
            other.interrupted += time(self.costs.interrupt);
        }
        self.readers.close += 1;
        if now.saturating_sub(self.readers.last) >= SHARE * cost {
            self.readers.close = 0;
        }
        self.readers.fenced = self.readers.close >= IN_A_ROW;
        self.readers.last = self.readers.last.max(now + cost);
        // The times are noted beside the era.
        self.memory.write(thread, Line::Now, now + cost)
    }

    /// Looks at the record `from`, and then at those after it.
    fn scan(&mut self, thread: usize, from: usize, oldest: u64, now: Time) -> Time {
        let pinned = self.threads.get(from).and_then(|other| other.pinned);
        let oldest = oldest.min(pinned.unwrap_or(oldest));
        self.threads[thread].oldest = oldest;
        if from == self.records() {
            return now;
        }
        self.insert(thread, &[Scan { from: from + 1, oldest }]);
        let end = self.memory.read(thread, Line::Record(from), now);
        let waits = (end - now) as f64 / self.costs.overlap;
        now + waits as Time + time(self.costs.scan)
    }

    fn records(&self) -> usize {
        self.threads.len() + self.costs.asleep
    }
}

/// A scan whose result does not matter here.
const SCAN: Step = Scan { from: 0, oldest: 0 };

#[cfg(test)]
mod tests {
    use super::{
        super::{
            machine::tests::{run, run_turns, verb, COSTS},
            memory::Costs,
            verbs::Verb,
        },
        *,
    };

    fn deletes() -> Verb {
        verb(|verb, turn, steps| {
            steps.push(Work(verb.work));
            if turn.number % 16 == 0 {
                steps.push(Retire);
            }
        })
    }

    #[test]
    fn batches_are_reclaimed_by_grace_periods_that_all_threads_share() {
        let deletes = deletes();
        for cores in [1, 8] {
            let mut machine = Machine::new(&deletes, cores, 1, &COSTS);
            run_turns(&mut machine, 1000);
            let waiting = machine.threads.iter().map(|thread| thread.sealed.len());
            assert!(waiting.max() < Some(2 * ADVANCE_AT_BATCHES), "{cores}");
            // Each thread seals 63 batches; a grace period serves three or four of each thread.
            let eras = machine.readers.era;
            assert!((15..30).contains(&eras), "{eras}");
        }
    }

    #[test]
    fn a_thread_that_stays_pinned_stops_grace_periods() {
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
        assert_eq!(machine.readers.over, 0);
        assert!(machine.readers.era > 100);
    }

    #[test]
    fn a_pin_costs_no_more_with_more_threads_but_two_fences_in_fenced_mode() {
        let pins = verb(|verb, _, steps| steps.extend([Pin, Work(verb.work), Unpin]));
        assert!(run(&pins, 128).ns < 10.5);
        let fenced = Costs { fenced: true, ..COSTS };
        let ns = Machine::new(&pins, 128, 1, &fenced).run(768).ns;
        assert!((ns - 10.0 - 2.0 * COSTS.fence).abs() < 0.5, "{ns}");
    }

    #[test]
    fn a_look_costs_a_scan_and_rare_ones_a_barrier_that_interrupts_all() {
        let look = |work, costs: &Costs| {
            let looks =
                Verb { work, ..verb(|verb, _, steps| steps.extend([Work(verb.work), Look])) };
            Machine::new(&looks, 2, 1, costs).run(300).ns - work
        };
        let (often, rarely) = (look(10.0, &COSTS), look(1e6, &COSTS));
        let both = COSTS.barrier + COSTS.interrupt;
        assert!(often < 300.0 && (both..both + 300.0).contains(&rarely), "{often} {rarely}");
        let asleep = Costs { asleep: 1000, ..COSTS };
        let scan = look(10.0, &asleep) - often;
        assert!((scan / COSTS.scan / 1000.0 - 1.0).abs() < 0.1, "{scan}");
    }
}
