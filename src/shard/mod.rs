//! Who writes where.

mod lists;
#[allow(unsafe_code)]
mod owner;
#[allow(unsafe_code)]
mod shared;

#[cfg(all(test, loom))]
mod models;

pub(crate) use self::{
    lists::Chain,
    owner::Owner,
    shared::{Claim, Shard},
};
