//! Forked children, which use all tables while the parent's threads are in the middle of theirs.

#[cfg(unix)]
pub use imp::fork_until_the_end;

/// There is no `fork`.
#[cfg(not(unix))]
pub fn fork_until_the_end(_: u64) {}

#[cfg(unix)]
mod imp {
    use std::{
        thread,
        time::{Duration, Instant},
    };

    use handle_table::readers;

    use crate::{
        accounts::{enter_child, fault, is_stopping, Kind, FORKS, KINDS},
        any, once,
        random::Rng,
        tables::{self, Entry, ALL, ANYS, BATCHED, GLOBAL, ONCE, SHARED, TOKENS, WORDS},
        typed,
        value::{Large, Soaked},
        worker::judge,
    };

    /// A child that takes longer hangs.
    const PATIENCE: Duration = Duration::from_secs(20);

    pub fn fork_until_the_end(seed: u64) {
        let mut rng = Rng::new(seed, u64::MAX - 3);
        while !is_stopping() {
            thread::sleep(Duration::from_millis(50 + rng.below(400) as u64));
            let kept = typed::insert(&TOKENS, &mut rng, true);
            let kept = kept.unwrap_or_else(|| {
                let handle = TOKENS.table.insert(Soaked::make(TOKENS.kind, &mut rng, true));
                let number = TOKENS.table.get(handle).map(|value| value.look()).unwrap_or(0);
                Entry { raw: handle.to_raw(), number, of: 0 }
            });
            let dead = KINDS.map(|kind| (kind, tables::one_dead(kind, &mut rng)));
            // SAFETY: the child uses what a forked child may use, and ends without destructors.
            let pid = unsafe { libc::fork() };
            match pid {
                0 => child(&mut rng, kept, &dead),
                1.. => wait(pid),
                _ => fault!("fork: {}", std::io::Error::last_os_error()),
            }
            FORKS.add(1);
            let removed = TOKENS.table.remove(typed::handle(kept.raw)).map(|()| kept.number);
            judge(TOKENS.kind, "remove", kept, removed);
        }
    }

    fn wait(pid: libc::pid_t) {
        let end = Instant::now() + PATIENCE;
        let mut status = 0;
        // SAFETY: `status` is there.
        while unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } == 0 {
            if Instant::now() > end {
                // SAFETY: it was not waited for, so the number is still that of the child.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                fault!("a forked child hangs");
            }
            thread::sleep(Duration::from_millis(1));
        }
        if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
            fault!("a forked child ended with the status {status:#x}");
        }
    }

    /// Takes no lock, since the threads that may have held it are gone.
    fn child(rng: &mut Rng, kept: Entry, dead: &[(Kind, Option<usize>)]) -> ! {
        enter_child();
        // SAFETY: it takes a number.
        unsafe { libc::alarm(2 * PATIENCE.as_secs() as libc::c_uint) };
        let found = TOKENS.table.get(typed::handle(kept.raw)).map(|value| value.look());
        judge(TOKENS.kind, "get", kept, found);
        if !readers().is_empty() {
            fault!("threads that are gone still read");
        }
        use_typed(&WORDS, rng);
        use_typed(&TOKENS, rng);
        use_typed(&SHARED, rng);
        use_typed(&BATCHED, rng);
        for this in [&ANYS, &GLOBAL] {
            for _ in 0..200 {
                let Some(entry) = any::insert::<Large>(this, rng, 2, true) else { continue };
                let found = this.table().get::<Large>(any::handle(entry.raw));
                judge(this.kind, "get", entry, found.map(|value| value.look()));
                let removed = this.table().remove(any::handle(entry.raw));
                judge(this.kind, "remove", entry, removed.map(|()| entry.number));
            }
        }
        for _ in 0..200 {
            let entry = once::insert(&ONCE, rng, true);
            let taken = ONCE.table.take(typed::handle(entry.raw)).map(|value| value.look());
            judge(ONCE.kind, "take", entry, taken);
        }
        for table in ALL {
            table.flush();
            if let Err(error) = table.quiesce() {
                fault!("{:?} quiesce: {error}", table.kind());
            }
        }
        let removed = TOKENS.table.remove(typed::handle(kept.raw)).map(|()| kept.number);
        judge(TOKENS.kind, "remove", kept, removed);
        for (kind, raw) in dead {
            let table = raw.and_then(|raw| Some((raw, tables::of(*kind)?)));
            if let Some((raw, _)) = table.filter(|(raw, table)| table.contains(*raw)) {
                fault!("{kind:?}: {raw:#x} was deleted, and is valid");
            }
        }
        // SAFETY: ends the process without running anything of it.
        unsafe { libc::_exit(0) }
    }

    fn use_typed<T: Soaked>(this: &tables::Typed<T>, rng: &mut Rng) {
        for _ in 0..500 {
            let Some(entry) = typed::insert(this, rng, true) else { continue };
            let handle = typed::handle::<T>(entry.raw);
            judge(this.kind, "get", entry, this.table.get(handle).map(|value| value.look()));
            let removed = this.table.remove(handle).map(|()| entry.number);
            judge(this.kind, "remove", entry, removed);
        }
    }
}
