//! Forked children.

/// Runs `child` in a forked child, and returns its answer, a small number; `None` if it crashed or
/// hangs: the alarm leaves time to emulators.
pub(crate) fn in_child(child: impl FnOnce() -> u8) -> Option<u8> {
    // SAFETY: the child uses what a forked child of glibc may use, the allocator among it, and ends
    // without running destructors.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "fork");
        if pid == 0 {
            libc::alarm(600);
            let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            libc::_exit(answer.map_or(99, i32::from));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status) as u8)
    }
}
