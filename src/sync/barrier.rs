//! The two halves of an asymmetric fence: [`light_barrier`] costs nothing, and [`heavy_barrier`]
//! makes up for it.
//!
//! A heavy barrier acts as a full fence in every running thread of the process, at some moment
//! during the call. So of a thread that stores, passes a light barrier and loads, and a thread that
//! stores, passes a heavy barrier and loads, at least one sees the other's store.
//!
//! - **Linux, Android**: `membarrier(2)`, `MEMBARRIER_CMD_PRIVATE_EXPEDITED`.
//! - **Windows**: `FlushProcessWriteBuffers`.
//! - **Elsewhere**, in Miri, and with `--cfg handle_table_no_barrier`: there is none.
//! - **Under loom**: see `loom_models/barrier.rs`.

/// A full fence in each thread that meets a [`heavy_barrier`] there; otherwise for the compiler
/// alone.
#[inline(always)]
pub(crate) fn light_barrier() {
    #[cfg(not(loom))]
    // edge: pin, turn. For the compiler alone.
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    #[cfg(loom)]
    imp::light_barrier();
}

pub(crate) use imp::{heavy_barrier, register_barrier};

#[cfg(loom)]
#[path = "../loom_models/barrier.rs"]
pub(super) mod imp;

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(any(loom, miri, handle_table_no_barrier))
))]
mod imp {
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        let (flags, processor): (libc::c_uint, libc::c_int) = (0, 0);
        // SAFETY: the call takes integers, and touches no memory of this process.
        unsafe { libc::syscall(libc::SYS_membarrier, command, flags, processor) == 0 }
    }

    /// Tells the kernel that this process will use barriers; `false` if it has none to offer.
    pub(crate) fn register_barrier() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED)
    }

    /// A full fence in all threads of the process; `false` if the kernel, or a filter, refused.
    pub(crate) fn heavy_barrier() -> bool {
        membarrier(PRIVATE_EXPEDITED)
    }
}

#[cfg(all(windows, not(any(loom, miri, handle_table_no_barrier))))]
mod imp {
    pub(crate) fn register_barrier() -> bool {
        true
    }

    /// A full fence in all threads of the process.
    pub(crate) fn heavy_barrier() -> bool {
        // SAFETY: it takes nothing, and touches no memory.
        unsafe { windows_sys::Win32::System::Threading::FlushProcessWriteBuffers() };
        true
    }
}

#[cfg(all(
    not(loom),
    any(
        miri,
        handle_table_no_barrier,
        not(any(target_os = "linux", target_os = "android", windows))
    )
))]
mod imp {
    pub(crate) fn register_barrier() -> bool {
        false
    }

    pub(crate) fn heavy_barrier() -> bool {
        false
    }
}
