//! What the system says of the calling thread, for people.

use crate::reader::NAME_BYTES;

/// The thread's name, or the beginning of it, filled up with zeroes.
///
/// On unix not by `std::thread::current`. That panics in the destructor of a key of the system, if
/// std's own key has been destroyed before.
pub(super) fn name() -> [u8; NAME_BYTES] {
    let mut name = [0; NAME_BYTES];
    if is_main() {
        // The system's name for it is that of the program.
        name[..4].copy_from_slice(b"main");
    } else {
        imp::get_name(&mut name);
    }
    name
}

/// Whether it is the process's first thread, as far as that is known.
fn is_main() -> bool {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    return id() == std::process::id() as usize;
    #[cfg(all(target_vendor = "apple", not(miri)))]
    // SAFETY: it takes nothing, and touches no memory.
    return unsafe { libc::pthread_main_np() } == 1;
    #[cfg(any(
        not(any(target_os = "linux", target_os = "android", target_vendor = "apple")),
        miri
    ))]
    false
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
mod imp {
    use super::NAME_BYTES;

    pub(super) fn get_name(name: &mut [u8; NAME_BYTES]) {
        // SAFETY: it writes 16 bytes.
        unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    }
}

#[cfg(all(target_vendor = "apple", not(miri)))]
mod imp {
    use super::NAME_BYTES;

    pub(super) fn get_name(name: &mut [u8; NAME_BYTES]) {
        // SAFETY: it writes at most so many bytes.
        unsafe {
            libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr().cast(), NAME_BYTES)
        };
    }
}

#[cfg(any(not(unix), miri))]
mod imp {
    use super::NAME_BYTES;

    pub(super) fn get_name(name: &mut [u8; NAME_BYTES]) {
        let thread = std::thread::current();
        let text = thread.name().unwrap_or_default().as_bytes();
        let len = text.len().min(NAME_BYTES);
        name[..len].copy_from_slice(&text[..len]);
    }
}

#[cfg(all(
    unix,
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple", miri))
))]
mod imp {
    pub(super) fn get_name(_: &mut [u8; super::NAME_BYTES]) {}
}

/// The thread's number, as debuggers and `top` show it; zero where it isn't known.
pub(super) fn id() -> usize {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: it takes nothing, and touches no memory of this process.
    return unsafe { libc::syscall(libc::SYS_gettid) } as usize;
    #[cfg(windows)]
    // SAFETY: it takes nothing, and touches no memory.
    return unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() } as usize;
    #[cfg(target_os = "openbsd")]
    // SAFETY: it takes nothing, and touches no memory.
    return unsafe { libc::getthrid() } as usize;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "openbsd", windows)))]
    0
}

/// What no other thread has at the same time, and what stays the same in a forked child; zero where
/// nothing like that is known.
pub(super) fn address() -> usize {
    #[cfg(all(unix, not(miri)))]
    // SAFETY: it takes nothing.
    return unsafe { libc::pthread_self() } as usize;
    #[cfg(not(all(unix, not(miri))))]
    id()
}
