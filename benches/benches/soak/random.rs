//! Random numbers: SplitMix64, one sequence for each thread, all of them from the run's seed.

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64, thread: u64) -> Self {
        Self(mix(seed ^ mix(thread)))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `end - 1`.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// True once in `turns`.
    pub fn one_in(&mut self, turns: usize) -> bool {
        self.below(turns) == 0
    }
}

pub fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
