//! [`Input`]: the bytes of a script.

/// What is left of a script. Behind its end come zeroes.
pub(crate) struct Input<'d> {
    rest: &'d [u8],
}

impl<'d> Input<'d> {
    /// A longer script is cut off.
    const MOST: usize = 2048;

    pub(crate) fn new(bytes: &'d [u8]) -> Self {
        Self { rest: &bytes[..bytes.len().min(Self::MOST)] }
    }

    /// The next byte, which stays.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number less than `end`; zero if that is zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    /// Whether a condition of the script's holds.
    pub(crate) fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    pub(crate) fn word(&mut self) -> usize {
        usize::from_le_bytes([(); size_of::<usize>()].map(|()| self.byte()))
    }
}
