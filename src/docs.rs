//! Longer texts. Start with [`ffi`] to use the crate from C, and with [`design`] to read its code.
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

/// How to use it from C.
#[doc = ""]
#[doc = "[scaling]: crate::docs::scaling"]
#[doc = ""]
#[doc = include_str!("../docs/FFI.md")]
pub mod ffi {}

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
#[doc = "[loom]: crate::docs::loom"]
#[doc = "[ordering]: crate::docs::ordering"]
#[doc = ""]
#[doc = include_str!("../docs/VERIFICATION.md")]
pub mod verification {}
