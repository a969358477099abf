//! [`Exclusive`]: a value that is changed through shared references, by one borrower at a time.
//!
//! **Algorithm.** A flag stands before the value. A borrower sets it by a compare-exchange, and
//! clears it when the borrow ends, also if that is by a panic. A borrower that finds it set gets
//! nothing, at once.
//!
//! **Collision.** Of two threads that set the flag at once, one compare-exchange succeeds. A
//! borrower further in on one thread finds the flag set by that thread: the flag does not say by
//! whom, and need not, since nobody waits for it.
//!
//! **Orderings.** Edge "exclusive". The value's drop is ordered by the owner of the `Exclusive`; in
//! a table, by the guard of the [`RefMut`](crate::RefMut).
//!
//! - `flag.rs`: the flag, and the end of a borrow.
//! - `cell.rs`: the flag with its value.
//! - `borrowed.rs`: what gives `&mut T` to a borrower.

#[allow(unsafe_code)]
mod borrowed;
#[allow(unsafe_code)]
mod cell;
#[allow(unsafe_code)]
mod flag;

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models;

pub use self::{borrowed::ExclusiveRefMut, cell::Exclusive};
