//! What the binaries of tests share. What only some of them use lies beside it: they include these
//! files one by one.
// Not all of them use all of it.
#![allow(dead_code, unused_imports)]

mod census;
mod kinds;
mod random;
mod scaled;
mod threads;

pub(crate) use self::{
    census::{Census, Witness},
    kinds::table_kinds,
    random::Rng,
    scaled::scaled,
    threads::{eventually, on_new_thread, run_concurrently, SetOnDrop},
};
