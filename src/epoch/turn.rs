//! Whose turn it is to drop what was deleted.
//!
//! ```text
//! deleter       unlink; barrier; nobody reads? then drop it
//!               else begin an era; park it with a reader of an earlier one; barrier;
//!               is the reader gone? then take back what is parked with it, and go on with that
//! last guard    word; barrier; is something parked here? then take it, and for each: does another
//!               reader of an earlier era read? then park it there, as above; else drop it
//! ```
//!
//! Either the deleter sees the reader gone, or the reader sees what was parked. So something is
//! always with a reader that is in its way, or with a thread in a call, or *left* to all threads,
//! which the next call of any of them takes up. A reader that pins after the new era has begun is
//! in nobody's way, so each thing moves on at most once per reader.
//!
//! What is left is never without a thread that will come to it: one in its turn, which goes on
//! until nothing is left, or one in a call, which looks at its end whether a thread is in its turn.
//! Of several in their turns, all but one may leave the rest to the others, so that what one
//! guard's drop does is bounded while others come by. A delete that finds something left drops a
//! little. User code runs while nothing is held that another thread needs: what a thread is about
//! to drop it has taken alone, and all else it has given back.
//!
//! - **Orderings**: edge "turn".

use std::ptr::NonNull;

#[cfg(not(loom))]
use super::own::{DROPS_OUTSIDE, IN_TURN};
use super::{
    dropping::{self, is_dropping},
    outsider::advance_collector,
    own::own_id,
    retired::{Fields, Owned, Retired, RetiredList},
    ticket,
    world::{world, InTheWay, World},
};
use crate::sync::{fence, Ordering};
#[cfg(not(loom))]
use crate::sync::{forks, OnDrop};

/// How many values that others left a delete drops at most, while a thread is in its turn.
const HELP: usize = if cfg!(loom) { 1 } else { 16 };
/// After so many values a thread in its turn looks whether another one is.
const PIECE: usize = if cfg!(loom) { 1 } else { 256 };

/// Whether nobody reads what the caller has unlinked: then the caller may drop it.
#[inline]
pub(crate) fn is_unread() -> bool {
    world().find_after_unlink(own_id()).is_none()
}

/// Has something dropped that the caller has unlinked: now, if no reader is in the way; else by the
/// last reader; in a value's `Drop` by the outermost drop on this thread. Returns whether it was
/// dropped before this returns.
///
/// # Safety
///
/// The calling thread has `retired`, which was made by [`Retired::new`].
pub(crate) unsafe fn retire(retired: NonNull<Retired>) -> bool {
    // SAFETY: the caller's duty.
    let retired = unsafe { Owned::new(retired) };
    if is_dropping() {
        dropping::defer(retired);
        return false;
    }
    while_dropping(|| settle(&world(), retired))
}

/// Runs `f`, which drops values, with [`is_dropping`] true. Then, if this is the outermost such
/// call of the thread, settles what the drops have deleted.
pub(crate) fn while_dropping<R>(f: impl FnOnce() -> R) -> R {
    dropping::while_dropping(|is_outermost| {
        #[cfg(not(loom))]
        let _counted = (is_outermost && own_id() == 0).then(count_drop_outside);
        let result = f();
        if is_outermost {
            while let Some(one) = dropping::next_deferred() {
                settle(&world(), one);
            }
        }
        result
    })
}

/// Counts the calling thread, which has no lease, as one that drops, until the result is dropped. A
/// forked child asks whether another thread does, see [`is_lone_child`].
#[cfg(not(loom))]
#[cold]
fn count_drop_outside() -> impl Drop {
    DROPS_OUTSIDE.set(true);
    world().left.begin_drop_outside();
    OnDrop(|| {
        world().left.end_drop_outside();
        DROPS_OUTSIDE.set(false);
    })
}

/// Makes the rest of something known to all threads, from inside of its `drop_one`.
///
/// # Safety
///
/// As for [`retire`], and no reader can see it.
pub(crate) unsafe fn republish(rest: NonNull<Retired>) {
    let mut list = RetiredList::EMPTY;
    // SAFETY: the caller's duty.
    let mut rest = unsafe { Owned::new(rest) };
    rest.set_fields(Fields { is_unread: true, ..Fields::default() });
    list.push(rest);
    world().leave(list);
}

/// Drops something that is the calling thread's, or parks it with a reader that is in its way.
/// Returns whether it was dropped.
pub(super) fn settle(world: &World, mut one: Owned) -> bool {
    let (mine, own) = (one.id(), own_id());
    let mut dropped = false;
    if world.eras.now().is_refused() {
        show_own_words(world);
    }
    loop {
        let mut fields = one.fields();
        let found = match fields.target {
            _ if fields.is_unread => None,
            None => world.find_after_unlink(own),
            // Its deleter has made the barrier, and this thread comes after it.
            Some(_) => world.find(fields, own, world.eras.now().is_refused()),
        };
        let Some(found) = found else {
            dropped |= one.id() == mine;
            // SAFETY: no reader is left that could see it.
            unsafe { one.drop_one() };
            return dropped;
        };
        match fields.target {
            None => fields.target = Some(ticket::begin_era(world)),
            // Or it would wait for all readers that pin before it does.
            Some(target) if !world.eras.has_begun(target) => ticket::advance(),
            Some(_) => {}
        }
        if found == InTheWay::Outsiders {
            fields.ticket = fields.ticket.or_else(|| Some(world.outsiders.ticket()));
        }
        one.set_fields(fields);
        // From here on the reader may take it.
        let stack = match found {
            InTheWay::Record(number) => {
                world.records[number].note_in_the_way();
                &world.records[number].parked
            }
            InTheWay::Outsiders => &world.outsiders.parked,
        };
        stack.push(one);
        // This thread's own guard is there to stay.
        if found == InTheWay::Record(own.wrapping_sub(1)) || world.is_still(found, fields, own) {
            if found == InTheWay::Outsiders {
                advance_collector();
            }
            return dropped;
        }
        let mut rest = stack.take();
        let Some(next) = rest.pop() else { return dropped };
        world.leave(rest);
        one = next;
    }
}

/// This thread knows that a barrier was refused: its record need not be waited for, unless it
/// reads.
#[cold]
fn show_own_words(world: &World) {
    match world.records.get(own_id().wrapping_sub(1)) {
        Some(record) if !record.is_pinned() => world.leave(record.show_words()),
        _ => {}
    }
}

/// Drops what waited for a reader that has let go, and what is left to all threads.
#[cold]
#[inline(never)]
pub(super) fn take_turn(mut list: RetiredList) {
    let world = world();
    if is_dropping() {
        // The outermost drop of this thread comes to it, if no other thread does.
        return world.leave(list);
    }
    while_dropping(|| {
        if let Some(first) = list.pop() {
            world.leave(list);
            settle(&world, first);
        }
    });
    if world.eras.now().is_left() {
        drop_until_none_is_left(&world);
    }
}

/// Drops what is left to all threads, in pieces, until nothing is. After a piece, leaves the rest
/// to another thread that does the same, if that has begun a piece meanwhile.
#[cold]
fn drop_until_none_is_left(world: &World) {
    let (left, me) = (&world.left, own_id());
    #[cfg(not(loom))]
    let _end = {
        IN_TURN.set(true);
        OnDrop(|| IN_TURN.set(false))
    };
    // edge: left. Relaxed: ordered by the fences of `say_left` and at the end of a turn.
    left.turns.fetch_add(1, Ordering::Relaxed);
    loop {
        // edge: none. A hint.
        left.last_turn.store(me, Ordering::Relaxed);
        if take_up(PIECE, std::ptr::null()).0 == PIECE {
            let but_one = |turns: usize| (turns > 1).then(|| turns - 1);
            // edge: none. A hint.
            if left.last_turn.load(Ordering::Relaxed) != me
                // edge: left. Relaxed: what this thread has put back comes before the end of the
                // other turn by the fence of `say_left`.
                && left.turns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, but_one).is_ok()
            {
                return;
            }
            continue;
        }
        // edge: left. Relaxed: ordered by the fence.
        left.turns.fetch_sub(1, Ordering::Relaxed);
        // edge: left. SeqCst fence between the end of the turn and the look at what is left. Its
        // twin is that of `say_left`, between a push and the look of `end_call` at the turns.
        fence(Ordering::SeqCst);
        if left.lists.is_empty() {
            return;
        }
        // edge: left. Relaxed: as above.
        left.turns.fetch_add(1, Ordering::Relaxed);
    }
}

/// To be called at the end of a call that may have left something, or put it back: if no thread
/// would come to it, this one does.
#[cold]
fn end_call(world: &World) {
    // edge: left. Relaxed: ordered by the fence of `say_left`, which the caller has passed since it
    // left something.
    if !world.left.lists.is_empty() && world.left.turns.load(Ordering::Relaxed) == 0 {
        drop_until_none_is_left(world);
    }
}

/// Drops a little of what others have left, and what this call has left itself.
#[inline]
pub(crate) fn help() {
    if world().eras.now().is_left() {
        drop_left(HELP, std::ptr::null());
    }
}

/// Takes up what is left to all threads, at most so many times, unless nobody else would come to
/// the rest. Returns how many of `owner`'s were dropped.
#[cold]
pub(crate) fn drop_left(most: usize, owner: *const ()) -> usize {
    if is_dropping() {
        return 0;
    }
    let dropped = take_up(most, owner).1;
    end_call(&world());
    dropped
}

/// Takes up what is left to all threads, at most so many times. Returns how many it has taken up,
/// and how many of `owner`'s were dropped.
#[inline(never)]
fn take_up(most: usize, owner: *const ()) -> (usize, usize) {
    let world = world();
    let (mut taken, mut dropped) = (0, 0);
    while taken < most {
        let Some(one) = world.take_left() else { break };
        taken += 1;
        let is_owners = one.owner() == owner;
        dropped += usize::from(while_dropping(|| settle(&world, one)) && is_owners);
    }
    (taken, dropped)
}

/// Drops all that waits for nobody, for a thread that waits for readers without a record too.
#[cold]
pub(crate) fn drop_waiting() {
    advance_collector();
    drop_left(usize::MAX, std::ptr::null());
}

/// Whether the process was forked, and the calling thread is alone with tables: then nobody will
/// come to what is still to be dropped, since those who had it are gone.
pub(crate) fn is_lone_child() -> bool {
    #[cfg(not(loom))]
    return forks() > 0 && world().is_alone_in_child(own_id());
    #[cfg(loom)]
    false
}
