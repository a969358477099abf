//! Longer texts. Start with [`ffi`] and [`rules`] to use the crate from C, and with [`design`] to
//! read its code.
//!
//! Before each page stand the targets of its links: in Markdown the first definition of a label
//! wins, so a link leads to a module here, and to a file in the repository.

/// How it works: a glossary, a picture of a table in memory, and the life of a value.
#[doc = ""]
#[doc = "[ordering]: crate::docs::ordering"]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = "[verification]: crate::docs::verification"]
#[doc = ""]
#[doc = include_str!("../docs/DESIGN.md")]
pub mod design {}

/// Why it is right: every atomic access, by named edges.
#[doc = ""]
#[doc = "[design]: crate::docs::design"]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = "[verification]: crate::docs::verification"]
#[doc = ""]
#[doc = include_str!("../docs/ORDERING.md")]
pub mod ordering {}

/// How to use it from C: a cookbook, with code for each situation.
#[doc = ""]
#[doc = "[isnot]: crate::docs::rules#what-a-handle-is-not"]
#[doc = "[migrating]: crate::docs::migrating"]
#[doc = "[rules]: crate::docs::rules"]
#[doc = "[threads]: crate::docs::rules#threads"]
#[doc = ""]
#[doc = include_str!("../docs/FFI.md")]
pub mod ffi {}

/// Rules at the boundary with C: drops, `longjmp`, threads, signals, `fork`, shared libraries.
#[doc = ""]
#[doc = "[ffi]: crate::docs::ffi"]
#[doc = "[narrow]: crate::docs::scaling#on-32-bit-targets-and-wasm"]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = ""]
#[doc = include_str!("../docs/RULES.md")]
pub mod rules {}

/// Coming from `Box::into_raw`, a map behind a lock, or another crate.
#[doc = ""]
#[doc = "[ffi]: crate::docs::ffi"]
#[doc = ""]
#[doc = include_str!("../docs/MIGRATING.md")]
pub mod migrating {}

/// How fast it is.
#[doc = ""]
#[doc = "[design]: crate::docs::design"]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = ""]
#[doc = include_str!("../docs/PERFORMANCE.md")]
pub mod performance {}

/// Limits, and the knobs for them.
#[doc = ""]
#[doc = "[design]: crate::docs::design"]
#[doc = "[performance]: crate::docs::performance"]
#[doc = ""]
#[doc = include_str!("../docs/SCALING.md")]
pub mod scaling {}

/// How to model-check your own code on a table.
#[doc = ""]
#[doc = "[verification]: crate::docs::verification"]
#[doc = ""]
#[doc = include_str!("../docs/LOOM.md")]
pub mod loom {}

/// How it is tested: each kind of test, what it can find, and its command.
#[doc = ""]
#[doc = "[design]: crate::docs::design"]
#[doc = "[fork]: crate::docs::rules#fork"]
#[doc = "[loom]: crate::docs::loom"]
#[doc = "[ordering]: crate::docs::ordering"]
#[doc = "[signals]: crate::docs::rules#signal-handlers"]
#[doc = ""]
#[doc = include_str!("../docs/VERIFICATION.md")]
pub mod verification {}

/// What it promises, what holds each promise, and what was seen.
#[doc = ""]
#[doc = "[fork]: crate::docs::rules#fork"]
#[doc = "[isnot]: crate::docs::rules#what-a-handle-is-not"]
#[doc = "[ordering]: crate::docs::ordering"]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = "[signals]: crate::docs::rules#signal-handlers"]
#[doc = "[threads]: crate::docs::rules#threads"]
#[doc = "[verification]: crate::docs::verification"]
#[doc = ""]
#[doc = include_str!("../docs/RELIABILITY.md")]
pub mod reliability {}
