//! loom models of single parts, without the epoch and its steps: small enough for three threads and
//! three preemptions. One fear each, and what it would notice; docs/ORDERING.md calls them `parts::`.
//! How the parts work together is modelled through the epoch, in `loom_tests/`.

use std::sync::Arc; // loom's would give edges of its own.

use loom::{
    cell::UnsafeCell,
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use crate::{
    batch::{Batch, Run},
    index::{Index, Link, Shape},
    layout::MAX_SHARDS,
    lease::Leases,
    lists::{Chain, LimboPile, VacantStack},
    reclaim::{Grace, ReadyLists},
    segment::Segments,
    shard::Shard,
    slot::Slot,
    thread::pin,
    word::{LiveWord, Phase},
};

#[path = "../loom_tests/src/replay.rs"]
mod replay;

/// Explores `model` with three preemptions, or `LOOM_MAX_PREEMPTIONS` if that is more.
fn check(model: impl Fn() + Send + Sync + 'static) {
    check_at(3, model);
}

/// The same with this many, for a model that needs no more.
fn check_at(most: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    let most = builder.preemption_bound.unwrap_or(0).max(most);
    builder.preemption_bound = Some(most);
    replay::check(&builder, model);
}

/// What belongs to one thread at a time, as the lists hand it on: a slot's memory, a shard.
struct Holds<const N: usize>([UnsafeCell<bool>; N]);

// SAFETY: loom checks every access to the cells; that none is unordered is what the models claim.
unsafe impl<const N: usize> Sync for Holds<N> {}

impl<const N: usize> Holds<N> {
    /// Of all of them the first `held` are in someone's hands.
    fn new(held: usize) -> Self {
        Self(std::array::from_fn(|nth| UnsafeCell::new(nth < held)))
    }

    fn set(&self, nth: usize, now: bool) {
        // SAFETY: loom has checked that nobody else looks meanwhile.
        let before = self.0[nth].with_mut(|held| unsafe { held.replace(now) });
        assert_ne!(before, now, "number {nth} is in two hands");
    }

    /// Looks, as others may at the same time.
    fn look(&self, nth: usize) {
        // SAFETY: loom has checked that nobody writes meanwhile.
        self.0[nth].with(|held| assert!(unsafe { !*held }));
    }

    fn take(&self, nth: usize) {
        self.set(nth, true);
    }

    fn give(&self, nth: usize) {
        self.set(nth, false);
    }
}

/// Slots, and the two lists that they may be on.
struct Lists<const N: usize> {
    segments: Segments<u8>,
    vacant: VacantStack,
    limbo: LimboPile,
    holds: Holds<N>,
}

impl<const N: usize> Lists<N> {
    /// The first `held` slots are in someone's hands, the others on the stack, the last on top.
    fn new(held: usize) -> Self {
        let this = Self {
            segments: Segments::new(1),
            vacant: VacantStack::new(),
            limbo: LimboPile::new(),
            holds: Holds::new(N),
        };
        for number in 0..N {
            let _ = this.slot(number);
        }
        for number in held..N {
            this.push(number, 1);
        }
        this
    }

    fn slot(&self, number: usize) -> &Slot {
        self.segments.room(index(number)).slot()
    }

    /// Returns a slot, to be issued with `generation` next.
    fn push(&self, number: usize, generation: usize) {
        self.holds.give(number);
        let chain = Chain::new(self.slot(number), index(number), generation);
        self.vacant.push(&chain.unwrap());
    }

    /// The slot's number, and the generation it has now.
    fn pop(&self) -> Option<(usize, usize)> {
        let (index, _, state) = self.vacant.pop(&self.segments)?;
        let number = number_of(index);
        self.holds.take(number);
        Some((number, state.generation()))
    }

    /// Takes the whole stack, as an owner does, and says how many slots it had.
    fn take_all(&self) -> usize {
        self.hold_list(self.vacant.take())
    }

    fn delete(&self, number: usize) {
        self.holds.give(number);
        self.limbo.push(self.slot(number), index(number));
    }

    /// Takes the whole pile, and says how many slots it had.
    fn take_pile(&self) -> usize {
        self.hold_list(self.limbo.take().link().next())
    }

    fn hold_list(&self, first: Option<Index>) -> usize {
        let (mut next, mut count) = (first, 0);
        while let Some(index) = next {
            let number = number_of(index);
            self.holds.take(number);
            next = self.slot(number).own_state().link().next();
            count += 1;
        }
        count
    }
}

fn index(number: usize) -> Index {
    Shape::new(1).index(number, 0)
}

fn number_of(slot: Index) -> usize {
    (0..).find(|number| index(*number) == slot).unwrap()
}

/// Runs `f` of `shared` in a thread of its own.
fn spawn<S: 'static, R: 'static>(
    shared: &Arc<S>,
    f: impl FnOnce(&S) -> R + 'static,
) -> thread::JoinHandle<R> {
    let shared = Arc::clone(shared);
    thread::spawn(move || f(&shared))
}

/// `VacantStack::pop` without its exchange: two threads get the same slot.
#[test]
fn two_pops_take_the_same_slot() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(0));
        let others = [0; 2].map(|_| spawn(&lists, |lists| lists.pop().map(drop)));
        assert!(lists.pop().is_some());
        for other in others {
            assert!(other.join().unwrap().is_some());
        }
        assert_eq!(lists.take_all(), 0);
    });
}

/// The generation in `Top`: a slot is popped and pushed again, and the one below it is in use.
#[test]
fn a_top_that_came_back_hands_out_a_slot_in_use() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(0));
        let twice = spawn(&lists, |lists| {
            [lists.pop(), lists.pop()].into_iter().flatten().count()
        });
        let once = spawn(&lists, |lists| lists.pop().into_iter().count());
        let mine = lists.pop().map(|(number, generation)| {
            let next = lists.pop().into_iter().count();
            lists.push(number, generation + 1);
            next
        });
        let held = twice.join().unwrap() + once.join().unwrap() + mine.unwrap_or(0);
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// "recycle" of vacant slots, `VacantStack::push` without Release, `pop` without Acquire: who takes
/// a slot is in it while its last user is, or follows a link from before.
#[test]
fn a_slot_is_popped_before_it_is_let_go() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(2));
        let pushers = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let held = [lists.pop(), lists.pop()].into_iter().flatten().count();
        pushers
            .into_iter()
            .for_each(|pusher| pusher.join().unwrap());
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// "recycle" of vacant slots, `VacantStack::take` without Acquire or its swap: the owner takes what
/// others are still in, or loses what they return meanwhile.
#[test]
fn a_slot_is_lost_when_the_owner_takes_them_all() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(2));
        let pushers = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let held = lists.take_all() + lists.take_all();
        pushers
            .into_iter()
            .for_each(|pusher| pusher.join().unwrap());
        assert_eq!(held + lists.take_all(), 3);
    });
}

/// The links of a `Chain`: slots that go home together are lost when others come in between.
#[test]
fn slots_of_a_chain_are_lost() {
    check(|| {
        let lists = Arc::new(Lists::<4>::new(4));
        let chainer = spawn(&lists, |lists| {
            (0..3).for_each(|number| lists.holds.give(number));
            let mut chain = Chain::new(lists.slot(0), index(0), 1).unwrap();
            chain.add(lists.slot(1), index(1), 1);
            chain.add(lists.slot(2), index(2), 1);
            lists.vacant.push(&chain);
        });
        let pusher = spawn(&lists, |lists| lists.push(3, 1));
        let held = lists.pop().into_iter().count() + lists.take_all();
        chainer.join().unwrap();
        pusher.join().unwrap();
        assert_eq!(held + lists.take_all(), 4);
    });
}

/// "recycle" of deleted slots, `LimboPile::push` or `take` without Release, Acquire, exchange or
/// swap: a slot is retired twice, or never.
#[test]
fn a_deleted_slot_is_lost_or_taken_twice() {
    check(|| {
        let lists = Arc::new(Lists::<3>::new(3));
        let others = [0, 1].map(|number| {
            spawn(&lists, move |lists| {
                lists.delete(number);
                lists.take_pile()
            })
        });
        lists.delete(2);
        let held = lists.take_pile();
        let held = others
            .map(|other| other.join().unwrap())
            .iter()
            .sum::<usize>()
            + held;
        assert_eq!(held + lists.take_pile(), 3);
    });
}

/// "delete", `Slot::vacate` without Release: who is told "deleted" by a slot that is
/// vacant again does not see what its deleter did before.
#[test]
fn a_vacant_slot_hides_what_its_deleter_did() {
    check(|| {
        let lists = Arc::new(Lists::<2>::new(2));
        let others = [0, 1].map(|number| spawn(&lists, move |lists| lists.push(number, 1)));
        let state = lists.slot(0).state();
        if state.generation() == 1 {
            // The pusher has given it away, by the state that says so.
            lists.holds.take(0);
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

fn batch(number: usize) -> Box<Batch> {
    let run = Run {
        first: index(number),
        len: 1,
        is_whole: false,
    };
    Batch::new(run, 0)
}

/// "grace", `ReadyLists::deliver` or `take` without Release, Acquire, exchange or swap: a batch is
/// lost, taken twice, or taken before it is linked.
#[test]
fn a_batch_is_lost_or_taken_twice() {
    check(|| {
        let ready = Arc::new(ReadyLists::new(1));
        let others = [0, 1].map(|number| {
            spawn(&ready, move |ready| {
                ready.deliver(batch(number));
                ready.take(0).count()
            })
        });
        ready.deliver(batch(2));
        let taken = ready.take(0).count();
        let taken = others
            .map(|other| other.join().unwrap())
            .iter()
            .sum::<usize>()
            + taken;
        assert_eq!(taken + ready.take(0).count(), 3);
    });
}

/// "grace", what `Grace` promises by itself, without Release or Acquire: a third thread ends the grace
/// period, and the one who waits for it does not come after the reader.
#[test]
fn a_grace_period_ends_before_its_reader() {
    check_at(2, || {
        let shared = Arc::new((AtomicBool::new(false), Holds::<1>::new(0)));
        let (end, ended) = mpsc::channel();
        // A first pin is different: it helps the epoch on.
        drop(pin());
        let reader = spawn(&shared, move |(gone, holds)| {
            // In one go: what matters is where its look comes.
            loom::stop_exploring();
            drop(pin());
            let guard = pin();
            loom::explore();
            if !gone.load(Relaxed) {
                holds.look(0);
            }
            drop(guard);
            ended.recv().unwrap();
        });
        let bystander = spawn(&shared, |_| {
            drop(pin());
            loom::skip_branch();
        });
        shared.0.store(true, Relaxed);
        let grace = Grace::start();
        thread::yield_now();
        if grace.is_over() {
            shared.1.take(0);
        }
        // The ends of threads have models of their own.
        loom::skip_branch();
        end.send(()).unwrap();
        reader.join().unwrap();
        bystander.join().unwrap();
        for _ in 0..6 {
            thread::yield_now();
        }
    });
}

/// The exchange of `Shard::carve`: two threads take the same fresh slot.
#[test]
fn a_fresh_slot_is_carved_twice() {
    check(|| {
        let carve = |(segments, shard, holds): &(Segments<u8>, Shard<u8>, Holds<6>)| {
            let (from, to) = shard.carve(segments, 2).unwrap();
            (from..to).for_each(|number| holds.take(number));
        };
        let shared = Arc::new((
            Segments::new(1),
            Shard::new(0, Shape::new(1)),
            Holds::new(0),
        ));
        let others = [0; 2].map(|_| spawn(&shared, carve));
        carve(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// "lease", `Leases::claim` without Acquire or its exchange, `release` without Release or as a load
/// and a store: two threads own the same shard.
#[test]
fn a_lease_is_in_two_hands() {
    check(|| {
        let work = |(leases, holds): &(Leases, Holds<MAX_SHARDS>)| {
            let number = leases.claim().unwrap();
            holds.take(number);
            holds.give(number);
            leases.release(number);
        };
        let shared = Arc::new((Leases::new(), Holds::new(0)));
        let others = [0; 2].map(|_| spawn(&shared, work));
        work(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(shared.0.claim(), Some(0), "all have come back");
    });
}

/// "grow", the exchange of `Segments::grow`: a thread goes on with slots that no one else sees.
#[test]
fn a_segment_is_made_twice() {
    check(|| {
        let shared = Arc::new(Segments::<u8>::new(1));
        let make = |segments: &Segments<u8>| {
            let slot = segments.room(index(0)).slot();
            assert!(segments.get(index(0)).is_some(), "who has made it finds it");
            std::ptr::from_ref(slot).addr()
        };
        let others = [0; 2].map(|_| spawn(&shared, make));
        let here = make(&shared);
        assert!(others.map(|other| other.join().unwrap()) == [here; 2]);
    });
}

/// A value that loom watches.
struct Watched(UnsafeCell<usize>);

// SAFETY: as for `Holds`.
unsafe impl Sync for Watched {}

/// The Acquire of `Slot::unlink`: who deletes a handle that came without an edge takes the value
/// before it is made. (Through the epoch a fence hides it: each delete there is a batch.)
#[test]
fn a_value_is_taken_before_it_is_made() {
    check(|| {
        let word = LiveWord::new(0, index(0));
        let segments = Arc::new(Segments::<Watched>::new(1));
        let _ = segments.room(index(0));
        let maker = spawn(&segments, move |segments| {
            let room = segments.room(index(0));
            // SAFETY: the slot is this thread's until it is published.
            unsafe { room.put(Watched(UnsafeCell::new(7))) };
            room.slot().publish(word);
        });
        let room = segments.room(index(0));
        if room.slot().unlink(word, Link::END) {
            // SAFETY: no one else looks at it or takes it.
            let value = unsafe { room.take() };
            // SAFETY: loom has checked that nobody writes meanwhile.
            value.0.with(|number| assert_eq!(unsafe { *number }, 7));
        }
        maker.join().unwrap();
    });
}

/// `Slot::change` without its exchange: a thread links a slot that it has deleted, and forgets that
/// a walker has left it hollow, or the walker forgets the link.
#[test]
fn a_hollow_slot_is_filled_by_its_link() {
    check(|| {
        let segments = Arc::new(Segments::<u8>::new(1));
        let slot = segments.room(index(0)).slot();
        let word = LiveWord::new(0, index(0));
        slot.publish(word);
        assert!(slot.unlink(word, Link::END));
        let walkers = [0; 2].map(|_| {
            spawn(&segments, |segments| {
                segments.room(index(0)).slot().hollow(0)
            })
        });
        slot.relink(Link::to(index(1)));
        let hollowed = walkers.map(|walker| walker.join().unwrap());
        assert_eq!(hollowed.iter().filter(|done| **done).count(), 1);
        let state = slot.own_state();
        assert_eq!((state.phase(), state.generation()), (Phase::Vacant, 1));
        assert_eq!(state.link(), Link::to(index(1)));
    });
}
