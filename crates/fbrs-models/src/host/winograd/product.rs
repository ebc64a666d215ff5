//! Products of transformed tiles and weights: for each of the 36, a product of matrices.

use pulp::Simd;

use super::super::registers::{
    Group, OUTPUTS, add_products, each_group, step, store_sums, weights_of,
};
use super::super::tile::RUN;

/// Some tiles of a task, which lie together.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// The first one, from the task's first.
    pub(super) first: usize,
    /// Tiles; nothing is made of the others up to the width.
    pub(super) count: usize,
    /// Room for tiles, whole vectors.
    pub(super) width: usize,
}

/// Values between one product's and the next one's: a transformed line goes to as many places as there are products,
/// and with a power of two between these they would share a few places of the nearest cache.
pub(super) const BETWEEN: usize = 16;

impl Block {
    /// How far one product's transformed values, `[channel][width]`, are from the next one's.
    pub(super) fn product(&self, channels: usize) -> usize {
        channels * self.width + BETWEEN
    }

    /// The blocks of a task: as few as there can be, of about as many tiles each.
    pub(super) fn all<S: Simd>(count: usize) -> impl Iterator<Item = Self> {
        let blocks = count.div_ceil(step::<S>()).max(1);
        let vectors = count.div_ceil(S::F32_LANES);
        let start = move |block: usize| (block * vectors / blocks * S::F32_LANES).min(count);
        (0..blocks).map(move |block| {
            let (first, count) = (start(block), start(block + 1) - start(block));
            Self { first, count, width: count.next_multiple_of(S::F32_LANES) }
        })
    }
}

/// Adds up a tile of outputs over inputs: `values` is `[input][width]`, `weight` `[input][OUTPUTS]`,
/// `out` `[OUTPUTS][width]`; `adds`: to what is there.
///
/// Products are added up in runs, and the runs' sums after that: rounding grows with the length of a sum,
/// and a search through a network follows its rounding. A run's values stay in the nearest cache for all
/// outputs.
#[inline(always)]
pub(super) fn multiply<S: Simd>(
    simd: S,
    values: &[f32],
    weight: &[f32],
    out: &mut [f32],
    width: usize,
    adds: bool,
) {
    let runs = values.chunks(RUN * width).zip(weight.chunks(RUN * OUTPUTS));
    for (index, (values, weight)) in runs.enumerate() {
        let mut run = Run { values, weight, out, adds: adds || index > 0 };
        each_group(simd, width / S::F32_LANES, OUTPUTS, &mut run);
    }
}

struct Run<'a> {
    values: &'a [f32],
    weight: &'a [f32],
    out: &'a mut [f32],
    adds: bool,
}

impl Group for Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize, const COUNT: usize>(&mut self, simd: S, first: usize) {
        let mut sums = [[simd.splat_f32s(0.0); N]; COUNT];
        let (values, _) = S::as_simd_f32s(self.values);
        let (values, _) = values.as_chunks::<N>();
        let (weight, _) = self.weight.as_chunks::<OUTPUTS>();
        for (values, weight) in values.iter().zip(weight) {
            add_products(simd, values, weights_of(weight, first), &mut sums);
        }
        let width = N * S::F32_LANES;
        store_sums(simd, &sums, &mut self.out[first * width..], width, self.adds);
    }
}
