//! Grace periods, as handle-table counts them (its src/epoch/grace.rs) and retires its batches by
//! them (its src/inner/remove.rs). All threads share the count.

use super::{
    machine::{Machine, Step, Step::*},
    memory::Line,
};

/// Constants of handle-table: see its src/config.rs and src/epoch/grace.rs.
const ADVANCE_AT_BATCHES: usize = 4;
const YIELD_ABOVE_BATCHES: usize = 8;
const STEPS: u32 = 4;

#[derive(Default)]
pub(super) struct GracePeriods {
    /// Grace periods begun, plus grace periods that have ended: odd while one is under way.
    clock: u64,
    /// Whether a thread holds the try-lock of those that advance the epoch.
    locked: bool,
}

impl Machine<'_> {
    /// Runs a step of this module. It takes no time itself, but may insert steps that do.
    pub(super) fn grace_step(&mut self, thread: usize, step: Step) {
        match step {
            Retire => {
                // The list of sealed batches, and their count.
                let shared = Write(Line::Shared(thread));
                let advance = [ADVANCE_AT_BATCHES - 1, YIELD_ABOVE_BATCHES]
                    .map(|more_than| TryAdvanceIf { more_than });
                let seal = [Read(Line::Clock), Seal, shared, shared];
                self.insert(thread, &[&seal[..], &[Reclaim], &advance].concat());
            }
            Seal => {
                let ticket = (self.grace.clock + 3) & !1;
                self.threads[thread].sealed.push(ticket);
            }
            Reclaim => {
                let clock = self.grace.clock;
                let sealed = &mut self.threads[thread].sealed;
                if sealed.len() >= ADVANCE_AT_BATCHES {
                    sealed.retain(|&ticket| ticket > clock);
                    // Set busy, take the list, adjust its count, put the rest back, clear busy.
                    let shared = [Write(Line::Shared(thread)); 5];
                    self.insert(thread, &[&[Read(Line::Clock)], &shared[..]].concat());
                }
            }
            TryAdvanceIf { more_than } => match self.threads[thread].sealed[..] {
                [.., ticket] if self.threads[thread].sealed.len() > more_than => {
                    let left = STEPS;
                    let advance = match more_than {
                        YIELD_ABOVE_BATCHES => TryAdvance { ticket, left },
                        _ => TryAdvanceExclusive { ticket },
                    };
                    self.insert(thread, &[advance, Reclaim]);
                }
                _ => {}
            },
            TryAdvanceExclusive { ticket } => {
                if !std::mem::replace(&mut self.grace.locked, true) {
                    let left = STEPS;
                    let advance = [TryAdvance { ticket, left }];
                    let unlock = [Write(Line::AdvanceLock), Unlock];
                    self.insert(thread, &[&advance[..], &unlock].concat());
                }
                self.insert(thread, &[Write(Line::AdvanceLock)]);
            }
            Unlock => self.grace.locked = false,
            TryAdvance { ticket, left } => {
                if ticket > self.grace.clock && left > 0 {
                    let again = TryAdvance { ticket, left: left - 1 };
                    self.insert(thread, &[Pin, BeginGracePeriod, Flush, Unpin, again]);
                }
                self.insert(thread, &[Read(Line::Clock)]);
            }
            BeginGracePeriod => {
                if self.grace.clock.is_multiple_of(2) {
                    self.grace.clock += 1;
                    self.threads[thread].ends = true;
                    self.insert(thread, &[Write(Line::Clock)]);
                }
                self.insert(thread, &[Read(Line::Clock)]);
            }
            _ => unreachable!("not a step of a grace period"),
        }
    }

    /// Runs the closure that ends a grace period, on the thread that took it out of the queue.
    pub(super) fn end_grace_period(&mut self, thread: usize) {
        self.grace.clock += 1;
        self.insert(thread, &[Write(Line::Clock)]);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::machine::tests::{run_turns, verb, COSTS},
        *,
    };

    #[test]
    fn batches_are_reclaimed_by_grace_periods_that_all_threads_share() {
        let deletes = verb(|verb, turn, steps| {
            steps.push(Work(verb.work));
            if turn.number % 16 == 0 {
                steps.push(Retire);
            }
        });
        for cores in [1, 8] {
            let mut machine = Machine::new(&deletes, cores, 1, &COSTS);
            run_turns(&mut machine, 1000);
            let waiting = machine.threads.iter().map(|thread| thread.sealed.len());
            assert!(waiting.max() < Some(2 * ADVANCE_AT_BATCHES), "{cores}");
            // Each thread seals 62 batches; a grace period serves four of each thread.
            let grace_periods = machine.grace.clock / 2;
            assert!((15..30).contains(&grace_periods), "{grace_periods}");
        }
    }
}
