//! A small seeded generator of numbers (splitmix64): the same on every machine, for ever.

/// One stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Prng {
    state: u64,
}

impl Prng {
    /// A stream of its own for each (seed, purpose, index), so that item 7 can be made without items 1 to 6.
    pub(crate) fn of(seed: u64, purpose: u64, index: u64) -> Self {
        let mut mixed = Self { state: seed ^ purpose.wrapping_mul(0xA076_1D64_78BD_642F) };
        let state = mixed.next() ^ index.wrapping_mul(0xE703_7ED1_A0B4_28DB);
        Self { state }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`. The bias for bounds this small is far below what anyone could see.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number in `from..to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from).expect("callers give from < to");
        from + i64::try_from(self.below(width)).expect("smaller than the width, which was an i64")
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).expect("smaller than a slice's length");
            items.swap(last, other);
        }
    }
}
