//! Runs a model. If the model fails, prints the command that replays it.

use std::{cell::Cell, env, panic, sync::Once, thread};

use loom::model::Builder;

thread_local! {
    /// The preemption bound of the model that runs on this thread.
    static RUNNING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Explores `model` within the bounds of `builder`.
pub(crate) fn check(builder: &Builder, model: impl Fn() + Send + Sync + 'static) {
    if env::var_os("LOOM_LOG").is_some() {
        // Only this function of loom prints the steps. It takes its bounds from the environment and
        // from the schedule that is replayed.
        loom::model(model);
    } else {
        print_command_on_panic(builder.preemption_bound.unwrap_or(0));
        builder.check(model);
    }
}

/// Prints the replay command at the first panic of the model that starts on this thread. It doesn't
/// wait until the panic has unwound, because loom may abort before that.
fn print_command_on_panic(preemptions: usize) {
    static HOOK: Once = Once::new();
    RUNNING.set(Some(preemptions));
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            if let Some(preemptions) = RUNNING.take() {
                let features = if cfg!(feature = "sharded") { "loom,sharded" } else { "loom" };
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
