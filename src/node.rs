//! Nodes: the memory that values live in, one each, and a bounded cache of empty ones.

use std::{mem::ManuallyDrop, ptr, ptr::NonNull};

use crate::layout::cache_limit;

/// Room for one value; while it is empty and cached, the link to the next cached node.
pub(crate) union Node<T> {
    value: ManuallyDrop<T>,
    next: *mut Node<T>,
}

impl<T> Node<T> {
    /// Allocates a node with `value` in it.
    pub(crate) fn boxed(value: T) -> NonNull<Self> {
        let node = Box::new(Self {
            value: ManuallyDrop::new(value),
        });
        NonNull::from(Box::leak(node))
    }

    /// The value in `node`.
    ///
    /// # Safety
    ///
    /// `node` is allocated and holds a value, for all of `'a`.
    #[inline]
    pub(crate) unsafe fn value<'a>(node: NonNull<Self>) -> &'a T {
        // SAFETY: the caller's duty, word for word.
        unsafe { &node.as_ref().value }
    }

    /// Drops the value in `node`, which stays allocated.
    ///
    /// # Safety
    ///
    /// `node` holds a value that nobody else can reach, now or later.
    pub(crate) unsafe fn drop_value(mut node: NonNull<Self>) {
        // SAFETY: the caller's duty: the value is there and is ours.
        unsafe { ManuallyDrop::drop(&mut node.as_mut().value) }
    }

    /// Frees an empty node.
    ///
    /// # Safety
    ///
    /// `node` is allocated, holds no value, and nobody else knows it.
    pub(crate) unsafe fn free(node: NonNull<Self>) {
        // SAFETY: `boxed` made it, nobody else frees it; a union drops nothing by itself.
        drop(unsafe { Box::from_raw(node.as_ptr()) });
    }
}

/// Empty nodes that one owner keeps for its next inserts: a stack, linked through the nodes.
///
/// It saves the allocator the churn of one-shot callbacks, and is bounded, so that a burst does
/// not hold its memory for ever.
#[derive(Debug)]
pub(crate) struct NodeCache<T> {
    top: *mut Node<T>,
    len: usize,
}

// SAFETY: the cached nodes hold no `T`, are plain memory, and no one else has a pointer to them.
unsafe impl<T> Send for NodeCache<T> {}

impl<T> NodeCache<T> {
    const LIMIT: usize = cache_limit(size_of::<Node<T>>());

    pub(crate) fn new() -> Self {
        Self {
            top: ptr::null_mut(),
            len: 0,
        }
    }

    /// A cached node, with `value` written into it.
    #[inline]
    pub(crate) fn fill(&mut self, value: T) -> NonNull<Node<T>> {
        let Some(mut node) = NonNull::new(self.top) else {
            return Node::boxed(value);
        };
        // SAFETY: a cached node is allocated, ours alone, and holds a link.
        unsafe {
            self.top = node.as_ref().next;
            node.as_mut().value = ManuallyDrop::new(value);
        }
        self.len -= 1;
        node
    }

    /// Keeps an empty node, or frees it if there are enough.
    ///
    /// # Safety
    ///
    /// As for [`Node::free`].
    #[inline]
    pub(crate) unsafe fn put(&mut self, mut node: NonNull<Node<T>>) {
        if self.len == Self::LIMIT {
            // SAFETY: the caller's duty, handed on.
            return unsafe { Node::free(node) };
        }
        // SAFETY: the node is allocated and the caller's alone; a link may overwrite what is in it.
        unsafe { node.as_mut().next = self.top };
        self.top = node.as_ptr();
        self.len += 1;
    }
}

impl<T> Drop for NodeCache<T> {
    fn drop(&mut self) {
        while let Some(node) = NonNull::new(self.top) {
            // SAFETY: a cached node is allocated, ours alone, and holds a link.
            unsafe {
                self.top = node.as_ref().next;
                Node::free(node);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cache_gives_back_what_it_was_given_and_keeps_no_more_than_its_limit() {
        let mut cache = NodeCache::<[u64; 4]>::new();
        let limit = NodeCache::<[u64; 4]>::LIMIT;
        let nodes: Vec<_> = (0..limit as u64 + 3).map(|n| cache.fill([n; 4])).collect();
        for (n, node) in (0_u64..).zip(&nodes) {
            // SAFETY: the node was filled above.
            assert_eq!(unsafe { Node::value(*node) }, &[n; 4]);
        }
        for node in nodes {
            // SAFETY: `u64`s need no drop, and no one else knows the node.
            unsafe { cache.put(node) };
        }
        assert_eq!(cache.len, limit);
        let again = cache.fill([9; 4]);
        assert_eq!(cache.len, limit - 1);
        // SAFETY: filled a moment ago, and known to no one else.
        unsafe {
            assert_eq!(Node::value(again), &[9; 4]);
            Node::free(again);
        }
    }

    #[test]
    fn values_without_size_have_nodes_too() {
        let mut cache = NodeCache::<()>::new();
        let node = cache.fill(());
        // SAFETY: the node was filled, and no one else knows it.
        unsafe { cache.put(node) };
        assert_eq!(cache.len, 1);
    }
}
