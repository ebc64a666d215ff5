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

impl Block {
    /// The blocks of a task: as wide as may be, the last one as narrow as it can be.
    pub(super) fn all<S: Simd>(count: usize) -> impl Iterator<Item = Self> {
        (0..count).step_by(step::<S>()).map(move |first| {
            let count = (count - first).min(step::<S>());
            Self { first, count, width: count.next_multiple_of(S::F32_LANES) }
        })
    }
}

/// Adds up a tile of outputs over all inputs: `values` is `[input][width]`, `weight` `[input][OUTPUTS]`,
/// `out` `[OUTPUTS][width]`.
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
) {
    let runs = values.chunks(RUN * width).zip(weight.chunks(RUN * OUTPUTS));
    for (index, (values, weight)) in runs.enumerate() {
        let mut run = Run { values, weight, out, adds: index > 0 };
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
