//! Handles as the integers and pointers that C APIs take, and back.
//!
//! All keep every bit. A signed integer has the bits of the unsigned one; `i64` on a 32-bit target
//! is its `isize`, extended by its sign.

use std::{ffi::c_void, num::NonZeroUsize};

use super::Handle;
use crate::error::HandleError;

/// A conversion to an integer of C's that has room for all bits.
macro_rules! to {
    ($($target:ty, $name:literal, $handle:ident => $to:expr;)*) => {$(
        #[doc = concat!("The handle as ", $name, ".")]
        impl<K: ?Sized> From<Handle<K>> for $target {
            #[inline]
            fn from($handle: Handle<K>) -> Self {
                $to
            }
        }
    )*};
}

to! {
    usize, "C's `uintptr_t` or `size_t`", handle => handle.to_raw();
    NonZeroUsize, "an integer that is not zero", handle => handle.raw().get();
    u64, "C's `uint64_t`, as `epoll_data` has", handle => handle.to_raw() as u64;
    isize, "C's `intptr_t`, as Windows' `LPARAM` is", handle => handle.to_raw() as isize;
    i64, "C's `int64_t`, as Java's `jlong` is", handle => handle.to_raw() as isize as i64;
    *mut c_void, "C's `void *`", handle => handle.to_ptr();
    *const c_void, "C's `const void *`", handle => handle.to_ptr().cast_const();
}

/// A conversion back. `Err` has what is left of an integer that does not fit.
macro_rules! back {
    ($($source:ty, $name:literal, $word:ident => $back:expr;)*) => {$(
        #[doc = concat!("Takes back a handle that C kept as ", $name, ".")]
        ///
        /// Fails with [`HandleError::Null`] for zero, and with [`HandleError::Unknown`] for an
        /// integer that does not fit.
        impl<K: ?Sized> TryFrom<$source> for Handle<K> {
            type Error = HandleError;

            #[inline]
            fn try_from($word: $source) -> Result<Self, HandleError> {
                let fitting: Result<usize, usize> = $back;
                match fitting {
                    Ok(raw) => Self::from_raw(raw),
                    Err(raw) => Err(HandleError::Unknown { raw }),
                }
            }
        }
    )*};
}

back! {
    usize, "`uintptr_t` or `size_t`", word => Ok(word);
    NonZeroUsize, "an integer that is not zero", word => Ok(word.get());
    u64, "`uint64_t`", word => usize::try_from(word).map_err(|_| word as usize);
    isize, "`intptr_t`", word => Ok(word as usize);
    i64, "`int64_t`", word => match isize::try_from(word) {
        Ok(word) => Ok(word as usize),
        Err(_) => Err(word as usize),
    };
    *mut c_void, "`void *`", word => Ok(word.addr());
    *const c_void, "`const void *`", word => Ok(word.addr());
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_form_comes_back_as_the_same_handle() {
        for raw in [1, 42, usize::MAX, usize::MAX / 2 + 1, isize::MAX as usize] {
            let handle = Handle::<str>::from_raw(raw).unwrap();
            assert_eq!(Handle::try_from(usize::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(NonZeroUsize::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(u64::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(isize::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(i64::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(<*mut c_void>::from(handle)), Ok(handle));
            assert_eq!(Handle::try_from(<*const c_void>::from(handle)), Ok(handle));
        }
    }

    #[test]
    fn zero_is_null_in_every_form() {
        let null = Err(HandleError::Null);
        assert_eq!(Handle::<str>::try_from(0_usize), null);
        assert_eq!(Handle::<str>::try_from(0_u64), null);
        assert_eq!(Handle::<str>::try_from(0_isize), null);
        assert_eq!(Handle::<str>::try_from(0_i64), null);
        assert_eq!(Handle::<str>::try_from(std::ptr::null_mut::<c_void>()), null);
        assert_eq!(Handle::<str>::try_from(std::ptr::null::<c_void>()), null);
    }

    #[cfg(target_pointer_width = "32")]
    #[test]
    fn what_does_not_fit_is_unknown() {
        let unknown = |raw| Err(HandleError::Unknown { raw });
        assert_eq!(Handle::<str>::try_from((1_u64 << 32) + 7), unknown(7));
        assert_eq!(Handle::<str>::try_from(1_i64 << 31), unknown(1 << 31));
    }
}
