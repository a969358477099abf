//! The values that the systems store: a number, wrapped in several types.

use std::{any::Any, fmt, sync::Arc};

/// A value made from a number, which can be read back.
pub trait Value: Send + Sync + 'static {
    fn make(number: u64) -> Self;
    fn read(&self) -> u64;
}

impl Value for u64 {
    #[inline]
    fn make(number: u64) -> Self {
        number
    }

    #[inline]
    fn read(&self) -> u64 {
        *self
    }
}

/// 64 bytes: the size of a cache line.
#[derive(Clone, Copy, Debug)]
pub struct Struct64([u64; 8]);

impl Value for Struct64 {
    #[inline]
    fn make(number: u64) -> Self {
        Self([number; 8])
    }

    #[inline]
    fn read(&self) -> u64 {
        self.0[0]
    }
}

/// 128 bytes: too large for a slot, so a table of ours keeps it in a box.
#[derive(Clone, Copy, Debug)]
pub struct Struct128([u64; 16]);

impl Value for Struct128 {
    #[inline]
    fn make(number: u64) -> Self {
        Self([number; 16])
    }

    #[inline]
    fn read(&self) -> u64 {
        self.0[0]
    }
}

impl Value for Arc<u64> {
    #[inline]
    fn make(number: u64) -> Self {
        Arc::new(number)
    }

    #[inline]
    fn read(&self) -> u64 {
        **self
    }
}

/// A value of any type, for systems that store values of one type only.
pub struct Boxed(Box<dyn Any + Send + Sync>);

impl Value for Boxed {
    #[inline]
    fn make(number: u64) -> Self {
        Self(Box::new(number))
    }

    #[inline]
    fn read(&self) -> u64 {
        *self.0.downcast_ref::<u64>().expect("a u64 was stored")
    }
}

/// The types of value that the command line can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    U64,
    Struct64,
    Struct128,
    Arc,
    /// A `u64` in the process-wide table of any type; in peers, in a `Box<dyn Any + Send + Sync>`.
    Any,
}

impl Type {
    pub const ALL: [Self; 5] = [Self::U64, Self::Struct64, Self::Struct128, Self::Arc, Self::Any];

    pub fn name(self) -> &'static str {
        match self {
            Self::U64 => "u64",
            Self::Struct64 => "s64",
            Self::Struct128 => "s128",
            Self::Arc => "arc",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Type {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| "must be one of u64, s64, s128, arc, any".into())
    }
}
