//! Products of transformed tiles and weights: for each of the 36, a product of matrices.

use pulp::Simd;

use super::super::tile::{OUTPUTS, RUN};

/// Vectors of tiles that are multiplied at once, at most.
pub(super) const VECTORS: usize = 3;

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
    pub(super) fn all(count: usize, lanes: usize) -> impl Iterator<Item = Self> {
        let widest = VECTORS * lanes;
        (0..count).step_by(widest).map(move |first| {
            let count = (count - first).min(widest);
            Self { first, count, width: count.next_multiple_of(lanes) }
        })
    }
}

/// Adds up a tile of outputs over all inputs: `values` is `[input][width]`, `weight` `[input][OUTPUTS]`,
/// `out` `[OUTPUTS][width]`.
#[inline(always)]
pub(super) fn multiply<S: Simd>(
    simd: S,
    values: &[f32],
    weight: &[f32],
    out: &mut [f32],
    width: usize,
) {
    match width / S::F32_LANES {
        1 => multiply_by::<S, 1>(simd, values, weight, out),
        2 => multiply_by::<S, 2>(simd, values, weight, out),
        _ => multiply_by::<S, 3>(simd, values, weight, out),
    }
}

/// Products are added up in runs, and the runs' sums after that: rounding grows with the length of a sum,
/// and a search through a network follows its rounding. A run's values stay in the nearest cache for all
/// outputs.
#[inline(always)]
fn multiply_by<S: Simd, const N: usize>(simd: S, values: &[f32], weight: &[f32], out: &mut [f32]) {
    let width = N * S::F32_LANES;
    let runs = values.chunks(RUN * width).zip(weight.chunks(RUN * OUTPUTS));
    for (index, (values, weight)) in runs.enumerate() {
        // Wide vectors come with twice as many registers.
        if S::F32_LANES >= 16 {
            multiply_run::<S, N, 8>(simd, values, weight, 0, out, index > 0);
        } else {
            multiply_run::<S, N, 4>(simd, values, weight, 0, out, index > 0);
            multiply_run::<S, N, 4>(simd, values, weight, 4, out, index > 0);
        }
    }
}

#[inline(always)]
fn multiply_run<S: Simd, const N: usize, const COUNT: usize>(
    simd: S,
    values: &[f32],
    weight: &[f32],
    first: usize,
    out: &mut [f32],
    adds: bool,
) {
    let mut sums = [[simd.splat_f32s(0.0); N]; COUNT];
    let (values, _) = S::as_simd_f32s(values);
    let (values, _) = values.as_chunks::<N>();
    let (weight, _) = weight.as_chunks::<OUTPUTS>();
    for (values, weight) in values.iter().zip(weight) {
        for (sums, &weight) in sums.iter_mut().zip(&weight[first..first + COUNT]) {
            let weight = simd.splat_f32s(weight);
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = simd.mul_add_f32s(weight, value, *sum);
            }
        }
    }
    let (out, _) = S::as_mut_simd_f32s(out);
    let (out, _) = out.as_chunks_mut::<N>();
    for (out, sums) in out[first..first + COUNT].iter_mut().zip(&sums) {
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = if adds { simd.add_f32s(*out, *sum) } else { *sum };
        }
    }
}
