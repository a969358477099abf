//! Models live in `tests/`.
