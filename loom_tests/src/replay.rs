//! Runs a model, and has it say how to replay it if it fails.

use std::{cell::Cell, env, panic, sync::Once, thread};

use loom::model::Builder;

thread_local! {
    /// The preemptions of the model that runs on this thread.
    static RUNNING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Explores `model` as `builder` says.
pub(crate) fn check(builder: &Builder, model: impl Fn() + Send + Sync + 'static) {
    if env::var_os("LOOM_LOG").is_some() {
        // Only this prints steps. It takes its bounds from the environment, and from the replayed schedule.
        loom::model(model);
    } else {
        say_how(builder.preemption_bound.unwrap_or(0));
        builder.check(model);
    }
}

/// Has the model that starts on this thread, with so many preemptions, say how to replay it if it
/// fails: at its first panic, since loom may not get to unwind from that.
fn say_how(preemptions: usize) {
    static HOOK: Once = Once::new();
    RUNNING.set(Some(preemptions));
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            if let Some(preemptions) = RUNNING.take() {
                let features = if cfg!(feature = "sharded") {
                    "loom,sharded"
                } else {
                    "loom"
                };
                let path = env::current_exe().unwrap_or_default();
                let test = path.file_stem().unwrap_or_default().to_string_lossy();
                let test = test.split('-').next().unwrap_or_default();
                let thread = thread::current();
                let model = thread.name().unwrap_or_default();
                eprintln!(
                    "to replay it: bash .ci/loom replay {preemptions} {features} {test} {model}"
                );
            }
        }));
    });
}
