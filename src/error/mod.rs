//! What can go wrong, in words that say what to do, and as codes for C.

mod call;
mod code;
mod full;
mod handle;
mod insert;
mod quiesce;
mod wait;

pub(crate) use self::full::out_of_space;
pub use self::{
    call::CallError, code::status_message, full::FullError, handle::HandleError,
    insert::InsertError, quiesce::QuiesceError, wait::WaitError,
};

#[cfg(all(test, not(loom)))]
mod tests;
