//! Values that know whether they are alive, and that are counted when they are made and dropped.

use std::{
    sync::{
        atomic::{
            AtomicU64, AtomicU8,
            Ordering::{Relaxed, SeqCst},
        },
        Arc,
    },
    thread,
    time::Duration,
};

use handle_table::Exclusive;

use crate::{
    accounts::{fault, is_child, Expected, Kind, DROP_PANICS},
    random::{mix, Rng},
    reenter::reenter,
};

/// This bit of a number says: one thread alone knows the handle, and deletes it. So until then its
/// handle is valid.
const PRIVATE: u64 = 1 << 63;

pub fn is_private(number: u64) -> bool {
    number & PRIVATE != 0
}

fn new_number(rng: &mut Rng, private: bool) -> u64 {
    rng.next() & !PRIVATE | if private { PRIVATE } else { 0 }
}

pub trait Soaked: Send + Sync + Sized + 'static {
    /// No destructor tells of its drop.
    const TRIVIAL: bool = false;

    /// A new value, which is counted.
    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self;

    /// Its number, if it is alive and whole. `None` is a fault, told by the caller.
    fn number(&self) -> Option<u64>;

    /// Nothing unusual happens in its drop from here on: no table drops it.
    fn disarm(&self) {}

    /// Its number. Ends the process if it is not alive.
    fn look(&self) -> u64 {
        match self.number() {
            Some(number) => number,
            None => fault!("a value of type {} is not alive", std::any::type_name::<Self>()),
        }
    }
}

/// Says that `count` values are gone, if they don't tell that themselves.
pub fn count_gone<T: Soaked>(kind: Kind, count: usize) {
    if T::TRIVIAL {
        kind.dropped().add(count);
    }
}

/// Its upper 48 bits are a number, and the others the sum of that.
impl Soaked for u64 {
    const TRIVIAL: bool = true;

    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self {
        kind.made().add(1);
        let number = new_number(rng, private) >> 16;
        number << 16 | mix(number) & 0xffff
    }

    fn number(&self) -> Option<u64> {
        (mix(self >> 16) & 0xffff == self & 0xffff).then_some(*self)
    }
}

const QUIET: u8 = 0;
const PANICS: u8 = 1;
const SLOW: u8 = 2;
const REENTERS: u8 = 3;

/// What stands in the check of a value that was dropped.
const DEAD: u64 = 0xdead_dead_dead_dead;

/// A small value with a destructor.
pub struct Token {
    number: u64,
    check: AtomicU64,
    kind: Kind,
    /// What its drop does.
    temper: AtomicU8,
    /// Its last owner may be a clone outside of a table.
    is_shared: bool,
}

impl Token {
    fn new(kind: Kind, rng: &mut Rng, private: bool, is_shared: bool) -> Self {
        let temper = match rng.below(2_000) {
            // A panic that no table catches would end its thread.
            0..=3 if !is_shared && kind != Kind::Local => PANICS,
            4 => SLOW,
            5..=40 => REENTERS,
            _ => QUIET,
        };
        kind.made().add(1);
        let number = new_number(rng, private);
        let check = AtomicU64::new(Self::sum(number, kind));
        Self { number, check, kind, temper: AtomicU8::new(temper), is_shared }
    }

    /// In its drop a quiesce gives an error: a table of readers drops it. A `OnceTable` drops its
    /// values as a box does.
    fn is_refused_a_wait(&self) -> bool {
        !self.is_shared && !matches!(self.kind, Kind::Once | Kind::Drained | Kind::Local)
    }

    fn sum(number: u64, kind: Kind) -> u64 {
        mix(number ^ (kind as u64) << 56)
    }
}

impl Soaked for Token {
    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self {
        Self::new(kind, rng, private, false)
    }

    fn number(&self) -> Option<u64> {
        (self.check.load(SeqCst) == Self::sum(self.number, self.kind)).then_some(self.number)
    }

    fn disarm(&self) {
        self.temper.store(QUIET, Relaxed);
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.number().is_none() {
            let again = self.check.load(SeqCst) == DEAD;
            fault!("{:?}: dropped {}", self.kind, if again { "twice" } else { "what is no value" });
        }
        self.check.store(DEAD, SeqCst);
        self.kind.dropped().add(1);
        if is_child() {
            return;
        }
        match *self.temper.get_mut() {
            PANICS => {
                DROP_PANICS.add(1);
                std::panic::panic_any(Expected);
            }
            SLOW => thread::sleep(Duration::from_millis(1 + self.number % 20)),
            REENTERS => reenter(mix(self.number), self.is_refused_a_wait()),
            _ => {}
        }
    }
}

impl Soaked for Arc<Token> {
    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self {
        Arc::new(Token::new(kind, rng, private, true))
    }

    fn number(&self) -> Option<u64> {
        (**self).number()
    }
}

/// A value of 128 bytes, which a table stores in a box.
pub struct Large {
    token: Token,
    filling: [u64; 12],
}

impl Soaked for Large {
    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self {
        let token = Token::make(kind, rng, private);
        let filling = std::array::from_fn(|nth| mix(token.number ^ nth as u64));
        Self { token, filling }
    }

    fn number(&self) -> Option<u64> {
        let number = self.token.number()?;
        let mut filling = self.filling.iter().enumerate();
        filling.all(|(nth, word)| *word == mix(number ^ nth as u64)).then_some(number)
    }

    fn disarm(&self) {
        self.token.disarm();
    }
}

/// What an [`Exclusive`] holds: two counts that differ while a borrower changes them.
pub struct Changing {
    token: Token,
    counts: [u64; 2],
}

impl Changing {
    /// Counts, and gives the number. `None` is a fault.
    pub fn change(&mut self) -> Option<u64> {
        let number = self.number()?;
        self.counts[0] += 1;
        std::hint::black_box(&mut self.counts);
        self.counts[1] += 1;
        Some(number)
    }

    fn number(&self) -> Option<u64> {
        if self.counts[0] != self.counts[1] {
            return None;
        }
        self.token.number()
    }
}

impl Soaked for Exclusive<Changing> {
    fn make(kind: Kind, rng: &mut Rng, private: bool) -> Self {
        Exclusive::new(Changing { token: Token::make(kind, rng, private), counts: [0; 2] })
    }

    /// Waits for the other borrowers.
    fn number(&self) -> Option<u64> {
        loop {
            if let Some(value) = self.try_borrow_mut() {
                return value.number();
            }
            thread::yield_now();
        }
    }

    fn disarm(&self) {
        if let Some(value) = self.try_borrow_mut() {
            value.token.disarm();
        }
    }
}
