//! A model of many cores that run one verb each, again and again, to say how it would grow on a
//! machine that is not at hand. The bench `scaling` prints it; docs/SCALING.md says what it says.
//!
//! In reading order: `memory` knows cache lines, who has them, and what it costs to get them;
//! `crew` has threads that go through steps, `collector` has crossbeam-epoch's part in them; `verbs`
//! says of which steps each verb is made. All of it is deterministic.
//!
//! What a step costs a thread that has all lines to itself was measured as a whole, on one thread,
//! and is the verb's `Work`. So a line that is in the core's own cache costs nothing here.

pub mod memory;

pub mod crew;

mod collector;

pub mod verbs;
