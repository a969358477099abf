//! The body of a table.

#[allow(unsafe_code)]
mod atomic_lookup;
#[allow(unsafe_code)]
mod body;
mod lookup;
#[allow(unsafe_code)]
mod once;
#[allow(unsafe_code)]
mod remove;
#[allow(unsafe_code)]
mod sweep;

pub(crate) use self::{body::Inner, lookup::Lookup, once::OnceInner, sweep::Place};
