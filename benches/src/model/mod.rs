//! A model of many cores, each of which runs one verb again and again. It estimates how the verb
//! would grow on a machine that is not available. The bench `scaling` prints it, and
//! docs/lab/scaling-model.md discusses its tables.
//!
//! In reading order:
//! - `memory`: cache lines, the cores that have them, and the cost to get them;
//! - `machine`: threads that run steps;
//! - `readers`: the steps of pins, of looks at the readers, and of grace periods;
//! - `verbs`: the steps of each verb.
//!
//! The model is deterministic. The time of a verb on a thread that runs alone was measured as a
//! whole, and is its `Work`. So a line in the core's own cache costs nothing here.

pub mod memory;

pub mod machine;

mod readers;

pub mod verbs;
