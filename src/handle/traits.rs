//! What a handle can do whatever its kind: derives would ask the same of `K`.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use super::Handle;

impl<K: ?Sized> Clone for Handle<K> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized> Copy for Handle<K> {}

impl<K: ?Sized> PartialEq for Handle<K> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.to_raw() == other.to_raw()
    }
}

impl<K: ?Sized> Eq for Handle<K> {}

impl<K: ?Sized> PartialOrd for Handle<K> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By their integers: an order for trees, which says nothing about the values.
impl<K: ?Sized> Ord for Handle<K> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_raw().cmp(&other.to_raw())
    }
}

impl<K: ?Sized> Hash for Handle<K> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_raw().hash(state);
    }
}

/// `Handle(0x8f..)`: the integer, as C's debugger shows it.
impl<K: ?Sized> fmt::Debug for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({self:#x})")
    }
}

impl<K: ?Sized> fmt::LowerHex for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.to_raw(), f)
    }
}

impl<K: ?Sized> fmt::UpperHex for Handle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::UpperHex::fmt(&self.to_raw(), f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::{
        any::Any,
        cell::Cell,
        hash::{BuildHasher, RandomState},
        rc::Rc,
    };

    /// Neither `Send` nor `Clone` nor `Debug`.
    struct Bare(#[allow(dead_code)] Rc<Cell<u8>>);

    fn assert_all<H>()
    where
        H: Copy + Ord + Hash + fmt::Debug + fmt::LowerHex + fmt::UpperHex + Send + Sync + Unpin,
    {
        assert_eq!(size_of::<Option<H>>(), size_of::<usize>());
    }

    #[test]
    fn every_kind_has_every_trait() {
        assert_all::<Handle>();
        assert_all::<Handle<Bare>>();
        assert_all::<Handle<dyn Any>>();
        assert_all::<Handle<str>>();
    }

    #[test]
    fn handles_compare_and_hash_as_their_integers() {
        let [one, two] = [1, 2].map(|raw| Handle::<Bare>::from_raw(raw).unwrap());
        assert!(one == one && one != two);
        assert!(one < two);
        assert_eq!([one.cmp(&two), one.cmp(&one)], [Ordering::Less, Ordering::Equal]);
        let hashes = RandomState::new();
        assert_eq!(hashes.hash_one(two), hashes.hash_one(2_usize));
    }

    #[test]
    fn handles_are_shown_as_their_integers() {
        let handle = Handle::<Bare>::from_raw(0xAB).unwrap();
        assert_eq!(format!("{handle:?} {handle:x} {handle:#X}"), "Handle(0xab) ab 0xAB");
    }
}
