//! Records what went wrong in callbacks, in place of the line on stderr that is the default.

use std::sync::{Mutex, MutexGuard, PoisonError};

use handle_table::{CallError, Report};

static REPORTS: Mutex<Vec<(CallError, String)>> = Mutex::new(Vec::new());

/// The hook.
pub(crate) fn record(report: &Report<'_>) {
    reports().push((report.error(), report.to_string()));
}

/// Takes what was recorded so far: each error, and the text of its report.
pub(crate) fn take() -> Vec<(CallError, String)> {
    std::mem::take(&mut *reports())
}

fn reports() -> MutexGuard<'static, Vec<(CallError, String)>> {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner)
}
