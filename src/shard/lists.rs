//! The two lists of a shard that any thread may use: a stack of vacant slots and a stack of deleted
//! ones. Both are linked through the slots' own states.
//!
//! - **Algorithm**: Treiber stacks.
//! - **Collision**: the loser of a compare-exchange links anew.
//! - **ABA**: the head of the vacant stack carries the top slot's generation, which never returns.
//!   The limbo stack is only pushed, and taken whole, so a head that returned is as good as one
//!   that never left.
//! - **Orderings**: edge "recycle". A push hands the slot over together with all that was done to
//!   it.

use crate::{
    config::{GENERATION_MASK, INDEX_BITS, INDEX_MASK},
    slots::{AtomicState, Index, Link, LiveState, Slot, SlotArray, State},
    sync::{AtomicUsize, Ordering},
};

/// Vacant slots of one shard: pushed by any thread, taken whole by the shard's owner, popped by
/// threads that own no shard, or whose shard is full.
#[derive(Debug)]
pub(super) struct VacantStack {
    /// A [`TaggedHead`].
    head: AtomicUsize,
}

impl VacantStack {
    pub(super) fn new() -> Self {
        Self { head: AtomicUsize::new(TaggedHead::EMPTY.bits()) }
    }

    /// The slot on top, unless it is empty. A hint.
    pub(super) fn top(&self) -> Option<Index> {
        // edge: none. A hint.
        TaggedHead::from_bits(self.head.load(Ordering::Relaxed)).index()
    }

    /// Pushes a chain of slots with one exchange.
    pub(super) fn push(&self, chain: &Chain<'_>) {
        // edge: none. The compare-exchange checks it.
        let mut head = TaggedHead::from_bits(self.head.load(Ordering::Relaxed));
        loop {
            let (state, generation) = chain.last;
            state.vacate(generation, head.link());
            // edge: recycle. Release: states and links of the slots, and the last uses of them,
            // before the head.
            match self.head.compare_exchange_weak(
                head.bits(),
                chain.first.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => head = TaggedHead::from_bits(now),
            }
        }
    }

    /// Takes all of it, as a list through the slots' links.
    pub(super) fn take(&self) -> Option<Index> {
        // edge: recycle. Acquire: after all that the pushing threads did.
        let head = self.head.swap(TaggedHead::EMPTY.bits(), Ordering::Acquire);
        TaggedHead::from_bits(head).index()
    }

    /// Pops one slot, with the state that it was pushed in.
    pub(super) fn pop<'s, T>(
        &self,
        slots: &'s SlotArray<T>,
    ) -> Option<(Index, Slot<'s, T>, State)> {
        let slots = slots.directory();
        // edge: recycle. Acquire: state and link of the top slot before the head that names it.
        let mut head = TaggedHead::from_bits(self.head.load(Ordering::Acquire));
        loop {
            let index = head.index()?;
            let slot = slots.get(index)?;
            let state = slot.state().load_own();
            // If another thread has popped the slot since, its state is arbitrary, and so is what
            // we make of it here. The exchange fails then, and returns the new head. If the head is
            // unchanged, generation included, then the slot was on top all along, with the next one
            // right below it: link and generation are right.
            let next = state.link().next();
            let below = next
                .and_then(|next| Some(TaggedHead::of(slots.get(next)?.state().load_own(), next)));
            // edge: recycle. Acquire on failure, for the next round. Relaxed on success: the load
            // above has acquired, and this exchange stays in the release sequence of the pushes
            // below.
            match self.head.compare_exchange_weak(
                head.bits(),
                below.unwrap_or(TaggedHead::EMPTY).bits(),
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some((index, slot, state)),
                Err(now) => head = TaggedHead::from_bits(now),
            }
        }
    }
}

/// The head of a [`VacantStack`]: the top slot's index *and* generation. A slot is pushed once per
/// generation, so a head that compares equal has been the head all along, and the link that was
/// read through it is still right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TaggedHead(usize);

impl TaggedHead {
    /// Nothing on the stack. No slot of generation 0 is ever pushed, so no other head is zero.
    pub(super) const EMPTY: Self = Self(0);

    /// The head that names a vacant slot of this generation.
    pub(super) fn new(generation: usize, index: Index) -> Self {
        Self::of(State::vacant(generation, Link::END), index)
    }

    /// The head that names the slot with this state. For a state that is not vacant the result is
    /// meaningless, and the exchange that would store it fails, since the head has changed.
    pub(super) fn of(state: State, index: Index) -> Self {
        Self(state.bits() & !INDEX_MASK | index.bits())
    }

    fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    fn bits(self) -> usize {
        self.0
    }

    /// The top slot.
    pub(super) fn index(self) -> Option<Index> {
        (self != Self::EMPTY).then_some(Index::from_bits(self.0 & INDEX_MASK))
    }

    /// The link of a slot that is pushed onto this head.
    pub(super) fn link(self) -> Link {
        self.index().map_or(Link::END, Link::to)
    }
}

/// Vacant slots that one thread has linked, on their way to a stack.
pub(crate) struct Chain<'s> {
    first: TaggedHead,
    /// The last slot, and the generation that it is to be issued with.
    last: (&'s AtomicState, usize),
}

impl<'s> Chain<'s> {
    /// Begins with a slot that the caller owns and gives up, to be issued with `generation` next.
    /// If there is no such generation, marks the slot as exhausted and begins nothing.
    pub(crate) fn new(state: &'s AtomicState, index: Index, generation: usize) -> Option<Self> {
        state
            .vacate(generation, Link::END)
            .then(|| Self { first: TaggedHead::new(generation, index), last: (state, generation) })
    }

    /// Slots that are linked already: from the first one to the last one, which is to be issued
    /// with this generation.
    pub(super) fn from_ends(first: TaggedHead, last: (&'s AtomicState, usize)) -> Self {
        Self { first, last }
    }

    /// Adds a slot of the same shard that the caller owns and gives up, to be issued with
    /// `generation` next, or marks it as exhausted.
    pub(crate) fn add(&mut self, state: &'s AtomicState, index: Index, generation: usize) {
        if state.vacate(generation, self.first.link()) {
            self.first = TaggedHead::new(generation, index);
        }
    }
}

/// Deleted slots, of any shard, that are not yet retired: pushed by threads that own no shard,
/// taken whole by the one that retires them.
#[derive(Debug)]
pub(super) struct LimboStack {
    /// A [`CountedHead`].
    head: AtomicUsize,
}

impl LimboStack {
    pub(super) fn new() -> Self {
        Self { head: AtomicUsize::new(CountedHead::EMPTY.bits()) }
    }

    /// Unlinks the slot of `live`, and pushes it. `None` if its handle is invalid; else how many
    /// slots there are now.
    #[inline]
    pub(super) fn unlink(&self, state: &AtomicState, live: LiveState) -> Option<usize> {
        // edge: none. The compare-exchange checks it.
        let mut head = CountedHead::from_bits(self.head.load(Ordering::Relaxed));
        if !state.unlink(live, head.link()) {
            return None;
        }
        loop {
            let pushed = head.push(live.index());
            // edge: recycle. Release: the slot's link before the head that leads to it.
            match self.head.compare_exchange_weak(
                head.bits(),
                pushed.bits(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(pushed.len()),
                Err(now) => head = CountedHead::from_bits(now),
            }
            state.relink(live.limbo(Link::END), head.link());
        }
    }

    /// Takes all of it, as a list through the slots' links.
    pub(super) fn take(&self) -> CountedHead {
        // edge: recycle. Acquire: after the unlinks and links of all threads that pushed.
        let head = self.head.swap(CountedHead::EMPTY.bits(), Ordering::Acquire);
        CountedHead::from_bits(head)
    }
}

/// The head of a [`LimboStack`]: the top slot, and how many slots there are. The count saturates:
/// it tells when a batch is full, and about how many slots wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CountedHead(usize);

impl CountedHead {
    pub(super) const EMPTY: Self = Self(0);
    /// The largest count. It lies where a state has its generation.
    pub(super) const MOST: usize = GENERATION_MASK >> INDEX_BITS;

    fn from_bits(bits: usize) -> Self {
        Self(bits)
    }

    fn bits(self) -> usize {
        self.0
    }

    pub(super) fn len(self) -> usize {
        self.0 >> INDEX_BITS
    }

    pub(super) fn link(self) -> Link {
        if self == Self::EMPTY {
            Link::END
        } else {
            Link::from_bits(self.0 & INDEX_MASK)
        }
    }

    /// This head with `index` on top.
    pub(super) fn push(self, index: Index) -> Self {
        let len = (self.len() + 1).min(Self::MOST);
        Self(len << INDEX_BITS | index.bits())
    }
}
