//! A filter in the kernel that refuses the barrier on which the readers' records rely.

use std::{io, ptr};

/// From here on the kernel refuses `membarrier` to all threads of the process, for good. `false`
/// where there are no such filters: under emulators.
pub(crate) fn refuse_membarrier() -> bool {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut program = [
        // The number of the system call is the first field.
        step(LOAD, 0, 0),
        step(IF_EQUAL, 1, libc::SYS_membarrier as u32),
        step(RETURN, 0, libc::SECCOMP_RET_ALLOW),
        step(RETURN, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
    ];
    let program = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: it takes integers.
    let is_allowed = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0;
    // SAFETY: the program outlives the call, which copies it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            ptr::from_ref(&program),
        )
    };
    if !is_allowed || result != 0 {
        println!("no filter: {}", io::Error::last_os_error());
        return false;
    }
    // SAFETY: a query, which takes integers.
    let query = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) };
    assert_eq!(query, -1, "the filter lets it pass");
    true
}
