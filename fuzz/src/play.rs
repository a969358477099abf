//! A script on threads that run in turn.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use crate::{
    forge::forge,
    input::Input,
    ledger::{self, Number, MOST},
    model::Model,
    threads::{bury, pass_to, perform, wait_for_turn, End, Part, THREADS},
};

/// A table, and the operations on it.
pub(crate) trait Target: Sync {
    /// What a thread holds from one operation to the next.
    type Hand<'t>: Default
    where
        Self: 't;

    /// Does what a code from 0 to 63 stands for.
    fn step<'t>(&'t self, code: u8, scene: &mut Scene<'_>, hand: &mut Self::Hand<'t>);

    /// Checks what a thread holds.
    fn check(&self, hand: &Self::Hand<'_>);

    /// Lets go of all that a thread holds.
    fn let_go(&self, scene: &mut Scene<'_>, hand: &mut Self::Hand<'_>);

    /// After the last operation, when no thread holds anything.
    fn finish(self, scene: &mut Scene<'_>);
}

/// The script, and what it has come to.
pub(crate) struct Scene<'d> {
    pub(crate) input: Input<'d>,
    pub(crate) model: Model,
    /// The thread that runs.
    pub(crate) me: usize,
    /// What the thread that was passed the turn is to do.
    code: Option<u8>,
    made: usize,
    deaths: usize,
}

/// The code of a thread's end.
const DEATH: u8 = 63;
/// A script may end so many threads: that takes its time.
const MOST_DEATHS: usize = 2;

impl<'d> Scene<'d> {
    pub(crate) fn new(input: Input<'d>, model: Model) -> Self {
        Self { input, model, me: 0, code: None, made: 0, deaths: 0 }
    }

    /// A number for a new value.
    pub(crate) fn number(&mut self) -> Number {
        assert!(self.made < MOST, "the script is too long");
        self.made += 1;
        Number::new(self.made - 1, self.input.byte())
    }

    /// A handle, live, dead or wrong; or zero.
    pub(crate) fn pick(&mut self) -> usize {
        let byte = usize::from(self.input.byte());
        let (live, seen) = (self.model.live(), self.model.seen());
        match byte {
            0..=159 if !live.is_empty() => live[live.len() - 1 - byte % live.len()].0,
            0..=223 if !seen.is_empty() => seen[seen.len() - 1 - byte % seen.len()],
            _ => {
                let mut one = || match seen.len() {
                    0 => 1 << (usize::BITS - 1),
                    len => seen[len - 1 - self.input.below(len)],
                };
                let (raw, other) = (one(), one());
                forge(raw, other, &mut self.input)
            }
        }
    }

    /// Whose turn it is now, and what that thread is to do; `None` at the end of the script. One
    /// byte in four passes the turn on, which takes longer than most operations.
    fn next(&mut self) -> Option<(usize, u8)> {
        if let Some(code) = self.code.take() {
            return Some((self.me, code));
        }
        let byte = self.input.peek()?;
        self.input.byte();
        let code = byte % 64;
        let step = if byte < 192 { 0 } else { 1 + usize::from(code) % (THREADS - 1) };
        let other = (self.me + step) % THREADS;
        self.code = (other != self.me).then_some(code);
        Some((other, code))
    }

    fn may_die(&mut self) -> bool {
        self.deaths += 1;
        self.me != 0 && self.deaths <= MOST_DEATHS
    }
}

/// A script that is played.
struct Play<'d, T> {
    target: T,
    state: Mutex<State<'d>>,
}

struct State<'d> {
    scene: Scene<'d>,
    /// The threads that have begun their part, as bits.
    on_stage: usize,
    /// A thread that is ending.
    dying: Option<usize>,
}

/// Plays a script.
pub(crate) fn play<T: Target>(target: T, scene: Scene<'_>) {
    let state = Mutex::new(State { scene, on_stage: 0, dying: None });
    let play = Play { target, state };
    perform(&play);
    let mut scene = play.state.into_inner().unwrap_or_else(PoisonError::into_inner).scene;
    scene.me = 0;
    play.target.finish(&mut scene);
    ledger::forget(scene.made);
}

/// What a thread does after an operation.
enum Next {
    Goes,
    PassesTo(usize),
    Ends(End),
}

impl<T: Target> Part for Play<'_, T> {
    fn play(&self, me: usize) -> End {
        let mut hand = T::Hand::default();
        loop {
            let next = {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                self.step(me, &mut state, &mut hand)
            };
            match next {
                Next::Goes => {}
                Next::PassesTo(other) => {
                    pass_to(other);
                    wait_for_turn(me);
                }
                Next::Ends(end) => return end,
            }
        }
    }
}

impl<'d, T: Target> Play<'d, T> {
    fn step<'t>(&'t self, me: usize, state: &mut State<'d>, hand: &mut T::Hand<'t>) -> Next {
        state.on_stage |= 1 << me;
        state.scene.me = me;
        if let Some(dying) = state.dying.take() {
            bury(dying);
        }
        let Some((other, code)) = state.scene.next() else {
            return self.end(me, state, hand);
        };
        if other != me {
            return Next::PassesTo(other);
        }
        if code == DEATH {
            if state.scene.may_die() {
                state.dying = Some(me);
                return self.leave(me, state, hand, End::Dies);
            }
            return Next::Goes;
        }
        self.target.step(code, &mut state.scene, hand);
        self.target.check(hand);
        state.scene.model.settle();
        Next::Goes
    }

    /// At the end of the script, thread 0 passes the turn to each other one, which leaves.
    fn end<'t>(&'t self, me: usize, state: &mut State<'d>, hand: &mut T::Hand<'t>) -> Next {
        if me != 0 {
            return self.leave(me, state, hand, End::Waits);
        }
        let others = state.on_stage >> 1;
        if others != 0 {
            return Next::PassesTo(others.trailing_zeros() as usize + 1);
        }
        self.leave(me, state, hand, End::Waits)
    }

    /// The thread lets go of what it has.
    fn leave(&self, me: usize, state: &mut State<'d>, hand: &mut T::Hand<'_>, end: End) -> Next {
        self.target.let_go(&mut state.scene, &mut mem::take(hand));
        state.scene.model.settle();
        state.on_stage &= !(1 << me);
        Next::Ends(end)
    }
}
